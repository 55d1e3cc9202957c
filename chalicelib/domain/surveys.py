"""
What a customer says of the help.
"""

from datetime import datetime

from chalicelib.domain.change import Act, Change
from chalicelib.domain.errors import Fault, Gone, Invalid
from chalicelib.domain.escalations import escalation
from chalicelib.domain.lifecycle import reopen
from chalicelib.domain.opening import Intake, open_ticket
from chalicelib.domain.reference import Reference
from chalicelib.domain.storefront import SCALES, Storefront
from chalicelib.domain.ticket import Channel, Status, Survey, SurveyState, Task, Ticket
from chalicelib.domain.timers import settled
from chalicelib.frozen import frozen, replace

BAD_TAG = "bad-csat"
CALL_BACK = "call_back"


@frozen
class Rating:
    """On the survey's scale, the worst first; `agent` rates the person who helped, `solved` says whether it was."""

    rating: int
    reasons: tuple[str, ...] = ()
    solved: bool | None = None
    agent: int | None = None
    comment: str = ""


def answerable(ticket: Ticket, cycle: int, now: datetime) -> Survey:
    """
    Return the survey of a resolution while it can be answered.

    Raises:
        Gone: It expired, or a later resolution has a survey of its own.
    """
    survey = ticket.survey
    if survey is None or survey.cycle != cycle or survey.state is not SurveyState.SENT:
        raise Gone("This survey is not open any more.")
    if survey.expires_at is None or survey.expires_at <= now:
        raise Gone("This survey has expired.")
    return survey


def rate(
    ticket: Ticket, cycle: int, given: Rating, storefront: Storefront, act: Act, number: Reference
) -> Change | None:
    """
    Record a rating, or change it; None when it says what is recorded already.

    A bad one is told to the team lead at once, and opens a resolved ticket again when it comes with a comment; on a
    closed one it opens a new ticket with *number*, which follows it.
    """
    survey = answerable(ticket, cycle, act.at)
    if given.rating not in SCALES[survey.form]:
        raise Invalid(Fault("/rating", "is not on the scale"))
    rated = replace(
        survey, rating=given.rating, solved=given.solved, agent=given.agent, comment=given.comment,
        reasons=given.reasons, rated_at=act.at,
    )  # fmt: skip
    if replace(rated, rated_at=survey.rated_at) == survey:
        return None
    bad = rated.is_bad
    tags = tuple(tag for tag in ticket.tags if tag != BAD_TAG)
    task = ticket.task
    if bad:
        task = Task(CALL_BACK, storefront.calendar.next_working_day_ends(act.at))
    elif task and task.what == CALL_BACK:
        task = None
    noted = replace(ticket, survey=rated, tags=(*tags, BAD_TAG) if bad else tags, task=task)
    if bad and given.comment and ticket.status is Status.RESOLVED:
        change = reopen(noted, storefront, act).because("Opened again: a bad rating with a comment.")
    else:
        change = settled(Change(ticket, noted, act, "rated"), storefront)
    detail = {"rating": given.rating, "solved": given.solved, "agent": given.agent, "comment": given.comment,
              "reasons": list(given.reasons)}  # fmt: skip
    change = replace(change, before=ticket, what="rated", detail=detail)
    if bad and given.comment and ticket.status is Status.CLOSED and survey.comment != given.comment:
        change = replace(change, following=_followed_up(ticket, given.comment, number, storefront, act)).because(
            f"A new ticket, {number}, follows this one: a bad rating with a comment."
        )
    if not bad or survey.rating == given.rating:
        return change
    return change.sending(escalation(ticket, "event", "bad_rating", act, key=f"rating/{cycle}/{given.rating}"))


def _followed_up(ticket: Ticket, comment: str, number: Reference, storefront: Storefront, act: Act) -> Change:
    intake = Intake(
        customer=ticket.customer,
        subject=ticket.subject,
        body=comment,
        channel=Channel.FORM,
        language=ticket.language,
        kind=ticket.kind,
        authenticated=ticket.authenticated,
        follow_up_of=ticket.reference,
    )
    return open_ticket(intake, number, storefront, act)
