"""
Time passing: the sweep finds what is due, a shard at a time, and does a little of it; due_work does what is more.
"""

import json
import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.adapters import codec, keys, queues, rows
from chalicelib.adapters.conflicts import Asked, Outrun
from chalicelib.adapters.rows import Row
from chalicelib.domain import due
from chalicelib.domain.errors import Busy, NotFound
from chalicelib.domain.sending import FIRST_LOOK
from chalicelib.domain.ticket import SYSTEM
from chalicelib.frozen import frozen
from chalicelib.usecases import digests
from chalicelib.wiring import Desk

_PAGE = 100
_IN_ONE_GO = 200
_IN_PLACE = 8
"""How many tickets a sweep does by itself, over all shards: for so few a message and another function are dearer than the work."""

_TRIES = 5


@frozen
class Swept:
    """
    What a sweep found: shards with something due, tickets that it did by itself, and since when the oldest unsent item
    waits (seconds).
    """

    busy_shards: int
    done: int
    oldest_unsent_seconds: float


def sweep(desk: Desk, at: datetime) -> Swept:
    """
    Look at each shard. A few tickets are done at once; for a shard with more one message goes on the queue. A shard with
    nothing due costs two queries.

    Args:
        desk: The desk.
        at: The time of the event. Tickets follow it, so that a day can be played in a second; sending does not.

    Raises:
        ExceptionGroup: Some tickets failed; all else was done, and the next sweep finds them again.
    """
    now = desk.clock()
    busy, done, oldest = 0, 0, 0.0
    failures: list[Exception] = []
    for shard in range(desk.config.due_shards):
        unsent = rows.page("by_due_time", keys.unsent(shard), until=f"{keys.moment(now)}~", limit=1)
        tickets = rows.page("by_due_time", keys.due(shard), until=f"{keys.moment(at)}~", limit=_IN_PLACE + 1)
        busy += bool(unsent or tickets)
        if unsent:
            waits_since = datetime.fromisoformat(rows.sort_key("by_due_time", unsent[0]).partition("#")[0])
            oldest = max(oldest, (now - waits_since).total_seconds())
        if unsent or done + len(tickets) > _IN_PLACE:
            queues.put(desk.config.due_queue_url, {"shard": shard, "at": codec.written(at)})
        else:
            failures += _fire_all(desk, tickets, at)
            done += len(tickets)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {done} tickets", failures)
    return Swept(busy, done, oldest)


def work(desk: Desk, order: Mapping[str, Any]) -> int:
    """
    Do what is due on one shard; return how many items were handled. What is left is asked for again.

    Raises:
        ExceptionGroup: Some tickets failed; the others were done.
    """
    at, shard = datetime.fromisoformat(order["at"]), int(order["shard"])
    done = _bring_unsent(desk, shard)
    failures: list[Exception] = []
    after: str | None = None
    while done < _IN_ONE_GO:
        found = rows.page("by_due_time", keys.due(shard), after=after, until=f"{keys.moment(at)}~", limit=_PAGE)
        failures += _fire_all(desk, found, at)
        done += len(found)
        if len(found) < _PAGE:
            break
        after = rows.sort_key("by_due_time", found[-1])
    else:
        queues.put(desk.config.due_queue_url, {"shard": shard, "at": order["at"]})
    if failures:
        raise ExceptionGroup(f"{len(failures)} of shard {shard}", failures)
    return done


def _fire_all(desk: Desk, found: list[Row], at: datetime) -> list[Exception]:
    """Do what is due on a page of tickets, and return what failed: one ticket must not stop the others."""
    failures: list[Exception] = []
    for held in random.sample(found, len(found)):  # another worker may be at the same page: meet him less
        try:
            _fire_row(desk, held.pk, at)
        except Exception as error:  # noqa: BLE001 all are told at the end
            failures.append(error)
    return failures


def _fire_row(desk: Desk, pk: str, at: datetime) -> None:
    kind, _, name = pk.partition("#")
    if kind == "DIGEST":
        digests.send_due(desk, name, at)
    else:
        fire(desk, name, at)


def still_due(desk: Desk, at: datetime) -> int:
    """Return how many tickets are due by *at*, counting at most a page of each shard."""
    until = f"{keys.moment(at)}~"
    shards = range(desk.config.due_shards)
    return sum(len(rows.page("by_due_time", keys.due(shard), until=until, limit=_PAGE)) for shard in shards)


def still_unsent(desk: Desk) -> int:
    """Return how much is on its way out just now: not what waits for an undo or a retry later."""
    until = f"{keys.moment(desk.clock() + FIRST_LOOK)}~"
    shards = range(desk.config.due_shards)
    return sum(len(rows.page("by_due_time", keys.unsent(shard), until=until, limit=_PAGE)) for shard in shards)


def fire(desk: Desk, reference: str, at: datetime) -> None:
    """Do all that is due on one ticket by *at*, as one change. What fails for good leaves the index at the fifth time."""
    try:
        _fire(desk, reference, at)
    except (NotFound, Busy, PynamoDBException, BotoCoreError, ClientError):
        raise  # it passes, and the next sweep finds the ticket again
    except Exception as error:
        _count_failure(desk, reference, at, error)
        raise


def _fire(desk: Desk, reference: str, at: datetime) -> None:
    for attempt in range(_TRIES):
        ticket = desk.table.ticket(reference)
        asks = any(due_at <= at for what, due_at in ticket.timers.items() if what in due.ASK_THE_CUSTOMER)
        customer = desk.table.customer(ticket.customer.email, consistent=attempt > 0) if asks else None
        change = due.fire(ticket, customer, desk.house.storefront(ticket.storefront), desk.act(SYSTEM, at))
        if change is None:
            return
        try:
            desk.table.commit(change)
        except (Outrun, Asked):
            continue
        return
    raise Busy("Too many people change this ticket at once. The next sweep tries again.")


def _count_failure(desk: Desk, reference: str, at: datetime, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"
    failed = desk.table.change(reference, lambda ticket: due.failed(ticket, reason, desk.act(SYSTEM, at)))
    if not failed.timers:
        queues.bury(desk.config.due_dead_letter_url, json.dumps({"ticket": reference, "at": codec.written(at)}), reason)


def _bring_unsent(desk: Desk, shard: int) -> int:
    """Bring what should have been sent by now to the workers that send; they decide what is to be done with it."""
    now = desk.clock()
    found = rows.page("by_due_time", keys.unsent(shard), until=f"{keys.moment(now)}~", limit=_IN_ONE_GO // 2)
    for held in found:
        reference, outbox_id = held.pk.removeprefix("TICKET#"), held.sk.removeprefix("OUTBOX#")
        queues.put(desk.config.outbox_queue_url, {"ticket": reference, "outbox": outbox_id})
    return len(found)
