"""
Every door with the event that AWS would bring, from events/.
"""

import itertools
import json
import re

import pytest

import app
from chalicelib.adapters import aws, rows
from chalicelib.adapters.files import Files
from chalicelib.domain.errors import Busy
from chalicelib.handlers import events
from tests import payloads
from tests.api import served
from tests.payloads import EVENTS, NOTHING_FAILED, failed

RAW = b"From: Eva <%s>\r\nTo: support@demo.test\r\nSubject: My parcel\r\n\r\nWhere is %s?\r\n"
_orders = itertools.count(1)
salt = {}


@pytest.fixture(scope="module")
def api():
    with served() as one:
        yield one


@pytest.fixture
def world(api):
    """The desk that all tests share; each looks at what is new only."""
    n = next(_orders)
    salt.update(key=f"order-{n}", address=f"eva{n}@customer.test", known=())
    salt["known"] = set(all_tickets(api.world))
    yield api.world
    api.world.stream()
    api.world.queue("IntakeDeadLetter")


def event(name, **instead):
    """Read a payload, with the order and the address of this test."""
    return payloads.event(name, order=salt["key"], address=salt["address"], **instead)


def batch(name, bodies):
    return payloads.batch(event(name), bodies)


def request(name="sqs-intake"):
    return json.loads(event(name)["Records"][0]["body"])


def raw():
    return RAW % (salt["address"].encode(), salt["key"].encode())


def opened(api):
    return api.opened(customer={"email": salt["address"]})


def unsent(world):
    """Return (number, id) of everything in the outbox."""
    return [(r["pk"].removeprefix("TICKET#"), r["sk"].removeprefix("OUTBOX#")) for r in world.rows("OUTBOX#")]


def all_tickets(world):
    numbers = [row["pk"].removeprefix("TICKET#") for row in world.rows("TICKET")]
    return [number for number in numbers if number not in salt["known"]]


def test_every_door_has_a_payload():
    names = {path.stem for path in EVENTS.glob("*.json")}
    assert names == {
        "api-open-ticket", "sqs-intake", "ses-received", "ses-delivery", "ses-bounce", "ses-complaint",
        "dynamodb-stream-outbox", "sqs-outbox", "eventbridge-sweep", "sqs-due", "eventbridge-reconcile",
    }  # fmt: skip


def test_every_payload_is_brought_to_its_door(world):
    """As it stands in the file, to a desk that knows nothing of it: no door falls over."""
    aws.client("s3").put_object(Bucket="careline-mail", Key="incoming/o3vrnil0e2ic28tr", Body=raw())
    assert app.app(event("api-open-ticket"), None)["statusCode"] == 401
    assert app.intake_queue(event("sqs-intake"), None) == NOTHING_FAILED
    assert app.inbound_mail(event("ses-received"), None) == NOTHING_FAILED
    for said in ("ses-delivery", "ses-bounce", "ses-complaint"):
        assert app.mail_feedback(event(said), None) == NOTHING_FAILED
    assert app.outbox(event("dynamodb-stream-outbox"), None) == NOTHING_FAILED
    assert app.outbox_retry(event("sqs-outbox"), None) == NOTHING_FAILED
    assert app.sweep(event("eventbridge-sweep"), None) is None
    assert app.due_work(event("sqs-due"), None) == NOTHING_FAILED
    assert app.reconcile(event("eventbridge-reconcile"), None) is None


# HTTP


def test_a_request_opens_a_ticket(api, world):
    asked = event("api-open-ticket", key=api.keys["storefront"])
    first, second = app.app(asked, None), app.app(asked, None)
    assert first["statusCode"] == 201
    assert first["headers"]["ETag"] == '"1"'
    assert json.loads(first["body"])["order_reference"] == "A-1001"
    assert first["body"] == second["body"]
    assert len(all_tickets(world)) == 1


def test_an_invocation_leaves_one_line_and_nobodys_name_in_it(api, world, caplog):
    app.app(event("api-open-ticket", key=api.keys["storefront"]), None)
    app.intake_queue(event("sqs-intake"), None)
    app.intake_queue(batch("sqs-intake", [request() | {"kind": "Where is it?"}]), None)
    lines = [record.msg for record in caplog.records]
    assert [line["door"] for line in lines] == ["api", "intake_queue", "intake_queue"]
    assert lines[0]["request"] == "ZQ0vPgExampleID="
    assert lines[0]["ticket"] in all_tickets(world)
    assert not re.search("eva|parcel|Where|SECRET", json.dumps(lines), re.IGNORECASE)
    assert api.keys["storefront"] not in json.dumps(lines)
    assert len(app.app.log.handlers) == 1, "each line would be written, and paid, once for each handler"


# The intake queue


def test_a_message_opens_a_ticket_once_by_its_key(world):
    app.intake_queue(event("sqs-intake"), None)
    app.intake_queue(event("sqs-intake"), None)
    app.intake_queue(batch("sqs-intake", [request(), request()]), None)
    (number,) = all_tickets(world)
    ticket = world.desk.table.ticket(number)
    assert (ticket.channel, ticket.order_reference, ticket.customer.email) == ("queue", "A-1001", salt["address"])


def test_a_message_without_a_key_is_known_by_its_id(world):
    bare = {name: value for name, value in request().items() if name != "idempotency_key"}
    twice = batch("sqs-intake", [bare])
    app.intake_queue(twice, None)
    app.intake_queue(twice, None)
    app.intake_queue(batch("sqs-intake", ["{}", bare]), None)
    assert len(all_tickets(world)) == 2


def test_in_a_batch_of_ten_with_two_bad_ones_eight_are_opened_and_two_buried_with_their_reason(world):
    good = [request() | {"idempotency_key": f"{salt['key']}.{n}"} for n in range(8)]
    bad = ["not JSON", {**request(), "kind": "riddle", "storefront": "demo"}]
    answer = app.intake_queue(batch("sqs-intake", [*good[:3], bad[0], *good[3:7], bad[1], good[7]]), None)
    assert answer == NOTHING_FAILED
    assert len(all_tickets(world)) == 8
    buried = {m["Body"]: m["MessageAttributes"]["reason"]["StringValue"] for m in world.queue("IntakeDeadLetter")}
    assert len(buried) == 2
    assert buried["not JSON"] == "The body is not JSON in UTF-8."
    told = world.escalations()[-2:]
    assert [(word["level"], word["reason"], word["ticket"]) for word in told] == [("event", "dead_letter", None)] * 2
    assert {word["subject"] for word in told} == set(buried.values())
    assert "/kind: must be one of" in buried[json.dumps(bad[1])]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"storefront": "nowhere"}, "There is no such storefront."),
        ({"customer": {}}, "/customer/email: is missing"),
        ({"body": ""}, "/body: must not be empty"),
        ({"urgent": True}, "/urgent: is not a field"),
        ({"attachments": ["x" * 26]}, "/attachments/0: no such upload"),
        ({"channel": "phone", "customer": {"phone": "1"}}, "/customer/email: is missing"),
    ],
)
def test_a_message_that_is_not_valid_is_buried_with_its_reason(world, change, reason):
    assert app.intake_queue(batch("sqs-intake", [request() | change]), None) == NOTHING_FAILED
    (buried,) = world.queue("IntakeDeadLetter")
    assert reason in buried["MessageAttributes"]["reason"]["StringValue"]
    assert all_tickets(world) == []


def test_the_same_key_with_another_body_is_buried(world):
    app.intake_queue(batch("sqs-intake", [request(), request() | {"subject": "Another"}]), None)
    (buried,) = world.queue("IntakeDeadLetter")
    assert "Idempotency-Key" in buried["MessageAttributes"]["reason"]["StringValue"]
    assert len(all_tickets(world)) == 1


def test_one_record_in_ten_that_fails_is_given_back_alone(world, monkeypatch):
    customer_of = type(world.desk.table).customer

    def fails_once(table, address, **more):
        if address == f"p4.{salt['address']}":
            raise RuntimeError
        return customer_of(table, address, **more)

    monkeypatch.setattr(type(world.desk.table), "customer", fails_once)
    people = [
        request() | {"idempotency_key": f"{salt['key']}.{n}", "customer": {"email": f"p{n}.{salt['address']}"}}
        for n in range(10)
    ]
    answer = app.intake_queue(batch("sqs-intake", people), None)
    assert failed(answer) == ["m4"]
    assert len(all_tickets(world)) == 9
    assert world.queue("IntakeDeadLetter") == []


# Mail


def test_a_mail_is_taken_in_once(world):
    for _ in range(2):
        aws.client("s3").put_object(Bucket="careline-mail", Key="incoming/o3vrnil0e2ic28tr", Body=raw())
        assert app.inbound_mail(event("ses-received"), None) == NOTHING_FAILED
    (number,) = all_tickets(world)
    assert world.desk.table.ticket(number).subject == "My parcel"
    assert world.desk.files.incoming("incoming/o3vrnil0e2ic28tr") is None


def two_mails(world):
    """Two mails that SES has stored, as one batch tells of them, and where they lie."""
    told = [world.store(RAW % (salt["address"].encode(), salt["key"].encode() + word)) for word in (b" one", b" two")]
    keys = [each["receipt"]["action"]["objectKey"] for each in told]
    return batch("ses-received", [{"Message": json.dumps(each)} for each in told]), keys


def test_the_mails_of_a_batch_are_taken_away_together(world, monkeypatch):
    told, keys = two_mails(world)
    monkeypatch.setattr(aws.client("s3"), "delete_object", None)
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert len(all_tickets(world)) == 2
    assert [world.desk.files.incoming(key) for key in keys] == [None, None]


def test_mails_that_s3_does_not_give_away_come_again_and_are_known(world, monkeypatch):
    told, keys = two_mails(world)
    with monkeypatch.context() as broken:
        refused = {"Errors": [{"Key": keys[1], "Code": "InternalError"}]}
        broken.setattr(aws.client("s3"), "delete_objects", lambda **_: refused)
        with pytest.raises(Busy, match="1 mails under incoming/: InternalError"):
            app.inbound_mail(told, None)
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert len(all_tickets(world)) == 2
    assert [world.desk.files.incoming(key) for key in keys] == [None, None]


def test_what_lies_around_the_mails_of_a_batch_is_read_in_one_call(world, monkeypatch):
    told, _ = two_mails(world)
    asked = looked_up(monkeypatch)
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert len(all_tickets(world)) == 2
    assert asked == [False]  # one, and not consistent


def test_where_that_call_fails_the_next_mail_asks_again(world, monkeypatch):
    told, _ = two_mails(world)
    asked = looked_up(monkeypatch, failing=1)
    assert failed(app.inbound_mail(told, None)) == ["m0"]
    assert len(all_tickets(world)) == 1
    assert len(asked) == 2
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert len(all_tickets(world)) == 2


def looked_up(monkeypatch, failing=0):
    """Return a list that gets, for each look at many rows, whether it is consistent; the first *failing* ones fail."""
    get_many, asked = rows.get_many, []

    def look(wanted, *, consistent=True):
        if wanted := list(wanted):
            asked.append(consistent)
            if len(asked) <= failing:
                raise TimeoutError
        return get_many(wanted, consistent=consistent)

    monkeypatch.setattr(rows, "get_many", look)
    return asked


def test_the_same_mail_twice_in_a_batch_is_one_ticket(world):
    letter = b"Message-ID: <%s@customer.test>\r\n" % salt["key"].encode() + raw()
    told = [world.store(letter) for _ in range(2)]
    assert (
        app.inbound_mail(batch("ses-received", [{"Message": json.dumps(each)} for each in told]), None)
        == NOTHING_FAILED
    )
    (number,) = all_tickets(world)
    assert len(world.desk.table.messages(number)) == 1


def test_a_mail_that_s3_does_not_give_out_comes_again_and_the_others_go_on(world, monkeypatch):
    told, keys = two_mails(world)
    with monkeypatch.context() as broken:
        incoming = Files.incoming
        broken.setattr(Files, "incoming", lambda files, key: 1 / 0 if key == keys[0] else incoming(files, key))
        assert failed(app.inbound_mail(told, None)) == ["m0"]
    assert len(all_tickets(world)) == 1
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert len(all_tickets(world)) == 2


def test_large_mails_of_a_batch_are_fetched_one_after_the_other(world, monkeypatch):
    monkeypatch.setattr(events, "_FETCHED_MOST_BYTES", 10)
    told, keys = two_mails(world)
    there, incoming = [], Files.incoming

    def look(files, key):
        there.append(len(all_tickets(world)))
        return incoming(files, key)

    monkeypatch.setattr(Files, "incoming", look)
    assert app.inbound_mail(told, None) == NOTHING_FAILED
    assert there == [0, 1]
    assert [incoming(world.desk.files, key) for key in keys] == [None, None]


def test_who_writes_his_address_in_two_ways_is_known_by_both(world):
    salt["address"] = salt["address"].capitalize()
    for _ in range(2):
        world.receive(raw())
    ways = salt["address"], salt["address"].lower()
    world.settle()
    _, _, known = world.desk.table.around((), (), ways)
    assert set(known) == set(ways)


def test_a_notification_that_is_none_is_given_back_and_the_others_go_on(world):
    (good,) = event("ses-received")["Records"]
    aws.client("s3").put_object(Bucket="careline-mail", Key="incoming/o3vrnil0e2ic28tr", Body=raw())
    answer = app.inbound_mail(batch("ses-received", ["{", good["body"], json.dumps({"Message": "nonsense"})]), None)
    assert failed(answer) == ["m0", "m2"]
    assert len(all_tickets(world)) == 1


def test_what_sns_says_of_itself_is_no_mail(world):
    hello = {"Type": "Notification", "Message": json.dumps({"notificationType": "AmazonSnsSubscriptionSucceeded"})}
    assert app.inbound_mail(batch("ses-received", [hello]), None) == NOTHING_FAILED
    assert app.mail_feedback(batch("ses-delivery", [hello]), None) == NOTHING_FAILED
    assert all_tickets(world) == []


def test_a_mail_that_was_left_behind_is_taken_in_by_the_reconciler(world, caplog):
    s3 = aws.client("s3")
    s3.put_object(Bucket="careline-mail", Key="incoming/old", Body=raw())
    s3.put_object(
        Bucket="careline-mail", Key="incoming/lost", Body=raw().replace(b"support@demo.test", b"nobody@else.test")
    )
    # young ones are still on their way through the queue
    app.reconcile(event("eventbridge-reconcile"), None)
    assert all_tickets(world) == []
    later = event("eventbridge-reconcile") | {"time": "2100-01-01T00:00:00Z"}
    app.reconcile(later, None)
    assert len(all_tickets(world)) == 1
    assert world.desk.files.still_incoming(before=world.now.replace(year=2100)) == ["incoming/lost"]
    assert caplog.records[-1].levelname == "ERROR"
    assert caplog.records[-1].msg["failed"][0].startswith("incoming/lost NotFound")


# Sending and what SES says of it


@pytest.mark.parametrize("door", ["dynamodb-stream-outbox", "sqs-outbox"])
def test_what_waits_in_the_outbox_is_sent_once(api, world, door):
    opened(api)
    ((number, outbox),) = unsent(world)
    brought = event(door, number=number, outbox=outbox)
    send = app.outbox if door == "dynamodb-stream-outbox" else app.outbox_retry
    for _ in range(2):
        assert send(brought, None) == NOTHING_FAILED
    assert sum(number in mail["Subject"] for mail in world.mails()) == 1
    assert unsent(world) == []


def test_the_stream_gives_nothing_back_and_the_queue_does(api, world, monkeypatch):
    opened(api)
    ((number, outbox),) = unsent(world)
    monkeypatch.setattr("chalicelib.usecases.letters.templates.mail", lambda *_: 1 / 0)
    assert app.outbox(event("dynamodb-stream-outbox", number=number, outbox=outbox), None) == NOTHING_FAILED
    answer = app.outbox_retry(event("sqs-outbox", number=number, outbox=outbox), None)
    assert failed(answer) == ["059f36b4-87a3-44ab-83d2-661975830a7d"]
    assert unsent(world) == [(number, outbox)]
    monkeypatch.undo()


@pytest.mark.parametrize(
    ("said", "state"), [("ses-delivery", "delivered"), ("ses-bounce", "bounced"), ("ses-complaint", "complained")]
)
def test_what_ses_says_shows_on_the_message(api, world, said, state):
    ticket = opened(api)
    ((number, outbox),) = unsent(world)
    world.stream()
    for _ in range(2):
        assert app.mail_feedback(event(said, number=number, outbox=outbox), None) == NOTHING_FAILED
    message = world.desk.table.message(ticket["reference"], outbox)
    assert message.delivery[salt["address"]].state == state


def test_one_word_in_ten_that_cannot_be_read_is_given_back_alone(api, world):
    opened(api)
    ((number, outbox),) = unsent(world)
    (good,) = event("ses-delivery", number=number, outbox=outbox)["Records"]
    answer = app.mail_feedback(batch("ses-delivery", [*[good["body"]] * 4, "{", *[good["body"]] * 5]), None)
    assert failed(answer) == ["m4"]
