"""
Working time: the hours in which a storefront answers.

Weekly hours are wall-clock times in the storefront's zone, so a shift keeps its times when summer time begins or ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HORIZON_DAYS = 3 * 366


@dataclass(frozen=True, slots=True)
class Shift:
    """From *opens* to *closes* on *weekday* (0 is Monday); a shift that closes at midnight closes at 00:00."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """Weekly shifts in a time zone. Without shifts the desk answers round the clock."""

    time_zone: str = "UTC"
    shifts: tuple[Shift, ...] = ()

    def shifts_from(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield (opens, closes) in UTC from *start* on, in order; the first begins at *start* if it is in it."""
        start = start.astimezone(UTC)
        if not self.shifts:
            yield start, datetime.max.replace(tzinfo=UTC)
            return
        zone = ZoneInfo(self.time_zone)
        first = start.astimezone(zone).date() - timedelta(days=1)
        for day in (first + timedelta(days=n) for n in range(_HORIZON_DAYS)):
            for shift in sorted((s for s in self.shifts if s.weekday == day.weekday()), key=lambda s: s.opens):
                opens, closes = _utc(day, shift.opens, zone), _utc(day, shift.closes, zone, ends=True)
                if closes > start:
                    yield max(opens, start), closes

    def is_open(self, at: datetime) -> bool:
        opens, _ = next(self.shifts_from(at))
        return opens <= at

    def opens_next(self, at: datetime) -> datetime:
        """Return *at* itself when the desk is open, else when it opens next (UTC)."""
        return next(self.shifts_from(at))[0]


ROUND_THE_CLOCK = Calendar()


def due_at(start: datetime, allowance: timedelta, calendar: Calendar) -> datetime:
    """
    Return the moment by which *allowance* of working time has passed.

    Args:
        start: Aware datetime, in any zone.
        allowance: Working time, not elapsed time. What is not positive is due at once.

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


def working_time(start: datetime, end: datetime, calendar: Calendar) -> timedelta:
    """Return the working time between two moments; nothing when *end* is not after *start*."""
    total = timedelta()
    if end <= start:
        return total
    for opens, closes in calendar.shifts_from(start):
        if opens >= end:
            break
        total += min(closes, end) - opens
    return total


def _utc(day: date, at: time, zone: ZoneInfo, *, ends: bool = False) -> datetime:
    if ends and at == time():
        day += timedelta(days=1)
    return datetime.combine(day, at, zone).astimezone(UTC)
