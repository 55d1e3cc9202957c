"""
Working time: wall-clock hours, weekends, and the two odd days of the year.
"""

from datetime import date, time, timedelta

import pytest

from chalicelib.domain.calendar import ROUND_THE_CLOCK, Calendar, Season, Shift, due_at, intervals, working_time
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


# Holidays, seasons, several shifts, leap days

SHOP = Calendar(
    "Europe/Berlin",
    tuple(Shift(day, time(opens), time(opens + 4)) for day in range(5) for opens in (9, 15)),
    ("12-25", "02-29", "2025-03-05"),
    (
        Season(date(2025, 12, 22), date(2025, 12, 31), (Shift(5, time(10), time(14)), Shift(2, time(9), time(18)))),
        Season(date(2025, 12, 1), date(2025, 12, 24), tuple(Shift(day, time(8), time(20)) for day in range(7))),
    ),
)


@pytest.mark.parametrize(
    ("asked", "hours", "due"),
    [
        # two shifts a day, and the pause between them
        ("Mon 2025-03-03 12:00", 2, "Mon 2025-03-03 16:00"),
        ("Mon 2025-03-03 13:00", 4, "Mon 2025-03-03 19:00"),
        # a holiday of one year, and the same day of another
        ("Tue 2025-03-04 18:00", 2, "Thu 2025-03-06 10:00"),
        ("Wed 2026-03-04 18:00", 2, "Thu 2026-03-05 10:00"),
        # a holiday of every year, also when it is a leap day
        ("Fri 2026-12-25 10:00", 1, "Mon 2026-12-28 10:00"),
        ("Mon 2028-02-28 18:00", 2, "Wed 2028-03-01 10:00"),
        ("Sun 2027-02-28 18:00", 2, "Mon 2027-03-01 11:00"),
        # a season has hours of its own, on its first day and its last
        ("Sun 2025-11-30 12:00", 1, "Mon 2025-12-01 09:00"),
        ("Sun 2025-12-21 19:00", 2, "Wed 2025-12-24 10:00"),
        # of two seasons the first counts; a holiday counts more than both
        ("Wed 2025-12-24 17:00", 2, "Sat 2025-12-27 11:00"),
        ("Wed 2025-12-31 17:00", 2, "Thu 2026-01-01 10:00"),
    ],
)
def test_a_day_has_the_hours_of_its_holiday_or_its_season_or_its_week(asked, hours, due):
    assert due_at(at(asked), timedelta(hours=hours), SHOP) == at(due)


@pytest.mark.parametrize(
    ("asked", "morning"),
    [
        ("Mon 2025-03-03 08:59", "Mon 2025-03-03 09:00"),
        ("Mon 2025-03-03 09:00", "Tue 2025-03-04 09:00"),
        ("Mon 2025-03-03 14:00", "Tue 2025-03-04 09:00"),
        ("Tue 2025-03-04 20:00", "Thu 2025-03-06 09:00"),
        ("Fri 2025-03-28 20:00", "Mon 2025-03-31 09:00"),
        ("Wed 2025-12-24 20:00", "Sat 2025-12-27 10:00"),
    ],
)
def test_a_morning_is_the_first_opening_of_a_day(asked, morning):
    assert SHOP.morning_after(at(asked)) == at(morning)


def test_round_the_clock_a_day_begins_at_midnight():
    assert ROUND_THE_CLOCK.morning_after(at("Mon 2025-03-03 10:00")) == at("Tue 2025-03-04 01:00")


def test_one_business_day_ends_when_the_next_one_closes():
    assert SHOP.next_working_day_ends(at("Tue 2025-03-04 10:00")) == at("Thu 2025-03-06 19:00")
    assert SHOP.next_working_day_ends(at("Sun 2025-11-30 10:00")) == at("Mon 2025-12-01 20:00")


def test_only_working_hours_are_counted_one_by_one():
    counted = [*intervals(at("Tue 2025-03-04 17:00"), at("Thu 2025-03-06 16:00"), SHOP)]
    assert counted == [
        (at("Tue 2025-03-04 17:00"), at("Tue 2025-03-04 19:00")),
        (at("Thu 2025-03-06 09:00"), at("Thu 2025-03-06 13:00")),
        (at("Thu 2025-03-06 15:00"), at("Thu 2025-03-06 16:00")),
    ]


def test_a_leap_day_is_a_day_like_others():
    assert due_at(at("Tue 2028-02-29 16:00"), timedelta(hours=2), OFFICE) == at("Wed 2028-03-01 10:00")
    assert working_time(at("Mon 2028-02-28 00:00"), at("Wed 2028-03-01 00:00"), OFFICE) == timedelta(hours=16)
