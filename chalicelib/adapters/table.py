"""
Reading tickets, and the one way to change them: a transaction that holds all of a change or nothing.
"""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from pynamodb.exceptions import PutError, TransactWriteError, UpdateError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import codec, keys, rows
from chalicelib.adapters.conflicts import Asked, Conflict, Outrun, Repeated
from chalicelib.adapters.outbox import message_guard, message_row, queued_row
from chalicelib.adapters.rows import Row, connection
from chalicelib.domain import budgets
from chalicelib.domain.change import Change, Receipt
from chalicelib.domain.delivery import Feedback, risen
from chalicelib.domain.errors import Busy, NotFound
from chalicelib.domain.ticket import Customer, Message, Ticket
from chalicelib.frozen import frozen

_WRITES = 4
_CONDITION = "ConditionalCheckFailedException"
_FIRST_PAUSE_SECONDS = 0.05
_HOPELESS = frozenset({"ValidationException", "AccessDeniedException", "ResourceNotFoundException"})

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

    def tickets(self, references: Iterable[str]) -> list[Ticket]:
        """Return the tickets that exist, in the order asked for."""
        wanted = [keys.ticket(reference) for reference in references]
        found = rows.get_many(wanted)
        return [rows.value(Ticket, found[key]) for key in wanted if key in found]

    def tickets_and_customer(
        self, references: Iterable[str], address: str, *, consistent: bool = True
    ) -> tuple[list[Ticket], Customer | None]:
        """
        Return the tickets that exist and what is known of an address, in one call.

        Not *consistent* is half as dear, and may be a second old: good enough for a change, which fails on what is stale.
        A ticket that is not there yet is asked for again.
        """
        wanted = [keys.ticket(reference) for reference in references]
        of_address = [keys.customer(address)] if address else []
        found = rows.get_many([*wanted, *of_address], consistent=consistent)
        if not consistent and any(key not in found for key in wanted):
            found = rows.get_many([*wanted, *of_address])
        known = [known_customer(found[key]) for key in of_address if key in found]
        return [rows.value(Ticket, found[key]) for key in wanted if key in found], (known[0] if known else None)

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

    def of_mail_ids(self, message_ids: Iterable[str]) -> dict[str, str]:
        """Return which tickets carry these Message-IDs: `{message id: number}`."""
        wanted = {keys.mail(message_id): message_id for message_id in message_ids if message_id}
        return {wanted[key]: rows.value(dict, held)["ticket"] for key, held in rows.get_many(wanted).items()}

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
        low = f"MESSAGE#{after}\x01" if after else "MESSAGE#"
        condition = Row.sk.between(low, "MESSAGE#~")
        found = Row.query(partition, condition, consistent_read=True, limit=limit, page_size=limit)
        return [rows.value(Message, held) for held in found]

    def newest_messages(self, reference: str, limit: int) -> list[Message]:
        """Return a ticket's newest messages, oldest of them first."""
        found = Row.query(
            keys.ticket(reference).pk,
            Row.sk.startswith("MESSAGE#"),
            consistent_read=True,
            limit=limit,
            page_size=limit,
            scan_index_forward=False,
        )
        return [rows.value(Message, held) for held in found][::-1]

    def events(self, reference: str, *, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return a ticket's audit lines, oldest first: what happened, by whom, and why."""
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            alone = self._lines(reference, after, limit)
            said = self.messages(reference, after=after, limit=limit)
            lines = alone + [{"id": message.id, **message.audit} for message in said if message.audit]
            ends = [page[-1] for page in ([line["id"] for line in alone], [m.id for m in said]) if len(page) == limit]
            after = min(ends, default=None)  # beyond the end of a full page may stand more
            found += sorted((line for line in lines if not after or line["id"] <= after), key=itemgetter("id"))
            if after is None:
                break
        return found[:limit]

    def _lines(self, reference: str, after: str | None, limit: int) -> list[dict[str, Any]]:
        """Return the audit lines that no message carries."""
        low = f"EVENT#{after}\x01" if after else "EVENT#"
        condition = Row.sk.between(low, "EVENT#~")
        found = Row.query(keys.ticket(reference).pk, condition, consistent_read=True, limit=limit, page_size=limit)
        return [{"id": held.sk.removeprefix("EVENT#"), **rows.value(dict, held)} for held in found]

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

    def commit(self, change: Change) -> None:
        """
        Write a change in one transaction.

        A lost answer is settled by writing again: if a condition fails then, the audit line of this very change tells
        that the first attempt had been stored.

        Raises:
            Conflict: A condition did not hold; nothing was written.
            Busy: DynamoDB did not take it after several attempts; whether it did is not known, a repeat is harmless.
        """
        unsent = _unsent(change)
        puts, ledgers = list(self._puts(change)), list(_ledgers(change))
        names = [*("outbox" for _ in unsent), *(name for name, *_ in puts), *(name for name, *_ in ledgers)]
        for attempt in range(_WRITES):
            try:
                _transact(unsent, puts, ledgers, token=change.ticket.change)
            except TransactWriteError as error:
                failed = _failed(error, names)
                if failed and attempt and rows.get(_line_key(change)):
                    return
                if failed:
                    raise self._conflict(failed, change) from error
                if rows.refusal(error) in _HOPELESS:
                    raise
                self.pause(_FIRST_PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
            else:
                return
        raise Busy("The table did not answer. Try again.")

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
                self.commit(change)
            except (Outrun, Asked):
                self.pause(_FIRST_PAUSE_SECONDS * attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
            else:
                return change.ticket
        raise Busy("Too many people change this ticket at once. Try again.")

    def _puts(self, change: Change) -> Iterator[Put]:
        """Yield what a change puts: (what it is, row, condition), in the order in which reasons come back."""
        ticket, at = change.ticket, change.act.at
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
            yield "mail", rows.row(keys.mail(mail_id), {"ticket": ref}), Row.pk.does_not_exist()
        if change.new_customer:
            known = Customer(ticket.customer.email, ticket.customer.name, ticket.language, ticket.customer.tier)
            counted = _counted(change.counted[1]) if change.counted and _counts_for_newcomer(change) else {}
            yield "customer", rows.row(keys.customer(known.address), known, **counted), Row.pk.does_not_exist()
        line: dict[str, Any] = {"at": at, "by": change.act.by, "what": change.what, "version": ticket.version}
        line |= {name: told for name, told in (("why", change.why), ("detail", change.detail)) if told}
        if change.messages:
            first, *others = change.messages
            for message in (replace(first, audit=line), *others):
                yield "message", message_row(ref, message), None
        else:
            yield "event", rows.row(_line_key(change), line), None
        if change.following:
            yield from self._puts(change.following)

    def _receipt(self, receipt: Receipt) -> Row:
        expires = self.clock() + timedelta(days=keys.receipt_days(receipt.scope))
        return rows.row(keys.receipt(receipt.scope, receipt.key), receipt, expires_at=int(expires.timestamp()))


def _line_key(change: Change) -> keys.Key:
    """Return where the audit line of a change lies: with its first message, or by itself."""
    reference = change.ticket.reference
    return (
        keys.message(reference, change.messages[0].id)
        if change.messages
        else keys.event(reference, change.ticket.change)
    )


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
    if change.counted and not _counts_for_newcomer(change):
        address, ledger = change.counted
        known = codec.dumps(Customer(address, change.ticket.customer.name, change.ticket.language))
        actions = [getattr(Row, name).set(value) for name, value in _counted(ledger).items()]
        as_read = Row.version == ledger.version if ledger.version else Row.version.does_not_exist()
        yield "customer", Row(*keys.customer(address)), [*actions, Row.data.set(Row.data | known)], as_read
    if change.following:
        yield from _ledgers(change.following)


def _counts_for_newcomer(change: Change) -> bool:
    """Tell whether a change puts the very customer whose budgets it asks for."""
    return change.new_customer and change.counted is not None and change.counted[0] == change.ticket.customer.email


def _counted(ledger: budgets.Ledger) -> dict[str, Any]:
    """Return the attributes that hold a ledger after this write."""
    return {"ledger": codec.dumps(replace(ledger, version=0)), "version": ledger.version + 1}


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


def _transact(unsent: list[Row], puts: list[Put], ledgers: list[Update], *, token: str) -> None:
    with TransactWrite(connection=connection(), client_request_token=token) as transaction:
        for row in unsent:
            transaction.delete(row, condition=Row.pk.exists() & Row.claim.does_not_exist())
        for _, row, condition in puts:
            transaction.save(row, condition=condition)
        for _, row, actions, free in ledgers:
            transaction.update(row, actions=actions, condition=free)


def _failed(error: TransactWriteError, names: list[str]) -> frozenset[str]:
    """
    Return whose conditions failed, by their *names* in the order of the transaction: what it deletes, puts, updates.

    A conflict of two transactions counts as one of the ticket's.
    """
    codes = [reason.code if reason else "" for reason in error.cancellation_reasons]
    failed = {name for name, code in zip(names, codes, strict=False) if code == "ConditionalCheckFailed"}
    return frozenset(failed | ({"ticket"} if "TransactionConflict" in codes else set()))
