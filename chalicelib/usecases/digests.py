"""
The morning digest: at opening time each team's lead is told what waits for him.

A storefront's next digest is an item of its own in `by_due_time`, like a ticket: `due_work` brings it here.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from chalicelib.adapters import codec, keys, lists
from chalicelib.adapters.lists import Listing
from chalicelib.domain.change import Outgoing
from chalicelib.domain.errors import NotFound
from chalicelib.domain.storefront import Kind, Storefront
from chalicelib.domain.ticket import Category, Ticket
from chalicelib.frozen import frozen
from chalicelib.wiring import Desk

_SHOWN = 10
_LOOKED_AT = 100


@frozen
class Section:
    """One part of a digest; `more` says that there are more than are shown."""

    title: str
    tickets: tuple[Ticket, ...]
    more: bool


def plan(desk: Desk, storefront: Storefront) -> None:
    """Have the next digest due at the next opening; none for a storefront that wants none, or has nobody to tell."""
    desk.outbox.plan_digest(storefront.id, _next(storefront, desk.clock()))


def send_due(desk: Desk, storefront_id: str, at: datetime) -> int:
    """
    Write the digests of a storefront that are due, and plan the next; return how many leads are told.

    One transaction takes the due item forward and puts the mails out, so nobody gets one twice.
    """
    try:
        storefront = desk.house.storefront(storefront_id)
    except NotFound:
        return 0
    mails = [_digest(desk, storefront, lead, at) for lead in _leads(storefront)]
    return len(mails) if desk.outbox.put_digests(storefront.id, at, _next(storefront, at), mails, desk.clock()) else 0


def _leads(storefront: Storefront) -> list[str]:
    return sorted({team.lead for team in storefront.teams.values() if team.lead})


def _next(storefront: Storefront, at: datetime) -> datetime | None:
    return storefront.calendar.morning_after(at) if storefront.digest and _leads(storefront) else None


def _digest(desk: Desk, storefront: Storefront, lead: str, at: datetime) -> Outgoing:
    teams = {name for name, team in storefront.teams.items() if team.lead == lead}
    sections = [codec.plain(_shown(section)) for section in _sections(desk, storefront, teams, at) if section.tickets]
    spam = len(_tickets(desk, Listing("by_view", (keys.spam(storefront.id),))))
    data: dict[str, Any] = {
        "storefront": storefront.id,
        "day": storefront.calendar.day_of(at).isoformat(),
        "sections": sections,
        "spam_count": f"{spam}+" if spam >= _LOOKED_AT else spam,
    }
    return Outgoing(desk.new_id(), "digest", at, to=lead, data=data)


def _sections(desk: Desk, storefront: Storefront, teams: set[str], at: datetime) -> Iterator[Section]:
    def of_teams(tickets: Iterable[Ticket]) -> tuple[Ticket, ...]:
        return tuple(ticket for ticket in tickets if ticket.team in teams)

    def queue(category: Category) -> tuple[Ticket, ...]:
        return of_teams(_tickets(desk, lists.queue(desk.table, (front,), category)))

    def list_of(index: str, partition: str) -> tuple[Ticket, ...]:
        return of_teams(_tickets(desk, Listing(index, (partition,))))

    front, day = storefront.id, storefront.calendar.day_of
    waiting = queue(Category.OPEN)
    pending = queue(Category.WAITING_FOR_THE_CUSTOMER)
    held = queue(Category.WAITING_FOR_SOMEBODY_ELSE)
    yield _section("due_today", tuple(t for t in (*waiting, *held) if (due := _due(t)) and day(due) == day(at)))
    yield _section("at_risk", list_of("by_risk", keys.risk(front)))
    yield _section("unhappy", tuple(t for t in list_of("by_view", keys.bad_rating(front)) if t.task))
    yield _section("undeliverable", tuple(t for t in waiting if t.undelivered))
    yield _section("claims_waiting", tuple(t for t in waiting if t.kind is Kind.CLAIM))
    yield _section("silent_claims", tuple(t for t in pending if not storefront.kind_policy(t.kind).resolved_by_silence))


def _section(title: str, tickets: tuple[Ticket, ...]) -> Section:
    return Section(title, tickets[:_SHOWN], len(tickets) > _SHOWN)


def _shown(section: Section) -> dict[str, Any]:
    items = [{"reference": t.reference, "subject": t.subject, "due_at": _due(t)} for t in section.tickets]
    return {"title_key": section.title, "items": items, "more": section.more}


def _tickets(desk: Desk, listing: Listing) -> tuple[Ticket, ...]:
    return lists.page(desk.table, listing, cursor=None, limit=_LOOKED_AT, keep=lambda _: True).tickets


def _due(ticket: Ticket) -> datetime | None:
    clocks = (ticket.first_response, ticket.next_response, ticket.resolution)
    running = (clock.due_at for clock in clocks if clock and clock.running_since and not clock.met_at)
    return min((*running, *((ticket.promised_at,) if ticket.promised_at else ())), default=None)
