"""
What may happen to a ticket. Each function takes a ticket and an act, and returns the whole change.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain import promises, silence
from chalicelib.domain.change import Act, Change, Outgoing, plain
from chalicelib.domain.errors import Fault, Invalid, Unseen
from chalicelib.domain.escalations import escalation
from chalicelib.domain.moves import awaiting_answer, clocked, illegal, moved_to, promised_anew, reprioritised
from chalicelib.domain.opening import is_urgent_claim, missing
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import (
    MOVES,
    Category,
    Channel,
    CheckIn,
    Delivery,
    DeliveryState,
    File,
    Message,
    Role,
    Status,
    Ticket,
)
from chalicelib.domain.timers import CLOCKS, settled
from chalicelib.frozen import frozen, replace

_THREAD_LENGTH = 12
_FEW_WORDS = 12
_THANKS = frozenset(
    [
        "thanks",
        "thank",
        "thx",
        "cheers",
        "gracias",
        "obrigado",
        "obrigada",
        "merci",
        "danke",
        "dank",
        "grazie",
        "bedankt",
        "dankjewel",
        "dziękuję",
        "tack",
        "tak",
        "takk",
        "kiitos",
        "děkuji",
        "спасибо",
        "дякую",
        "teşekkürler",
        "ευχαριστώ",
        "谢谢",
        "ありがとう",
        "감사합니다",
    ]
)


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
    if ticket.status is Status.RESOLVED and not storefront.thanks_reopen and is_thanks(message.text):
        thanked = replace(change.ticket, last_customer_message=message.id)
        return settled(replace(change, ticket=thanked).because("Not opened again: a word of thanks."), storefront)
    policy = storefront.kind_policy(ticket.kind)
    now_missing = missing(ticket.missing, ticket.order_reference, message.files) if policy.asks_for else ()
    updated = replace(change.ticket, last_customer_message=message.id, missing=now_missing, snoozed_until=None)
    if updated.status in (Status.PENDING, Status.ON_HOLD, Status.RESOLVED):
        updated = moved_to(updated, Status.OPEN, storefront, act)
    if updated.category is Category.TERMINAL:
        return settled(replace(change, ticket=updated), storefront)
    if updated.resolution is None:
        updated = clocked(updated, act.at, storefront)
    updated = replace(updated, waiting_since=updated.waiting_since or act.at)
    if updated.answered_by_human and (updated.next_response is None or updated.next_response.met_at):
        updated = awaiting_answer(updated, act.at, storefront)
    return settled(replace(change, ticket=updated), storefront)


@frozen
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
        touched = moved_to(ticket, Status.OPEN, storefront, act) if ticket.status is Status.NEW else ticket
        moved = moved_to(touched, words.status, storefront, act) if words.status else touched
        return settled(Change(ticket, moved, act, "noted", messages=(message,)), storefront)
    if ticket.status in (Status.CLOSED, Status.MERGED, Status.SPAM):
        raise illegal(ticket, words.status or Status.PENDING)
    answered = replace(_answered(ticket, words, storefront, act), last_answer=message.id)
    change = Change(ticket, answered, act, "replied", messages=(message,))
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
        updated = reprioritised(updated, priority, storefront, act.at)
    if status is not None and status is not ticket.status:
        updated = moved_to(updated, status, storefront, act)
    elif ticket.status is Status.NEW and changes.get("assignee"):
        updated = moved_to(updated, Status.OPEN, storefront, act)
    if changes.get("snoozed_until") and updated.category is Category.OPEN:
        updated = moved_to(updated, Status.PENDING, storefront, act)
    change = Change(
        ticket, updated, act, "updated", detail=_differing(ticket, updated, (*changes, "status", "priority"))
    )
    if is_urgent_claim(updated) and not is_urgent_claim(ticket):
        change = change.sending(escalation(updated, "event", "urgent_claim", act, key="urgent_claim"))
    return settled(change, storefront)


def plan_check_in(ticket: Ticket, check_in: CheckIn | None, storefront: Storefront, act: Act) -> Change:
    """
    Plan a message to the customer, or a row of them; None cancels what is planned.

    Raises:
        Invalid: A date in the past, or nobody to write to.
    """
    if check_in:
        _check_date("at", check_in.at, storefront, act.at)
        _check_date("until", check_in.until, storefront, check_in.at)
        if not ticket.customer.email:
            raise Invalid(Fault("/at", "the ticket has no e-mail address to write to"))
    planned = replace(ticket, check_in=check_in)
    return settled(Change(ticket, planned, act, "check_in_planned" if check_in else "check_in_cancelled"), storefront)


def _differing(before: Ticket, after: Ticket, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: plain(getattr(after, name)) for name in names if getattr(after, name) != getattr(before, name)}


def resolve(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    """Mark a ticket resolved; its survey and its closing are now due in time."""
    return settled(Change(ticket, moved_to(ticket, Status.RESOLVED, storefront, act), act, "resolved"), storefront)


def reopen(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    return settled(Change(ticket, moved_to(ticket, Status.OPEN, storefront, act), act, "reopened"), storefront)


def promise_anew(ticket: Ticket, storefront: Storefront, act: Act) -> Change | None:
    """Let the storefront's settings of today count for what was promised before; None when that changes nothing."""
    anew = promised_anew(ticket, storefront)
    if anew == ticket:
        return None
    due = {name: plain(clock.due_at) for name in CLOCKS if (clock := getattr(anew, name)) != getattr(ticket, name)}
    change = Change(ticket, anew, act, "promised_anew", detail=due)
    return settled(change.because("Promised anew: the settings changed, and were to count from the start."), storefront)


def ask_supervisor(ticket: Ticket, storefront: Storefront, act: Act) -> Change:
    """A customer asks that a supervisor sees the ticket: the lead is told at once."""
    told = escalation(ticket, "event", "supervisor_requested", act, key=act.new_id())
    return settled(Change(ticket, ticket, act, "supervisor_requested").sending(told), storefront)


def bounced(ticket: Ticket, address: str, storefront: Storefront, act: Act) -> Change:
    """An agent's reply cannot be delivered: the ticket opens again, says so, and the lead is told at once."""
    told = escalation(ticket, "event", "reply_undeliverable", act, key=act.new_id())
    reopened = ticket
    if Status.OPEN in MOVES[ticket.status] and ticket.status is not Status.SPAM:
        reopened = moved_to(ticket, Status.OPEN, storefront, act)
    change = Change(
        ticket, replace(reopened, undelivered=True), act, "reply_undeliverable", detail={"recipient": address}
    )
    said = "The last reply could not be delivered."
    said = said if reopened is ticket else "Opened again: the last reply could not be delivered."
    return settled(change.because(said).sending(told), storefront)


def not_mailed(ticket: Ticket, what: str, reason: str, storefront: Storefront, act: Act) -> Change:
    """Say on the ticket that a mail which the desk wrote by itself was not sent, and why."""
    change = Change(ticket, ticket, act, "not_mailed", detail={"mail": what})
    return settled(change.because(f"Not sent ({what}): {reason}."), storefront)


def unacknowledged(ticket: Ticket, outbox_id: str, reason: str, storefront: Storefront, act: Act) -> Change:
    """The acknowledgement that waits as *outbox_id* is not sent after all, and the ticket says why."""
    change = Change(ticket, ticket, act, "unacknowledged", unsent=outbox_id)
    return settled(change.because(f"No acknowledgement: {reason}."), storefront)


def takes_no_more(ticket: Ticket) -> bool:
    """Tell whether a ticket is past the point where words open it again."""
    return ticket.status in (Status.CLOSED, Status.MERGED)


def is_thanks(text: str) -> bool:
    """Tell whether a message is a word of thanks and nothing more."""
    words = re.findall(r"[^\W\d_]+", text.casefold())
    return 0 < len(words) <= _FEW_WORDS and "?" not in text and any(word in _THANKS for word in words)


def unchanged(change: Change) -> bool:
    """Tell whether a change would write what is there already: repeating a request is not an event."""
    if change.before is None or change.messages or change.outgoing:
        return False
    same = replace(
        change.ticket, version=change.before.version, change=change.before.change, updated_at=change.before.updated_at,
        timers=change.before.timers,
    )  # fmt: skip
    return same == change.before


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
        awaits_reply=silence.asks(words.body) if words.awaits_reply is None else words.awaits_reply,
        task=None,
        undelivered=False,
    )
    usual = Status.RESOLVED if ticket.status is Status.RESOLVED else Status.PENDING
    goal = words.status or (Status.ON_HOLD if words.promised_at and usual is Status.PENDING else usual)
    moved = answered if goal is ticket.status else moved_to(answered, goal, storefront, act)
    return replace(moved, silence_since=act.at if goal is Status.PENDING else None, silence_spoken=0)


def _check_date(name: str, at: datetime | None, storefront: Storefront, now: datetime) -> None:
    if at is None:
        return
    if at <= now:
        raise Invalid(Fault(f"/{name}", "must lie in the future"))
    if name == "promised_at" and not storefront.calendar.is_open(at):
        raise Invalid(Fault(f"/{name}", "must lie in business hours"))
