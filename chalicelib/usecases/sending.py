"""
Sending what waits in the outbox: claim, send, settle. The only thing that talks to customers and team leads.
"""

from datetime import timedelta
from enum import StrEnum

from chalicelib.adapters import queues, topic
from chalicelib.adapters.conflicts import Outrun
from chalicelib.adapters.mailer import Refused, Silence, send
from chalicelib.adapters.outbox import Unsent
from chalicelib.domain import budgets
from chalicelib.domain.agents import TO_AGENTS
from chalicelib.domain.budgets import TOLD_MOST
from chalicelib.domain.delivery import Feedback, risen
from chalicelib.domain.errors import Busy
from chalicelib.domain.sending import HELD_AFTER, Progress, State, Step, look_again_at, retry_at, step
from chalicelib.domain.ticket import Customer, DeliveryState
from chalicelib.frozen import replace
from chalicelib.usecases import letters
from chalicelib.wiring import Desk

_SETTLES = 3


class Outcome(StrEnum):
    SENT = "sent"
    WAITS = "waits"
    HELD = "held"
    OVER_BUDGET = "over_budget"
    UNTOLD = "untold"
    DONE_BEFORE = "done_before"


def send_out(desk: Desk, reference: str, outbox_id: str) -> Outcome:
    """
    Send one item, or do what else is to be done with it now.

    Called once for each hint that it is there (the stream, the sweep, a retry), which may come many times and late.
    """
    unsent = desk.outbox.find(reference, outbox_id, consistent=False) or desk.outbox.find(reference, outbox_id)
    if unsent is None:
        return Outcome.DONE_BEFORE
    flow = unsent.progress.state is not State.SENDING or _events_flow(desk, unsent.progress)
    match step(unsent.progress, desk.clock(), events_flow=flow):
        case Step.SEND:
            return _publish(desk, unsent) if unsent.outgoing.what == "escalation" else _mail(desk, unsent)
        case Step.HOLD:
            return _hold(desk, unsent, "sent twice without a word from SES")
        case Step.WAIT:
            return _wait(desk, unsent)
        case _:
            return Outcome.HELD


def settle(desk: Desk, unsent: Unsent, feedback: Feedback) -> bool:
    """Settle an item that SES speaks of: whatever it says, the mail was sent. False when that was known."""
    return _settled(desk, unsent, feedback)


def _mail(desk: Desk, unsent: Unsent) -> Outcome:
    customer = desk.table.customer(unsent.outgoing.to, consistent=False)
    suppressed = customer.suppressed_at(desk.clock()) if customer else None
    if suppressed:
        return _not_sent(desk, unsent, suppressed)
    spent = _reserved(desk, unsent, customer)
    if spent:
        from chalicelib.usecases import undelivered

        undelivered.take_out(desk, unsent, spent)
        return Outcome.UNTOLD if unsent.outgoing.what in TO_AGENTS else Outcome.OVER_BUDGET
    try:
        prepared = letters.prepared(desk, unsent.reference, unsent.outgoing)
    except (ValueError, LookupError, TypeError) as error:
        return _hold(desk, unsent, f"it cannot be written: {type(error).__name__}")
    shown = replace(unsent, outgoing=replace(unsent.outgoing, message=prepared.shown))
    claimed = _claimed(desk, shown)
    if claimed is None:
        return Outcome.DONE_BEFORE
    try:
        sent_as = send(
            prepared.raw,
            sender=prepared.sender,
            to=prepared.to,
            configuration_set=desk.config.configuration_set,
            tags={"outbox": unsent.outgoing.id, "ticket": unsent.reference},
        )
    except Refused as refused:
        return _refused(desk, claimed, refused)
    except Silence:
        return Outcome.WAITS
    sent = Feedback(unsent.outgoing.id, unsent.reference, sent_as, unsent.outgoing.to, DeliveryState.SENT, desk.clock())
    return Outcome.SENT if _settled(desk, claimed, sent, read=prepared) else Outcome.DONE_BEFORE


def _reserved(desk: Desk, unsent: Unsent, customer: Customer | None) -> str | None:
    """
    Count a mail against the budgets of its address and its storefront, or of its agent, once: before the first claim.

    Returns:
        Why it must not go; None when it may.
    """
    outgoing, data = unsent.outgoing, unsent.outgoing.data or {}
    if unsent.progress.attempt:
        return None
    if outgoing.what in TO_AGENTS:
        free = desk.outbox.reserve(outgoing.to, TOLD_MOST, unsent.reference, desk.clock())
        return None if free else f"{TOLD_MOST} mails went to {outgoing.to} in an hour"
    if outgoing.what != "ticket-received" or "storefront" not in data:
        return None
    if refused := _refusal(desk, unsent, customer):
        return refused
    shop = desk.house.storefront(data["storefront"])
    most = shop.acknowledgements_per_hour
    free = desk.outbox.reserve(shop.id, most, unsent.reference, desk.clock())
    return None if free else f"{most} were sent for {shop.name} in an hour"


def _refusal(desk: Desk, unsent: Unsent, customer: Customer | None) -> str | None:
    """Return why the address of a request has no acknowledgement left; it is known from here on."""
    counts = (unsent.outgoing.data or {}).get("counts")
    if counts is None:  # stored by a desk of before, which counted when the ticket opened
        return None
    address, request = counts["of"], budgets.request_told(counts)
    known = customer if address == unsent.outgoing.to else desk.table.customer(address, consistent=False)
    newcomer = Customer(address, counts["name"], counts["language"], counts["tier"])
    by = unsent.outgoing.id
    return desk.table.counted(known or newcomer, lambda ledger: budgets.answered(ledger, request, desk.clock(), by))


def _publish(desk: Desk, unsent: Unsent) -> Outcome:
    """Publish first, then settle: SNS delivers at least once anyway, and the id is stable."""
    url = f"{desk.config.public_url}/v1/tickets/{unsent.reference}"
    topic.publish(desk.config.escalation_topic, {**(unsent.outgoing.data or {}), "url": url})
    return Outcome.SENT if desk.outbox.settle(unsent, None, None) else Outcome.DONE_BEFORE


def _claimed(desk: Desk, unsent: Unsent) -> Unsent | None:
    before = unsent.progress
    silent = before.silent + (before.state is State.SENDING)
    progress = Progress(State.SENDING, before.attempt + 1, silent, desk.clock(), before.not_before)
    return desk.outbox.claim(unsent, progress)


def _refused(desk: Desk, claimed: Unsent, refused: Refused) -> Outcome:
    if claimed.progress.attempt >= HELD_AFTER:
        return _hold(desk, claimed, f"SES refused it {claimed.progress.attempt} times: {refused.code}")
    now = desk.clock()
    again = retry_at(claimed.progress.attempt, now)
    progress = replace(claimed.progress, state=State.QUEUED, claimed_at=None, not_before=again, reason=refused.code)
    desk.outbox.postpone(claimed, progress, again)
    return Outcome.WAITS


def _wait(desk: Desk, unsent: Unsent) -> Outcome:
    """Leave it for later. A delay of minutes rides on the queue, a longer one on the sweep."""
    now = desk.clock()
    until = look_again_at(unsent.progress, now)
    if unsent.progress.state is State.QUEUED and until - now < timedelta(minutes=15):
        delay = max(0, int((until - now).total_seconds()) + 1)
        queues.put(
            desk.config.outbox_queue_url,
            {"ticket": unsent.reference, "outbox": unsent.outgoing.id},
            delay_seconds=delay,
        )
    else:
        desk.outbox.postpone(unsent, unsent.progress, until)
    return Outcome.WAITS


def _hold(desk: Desk, unsent: Unsent, reason: str) -> Outcome:
    desk.outbox.hold(unsent, replace(unsent.progress, state=State.HELD, reason=reason))
    return Outcome.HELD


def _not_sent(desk: Desk, unsent: Unsent, reason: str) -> Outcome:
    """Settle a mail to an address that must not be written to: it shows as bounced, and the ticket says so."""
    from chalicelib.usecases import undelivered

    to = unsent.outgoing.to
    bounce = Feedback(unsent.outgoing.id, unsent.reference, "", to, DeliveryState.BOUNCED, desk.clock(), reason)
    if unsent.outgoing.what == "agent-reply":
        undelivered.reopen(desk, bounce)
    elif unsent.outgoing.what != "digest":  # which is no ticket's
        undelivered.tell(desk, unsent, reason)
    return Outcome.SENT if _settled(desk, unsent, bounce) else Outcome.DONE_BEFORE


def _settled(desk: Desk, unsent: Unsent, said: Feedback, read: letters.Prepared | None = None) -> bool:
    """
    Take an item out of the outbox; its message, which for automatic mail begins here, shows what was said.

    *read* holds the message as it was read for the mail; when it changed since, the table refuses, and it is read again.
    """
    for attempt in range(_SETTLES):
        known = read.known if read and not attempt else desk.table.message(unsent.reference, unsent.outgoing.id)
        message = known or unsent.outgoing.message
        if message:
            version = known.version + 1 if known else 1
            delivery = risen(message.delivery, said) or message.delivery
            message = replace(message, delivery=delivery, version=version)
        try:
            return desk.outbox.settle(unsent, message, said.message_id or None)
        except Outrun:
            continue
    raise Busy("Too much feedback on one message at once. Try again.")


def _events_flow(desk: Desk, progress: Progress) -> bool:
    """Tell whether SES's events are seen to arrive: one came of a mail sent later, or none is waiting to be read."""
    seen = desk.outbox.last_feedback()
    if seen and progress.claimed_at and seen > progress.claimed_at:
        return True
    return queues.is_empty(desk.config.feedback_queue_url)
