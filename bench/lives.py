"""
What a ticket's life reads and writes, by partition: real use cases on moto, watched call by call.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from typing import Any, NamedTuple

from botocore import handlers

from bench.meter import _INDEXES, Item, _stored, _written, size
from bench.use_cases import _life, _mail, _open, _reply, _warm
from chalicelib.usecases import listing, tickets
from chalicelib.usecases.listing import Asked
from tests.world import AGENT, World, running

_KB = 1024
_CUSTOMER = "eva@customer.test"
_WAITING = Asked(view="waiting")


class Place(NamedTuple):
    """A partition: `table`, or the name of an index, and its key."""

    of: str
    pk: str


@dataclass
class Footprint:
    """Units by partition, and calls by name."""

    written: Counter[Place] = field(default_factory=Counter)
    read: Counter[Place] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)

    def _before(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        self.calls[model.name] += 1
        context["asked"] = params
        context["held"] = [(t, k, _stored(t, k), times) for t, k, times in _written(model.name, params)]

    def _after(self, parsed: dict[str, Any], model: Any, context: dict[str, Any], **_: Any) -> None:
        if "asked" not in context or parsed["ResponseMetadata"]["HTTPStatusCode"] >= 300:  # noqa: PLR2004
            return
        for table, key, before, times in context["held"]:
            self._wrote(key["pk"]["S"], before or {}, _stored(table, key) or {}, times)
        for place, units in _reads(model.name, context["asked"], parsed):
            self.read[place] += units

    def _wrote(self, pk: str, before: Item, after: Item, times: int) -> None:
        self.written[Place("table", pk)] += ceil(max(size(before), size(after), 1) / _KB) * times
        for index in _INDEXES:
            was, now = ((item.get(f"{index}_pk"), item.get(f"{index}_sk")) for item in (before, after))
            for place in (was, now) if was != now else ():
                if place[0]:
                    self.written[Place(index, place[0]["S"])] += 1


@contextmanager
def watched() -> Iterator[Footprint]:
    """Watch every call of clients that are made from now on."""
    seen = Footprint()
    hooks = [("provide-client-params", seen._before), ("after-call", seen._after)]  # noqa: SLF001 its own hooks
    handlers.BUILTIN_HANDLERS.extend(hooks)
    try:
        yield seen
    finally:
        for hook in hooks:
            handlers.BUILTIN_HANDLERS.remove(hook)


def _reads(operation: str, params: dict[str, Any], answer: dict[str, Any]) -> Iterator[tuple[Place, float]]:
    match operation:
        case "GetItem":
            place = Place("table", params["Key"]["pk"]["S"])
            yield place, _units([answer.get("Item")], consistent=params.get("ConsistentRead", False))
        case "BatchGetItem":
            for table, asked in params["RequestItems"].items():
                found = {item["pk"]["S"]: item for item in answer["Responses"].get(table, ())}
                for key in asked["Keys"]:
                    held = found.get(key["pk"]["S"])
                    yield Place("table", key["pk"]["S"]), _units([held], consistent=asked.get("ConsistentRead", False))
        case "Query":
            index = params.get("IndexName", "table").removeprefix("by_").removesuffix("_time")
            pk = params["ExpressionAttributeValues"][":0"]["S"]
            yield Place(index, pk), _units(answer["Items"], consistent=params.get("ConsistentRead", False))


def _units(items: list[Item | None], *, consistent: bool) -> float:
    return max(ceil(sum(size(item) for item in items) / (4 * _KB)), 1) * (1 if consistent else 0.5)


def answered(world: World) -> None:
    """A life as `make bench` measures it: two questions, two answers, survey, rating, closing."""
    _life(world, lambda _, act: act())


def assigned(world: World) -> None:
    """Comes by mail, goes to an agent, is answered once and solved; the survey is not answered."""
    mail = _mail(_CUSTOMER, "support@demo.test", "<first@customer.test>")
    reference = world.receive(mail).reference
    world.settle()
    tickets.update(world.desk, reference, {"assignee": "ana@shop.test"}, by=AGENT, if_match=None)
    _solved(world, tickets.read(world.desk, reference))


def late(world: World) -> None:
    """Nobody answers in time: the lead is told of the risk and of the broken promise."""
    ticket = _open(world, _CUSTOMER, "late")
    world.settle()
    for hours in (7, 2, 4):
        world.sweep(world.later(hours=hours))
        world.settle()
    _solved(world, ticket)


def spam(world: World) -> None:
    mail = _mail("prize@casino.test", "support@demo.test", "<prize@casino.test>")
    reference = world.receive(mail, spam="FAIL").reference
    world.settle()
    world.sweep(world.later(days=8))
    tickets.read(world.desk, reference)


def _solved(world: World, ticket: Any) -> None:
    _reply(world, ticket, "It comes tomorrow.")
    world.settle()
    tickets.resolve(world.desk, ticket.reference, by=AGENT, if_match=None)
    world.sweep(world.later(hours=25))
    world.settle()
    world.sweep(world.later(days=8))


def played(life: Callable[[World], None]) -> Footprint:
    """Play one life, in which an agent looks twice at what waits; return what it left on which partitions."""
    with watched() as seen, running() as world:
        _warm(world)
        seen.written.clear(), seen.read.clear(), seen.calls.clear()
        life(world)
        for _ in range(2):
            listing.page(world.desk, _WAITING, storefront="demo", mine=None, cursor=None, limit=25)
    return seen
