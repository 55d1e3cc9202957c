"""
When a ticket is due next, derived from what it is. A ticket carries its timers; there are no timer items to lose.

| timer | due |
|---|---|
| first_response, next_response, resolution | at the next level of its clock's ladder |
| promised | at the date an agent promised |
| snooze | when the ticket comes back to the queue |
| survey | 24 h after it was resolved |
| close | 7 days after it was resolved |
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from chalicelib.domain import promises
from chalicelib.domain.change import Change
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Category, Status, SurveyState, Ticket

CLOCKS = ("first_response", "next_response", "resolution")


def planned(ticket: Ticket, storefront: Storefront) -> Mapping[str, datetime]:
    """Return when each thing that waits on this ticket is due: `{what: when}`."""
    if ticket.status is Status.RESOLVED and ticket.resolved_at:
        timers = {"close": ticket.resolved_at + storefront.close_after}
        if ticket.survey and ticket.survey.state is SurveyState.PLANNED:
            timers["survey"] = ticket.resolved_at + storefront.survey_after
        return timers
    if ticket.category is Category.TERMINAL:
        return {}
    calendar = storefront.calendar_for(ticket.priority)
    levels = ((name, promises.next_level(getattr(ticket, name), calendar)) for name in CLOCKS)
    timers = {name: level[1] for name, level in levels if level}
    if ticket.promised_at:
        timers["promised"] = ticket.promised_at
    if ticket.snoozed_until and ticket.status in (Status.PENDING, Status.ON_HOLD):
        timers["snooze"] = ticket.snoozed_until
    return timers


def settled(change: Change, storefront: Storefront) -> Change:
    """Finish a change: the ticket's version, its times, and its timers."""
    version = change.before.version + 1 if change.before else 1
    ticket = replace(
        change.ticket, version=version, change=change.act.new_id(), updated_at=change.act.at, failed_timers=0,
    )  # fmt: skip
    return replace(change, ticket=replace(ticket, timers=planned(ticket, storefront)))
