"""
What may happen to a ticket. Each function takes a ticket and an act, and returns the whole change.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from chalicelib.domain import promises
from chalicelib.domain.change import Act, Change, Outgoing
from chalicelib.domain.errors import Fault, IllegalMove, Invalid, Unseen
from chalicelib.domain.reference import Reference
from chalicelib.domain.storefront import Kind, Priority, Storefront
from chalicelib.domain.ticket import (
    MOVES,
    Category,
    Channel,
    Delivery,
    DeliveryState,
    File,
    Message,
    Person,
    Phase,
    Role,
    Status,
    Survey,
    SurveyState,
    Ticket,
)
from chalicelib.domain.timers import settled

_THREAD_LENGTH = 12
_WAITING = frozenset({Category.WAITING_FOR_THE_CUSTOMER, Category.DONE, Category.TERMINAL})
_LOGGED_BY_HAND = frozenset({Channel.PHONE, Channel.IN_PERSON, Channel.CHAT, Channel.SOCIAL})


@dataclass(frozen=True, slots=True)
class Intake:
    """
    A request for help, from any door.

    `authenticated` tells whether the sender is who he says: a storefront's key, or a mail that passed.
    `unanswered_because` says why this request gets no acknowledgement; `spam` files it away.
    """

    customer: Person
    subject: str
    body: str
    channel: Channel
    language: str
    kind: Kind = Kind.QUESTION
    priority: Priority | None = None
    phase: Phase | None = None
    order_reference: str | None = None
    tags: tuple[str, ...] = ()
    files: tuple[File, ...] = ()
    authenticated: bool = True
    automatic: bool = False
    spam: bool = False
    unanswered_because: str | None = None
    follow_up_of: Reference | None = None
    cc: tuple[str, ...] = ()
    message: Message | None = None


def open_ticket(intake: Intake, reference: Reference, storefront: Storefront, act: Act) -> Change:
    """Open a ticket: its clocks begin, and an acknowledgement is due unless there is a reason against it."""
    policy = storefront.kind_policy(intake.kind)
    priority = intake.priority or policy.priority
    message = intake.message or _first_message(intake, act)
    calendar, targets = storefront.calendar_for(priority), storefront.targets_for(priority)
    clocked = not intake.spam
    ticket = Ticket(
        reference=reference,
        storefront=storefront.id,
        customer=intake.customer,
        subject=intake.subject,
        language=intake.language,
        created_at=act.at,
        updated_at=act.at,
        moved_at=act.at,
        channel=intake.channel,
        kind=intake.kind,
        priority=priority,
        status=Status.SPAM if intake.spam else Status.NEW,
        phase=intake.phase,
        team=policy.team,
        tags=intake.tags,
        order_reference=intake.order_reference,
        missing=missing(policy.asks_for, intake.order_reference, intake.files),
        authenticated=intake.authenticated,
        waiting_since=act.at if clocked else None,
        follow_up_of=intake.follow_up_of,
        first_response=promises.start(act.at, targets.first_response, calendar) if clocked else None,
        resolution=promises.start(act.at, targets.resolution, calendar) if clocked else None,
        last_customer_message=message.id,
        thread=(message.mail_id,) if message.mail_id else (),
        proposed=intake.cc if intake.authenticated else (),
    )
    change = Change(None, ticket, act, "opened", messages=(message,), mail_ids=ticket.thread)
    unanswered = _unanswered(intake)
    if unanswered:
        return settled(change.because(f"No acknowledgement: {unanswered}."), storefront)
    return settled(change.sending(_acknowledgement(ticket, storefront, act)), storefront)


def customer_writes(ticket: Ticket, message: Message, storefront: Storefront, act: Act) -> Change:
    """
    Add a customer's words; they open the ticket again, cancel what waited for them, and start the next response.

    Automatic mail and words of third parties are recorded and change nothing else.
    """
    heard = message.author.role is Role.CUSTOMER and not message.automatic
    change = Change(ticket, ticket, act, "customer_wrote" if heard else "recorded", messages=(message,))
    if message.mail_id:
        thread = (*ticket.thread, message.mail_id)[-_THREAD_LENGTH:] if heard else ticket.thread
        change = replace(change, ticket=replace(ticket, thread=thread), mail_ids=(message.mail_id,))
    if not heard:
        return settled(change.because(message.note or "Recorded only: it is automatic mail."), storefront)
    policy = storefront.kind_policy(ticket.kind)
    now_missing = missing(ticket.missing, ticket.order_reference, message.files) if policy.asks_for else ()
    updated = replace(change.ticket, last_customer_message=message.id, missing=now_missing, snoozed_until=None)
    if updated.status in (Status.PENDING, Status.ON_HOLD, Status.RESOLVED):
        updated = _moved(updated, Status.OPEN, storefront, act)
    if updated.category is Category.TERMINAL:
        return settled(replace(change, ticket=updated), storefront)
    updated = replace(updated, waiting_since=updated.waiting_since or act.at)
    if updated.answered_by_human and (updated.next_response is None or updated.next_response.met_at):
        updated = _awaiting_answer(updated, act.at, storefront)
    return settled(replace(change, ticket=updated), storefront)


@dataclass(frozen=True, slots=True)
class Reply:
    """What an agent writes. A note (`internal`) goes nowhere; `status` is the ticket's next one."""

    body: str
    internal: bool = False
    status: Status | None = None
    awaits_reply: bool | None = None
    promised_at: datetime | None = None
    seen_message_id: str | None = None
    not_before: datetime | None = None
    files: tuple[File, ...] = ()


def reply(ticket: Ticket, words: Reply, storefront: Storefront, act: Act) -> Change:
    """
    Answer the customer, or leave a note.

    An answer meets the response clocks and puts the ticket on pending (on hold with a promised date) unless the reply
    names another status.

    Raises:
        Unseen: The customer wrote after the message that the reply names.
        IllegalMove: The ticket is closed, merged or spam, or cannot go to the status asked for.
    """
    if words.seen_message_id and ticket.last_customer_message and words.seen_message_id < ticket.last_customer_message:
        raise Unseen(ticket.reference, words.seen_message_id)
    message = Message(
        act.new_id(), act.by, Channel.API, act.at,
        subject=ticket.subject, text=words.body, internal=words.internal, files=words.files,
    )  # fmt: skip
    if words.internal:
        touched = _moved(ticket, Status.OPEN, storefront, act) if ticket.status is Status.NEW else ticket
        moved = _moved(touched, words.status, storefront, act) if words.status else touched
        return settled(Change(ticket, moved, act, "noted", messages=(message,)), storefront)
    if ticket.status in (Status.CLOSED, Status.MERGED, Status.SPAM):
        raise _illegal(ticket, words.status or Status.PENDING)
    change = Change(ticket, _answered(ticket, words, storefront, act), act, "replied", messages=(message,))
    if not ticket.customer.email:
        return settled(change.because("Not mailed: the ticket has no e-mail address."), storefront)
    address = ticket.customer.email
    queued = Delivery(DeliveryState.QUEUED, act.at)
    mailed = replace(message, delivery={address: queued})
    outgoing = Outgoing(message.id, "agent-reply", act.at, to=address, not_before=words.not_before)
    return settled(replace(change, messages=(mailed,)).sending(outgoing), storefront)


def update(ticket: Ticket, changes: Mapping[str, Any], storefront: Storefront, act: Act) -> Change:
    """
    Change what an agent may set: status, priority, kind, assignee, team, tags, phase, promised_at, snoozed_until.

    Raises:
        IllegalMove: The ticket cannot go to the status asked for.
        Invalid: A date that lies outside business hours, or in the past.
    """
    changes = dict(changes)
    status, priority = changes.pop("status", None), changes.pop("priority", ticket.priority)
    for name in ("promised_at", "snoozed_until"):
        _check_date(name, changes.get(name), storefront, act.at)
    updated = replace(ticket, **changes)
    if "kind" in changes:
        asked = storefront.kind_policy(updated.kind).asks_for
        updated = replace(
            updated, missing=tuple(w for w in asked if w != "order_reference" or not ticket.order_reference)
        )
    if priority is not ticket.priority:
        updated = _reprioritised(updated, priority, storefront, act.at)
    if status is not None and status is not ticket.status:
        updated = _moved(updated, status, storefront, act)
    elif ticket.status is Status.NEW and changes.get("assignee"):
        updated = _moved(updated, Status.OPEN, storefront, act)
    if changes.get("snoozed_until") and updated.category is Category.OPEN:
        updated = _moved(updated, Status.PENDING, storefront, act)
    detail = {name: _plain(getattr(updated, name)) for name in (*changes, "status", "priority")
              if getattr(updated, name) != getattr(ticket, name)}  # fmt: skip
    return settled(Change(ticket, updated, act, "updated", detail=detail), storefront)


def resolve(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    """Mark a ticket resolved; its survey and its closing are now due in time."""
    return settled(Change(ticket, _moved(ticket, Status.RESOLVED, storefront, act), act, "resolved"), storefront)


def reopen(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    return settled(Change(ticket, _moved(ticket, Status.OPEN, storefront, act), act, "reopened"), storefront)


def ask_supervisor(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    """A customer asks that a supervisor sees the ticket: the lead is told at once."""
    told = escalation(ticket, "event", "supervisor_requested", act, key=act.new_id())
    return settled(Change(ticket, ticket, act, "supervisor_requested").sending(told), storefront)


def bounced(ticket: Ticket, address: str, storefront: Storefront, act: Act) -> Change:
    """An agent's reply cannot be delivered: the ticket opens again, says so, and the lead is told at once."""
    told = escalation(ticket, "event", "reply_undeliverable", act, key=act.new_id())
    reopened = ticket
    if Status.OPEN in MOVES[ticket.status] and ticket.status is not Status.SPAM:
        reopened = _moved(ticket, Status.OPEN, storefront, act)
    change = Change(ticket, reopened, act, "reply_undeliverable", detail={"recipient": address})
    said = "The last reply could not be delivered."
    said = said if reopened is ticket else "Opened again: the last reply could not be delivered."
    return settled(change.because(said).sending(told), storefront)


def escalation(ticket: Ticket, level: str, reason: str, act: Act, *, key: str, clock: str | None = None,
               due_at: datetime | None = None) -> Outgoing:  # fmt: skip
    """Return the word to the team lead; its published id is stable: the ticket's number and *key*."""
    data = {
        "id": f"{ticket.reference}/{key}",
        "ticket": ticket.reference,
        "storefront": ticket.storefront,
        "level": int(level) if level.isdigit() else level,
        "reason": reason,
        "clock": clock,
        "due_at": _plain(due_at),
        "priority": ticket.priority.value,
        "kind": ticket.kind.value,
        "subject": ticket.subject,
    }
    return Outgoing(act.new_id(), "escalation", act.at, data=data)


def takes_no_more(ticket: Ticket) -> bool:
    """Tell whether a ticket is past the point where words open it again."""
    return ticket.status in (Status.CLOSED, Status.MERGED)


def unchanged(change: Change) -> bool:
    """Tell whether a change would write what is there already: repeating a request is not an event."""
    if change.before is None or change.messages or change.outgoing:
        return False
    same = replace(
        change.ticket, version=change.before.version, change=change.before.change, updated_at=change.before.updated_at,
        timers=change.before.timers,
    )  # fmt: skip
    return same == change.before


def missing(asked: tuple[str, ...], order_reference: str | None, files: tuple[File, ...]) -> tuple[str, ...]:
    """Return what of *asked* is not there: an order reference, a photo."""
    has = {"order_reference": bool(order_reference), "photo": any(f.content_type.startswith("image/") for f in files)}
    return tuple(what for what in asked if not has.get(what, False))


def _first_message(intake: Intake, act: Act) -> Message:
    customer = replace(act.by, role=Role.CUSTOMER, name=intake.customer.name, email=intake.customer.email)
    return Message(
        act.new_id(), customer, intake.channel, act.at,
        subject=intake.subject, text=intake.body, files=intake.files, verified=intake.authenticated,
    )  # fmt: skip


def _unanswered(intake: Intake) -> str | None:
    if intake.unanswered_because:
        return intake.unanswered_because
    if intake.spam:
        return "it was filed as spam"
    if not intake.customer.email:
        return "there is no e-mail address to write to"
    return None


def _acknowledgement(ticket: Ticket, storefront: Storefront, act: Act) -> Outgoing:
    by = ticket.first_response.due_at if ticket.first_response else None
    data = {"promise_by": _plain(by), "missing": list(ticket.missing), "time_zone": storefront.calendar.time_zone}
    return Outgoing(act.new_id(), "ticket-received", act.at, to=ticket.customer.email, data=data)


def _answered(ticket: Ticket, words: Reply, storefront: Storefront, act: Act) -> Ticket:
    calendar = storefront.calendar_for(ticket.priority)
    _check_date("promised_at", words.promised_at, storefront, act.at)
    answered = replace(
        ticket,
        first_response=promises.meet(ticket.first_response, act.at, calendar),
        next_response=promises.meet(ticket.next_response, act.at, calendar),
        answered_by_human=True,
        waiting_since=None,
        promised_at=words.promised_at or ticket.promised_at,
    )
    usual = Status.RESOLVED if ticket.status is Status.RESOLVED else Status.PENDING
    goal = words.status or (Status.ON_HOLD if words.promised_at and usual is Status.PENDING else usual)
    return answered if goal is ticket.status else _moved(answered, goal, storefront, act)


def _moved(ticket: Ticket, to: Status, storefront: Storefront, act: Act) -> Ticket:
    """Move a ticket along the table of statuses; its clocks stop and go on with it."""
    if to is ticket.status:
        return ticket
    if to not in MOVES[ticket.status]:
        raise _illegal(ticket, to)
    calendar = storefront.calendar_for(ticket.priority)
    moved = replace(ticket, status=to, moved_at=act.at)
    if moved.category in _WAITING:
        moved = replace(
            moved,
            waiting_since=None,
            first_response=promises.pause(moved.first_response, act.at, calendar),
            next_response=promises.pause(moved.next_response, act.at, calendar),
            resolution=promises.pause(moved.resolution, act.at, calendar),
        )
    else:
        moved = _resumed(moved, ticket, act.at, storefront)
    if to is Status.RESOLVED:
        cycle = ticket.resolution_cycle + 1
        return replace(
            moved,
            resolved_at=act.at,
            resolution=promises.meet(moved.resolution, act.at, calendar),
            resolution_cycle=cycle,
            survey=_planned_survey(moved, cycle, storefront),
            promised_at=None,
            snoozed_until=None,
        )
    if ticket.survey and ticket.survey.state is SurveyState.PLANNED and to is not Status.CLOSED:
        reason = f"the ticket became {to.value} before it was sent"
        moved = replace(moved, survey=replace(ticket.survey, state=SurveyState.SKIPPED, reason=reason))
    return moved if to is Status.CLOSED else replace(moved, resolved_at=None)


def _resumed(moved: Ticket, before: Ticket, at: datetime, storefront: Storefront) -> Ticket:
    calendar = storefront.calendar_for(moved.priority)
    if before.status is Status.SPAM and moved.first_response is None:
        targets = storefront.targets_for(moved.priority)
        return replace(
            moved,
            waiting_since=at,
            first_response=promises.start(at, targets.first_response, calendar),
            resolution=promises.start(at, targets.resolution, calendar),
        )
    if before.status is Status.RESOLVED and moved.answered_by_human:
        moved = _awaiting_answer(moved, at, storefront)
    unanswered = moved.next_response is not None and moved.next_response.met_at is None
    return replace(
        moved,
        first_response=moved.first_response if moved.answered_by_human
        else promises.resume(moved.first_response, at, calendar),
        next_response=promises.resume(moved.next_response, at, calendar) if unanswered else moved.next_response,
        resolution=promises.resume(moved.resolution, at, calendar),
    )  # fmt: skip


def _awaiting_answer(ticket: Ticket, at: datetime, storefront: Storefront) -> Ticket:
    """Start the clock of the next response."""
    cycle, calendar = ticket.response_cycle + 1, storefront.calendar_for(ticket.priority)
    clock = promises.start(at, storefront.targets_for(ticket.priority).next_response, calendar, cycle=cycle)
    return replace(ticket, next_response=clock, response_cycle=cycle)


def _planned_survey(ticket: Ticket, cycle: int, storefront: Storefront) -> Survey:
    if not ticket.customer.email:
        return Survey(cycle, SurveyState.SKIPPED, "there is no e-mail address to write to")
    if not storefront.kind_policy(ticket.kind).survey:
        return Survey(cycle, SurveyState.SKIPPED, f"a {ticket.kind.value} gets no survey")
    if not ticket.answered_by_human:
        return Survey(cycle, SurveyState.SKIPPED, "no human answered")
    return Survey(cycle, SurveyState.PLANNED)


def _reprioritised(ticket: Ticket, priority: Priority, storefront: Storefront, at: datetime) -> Ticket:
    calendars = storefront.calendar_for(ticket.priority), storefront.calendar_for(priority)
    targets = storefront.targets_for(priority)
    return replace(
        ticket,
        priority=priority,
        first_response=promises.retarget(ticket.first_response, at, targets.first_response, calendars),
        next_response=promises.retarget(ticket.next_response, at, targets.next_response, calendars),
        resolution=promises.retarget(ticket.resolution, at, targets.resolution, calendars),
    )


def _check_date(name: str, at: datetime | None, storefront: Storefront, now: datetime) -> None:
    if at is None:
        return
    if at <= now:
        raise Invalid(Fault(f"/{name}", "must lie in the future"))
    if name == "promised_at" and not storefront.calendar.is_open(at):
        raise Invalid(Fault(f"/{name}", "must lie in business hours"))


def _illegal(ticket: Ticket, to: Status) -> IllegalMove:
    possible = ", ".join(sorted(MOVES[ticket.status])) or "nothing"
    text = f"A ticket that is {ticket.status.value} cannot become {to.value}; it can become: {possible}."
    if ticket.status is Status.CLOSED:
        text += " Open a new ticket: a closed one stays closed."
    return IllegalMove(text)


def _plain(value: Any) -> Any:  # noqa: ANN401 an audit line holds whatever field was changed
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value
