"""
Reading tickets, and the one way to change them: a transaction that holds all of a change or nothing.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import codec, keys, lines, rows
from chalicelib.adapters.conflicts import Asked, Conflict, Outrun, Repeated
from chalicelib.adapters.outbox import message_guard, message_row, queued_row
from chalicelib.adapters.rows import Row, connection
from chalicelib.domain import budgets
from chalicelib.domain.change import Change, Receipt
from chalicelib.domain.delivery import Feedback, risen
from chalicelib.domain.errors import Busy, NotFound
from chalicelib.domain.ticket import Customer, Message, Ticket
from chalicelib.frozen import frozen, replace

_WRITES = 4
_COUNTS = 8
_CONDITION = "ConditionalCheckFailedException"
_LOST = frozenset({_CONDITION, "TransactionConflictException"})
_EVER = 10_000
_FIRST_PAUSE_SECONDS = 0.05
_HOPELESS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})

T = TypeVar("T")

Put = tuple[str, Row, Condition | None]
"""What is put (its name, as conflicts tell it), the row, and the condition under which it is."""

Update = tuple[str, Row, list[Any], Condition]
"""What a change writes on a customer that is known (its name, as conflicts tell it), the row, what is set, and the condition under which it is."""


@frozen
class Table:
    shards: keys.Shards
    clock: Callable[[], datetime]
    pause: Callable[[float], None] = time.sleep

    # Reading

    def ticket(self, reference: str) -> Ticket:
        found = rows.get(keys.ticket(reference))
        if found is None:
            raise NotFound("ticket")
        return rows.value(Ticket, found)

    def tickets(self, references: Iterable[str], *, consistent: bool = True) -> list[Ticket]:
        """
        Return the tickets that exist, in the order asked for.

        Not *consistent* is half as dear, and may be a second old, as the lists are that name them. A ticket that is not
        there yet is asked for again.
        """
        wanted = [keys.ticket(reference) for reference in references]
        found = rows.get_many(wanted, consistent=consistent)
        if not consistent:
            found |= rows.get_many(key for key in wanted if key not in found)
        return [rows.value(Ticket, found[key]) for key in wanted if key in found]

    def customer(self, address: str, *, consistent: bool = True) -> Customer | None:
        """Return what is known of an address; not *consistent* is half as dear, and may be a second old."""
        found = rows.get(keys.customer(address), consistent=consistent) if address else None
        return known_customer(found) if found else None

    def receipt(self, scope: str, key: str, *, consistent: bool = True) -> Receipt | None:
        """Return the receipt of an input that was taken before; an expired one is none, whatever TTL has left."""
        found = rows.get(keys.receipt(scope, key), consistent=consistent)
        if found is None or (found.expires_at or 0) <= self.clock().timestamp():
            return None
        return rows.value(Receipt, found)

    def of_mail_ids(self, message_ids: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return which tickets carry these Message-IDs: `{message id: {"ticket": number, "identity"?: of that mail}}`."""
        wanted = {keys.mail(message_id): message_id for message_id in message_ids if message_id}
        return {wanted[key]: rows.value(dict, held) for key, held in rows.get_many(wanted).items()}

    def around(
        self,
        message_ids: Iterable[str],
        references: Iterable[str],
        addresses: Iterable[str],
        *,
        consistent: bool = True,
    ) -> tuple[dict[str, dict[str, str]], dict[str, Ticket], dict[str, Customer]]:
        """
        Return what is known of Message-IDs, as of_mail_ids does, which of the tickets there are, by number, and what is
        known of addresses: in one call. Not *consistent* is half as dear, and may be a second old.
        """
        mails = {message_id: keys.mail(message_id) for message_id in message_ids if message_id}
        tickets = {reference: keys.ticket(reference) for reference in references}
        customers = {address: keys.customer(address) for address in addresses if address}
        found = rows.get_many([*mails.values(), *tickets.values(), *customers.values()], consistent=consistent)
        return (
            {message_id: rows.value(dict, found[key]) for message_id, key in mails.items() if key in found},
            {reference: rows.value(Ticket, found[key]) for reference, key in tickets.items() if key in found},
            {address: known_customer(found[key]) for address, key in customers.items() if key in found},
        )

    def took(self, message_id: str, known: Mapping[str, str] | None, identity: str) -> bool:
        """
        Tell whether a mail was taken in before; *known* is what of_mail_ids has of its Message-ID, if it has one.

        A mail without an id, or with one that another mail had, has a receipt; one of a second ago fails the commit.
        """
        if message_id and known is None:
            return False
        if known and known.get("identity") == identity:
            return True
        return self.receipt("mail", identity, consistent=False) is not None

    def message(self, reference: str, message_id: str, *, consistent: bool = True) -> Message | None:
        """
        Return a message. Not *consistent* is half as dear: its delivery may be a second old, its words do not change.
        One that is not there yet is asked for again.
        """
        found = rows.get(keys.message(reference, message_id), consistent=consistent)
        if found is None and not consistent:
            found = rows.get(keys.message(reference, message_id))
        return rows.value(Message, found) if found else None

    def messages(self, reference: str, *, after: str | None = None, limit: int = 100) -> list[Message]:
        """Return a ticket's messages, oldest first, those after a message id; what is not sent yet stands among them."""
        partition = keys.ticket(reference).pk
        condition = Row.sk.between(*keys.after(keys.MESSAGES, after))
        found = Row.query(partition, condition, consistent_read=True, limit=limit, page_size=limit)
        return [rows.value(Message, held) for held in found]

    def newest_messages(self, reference: str, limit: int) -> list[Message]:
        """Return a ticket's newest messages, oldest of them first."""
        found = Row.query(
            keys.ticket(reference).pk,
            Row.sk.startswith(keys.MESSAGES),
            consistent_read=True,
            limit=limit,
            page_size=limit,
            scan_index_forward=False,
        )
        return [rows.value(Message, held) for held in found][::-1]

    def events(self, reference: str, *, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return a ticket's audit lines, oldest first: what happened, by whom, and why."""
        waiting = self.ticket(reference).lines

        def pages(seen: str | None) -> Iterator[list[lines.Carried]]:
            yield lines.by_themselves(reference, after=seen, limit=limit)
            yield lines.carried(self.messages(reference, after=seen, limit=limit))

        return lines.merged(waiting, pages, after=after, limit=limit)

    # Writing

    def deliver(self, reference: str, message_id: str, feedback: Feedback) -> bool:
        """
        Raise the delivery state of a message; False when *feedback* says nothing new, or there is no such message.

        A state only rises, so a message as it was a second ago is good enough to begin with.
        """
        for attempt in range(_WRITES):
            message = self.message(reference, message_id, consistent=attempt > 0)
            delivery = risen(message.delivery, feedback) if message else None
            if message is None or delivery is None:
                return False
            changed = replace(message, delivery=delivery, version=message.version + 1)
            try:
                message_row(reference, changed).save(condition=message_guard(changed))
            except PutError as error:
                if rows.refusal(error) != _CONDITION:
                    raise
            else:
                return True
        raise Busy("Too much feedback on one message at once. Try again.")

    def counted(self, known: Customer, decide: Callable[[budgets.Ledger], tuple[budgets.Ledger, T]]) -> T:
        """
        Count for an address by itself, before what is counted happens: one that does not happen after all makes one
        fewer, never more. Nothing is written where the ledger stays as it is.

        Args:
            known: The address as it was read; as it is to be known from now on, when nothing was found.
            decide: Pure; returns the ledger after the count, and what comes of it.

        Raises:
            Busy: Others count for this address at the same time again and again.
        """
        for attempt in range(_COUNTS):
            read = (self.customer(known.address) if attempt else known) or known
            ledger, found = decide(read.ledger)
            if ledger == read.ledger:
                return found
            actions: list[Any] = [
                Row.ledger.set(codec.dumps(replace(ledger, version=0))),
                Row.version.set(ledger.version + 1),
                Row.data.set(Row.data | codec.dumps(Customer(known.address, known.name, known.language, known.tier))),
            ]
            as_read = Row.version == ledger.version if ledger.version else Row.version.does_not_exist()
            try:
                Row(*keys.customer(known.address)).update(actions, condition=as_read)
            except UpdateError as error:
                if rows.refusal(error) != _CONDITION:
                    raise
                self.pause(_FIRST_PAUSE_SECONDS * attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
            else:
                return found
        raise Busy("Too many mails are counted for one address at once. Try again.")

    def opt_out(self, address: str) -> None:
        """Send no more reminders, surveys and planned messages to an address."""
        known = codec.dumps(Customer(address))
        at = codec.written(self.clock())
        Row(*keys.customer(address)).update([Row.opted_out_at.set(at), Row.data.set(Row.data | known)])

    def rewrite(self, reference: str, changed: Message) -> bool:
        """Write a message that is there already; False when somebody else changed it since it was read."""
        try:
            message_row(reference, changed).save(condition=message_guard(changed))
        except PutError as error:
            if rows.refusal(error) != _CONDITION:
                raise
            return self.message(reference, changed.id) == changed
        return True

    def suppress(self, address: str, until: datetime, because: str) -> None:
        """Send nothing to an address for a while; the longest while counts, in whatever order they are told."""
        known, end = codec.dumps(Customer(address)), codec.written(until)
        row = Row(*keys.customer(address))
        actions: list[Any] = [
            Row.suppressed_until.set(end),
            Row.suppressed_because.set(because),
            Row.data.set(Row.data | known),
        ]
        try:
            row.update(actions, condition=Row.suppressed_until.does_not_exist() | (Row.suppressed_until < end))
        except UpdateError as error:
            if rows.refusal(error) != _CONDITION:
                raise

    def lift_suppression(self, address: str) -> None:
        """
        Forget that nothing may be sent to an address.

        Raises:
            NotFound: Nothing is known of it.
        """
        actions: list[Any] = [Row.suppressed_until.remove(), Row.suppressed_because.remove()]
        try:
            Row(*keys.customer(address)).update(actions, condition=Row.pk.exists())
        except UpdateError as error:
            if rows.refusal(error) != _CONDITION:
                raise
            raise NotFound("customer") from error

    def commit(self, change: Change) -> Ticket:
        """
        Write a change: all of it, or nothing. What touches its ticket alone is one put, all else one transaction.

        A lost answer is settled by writing again: if a condition fails then, the audit line of this very change tells
        that the first attempt had been stored.

        Returns:
            The ticket as it is written.

        Raises:
            Conflict: A condition did not hold; nothing was written.
            Busy: DynamoDB did not take it after several attempts; whether it did is not known, a repeat is harmless.
        """
        change = lines.laid(change)
        unsent = _unsent(change)
        puts, ledgers = list(self._puts(change)), list(_ledgers(change))
        names = [*("outbox" for _ in unsent), *(name for name, *_ in puts), *(name for name, *_ in ledgers)]
        for attempt in range(_WRITES):
            try:
                _write(unsent, puts, ledgers, token=change.ticket.change)
            except (PutError, TransactWriteError) as error:
                failed = _failed(error, names)
                if failed and attempt and self._is_written(change):
                    return change.ticket
                if failed:
                    raise self._conflict(failed, change) from error
                if rows.refusal(error) in _HOPELESS:
                    raise
                self.pause(_FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
            else:
                return change.ticket
        raise Busy("The table did not answer. Try again.")

    def _is_written(self, change: Change) -> bool:
        """Tell whether a change was stored, by its audit line: it lies with its message, or went on from its ticket."""
        ref = change.ticket.reference
        if change.messages:
            return rows.get(keys.message(ref, change.messages[0].id)) is not None
        return any(line["id"] == change.ticket.change for line in self.events(ref, after=None, limit=_EVER))

    def _conflict(self, failed: frozenset[str], change: Change) -> Conflict:
        """Read the reasons of a cancelled transaction: the receipt first, then all that calls for another decision."""
        if "receipt" in failed and change.receipt:
            known = self.receipt(change.receipt.scope, change.receipt.key)
            return Repeated(known) if known else Outrun()
        return Asked() if failed == {"ledger"} else Outrun()

    def change(self, reference: str, decide: Callable[[Ticket], Change | None], *, tries: int = 5) -> Ticket:
        """
        Read a ticket, decide, commit; read and decide again when somebody else was quicker.

        Args:
            reference: The ticket's number.
            decide: Pure; returns None when there is nothing to change.
            tries: How often to be outrun before giving up.

        Returns:
            The ticket as it is now.
        """
        for attempt in range(tries):
            ticket = self.ticket(reference)
            change = decide(ticket)
            if change is None:
                return ticket
            try:
                return self.commit(change)
            except (Outrun, Asked):
                self.pause(_FIRST_PAUSE_SECONDS * attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
        raise Busy("Too many people change this ticket at once. Try again.")

    def _puts(self, change: Change) -> Iterator[Put]:
        """Yield what a change puts: (what it is, row, condition), in the order in which reasons come back."""
        ticket = change.ticket
        ref = ticket.reference
        guard = Row.version == change.before.version if change.before else Row.pk.does_not_exist()
        free = Row.pk.does_not_exist() | (Row.expires_at < int(self.clock().timestamp()))
        if change.receipt:
            yield "receipt", self._receipt(change.receipt), free
        if change.limit:
            yield "limit", self._receipt(change.limit), free
        held = rows.row(keys.ticket(ref), ticket, index=keys.index(ticket, self.shards), version=ticket.version)
        yield "ticket", held, guard
        for outgoing in change.outgoing:
            yield "outbox", queued_row(ref, outgoing, self.clock(), self.shards.due), None
        for mail_id in change.mail_ids:
            known = {"ticket": ref} | ({"identity": change.identity} if change.identity else {})
            yield "mail", rows.row(keys.mail(mail_id), known), Row.pk.does_not_exist()
        for message in change.messages:
            yield "message", message_row(ref, message), None
        if line := lines.row(change):
            yield "event", line, None
        if change.following:
            yield from self._puts(change.following)

    def _receipt(self, receipt: Receipt) -> Row:
        expires = self.clock() + timedelta(days=keys.receipt_days(receipt.scope))
        return rows.row(keys.receipt(receipt.scope, receipt.key), receipt, expires_at=int(expires.timestamp()))


def known_customer(held: Row) -> Customer:
    """Return a customer; ledgers and suppression are attributes, because each is written by itself."""
    ledger = codec.loads(budgets.Ledger, held.ledger) if held.ledger else budgets.Ledger()
    return replace(
        rows.value(Customer, held),
        ledger=replace(ledger, version=int(held.version or 0)),
        surveyed_at=_read(held.surveyed_at),
        suppressed_until=_read(held.suppressed_until),
        suppressed_because=held.suppressed_because,
        opted_out=bool(held.opted_out_at),
    )


def _read(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _ledgers(change: Change) -> Iterator[Update]:
    """Yield what a change, and the one that follows it, claims of customers, whoever else tries at the same time."""
    if claim := _ledger(change):
        yield claim
    if change.following:
        yield from _ledgers(change.following)


def _ledger(change: Change) -> Update | None:
    """Return the update that claims a customer's survey for 30 days."""
    if not change.surveyed:
        return None
    at = change.act.at
    known = codec.dumps(Customer(change.surveyed, change.ticket.customer.name, change.ticket.language))
    actions = [Row.surveyed_at.set(keys.moment(at)), Row.data.set(Row.data | known)]
    free = (
        Row.surveyed_at.does_not_exist()
        | (Row.surveyed_at <= keys.moment(at - change.survey_pause))
        | (Row.surveyed_at >= keys.moment(at + change.survey_pause))
    )
    return "ledger", Row(*keys.customer(change.surveyed)), actions, free


def _unsent(change: Change) -> list[Row]:
    """Return what a change takes out of the outbox, where nobody has begun to send it."""
    return [Row(*keys.outbox(change.ticket.reference, change.unsent))] if change.unsent else []


def _write(unsent: list[Row], puts: list[Put], ledgers: list[Update], *, token: str) -> None:
    if len(puts) == 1 and not unsent and not ledgers:
        _, row, condition = puts[0]
        row.save(condition=condition)
        return
    with TransactWrite(connection=connection(), client_request_token=token) as transaction:
        for row in unsent:
            transaction.delete(row, condition=Row.pk.exists() & Row.claim.does_not_exist())
        for _, row, condition in puts:
            transaction.save(row, condition=condition)
        for _, row, actions, free in ledgers:
            transaction.update(row, actions=actions, condition=free)


def _failed(error: PutError | TransactWriteError, names: list[str]) -> frozenset[str]:
    """
    Return whose conditions failed, by their *names* in the order of the transaction: what it deletes, puts, updates.

    A conflict of two transactions counts as one of the ticket's.
    """
    if isinstance(error, PutError):
        return frozenset(names if rows.refusal(error) in _LOST else ())
    codes = [reason.code if reason else "" for reason in error.cancellation_reasons]
    failed = {name for name, code in zip(names, codes, strict=False) if code == "ConditionalCheckFailed"}
    return frozenset(failed | ({"ticket"} if "TransactionConflict" in codes else set()))
