"""
What a ticket does when its time has come.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import due
from chalicelib.domain.lifecycle import update
from chalicelib.domain.storefront import Priority
from chalicelib.domain.ticket import SYSTEM, Customer, Status, SurveyState
from tests.domain.build import BUREAU, DEMO, START, act, answered, at, ticket, written

DAY = timedelta(days=1)


def fired(of, when, customer=None, storefront=DEMO):
    return due.fire(of, customer, storefront, act(when, SYSTEM))


def levels(change):
    return [(told.data["clock"], told.data["level"]) for told in change.outgoing] if change else []


def test_nothing_happens_before_it_is_due():
    assert fired(ticket(), START + timedelta(hours=5, minutes=59)) is None


@pytest.mark.parametrize(
    ("hours", "spoken"),
    [
        (6, [("first_response", "warning")]),
        (8, [("first_response", "warning"), ("first_response", 1)]),
        (12, [("first_response", "warning"), ("first_response", 1), ("first_response", 2)]),
        (
            18,
            [
                ("first_response", "warning"),
                ("first_response", 1),
                ("first_response", 2),
                ("first_response", 3),
                ("resolution", "warning"),
            ],
        ),
    ],
)
def test_everything_due_is_said_at_once_and_in_order(hours, spoken):
    assert levels(fired(ticket(), START + timedelta(hours=hours))) == spoken


def test_each_level_is_said_once():
    of, said = ticket(), []
    for hour in range(200):
        change = fired(of, START + timedelta(hours=hour))
        said += levels(change)
        of = change.ticket if change else of
    assert len(said) == len(set(said)) == 8
    assert of.timers == {}


def test_a_word_to_the_lead_has_a_stable_id_and_says_what_is_broken():
    told = fired(ticket(), START + timedelta(hours=8)).outgoing[1].data
    assert told == {
        "id": f"{ticket().reference}/first_response/1/1",
        "ticket": ticket().reference,
        "storefront": "demo",
        "level": 1,
        "reason": "promise_broken",
        "clock": "first_response",
        "due_at": "2026-03-02T17:00:00Z",
        "priority": "normal",
        "kind": "question",
        "subject": "My parcel",
    }


def test_a_ticket_that_waits_for_the_customer_says_nothing():
    assert fired(ticket(Status.PENDING), START + 5 * DAY) is None


def test_outside_business_hours_the_ladder_waits():
    friday = at("Fri 2025-03-07 16:00")
    of = ticket(when=friday, storefront=BUREAU)
    assert fired(of, at("Sun 2025-03-09 12:00"), storefront=BUREAU) is None
    assert levels(fired(of, at("Mon 2025-03-10 14:00"), storefront=BUREAU)) == [("first_response", "warning")]


def test_an_unanswered_reply_of_the_customer_escalates_in_its_own_cycle():
    of = written(ticket(Status.PENDING), START + DAY)
    told = fired(of, START + DAY + timedelta(hours=8)).outgoing[-1].data
    assert told["id"].endswith("/next_response/1/1")


def test_a_promised_date_is_watched_like_a_clock():
    of = answered(ticket(), promised_at=START + DAY)
    change = fired(of, START + DAY)
    assert ("promised", 1) in levels(change)
    assert change.ticket.promised_at is None
    assert of.status is Status.ON_HOLD


def test_a_snooze_brings_the_ticket_back():
    of = update(ticket(), {"snoozed_until": START + DAY}, DEMO, act()).ticket
    assert fired(of, START + DAY - timedelta(minutes=1)) is None
    change = fired(of, START + DAY)
    assert (change.ticket.status, change.ticket.snoozed_until) == (Status.OPEN, None)
    assert change.ticket.version == of.version + 1


def test_a_survey_goes_out_a_day_after_resolving():
    of = ticket(Status.RESOLVED)
    assert fired(of, START + DAY - timedelta(minutes=1)) is None
    change = fired(of, START + DAY)
    (invitation,) = change.outgoing
    assert (invitation.what, invitation.to) == ("survey-invitation", "eva@customer.test")
    assert change.surveyed == "eva@customer.test"
    assert change.ticket.survey.state is SurveyState.SENT
    assert change.ticket.survey.expires_at == START + 15 * DAY
    assert fired(change.ticket, START + 2 * DAY) is None


@pytest.mark.parametrize(
    ("asked_days_ago", "is_asked"), [(1, False), (29, False), (30, True), (400, True)]
)  # fmt: skip
def test_a_customer_is_asked_once_in_thirty_days(asked_days_ago, is_asked):
    eva = Customer("eva@customer.test", surveyed_at=START + DAY - asked_days_ago * DAY)
    change = fired(ticket(Status.RESOLVED), START + DAY, eva)
    assert bool(change.outgoing) is is_asked
    assert is_asked or "once in 30 days" in change.ticket.survey.reason


def test_an_address_that_bounces_is_not_asked():
    eva = Customer(
        "eva@customer.test", suppressed_until=START + 60 * DAY, suppressed_because="mail to this address bounced"
    )
    change = fired(ticket(Status.RESOLVED), START + DAY, eva)
    assert change.outgoing == ()
    assert change.why == ("No survey: mail to this address bounced.",)


def test_after_a_week_a_resolved_ticket_is_closed_and_over():
    change = fired(ticket(Status.RESOLVED), START + 7 * DAY)
    assert change.ticket.status is Status.CLOSED
    assert change.ticket.timers == {}
    # played in one go, the survey still comes before the closing
    assert [out.what for out in change.outgoing] == ["survey-invitation"]


def test_firing_twice_is_firing_once():
    once = fired(ticket(), START + timedelta(hours=8)).ticket
    assert fired(once, START + timedelta(hours=8)) is None


def test_another_priority_says_no_level_twice():
    warned = fired(ticket(), START + timedelta(hours=6)).ticket
    urgent = update(warned, {"priority": Priority.URGENT}, DEMO, act(START + timedelta(hours=6))).ticket
    assert ("first_response", "warning") not in levels(fired(urgent, START + timedelta(hours=7)))


def test_what_fails_five_times_leaves_the_index_and_says_why():
    of = ticket()
    for _ in range(4):
        change = due.failed(of, "KeyError: x", act(START, SYSTEM))
        assert change.outgoing == ()
        of = change.ticket
    assert of.timers
    last = due.failed(of, "KeyError: x", act(START, SYSTEM))
    assert last.ticket.timers == {}
    assert last.ticket.due_at is None
    assert "KeyError: x" in last.why[0]
    assert last.outgoing[0].data["reason"] == "timer_failed"


def test_a_word_of_anybody_puts_a_failed_ticket_back():
    failed = replace(ticket(), timers={}, failed_timers=5)
    back = written(failed, START + timedelta(hours=1))
    assert back.failed_timers == 0
    assert back.timers
