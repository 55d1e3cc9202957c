"""
What requests look like: JSON Schema (the parts that OpenAPI 3.1 shows), and a check that names every fault.

One description serves both: what is documented is what is checked.
"""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.addresses import is_sendable
from chalicelib.domain.errors import Fault, Invalid
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.ticket import Channel, Phase, Status

Schema = Mapping[str, Any]

MOST_BYTES = 256 * 1024
MOST_DEPTH = 32
_LONGEST_EMAIL = 254
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(most: int, least: int = 0, **more: Any) -> Schema:  # noqa: ANN401
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def record(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def several(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


def nullable(schema: Schema) -> Schema:
    return {**schema, "type": [schema["type"], "null"]}


EMAIL = text(_LONGEST_EMAIL, 3, format="email")
MOMENT = text(40, 10, format="date-time")
BODY = text(200_000, 1)
UPLOADS = several(text(26, 26), 20)
TAGS = several(text(60, 1), 50)
CUSTOMER = record(
    email=EMAIL, name=text(200), language=text(12, 2, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$"),
    phone=text(40), handle=text(100),
)  # fmt: skip
OPEN_TICKET = record(
    ("customer", "subject", "body"),
    customer=CUSTOMER,
    subject=text(500, 1),
    body=BODY,
    kind=one_of(*Kind),
    priority=one_of(*Priority),
    order_reference=text(100),
    tags=TAGS,
    channel=one_of(*Channel),
    phase=one_of(*Phase),
    attachments=UPLOADS,
    storefront=text(60, 1),
)
QUEUED_TICKET = record(
    ("customer", "subject", "body", "storefront"),
    **OPEN_TICKET["properties"],
    idempotency_key=text(255, 1),
)
CUSTOMER_MESSAGE = record(("body",), body=BODY, attachments=UPLOADS)
AGENT_MESSAGE = record(
    ("body",),
    body=BODY,
    internal={"type": "boolean"},
    status=one_of(Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED),
    awaits_reply={"type": "boolean"},
    promised_at=MOMENT,
    seen_message_id=text(26, 26),
    undo_seconds={"type": "integer", "minimum": 0, "maximum": 900},
    attachments=UPLOADS,
)
PATCH_TICKET = record(
    status=one_of(Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.CLOSED, Status.SPAM),
    priority=one_of(*Priority),
    kind=one_of(*Kind),
    assignee=nullable(text(200, 1)),
    team=nullable(text(100, 1)),
    tags=TAGS,
    phase=nullable(one_of(*Phase)),
    promised_at=nullable(MOMENT),
    snoozed_until=nullable(MOMENT),
)
UPLOAD = record(
    ("name", "content_type", "size"),
    name=text(255, 1),
    content_type=text(100, 3, pattern="^[A-Za-z0-9.+-]+/[A-Za-z0-9.+-]+$"),
    size={"type": "integer", "minimum": 1, "maximum": 25 * 1024 * 1024},
)


class Malformed(Exception):
    """Not JSON that we read."""


def parsed(raw: bytes) -> Any:  # noqa: ANN401 whatever was sent
    """
    Read JSON from outside.

    Raises:
        Malformed: It is not JSON, not UTF-8, or deeper than 32 levels.
    """
    try:
        value = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("The body is not JSON in UTF-8.") from error
    if any(depth > MOST_DEPTH or (isinstance(v, str) and _SURROGATE.search(v)) for v, depth in _walk(value)):
        raise Malformed(f"The body is deeper than {MOST_DEPTH} levels, or holds half a character.")
    return value


def checked(value: Any, schema: Schema) -> Any:  # noqa: ANN401
    """
    Return *value* if it is as *schema* says.

    Raises:
        Invalid: With a pointer for every fault.
    """
    faults = tuple(_faults(value, schema, ""))
    if faults:
        raise Invalid(*faults)
    return value


def _faults(value: Any, schema: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if value is None and "null" in types:
        return
    check = {"object": _object, "array": _array, "string": _string, "integer": _integer, "boolean": _boolean}[types[0]]
    yield from check(value, schema, at)


def _object(value: Any, schema: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(value, dict):
        yield Fault(at, "must be an object")
        return
    fields = schema["properties"]
    yield from (Fault(f"{at}/{name}", "is missing") for name in schema["required"] if name not in value)
    for name, item in value.items():
        if name in fields:
            yield from _faults(item, fields[name], f"{at}/{name}")
        else:
            yield Fault(f"{at}/{_escaped(name)}", "is not a field of this request")


def _array(value: Any, schema: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(value, list):
        yield Fault(at, "must be a list")
        return
    if len(value) > schema["maxItems"]:
        yield Fault(at, f"has more than {schema['maxItems']} items")
        return
    for place, item in enumerate(value):
        yield from _faults(item, schema["items"], f"{at}/{place}")


def _string(value: Any, schema: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(value, str):
        yield Fault(at, "must be text")
    elif "enum" in schema and value not in schema["enum"]:
        yield Fault(at, f"must be one of: {', '.join(schema['enum'])}")
    elif len(value.strip()) < schema.get("minLength", 0):
        yield Fault(
            at, "must not be empty" if not value.strip() else f"is shorter than {schema['minLength']} characters"
        )
    elif len(value) > schema.get("maxLength", MOST_BYTES):
        yield Fault(at, f"is longer than {schema['maxLength']} characters")
    elif "pattern" in schema and not re.fullmatch(schema["pattern"], value):
        yield Fault(at, f"does not have the form {schema['pattern']}")
    elif schema.get("format") == "email" and not is_sendable(value):
        yield Fault(at, "is not an e-mail address that mail can be sent to")
    elif schema.get("format") == "date-time" and moment(value) is None:
        yield Fault(at, "is not a time in ISO 8601 with its zone, like 2026-03-01T09:30:00Z")


def _integer(value: Any, schema: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(value, int) or isinstance(value, bool):
        yield Fault(at, "must be a whole number")
    elif not schema["minimum"] <= value <= schema["maximum"]:
        yield Fault(at, f"must lie between {schema['minimum']} and {schema['maximum']}")


def _boolean(value: Any, _: Schema, at: str) -> Iterator[Fault]:  # noqa: ANN401
    if not isinstance(value, bool):
        yield Fault(at, "must be true or false")


def moment(value: str) -> datetime | None:
    """Return a time in UTC; None for one that is none, or has no zone."""
    try:
        at = datetime.fromisoformat(value)
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _no_constant(name: str) -> Any:  # noqa: ANN401
    raise ValueError(f"{name} is not JSON")


def _walk(value: Any) -> Iterator[tuple[Any, int]]:  # noqa: ANN401
    """Yield every value and key with its depth, without recursion."""
    todo = [(value, 1)]
    while todo:
        found, depth = todo.pop()
        yield found, depth
        if isinstance(found, dict):
            todo += [(part, depth + 1) for pair in found.items() for part in pair]
        elif isinstance(found, list):
            todo += [(part, depth + 1) for part in found]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:100]
