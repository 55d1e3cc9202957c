"""
Builders for pure tests: they take only what the test is about.
"""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.domain import due, lifecycle, opening
from chalicelib.domain.calendar import Calendar, Shift
from chalicelib.domain.change import Act
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.reference import Reference, draw
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Author, Channel, Message, Person, Role, Status

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = Calendar("Europe/Berlin", tuple(Shift(day, time(9), time(17)) for day in range(5)))
DEMO = Storefront("demo", "Demo Shop", ("support@demo.test",))
BUREAU = replace(DEMO, calendar=OFFICE)
EVA = Author(Role.CUSTOMER, "Eva", "eva@customer.test")
ANA = Author(Role.AGENT, "Ana", "ana@demo.test")
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
_ids = itertools.count(1)


def at(text: str) -> datetime:
    """Read a wall-clock time in Berlin with its weekday, as people write it: `Mon 2025-03-03 10:00`."""
    moment = datetime.strptime(text, "%a %Y-%m-%d %H:%M").replace(tzinfo=BERLIN)
    assert moment.strftime("%a") == text[:3], f"{text} is a {moment:%A}"
    return moment.astimezone(UTC)


def new_id() -> str:
    return f"{next(_ids):026d}"


def act(when: datetime = START, by: Author = ANA) -> Act:
    return Act(when, by, new_id)


def number(digits: str = "7K3F9Q2MX") -> Reference:
    given = iter(digits)
    return draw(lambda _: next(given))


def intake(**more) -> Intake:
    return Intake(
        **{
            "customer": Person("eva@customer.test", "Eva"),
            "subject": "My parcel",
            "body": "Where is it?",
            "channel": Channel.API,
            "language": "en",
        }
        | more
    )


def opened(when: datetime = START, storefront: Storefront = DEMO, **more):
    """Return the change that opens a ticket."""
    return opening.open_ticket(intake(**more), number(), storefront, act(when, EVA))


def ticket(status: Status = Status.NEW, when: datetime = START, storefront: Storefront = DEMO, **more):
    """Return a ticket that came to *status* by the shortest way that people take."""
    fresh = opened(when, storefront, **({"spam": True} if status is Status.SPAM else {}) | more).ticket
    match status:
        case Status.NEW | Status.SPAM:
            return fresh
        case Status.OPEN:
            return lifecycle.update(fresh, {"assignee": "ana@demo.test"}, storefront, act(when)).ticket
        case Status.PENDING:
            return answered(fresh, when, storefront)
        case Status.ON_HOLD | Status.MERGED:
            return lifecycle.update(fresh, {"status": status}, storefront, act(when)).ticket
        case Status.RESOLVED:
            return lifecycle.resolve(answered(fresh, when, storefront), storefront, act(when)).ticket
        case Status.CLOSED:
            resolved = ticket(Status.RESOLVED, when, storefront, **more)
            return due.fire(resolved, None, storefront, act(when + timedelta(days=8))).ticket


def answered(of, when: datetime = START, storefront: Storefront = DEMO, **more):
    return lifecycle.reply(of, Reply(**{"body": "It is on its way.", **more}), storefront, act(when)).ticket


def words(when: datetime = START, author: Author = EVA, **more) -> Message:
    return Message(
        **{"id": new_id(), "author": author, "channel": Channel.EMAIL, "created_at": when, "text": "Hello?"} | more
    )


def written(of, when: datetime = START, storefront: Storefront = DEMO, **more):
    """Return the ticket after its customer wrote."""
    return lifecycle.customer_writes(of, words(when, **more), storefront, act(when, EVA)).ticket
