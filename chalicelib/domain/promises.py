"""
Clocks: what was promised to a customer, in working time.

A clock is running, paused (while the desk waits for the customer) or met. Its ladder of escalations:

| level | speaks when |
|---|---|
| warning | 75 % of the time is gone, and at the latest 15 min before the end |
| 1 | the promise is broken |
| 2, 3 | half as much, and as much again, has passed |
"""

from datetime import datetime, timedelta

from chalicelib.domain.calendar import Calendar, due_at, working_time
from chalicelib.frozen import frozen, replace

LEVELS = ("warning", "1", "2", "3")
_WARNING_SHARE = 0.25
_RUNS_KEPT = 20
_WARNING_AT_LEAST = timedelta(minutes=15)


@frozen
class Run:
    """A time in which a clock ran; of it, the working hours count."""

    began: datetime
    ended: datetime


@frozen
class Clock:
    """`spent` is the working time that passed before `running_since`; `spoken` counts the levels already published."""

    cycle: int
    allowance: timedelta
    due_at: datetime
    running_since: datetime | None
    spent: timedelta = timedelta()
    met_at: datetime | None = None
    spoken: int = 0
    runs: tuple[Run, ...] = ()

    @property
    def paused(self) -> bool:
        return self.running_since is None and self.met_at is None

    def ran(self, now: datetime) -> tuple[Run, ...]:
        """Return when it ran, up to *now*."""
        return (
            (*self.runs, Run(self.running_since, now)) if self.running_since and self.running_since < now else self.runs
        )

    def breached(self, now: datetime) -> bool:
        """Tell whether the promise was broken, or is by *now*. A paused clock keeps what was so when it stopped."""
        if self.met_at is None and self.running_since is None:
            return self.spent > self.allowance
        return (self.met_at or now) > self.due_at


def start(at: datetime, allowance: timedelta, calendar: Calendar, *, cycle: int = 1) -> Clock:
    return Clock(cycle, allowance, due_at(at, allowance, calendar), at)


def pause(clock: Clock | None, at: datetime, calendar: Calendar) -> Clock | None:
    if clock is None or clock.running_since is None or clock.met_at:
        return clock
    return replace(clock, spent=_spent(clock, at, calendar), running_since=None, runs=_runs(clock, at))


def resume(clock: Clock | None, at: datetime, calendar: Calendar) -> Clock | None:
    """Go on where the clock stopped, also after it had been met: the time in between does not count."""
    if clock is None or clock.running_since is not None:
        return clock
    due = due_at(at, clock.allowance - clock.spent, calendar) if clock.spent < clock.allowance else clock.due_at
    return replace(clock, due_at=due, running_since=at, met_at=None)


def meet(clock: Clock | None, at: datetime, calendar: Calendar) -> Clock | None:
    if clock is None or clock.met_at:
        return clock
    return replace(clock, spent=_spent(clock, at, calendar), running_since=None, met_at=at, runs=_runs(clock, at))


def retarget(
    clock: Clock | None, at: datetime, allowance: timedelta, calendars: tuple[Calendar, Calendar]
) -> Clock | None:
    """
    Give a clock that is not met another allowance, as after a change of priority; *calendars* are the old and new.

    What it has spoken stays spoken: each level is published once.
    """
    if clock is None or clock.met_at:
        return clock
    running = clock.running_since is not None
    spent = _spent(clock, at, calendars[0])
    due = due_at(at, allowance - spent, calendars[1])
    return replace(
        clock,
        allowance=allowance,
        spent=spent,
        due_at=due,
        running_since=at if running else None,
        runs=_runs(clock, at),
    )


def rewritten(clock: Clock | None, allowance: timedelta, calendar: Calendar) -> Clock | None:
    """
    Promise anew, as if *allowance* and *calendar* had held from the start; a clock that is met stays as it is.

    What has spoken stays spoken: each level is published once.
    """
    if clock is None or clock.met_at:
        return clock
    known = len(clock.runs) < _RUNS_KEPT
    spent = sum((working_time(run.began, run.ended, calendar) for run in clock.runs), timedelta())
    changed = replace(clock, allowance=allowance, spent=spent if known else clock.spent)
    if clock.running_since is None:
        return changed
    return replace(changed, due_at=due_at(clock.running_since, allowance - changed.spent, calendar))


def next_level(clock: Clock | None, calendar: Calendar) -> tuple[str, datetime] | None:
    """Return the level that speaks next, and when; None when there is nothing more to say."""
    if clock is None or clock.running_since is None or clock.met_at or clock.spoken >= len(LEVELS):
        return None
    level = LEVELS[clock.spoken]
    ahead = max(clock.allowance * _WARNING_SHARE, _WARNING_AT_LEAST)
    offset = {"warning": -ahead, "1": timedelta(), "2": clock.allowance * 0.5, "3": clock.allowance}[level]
    remaining = clock.allowance + offset - clock.spent
    if remaining <= timedelta():  # it had passed when the clock went on: it waits for opening time
        return level, calendar.opens_next(clock.running_since)
    if level == "1":
        return level, clock.due_at
    at = due_at(clock.running_since, remaining, calendar)
    # the hours may have changed since it was promised: what was promised stays, and the levels stay in order
    return level, min(at, clock.due_at) if level == "warning" else max(at, clock.due_at)


def _runs(clock: Clock, at: datetime) -> tuple[Run, ...]:
    return clock.ran(at)[-_RUNS_KEPT:]


def _spent(clock: Clock, at: datetime, calendar: Calendar) -> timedelta:
    running = working_time(clock.running_since, at, calendar) if clock.running_since else timedelta()
    return clock.spent + running
