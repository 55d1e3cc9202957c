"""
Clocks and their ladder.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import promises
from chalicelib.domain.calendar import ROUND_THE_CLOCK
from chalicelib.domain.promises import next_level
from chalicelib.domain.storefront import TARGETS, Priority
from tests.domain.build import OFFICE, START, at


def hours(count):
    return timedelta(hours=count)


def ladder(clock, calendar):
    """Return every level that the clock would speak, with its time."""
    levels = []
    while level := next_level(clock, calendar):
        levels.append(level)
        clock = replace(clock, spoken=clock.spoken + 1)
    return levels


@pytest.mark.parametrize(
    ("priority", "first", "following", "resolution"),
    [
        (Priority.URGENT, 0.5, 1, 4),
        (Priority.HIGH, 1, 2, 8),
        (Priority.NORMAL, 8, 8, 24),
        (Priority.LOW, 24, 24, 72),
    ],
)
def test_each_priority_has_its_promises(priority, first, following, resolution):
    targets = TARGETS[priority]
    assert (targets.first_response, targets.next_response, targets.resolution) == (
        hours(first),
        hours(following),
        hours(resolution),
    )


@pytest.mark.parametrize(
    ("minutes", "warning", "second", "third"),
    [
        # 30 minutes: 75 % would be 7.5 before the end, but 15 is the latest
        (30, 15, 45, 60),
        (60, 45, 90, 120),
        (8 * 60, 6 * 60, 12 * 60, 16 * 60),
        # so short that the warning comes with the start
        (10, 0, 15, 20),
    ],
)
def test_the_ladder_speaks_before_at_and_after_the_end(minutes, warning, second, third):
    clock = promises.start(START, timedelta(minutes=minutes), ROUND_THE_CLOCK)
    spoken = [(level, (when - START).total_seconds() / 60) for level, when in ladder(clock, ROUND_THE_CLOCK)]
    assert spoken == [("warning", warning), ("1", minutes), ("2", second), ("3", third)]


def test_the_ladder_waits_for_opening_time():
    clock = promises.start(at("Fri 2025-03-07 15:00"), hours(2), OFFICE)
    assert ladder(clock, OFFICE) == [
        ("warning", at("Fri 2025-03-07 16:30")),
        ("1", at("Fri 2025-03-07 17:00")),
        ("2", at("Mon 2025-03-10 10:00")),
        ("3", at("Mon 2025-03-10 11:00")),
    ]


def test_a_pause_moves_the_end_by_as_much_working_time():
    clock = promises.start(at("Mon 2025-03-03 10:00"), hours(4), OFFICE)
    paused = promises.pause(clock, at("Mon 2025-03-03 11:00"), OFFICE)
    resumed = promises.resume(paused, at("Fri 2025-03-07 16:00"), OFFICE)
    assert resumed.due_at == at("Mon 2025-03-10 11:00")


def test_a_paused_clock_says_nothing_and_is_not_broken_by_waiting():
    paused = promises.pause(
        promises.start(START, hours(1), ROUND_THE_CLOCK), START + timedelta(minutes=10), ROUND_THE_CLOCK
    )
    assert next_level(paused, ROUND_THE_CLOCK) is None
    assert not paused.breached(START + timedelta(days=9))


def test_a_pause_after_the_end_mends_nothing():
    late = promises.pause(promises.start(START, hours(1), ROUND_THE_CLOCK), START + hours(2), ROUND_THE_CLOCK)
    assert late.breached(START + hours(2))
    again = promises.resume(late, START + hours(5), ROUND_THE_CLOCK)
    assert again.due_at == START + hours(1)
    assert again.breached(START + hours(5))


@pytest.mark.parametrize(("after", "broken"), [(0.5, False), (1, False), (1.5, True)])
def test_a_met_promise_stays_as_it_was_met(after, broken):
    met = promises.meet(promises.start(START, hours(1), ROUND_THE_CLOCK), START + hours(after), ROUND_THE_CLOCK)
    assert met.breached(START + timedelta(days=9)) is broken
    assert promises.meet(met, START + timedelta(days=5), ROUND_THE_CLOCK) == met
    assert next_level(met, ROUND_THE_CLOCK) is None


def test_a_clock_that_was_met_goes_on_with_the_time_between_taken_out():
    met = promises.meet(promises.start(START, hours(24), ROUND_THE_CLOCK), START + hours(4), ROUND_THE_CLOCK)
    again = promises.resume(met, START + timedelta(days=5), ROUND_THE_CLOCK)
    assert again.due_at == START + timedelta(days=5) + hours(20)
    assert again.met_at is None


@pytest.mark.parametrize(("changed", "allowance", "due"), [
    ("Mon 2025-03-03 10:00", 7, "Mon 2025-03-03 16:00"),
    ("Mon 2025-03-03 15:00", 10, "Tue 2025-03-04 11:00"),
    # more was spent than is allowed now: due at once
    ("Mon 2025-03-03 15:00", 1, "Mon 2025-03-03 15:00"),
])  # fmt: skip
def test_another_allowance_counts_what_was_spent(changed, allowance, due):
    clock = promises.start(at("Mon 2025-03-03 09:00"), hours(2), OFFICE)
    assert promises.retarget(clock, at(changed), hours(allowance), (OFFICE, OFFICE)).due_at == at(due)


def test_another_allowance_says_no_level_twice():
    warned = replace(promises.start(START, hours(8), ROUND_THE_CLOCK), spoken=1)
    shorter = promises.retarget(warned, START + hours(7), hours(4), (ROUND_THE_CLOCK, ROUND_THE_CLOCK))
    assert next_level(shorter, ROUND_THE_CLOCK) == ("1", START + hours(7))


def test_an_urgent_ticket_counts_nights_the_day_before_does_not():
    clock = promises.start(at("Fri 2025-03-07 16:00"), hours(8), OFFICE)
    urgent = promises.retarget(clock, at("Sat 2025-03-08 12:00"), timedelta(minutes=90), (OFFICE, ROUND_THE_CLOCK))
    assert urgent.due_at == at("Sat 2025-03-08 12:30")


def test_promised_anew_the_new_hours_count_from_the_start():
    clock = promises.start(at("Mon 2025-03-10 09:00"), hours(8), ROUND_THE_CLOCK)
    paused = promises.pause(clock, at("Mon 2025-03-10 12:00"), ROUND_THE_CLOCK)
    running = promises.resume(paused, at("Tue 2025-03-11 10:00"), ROUND_THE_CLOCK)
    assert promises.rewritten(paused, hours(4), OFFICE).due_at == paused.due_at
    anew = promises.rewritten(running, hours(4), OFFICE)
    assert (anew.spent, anew.due_at) == (hours(3), at("Tue 2025-03-11 11:00"))
    met = promises.meet(running, at("Tue 2025-03-11 10:30"), ROUND_THE_CLOCK)
    assert promises.rewritten(met, hours(4), OFFICE) == met


def test_a_change_of_priority_leaves_the_time_before_it_explained():
    clock = promises.start(START, hours(8), ROUND_THE_CLOCK)
    changed = promises.retarget(clock, START + hours(2), hours(4), (ROUND_THE_CLOCK, ROUND_THE_CLOCK))
    assert changed.ran(START + hours(3)) == (
        promises.Run(START, START + hours(2)), promises.Run(START + hours(2), START + hours(3)),
    )  # fmt: skip
