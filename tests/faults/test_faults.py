"""
Every call to AWS of every use case fails once, in every way; what is seen in the end is what is seen without a fault.
"""

import pytest

from tests.faults import scenarios
from tests.faults.explore import Explorer
from tests.faults.lab import LAB, Fault
from tests.faults.picture import picture
from tests.faults.scenarios import SCENARIOS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_whatever_call_fails_the_end_is_the_same(scenario, bare):
    tally = Explorer.of(scenario, bare).single_faults()
    tally.check()
    assert tally.schedules == tally.fired >= len(Fault) - 1


def test_every_kind_of_fault_meets_every_service(bare):
    met = set()
    for scenario in SCENARIOS:
        calls = Explorer.of(scenario, bare).undisturbed()
        met |= {(call.service, fault) for call in calls for fault in Fault if call.can(fault)}
    services = {"dynamodb", "s3", "sqs", "ses", "sns"}
    assert met == {(s, f) for s in services for f in Fault if f is not Fault.CONFLICT or s == "dynamodb"}


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.UNANSWERED, Fault.CRASH_AFTER])
def test_the_same_key_gives_the_first_answer_whatever_came_since(bare, fault):
    stage = bare.again()
    scenarios.acknowledged(stage)
    ticket = scenarios.ticket(stage)
    reply = scenarios.replying(stage, "On its way.", seen_message_id=ticket.last_customer_message)
    everything = dict.fromkeys(range(4, 30), fault)  # the write, and whatever is done to find out about it
    stage.begin()
    with LAB.planned(everything) as calls:
        assert not stage.attempt(reply)
    assert calls[3].operation == "TransactWriteItems"
    path = f"/v1/tickets/{ticket.reference}/messages"
    stage.client(stage.request("POST", path, {"body": "Hello?"}, by="shop"))
    stage.client(reply)
    stage.settle()
    assert stage.answers[-1][0] == 201
    assert picture(stage).count("agent 'On its way.'; eva@customer.test delivered") == 1
    assert len(stage.sky.mails) == 2


@pytest.mark.parametrize("fault", [Fault.ERROR_AFTER, Fault.UNANSWERED])
def test_a_write_whose_answer_is_lost_is_known_for_its_own_even_without_a_key(bare, fault):
    stage = bare.again()
    with LAB.planned({4: fault}) as calls:
        assert stage.attempt(stage.request("POST", "/v1/tickets", scenarios.PARCEL, by="shop"))
    assert [call.operation for call in calls[3:]] == ["TransactWriteItems", "TransactWriteItems", "GetItem"]
    assert stage.answers[-1][0] == 201
    assert picture(stage).count("ticket 'My parcel'") == 1


@pytest.mark.parametrize("name", ["opens by queue", "opens by mail", "an answer bounces", "a complaint"])
def test_what_is_redriven_after_13_days_changes_nothing(bare, name):
    scenario = next(s for s in SCENARIOS if s.name == name)
    stage = Explorer.of(scenario, bare).start.again()
    files = dict(stage.sky.objects)
    scenario.when(stage)
    stage.settle()
    stage.sky.objects |= files
    stage.later(days=13)
    stage.begin()
    scenario.when(stage)
    stage.settle()
    assert picture(stage) == scenario.then


def test_what_is_told_late_and_in_the_wrong_order_says_the_same(bare):
    stage = bare.again()
    scenarios.answered(stage)
    stage.tells = ("Delivery", "Send", "Delivery")
    stage.settle()
    assert "agent 'It is on its way.'; eva@customer.test delivered" in picture(stage)
    for kind in ("Complaint", "Bounce", "Delivery", "Send"):
        stage.queue(stage.said_by_ses(kind, stage.sky.mails[-1]))
    assert "agent 'It is on its way.'; eva@customer.test complained" in picture(stage)
    assert "customer eva@customer.test; this address complained about our mail" in picture(stage)


@pytest.mark.parametrize("service", ["dynamodb", "sqs", "ses", "sns", "s3"])
def test_an_hour_without_a_service_loses_nothing(bare, service):
    stage = bare.again()
    scenarios.uploaded_by_agent(stage)
    with LAB.planned({}, down={service: Fault.UNREACHED}):
        stage.stream()
        for _ in range(20):
            stage.later(minutes=3)
            stage.sweep_once()
    stage.begin()
    stage.settle()
    assert "agent 'Print this label.'; file label.png; eva@customer.test delivered" in picture(stage)
    assert len(stage.sky.mails) == 2


def test_what_ses_leaves_unanswered_twice_without_an_event_is_held_for_people(bare):
    stage = bare.again()
    scenarios.opened(stage)
    with LAB.planned({}, down={"ses": Fault.ERROR_BEFORE}):
        stage.settle()
    assert "unsent ticket-received: held" in picture(stage)
    stage.later(days=1)
    stage.sweep()
    assert stage.sky.mails == []
