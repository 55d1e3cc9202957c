"""
The outbox: what is to be sent lies beside its ticket until it is settled, and in `by_due_time` for the sweep.

Every step is a conditional write guarded by the claim that was read. A step whose answer was lost is tried once more,
and a condition that fails then is settled by reading back whose claim stands there.
"""

import random
import time
from collections.abc import Callable
from dataclasses import field
from datetime import datetime, timedelta
from typing import Any

from pynamodb.exceptions import DeleteError, PutError, TransactWriteError, UpdateError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import codec, keys, rows
from chalicelib.adapters.conflicts import Outrun
from chalicelib.adapters.keys import Key
from chalicelib.adapters.rows import Row, connection
from chalicelib.domain import budgets
from chalicelib.domain.change import Outgoing
from chalicelib.domain.errors import Busy
from chalicelib.domain.sending import FIRST_LOOK, Progress, State
from chalicelib.domain.ticket import Message
from chalicelib.frozen import frozen, replace

_CONDITION = "ConditionalCheckFailedException"
_RESERVES = 8
_BUDGET_OF_AN_ITEM = 500
_SPENT_FOR = timedelta(minutes=1)
_NOTED_EVERY = timedelta(minutes=1)
_FIRST_PAUSE_SECONDS = 0.02


@frozen
class Unsent:
    """An outbox item as it was read. `claim` names the write that left it so."""

    reference: str
    outgoing: Outgoing
    progress: Progress
    claim: str | None = None


def queued_row(reference: str, outgoing: Outgoing, now: datetime, shards: int) -> Row:
    """Return the row of something new to send; the stream brings it at once, the sweep looks after a while."""
    progress = Progress(State.QUEUED, not_before=outgoing.not_before)
    look = outgoing.not_before or now + FIRST_LOOK
    return rows.row(
        keys.outbox(reference, outgoing.id),
        outgoing,
        index={"by_due_time": _place(reference, outgoing.id, look, shards)},
        progress=codec.dumps(progress),
    )


@frozen
class Outbox:
    shards: int
    new_id: Callable[[], str]
    pause: Callable[[float], None] = time.sleep
    _spent: dict[Key, datetime] = field(default_factory=dict)
    _fed_back: dict[Key, datetime] = field(default_factory=dict)

    def find(self, reference: str, outbox_id: str, *, consistent: bool = True) -> Unsent | None:
        """
        Return an item, None when it is settled (or never was).

        Not *consistent* is half as dear, and may be a second old: each step is guarded by the claim that was read.
        """
        held = rows.get(keys.outbox(reference, outbox_id), consistent=consistent)
        return _unsent(held) if held else None

    def of_ticket(self, reference: str) -> list[Unsent]:
        """Return all of a ticket that is not settled, oldest first."""
        return [_unsent(held) for held in Row.query(keys.ticket(reference).pk, Row.sk.startswith("OUTBOX#"))]

    def claim(self, unsent: Unsent, progress: Progress) -> Unsent | None:
        """Take an item for sending; None when somebody else took a step first. The sweep's next look stays as it is."""
        return self._step(unsent, progress, [])

    def postpone(self, unsent: Unsent, progress: Progress, until: datetime) -> Unsent | None:
        """Leave an item until the sweep brings it again."""
        place = _place(unsent.reference, unsent.outgoing.id, until, self.shards)
        return self._step(unsent, progress, [Row.due_pk.set(place.pk), Row.due_sk.set(place.sk)])

    def hold(self, unsent: Unsent, progress: Progress) -> Unsent | None:
        """Leave an item to people: the sweep does not see it any more."""
        return self._step(unsent, progress, [Row.due_pk.remove(), Row.due_sk.remove()])

    def _step(self, unsent: Unsent, progress: Progress, place: list[Any]) -> Unsent | None:
        claim = self.new_id()
        row = Row(*keys.outbox(unsent.reference, unsent.outgoing.id))
        actions = [Row.progress.set(codec.dumps(progress)), Row.claim.set(claim), *place]
        if unsent.outgoing.message:
            actions += rows.setting(unsent.outgoing)
        for last in (False, True):
            try:
                row.update(actions, condition=_as_read(unsent))
            except UpdateError as error:
                if rows.refusal(error) == _CONDITION:
                    now = self.find(unsent.reference, unsent.outgoing.id)
                    return now if now and now.claim == claim else None
                if last:
                    raise
            else:
                return replace(unsent, progress=progress, claim=claim)
        raise AssertionError("the loop returns or raises")

    def settle(self, unsent: Unsent, message: Message | None, mail_id: str | None) -> bool:
        """
        Take an item out: it was sent. Its message says so, and the id under which it went leads back to the ticket.

        Three writes, each true by itself and harmless when it is done again; the item goes last. Whoever stops before
        leaves an item that the Send event of SES settles.

        Returns:
            False when there is nothing to do any more: somebody else settled it, or took another step, first.

        Raises:
            Outrun: The message's delivery state rose meanwhile: read it again.
            Busy: The table did not answer; the Send event of SES will settle it.
        """
        if mail_id:
            _insistent(lambda: rows.row(keys.mail(mail_id), {"ticket": unsent.reference}).save())
        if message:
            told = message_row(unsent.reference, message)
            if not _insistent(lambda: told.save(condition=message_guard(message))):
                raise Outrun
        row = Row(*keys.outbox(unsent.reference, unsent.outgoing.id))
        return _insistent(lambda: row.delete(condition=_as_read(unsent)))

    def reserve(self, of: str, most: int, reference: str, now: datetime) -> bool:
        """
        Count a mail before it is sent; a count whose mail is then not sent makes one mail fewer, never more.

        A budget lies on one item for each 500, so none is hot; a ticket asks always the same one. What is spent is
        remembered for a minute.

        Args:
            of: Whose budget: a storefront's id, or an agent's address.
            most: The budget for an hour. Positive.
            reference: The ticket for which the mail goes.
            now: The wall clock.

        Returns:
            False when the budget of this hour is spent.

        Raises:
            Busy: Others count at the same time again and again.
        """
        shards = -(-most // _BUDGET_OF_AN_ITEM)
        key = keys.budget(of, keys.shard(reference, shards))
        if self._spent.get(key, now) > now:
            return False
        for attempt in range(_RESERVES):
            held = rows.get(key, consistent=attempt > 0)
            counted = budgets.reserved(rows.value(dict, held) if held else {}, most // shards, now)
            if counted is None:
                self._spent[key] = now + _SPENT_FOR
                return False
            ends = int((now + 2 * budgets.HOUR).timestamp())
            version = int(held.version or 0) if held else 0
            row = rows.row(key, counted, version=version + 1, expires_at=ends)
            try:
                row.save(condition=Row.version == version if version else Row.pk.does_not_exist())
            except PutError as error:
                if rows.refusal(error) != _CONDITION:
                    raise
                self.pause(_FIRST_PAUSE_SECONDS * attempt * random.uniform(0.5, 1))  # noqa: S311 jitter
            else:
                return True
        raise Busy("Too many mails are counted at once. Try again.")

    def plan_digest(self, storefront_id: str, at: datetime | None) -> None:
        """Have a storefront's next digest due at *at*; None for never."""
        _digest_row(storefront_id, at, self.shards).save()

    def put_digests(
        self, storefront_id: str, due: datetime, following: datetime | None, mails: list[Outgoing], now: datetime
    ) -> bool:
        """
        Put a storefront's digests out and take its due item forward, together.

        Returns:
            False when it is not due any more: somebody else was quicker.
        """
        try:
            with TransactWrite(connection=connection()) as transaction:
                still = Row.due_sk <= f"{keys.moment(due)}~"
                transaction.save(_digest_row(storefront_id, following, self.shards), condition=still)
                for mail in mails:
                    transaction.save(queued_row(f"DIGEST-{storefront_id}", mail, now, self.shards))
        except TransactWriteError as error:
            codes = [reason.code if reason else "" for reason in error.cancellation_reasons]
            if codes[:1] == ["ConditionalCheckFailed"]:
                return False
            raise
        return True

    def last_feedback(self, *, consistent: bool = True) -> datetime | None:
        """Return when the newest mail was sent that SES's events have spoken of."""
        held = rows.get(keys.FEEDBACK, consistent=consistent)
        return datetime.fromisoformat(rows.value(dict, held)["sent_at"]) if held else None

    def note_feedback(self, sent_at: datetime) -> None:
        """
        Remember that events arrive: at most once a minute, and never back in time. Whoever writes last is right enough.

        All feedback meets on this one item, so a process does not read again what it has seen in this minute.
        """
        seen = self._fed_back.get(keys.FEEDBACK)
        if seen is None or sent_at >= seen + _NOTED_EVERY:
            seen = self.last_feedback(consistent=False)
            if seen is None or sent_at >= seen + _NOTED_EVERY:
                rows.row(keys.FEEDBACK, {"sent_at": sent_at}).save()
                seen = sent_at
            self._fed_back[keys.FEEDBACK] = seen


def _insistent(write: Callable[[], object]) -> bool:
    """
    Write; False when a condition does not hold. An answer that was lost is asked for once more.

    Raises:
        Busy: The table did not answer.
    """
    for _ in range(2):
        try:
            write()
        except (PutError, DeleteError) as error:
            if rows.refusal(error) == _CONDITION:
                return False
        else:
            return True
    raise Busy("The table did not answer.")


def message_row(reference: str, message: Message) -> Row:
    return rows.row(keys.message(reference, message.id), message, version=message.version)


def message_guard(message: Message) -> Any:  # noqa: ANN401
    """Return the condition for writing a message: a new one is not there, a changed one is as it was read."""
    return Row.pk.does_not_exist() if message.version == 1 else Row.version == message.version - 1


def _digest_row(storefront_id: str, at: datetime | None, shards: int) -> Row:
    key = keys.digest_of(storefront_id)
    place = Key(keys.due(keys.shard(storefront_id, shards)), keys.at_moment(at, storefront_id)) if at else None
    return rows.row(key, {"at": at}, index={"by_due_time": place} if place else None)


def _as_read(unsent: Unsent) -> Any:  # noqa: ANN401
    return (Row.claim == unsent.claim) if unsent.claim else (Row.pk.exists() & Row.claim.does_not_exist())


def _place(reference: str, outbox_id: str, at: datetime, shards: int) -> Key:
    return Key(keys.unsent(keys.shard(reference, shards)), keys.at_moment(at, f"{reference}#{outbox_id}"))


def _unsent(held: Row) -> Unsent:
    reference = held.pk.removeprefix("TICKET#")
    progress = codec.loads(Progress, held.progress)
    return Unsent(reference, rows.value(Outgoing, held), progress, held.claim)
