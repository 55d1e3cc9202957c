"""
What a use case asks of AWS: calls, and DynamoDB units by the rules of its capacity modes, whatever an emulator says.

| | units |
|---|---|
| write of an item | 1 for each KB of the larger of what was and what is, twice that in a transaction |
| index entry | 1 to put, 1 to take out, 2 to move; nothing when its keys and projection stay |
| read | 1 for each 4 KB, half when it need not be consistent; an item that is not there costs the smallest read |

Source: Amazon DynamoDB Developer Guide, "DynamoDB capacity unit consumption".
"""

import base64
import math
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore import handlers
from moto.backends import get_backend

from tests.world import ACCOUNT, REGION

_KB = 1024
_INDEXES = ("queue", "customer", "assignee", "view", "risk", "day", "due")
Item = dict[str, dict[str, Any]]


@dataclass
class Meter:
    """What was asked for since `begin`; made once, because botocore's hooks are for the whole process."""

    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0
    read_units: float = 0
    _held: list[tuple[str, dict[str, str], Item | None, int]] = field(default_factory=list)
    _on: bool = False

    def __post_init__(self) -> None:
        handlers.BUILTIN_HANDLERS.append(("provide-client-params", self._before))
        handlers.BUILTIN_HANDLERS.append(("after-call", self._after))

    @contextmanager
    def begin(self) -> Iterator["Meter"]:
        self.calls, self.write_units, self.read_units, self._on = Counter(), 0, 0, True
        try:
            yield self
        finally:
            self._on = False

    def _before(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if not self._on:
            return
        self.calls[f"{model.service_model.service_name}.{model.name}"] += 1
        context["metered"] = params
        context["before"] = [(t, k, _stored(t, k), times) for t, k, times in _written(model.name, params)]

    def _after(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if not self._on or "metered" not in context or parsed["ResponseMetadata"]["HTTPStatusCode"] >= 300:  # noqa: PLR2004
            return
        for table, key, before, times in context["before"]:
            self.write_units += _write_units(before, _stored(table, key), times)
        self.read_units += _read_units(model.name, context["metered"], parsed)


def _written(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, Item, int]]:
    """Yield (table, key, factor) of each item that a call writes."""
    if operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield params["TableName"], _key(params), 1
    for each in params.get("TransactItems", ()) if operation == "TransactWriteItems" else ():
        (action,) = each.values()
        yield action["TableName"], _key(action), 2


def _key(action: dict[str, Any]) -> Item:
    held = action.get("Key") or action["Item"]
    return {name: held[name] for name in ("pk", "sk") if name in held}


def _stored(table: str, key: Item) -> Item | None:
    found = get_backend("dynamodb")[ACCOUNT][REGION].tables[table]
    pk, sk = (key[name]["S"] if name in key else None for name in ("pk", "sk"))
    for item in found.all_items():
        if item.attrs["pk"].value == pk and (sk is None or item.attrs["sk"].value == sk):
            return {name: {value.type: value.value} for name, value in item.attrs.items()}
    return None


def _write_units(before: Item | None, after: Item | None, times: int) -> float:
    larger = max(size(before), size(after), 1)
    return math.ceil(larger / _KB) * times + sum(_index_units(name, before or {}, after or {}) for name in _INDEXES)


def _index_units(name: str, before: Item, after: Item) -> int:
    was, now = ((item.get(f"{name}_pk"), item.get(f"{name}_sk")) for item in (before, after))
    return 0 if was == now else int(all(was)) + int(all(now))


def _read_units(operation: str, params: dict[str, Any], answer: dict[str, Any]) -> float:
    match operation:
        case "GetItem":
            return _units([answer.get("Item")], consistent=params.get("ConsistentRead", False))
        case "BatchGetItem":
            total = 0.0
            for table, asked in params["RequestItems"].items():
                found = answer["Responses"].get(table, [])
                missing: list[Item | None] = [None] * (len(asked["Keys"]) - len(found))
                total += sum(
                    _units([item], consistent=asked.get("ConsistentRead", False)) for item in [*found, *missing]
                )
            return total
        case "Query":
            return _units(answer["Items"], consistent=params.get("ConsistentRead", False))
    return 0.0


def _units(items: list[Item | None], *, consistent: bool) -> float:
    total = sum(size(item) for item in items)
    return max(math.ceil(total / (4 * _KB)), 1) * (1 if consistent else 0.5)


def size(item: Item | None) -> int:
    """Return the bytes of an item as DynamoDB counts them: names and values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in (item or {}).items())


def _value_size(value: dict[str, Any]) -> int:
    ((kind, held),) = value.items()
    if kind == "B":
        return len(held if isinstance(held, bytes) else base64.b64decode(held))
    return math.ceil(len(str(held)) / 2) + 1 if kind == "N" else len(str(held).encode())
