"""
The sky with sorted indexes: a query costs what it returns, whatever else lies in the table.

Tables are dicts that keep, beside their items, each partition's sort keys in order: of the table itself and of each
index. Everything else that AWS answers is the sky's.
"""

import re
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.faults.sky import Item, Said, Sky

_INDEXES = ("queue", "customer", "assignee", "view", "risk", "day", "due")
_KEY = ("pk", "sk")
_CONDITION = re.compile(r"[#:]\w+|AND|BETWEEN|begins_with|<=|>=|[=<>]")

Place = tuple[str, tuple[str, str]]
"""A sort key and the primary key of the item that has it; sorted, they are a partition of an index."""

Written = Callable[[Item | None, Item], None]


class Indexed(dict[tuple[str, str], Item]):
    """A table; `heard`, if set, is told of each item that is written, and of what it was before."""

    def __init__(self) -> None:
        super().__init__()
        self.sorts: dict[str, dict[str, list[str]]] = {"": defaultdict(list)}
        self.places: dict[tuple[str, str], list[Place]] = defaultdict(list)
        self.heard: Written | None = None

    def __setitem__(self, key: tuple[str, str], item: Item) -> None:
        before = self.get(key)
        if before is None:
            insort(self.sorts[""][key[0]], key[1])
        for index in _INDEXES:
            was, now = _place(before, index, key), _place(item, index, key)
            if was != now:
                self._forget(index, was)
                if now:
                    insort(self.places[index, now[0]], now[1])
        super().__setitem__(key, item)
        if self.heard:
            self.heard(before, item)

    def pop(self, key: tuple[str, str], *otherwise: Any) -> Any:
        item = self.get(key)
        if item is not None:
            sorts = self.sorts[""][key[0]]
            del sorts[bisect_left(sorts, key[1])]
            for index in _INDEXES:
                self._forget(index, _place(item, index, key))
        return super().pop(key, *otherwise)

    def first(self, index: str, partition: str) -> str | None:
        """Return the lowest sort key of a partition of an index."""
        places = self.places.get((index, partition))
        return places[0][0] if places else None

    def partition(self, index: str, pk: str) -> list[Place]:
        if index:
            return self.places.get((index, pk), [])
        return [(sk, (pk, sk)) for sk in self.sorts[""].get(pk, [])]

    def _forget(self, index: str, was: tuple[str, Place] | None) -> None:
        if was:
            places = self.places[index, was[0]]
            del places[bisect_left(places, was[1])]


def _place(item: Item | None, index: str, key: tuple[str, str]) -> tuple[str, Place] | None:
    if item is None or f"{index}_pk" not in item:
        return None
    return item[f"{index}_pk"]["S"], (item[f"{index}_sk"]["S"], key)


@dataclass
class Store(Sky):
    """All that AWS holds, with tables that answer a query by bisection."""

    tables: dict[str, Indexed] = field(default_factory=lambda: defaultdict(Indexed))  # type: ignore[assignment]

    def answer(self, service: str, operation: str, said: Said) -> dict[str, Any]:
        if operation == "Query":
            return self._sorted_query(said)
        return super().answer(service, operation, said)

    def _sorted_query(self, said: Said) -> dict[str, Any]:
        table, index = self.tables[said["TableName"]], said.get("IndexName", "")
        prefix = {"": ""}.get(index, f"{index.removeprefix('by_').removesuffix('_time')}_")
        pk, low, high = _range(said)
        if "ExclusiveStartKey" in said:
            raise NotImplementedError("the desk reads one page at a time")
        places = table.partition(prefix.rstrip("_"), pk)
        found = places[bisect_left(places, (low,)) : bisect_right(places, (high, ("\U0010ffff",)))]
        if not said.get("ScanIndexForward", True):
            found.reverse()
        limit = said.get("Limit", len(found))
        more, found = len(found) > limit, found[:limit]
        items = [table[key] for _, key in found]
        if index:
            kept = (*_KEY, f"{prefix}pk", f"{prefix}sk")
            items = [{name: item[name] for name in kept} for item in items]
        answer: dict[str, Any] = {"Items": items, "Count": len(items), "ScannedCount": len(items)}
        if more:
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in {*_KEY, f"{prefix}pk", f"{prefix}sk"}}
        return answer


_JUST_ABOVE, _JUST_BELOW = "\x00", "\uffff"


def _range(said: Said) -> tuple[str, str, str]:
    """Return the partition and the sort keys, both included, between which a query looks."""
    how, operands = _read(said["KeyConditionExpression"])
    values: Mapping[str, Any] = said["ExpressionAttributeValues"]
    pk, *sort = [next(iter(values[name].values())) for name in operands]
    match how:
        case "":
            return pk, "", "\U0010ffff"
        case "BETWEEN":
            return pk, sort[0], sort[1]
        case "begins_with":
            return pk, sort[0], f"{sort[0]}\U0010ffff"
        case "=":
            return pk, sort[0], sort[0]
        case "<=":
            return pk, "", sort[0]
        case ">=":
            return pk, sort[0], "\U0010ffff"
        case ">":
            return pk, sort[0] + _JUST_ABOVE, "\U0010ffff"
        case "<":
            return pk, "", _before(sort[0])
    raise NotImplementedError(how)


def _before(key: str) -> str:
    """Return a text below *key* with none of our keys in between."""
    return key[:-1] + chr(ord(key[-1]) - 1) + _JUST_BELOW if key else ""


@cache
def _read(expression: str) -> tuple[str, tuple[str, ...]]:
    """Return how a key condition compares the sort key, and its values in order."""
    tokens = _CONDITION.findall(expression)
    operands = tuple(token for token in tokens if token[0] == ":")
    hows = [token for token in tokens if token[0] not in ":#" and token != "AND"]
    return (hows[1] if len(hows) > 1 else ""), operands
