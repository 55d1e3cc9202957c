"""
Moving a ticket from one status to another: its clocks stop and go on with it, its survey is planned or cancelled.
"""

from datetime import datetime

from chalicelib.domain import promises
from chalicelib.domain.change import Act
from chalicelib.domain.errors import IllegalMove
from chalicelib.domain.storefront import Priority, Storefront
from chalicelib.domain.ticket import MOVES, Category, CheckIn, Status, Survey, SurveyState, Ticket
from chalicelib.frozen import replace

_WAITING = frozenset({Category.WAITING_FOR_THE_CUSTOMER, Category.DONE, Category.TERMINAL})


def moved_to(ticket: Ticket, to: Status, storefront: Storefront, act: Act) -> Ticket:
    """Move a ticket along the table of statuses; its clocks stop and go on with it."""
    if to is ticket.status:
        return ticket
    if to not in MOVES[ticket.status]:
        raise illegal(ticket, to)
    calendar = storefront.calendar_for(ticket.priority)
    moved = replace(ticket, status=to, moved_at=act.at)
    if moved.category in _WAITING:
        moved = replace(
            moved,
            waiting_since=None,
            first_response=promises.pause(moved.first_response, act.at, calendar),
            next_response=promises.pause(moved.next_response, act.at, calendar),
            resolution=promises.pause(moved.resolution, act.at, calendar),
            silence_since=act.at if to is Status.PENDING else None,
            silence_spoken=0,
        )
    else:
        moved = replace(_resumed(moved, ticket, act.at, storefront), silence_since=None, silence_spoken=0)
    if to is Status.RESOLVED:
        cycle = ticket.resolution_cycle + 1
        return replace(
            moved,
            resolved_at=act.at,
            resolution=promises.meet(moved.resolution, act.at, calendar),
            resolution_cycle=cycle,
            survey=_planned_survey(moved, cycle, storefront),
            check_in=_planned_check_in(moved, storefront, act.at),
            task=None,
            promised_at=None,
            snoozed_until=None,
        )
    if ticket.survey and ticket.survey.state is SurveyState.PLANNED and to is not Status.CLOSED:
        reason = f"the ticket became {to.value} before it was sent"
        moved = replace(moved, survey=replace(ticket.survey, state=SurveyState.SKIPPED, reason=reason))
    return moved if to is Status.CLOSED else replace(moved, resolved_at=None)


def _resumed(moved: Ticket, before: Ticket, at: datetime, storefront: Storefront) -> Ticket:
    calendar = storefront.calendar_for(moved.priority)
    if moved.resolution is None:
        moved = clocked(moved, at, storefront)
    if before.status is Status.RESOLVED and moved.answered_by_human:
        moved = awaiting_answer(moved, at, storefront)
    unanswered = moved.next_response is not None and moved.next_response.met_at is None
    return replace(
        moved,
        first_response=moved.first_response if moved.answered_by_human
        else promises.resume(moved.first_response, at, calendar),
        next_response=promises.resume(moved.next_response, at, calendar) if unanswered else moved.next_response,
        resolution=promises.resume(moved.resolution, at, calendar),
    )  # fmt: skip


def clocked(ticket: Ticket, at: datetime, storefront: Storefront) -> Ticket:
    """Start the clocks of a ticket that had none: it came as spam, or by automatic mail, and is a person's now."""
    calendar, targets = (
        storefront.calendar_for(ticket.priority),
        storefront.targets_for(ticket.priority, ticket.kind, at),
    )
    return replace(
        ticket,
        waiting_since=at,
        first_response=None if ticket.answered_by_human
        else promises.start(at, targets.first_response, calendar),
        resolution=promises.start(at, targets.resolution, calendar),
    )  # fmt: skip


def awaiting_answer(ticket: Ticket, at: datetime, storefront: Storefront) -> Ticket:
    """Start the clock of the next response."""
    cycle, calendar = ticket.response_cycle + 1, storefront.calendar_for(ticket.priority)
    clock = promises.start(
        at, storefront.targets_for(ticket.priority, ticket.kind, at).next_response, calendar, cycle=cycle
    )
    return replace(ticket, next_response=clock, response_cycle=cycle)


def _planned_survey(ticket: Ticket, cycle: int, storefront: Storefront) -> Survey:
    if not ticket.customer.email:
        return Survey(cycle, SurveyState.SKIPPED, "there is no e-mail address to write to")
    if not storefront.kind_policy(ticket.kind).survey:
        return Survey(cycle, SurveyState.SKIPPED, f"a {ticket.kind.value} gets no survey")
    if not ticket.answered_by_human:
        return Survey(cycle, SurveyState.SKIPPED, "no human answered")
    return Survey(cycle, SurveyState.PLANNED, form=storefront.survey.form)


def _planned_check_in(ticket: Ticket, storefront: Storefront, at: datetime) -> CheckIn | None:
    """Return the planned message that follows this resolution; one that an agent planned goes before the kind's."""
    after = storefront.kind_policy(ticket.kind).check_in_after
    by_hand = ticket.check_in is not None and not ticket.check_in.follows
    if by_hand or after is None or not ticket.customer.email or not ticket.answered_by_human:
        return ticket.check_in
    return CheckIn(at + after, follows=True)


def reprioritised(ticket: Ticket, priority: Priority, storefront: Storefront, at: datetime) -> Ticket:
    calendars = storefront.calendar_for(ticket.priority), storefront.calendar_for(priority)
    targets = storefront.targets_for(priority, ticket.kind, at)
    return replace(
        ticket,
        priority=priority,
        first_response=promises.retarget(ticket.first_response, at, targets.first_response, calendars),
        next_response=promises.retarget(ticket.next_response, at, targets.next_response, calendars),
        resolution=promises.retarget(ticket.resolution, at, targets.resolution, calendars),
    )


def promised_anew(ticket: Ticket, storefront: Storefront) -> Ticket:
    """Let today's targets and hours count from the start for what is still promised."""
    calendar = storefront.calendar_for(ticket.priority)
    targets = storefront.targets_for(ticket.priority, ticket.kind, ticket.created_at)
    return replace(
        ticket,
        first_response=promises.rewritten(ticket.first_response, targets.first_response, calendar),
        next_response=promises.rewritten(ticket.next_response, targets.next_response, calendar),
        resolution=promises.rewritten(ticket.resolution, targets.resolution, calendar),
    )


def illegal(ticket: Ticket, to: Status) -> IllegalMove:
    possible = ", ".join(sorted(MOVES[ticket.status])) or "nothing"
    text = f"A ticket that is {ticket.status.value} cannot become {to.value}; it can become: {possible}."
    if ticket.status is Status.CLOSED:
        text += " Open a new ticket: a closed one stays closed."
    return IllegalMove(text)
