"""
What a customer says of the help.
"""

from datetime import timedelta

import pytest

from chalicelib.domain import due
from chalicelib.domain.errors import Gone
from chalicelib.domain.lifecycle import reopen
from chalicelib.domain.surveys import Rating, answerable, rate
from chalicelib.domain.ticket import SYSTEM, Status
from tests.domain.build import DEMO, EVA, START, act, number, ticket

DAY = timedelta(days=1)
ASKED = due.fire(ticket(Status.RESOLVED), None, DEMO, act(START + DAY, SYSTEM)).ticket


def rated(of, rating, when=START + 2 * DAY, **more):
    return rate(of, 1, Rating(rating, **more), DEMO, act(when, EVA), number())


@pytest.mark.parametrize(
    ("rating", "comment", "status", "is_told"),
    [
        (1, "Still broken.", "open", True),
        (2, "Slow.", "open", True),
        (2, "", "resolved", True),
        (3, "So so.", "resolved", False),
        (5, "Great!", "resolved", False),
    ],
)
def test_a_bad_rating_is_told_and_opens_the_ticket_again_when_it_says_why(rating, comment, status, is_told):
    change = rated(ASKED, rating, comment=comment)
    assert change.ticket.survey.rating == rating
    assert change.ticket.status == status
    assert [out.data["reason"] for out in change.outgoing] == ["bad_rating"] * is_told
    assert change.ticket.tags == ("bad-csat",) * is_told


def test_the_same_rating_again_changes_nothing():
    assert rated(rated(ASKED, 4).ticket, 4, START + 3 * DAY) is None


def test_a_rating_may_be_changed_and_each_change_is_kept():
    first = rated(ASKED, 1, solved=False)
    second = rated(first.ticket, 5, START + 3 * DAY, solved=True)
    assert (first.detail["rating"], second.detail["rating"]) == (1, 5)
    assert second.ticket.survey.solved is True
    assert second.ticket.tags == ()


def test_a_comment_that_comes_later_opens_the_ticket_without_telling_twice():
    change = rated(rated(ASKED, 1).ticket, 1, comment="Still broken.")
    assert change.ticket.status is Status.OPEN
    assert change.outgoing == ()


def test_a_rating_of_a_closed_ticket_is_recorded_and_told():
    closed = due.fire(ASKED, None, DEMO, act(START + 7 * DAY, SYSTEM)).ticket
    change = rated(closed, 1, START + 8 * DAY, comment="Broken again.")
    assert (change.ticket.status, change.ticket.survey.rating) == (Status.CLOSED, 1)
    assert change.outgoing[0].data["reason"] == "bad_rating"


@pytest.mark.parametrize(
    ("of", "cycle", "when"),
    [
        (ASKED, 1, START + 15 * DAY),
        (ASKED, 2, START + 2 * DAY),
        (ticket(Status.RESOLVED), 1, START + DAY),
        (ticket(), 1, START + DAY),
        (reopen(ticket(Status.RESOLVED), DEMO, act()).ticket, 1, START + DAY),
    ],
)
def test_a_survey_that_is_not_open_is_gone(of, cycle, when):
    with pytest.raises(Gone):
        answerable(of, cycle, when)


def test_a_survey_is_open_for_two_weeks():
    assert answerable(ASKED, 1, START + 15 * DAY - timedelta(seconds=1)).cycle == 1
