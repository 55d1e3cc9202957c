"""
What requests look like, and the JSON reader for what comes from outside.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from chalicelib.domain.schema import Schema, checked, moment, nullable, one_of, record, several, text
from chalicelib.domain.settings import SETTINGS
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.ticket import Channel, Phase, Status

__all__ = ["SETTINGS", "Schema", "checked", "moment"]

MOST_BYTES = 256 * 1024
MOST_DEPTH = 32
_LONGEST_EMAIL = 254
_SURROGATE = re.compile("[\ud800-\udfff]")


EMAIL = text(_LONGEST_EMAIL, 3, format="email")
MOMENT = text(40, 10, format="date-time")
BODY = text(200_000, 1)
UPLOADS = several(text(26, 26), 20)
TAGS = several(text(60, 1), 50)
LANGUAGE = text(12, 2, pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$")
CUSTOMER = record(
    email=EMAIL, name=text(200), language=LANGUAGE,
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
CHECK_IN = record(
    ("at",),
    at=MOMENT,
    every_days={"type": "integer", "minimum": 1, "maximum": 366},
    until=MOMENT,
    message=text(20_000, 1),
)
MACRO = record(language=LANGUAGE)
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
