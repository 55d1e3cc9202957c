"""
Working time: wall-clock hours, weekends, and the two odd days of the year.
"""

from datetime import time, timedelta

import pytest

from chalicelib.domain.calendar import ROUND_THE_CLOCK, Calendar, Shift, due_at, working_time
from tests.domain.build import OFFICE, at

LUNCH = Calendar("Europe/Berlin", (Shift(0, time(14), time(18)), Shift(0, time(9), time(12))))
LATE = Calendar("Europe/Berlin", tuple(Shift(day, time(18), time(0)) for day in range(7)))
ALL_DAY = Calendar("Europe/Berlin", tuple(Shift(day, time(0), time(0)) for day in range(7)))


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("Mon 2025-03-03 10:00", 2, "Mon 2025-03-03 12:00"),
        # ends with the shift: due at closing, not next morning
        ("Mon 2025-03-03 10:00", 7, "Mon 2025-03-03 17:00"),
        ("Mon 2025-03-03 10:00", 7.5, "Tue 2025-03-04 09:30"),
        # before opening, after closing, at closing
        ("Mon 2025-03-03 06:00", 1, "Mon 2025-03-03 10:00"),
        ("Mon 2025-03-03 20:00", 1, "Tue 2025-03-04 10:00"),
        ("Mon 2025-03-03 17:00", 1, "Tue 2025-03-04 10:00"),
        # over a weekend, and from inside one
        ("Fri 2025-03-07 16:00", 2, "Mon 2025-03-10 10:00"),
        ("Sat 2025-03-08 12:00", 8, "Mon 2025-03-10 17:00"),
        # over the weekends on which summer time begins and ends
        ("Fri 2025-03-28 16:00", 2, "Mon 2025-03-31 10:00"),
        ("Fri 2025-10-24 16:00", 2, "Mon 2025-10-27 10:00"),
        # three working days
        ("Wed 2025-03-05 09:00", 24, "Fri 2025-03-07 17:00"),
    ],
)
def test_a_promise_counts_working_hours_only(asked, hours, due):
    assert due_at(at(asked), timedelta(hours=hours), OFFICE) == at(due)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        ("Mon 2025-03-03 11:00", 2, "Mon 2025-03-03 15:00"),
        ("Mon 2025-03-03 11:00", 1, "Mon 2025-03-03 12:00"),
        ("Mon 2025-03-03 11:00", 6, "Mon 2025-03-10 10:00"),
    ],
)
def test_a_lunch_break_does_not_count(asked, hours, due):
    assert due_at(at(asked), timedelta(hours=hours), LUNCH) == at(due)


def test_a_shift_may_close_at_midnight():
    assert due_at(at("Mon 2025-03-03 23:00"), timedelta(hours=2), LATE) == at("Tue 2025-03-04 19:00")


def test_round_the_clock_is_elapsed_time():
    asked = at("Sat 2025-03-29 22:00")
    assert due_at(asked, timedelta(hours=8), ROUND_THE_CLOCK) == asked + timedelta(hours=8)


@pytest.mark.parametrize(("day", "following", "hours"), [
    ("Sun 2025-03-30 00:00", "Mon 2025-03-31 00:00", 23),
    ("Sun 2025-10-26 00:00", "Mon 2025-10-27 00:00", 25),
    ("Sun 2025-11-02 00:00", "Mon 2025-11-03 00:00", 24),
])  # fmt: skip
def test_a_day_has_the_hours_that_its_clock_shows(day, following, hours):
    assert working_time(at(day), at(following), ALL_DAY) == timedelta(hours=hours)


@pytest.mark.parametrize(("start", "end", "hours"), [
    ("Mon 2025-03-03 10:00", "Mon 2025-03-03 12:30", 2.5),
    ("Fri 2025-03-07 16:00", "Mon 2025-03-10 10:00", 2),
    ("Sat 2025-03-08 10:00", "Sun 2025-03-09 10:00", 0),
    ("Mon 2025-03-03 12:00", "Mon 2025-03-03 10:00", 0),
    ("Mon 2025-03-03 00:00", "Mon 2025-03-10 00:00", 40),
])  # fmt: skip
def test_working_time_leaves_nights_and_weekends_out(start, end, hours):
    assert working_time(at(start), at(end), OFFICE) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("Mon 2025-03-03 09:00", True),
        ("Mon 2025-03-03 08:59", False),
        ("Mon 2025-03-03 17:00", False),
        ("Sun 2025-03-09 12:00", False),
    ],
)
def test_the_desk_is_open_in_its_hours(when, is_open):
    assert OFFICE.is_open(at(when)) is is_open


def test_after_the_weekend_the_desk_opens_on_monday():
    assert OFFICE.opens_next(at("Fri 2025-03-07 18:00")) == at("Mon 2025-03-10 09:00")
    assert OFFICE.opens_next(at("Mon 2025-03-10 11:00")) == at("Mon 2025-03-10 11:00")


def test_nothing_allowed_is_due_at_once():
    night = at("Sat 2025-03-08 03:00")
    assert due_at(night, timedelta(), OFFICE) == due_at(night, -timedelta(hours=1), OFFICE) == night
