"""
How many automatic mails go out, whatever comes in.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import budgets, system_mails
from chalicelib.domain.budgets import Ledger
from chalicelib.domain.change import Change, Outgoing
from chalicelib.domain.ticket import SYSTEM
from tests.domain.build import START, act, new_id, opened, ticket

MINUTE = timedelta(minutes=1)


def asked(ledger, at, subject="My parcel", text="Where is it?", *, verified=True, by_mail=True):
    """Return the ledger after a request, and why it was not acknowledged; None when it was."""
    request = budgets.request_of(subject, text, verified=verified, by_mail=by_mail)
    assert budgets.request_told(budgets.told(request)) == request
    return budgets.answered(ledger, request, at, new_id())


def reasons(requests, **more):
    """Return why each of *requests*, given as (minutes, subject, text), was not acknowledged."""
    ledger, found = Ledger(), []
    for minutes, subject, text in requests:
        ledger, reason = asked(ledger, START + minutes * MINUTE, subject, text, **more)
        found.append(reason)
    return found


def test_an_address_gets_ten_acknowledgements_in_three_hours_and_then_it_is_told_why():
    found = reasons([(n * 5, f"Question {n}", f"It is about {n}") for n in range(12)])
    assert found[:10] == [None] * 10
    assert found[10:] == ["10 were sent to this address in 180 minutes"] * 2


def test_after_three_hours_there_is_room_again():
    requests = [(n, f"Question {n}", f"It is about {n}") for n in range(10)]
    assert reasons([*requests, (179, "An eleventh", ""), (180.1, "A twelfth", "")])[-2:] == [
        "10 were sent to this address in 180 minutes",
        None,
    ]


@pytest.mark.parametrize(
    "subject", ["My parcel", "RE: my parcel", "Re: [CL-7K3F9-Q2MXR] My parcel", "AW: Re: My   parcel"]
)
def test_of_one_subject_there_are_two(subject):
    found = reasons([(0, "My parcel", "Where is it?"), (9, "My parcel", "Where?"), (20, subject, "Hello?")])
    assert found == [None, None, "2 were sent to this address for this subject, and it came again within 180 minutes"]


def test_who_repeats_himself_must_be_silent_for_three_hours():
    found = reasons([(minutes, "My parcel", "Where is it?") for minutes in (0, 1, 120, 240, 360, 541)])
    assert [reason is None for reason in found] == [True, True, False, False, False, True]


def test_an_answer_with_the_same_words_is_a_robots_whatever_its_number():
    words = "We have received your request {} and answer soon."
    found = reasons([(n * 3, f"[#{n}] Re: request {n}", words.format(n)) for n in range(4)])
    assert [reason is None for reason in found] == [True, True, False, False]
    assert "for these words" in found[2]


def test_a_person_may_use_the_same_words_under_another_subject():
    found = reasons([(n * 3, f"Order {n}", "Where is it?") for n in range(4)])
    assert found == [None] * 4


def test_the_same_words_within_seconds_of_an_acknowledgement_are_a_robots():
    found = reasons([(n / 3, f"Order {n}", "Where is it?") for n in range(4)])
    assert [reason is None for reason in found] == [True, True, False, False]


def test_nobody_verified_gets_three_in_a_day():
    requests = [(n * 60, f"Question {n}", f"About {n}") for n in range(6)]
    found = reasons([*requests, (24 * 60 + 1, "Tomorrow", "")], verified=False)
    assert found[:3] == [None] * 3
    assert found[3:6] == ["3 were sent in 24 hours to this address, which nobody has verified"] * 3
    assert found[6] is None


def test_a_forger_can_neither_hold_nor_silence_whom_he_names():
    ledger = Ledger()
    for n in range(500):
        ledger, _ = asked(ledger, START + n * timedelta(seconds=2), "My parcel", f"Buy {n}", verified=False)
    _, reason = asked(ledger, START + 20 * MINUTE, "My parcel", "Where is it?")
    assert reason is None


def test_above_twenty_mails_an_hour_a_sender_is_held_for_an_hour():
    ledger = Ledger()
    for n in range(20):
        ledger, reason = asked(ledger, START + n * MINUTE, f"Question {n}")
        assert not (reason and "held" in reason)
    ledger, reason = asked(ledger, START + 20 * MINUTE, "One more")
    assert reason == "more than 20 mails of this sender came in an hour; held until 2026-03-02 10:20 UTC"
    _, still = asked(ledger, START + 79 * MINUTE, "Later")
    assert "held" in still
    _, then = asked(ledger, START + 300 * MINUTE, "Much later")
    assert then is None


def test_requests_by_other_doors_hold_nobody():
    found = reasons([(n, f"Question {n}", "") for n in range(30)], by_mail=False)
    assert not any("held" in reason for reason in found if reason)


def test_a_ledger_stays_small_whatever_comes():
    ledger = Ledger()
    for n in range(5000):
        ledger, _ = asked(ledger, START + n * timedelta(seconds=40), f"Question {n % 700}", verified=n % 3 > 0)
    assert len(ledger.acknowledged) <= 23
    assert len(ledger.verified.mails) <= 21
    assert len(ledger.unverified.mails) <= 21


def test_no_hour_of_a_storefront_holds_more_than_its_budget():
    minutes, went = {}, []
    for second in range(0, 4 * 3600, 7):
        at = START + timedelta(seconds=second)
        counted = budgets.reserved(minutes, 100, at)
        if counted is not None:
            minutes = counted
            went.append(at)
    assert len(went) >= 300
    assert max(sum(at <= other < at + timedelta(hours=1) for other in went) for at in went) <= 100
    assert len(minutes) <= 61


def test_an_own_address_and_a_noreply_address_are_not_acknowledged():
    for address, why in (("support+x@demo.test", "an address of our own"), ("no-reply@x.test", "nobody reads")):
        change = opened(customer=replace(ticket().customer, email=address))
        assert change.outgoing == ()
        assert why in change.why[0]


def test_another_address_on_the_ticket_has_a_budget_of_its_own():
    change = Change(None, ticket(), act(START, SYSTEM), "due")
    for _ in range(10):
        change = system_mails.sending(change, Outgoing("1", "check-in", START, to="eva@customer.test"))
    reason = system_mails.spent(change.ticket, "eva@customer.test", START)
    assert reason == "10 system mails went to this address on this ticket in 10 minutes"
    assert system_mails.spent(change.ticket, "bob@customer.test", START) is None


def test_an_acknowledgement_that_is_counted_again_counts_once():
    request = budgets.request_of("My parcel", "Where is it?", verified=True, by_mail=True)
    first, reason = budgets.answered(Ledger(), request, START, "01ABCDEFGH")
    assert (reason, len(first.acknowledged), len(first.verified.mails)) == (None, 1, 1)
    for later in (START, START + 30 * MINUTE):
        assert budgets.answered(first, request, later, "01ABCDEFGH") == (first, None)
    second, reason = budgets.answered(first, request, START, "01ABCDEFGX")
    assert (reason, len(second.acknowledged)) == (None, 2)
