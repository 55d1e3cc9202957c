"""
Opening a ticket: from a request for help, through whatever door it came.
"""

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import budgets, promises, system_mails
from chalicelib.domain.addresses import answers_nobody, counts_for
from chalicelib.domain.change import Act, Change, Outgoing, plain
from chalicelib.domain.escalations import escalation
from chalicelib.domain.reference import Reference
from chalicelib.domain.storefront import Kind, Priority, Storefront
from chalicelib.domain.ticket import Channel, File, Message, Person, Phase, Role, Status, Ticket
from chalicelib.domain.timers import settled
from chalicelib.frozen import frozen, replace


@frozen
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

    @property
    def counts_for(self) -> str:
        return counts_for(self.customer.email, verified=self.authenticated)


def open_ticket(intake: Intake, reference: Reference, storefront: Storefront, act: Act) -> Change:
    """
    Open a ticket: its clocks begin, and an acknowledgement is due unless there is a reason against it. Whether its address
    has a budget left is asked when it is sent.

    Args:
        intake: The request.
        reference: The number it gets.
        storefront: Whose settings count.
        act: When, and by whom.
    """
    policy = storefront.kind_policy(intake.kind)
    priority = intake.priority or policy.priority
    message = intake.message or _first_message(intake, act)
    calendar, targets = storefront.calendar_for(priority), storefront.targets_for(priority, intake.kind, act.at)
    clocked = not (intake.spam or intake.automatic)
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
    if is_urgent_claim(ticket) and clocked:
        change = change.sending(escalation(ticket, "event", "urgent_claim", act, key="urgent_claim"))
    return settled(_acknowledged(change, intake, storefront), storefront)


def is_urgent_claim(ticket: Ticket) -> bool:
    return ticket.kind is Kind.CLAIM and ticket.priority is Priority.URGENT


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


def _acknowledged(change: Change, intake: Intake, storefront: Storefront) -> Change:
    """Acknowledge a request, or say why not."""
    unanswered = _unanswered(intake, storefront)
    if unanswered:
        return change.because(f"No acknowledgement: {unanswered}.")
    request = budgets.request_of(
        intake.subject, intake.body, intake.message.quoted_text if intake.message else "",
        verified=intake.authenticated, by_mail=intake.channel is Channel.EMAIL,
    )  # fmt: skip
    counts = {"of": intake.counts_for, **budgets.told(request)}
    return system_mails.sending(change, _acknowledgement(change.ticket, storefront, change.act, counts))


def _unanswered(intake: Intake, storefront: Storefront) -> str | None:
    if intake.unanswered_because:
        return intake.unanswered_because
    if intake.spam:
        return "it was filed as spam"
    if not intake.customer.email:
        return "there is no e-mail address to write to"
    if answers_nobody(intake.customer.email):
        return "nobody reads the sender's address"
    if storefront.writes_as(intake.customer.email):
        return "it is an address of our own"
    return None


def _acknowledgement(ticket: Ticket, storefront: Storefront, act: Act, counts: Mapping[str, Any]) -> Outgoing:
    by = ticket.first_response.due_at if ticket.first_response else None
    data = {
        "storefront": storefront.id,
        "promise_by": plain(by),
        "missing": list(ticket.missing),
        "time_zone": storefront.calendar.time_zone,
        "counts": {**counts, "name": ticket.customer.name, "language": ticket.language, "tier": ticket.customer.tier},
    }
    return Outgoing(act.new_id(), "ticket-received", act.at, to=ticket.customer.email, data=data)
