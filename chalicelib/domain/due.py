"""
What a ticket does when it is due: everything that is due by now, in the order in which it was due, as one change.
"""

from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain import promises, silence, system_mails
from chalicelib.domain.change import Act, Change, Outgoing, plain
from chalicelib.domain.escalations import escalation
from chalicelib.domain.lifecycle import reopen
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import CheckIn, Customer, Status, Survey, SurveyState, Ticket
from chalicelib.domain.timers import CLOCKS, planned, settled
from chalicelib.frozen import replace

ASK_THE_CUSTOMER = frozenset({"survey", "survey_reminder", "check_in", "silence"})
"""The timers that depend on what is known of the customer."""

GIVES_UP_AFTER = 5


def fire(ticket: Ticket, customer: Customer | None, storefront: Storefront, act: Act) -> Change | None:
    """
    Do all that is due on *ticket* by `act.at`; None when nothing is.

    Args:
        ticket: As it was read.
        customer: What is known of the requester; None if nothing is. Only the timers of ASK_THE_CUSTOMER ask for it.
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
    ticket, act = change.ticket, change.act
    match what:
        case "survey":
            return _surveyed(change, customer, storefront)
        case "survey_reminder":
            return _survey_reminded(change, customer)
        case "check_in":
            return _checked_in(change, customer)
        case "silence":
            return silence.broken_by(change, customer, storefront, act)
        case "close":
            closed = replace(ticket, status=Status.CLOSED, moved_at=act.at)
            return replace(change, ticket=closed).because("Closed: resolved, and nobody wrote for the time set.")
        case "snooze":
            back = reopen(replace(ticket, snoozed_until=None), storefront, act).ticket
            return replace(change, ticket=back).because("Back in the queue: the snooze ended.")
        case "promised":
            return _overdue(replace(change, ticket=replace(ticket, promised_at=None)), "promise_due", "promised", at)
        case "task":
            return _overdue(replace(change, ticket=replace(ticket, task=None)), "task_overdue", "task", at)
        case _ if what in CLOCKS:
            return _spoken(change, what, storefront)
    raise LookupError(f"no timer is called {what}")


def _overdue(change: Change, reason: str, clock: str, at: datetime) -> Change:
    key = f"{clock}/{plain(at)}"
    return change.sending(escalation(change.ticket, "1", reason, change.act, key=key, clock=clock, due_at=at))


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
    said = "at risk" if level == "warning" else f"broken (level {level})"
    return (
        replace(change, ticket=replace(ticket, **spoken))
        .sending(told)
        .because(f"Told the lead: the promise of a {name.replace('_', ' ')} is {said}.")
    )


def _surveyed(change: Change, customer: Customer | None, storefront: Storefront) -> Change:
    ticket, act, policy = change.ticket, change.act, storefront.survey
    survey = ticket.survey or Survey(ticket.resolution_cycle, SurveyState.PLANNED)
    reason = _no_survey(customer, act.at, policy.every) or system_mails.spent(ticket, ticket.customer.email, act.at)
    if reason:
        skipped = replace(ticket, survey=replace(survey, state=SurveyState.SKIPPED, reason=reason))
        return replace(change, ticket=skipped).because(f"No survey: {reason}.")
    expires = act.at + policy.valid_for
    sent = replace(
        survey, state=SurveyState.SENT, sent_at=act.at, expires_at=expires, form=policy.form,
    )  # fmt: skip
    asked = replace(
        change, ticket=replace(ticket, survey=sent), surveyed=ticket.customer.email, survey_pause=policy.every
    )
    invitation = _invitation(asked, sent, "survey-invitation")
    return system_mails.sending(asked, invitation).because("Asked the customer how our help was.")


def _survey_reminded(change: Change, customer: Customer | None) -> Change:
    survey = change.ticket.survey
    if survey is None:
        return change
    reminded = replace(change, ticket=replace(change.ticket, survey=replace(survey, reminded=True)))
    reason = _unwanted(change, customer)
    if reason:
        return reminded.because(f"No reminder of the survey: {reason}.")
    invitation = _invitation(change, survey, "survey-reminder")
    return system_mails.sending(reminded, invitation).because("Reminded the customer of the survey, once.")


def _invitation(change: Change, survey: Survey, what: str) -> Outgoing:
    data = {"cycle": survey.cycle, "expires_at": plain(survey.expires_at), "form": survey.form.value}
    return Outgoing(change.act.new_id(), what, change.act.at, to=change.ticket.customer.email, data=data)


def _no_survey(customer: Customer | None, at: datetime, every: timedelta) -> str | None:
    if customer is None:
        return None
    if customer.surveyed_at and abs(at - customer.surveyed_at) < every:
        return f"this customer was asked on {customer.surveyed_at:%Y-%m-%d}, and is asked once in {every.days} days"
    return customer.unasked_at(at)


def _checked_in(change: Change, customer: Customer | None) -> Change:
    ticket, act, planned_one = change.ticket, change.act, change.ticket.check_in
    if planned_one is None:
        return change
    rest = replace(change, ticket=replace(ticket, check_in=_next_check_in(planned_one, act.at)))
    if customer and customer.opted_out:
        return replace(rest, ticket=replace(ticket, check_in=None)).because("No check-in: the customer wants none.")
    reason = _unwanted(change, customer)
    if planned_one.follows and ticket.status not in (Status.RESOLVED, Status.CLOSED):
        reason = "the ticket is open again"
    if reason:
        return rest.because(f"No check-in: {reason}.")
    mail = Outgoing(act.new_id(), "check-in", act.at, to=ticket.customer.email, data={"words": planned_one.words})
    return system_mails.sending(rest, mail).because("Sent the planned message.")


def _unwanted(change: Change, customer: Customer | None) -> str | None:
    """Return why the customer is not asked for anything just now."""
    reason = customer.unasked_at(change.act.at) if customer else None
    return reason or system_mails.spent(change.ticket, change.ticket.customer.email, change.act.at)


def _next_check_in(check_in: CheckIn, now: datetime) -> CheckIn | None:
    """Return the next of a row of check-ins; those that were missed are not made up for."""
    if check_in.every is None:
        return None
    missed = max(0, (now - check_in.at) // check_in.every)
    following = check_in.at + check_in.every * (missed + 1)
    return None if check_in.until and following > check_in.until else replace(check_in, at=following)
