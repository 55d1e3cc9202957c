"""
The doors under /v1: from a request to a use case and back.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalice.app import Response

from chalicelib.domain.access import Scope
from chalicelib.domain.errors import Fault, Invalid, Unseen
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.reference import Reference, parse
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.ticket import Author, Channel, CheckIn, Message, Person, Phase, Role, Status, Ticket
from chalicelib.domain.timers import CLOCKS
from chalicelib.handlers import schema
from chalicelib.handlers.door import Call, json_response
from chalicelib.handlers.problems import Problem
from chalicelib.handlers.wire import clock_json, message_json, ticket_json
from chalicelib.usecases import listing, tickets, uploads
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads

_LIMIT, _LIMIT_MOST = 50, 100


def open_ticket(call: Call) -> Response:
    body, who = call.body, call.who
    storefront = storefront_of(call, body.get("storefront"))
    intake = intake_from(
        body, channel=Channel.API, by_hand=who.is_agent, authenticated=who.scope is not Scope.PUBLISHABLE
    )
    ticket = tickets.open_ticket(
        call.desk, storefront, intake, named_uploads(call), by=who.author, once=_once(call),
    )  # fmt: skip
    call.facts["ticket"] = ticket.reference
    return _ticket(ticket, ticket.created_at, 201, Location=f"/v1/tickets/{ticket.reference}")


def read(call: Call, reference: str) -> Response:
    return _ticket(_seen(call, reference), call.desk.clock())


def update(call: Call, reference: str) -> Response:
    changes = changes_from(call.body)
    seen = _seen(call, reference)
    ticket = tickets.update(call.desk, seen.reference, changes, by=call.who.author, if_match=call.if_match)
    return _ticket(ticket, call.desk.clock())


def resolve(call: Call, reference: str) -> Response:
    ticket = tickets.resolve(call.desk, parse(reference), by=call.who.author, if_match=call.if_match)
    return _ticket(ticket, call.desk.clock())


def reopen(call: Call, reference: str) -> Response:
    ticket = tickets.reopen(call.desk, parse(reference), by=call.who.author, if_match=call.if_match)
    return _ticket(ticket, call.desk.clock())


def list_tickets(call: Call) -> Response:
    asked = listing.Asked(
        view=call.query.get("view", "all"),
        customer=call.query.get("customer"),
        status=call.query.get("status"),
        assignee=call.query.get("assignee"),
        q=call.query.get("q"),
    )
    mine = call.who.agent_id if call.who.is_agent else None
    page = listing.page(
        call.desk, asked, storefront=call.who.storefront if not call.who.is_agent else None, mine=mine,
        cursor=call.query.get("cursor"), limit=_limit(call),
    )  # fmt: skip
    now = call.desk.clock()
    return json_response({"items": [ticket_json(t, now) for t in page.tickets], "next_cursor": page.next_cursor})


def list_messages(call: Call, reference: str) -> Response:
    ticket, limit = _seen(call, reference), _limit(call)
    found = tickets.messages(call.desk, ticket.reference, after=call.query.get("cursor"), limit=limit)
    shown = [m for m in found if call.who.is_agent or not m.internal]
    following = found[-1].id if len(found) == limit else None
    return json_response({"items": [_message(call, m) for m in shown], "next_cursor": following})


def write(call: Call, reference: str) -> Response:
    if call.who.is_agent:
        return _reply(call, parse(reference))
    ticket = _seen(call, reference)
    body, named = schema.checked(call.body, schema.CUSTOMER_MESSAGE), named_uploads(call)
    message = tickets.write(
        call.desk, ticket.reference, body["body"], named, by=customer_of(ticket), once=_once(call),
        if_match=call.if_match, read=ticket,
    )  # fmt: skip
    return json_response(_message(call, message), 201)


def _reply(call: Call, reference: Reference) -> Response:
    call.facts["ticket"] = reference
    words, named = reply_from(call.body, call.desk.clock()), named_uploads(call)
    try:
        message = tickets.reply(
            call.desk, reference, words, named, by=call.who.author, once=_once(call), if_match=call.if_match,
        )  # fmt: skip
    except Unseen as unseen:
        missed = tickets.messages(call.desk, reference, after=unseen.seen, limit=_LIMIT_MOST)
        raise Problem(409, str(unseen), more={"messages": [_message(call, m) for m in missed]}) from unseen
    return json_response(_message(call, message), 201)


def list_promises(call: Call, reference: str) -> Response:
    """Explain each clock: what was promised, when it ran, and which of that time counted."""
    ticket = _seen(call, reference)
    calendar = call.desk.house.storefront(ticket.storefront).calendar_for(ticket.priority)
    now = call.desk.clock()
    clocks = ((name, getattr(ticket, name)) for name in CLOCKS)
    shown = [clock_json(name, clock, calendar, now) for name, clock in clocks if clock]
    return json_response({"items": shown, "next_cursor": None})


def list_events(call: Call, reference: str) -> Response:
    ticket, limit = _seen(call, reference), _limit(call)
    found = tickets.events(call.desk, ticket.reference, after=call.query.get("cursor"), limit=limit)
    return json_response({"items": found, "next_cursor": found[-1]["id"] if len(found) == limit else None})


def plan_check_in(call: Call, reference: str) -> Response:
    body = call.body
    at = schema.moment(body["at"])
    every = timedelta(days=body["every_days"]) if "every_days" in body else None
    until = schema.moment(body["until"]) if "until" in body else None
    planned = CheckIn(at, every, until, body.get("message")) if at else None
    ticket = tickets.plan_check_in(
        call.desk, parse(reference), planned, by=call.who.author, if_match=call.if_match,
    )  # fmt: skip
    return _ticket(ticket, call.desk.clock())


def cancel_check_in(call: Call, reference: str) -> Response:
    ticket = tickets.plan_check_in(call.desk, parse(reference), None, by=call.who.author, if_match=call.if_match)
    return _ticket(ticket, call.desk.clock())


def upload(call: Call) -> Response:
    wanted = call.body
    offered = uploads.offer(call.desk, owner_of(call), wanted["name"], wanted["content_type"], wanted["size"])
    return json_response(offered, 201)


def intake_from(body: Mapping[str, Any], *, channel: Channel, by_hand: bool, authenticated: bool) -> Intake:
    """
    Return the request that a checked body makes.

    Raises:
        Invalid: Nobody to answer: an address is asked for, save on channels that agents log by hand.
    """
    who, named = body["customer"], Channel(body.get("channel", channel))
    if not who.get("email"):
        logged = by_hand and named in (Channel.PHONE, Channel.IN_PERSON, Channel.CHAT, Channel.SOCIAL)
        if not logged:
            raise Invalid(Fault("/customer/email", "is missing"))
        if not (who.get("phone") or who.get("handle")):
            raise Invalid(Fault("/customer", "needs an email, a phone or a handle"))
    return Intake(
        customer=Person(who.get("email", ""), who.get("name", ""), who.get("phone", ""), who.get("handle", "")),
        subject=" ".join(body["subject"].split()),
        body=body["body"],
        channel=named,
        language=main_language(who.get("language", "")),
        kind=Kind(body.get("kind", Kind.QUESTION)),
        priority=Priority(body["priority"]) if "priority" in body else None,
        phase=Phase(body["phase"]) if "phase" in body else None,
        order_reference=body.get("order_reference"),
        tags=tuple(dict.fromkeys(body.get("tags", ()))),
        authenticated=authenticated,
    )


def main_language(tag: str) -> str:
    """Return the language of a tag (RFC 5646) without its region: `es` of `es-MX`."""
    return tag.partition("-")[0].lower()


def changes_from(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a checked PATCH as the domain's values."""
    read_as: Mapping[str, Callable[[Any], Any]] = {
        "status": Status, "priority": Priority, "kind": Kind, "phase": Phase, "tags": lambda tags: tuple(dict.fromkeys(tags)),
        "promised_at": schema.moment, "snoozed_until": schema.moment,
    }  # fmt: skip
    return {
        name: read_as[name](value) if value is not None and name in read_as else value for name, value in body.items()
    }


def reply_from(body: Mapping[str, Any], now: datetime) -> Reply:
    undo = body.get("undo_seconds", 0)
    return Reply(
        body=body["body"],
        internal=body.get("internal", False),
        status=Status(body["status"]) if "status" in body else None,
        awaits_reply=body.get("awaits_reply"),
        promised_at=schema.moment(body["promised_at"]) if "promised_at" in body else None,
        seen_message_id=body.get("seen_message_id"),
        not_before=now + timedelta(seconds=undo) if undo else None,
    )


def storefront_of(call: Call, named: str | None) -> str:
    """
    Return whose ticket it will be: a key's own storefront; an agent names one, unless there is only one.

    Raises:
        Invalid: Another storefront than the key's, none, or one that does not exist.
    """
    own = call.who.storefront
    if own:
        if named and named != own:
            raise Invalid(Fault("/storefront", f"your key belongs to {own}"))
        return own
    known = [storefront.id for storefront in call.desk.house.storefronts()]
    if named is None and len(known) == 1:
        return known[0]
    if named not in known:
        raise Invalid(Fault("/storefront", f"must be one of: {', '.join(known)}"))
    return named


def owner_of(call: Call) -> str:
    return call.who.storefront or "agents"


def named_uploads(call: Call) -> Uploads:
    return Uploads(owner_of(call), tuple(call.body.get("attachments", ())))


def customer_of(ticket: Ticket) -> Author:
    return Author(Role.CUSTOMER, ticket.customer.name, ticket.customer.email)


def _seen(call: Call, reference: str) -> Ticket:
    ticket = tickets.read(call.desk, parse(reference))
    call.who.check_sees(ticket)
    call.facts["ticket"] = ticket.reference
    return ticket


def _once(call: Call) -> Once | None:
    found = call.once()
    return Once(f"API#{call.who.key_id}", *found) if found else None


def _limit(call: Call) -> int:
    asked = call.query.get("limit", str(_LIMIT))
    if not asked.isdecimal() or not 1 <= int(asked) <= _LIMIT_MOST:
        raise Invalid(Fault("/limit", f"must be a whole number from 1 to {_LIMIT_MOST}"))
    return int(asked)


def _message(call: Call, message: Message) -> dict[str, Any]:
    return message_json(message, call.desk.files.link)


def _ticket(ticket: Ticket, now: datetime, status: int = 200, **headers: str) -> Response:
    return json_response(ticket_json(ticket, now), status, ETag=f'"{ticket.version}"', **headers)
