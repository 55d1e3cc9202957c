"""
What becomes of a mail that went out, as SES tells it, and what follows from it.
"""

from datetime import timedelta
from itertools import permutations

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from chalicelib import wiring
from chalicelib.adapters import aws, rows
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.ticket import Status
from chalicelib.usecases import feedback, sending, tickets
from chalicelib.usecases.uploads import Uploads
from tests.mails import Customer
from tests.world import AGENT, START, running, ses_event


@pytest.fixture(scope="module")
def desk():
    with running() as one:
        yield one


@pytest.fixture
def world(desk):
    """The desk that all tests share, at nine o'clock, with nothing left to send."""
    desk.now = START
    yield desk
    desk.now = START
    for held in desk.rows("OUTBOX#"):
        desk.desk.outbox.settle(desk.desk.outbox.find(held["pk"][7:], held["sk"][7:]), None, None)
    desk.queue("outbox")


@pytest.fixture
def eva():
    return Customer()


@pytest.fixture
def number(world, eva):
    """The ticket of a customer who was acknowledged."""
    opened = world.receive(eva.mail(Message_ID=eva.id(1))).reference
    world.stream()
    return opened


def replied(world, number, **more):
    return tickets.reply(world.desk, number, Reply("On its way.", **more), Uploads("agents"), by=AGENT, once=None).id


def shown(world, number):
    """Return (state, reason) of each message of ours, as the API shows it."""
    found = tickets.messages(world.desk, number, after=None, limit=50)
    return [(d.state.value, d.reason) for message in found for d in message.delivery.values()]


def tell(world, number, kind, which=-1, **about):
    """Bring an event of SES about a mail of a ticket, the newest or another."""
    raw = [raw for raw in world.sent_raw() if number.encode() in raw][which]
    event = ses_event(kind, raw, **about)
    feedback.take_in(world.desk, event)
    return event


def told(world, number):
    world.stream()
    return [word["reason"] for word in world.escalations() if word["ticket"] == number]


def test_a_message_shows_how_far_it_is(world, number):
    replied(world, number)
    assert shown(world, number)[-1] == ("queued", None)
    world.stream()
    assert shown(world, number)[-1] == ("sent", None)
    tell(world, number, "DeliveryDelay", delayedRecipients=[], delayType="MailboxFull")
    for kind, state in (("Send", "sent"), ("Delivery", "delivered"), ("Complaint", "complained")):
        tell(world, number, kind)
        assert shown(world, number)[-1][0] == state


@pytest.mark.parametrize("kinds", list(permutations(("Send", "Delivery", "Bounce"))))
def test_events_in_any_order_and_any_number_say_the_same(world, number, kinds):
    replied(world, number)
    world.stream()
    for kind in (*kinds, *kinds):
        tell(world, number, kind)
    assert shown(world, number)[-1] == ("bounced", "550 no such user")
    assert told(world, number) == ["reply_undeliverable"]


def test_an_event_that_comes_before_the_answer_of_ses_settles_the_mail(world, number, monkeypatch):
    replied(world, number)
    _loses_the_answer(monkeypatch)
    world.stream()
    assert shown(world, number)[-1] == ("sending", None)
    monkeypatch.undo()
    tell(world, number, "Send")
    assert shown(world, number)[-1] == ("sent", None)
    assert [r for r in world.rows("OUTBOX#") if number in r["pk"]] == []


def test_a_bounced_answer_opens_the_ticket_again_and_says_so(world, number):
    replied(world, number, status=Status.RESOLVED)
    world.stream()
    tell(world, number, "Bounce")
    ticket = world.desk.table.ticket(number)
    assert ticket.status is Status.OPEN
    assert ticket.survey.reason == "the ticket became open before it was sent"
    assert "Opened again: the last reply could not be delivered." in world.events(number)[-1]["why"]
    assert told(world, number) == ["reply_undeliverable"]


def test_a_bounced_acknowledgement_moves_nothing(world, number):
    before = world.desk.table.ticket(number)
    tell(world, number, "Bounce")
    assert world.desk.table.ticket(number) == before
    assert told(world, number) == []
    assert shown(world, number) == [("bounced", "550 no such user")]


def test_a_bounce_that_passes_is_a_delay(world, number, eva):
    replied(world, number)
    world.stream()
    tell(world, number, "Bounce", bounceType="Transient")
    assert shown(world, number)[-1][0] == "delayed"
    assert world.desk.table.ticket(number).status is Status.PENDING
    assert world.desk.table.customer(eva.address).suppressed_at(world.now) is None


@pytest.mark.parametrize(
    ("kind", "days", "is_suppressed"),
    [
        ("Bounce", 59, True),
        ("Bounce", 61, False),
        ("Complaint", 59, True),
        ("Complaint", 4000, True),
        ("Delivery", 0, False),
    ],
)
def test_an_address_is_not_written_to_for_a_while(world, number, eva, kind, days, is_suppressed):
    tell(world, number, kind)
    at = START + timedelta(days=days)
    assert bool(world.desk.table.customer(eva.address).suppressed_at(at)) is is_suppressed


def test_nothing_is_mailed_to_a_suppressed_address_and_the_ticket_says_so(world, number, eva):
    tell(world, number, "Bounce")
    sent = len(world.mails(eva.address))
    replied(world, number)
    world.stream()
    assert len(world.mails(eva.address)) == sent
    assert shown(world, number)[-1] == ("bounced", "mail to this address bounced")
    assert world.desk.table.ticket(number).status is Status.OPEN
    assert told(world, number) == ["reply_undeliverable"]


def test_what_is_known_of_a_customer_survives_a_suppression(world, number, eva):
    before = world.desk.table.customer(eva.address)
    tell(world, number, "Complaint")
    after = world.desk.table.customer(eva.address)
    assert (
        (after.name, after.language, after.tier)
        == (before.name, before.language, before.tier)
        == ("Eva", "en", "standard")
    )


def test_mail_that_is_not_ours_is_left_alone(world, number):
    before = world.rows("MESSAGE#")
    event = ses_event("Bounce", next(r for r in world.sent_raw() if number.encode() in r))
    for tags in ({}, {"outbox": ["x"]}, {"outbox": ["x"], "ticket": ["CL-00000-00000"]}):
        feedback.take_in(world.desk, {**event, "mail": event["mail"] | {"tags": tags}})
    feedback.take_in(world.desk, event | {"eventType": "Open"})
    assert world.rows("MESSAGE#") == before


# Sending again


def _loses_the_answer(monkeypatch):
    """SES takes the mail, and its answer is lost on the way back."""
    ses = aws.client("ses")
    send = ses.send_raw_email

    def silent(**mail):
        send(**mail)
        raise ReadTimeoutError(endpoint_url="ses")

    monkeypatch.setattr(ses, "send_raw_email", silent)


def _refuses(monkeypatch, status=400, code="MessageRejected"):
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def refused(**_):
        raise ClientError(answer, "SendRawEmail")

    monkeypatch.setattr(aws.client("ses"), "send_raw_email", refused)


def test_what_ses_refuses_is_sent_later(world, number, eva, monkeypatch):
    replied(world, number)
    _refuses(monkeypatch)
    world.stream()
    assert shown(world, number)[-1] == ("queued", "MessageRejected")
    monkeypatch.undo()
    world.stream()
    assert len(world.mails(eva.address)) == 1
    world.later(minutes=2)
    world.sweep()
    assert len(world.mails(eva.address)) == 2
    assert shown(world, number)[-1] == ("sent", None)


def test_what_is_refused_for_a_day_is_left_to_people(world, number, monkeypatch):
    replied(world, number)
    _refuses(monkeypatch)
    for _ in range(12):
        world.stream()
        world.later(hours=5)
    ((item),) = [r for r in world.rows("OUTBOX#") if number in r["pk"]]
    assert '"state":"held"' in item["progress"]
    assert "due_pk" not in item
    assert shown(world, number)[-1] == ("queued", "SES refused it 12 times: MessageRejected")


def test_a_lost_answer_is_settled_by_the_event_and_nothing_is_sent_twice(world, number, eva, monkeypatch):
    replied(world, number)
    _loses_the_answer(monkeypatch)
    world.stream()
    monkeypatch.undo()
    world.stream()
    tell(world, number, "Send")
    world.later(minutes=30)
    world.sweep()
    assert len(world.mails(eva.address)) == 2


def test_without_a_word_from_ses_it_is_sent_once_more_and_then_held(world, number, eva, monkeypatch):
    replied(world, number)
    _loses_the_answer(monkeypatch)
    world.stream()
    for minutes, sent in ((14, 2), (2, 3), (14, 3), (2, 3), (60, 3)):
        world.later(minutes=minutes)
        world.sweep()
        assert len(world.mails(eva.address)) == sent
    assert shown(world, number)[-1] == ("queued", "sent twice without a word from SES")


def test_while_events_wait_to_be_read_nothing_is_sent_again(world, number, eva, monkeypatch):
    replied(world, number)
    _loses_the_answer(monkeypatch)
    world.stream()
    aws.client("sqs").send_message(QueueUrl=world.desk.config.feedback_queue_url, MessageBody="{}")
    world.later(hours=1)
    world.sweep()
    assert len(world.mails(eva.address)) == 2
    world.queue("feedback")


def test_a_lost_stream_record_is_found_by_the_sweep(world, eva):
    world.receive(eva.mail())
    world.sweep()
    assert world.mails(eva.address) == []
    world.later(minutes=3)
    world.sweep()
    assert len(world.mails(eva.address)) == 1


def test_a_second_worker_finds_nothing_to_do(world, eva):
    world.receive(eva.mail())
    (item,) = world.rows("OUTBOX#")
    named = item["pk"].removeprefix("TICKET#"), item["sk"].removeprefix("OUTBOX#")
    assert [sending.send_out(world.desk, *named).value for _ in range(3)] == ["sent", "done_before", "done_before"]
    assert len(world.mails(eva.address)) == 1


def test_an_undo_of_fifteen_minutes_is_not_more_than_a_queue_can_wait(world, number, eva):
    replied(world, number, not_before=world.now + timedelta(minutes=15))
    world.stream()
    assert len(world.mails(eva.address)) == 1
    world.later(minutes=15)
    world.sweep()
    assert len(world.mails(eva.address)) == 2


def test_the_same_item_always_makes_the_same_bytes(world, eva, monkeypatch):
    world.receive(eva.mail(Message_ID=eva.id(1)))
    _loses_the_answer(monkeypatch)
    world.stream()
    world.later(minutes=16)
    world.sweep()
    first, second = world.mails(eva.address)
    assert first.as_bytes() == second.as_bytes()


def test_that_events_arrive_is_noted_once_a_minute_and_a_process_reads_it_as_often(world, monkeypatch):
    """All feedback meets on one item: what each event read and wrote there would be the most the desk can take."""
    first, second = (wiring.joined(world.desk.config, lambda: world.now).outbox for _ in range(2))
    calls, get, save = [], rows.get, rows.Row.save
    monkeypatch.setattr(rows, "get", lambda key, **more: calls.append("read") or get(key, **more))
    monkeypatch.setattr(rows.Row, "save", lambda row, **more: calls.append("write") or save(row, **more))
    start = START + timedelta(days=1)

    def noted(outbox, *seconds):
        calls.clear()
        for each in seconds:
            outbox.note_feedback(start + timedelta(seconds=each))
        return calls.copy()

    assert noted(first, 0, 1, 30, 59) == ["read", "write"]
    assert noted(second, 40, 50, 59) == ["read"]
    assert noted(second, 60, 70) == ["read", "write"]
    assert noted(first, 65, 5, 119) == ["read"]
    assert first.last_feedback() == second.last_feedback() == start + timedelta(seconds=60)
