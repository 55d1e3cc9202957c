"""
Some of what `python -m tests.faults.sending` plays, and what is broken on purpose turns its figures red.
"""

import pytest

from chalicelib.usecases import sending
from tests.faults import test_seeded_bugs
from tests.faults.lab import Fault
from tests.faults.sending import Figure, Told, holds, lines, table


def figures(bare, **asked):
    *_, rows = table(bare, **asked)
    return rows


def total(rows, told):
    found = Figure()
    for (when, *_), figure in rows.items():
        if when is told:
            found.add(figure)
    return found


def wrong(rows):
    return {(told, step) for (told, step, _), figure in rows.items() if not holds(told, figure)}


def test_whatever_call_of_sending_fails_no_mail_is_lost_and_none_doubled_unless_ses_never_speaks(bare):
    rows = figures(bare, every=19)
    assert wrong(rows) == set()
    assert {told for told, *_ in rows} == {*Told}
    assert {step for _, step, _ in rows} >= {"reads", "claim", "SendRawEmail", "settle"}
    assert sum(figure.schedules for figure in rows.values()) > 200
    assert not any("WRONG" in line for line in lines(rows))


def test_what_ses_took_without_an_answer_is_doubled_only_when_its_events_never_come(bare):
    rows = figures(bare, mails=["an acknowledgement"], told=[Told.LATE, Told.NEVER], ways=["by the stream"])
    assert wrong(rows) == set()
    late, never = total(rows, Told.LATE), total(rows, Told.NEVER)
    assert late.unheard == never.unheard == never.doubled
    assert late.doubled == 0
    unanswered = (Fault.ERROR_AFTER, Fault.UNANSWERED, Fault.CRASH_AFTER)
    for fault in Fault:
        if (figure := rows.get((Told.NEVER, "SendRawEmail", fault.value.replace("_", " ")))) is not None:
            assert (figure.schedules, figure.doubled) == (1, int(fault in unanswered))


def settles_before_it_sends(patch):
    whole = sending._claimed

    def claimed(desk, unsent):
        held = whole(desk, unsent)
        if held:
            desk.outbox.settle(held, held.outgoing.message, None)
        return held

    patch.setattr(sending, "_claimed", claimed)


@pytest.mark.parametrize(
    ("seed", "told", "step"),
    [
        (settles_before_it_sends, Told.IN_TIME, "its message"),
        (test_seeded_bugs.never_asks_whether_events_flow, Told.LATE, "SendRawEmail"),
        (test_seeded_bugs.sends_again_after_silence, Told.IN_TIME, "SendRawEmail"),
        (test_seeded_bugs.takes_silence_for_a_refusal, Told.LATE, "SendRawEmail"),
        (test_seeded_bugs.trusts_the_stream_alone, Told.EARLY, "reads"),
    ],
)
def test_a_seeded_bug_turns_a_figure_red(seed, told, step, bare, monkeypatch):
    seed(monkeypatch)
    plays = table(bare, mails=["an acknowledgement"], told=[told], ways=["by the stream"])
    rows = next(rows for rows in plays if wrong(rows))
    assert wrong(rows) == {(told, step)}
    assert [line for line in lines(rows) if line.endswith("WRONG")]
