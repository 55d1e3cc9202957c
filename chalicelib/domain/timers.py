"""
When a ticket is due next, derived from what it is. A ticket carries its timers; there are no timer items to lose.

| timer | due |
|---|---|
| first_response, next_response, resolution | at the next level of its clock's ladder |
| promised | at the date an agent promised |
| task | when somebody should have done it |
| snooze | when the ticket comes back to the queue |
| silence | at the next step of waiting for the customer's word |
| survey, survey_reminder | 24 h after it was resolved; when the storefront reminds |
| check_in | when a planned message goes out |
| close | 7 days after it was resolved |
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from chalicelib.domain import promises, silence, why
from chalicelib.domain.change import Change
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Status, SurveyState, Ticket
from chalicelib.frozen import replace

CLOCKS = ("first_response", "next_response", "resolution")


def planned(ticket: Ticket, storefront: Storefront) -> Mapping[str, datetime]:
    """Return when each thing that waits on this ticket is due: `{what: when}`."""
    if ticket.status in (Status.SPAM, Status.MERGED):
        return {}
    timers = dict(_after_resolving(ticket, storefront))
    if ticket.status not in (Status.RESOLVED, Status.CLOSED):
        timers |= dict(_while_open(ticket, storefront))
    if ticket.task:
        timers["task"] = ticket.task.due_at
    if ticket.check_in:
        timers["check_in"] = storefront.calendar.opens_next(ticket.check_in.at)
    return timers


def settled(change: Change, storefront: Storefront) -> Change:
    """Finish a change: the ticket's version, its times, its timers, and why."""
    version = change.before.version + 1 if change.before else 1
    ticket = replace(
        change.ticket, version=version, change=change.act.new_id(), updated_at=change.act.at, failed_timers=0,
    )  # fmt: skip
    seen = (line for line in why.seen_in(change) if line not in change.why)
    return replace(change, ticket=replace(ticket, timers=planned(ticket, storefront))).because(*seen)


def _while_open(ticket: Ticket, storefront: Storefront) -> Iterator[tuple[str, datetime]]:
    calendar = storefront.calendar_for(ticket.priority)
    for name in CLOCKS:
        level = promises.next_level(getattr(ticket, name), calendar)
        if level:
            yield name, level[1]
    if ticket.promised_at:
        yield "promised", ticket.promised_at
    if ticket.snoozed_until and ticket.status in (Status.PENDING, Status.ON_HOLD):
        yield "snooze", ticket.snoozed_until
    step = silence.next_step(ticket, storefront)
    if step:
        yield "silence", step[1]


def _after_resolving(ticket: Ticket, storefront: Storefront) -> Iterator[tuple[str, datetime]]:
    if ticket.status is Status.RESOLVED and ticket.resolved_at:
        yield "close", ticket.resolved_at + storefront.close_after
        if ticket.survey and ticket.survey.state is SurveyState.PLANNED:
            yield "survey", ticket.resolved_at + storefront.survey.after
    survey, after = ticket.survey, storefront.survey.reminder_after
    if ticket.status not in (Status.RESOLVED, Status.CLOSED):
        return
    if survey and survey.sent_at and after and not survey.reminded and survey.rating is None:
        at = survey.sent_at + after
        if survey.expires_at and at < survey.expires_at:
            yield "survey_reminder", at
