"""
Time passing: promises, surveys and closings, by the clock of the event, so that days can be played in a second.
"""

import json
from datetime import timedelta

import pytest

import app
from chalicelib.adapters import keys
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.ticket import Author, Channel, Person, Role, Status
from chalicelib.usecases import due, tickets
from chalicelib.usecases.tickets import Intake
from chalicelib.usecases.uploads import Uploads
from tests.api import served
from tests.payloads import NOTHING_FAILED, batch, event, failed
from tests.world import AGENT, START

EVA = Author(Role.CUSTOMER, "Eva", "eva@customer.test")


@pytest.fixture
def world():
    with served() as api:
        yield api.world


def opened(world, who="eva", **more):
    intake = Intake(Person(f"{who}@customer.test", "Eva"), "My parcel", "Where is it?", Channel.API, "en", **more)
    return tickets.open_ticket(world.desk, "demo", intake, Uploads("demo"), by=AGENT, once=None).reference


def resolved(world, who="eva"):
    number = opened(world, who)
    tickets.reply(world.desk, number, Reply("Done."), Uploads("agents"), by=AGENT, once=None)
    tickets.resolve(world.desk, number, by=AGENT, if_match=None)
    return number


def passes(world, **until):
    """Let time pass: sweep as of then, and send what it caused."""
    world.sweep(START + timedelta(**until))
    world.settle()


def surveys(world):
    return [mail["To"] for mail in world.mails() if "/surveys/" in mail.as_string()]


def told(world):
    return [(word["clock"], word["level"]) for word in world.escalations()]


def test_a_day_after_resolving_the_customer_is_asked_once(world):
    number = resolved(world)
    world.settle()
    passes(world, hours=23, minutes=59)
    assert surveys(world) == []
    for _ in range(2):
        passes(world, hours=24)
    assert surveys(world) == ["Eva <eva@customer.test>"]
    assert world.desk.table.ticket(number).survey.state == "sent"
    asked = world.mails()[-1]
    assert asked["Auto-Submitted"] == "auto-generated"


def test_two_resolutions_of_one_customer_are_one_survey_in_thirty_days(world):
    first, second = resolved(world), resolved(world)
    passes(world, hours=24)
    passes(world, days=29)
    assert len(surveys(world)) == 1
    reasons = {world.desk.table.ticket(number).survey.reason for number in (first, second)}
    assert None in reasons
    assert any("once in 30 days" in reason for reason in reasons if reason)


def test_a_customer_who_writes_before_is_not_asked(world):
    number = resolved(world)
    tickets.write(world.desk, number, "It broke again.", Uploads("demo"), by=EVA, once=None)
    passes(world, hours=24)
    assert surveys(world) == []
    assert "before it was sent" in world.desk.table.ticket(number).survey.reason


def test_a_week_after_resolving_a_ticket_is_closed(world):
    number = resolved(world)
    passes(world, days=6, hours=23)
    assert world.desk.table.ticket(number).status is Status.RESOLVED
    passes(world, days=7)
    assert world.desk.table.ticket(number).status is Status.CLOSED
    assert [row for row in world.rows("TICKET") if "due_pk" in row] == []


def test_an_unanswered_ticket_climbs_the_ladder_and_says_each_level_once(world):
    number = opened(world)
    for hours in (5, 6, 7, 8, 8, 12, 16):
        passes(world, hours=hours)
    assert told(world) == [("first_response", level) for level in ("warning", 1, 2, 3)]
    word = world.escalations()[1]
    assert word["id"] == f"{number}/first_response/1/1"
    assert word["url"] == f"https://desk.test/v1/tickets/{number}"
    assert (word["storefront"], word["priority"], word["kind"], word["subject"]) == (
        "demo",
        "normal",
        "question",
        "My parcel",
    )


def test_played_in_one_go_it_is_the_same(world):
    opened(world)
    passes(world, hours=16)
    assert told(world) == [("first_response", level) for level in ("warning", 1, 2, 3)]


def test_an_answered_ticket_says_nothing(world):
    number = opened(world)
    tickets.reply(world.desk, number, Reply("Which size?"), Uploads("agents"), by=AGENT, once=None)
    passes(world, days=5)
    assert told(world) == []


def test_simulated_time_does_not_touch_what_is_sent(world):
    opened(world)
    world.sweep(START + timedelta(days=1))
    # the sweep of a far day brought the timers; mails go by the clock on the wall
    assert world.mails() == []
    assert len(world.rows("OUTBOX#")) > 1


def test_a_busy_shard_is_worked_off_page_by_page_and_message_by_message(world, monkeypatch):
    monkeypatch.setattr(due, "_PAGE", 2)
    monkeypatch.setattr(due, "_IN_ONE_GO", 4)
    numbers = [opened(world, f"p{n}") for n in range(24)]
    world.settle()
    due.sweep(world.desk, START + timedelta(hours=6))
    while orders := world.drain("due"):
        for order in orders:
            assert due.work(world.desk, order) <= 4
    assert [world.desk.table.ticket(number).first_response.spoken for number in numbers] == [1] * 24


# Through the doors


def test_a_day_is_played_by_the_time_of_the_event(world):
    resolved(world)
    world.settle()
    app.sweep(event("eventbridge-sweep"), None)
    assert world.drain("due") == []
    app.sweep(event("eventbridge-sweep") | {"time": "2026-03-03T09:00:00Z"}, None)
    assert world.queue("due") == []
    world.settle()
    assert "/surveys/" in world.mails()[-1].as_string()


def test_what_is_more_than_a_little_is_left_to_due_work_with_the_time_of_the_event(world, monkeypatch):
    monkeypatch.setattr(due, "_IN_PLACE", 0)
    resolved(world)
    world.settle()
    app.sweep(event("eventbridge-sweep") | {"time": "2026-03-03T09:00:00Z"}, None)
    (order,) = world.drain("due")
    assert order["at"] == "2026-03-03T09:00:00Z"
    assert app.due_work(batch(event("sqs-due"), [order]), None) == NOTHING_FAILED
    world.settle()
    assert "/surveys/" in world.mails()[-1].as_string()


def test_a_sweep_does_eight_tickets_and_queues_what_is_more(world):
    for number in range(8):
        opened(world, f"c{number}")
    world.settle()
    assert due.sweep(world.desk, world.later(hours=9)).done == 8
    assert world.queue("due") == []
    for number in range(9):
        opened(world, f"d{number}")
    world.settle()
    assert due.sweep(world.desk, world.later(hours=9)).done <= 8
    assert world.queue("due") != []


def test_one_ticket_that_fails_stops_no_other_and_is_told(world, monkeypatch):
    good, bad = (opened(world, name) for name in ("good", "bad"))
    world.settle()
    whole = due.fire
    monkeypatch.setattr(due, "fire", lambda desk, number, at: 1 / 0 if number == bad else whole(desk, number, at))
    with pytest.raises(ExceptionGroup, match="1 of 2 tickets"):
        due.sweep(world.desk, world.later(hours=9))
    assert [world.desk.table.ticket(number).first_response.spoken for number in (good, bad)] == [2, 0]


def test_an_idle_desk_puts_nothing_on_the_queue(world):
    app.sweep(event("eventbridge-sweep"), None)
    assert world.queue("due") == []


def test_the_sweep_tells_how_long_the_oldest_mail_waits(world, capsys):
    opened(world)
    world.later(minutes=10)
    app.sweep(event("eventbridge-sweep") | {"time": "2026-03-02T09:10:00Z"}, None)
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (metric,) = [line for line in said if "_aws" in line]
    assert metric["OldestUnsentSeconds"] == [480.0]


def test_a_ticket_that_fails_does_not_stop_the_others_of_its_shard(world, monkeypatch):
    monkeypatch.setattr(keys, "shard", lambda *_: 0)
    monkeypatch.setattr(due, "_PAGE", 1)
    first, *others = sorted(opened(world, f"p{n}") for n in range(4))
    world.settle()
    fire = due._fire

    def fails(desk, reference, at):
        if reference == first:
            raise KeyError
        fire(desk, reference, at)

    monkeypatch.setattr(due, "_fire", fails)
    at = (world.now + timedelta(hours=8)).isoformat()
    order = batch(event("sqs-due"), [{"shard": 0, "at": at}])
    for _ in range(5):
        assert failed(app.due_work(order, None)) == ["m0"]
    world.stream()
    told = {(word["ticket"], word["reason"]) for word in world.escalations()}
    broken = {(number, reason) for number in others for reason in ("promise_at_risk", "promise_broken")}
    assert told == broken | {(first, "timer_failed")}
    # it has left the index for the dead letters, with its reason, and the shard is whole again
    (buried,) = world.queue("DueDeadLetter")
    assert json.loads(buried["Body"])["ticket"] == first
    assert "KeyError" in buried["MessageAttributes"]["reason"]["StringValue"]
    assert app.due_work(order, None) == NOTHING_FAILED
    assert world.desk.table.ticket(first).status is Status.NEW
