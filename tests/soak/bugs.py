"""
What is broken on purpose: the checks are worth something only if each of these turns them red.

Each bug says which check must see it, and how the play must be: some need faults, some a busy month.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

from chalicelib.adapters import table
from chalicelib.domain import calendar, due, lifecycle, moves, promises, silence, timers
from chalicelib.domain.sending import State, Step
from chalicelib.domain.ticket import Customer, Role
from chalicelib.usecases import due as due_work
from chalicelib.usecases import sending, tickets


@dataclass(frozen=True)
class Bug:
    name: str
    seen_as: str
    breaks: Callable[[], AbstractContextManager[object]]
    play: Mapping[str, Any] = field(default_factory=dict)


def _clocks_do_not_pause() -> AbstractContextManager[object]:
    return patch.object(promises, "pause", lambda clock, _at, _calendar: clock)


def _holidays_are_worked() -> AbstractContextManager[object]:
    whole = calendar.Calendar._of_day
    return patch.object(calendar.Calendar, "_of_day", lambda self, day: whole(replace(self, holidays=()), day))


def _summer_time_is_unknown() -> AbstractContextManager[object]:
    def utc(day, at, zone, *, ends=False):
        day += timedelta(days=ends and at == datetime.min.time())
        return (datetime.combine(day, at) - datetime(2026, 1, 15, tzinfo=zone).utcoffset()).replace(tzinfo=UTC)

    return patch.object(calendar, "_utc", utc)


def _level_2_is_early() -> AbstractContextManager[object]:
    whole = promises.next_level

    def next_level(clock, hours):
        found = whole(clock, hours)
        early = clock and found and found[0] == "2"
        return (
            ("2", calendar.due_at(clock.running_since, clock.allowance * 1.4 - clock.spent, hours)) if early else found
        )

    return patch.object(promises, "next_level", next_level)


@contextmanager
def _nobody_remembers_who_was_asked():
    with patch.object(table, "_ledger", lambda _: None), patch.object(due, "_no_survey", lambda *_: None):
        yield


def _silence_is_surveyed() -> AbstractContextManager[object]:
    def resolved(change, storefront, act):
        ticket = moves.moved_to(change.ticket, silence.Status.RESOLVED, storefront, act)
        return replace(change, ticket=ticket).because("Resolved by silence: the customer did not write again.")

    return patch.object(silence, "_resolved", resolved)


def _the_notice_comes_first() -> AbstractContextManager[object]:
    whole = silence.steps

    def steps(ticket, storefront):
        first = {silence.Step.REMINDER: silence.Step.NOTICE, silence.Step.NOTICE: silence.Step.REMINDER}
        return tuple(replace(step, step=first.get(step.step, step.step)) for step in whole(ticket, storefront))

    return patch.object(silence, "steps", steps)


def _nobody_is_reminded() -> AbstractContextManager[object]:
    whole = silence.broken_by

    def broken_by(change, _customer, storefront, act):
        return whole(change, Customer(change.ticket.customer.email, opted_out=True), storefront, act)

    return patch.object(silence, "broken_by", broken_by)


def _nothing_closes() -> AbstractContextManager[object]:
    whole = timers._after_resolving
    return patch.object(timers, "_after_resolving", lambda *of: (t for t in whole(*of) if t[0] != "close"))


def _the_sweep_forgets_the_outbox() -> AbstractContextManager[object]:
    return patch.object(due_work, "_bring_unsent", lambda _desk, _shard: 0)


def _a_claim_is_no_lease() -> AbstractContextManager[object]:
    def step(progress, now, *, events_flow):
        return Step.NOTHING if progress.state is State.HELD else Step.SEND

    return patch.object(sending, "step", step)


def _keys_are_forgotten() -> AbstractContextManager[object]:
    whole = tickets._committed_once
    return patch.object(tickets, "_committed_once", lambda desk, change, _, answer: whole(desk, change, None, answer))


def _robots_are_heard() -> AbstractContextManager[object]:
    whole = lifecycle.customer_writes

    def customer_writes(ticket, message, storefront, act):
        person = replace(message, automatic=False, author=replace(message.author, role=Role.CUSTOMER))
        change = whole(ticket, person, storefront, act)
        return replace(change, what="recorded") if message.automatic else change

    return patch.object(lifecycle, "customer_writes", customer_writes)


_BUSY = {"tickets": 60, "days": 12, "faults": 0.0}
_STORMY = {"tickets": 20, "days": 3, "faults": 0.1}
_SILENT = {"tickets": 50, "days": 4, "faults": 0.06, "outage_hours": 90}
BUGS = (
    Bug(
        "clocks do not pause",
        "a clock ran while waiting for the customer",
        _clocks_do_not_pause,
        _BUSY | {"tickets": 6, "days": 5},
    ),
    Bug("holidays are worked", "promises", _holidays_are_worked, _BUSY | {"days": 22}),
    Bug("summer time is unknown", "promises", _summer_time_is_unknown, _BUSY),
    Bug("level 2 is early", "promises", _level_2_is_early, _BUSY | {"tickets": 12, "days": 6}),
    Bug(
        "nobody remembers who was asked",
        "asked twice in 30 days",
        _nobody_remembers_who_was_asked,
        _BUSY | {"tickets": 120},
    ),
    Bug("silence is surveyed", "surveys", _silence_is_surveyed, _BUSY),
    Bug("the notice comes first", "silence", _the_notice_comes_first, _BUSY),
    Bug("nobody is reminded", "silence", _nobody_is_reminded, _BUSY | {"tickets": 12}),
    Bug("nothing closes", "closing", _nothing_closes, _BUSY | {"tickets": 12}),
    Bug(
        "the sweep forgets the outbox",
        "the outbox is not empty",
        _the_sweep_forgets_the_outbox,
        _STORMY | {"drain_hours": 0.5},
    ),
    Bug("a claim is no lease", "mails lost or doubled", _a_claim_is_no_lease, _SILENT),
    Bug("keys are forgotten", "words lost or doubled", _keys_are_forgotten, _STORMY),
    Bug("robots are heard", "robots", _robots_are_heard, _BUSY | {"tickets": 120}),
)
