"""
Frozen dataclasses as JSON and back: what is at its default is left out, so documents stay small and may grow.

| value | stored as |
|---|---|
| datetime | `2026-03-01T09:30:00Z`, with microseconds where there are any |
| date | `2026-03-01` |
| timedelta | seconds |
| time | `09:30` |
| enum | its value |
| tuple | list |
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def dumps(value: Any) -> str:  # noqa: ANN401 any of the domain's values
    return _encode(plain(value))


def plain(value: Any) -> Any:  # noqa: ANN401 any of the domain's values
    """Return *value* as JSON can hold it."""
    kind: Any = type(value)
    make = _plain_of(kind)
    return make(value) if make else value


@cache
def _plain_of(kind: Any) -> Callable[[Any], Any] | None:  # noqa: ANN401 a type
    """Return what makes JSON of the values of a type; None where they are JSON."""
    if issubclass(kind, Enum):
        return lambda value: value.value
    if kind is type(None) or issubclass(kind, str | int | float | bool):
        return None
    if issubclass(kind, datetime):
        return written
    if issubclass(kind, date):
        return lambda value: value.isoformat()
    if issubclass(kind, timedelta):
        return lambda value: value.total_seconds()
    if issubclass(kind, time):
        return lambda value: value.isoformat("minutes")
    if issubclass(kind, Mapping):
        return lambda value: {plain(key): plain(item) for key, item in value.items()}
    if issubclass(kind, tuple | list):
        return lambda value: [plain(item) for item in value]
    usual = [(field.name, _default(field)) for field in fields(kind)]
    return lambda value: {name: plain(held) for name, at in usual if (held := getattr(value, name)) != at}


def loads(kind: type[T], text: str) -> T:
    value: T = built(kind, json.loads(text))
    return value


def built(kind: Any, value: Any) -> Any:  # noqa: ANN401 one line for each kind of value
    """Return the value of type *kind* that `plain` made *value* of. Fields that the type does not know are ignored."""
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return None if value is None else built(next(k for k in get_args(kind) if k is not type(None)), value)
    if origin is tuple:
        return tuple(built(get_args(kind)[0], item) for item in value)
    if origin is not None and issubclass(origin, Mapping):
        key_kind, item_kind = get_args(kind)
        return {built(key_kind, key): built(item_kind, item) for key, item in value.items()}
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is date:
        return date.fromisoformat(value)
    if kind is timedelta:
        return timedelta(seconds=value)
    if kind is time:
        return time.fromisoformat(value)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(value)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: built(hints[name], item) for name, item in value.items() if name in hints})
    return value


def written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _default(field: Field[Any]) -> Any:  # noqa: ANN401
    if field.default_factory is not MISSING:
        return field.default_factory()
    return field.default


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return the type of each field; only one that stands in quotes has to be looked up, which is dear."""
    types_of = {field.name: field.type for field in fields(kind)}
    return get_type_hints(kind) if any(isinstance(each, str) for each in types_of.values()) else types_of
