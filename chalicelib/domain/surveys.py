"""
What a customer says of the help.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.domain.change import Act, Change
from chalicelib.domain.errors import Gone
from chalicelib.domain.lifecycle import escalation, reopen
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Status, Survey, SurveyState, Ticket
from chalicelib.domain.timers import settled

BAD = 2
BAD_TAG = "bad-csat"


@dataclass(frozen=True, slots=True)
class Rating:
    """1 is the worst, 5 the best; `agent` rates the person who helped, `solved` says whether it was."""

    rating: int
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


def rate(ticket: Ticket, cycle: int, given: Rating, storefront: Storefront, act: Act) -> Change | None:
    """
    Record a rating, or change it; None when it says what is recorded already.

    A bad one is told to the team lead at once, and opens a resolved ticket again when it comes with a comment.
    """
    survey = answerable(ticket, cycle, act.at)
    rated = replace(
        survey, rating=given.rating, solved=given.solved, agent=given.agent, comment=given.comment, rated_at=act.at,
    )  # fmt: skip
    if replace(rated, rated_at=survey.rated_at) == survey:
        return None
    bad = given.rating <= BAD
    tags = tuple(tag for tag in ticket.tags if tag != BAD_TAG)
    noted = replace(ticket, survey=rated, tags=(*tags, BAD_TAG) if bad else tags)
    if bad and given.comment and ticket.status is Status.RESOLVED:
        change = reopen(noted, storefront, act).because("Opened again: a bad rating with a comment.")
    else:
        change = settled(Change(ticket, noted, act, "rated"), storefront)
    detail = {"rating": given.rating, "solved": given.solved, "agent": given.agent, "comment": given.comment}
    change = replace(change, before=ticket, what="rated", detail=detail)
    if not bad or survey.rating == given.rating:
        return change
    return change.sending(escalation(ticket, "event", "bad_rating", act, key=f"rating/{cycle}/{given.rating}"))
