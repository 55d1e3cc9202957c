"""
Working time reckoned a second time, from what the shopkeeper wrote and the clock on his wall: each minute of three
months is looked up once, and is open or is not. Nothing here is the desk's own code.
"""

from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from tests.soak.fronts import FRONTS

BASE = datetime(2026, 2, 27, tzinfo=UTC)
_DAYS = 120
_MINUTE = timedelta(minutes=1)
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNIT = {"min": 60, "h": 3600, "d": 86400}
_PRODUCT = {
    "urgent": ("30 min", "1 h", "4 h"),
    "high": ("1 h", "2 h", "8 h"),
    "normal": ("8 h", "8 h", "24 h"),
    "low": ("24 h", "24 h", "72 h"),
}
_KINDS_PRIORITY = {"complaint": "high", "claim": "high", "compliment": "low", "suggestion": "low", "refund": "high",
                   "cancellation": "high"}  # fmt: skip
NEVER_BY_SILENCE = frozenset({"claim", "return", "refund", "cancellation"})
NO_SURVEY = frozenset({"compliment", "suggestion"})
_CLOCKS = ("first_response", "next_response", "resolution")


def seconds(written: str) -> int:
    number, unit = written.split()
    return int(number) * _UNIT[unit]


def days(written: str | None) -> timedelta | None:
    return timedelta(seconds=seconds(written)) if written else None


@dataclass(frozen=True)
class Hours:
    """`open[n]` tells of the n-th minute since BASE, `worked[n]` how many open ones came before it."""

    open: tuple[bool, ...]
    worked: tuple[int, ...]

    def until(self, at: datetime) -> float:
        """Return the working seconds from BASE to *at*."""
        since = (at - BASE).total_seconds()
        minute = int(since // 60)
        return self.worked[minute] * 60 + (since - minute * 60 if self.open[minute] else 0)

    def between(self, a: datetime, b: datetime) -> float:
        return max(0.0, self.until(b) - self.until(a))

    def reached(self, start: datetime, working: float) -> datetime:
        """Return the first moment, not before *start*, at which *working* seconds have been worked since *start*."""
        if working <= 0:
            return start
        goal = self.until(start) + working
        # the first minute by whose end the goal is reached
        minute = bisect_left(self.worked, goal / 60 - 1e-9) - 1
        return BASE + minute * _MINUTE + timedelta(seconds=goal - self.worked[minute] * 60)

    def opens(self, at: datetime) -> datetime:
        """Return *at* when it is open then, else when it opens next."""
        minute = int((at - BASE) // _MINUTE)
        if self.open[minute]:
            return at
        while not self.open[minute]:
            minute += 1
        return BASE + minute * _MINUTE

    def openings(self, zone: str) -> dict[str, datetime]:
        """Return when each local day opens first."""
        found: dict[str, datetime] = {}
        for minute, is_open in enumerate(self.open):
            if is_open:
                at = BASE + minute * _MINUTE
                found.setdefault(at.astimezone(ZoneInfo(zone)).date().isoformat(), at)
        return found


@cache
def openings_of(front: str) -> dict[str, datetime]:
    return hours_of(front).openings(FRONTS[front]["time_zone"])


@cache
def hours_of(front: str) -> Hours:
    """Look at the wall clock of a storefront in every minute."""
    told, zone = FRONTS[front], ZoneInfo(FRONTS[front]["time_zone"])
    of_day: dict[Any, list[bool]] = {}
    opened: list[bool] = []
    for hour in range(_DAYS * 24):
        wall = (BASE + timedelta(hours=hour)).astimezone(zone)
        day = wall.date()
        if day not in of_day:
            shifts = _shifts(told, day)
            of_day[day] = [any(begins <= minute < ends for begins, ends in shifts) for minute in range(1440)]
        # these zones keep whole hours, and change between two of them
        assert wall.minute == 0
        opened += of_day[day][wall.hour * 60 : wall.hour * 60 + 60]
    worked = [0]
    for is_open in opened:
        worked.append(worked[-1] + is_open)
    return Hours(tuple(opened), tuple(worked))


@cache
def round_the_clock() -> Hours:
    minutes = _DAYS * 1440
    return Hours((True,) * minutes, tuple(range(minutes + 1)))


def hours_for(front: str, priority: str) -> Hours:
    return round_the_clock() if priority == "urgent" else hours_of(front)


def target(front: str, priority: str, kind: str, clock: str, at: datetime) -> int:
    """Return the seconds that a storefront promises: the kind's own, the season's, its own, the product's."""
    told = FRONTS[front]
    day = at.astimezone(ZoneInfo(told["time_zone"])).date().isoformat()
    season = next((s for s in told.get("seasons", ()) if "targets" in s and s["from"] <= day <= s["to"]), {})
    for targets in (
        told.get("kinds", {}).get(kind, {}).get("targets", {}),
        season.get("targets", {}),
        told.get("targets", {}),
    ):
        if priority in targets:
            return seconds(targets[priority][clock])
    return seconds(_PRODUCT[priority][_CLOCKS.index(clock)])


def silence(front: str) -> tuple[timedelta, timedelta, timedelta]:
    told = FRONTS[front].get("silence", {})
    written = (told.get(name, otherwise) for name, otherwise in
               (("reminder_after", "3 d"), ("notice_after", "6 d"), ("resolve_after", "7 d")))  # fmt: skip
    first, second, third = (timedelta(seconds=seconds(w)) for w in written)
    return first, second, third


def after(front: str, what: str, otherwise: str | None) -> timedelta | None:
    return days(FRONTS[front].get("survey", {}).get(what, otherwise))


def _shifts(told: dict[str, Any], day: Any) -> tuple[tuple[int, int], ...]:
    written = day.isoformat()
    if written in told["holidays"] or written[5:] in told["holidays"]:
        return ()
    season = next((s for s in told.get("seasons", ()) if "hours" in s and s["from"] <= written <= s["to"]), None)
    hours = (season or told)["hours"].get(_NAMES[day.weekday()], ())
    return tuple((_minutes(shift[:5]), _minutes(shift[6:])) for shift in hours)


def _minutes(wall: str) -> int:
    return int(wall[:2]) * 60 + int(wall[3:])
