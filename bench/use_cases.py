"""
The use cases that are measured: one life of a ticket, and what is asked for beside it.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from bench.meter import Meter, size
from bench.report import Figures
from chalicelib.adapters.keys import FEEDBACK
from chalicelib.adapters.lists import Page
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.signing import Claim, Purpose, read_link_token
from chalicelib.domain.storefront import Team
from chalicelib.domain.surveys import Rating
from chalicelib.domain.ticket import Author, Channel, CheckIn, Message, Person, Role, Ticket
from chalicelib.handlers import gateway
from chalicelib.handlers.wire import message_json, ticket_json
from chalicelib.usecases import digests, due, house, listing, surveys, tickets
from chalicelib.usecases.letters import survey_url
from chalicelib.usecases.listing import Asked
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads
from tests.world import AGENT, World, running

_CUSTOMER = "eva@customer.test"
_YEAR_SECONDS = 365 * 24 * 3600
_OF_THE_WHOLE_DESK = {FEEDBACK.pk}
_WORDS = (
    "Hello, my parcel should have come on Monday, and it is not here yet. Could you please look where it is? Thank you!"
)


def measured() -> Figures:
    """Return `{use case: {"calls", "total", "write_units", "read_units", "answer_bytes" where the API answers with JSON}}`."""
    meter = Meter()
    figures: Figures = {}

    def measure(name: str, act: Callable[[], Any]) -> Any:
        with meter.begin():
            result = act()
        figures[name] = {
            "calls": dict(meter.calls),
            "total": meter.calls.total(),
            "write_units": meter.write_units,
            "read_units": meter.read_units,
        }
        if (answer := _told(result)) is not None:
            text = json.dumps(answer, ensure_ascii=False)
            figures[name]["answer_bytes"] = len(text.encode() if len(text) < gateway.LONG else gateway.deflated(text))
        return result

    stored = 0
    for part in (_life, _beside, _in_time):
        with running() as world:
            _warm(world)
            before = _stored_bytes(world)
            part(world, measure)
            stored = stored or _stored_bytes(world) - before
    life = {name: figure for name, figure in figures.items() if name.startswith("life: ")}
    swept = sum("(sweep" in name for name in life)  # the sweep is there without any ticket: the idle month pays for it
    sums = {
        unit: sum(figure[unit] for figure in life.values()) - swept * figures["sweep with nothing due"][unit]
        for unit in ("total", "write_units", "read_units")
    }
    return figures | {"a whole life": {"calls": {}, **sums, "stored_bytes": stored}} | _timer_costs(figures)


def _stored_bytes(world: World) -> int:
    """
    Return what the table holds of a ticket for a year, as DynamoDB bills storage: 100 bytes beyond each item, and beyond
    each index entry. What expires before counts for its part of the year.
    """
    total = 0.0
    for item in (each for each in world.items() if each["pk"]["S"] not in _OF_THE_WHOLE_DESK):
        places = [name.removesuffix("_pk") for name in item if name.endswith("_pk")]
        held = 100 + size(item)
        held += sum(100 + sum(len(item[key]["S"]) for key in ("pk", "sk", f"{at}_pk", f"{at}_sk")) for at in places)
        lasts = int(item["expires_at"]["N"]) - world.now.timestamp() if "expires_at" in item else _YEAR_SECONDS
        total += held * min(max(lasts, 0) / _YEAR_SECONDS, 1)
    return round(total)


def _told(result: Any) -> Any:
    """Return what the API would answer with a result; None where that is no JSON."""
    match result:
        case Ticket():
            return ticket_json(result, result.updated_at)
        case Message():
            return message_json(result, lambda file: file.key)
        case Page():
            return {"items": [_told(each) for each in result.tickets], "next_cursor": result.next_cursor}
        case [Message(), *_]:
            return {"items": [_told(each) for each in result], "next_cursor": None}
    return None


def _timer_costs(figures: Figures) -> Figures:
    """
    Return what a timer costs beyond the write that sets it: the very same write, with and without its entry in the index.

    A ticket is written anyway, with its timers in it; only the earliest stands in `by_due_time`.
    """

    def beyond(name: str, than: str) -> dict[str, Any]:
        units = {unit: figures[name][unit] - figures[than][unit] for unit in ("total", "write_units", "read_units")}
        return {"calls": {}, **units}

    later = "timer: plan a message, others are due before"
    return {
        "a timer that is due first, beyond its write": beyond("timer: plan a message, due first", later),
        "a timer without others, beyond its write": beyond("timer: plan a message, the only timer", later),
        "a timer taken back, beyond its write": beyond("timer: cancel the only timer", later),
    }


def _life(world: World, measure: Callable[..., Any]) -> None:
    desk = world.desk
    ticket = measure("life: open by API (new customer)", lambda: _open(world, _CUSTOMER, "one"))
    measure("life: send the acknowledgement", world.stream)
    measure("life: feedback on it (Send, Delivery)", world.tell_feedback)
    measure("life: agent's reply", lambda: _reply(world, ticket, "It left our house today. Did it arrive?"))
    measure("life: send the reply", world.stream)
    measure("life: feedback on it (Send, Delivery) again", world.tell_feedback)
    answer = _answer(world, "<1@customer.test>")
    measure("life: mail in, on its ticket", lambda: world.receive(answer, to=str(answer["To"])))
    measure("life: second reply", lambda: _reply(world, ticket, "Good to hear. Have a nice day!"))
    measure("life: send the second reply", world.stream)
    measure("life: feedback on it (Send, Delivery) a third time", world.tell_feedback)
    again = _answer(world, "<2@customer.test>")
    measure("life: second mail in", lambda: world.receive(again, to=str(again["To"])))
    measure("life: resolve", lambda: tickets.resolve(desk, ticket.reference, by=AGENT, if_match=None))
    measure("life: survey due (sweep)", lambda: world.sweep(world.later(hours=25)))
    measure("life: send the survey", world.stream)
    measure("life: feedback on it (Send, Delivery) at last", world.tell_feedback)
    token = survey_url(desk, tickets.read(desk, ticket.reference), 1).rpartition("/")[2]
    claim = read_link_token(desk.keys(), Purpose.SURVEY, token)
    measure("see the survey's page", lambda: surveys.show(desk, claim))
    measure("life: rating", lambda: _rate(world, claim))
    measure("life: closing (sweep)", lambda: world.sweep(world.later(days=8)))


def _rate(world: World, claim: Claim) -> None:
    """Rate by the page, which answers with a page."""
    surveys.rate(world.desk, claim, Rating(5))


def _beside(world: World, measure: Callable[..., Any]) -> None:
    desk = world.desk
    ticket = measure("open by API (known customer, with key)", lambda: _open(world, _CUSTOMER, "two"))
    asked = Intake(Person(_CUSTOMER, "Eva"), "Where is my parcel?", _WORDS, Channel.API, "")
    eva = Author(Role.CUSTOMER, "Eva", _CUSTOMER)
    measure(
        "open by API (no language named, no key)",
        lambda: tickets.open_ticket(desk, "demo", asked, Uploads("demo"), by=eva, once=None),
    )
    measure("the same again (idempotent repeat)", lambda: _open(world, _CUSTOMER, "two"))
    world.settle()
    mail = _mail("new@customer.test", "support@demo.test", "<3@new.test>")
    measure("mail in, opening a ticket", lambda: world.receive(mail))
    measure("the same mail again", lambda: world.receive(mail))
    measure("note", lambda: _reply(world, ticket, "He is right.", internal=True))
    measure(
        "change (assign)", lambda: tickets.update(desk, ticket.reference, {"assignee": "ana"}, by=AGENT, if_match=None)
    )
    measure("read a ticket", lambda: tickets.read(desk, ticket.reference))
    measure("read its messages", lambda: tickets.messages(desk, ticket.reference, after=None, limit=50))
    for n in range(30):
        _open(world, f"c{n}@many.test", f"many {n}")
    world.stream()
    asked = Asked(view="waiting")
    measure(
        "list 25 tickets",
        lambda: listing.page(desk, asked, storefront="demo", mine=None, cursor=None, limit=25),
    )
    measure("escalation due (sweep and work, 32 tickets)", lambda: world.sweep(world.now + timedelta(hours=7)))
    measure("sweep with nothing due", lambda: world.sweep(world.now - timedelta(days=300)))


def _in_time(world: World, measure: Callable[..., Any]) -> None:
    """What the policies do by themselves, and what a timer costs."""
    desk, start = world.desk, world.now
    demo = desk.house.storefront("demo")
    shop = replace(demo, teams={"support": Team(lead="lead@demo.test")})
    measure("settings: write a storefront", lambda: house.put_storefront(desk, shop))
    measure("settings: read a storefront", lambda: desk.house.find_storefront("demo"))
    ticket = _open(world, _CUSTOMER, "silent")
    _reply(world, ticket, "Which colour do you like?")
    world.settle()
    desk.house.storefront("demo")
    for name, days in (("reminder", 3), ("notice", 6), ("resolved", 7)):
        at = start + timedelta(days=days)
        measure(f"silence: {name} due (one ticket)", lambda at=at: due.fire(desk, ticket.reference, at))  # type: ignore[misc]
    measure("silence: send both mails", world.stream)
    row = _open(world, "row@customer.test", "row")

    def plan(days: float | None) -> Any:
        check_in = None if days is None else CheckIn(world.now + timedelta(days=days), timedelta(days=30))
        return tickets.plan_check_in(desk, row.reference, check_in, by=AGENT, if_match=None)

    measure("timer: plan a message, others are due before", lambda: plan(300))
    measure("timer: plan a message, due first", lambda: plan(0.1))
    at = start + timedelta(hours=3)
    measure("check-in due (one ticket, planned again)", lambda: due.fire(desk, row.reference, at))
    plan(None)
    tickets.resolve(desk, row.reference, by=AGENT, if_match=None)
    due.fire(desk, row.reference, start + timedelta(days=30))
    _reply(world, row, "Is it closed?", internal=True)  # takes along the lines that wait
    measure("timer: plan a message, the only timer", lambda: plan(300))
    measure("timer: cancel the only timer", lambda: plan(None))
    world.stream()
    measure("digest due (one lead, 1 ticket waits)", lambda: digests.send_due(desk, "demo", start + timedelta(days=1)))
    measure("digest: send it", world.stream)


def _warm(world: World) -> None:
    """Have in memory what a process keeps for a minute: storefronts, support addresses, signing keys."""
    world.desk.keys()
    world.desk.house.storefronts()
    world.desk.house.addressed(str(world.desk.house.storefront("demo").support_address))


def _open(world: World, address: str, key: str) -> Ticket:
    author = Author(Role.CUSTOMER, "Eva", address)
    intake = Intake(Person(address, "Eva Example"), "Where is my parcel?", _WORDS, Channel.API, "en")
    once = Once("API#bench", key, key)
    return tickets.open_ticket(world.desk, "demo", intake, Uploads("demo"), by=author, once=once)


def _reply(world: World, ticket: Ticket, body: str, *, internal: bool = False) -> Any:
    return tickets.reply(
        world.desk, ticket.reference, Reply(body, internal=internal), Uploads("agents"), by=AGENT, once=None,
    )  # fmt: skip


def _answer(world: World, message_id: str) -> EmailMessage:
    return _mail(_CUSTOMER, str(world.mails(_CUSTOMER)[-1]["Reply-To"]), message_id)


def _mail(sender: str, to: str, message_id: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = f"Eva <{sender}>", to, "Re: my parcel", message_id
    mail.set_content(_WORDS)
    return mail
