"""
The tickets of `make rush`, and a worker that does what due_work does. What it imports reads the environment: set it first.
"""

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from botocore import handlers

from chalicelib.adapters import aws, ids, keys, rows
from chalicelib.adapters.table import Table
from chalicelib.config import config
from chalicelib.domain import lifecycle, opening
from chalicelib.domain.change import Act, Change
from chalicelib.domain.reference import draw
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Author, Channel, Person, Role, Ticket
from chalicelib.frozen import frozen
from chalicelib.usecases import due, house
from chalicelib.wiring import Desk, joined

SHOP = Storefront("demo", "Demo Shop", ("support@demo.test",))
MINUTE = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
AT = MINUTE + timedelta(minutes=1)
AGENT = Author(Role.AGENT, "Ana", "ana@shop.test")
BATCH = 25


def desk() -> Desk:
    """A desk whose clock stands at the minute, so that what it wants sent is not asked for again meanwhile."""
    return joined(config(), lambda: AT)


def sweep() -> int:
    """Sweep as the function does each minute, and return how many shards had something due."""
    return due.sweep(desk(), AT).busy_shards


def build() -> None:
    from tests.world import create_tables

    create_tables()
    house.put_storefront(desk(), SHOP)


def fill(count: int, say: Callable[[str], None]) -> None:
    """Write *count* tickets, due in the same minute: every second one to tell the lead, the others to ask the customer."""
    began = time.monotonic()
    makers = (_at_risk, _resolved)
    leads = [_first_due(make(0, MINUTE)) - MINUTE for make in makers]
    with rows.Row.batch_write() as batch:
        for number in range(count):
            kind = number % 2
            opened = MINUTE - leads[kind] + timedelta(minutes=1) * (number / count)
            ticket = makers[kind](number, opened)
            batch.save(row(ticket))
            if number and number % 20_000 == 0:
                say(f"{number} tickets written, {time.monotonic() - began:.0f} s")


def _act(at: datetime) -> Act:
    return Act(at, AGENT, ids.new_id)


def ticket_due(number: int, at: datetime) -> Ticket:
    """Return a ticket whose first promise is at risk at *at*."""
    lead = _first_due(_at_risk(0, MINUTE)) - MINUTE
    return _at_risk(number, at - lead)


def _opened(number: int, at: datetime) -> Ticket:
    intake = opening.Intake(
        Person(f"eva{number}@customer.test", "Eva"), "Where is my parcel?", "It is late.", Channel.API, "en"
    )
    return opening.open_ticket(intake, draw(ids.choose), SHOP, _act(at)).ticket


def _at_risk(number: int, at: datetime) -> Ticket:
    return _opened(number, at)


def _resolved(number: int, at: datetime) -> Ticket:
    answered = lifecycle.reply(_opened(number, at), lifecycle.Reply("It comes tomorrow."), SHOP, _act(at)).ticket
    return lifecycle.resolve(answered, SHOP, _act(at)).ticket


def _first_due(ticket: Ticket) -> datetime:
    if ticket.due_at is None:
        raise LookupError("a ticket of the crowd is never due")
    return ticket.due_at


def row(ticket: Ticket) -> rows.Row:
    places = keys.index(ticket, keys.Shards(config().due_shards, {}))
    return rows.row(keys.ticket(ticket.reference), ticket, index=places, version=ticket.version)


def wrong(count: int) -> list[str]:
    """Read the whole table, and name each ticket that did not do its part exactly once."""
    tickets: dict[str, Ticket] = {}
    written: Counter[tuple[str, str]] = Counter()
    for held in rows.Row.scan(consistent_read=True):
        kind, _, reference = held.pk.partition("#")
        if kind == "TICKET":
            written[reference, held.sk.partition("#")[0]] += 1
        if held.sk == "TICKET":
            tickets[reference] = rows.value(Ticket, held)
    told = [f"{count - len(tickets)} tickets are gone"] if len(tickets) != count else []
    for reference, ticket in tickets.items():
        survey, clock = ticket.survey, ticket.first_response
        did = survey.sent_at == AT if survey else bool(clock and clock.spoken)
        later = ticket.due_at is not None and ticket.due_at > AT
        found = (len(ticket.lines), written[reference, "OUTBOX"], did, later)
        if found != (1, 1, True, True):
            told.append(f"{reference} ({'survey' if survey else 'promise'}): changes, outbox, done, due later: {found}")
    return told


@frozen
class Watched(Table):
    """Tells of each change that was stored, and when."""

    told: TextIO = sys.stdout

    def commit(self, change: Change) -> Ticket:
        written = Table.commit(self, change)
        self.told.write(f"changed {time.monotonic()}\n")
        return written


def work(told: TextIO) -> None:
    """Take orders off the queue, one at a time, until killed, or until whoever started this is gone."""

    def called(model: Any, **_: Any) -> None:
        told.write(f"{model.name}\n")

    handlers.BUILTIN_HANDLERS.append(("before-call", called))
    mine, url = desk(), config().due_queue_url
    mine = replace(mine, table=Watched(mine.table.shards, mine.table.clock, told=told))
    starter = os.getppid()
    while os.getppid() == starter:
        for order in aws.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages", []):
            try:
                due.work(mine, json.loads(order["Body"]))
            except Exception as error:  # noqa: BLE001 as with the function, the queue brings the order again
                told.write(f"failed {type(error).__name__}\n")
                continue
            aws.client("sqs").delete_message(QueueUrl=url, ReceiptHandle=order["ReceiptHandle"])


if __name__ == "__main__":
    with Path(sys.argv[1]).open("a", buffering=1) as lines:
        work(lines)
