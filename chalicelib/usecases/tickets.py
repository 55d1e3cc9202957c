"""
What people do with tickets: open, read, answer, change, resolve.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from chalicelib.adapters import codec
from chalicelib.adapters.conflicts import Outrun, Repeated
from chalicelib.adapters.outbox import Unsent
from chalicelib.domain import language, lifecycle
from chalicelib.domain.agents import TO_AGENTS
from chalicelib.domain.change import Act, Change, Receipt
from chalicelib.domain.errors import Busy, DeskError, NotFound, Reused, Stale
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.opening import open_ticket as opened
from chalicelib.domain.reference import Reference, draw
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import (
    SYSTEM,
    Author,
    Channel,
    CheckIn,
    Delivery,
    DeliveryState,
    Message,
    Role,
    Ticket,
)
from chalicelib.frozen import frozen, replace
from chalicelib.usecases import listing
from chalicelib.usecases.bodies import whole
from chalicelib.usecases.notices import notified
from chalicelib.usecases.uploads import Uploads, kept
from chalicelib.wiring import Desk

_TRIES = 5
_HTML_AT_A_TIME = 8
Answer = TypeVar("Answer", Ticket, Message)


@frozen
class Once:
    """What makes a repeat of a request harmless: `scope` and `key` name it, `digest` is of its body."""

    scope: str
    key: str
    digest: str


def open_ticket(
    desk: Desk, storefront_id: str, intake: Intake, uploads: Uploads, *, by: Author, once: Once | None
) -> Ticket:
    """
    Open a ticket; its acknowledgement goes out in the same breath.

    The same *once* gives the same answer again.

    Raises:
        Invalid: An upload that has not arrived.
        Reused: The key of *once* came with another body before.
    """
    storefront = desk.house.storefront(storefront_id)
    known = None if intake.language else desk.table.customer(intake.customer.email, consistent=False)
    chosen = language.chosen(intake.language, known, intake.body, storefront)
    told = replace(intake, language=chosen, files=kept(desk, uploads))
    for _ in range(_TRIES):
        change = opened(told, draw(desk.choose), storefront, desk.act(by))
        try:
            return _committed_once(desk, change, once, change.ticket)
        except Outrun:
            continue
    raise Busy("The number could not be drawn. Try again.")


def read(desk: Desk, reference: Reference) -> Ticket:
    return desk.table.ticket(reference)


def messages(desk: Desk, reference: Reference, *, after: str | None, limit: int) -> list[Message]:
    """Return a page of a ticket's messages, oldest first; what still waits in the outbox shows how far it is."""
    found = [whole(desk, message) for message in desk.table.messages(reference, after=after, limit=limit)]
    if len(found) == limit:
        return _with_html(desk, found)
    waiting = {unsent.outgoing.id: unsent for unsent in desk.outbox.of_ticket(reference)}
    shown = [_as_waiting(message, waiting.pop(message.id, None)) for message in found]
    unseen = [
        _to_come(unsent)
        for unsent in waiting.values()
        if unsent.outgoing.to and unsent.outgoing.what not in {"agent-reply", *TO_AGENTS}
    ]
    return _with_html(desk, shown) + [message for message in unseen if after is None or message.id > after]


def message(desk: Desk, reference: Reference, message_id: str) -> Message:
    """
    Return one message, whole, with its HTML.

    Raises:
        NotFound: The ticket has no such message.
    """
    found = desk.table.message(reference, message_id)
    if found is None:
        raise NotFound("message")
    return _with_html(desk, [whole(desk, found)])[0]


def newest_messages(desk: Desk, reference: Reference, limit: int) -> list[Message]:
    """Return a ticket's newest messages, whole, oldest of them first."""
    return [whole(desk, message) for message in desk.table.newest_messages(reference, limit)]


def write(
    desk: Desk, reference: Reference, body: str, uploads: Uploads, *, by: Author, once: Once | None,
    if_match: int | None = None, read: Ticket | None = None,
) -> Message:  # fmt: skip
    """
    Add a customer's words, as his storefront brings them. To a closed ticket they open a new one that follows it.

    *read* is the ticket, where it was read just now.

    Raises:
        Stale: The ticket is not of the version *if_match* any more.
    """
    ticket = read or desk.table.ticket(reference)
    storefront = desk.house.storefront(ticket.storefront)
    files = kept(desk, uploads)

    def decide(now: Ticket, act: Act) -> tuple[Change, Message]:
        message = Message(act.new_id(), by, Channel.API, act.at, subject=now.subject, text=body, files=files)
        return heard(desk, now, message, storefront, act), message

    return _decided_once(desk, ticket, decide, by=by, once=once, if_match=if_match)


def reply(
    desk: Desk, reference: Reference, words: Reply, uploads: Uploads, *, by: Author, once: Once | None,
    if_match: int | None = None,
) -> Message:  # fmt: skip
    """
    Answer as an agent, or leave a note.

    Raises:
        Stale: The ticket is not of the version *if_match* any more.
        Unseen: The customer wrote after the message that *words* say was the last one seen.
    """
    ticket = desk.table.ticket(reference)
    storefront = desk.house.storefront(ticket.storefront)
    with_files = replace(words, files=kept(desk, uploads))

    def decide(now: Ticket, act: Act) -> tuple[Change, Message]:
        change = lifecycle.reply(now, with_files, storefront, act)
        return change, change.messages[0]

    return _decided_once(desk, ticket, decide, by=by, once=once, if_match=if_match)


def update(desk: Desk, reference: Reference, changes: Mapping[str, Any], *, by: Author, if_match: int | None) -> Ticket:
    return _changed(desk, reference, lambda t, s, act: lifecycle.update(t, changes, s, act), by=by, if_match=if_match)


def resolve(desk: Desk, reference: Reference, *, by: Author, if_match: int | None) -> Ticket:
    """Mark a ticket resolved; its survey and its closing are now due in time."""
    return _changed(desk, reference, lifecycle.resolve, by=by, if_match=if_match)


def reopen(desk: Desk, reference: Reference, *, by: Author, if_match: int | None) -> Ticket:
    return _changed(desk, reference, lifecycle.reopen, by=by, if_match=if_match)


def events(desk: Desk, reference: Reference, *, after: str | None, limit: int) -> list[dict[str, Any]]:
    """Return what happened to a ticket, oldest first, with the reason for each thing that the desk did by itself."""
    return desk.table.events(reference, after=after, limit=limit)


def promise_anew(desk: Desk, storefront_id: str, *, by: Author) -> Iterator[tuple[Ticket, bool]]:
    """
    Let a storefront's settings of today count for what it promised before, ticket by ticket.

    Yields:
        Each ticket whose promises are open, and whether that changed it. To go on after a failure, begin again.
    """
    storefront = desk.house.storefront(storefront_id)
    for ticket in listing.unfinished(desk, storefront_id):
        changed = desk.table.change(ticket.reference, lambda now: lifecycle.promise_anew(now, storefront, desk.act(by)))
        yield changed, changed.version != ticket.version


def plan_check_in(
    desk: Desk, reference: Reference, check_in: CheckIn | None, *, by: Author, if_match: int | None
) -> Ticket:
    """Plan a message to the customer, or cancel it."""
    return _changed(
        desk, reference, lambda t, s, a: lifecycle.plan_check_in(t, check_in, s, a), by=by, if_match=if_match
    )


def ask_supervisor(desk: Desk, reference: Reference, *, by: Author) -> Ticket:
    return _changed(desk, reference, lifecycle.ask_supervisor, by=by, if_match=None)


def heard(desk: Desk, ticket: Ticket, message: Message, storefront: Storefront, act: Act) -> Change:
    """Return what a message changes on its ticket; a closed one stays closed, and a new ticket follows it."""
    if not lifecycle.takes_no_more(ticket) or message.author.role is not Role.CUSTOMER or message.automatic:
        return lifecycle.customer_writes(ticket, message, storefront, act)
    following = Intake(
        customer=ticket.customer,
        subject=message.subject or ticket.subject,
        body=message.text,
        channel=message.channel,
        language=ticket.language,
        kind=ticket.kind,
        files=message.files,
        authenticated=message.verified,
        follow_up_of=ticket.reference,
        message=message,
    )
    return opened(following, draw(desk.choose), storefront, act)


def _changed(
    desk: Desk,
    reference: Reference,
    decide: Callable[[Ticket, Storefront, Act], Change],
    *,
    by: Author,
    if_match: int | None,
) -> Ticket:
    def decided(ticket: Ticket) -> Change | None:
        _must_be(if_match, ticket)
        change = decide(ticket, desk.house.storefront(ticket.storefront), desk.act(by))
        said_nothing = change.what != "supervisor_requested" and lifecycle.unchanged(change)
        return None if said_nothing else notified(desk, change)

    return desk.table.change(reference, decided)


def _must_be(version: int | None, ticket: Ticket) -> None:
    if version is not None and ticket.version != version:
        raise Stale("The ticket has changed since you read it. Read it again.")


def _decided_once(
    desk: Desk,
    ticket: Ticket,
    decide: Callable[[Ticket, Act], tuple[Change, Message]],
    *,
    by: Author,
    once: Once | None,
    if_match: int | None,
) -> Message:
    for attempt in range(_TRIES):
        now = desk.table.ticket(ticket.reference) if attempt else ticket
        try:
            _must_be(if_match, now)
            change, message = decide(now, desk.act(by))
        except DeskError:
            known = desk.table.receipt(once.scope, once.key) if once else None
            if once is None or known is None:
                raise
            return _first_answer(once, known, Message)  # what is refused now was done before
        try:
            return _committed_once(desk, notified(desk, change), once, message)
        except Outrun:
            continue
    raise Busy("Too many people change this ticket at once. Try again.")


def _committed_once(desk: Desk, change: Change, once: Once | None, answer: Answer) -> Answer:
    """Commit a change with its receipt and return *answer*; for a repeat, the answer that was given first."""
    receipt = Receipt(once.scope, once.key, once.digest, answer) if once else None
    try:
        desk.table.commit(replace(change, receipt=receipt))
    except Repeated as repeated:
        if once is None:
            raise
        return _first_answer(once, repeated.receipt, type(answer))
    return answer


def _first_answer(once: Once, receipt: Receipt, kind: type[Answer]) -> Answer:
    if receipt.digest != once.digest:
        raise Reused("This Idempotency-Key was used for another request. Use a new one.")
    first: Answer = codec.built(kind, receipt.answer)
    return first


def _with_html(desk: Desk, messages: list[Message]) -> list[Message]:
    """Return messages with their HTML, which lies in S3, a few fetched at a time."""
    wanted = list(dict.fromkeys(message.html_key for message in messages if message.html_key))
    if not wanted:
        return messages
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(_HTML_AT_A_TIME, len(wanted))) as pool:
        read = dict(zip(wanted, pool.map(desk.files.read, wanted), strict=True))
    return [replace(m, html=read[m.html_key].decode()) if m.html_key else m for m in messages]


def _as_waiting(message: Message, unsent: Unsent | None) -> Message:
    if unsent is None:
        return message
    return replace(message, delivery={unsent.outgoing.to: _progress(unsent)})


def _to_come(unsent: Unsent) -> Message:
    outgoing = unsent.outgoing
    shown = outgoing.message or Message(outgoing.id, SYSTEM, Channel.EMAIL, outgoing.created_at, automatic=True)
    return replace(shown, delivery={outgoing.to: _progress(unsent)})


def _progress(unsent: Unsent) -> Delivery:
    state = DeliveryState.SENDING if unsent.progress.state == "sending" else DeliveryState.QUEUED
    at = unsent.progress.claimed_at or unsent.outgoing.created_at
    return Delivery(state, at, unsent.progress.reason)
