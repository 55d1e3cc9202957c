"""
Working time: the hours in which a storefront answers.

Hours are wall-clock times in the storefront's zone, so a shift keeps its times when summer time begins or ends. A day's
hours are, in this order: none on a holiday, those of a season that the day lies in, the weekly ones.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from chalicelib.frozen import frozen

_HORIZON_DAYS = 3 * 366


@frozen
class Shift:
    """From *opens* to *closes* on *weekday* (0 is Monday); a shift that closes at midnight closes at 00:00."""

    weekday: int
    opens: time
    closes: time


@frozen
class Season:
    """Other weekly hours from one day to another, both included; the first season that holds a day counts."""

    begins: date
    ends: date
    shifts: tuple[Shift, ...] = ()

    def holds(self, day: date) -> bool:
        return self.begins <= day <= self.ends


@frozen
class Calendar:
    """
    Weekly shifts in a time zone; without any, the desk answers round the clock.

    `holidays` are days (`2026-04-03`), or come every year (`12-25`).
    """

    time_zone: str = "UTC"
    shifts: tuple[Shift, ...] = ()
    holidays: tuple[str, ...] = ()
    seasons: tuple[Season, ...] = ()

    def shifts_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield (opens, closes) in UTC from *start* on, in order; the first begins at *start* if it is in it."""
        start = start.astimezone(UTC)
        if not (self.shifts or self.holidays or self.seasons):
            yield start, datetime.max.replace(tzinfo=UTC)
            return
        zone = ZoneInfo(self.time_zone)
        first = start.astimezone(zone).date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(_HORIZON_DAYS)):
            for shift in self._of_day(day):
                opens, closes = _utc(day, shift.opens, zone), _utc(day, shift.closes, zone, ends=True)
                if closes > start:
                    yield max(opens, start), closes

    def is_open(self, at: datetime) -> bool:
        return self.opens_next(at) <= at

    def opens_next(self, at: datetime) -> datetime:
        """Return *at* itself when the desk is open, else when it opens next (UTC)."""
        return next(self.shifts_from(at))[0]

    def day_of(self, at: datetime) -> date:
        """Return the date at *at* where the storefront is."""
        return at.astimezone(ZoneInfo(self.time_zone)).date()

    def opening_after(self, at: datetime) -> datetime:
        """Return the first opening of the next day that has one (UTC): when a morning's work begins."""
        zone = ZoneInfo(self.time_zone)
        tomorrow = datetime.combine(self.day_of(at) + timedelta(days=1), time(), zone)
        return self.opens_next(tomorrow)

    def morning_after(self, at: datetime) -> datetime:
        """Return the next time at which a day's work begins (UTC), today's if it lies ahead."""
        zone, first = ZoneInfo(self.time_zone), self.day_of(at)
        for day in (first + timedelta(days=n) for n in range(_HORIZON_DAYS)):
            for shift in self._of_day(day)[:1]:
                if (opens := _utc(day, shift.opens, zone)) > at:
                    return opens
        raise ValueError("a calendar whose shifts hold no time has no mornings")

    def next_working_day_ends(self, at: datetime) -> datetime:
        """Return when the working day after today closes (UTC): one business day from now."""
        opens = self.opening_after(at)
        day = self.day_of(opens)
        zone = ZoneInfo(self.time_zone)
        shifts = self._of_day(day)
        return max(_utc(day, shift.closes, zone, ends=True) for shift in shifts) if shifts else opens

    def _of_day(self, day: date) -> tuple[Shift, ...]:
        if day.isoformat() in self.holidays or day.isoformat()[5:] in self.holidays:
            return ()
        season = next((season for season in self.seasons if season.holds(day)), None)
        weekly = season.shifts if season else self.shifts
        if not weekly and not season:
            return (Shift(day.weekday(), time(), time()),)
        return tuple(sorted((s for s in weekly if s.weekday == day.weekday()), key=lambda s: s.opens))


ROUND_THE_CLOCK = Calendar()


def due_at(start: datetime, allowance: timedelta, calendar: Calendar) -> datetime:
    """
    Return the moment by which *allowance* of working time has passed.

    Args:
        start: Aware datetime, in any zone.
        allowance: Working time, not elapsed time. What is not positive is due at once.
        calendar: The hours that count.

    Returns:
        Aware UTC datetime. An allowance that ends with the shift is due at closing time, not at the next opening.
    """
    remaining = allowance
    if remaining <= timedelta():
        return start.astimezone(UTC)
    for opens, closes in calendar.shifts_from(start):
        if remaining <= closes - opens:
            return opens + remaining
        remaining -= closes - opens
    raise ValueError("a calendar whose shifts hold no time has no due times")


def intervals(start: datetime, end: datetime, calendar: Calendar) -> Iterator[tuple[datetime, datetime]]:
    """Yield the working intervals between two moments (UTC): those that count."""
    if end <= start:
        return
    for opens, closes in calendar.shifts_from(start):
        if opens >= end:
            return
        yield opens, min(closes, end)


def working_time(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Return the working time between two moments; nothing when *end* is not after *start*."""
    return sum((closes - opens for opens, closes in intervals(start, end, calendar)), timedelta())


def _utc(day: date, at: time, zone: ZoneInfo, *, ends: bool = False) -> datetime:
    if ends and at == time():
        day += timedelta(days=1)
    return datetime.combine(day, at, zone).astimezone(UTC)
