"""
Faults built in on purpose. Each is invisible while nothing fails and nobody meets; each must be found by the explorers.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from chalicelib.adapters import conflicts, keys, mailer, outbox, rows, table
from chalicelib.domain.change import Change
from chalicelib.domain.delivery import risen
from chalicelib.domain.sending import State, Step, step
from chalicelib.usecases import feedback, mail, sending
from tests.faults.explore import Explorer, Red
from tests.faults.races import RACES
from tests.faults.scenarios import SCENARIOS


@dataclass(frozen=True, slots=True)
class Bug:
    """What is wrong, where it must be found, and how it is built in."""

    says: str
    found_in: str
    seed: Callable[[pytest.MonkeyPatch], None]

    def __str__(self) -> str:
        return self.says


def marks_before_it_writes(patch):
    whole = table.Table.commit

    def commit(self, change):
        marks = [(self._receipt(change.receipt), conflicts.Repeated(change.receipt))] if change.receipt else []
        for mail_id in change.mail_ids:
            known = {"ticket": change.ticket.reference, "identity": change.identity}
            marks.append((rows.row(keys.mail(mail_id), known), conflicts.Outrun()))
        for row, conflict in marks:
            try:
                row.save(condition=rows.Row.pk.does_not_exist())
            except table.PutError as error:
                if rows.refusal(error) != table._CONDITION:
                    raise
                raise conflict from error
        return whole(self, replace(change, receipt=None, mail_ids=()))

    patch.setattr(table.Table, "commit", commit)


def writes_what_is_to_be_sent_by_itself(patch):
    whole = table.Table.commit

    def commit(self, change: Change):
        ticket = whole(self, replace(change, outgoing=()))
        for outgoing in change.outgoing:
            outbox.queued_row(change.ticket.reference, outgoing, self.clock(), self.shards.due).save()
        return ticket

    patch.setattr(table.Table, "commit", commit)


def sends_again_after_silence(patch):
    def send(*args, **named):
        try:
            return mailer.send(*args, **named)
        except mailer.Silence:
            return mailer.send(*args, **named)

    patch.setattr(sending, "send", send)


def takes_silence_for_a_refusal(patch):
    def send(*args, **named):
        try:
            return mailer.send(*args, **named)
        except mailer.Silence as silence:
            raise mailer.Refused(str(silence), throttled=True) from silence

    patch.setattr(sending, "send", send)


def has_no_lease(patch):
    def now(progress, at, *, events_flow):
        if progress.state is State.SENDING:
            return Step.SEND
        return step(progress, at, events_flow=events_flow)

    patch.setattr(sending, "step", now)


def claims_what_another_holds(patch):
    patch.setattr(outbox, "_as_read", lambda _: rows.Row.pk.exists())


def never_asks_whether_events_flow(patch):
    patch.setattr(sending, "_events_flow", lambda *_: True)


def trusts_the_stream_alone(patch):
    whole = outbox.queued_row

    def queued_row(*args):
        row = whole(*args)
        row.due_pk = row.due_sk = None
        return row

    patch.setattr(table, "queued_row", queued_row)


def forgets_a_mail_before_it_is_kept(patch):
    whole = mail.settled

    def settled(desk, came, found):
        desk.files.forget_incoming(came.envelope.key)
        return whole(desk, came, found)

    patch.setattr(mail, "settled", settled)


def says_it_bounced_and_then_acts(patch):
    def settle(desk, said):
        message = desk.table.message(said.reference, said.outbox_id)
        if message and risen(message.delivery, said):
            desk.table.deliver(said.reference, said.outbox_id, said)
            whole(desk, said)

    whole = feedback._settle
    patch.setattr(feedback, "_settle", settle)


def marks_after_it_wrote(patch):
    whole = table.Table.commit

    def commit(self, change):
        ticket = whole(self, replace(change, receipt=None))
        if change.receipt:
            self._receipt(change.receipt).save()
        return ticket

    patch.setattr(table.Table, "commit", commit)


def asks_whoever_was_asked(patch):
    whole = table._ledger

    def ledger(change):
        found = whole(change)
        return (*found[:3], None) if found else None

    patch.setattr(table, "_ledger", ledger)


def overwrites_what_another_wrote(patch):
    whole = table.Table._puts

    def puts(self, change):
        for name, row, guard in whole(self, change):
            yield name, row, None if name == "ticket" and change.before else guard

    patch.setattr(table.Table, "_puts", puts)


BUGS = (
    Bug("marks before it writes", "opens by queue", marks_before_it_writes),
    Bug("marks a mail before it writes", "opens by mail", marks_before_it_writes),
    Bug("writes what is to be sent by itself", "opens by API", writes_what_is_to_be_sent_by_itself),
    Bug("sends again after silence", "an acknowledgement is sent", sends_again_after_silence),
    Bug("takes silence for a refusal", "an acknowledgement is sent, SES silent", takes_silence_for_a_refusal),
    Bug("has no lease", "an acknowledgement by two workers", has_no_lease),
    Bug("claims what another holds", "an answer by two workers", claims_what_another_holds),
    Bug("never asks whether events flow", "an acknowledgement is sent, SES silent", never_asks_whether_events_flow),
    Bug("trusts the stream alone", "an acknowledgement is sent", trusts_the_stream_alone),
    Bug("forgets a mail before it is kept", "opens by mail", forgets_a_mail_before_it_is_kept),
    Bug("says it bounced and then acts", "an answer bounces", says_it_bounced_and_then_acts),
    Bug("marks a bounce after it wrote", "an answer bounces", marks_after_it_wrote),
    Bug("asks whoever was asked", "two surveys due for one customer", asks_whoever_was_asked),
    Bug("overwrites what another wrote", "an answer and a reply", overwrites_what_another_wrote),
)


@pytest.mark.parametrize("bug", BUGS, ids=str)
def test_a_seeded_bug_is_found(bug, bare, monkeypatch):
    bug.seed(monkeypatch)
    race = next((race for race in RACES if race.name == bug.found_in), None)
    scenario = race.scenario if race else next(s for s in SCENARIOS if s.name == bug.found_in)
    explorer = Explorer.of(scenario, bare)
    explorer.undisturbed()
    if race:
        tally = explorer.orders(race.deliveries, *filter(None, [race.also]), until_red=True)
    else:
        tally = explorer.single_faults(until_red=True)
    with pytest.raises(Red):
        tally.check()
