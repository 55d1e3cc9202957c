"""
What a ticket does when it is due: everything that is due by now, in the order in which it was due, as one change.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain import promises
from chalicelib.domain.change import Act, Change, Outgoing
from chalicelib.domain.lifecycle import escalation, reopen
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Customer, Status, Survey, SurveyState, Ticket
from chalicelib.domain.timers import CLOCKS, planned, settled

SURVEY_EVERY = timedelta(days=30)
GIVES_UP_AFTER = 5


def fire(ticket: Ticket, customer: Customer | None, storefront: Storefront, act: Act) -> Change | None:
    """
    Do all that is due on *ticket* by `act.at`; None when nothing is.

    Args:
        ticket: As it was read.
        customer: What is known of the requester; None if nothing is. Only a survey asks for it.
        storefront: Whose settings count.
        act: When, which may lie ahead of the clock on the wall: a day can be played in a second.
    """
    change = Change(ticket, ticket, act, "due")
    while (due := _next_due(change.ticket, act.at)) is not None:
        what, at = due
        change = _fired(change, what, at, customer, storefront)
        change = replace(change, ticket=replace(change.ticket, timers=planned(change.ticket, storefront)))
    if change.ticket is ticket:
        return None
    return settled(change, storefront)


def failed(ticket: Ticket, reason: str, act: Act) -> Change:
    """Count a failure of what is due; at the fifth the ticket leaves the index, says why, and the lead is told."""
    count = ticket.failed_timers + 1
    counted = replace(ticket, failed_timers=count, version=ticket.version + 1, change=act.new_id())
    change = Change(ticket, counted, act, "timer_failed", detail={"reason": reason, "times": count})
    if count < GIVES_UP_AFTER:
        return change
    told = escalation(ticket, "event", "timer_failed", act, key=f"timer_failed/{ticket.version}")
    stopped = replace(change, ticket=replace(counted, timers={}))
    return stopped.because(f"Nothing more happens here by itself: it failed {count} times ({reason}).").sending(told)


def _next_due(ticket: Ticket, now: datetime) -> tuple[str, datetime] | None:
    return min(((what, at) for what, at in ticket.timers.items() if at <= now), key=lambda due: due[1], default=None)


def _fired(change: Change, what: str, at: datetime, customer: Customer | None, storefront: Storefront) -> Change:
    ticket = change.ticket
    if what in CLOCKS:
        return _spoken(change, what, storefront)
    if what == "survey":
        return _surveyed(change, customer, storefront)
    if what == "close":
        closed = replace(ticket, status=Status.CLOSED, moved_at=change.act.at)
        return replace(change, ticket=closed).because("Closed: resolved, and nobody wrote for the time set.")
    if what == "snooze":
        back = reopen(replace(ticket, snoozed_until=None), storefront, change.act).ticket
        return replace(change, ticket=back).because("Back in the queue: the snooze ended.")
    told = escalation(
        ticket, "1", "promise_due", change.act, key=f"promised/{at.isoformat()}", clock="promised", due_at=at
    )
    return replace(change, ticket=replace(ticket, promised_at=None)).sending(told)


def _spoken(change: Change, name: str, storefront: Storefront) -> Change:
    ticket = change.ticket
    clock: promises.Clock = getattr(ticket, name)
    speaks = promises.next_level(clock, storefront.calendar_for(ticket.priority))
    level = speaks[0] if speaks else promises.LEVELS[-1]
    reason = "promise_at_risk" if level == "warning" else "promise_broken"
    told = escalation(
        ticket, level, reason, change.act, key=f"{name}/{clock.cycle}/{level}", clock=name, due_at=clock.due_at,
    )  # fmt: skip
    spoken: dict[str, Any] = {name: replace(clock, spoken=clock.spoken + 1)}
    return replace(change, ticket=replace(ticket, **spoken)).sending(told)


def _surveyed(change: Change, customer: Customer | None, storefront: Storefront) -> Change:
    ticket, act = change.ticket, change.act
    survey = ticket.survey or Survey(ticket.resolution_cycle, SurveyState.PLANNED)
    reason = _no_survey(customer, act.at)
    if reason:
        skipped = replace(ticket, survey=replace(survey, state=SurveyState.SKIPPED, reason=reason))
        return replace(change, ticket=skipped).because(f"No survey: {reason}.")
    expires = act.at + storefront.survey_valid_for
    sent = replace(ticket, survey=replace(survey, state=SurveyState.SENT, sent_at=act.at, expires_at=expires))
    data = {"cycle": survey.cycle, "expires_at": expires.isoformat()}
    outgoing = Outgoing(act.new_id(), "survey-invitation", act.at, to=ticket.customer.email, data=data)
    return replace(change, ticket=sent, surveyed=ticket.customer.email).sending(outgoing)


def _no_survey(customer: Customer | None, at: datetime) -> str | None:
    if customer is None:
        return None
    if customer.surveyed_at and abs(at - customer.surveyed_at) < SURVEY_EVERY:
        return f"this customer was asked on {customer.surveyed_at:%Y-%m-%d}, and is asked once in 30 days"
    return customer.suppressed_at(at)
