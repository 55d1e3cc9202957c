"""
What documents from outside must look like: JSON Schema (the parts that OpenAPI 3.1 shows), and a check that names every fault.

One description serves both: what is documented is what is checked.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.addresses import is_sendable
from chalicelib.domain.errors import Fault, Invalid

Schema = Mapping[str, Any]

_LONGEST = 1_000_000


def text(most: int, least: int = 0, **more: Any) -> Schema:  # noqa: ANN401
    return {"type": "string", "minLength": least, "maxLength": most, **more}


def one_of(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def record(required: tuple[str, ...] = (), **fields: Schema) -> Schema:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def several(items: Schema, most: int) -> Schema:
    return {"type": "array", "items": items, "maxItems": most}


def nullable(schema: Schema) -> Schema:
    either = {**schema, "type": [schema["type"], "null"]}
    return {**either, "enum": [*schema["enum"], None]} if "enum" in schema else either


def named(values: Schema, *names: str, pattern: str = "") -> Schema:
    """Return the schema of an object with any of *names*, or names like *pattern*, each with a value like *values*."""
    return {
        "type": "object",
        "additionalProperties": values,
        **({"propertyNames": {"enum": list(names)}} if names else {}),
        **({"propertyNames": {"pattern": pattern}} if pattern else {}),
    }


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
    if "properties" not in schema:
        yield from _named(value, schema, at)
        return
    fields = schema["properties"]
    yield from (Fault(f"{at}/{name}", "is missing") for name in schema["required"] if name not in value)
    for name, item in value.items():
        if name in fields:
            yield from _faults(item, fields[name], f"{at}/{name}")
        else:
            yield Fault(f"{at}/{_escaped(name)}", "is not a field of this request")


def _named(value: dict[str, Any], schema: Schema, at: str) -> Iterator[Fault]:
    names, pattern = (schema.get("propertyNames", {}).get(key) for key in ("enum", "pattern"))
    for name, item in value.items():
        if names and name not in names:
            yield Fault(f"{at}/{_escaped(name)}", f"must be one of: {', '.join(names)}")
        elif pattern and not re.fullmatch(pattern, name):
            yield Fault(f"{at}/{_escaped(name)}", f"is not a name of the form {pattern}")
        else:
            yield from _faults(item, schema["additionalProperties"], f"{at}/{_escaped(name)}")


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
        yield Fault(at, f"must be one of: {', '.join(filter(None, schema['enum']))}")
    elif len(value.strip()) < schema.get("minLength", 0):
        yield Fault(
            at, "must not be empty" if not value.strip() else f"is shorter than {schema['minLength']} characters"
        )
    elif len(value) > schema.get("maxLength", _LONGEST):
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


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:100]
