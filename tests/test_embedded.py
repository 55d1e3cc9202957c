"""
What surrounds the embedded AWS, each piece by itself: an AWS with a bucket and topics, but without a desk.
"""

import email
import json
import math
import os
import smtplib
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from email.message import EmailMessage
from functools import cache, partial
from types import SimpleNamespace
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPRedirectHandler, Request, build_opener, urlopen

import pytest
from aiosmtpd.smtp import SMTP
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from ministack import app as ministack
from ministack.core import iam_actions, iam_evaluator
from ministack.core.lambda_runtime import Worker
from ministack.services import ses

import app
from infra import workbench
from infra.aws import Trouble
from infra.embedded import aws, inbound, outbound, pace, servers
from infra.embedded.front_door import BODY_LIMIT, Api, FrontDoor
from infra.embedded.inbound import Inbound, Target
from infra.embedded.mailbox import Escalations, Mailbox, MailboxDoor, Mails, header
from infra.embedded.outbound import Outbound
from infra.embedded.servers import http, smtp
from infra.embedded.settings import Door, Settings, address, alone_in, listening

FOR_ANYBODY = json.dumps(
    {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}]}
)
ONCE = Config(retries={"total_max_attempts": 1})
ANY = Door("a test", "CARELINE_TEST_PORT", 0)


def eventually(look, seconds=10):
    """
    Return what *look* finds, once it finds something.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.05)
    return found


def get(url, **headers):
    with urlopen(Request(url, headers=headers), timeout=10) as response:  # noqa: S310
        return response.read()


def mail(subject="Where is my parcel?", to="support@demo.test", text="It is late.", **headers):
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = "Ada <ada@example.com>", to, subject
    for name, value in headers.items():
        written[name.replace("_", "-")] = value
    written.set_content(text)
    return written


@pytest.fixture(scope="module")
def around(tmp_path_factory):
    """
    An AWS with a queue behind each topic, and the listeners around it.
    """
    home = tmp_path_factory.mktemp("home")
    with ExitStack() as stack:
        doors = {name: listening(ANY) for name in ("smtp", "relay", "mailbox")}
        with listening(ANY) as probe:
            port = probe.getsockname()[1]
        client = cache(aws.session(port).client)
        session = SimpleNamespace(client=client)
        receiver = Inbound(session, lambda: Target("mail", topics["inbound"]))
        sender = Outbound(session, home / "mail", topic=lambda: topics["feedback"], reply=receiver.receive)
        stack.enter_context(smtp(doors["relay"], sender))
        stack.enter_context(aws.embedded_aws(home, port, address(doors["relay"])))
        topics, queues = {}, {}
        sns, sqs = client("sns"), client("sqs")
        for name in ("inbound", "feedback", "escalation"):
            topics[name] = sns.create_topic(Name=name)["TopicArn"]
            queues[name] = sqs.create_queue(QueueName=name, Attributes={"Policy": FOR_ANYBODY})["QueueUrl"]
            arn = sqs.get_queue_attributes(QueueUrl=queues[name], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            sns.subscribe(TopicArn=topics[name], Protocol="sqs", Endpoint=arn)
        client("s3").create_bucket(Bucket="mail")
        client("ses").verify_domain_identity(Domain="demo.test")
        client("ses").create_configuration_set(ConfigurationSet={"Name": "desk"})
        stack.enter_context(sender.publishing())
        stack.enter_context(smtp(doors["smtp"], receiver))
        mails = Mails(home / "mail", f"http://{address(doors['mailbox'])}")
        escalations = Escalations(session, home / "escalations.jsonl")
        escalations.subscribe(topics["escalation"])
        mailbox = Mailbox(mails, escalations, address(doors["smtp"]), ["support@demo.test"])
        stack.enter_context(http(doors["mailbox"], partial(MailboxDoor, mailbox)))
        yield SimpleNamespace(
            home=home,
            client=client,
            session=session,
            topics=topics,
            queues=queues,
            smtp=doors["smtp"].getsockname(),
            mailbox=f"http://{address(doors['mailbox'])}",
        )


def told(around, name, about=""):
    """
    The next message that a topic has published, *about* something if that is said.
    """
    sqs = around.client("sqs")

    def look():
        for message in sqs.receive_message(QueueUrl=around.queues[name]).get("Messages", []):
            sqs.delete_message(QueueUrl=around.queues[name], ReceiptHandle=message["ReceiptHandle"])
            if about in message["Body"]:
                return json.loads(json.loads(message["Body"])["Message"])
        return None

    return eventually(look)


def arrived(around):
    """
    The next notification of a mail that came in, and the mail as stored.
    """
    notification = told(around, "inbound")
    action = notification["receipt"]["action"]
    stored = around.client("s3").get_object(Bucket=action["bucketName"], Key=action["objectKey"])["Body"].read()
    return notification, stored


def sent(around, to, **headers):
    """
    Send as the desk does, and return the id that SES gave and the mail in the mailbox.
    """
    written = mail(to=to, **headers)
    written.replace_header("From", "Demo <support@demo.test>")
    raw = written.as_bytes(policy=email.policy.SMTP.clone(cte_type="7bit"))
    given = around.client("ses").send_raw_email(
        Source="support@demo.test", Destinations=[to], RawMessage={"Data": raw}
    )["MessageId"]

    def look():
        messages = json.loads(get(f"{around.mailbox}/messages"))
        return next((message for message in messages if ["Message-ID", f"<{given}>"] in message["headers"]), None)

    return given, eventually(look)


# ---- what comes in


def test_a_mail_is_stored_and_told_as_ses_does(around):
    with smtplib.SMTP(*around.smtp) as client:
        client.send_message(mail(), "ada@example.com", ["support@demo.test", "support+4711@demo.test"])
    notification, stored = arrived(around)
    assert notification["notificationType"] == "Received"
    assert notification["mail"]["source"] == "ada@example.com"
    assert notification["mail"]["destination"] == ["support@demo.test", "support+4711@demo.test"]
    assert notification["receipt"]["action"]["objectKey"] == "incoming/" + notification["mail"]["messageId"]
    assert {notification["receipt"][f"{name}Verdict"]["status"] for name in inbound.VERDICTS} == {"PASS"}
    assert stored.startswith(b"Return-Path: <ada@example.com>\r\nReceived: from ")
    assert stored.endswith(b"\r\n\r\nIt is late.\r\n")


def test_the_bytes_of_a_mail_are_kept_as_they_are(around):
    raw = b"From: a@example.com\r\nX-Odd: \xff\xfe\r\n\r\n..dot\r\n" + b"x" * 90_000 + b"\r\n8 bit: \xe9\r\n"
    with smtplib.SMTP(*around.smtp) as client:
        client.sendmail("a@example.com", ["support@demo.test"], raw, mail_options=["BODY=8BITMIME"])
    assert arrived(around)[1].endswith(raw)


def test_a_bounce_has_no_sender_and_is_taken(around):
    with smtplib.SMTP(*around.smtp) as client:
        client.sendmail("", ["support@demo.test"], b"Subject: failed\r\n\r\nno such user\r\n")
    assert arrived(around)[0]["mail"]["source"] == ""


def test_an_address_may_be_written_in_any_script(around):
    with smtplib.SMTP(*around.smtp) as client:
        client.send_message(mail(), "jörg@example.com", ["stütze@demo.test"], mail_options=["SMTPUTF8"])
    notification, stored = arrived(around)
    assert notification["mail"]["destination"] == ["stütze@demo.test"]
    assert stored.startswith("Return-Path: <jörg@example.com>".encode())


def test_a_mail_says_for_itself_how_it_was_judged(around):
    with smtplib.SMTP(*around.smtp) as client:
        client.sendmail(
            "a@example.com",
            ["support@demo.test"],
            b"Subject: x\r\nX-Local-Verdicts: dmarc=FAIL\r\n spam=gray\r\nTo: y\r\n\r\nX-Local-Verdicts: virus=FAIL\r\n",
        )
    notification, stored = arrived(around)
    verdicts = {name: notification["receipt"][f"{name}Verdict"]["status"] for name in inbound.VERDICTS}
    assert verdicts == {"spam": "GRAY", "virus": "PASS", "spf": "PASS", "dkim": "PASS", "dmarc": "FAIL"}
    assert stored.endswith(b"Subject: x\r\nTo: y\r\n\r\nX-Local-Verdicts: virus=FAIL\r\n")


def test_a_domain_that_is_not_ours_is_refused(around):
    with smtplib.SMTP(*around.smtp) as client:
        client.ehlo()
        client.mail("ada@example.com")
        assert client.rcpt("somebody@sub.demo.test")[0] == 250
        assert client.rcpt("somebody@notdemo.test")[0] == 550


def test_while_aws_does_not_answer_the_sender_keeps_the_mail():
    nowhere = partial(aws.session(9).boto.client, endpoint_url="http://127.0.0.1:9", config=ONCE)
    door = listening(ANY)
    with (
        smtp(door, Inbound(SimpleNamespace(client=nowhere), lambda: Target("mail", "topic"))),
        smtplib.SMTP(*door.getsockname()) as client,
    ):
        client.ehlo()
        client.mail("ada@example.com")
        assert client.rcpt("support@demo.test")[0] == 451


# ---- what goes out


def test_what_the_desk_sends_is_in_the_mailbox_as_a_customer_gets_it(around):
    given, message = sent(
        around, "ada@example.com", X_SES_CONFIGURATION_SET="desk", X_SES_MESSAGE_TAGS="outbox=1", References="<a@b>"
    )
    assert message["to"] == "ada@example.com"
    assert message["from"] == "support@demo.test"
    assert message["subject"] == "Where is my parcel?"
    assert message["text"] == "It is late.\n"
    assert message["html"] is None
    assert ["References", "<a@b>"] in message["headers"]
    assert not [name for name, _ in message["headers"] if name.startswith("X-SES")]
    assert f"Message-ID: <{given}>".encode() in get(message["raw_url"])


@pytest.mark.parametrize(
    ("address", "kinds"),
    [
        ("ada@example.com", ["Send", "Delivery"]),
        ("bounce+1@simulator.amazonses.com", ["Send", "Bounce"]),
        ("complaint@simulator.amazonses.com", ["Send", "Delivery", "Complaint"]),
        ("suppressionlist@simulator.amazonses.com", ["Send", "Bounce"]),
    ],
)
def test_the_events_of_ses_follow_a_mail(around, address, kinds):
    tags = "outbox=01J, ticket=4711"
    given, _ = sent(around, address, X_SES_CONFIGURATION_SET="desk", X_SES_MESSAGE_TAGS=tags)
    events = [told(around, "feedback", about=given) for _ in kinds]
    assert sorted(event["eventType"] for event in events) == sorted(kinds)
    for event in events:
        assert event["mail"]["messageId"] == given
        assert event["mail"]["destination"] == [address]
        assert event["mail"]["tags"] == {"ses:configuration-set": ["desk"], "outbox": ["01J"], "ticket": ["4711"]}
        if event["eventType"] == "Bounce":
            assert event["bounce"]["bounceType"] == "Permanent"
            assert event["bounce"]["bouncedRecipients"][0]["emailAddress"] == address


def test_without_a_configuration_set_ses_tells_nothing():
    assert outbound.events(mail(), inbound.Envelope("a@demo.test", ("b@example.com",), "x"), None) == []


def test_who_is_away_answers_by_a_machine(around):
    given, _ = sent(around, "ooto@simulator.amazonses.com")
    notification, stored = arrived(around)
    answer = email.message_from_bytes(stored)
    assert notification["mail"]["source"] == ""
    assert answer["Auto-Submitted"] == "auto-replied"
    assert answer["In-Reply-To"] == f"<{given}>"


def test_events_that_aws_did_not_take_are_told_when_it_is_back(around, tmp_path):
    topics = []
    sender = Outbound(around.session, tmp_path, topic=lambda: topics[0], reply=None)
    raw = b"Message-ID: <1@x>\r\nX-SES-CONFIGURATION-SET: desk\r\n\r\n"
    sender.keep(raw, inbound.Envelope("support@demo.test", ("later@example.com",), "x"))
    with sender.publishing():
        time.sleep(0.1)
    assert list(tmp_path.glob("*.events"))
    topics.append(around.topics["feedback"])
    with Outbound(around.session, tmp_path, topic=lambda: topics[0], reply=None).publishing():
        assert {told(around, "feedback", about="later@")["eventType"] for _ in range(2)} == {"Send", "Delivery"}
        eventually(lambda: not list(tmp_path.glob("*.events")))


# ---- what keeps pace


@pytest.mark.parametrize(("function", "behind"), [("api-handler", 0), ("outbox", pace.BEHIND)])
def test_who_answers_requests_goes_first(monkeypatch, function, behind):
    def spawn(worker):
        worker._proc = stack.enter_context(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))

    monkeypatch.setattr(Worker, "_spawn", spawn)
    monkeypatch.setattr(Worker, "invoke", Worker.invoke)
    pace._let_people_go_first()
    worker = Worker(f"careline-local-{function}", {}, b"")
    with ExitStack() as stack:
        worker._spawn()
        own = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, worker._proc.pid) == min(own + behind, 19)


class Taking:
    """One who takes a turn on a thread of its own, and keeps it until told."""

    def __init__(self, turns, function):
        self._leave, self.at_work = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._take, args=(turns, function), daemon=True)
        self._thread.start()

    def _take(self, turns, function):
        with turns.taken_by(function):
            self.at_work.set()
            self._leave.wait(10)

    def leave(self):
        self._leave.set()
        self._thread.join(10)


def test_each_waits_for_those_before_it():
    turns = pace.Turns("answers", "mail", lull=0.0, patience=10)
    asked = Taking(turns, "answers")
    assert asked.at_work.wait(10)
    mail, outbox, asked_too = Taking(turns, "mail"), Taking(turns, "outbox"), Taking(turns, "answers")
    assert asked_too.at_work.wait(10)
    asked.leave()
    assert not mail.at_work.wait(0.1)
    asked_too.leave()
    assert mail.at_work.wait(10)
    assert not outbox.at_work.wait(0.1)
    mail.leave()
    assert outbox.at_work.wait(10)
    outbox.leave()


def test_nobody_waits_for_ever():
    turns = pace.Turns("answers", lull=0.0, patience=0.01)
    with turns.taken_by("answers"):
        outbox = Taking(turns, "outbox")
        assert outbox.at_work.wait(10)
        outbox.leave()


def test_a_moment_without_requests_is_no_rest():
    turns = pace.Turns("answers", lull=0.2, patience=10)
    with turns.taken_by("answers"):
        pass
    left = time.monotonic()
    with turns.taken_by("outbox"):
        assert time.monotonic() - left >= 0.2 - 0.01


def test_log_lines_are_taken_as_they_come(monkeypatch):
    monkeypatch.setattr(Worker, "_drain_stderr_bounded", Worker._drain_stderr_bounded)
    monkeypatch.setattr(pace, "FIRST_LINE_SECONDS", 5.0)
    pace._take_log_lines_as_they_come()
    worker = Worker("any", {}, b"")
    threading.Timer(0.05, lambda: [worker._stderr_queue.put(line) for line in ("one", "two")]).start()
    lines = worker._drain_stderr_bounded().splitlines()
    assert lines + worker._drain_stderr().splitlines() == ["one", "two"]
    monkeypatch.setattr(pace, "FIRST_LINE_SECONDS", 0.01)
    assert worker._drain_stderr_bounded() == ""


def test_a_caller_is_known_for_a_moment_and_then_asked_for_again(monkeypatch):
    asked = []
    monkeypatch.setattr(iam_evaluator, "resolve_principal", lambda *of: asked.append(of) or of)
    checks = [("dynamodb:PutItem", "a"), ("dynamodb:PutItem", "a"), ("dynamodb:PutItem", "b")]
    monkeypatch.setattr(iam_actions, "dynamodb_transaction_checks", lambda *_: checks)
    pace._know_callers_for_a_moment()
    for key in ("one", "one", "two"):
        assert iam_evaluator.resolve_principal(key, "account", None) == (key, "account", None)
    assert [of[0] for of in asked] == ["one", "two"]
    now = time.monotonic()
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: now + pace.KNOWN_SECONDS + 0.1))
    iam_evaluator.resolve_principal("one", "account", None)
    assert [of[0] for of in asked] == ["one", "two", "one"]
    assert iam_actions.dynamodb_transaction_checks() == [checks[0], checks[2]]


def test_an_answer_has_what_a_bucket_says_to_browsers_and_nothing_that_any_page_may_read(monkeypatch):
    monkeypatch.setattr(ministack, "_asgi_header_list", ministack._asgi_header_list)
    pace._leave_out_what_browsers_ask()
    names = ("Origin", "Methods", "Headers", "Expose-Headers")
    own = {"ETag": "x", "Access-Control-Allow-Origin": "https://shop.test", "Access-Control-Allow-Methods": "POST"}
    assert len(ministack._asgi_header_list(own)) == 3
    anybody = {f"Access-Control-{'' if name.startswith('Expose') else 'Allow-'}{name}": "*" for name in names}
    assert ministack._asgi_header_list({"ETag": "x", **anybody}) == [(b"ETag", b"x")]


def test_the_time_is_told_once_a_second(monkeypatch):
    told = []
    monkeypatch.setattr(ministack, "formatdate", lambda usegmt: told.append(usegmt) or f"{len(told)}")
    pace._tell_the_time_once_a_second()
    now = 1_000.0
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: now))
    assert [ministack.formatdate(usegmt=True) for _ in range(2)] == ["1", "1"]
    now = 1_001.0
    assert ministack.formatdate(usegmt=True) == "2"


@pytest.fixture
def storage():
    """What WrittenLater sees of ministack: a bucket, what is written and deleted on disk, what is saved."""
    done, objects = [], {}
    return SimpleNamespace(
        _buckets={"mail": {"objects": objects}},
        _persist_object=lambda bucket, key, what: done.append(("written", bucket, key, what["body"])),
        _delete_persisted_object=lambda bucket, key: done.append(("deleted", bucket, key)),
        get_state=lambda: done.append("saved") or "state",
        done=done,
        objects=objects,
    )


def test_objects_are_written_as_they_are_in_the_end_before_all_else_is_saved(storage):
    pace.WrittenLater(storage)
    for key, body in (("kept", b"1"), ("incoming", b"2"), ("kept", b"3")):
        storage.objects[key] = {"body": body}
        storage._persist_object("mail", key, storage.objects[key])
    del storage.objects["incoming"]
    storage._delete_persisted_object("mail", "incoming")
    storage._persist_object("gone", "any", {"body": b"4"})
    assert storage.done == []
    assert storage.get_state() == "state"
    assert sorted(storage.done[:-1]) == [("deleted", "mail", "incoming"), ("written", "mail", "kept", b"3")]
    assert storage.done[-1] == "saved"
    assert storage.get_state() == "state"
    assert storage.done[-2:] == ["saved", "saved"]


def test_an_object_with_versions_is_written_at_once(storage):
    pace.WrittenLater(storage)
    storage._persist_object("mail", "one", {"body": b"1", "version_id": "v1"})
    assert storage.done == [("written", "mail", "one", b"1")]


@pytest.mark.parametrize(("most", "after"), [(pace.OBJECTS_HELD, 3), (0, 1)])
def test_objects_are_written_when_it_is_quiet_or_when_there_are_too_many(storage, monkeypatch, most, after):
    def sleep(_):
        slept.append(list(storage.done))
        if storage.done or len(slept) == 9:
            raise InterruptedError

    slept = []
    monkeypatch.setattr(pace, "OBJECTS_HELD", most)
    monkeypatch.setattr(pace, "time", SimpleNamespace(monotonic=lambda: float(len(slept)), sleep=sleep))
    later = pace.WrittenLater(storage, quiet=2.0)
    storage.objects["one"] = {"body": b"1"}
    storage._persist_object("mail", "one", storage.objects["one"])
    with pytest.raises(InterruptedError):
        later.keep_writing()
    assert slept == [*[[]] * after, [("written", "mail", "one", b"1")]]


def test_an_object_is_there_again_the_next_time(tmp_path):
    def started():
        with listening(ANY) as probe:
            port = probe.getsockname()[1]
        stack.enter_context(aws.embedded_aws(tmp_path, port, "127.0.0.1:1"))
        return aws.session(port).client("s3")

    with ExitStack() as stack:
        s3 = started()
        s3.create_bucket(Bucket="mail")
        for key in ("incoming/one", "mail/one"):
            s3.put_object(Bucket="mail", Key=key, Body=b"Hello")
        s3.delete_object(Bucket="mail", Key="incoming/one")
        assert s3.get_object(Bucket="mail", Key="mail/one")["Body"].read() == b"Hello"
    with ExitStack() as stack:
        s3 = started()
        assert [each["Key"] for each in s3.list_objects_v2(Bucket="mail")["Contents"]] == ["mail/one"]
        assert s3.get_object(Bucket="mail", Key="mail/one")["Body"].read() == b"Hello"


@pytest.mark.parametrize(
    "given",
    [
        "<a@b.c>", "<a.b+c=d@x-y.z> SIZE=10", "a@b.c", "<>", '<"x y"@b.c>', "<@x:a@b.c>", " <a@b.c>", "<a@b..c>", "<a@b.c",
        "<A_1@EXAMPLE.COM>  BODY=8BITMIME", "", "<ü@b.c>",
    ],
)  # fmt: skip
def test_a_plain_address_is_read_as_the_grammar_reads_it(given):
    quick = object.__new__(servers._Smtp)
    by_grammar, by_us = SMTP._getaddr(quick, given), quick._getaddr(given)
    assert [each and str(each) for each in by_us] == [each and str(each) for each in by_grammar]


def test_mails_that_come_at_once_are_told_of_together():
    took, go = [], threading.Event()

    def publish_batch(**asked):
        took.append([entry["Message"] for entry in asked["PublishBatchRequestEntries"]])
        go.wait(10)
        if took[-1] == ["last"]:
            raise ClientError({"Error": {"Code": "Throttled"}}, "PublishBatch")
        failed = [each for each in asked["PublishBatchRequestEntries"] if each["Message"] == "refused"]
        return {"Failed": [{"Id": each["Id"], "Code": "InvalidParameter"} for each in failed]}

    notices = inbound.Notices(SimpleNamespace(publish_batch=publish_batch))
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(notices.publish, "topic", "subject", "first")
        eventually(lambda: took)
        others = [pool.submit(notices.publish, "topic", "subject", text) for text in ["refused", *"abcdefghij"]]
        eventually(lambda: notices._waiting.qsize() == 11)
        go.set()
        assert first.result(10) is None
        assert sum(isinstance(other.exception(10), inbound.Untold) for other in others) == 1
        assert [len(some) for some in took] == [1, 10, 1]
        with pytest.raises(ClientError, match="Throttled"):
            pool.submit(notices.publish, "topic", "subject", "last").result(10)


def test_a_mail_goes_to_s3_without_being_asked_for_first():
    receiver = inbound.Inbound(aws.session(1), lambda: inbound.Target("any", "any"))
    receiver._notices = SimpleNamespace(publish=lambda *_: None)
    sent = []
    stored = AWSResponse("", 200, {}, SimpleNamespace(stream=lambda: [b""]))
    receiver._s3.meta.events.register("before-send", lambda request, **_: sent.append(request) or stored)
    receiver.receive(b"Subject: Hello\r\n\r\nHello\r\n", inbound.Envelope("a@b.test", ("support@demo.test",), "x"))
    assert [(each.method, "Expect" in each.headers) for each in sent] == [("PUT", False)]


def test_the_first_mail_of_many_waits_for_the_others_for_a_moment(monkeypatch):
    monkeypatch.setattr(inbound, "GATHER_SECONDS", 20.0)
    took = []
    sns = SimpleNamespace(publish_batch=lambda **asked: took.append(len(asked["PublishBatchRequestEntries"])) or {})
    notices = inbound.Notices(sns)
    with ThreadPoolExecutor(inbound.BATCH) as pool:
        told = [pool.submit(notices.publish, "topic", "subject", str(number)) for number in range(inbound.BATCH)]
        assert [each.result(10) for each in told] == [None] * inbound.BATCH
    assert took == [inbound.BATCH]


@pytest.mark.parametrize(
    ("own", "systems", "used"),
    [
        (1.0, 0.6, "/usr/bin/python3"),
        (1.0, 0.95, None),
        (1.0, float("inf"), None),
        (float("inf"), 0.6, "/usr/bin/python3"),
    ],
)
def test_the_tools_stand_on_the_quicker_python(monkeypatch, own, systems, used):
    ran = []
    monkeypatch.setattr(workbench, "seconds", lambda python: systems if python == workbench.SYSTEMS else own)
    monkeypatch.setattr(os, "execv", lambda python, said: ran.append((python, said[-1])))
    workbench.again_with_the_systems_python()
    assert ran == ([(used, workbench.NAMED)] if used else [])


def test_a_python_that_is_missing_or_not_whole_is_not_the_quicker_one(tmp_path):
    broken = tmp_path / "python3"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert [workbench.seconds(str(python)) for python in (broken, tmp_path / "none")] == [math.inf, math.inf]
    assert 0 < workbench.seconds(sys.executable) < 60


def test_mails_leave_on_one_connection_until_the_relay_hangs_up(monkeypatch, caplog):
    monkeypatch.setattr(ses, "_smtp_send", ses._smtp_send)
    pace._keep_smtp_connections()
    came = []

    async def take(_server, session, envelope):
        came.append((session.peer, envelope.content.splitlines()[-1]))
        return "250 OK"

    with listening(ANY) as probe:
        host, port = probe.getsockname()

    def send(text):
        ses._smtp_send("a@demo.test", ["b@example.com"], f"Subject: x\r\n\r\n{text}", host, port)

    for _ in range(2):
        with smtp(listening(Door("a test", "CARELINE_TEST_PORT", port)), SimpleNamespace(handle_DATA=take)):
            send("one")
            send("two")
    send("three")
    assert [text for _, text in came] == [b"one", b"two"] * 2
    assert [len({peer for peer, _ in some}) for some in (came[:2], came[2:], came)] == [1, 1, 2]
    assert len(caplog.messages) == 1
    assert "SMTP relay failed: a@demo.test" in caplog.text


def test_events_that_sns_refuses_are_kept_alone(tmp_path):
    took = []

    def publish_batch(**asked):
        took.append([json.loads(entry["Message"])["eventType"] for entry in asked["PublishBatchRequestEntries"]])
        return {"Failed": [{"Id": "1", "Code": "InternalError"}] if len(took) == 1 else []}

    sns = SimpleNamespace(publish_batch=publish_batch)
    sender = Outbound(SimpleNamespace(client=lambda _: sns), tmp_path, topic=lambda: "topic", reply=None)
    raw = b"Message-ID: <1@x>\r\nX-SES-CONFIGURATION-SET: desk\r\n\r\n"
    sender.keep(raw, inbound.Envelope("support@demo.test", tuple(f"{n}@example.com" for n in range(11)), "x"))
    with sender.publishing():
        eventually(lambda: not list(tmp_path.glob("*.events")))
    assert took == [["Send", *["Delivery"] * 9], ["Delivery"] * 3]


# ---- the mailbox


def test_a_customer_answers_in_the_thread(around):
    given, message = sent(around, "ada@example.com", Reply_To="support+signed@demo.test")
    form = urlencode({"body": "Thank you!\r\nAda"}).encode()
    answer = post(f"{around.mailbox}/messages/{message['id']}/reply", form)
    assert answer.status == 303
    notification, stored = arrived(around)
    reply = email.message_from_bytes(stored, policy=email.policy.default)
    date = header(message, "Date")
    assert notification["mail"]["destination"] == ["support+signed@demo.test"]
    assert reply["From"] == "ada@example.com"
    assert reply["Subject"] == "Re: Where is my parcel?"
    assert reply["In-Reply-To"] == reply["References"] == f"<{given}>"
    assert (
        reply.get_content().replace("\r\n", "\n")
        == f"Thank you!\nAda\n\nOn {date}, support@demo.test wrote:\n> It is late.\n"
    )


def post(url, form, **headers):
    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    try:
        return build_opener(Stay).open(Request(url, form, headers), timeout=10)  # noqa: S310
    except HTTPError as answer:
        answer.close()
        return answer


def test_a_customer_writes_a_new_mail(around):
    form = {"sender": "bo@example.com", "to": "support@demo.test", "subject": "Hej", "body": "Där är den"}
    assert post(f"{around.mailbox}/messages", urlencode(form).encode()).status == 303
    written = email.message_from_bytes(arrived(around)[1], policy=email.policy.default)
    assert (written["Subject"], written.get_content()) == ("Hej", "Där är den\r\n")


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        ({"to": "support@demo.test", "body": "x"}, {}, 422),
        ({"sender": "a@example.com\nBcc: b@example.com", "to": "support@demo.test", "body": "x"}, {}, 422),
        ({"sender": "a@example.com", "to": "x@elsewhere.test", "body": "x"}, {}, 422),
        ({"sender": "a@example.com", "to": "support@demo.test", "body": "x"}, {"Origin": "http://evil.test"}, 403),
    ],
)
def test_what_cannot_be_sent_is_told(around, form, headers, status):
    assert post(f"{around.mailbox}/messages", urlencode(form).encode(), **headers).status == status


def test_the_pages_show_a_mail_without_running_it(around):
    written = mail(to="ada@example.com")
    written.add_alternative("<p onclick=x>Hello</p><script>1</script>", subtype="html")
    given = around.client("ses").send_raw_email(
        Source="support@demo.test", Destinations=["ada@example.com"], RawMessage={"Data": written.as_bytes()}
    )["MessageId"]
    message = eventually(
        lambda: [m for m in json.loads(get(f"{around.mailbox}/messages")) if given in str(m["headers"])]
    )
    place = message[0]["raw_url"].removesuffix("/raw")
    assert b"Where is my parcel?" in get(f"{around.mailbox}/")
    page = get(place).decode()
    assert "<iframe" in page
    assert "<script" not in page
    with urlopen(f"{place}/html", timeout=10) as response:  # noqa: S310
        assert response.headers["Content-Security-Policy"].startswith("sandbox allow-popups")
        assert b"<p onclick" in response.read()
    assert json.loads(get(place, Accept="application/json")) == message[0]


@pytest.mark.parametrize("path", ["/messages/nothing", "/messages/../lock", "/messages/nothing/raw", "/favicon.ico"])
def test_the_mailbox_has_nothing_else(around, path):
    with pytest.raises(HTTPError) as error:
        get(around.mailbox + path)
    error.value.close()
    assert error.value.code == 404


def test_an_escalation_is_seen_once_and_kept(around):
    attribute = {"storefront": {"DataType": "String", "StringValue": "demo"}}
    for number in (1, 2):
        around.client("sns").publish(
            TopicArn=around.topics["escalation"], Message=json.dumps({"n": number}), MessageAttributes=attribute
        )
    seen = eventually(lambda: (found := json.loads(get(f"{around.mailbox}/escalations")))[1:] and found)
    assert seen == [{"message": {"n": n}, "attributes": {"storefront": "demo"}} for n in (1, 2)]
    assert Escalations(around.session, around.home / "escalations.jsonl").published() == seen


# ---- the front door


class Gateway(threading.Thread):
    """
    API Gateway, as far as a front door sees it: it writes down what came and answers what the test says.
    """

    def __init__(self):
        super().__init__(daemon=True)
        self.door = listening(ANY)
        self.port = self.door.getsockname()[1]
        self.came = []
        self.answers = []

    def run(self):
        while True:
            try:
                connection, _ = self.door.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as lines:
                while head := b"".join(iter(partial(self.line, lines), b"")):
                    headers = email.message_from_bytes(head.partition(b"\r\n")[2])
                    body = lines.read(int(headers["Content-Length"]))
                    self.came.append((head.split(b" ")[:2], headers, body))
                    status, kind, content = self.answers.pop(0)
                    connection.sendall(
                        b"HTTP/1.1 %d Fine\r\nContent-Type: %s\r\nX-Twice: 1\r\nX-Twice: 2\r\nContent-Length: %d\r\n\r\n%s"
                        % (status, kind, 0 if head.startswith(b"HEAD") else len(content), content)
                    )

    @staticmethod
    def line(lines):
        line = lines.readline()
        return line if line.strip() else b""


@pytest.fixture
def gateway():
    gateway = Gateway()
    gateway.start()
    yield gateway
    gateway.door.shutdown(socket.SHUT_RDWR)
    gateway.door.close()
    gateway.join()


@pytest.fixture
def front(gateway):
    apis = iter(["first", "second"])
    door = listening(ANY)
    with http(door, partial(FrontDoor, Api(gateway.port, lambda: next(apis), lambda event: app.app(event, None)))):
        yield door.getsockname()


def exchange(front, request):
    """
    Send bytes and return the status, the headers and the body of the answer.
    """
    with socket.create_connection(front, timeout=5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(partial(connection.recv, 65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    line, _, fields = head.partition(b"\r\n")
    return int(line.split()[1]), email.message_from_bytes(fields), body


def test_a_request_and_its_answer_pass_as_they_are(front, gateway):
    gateway.answers = [(201, b"application/json", b'{"a": 1}')]
    status, headers, body = exchange(
        front,
        b"POST /v1/tickets?q=a%20b&q=%C3%A9 HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nX-Two: 2\r\n"
        b"X-Forwarded-For: 6.6.6.6\r\nContent-Length: 2\r\n\r\n{}",
    )
    ((line, came, sent_body),) = gateway.came
    assert line == [b"POST", b"/_aws/execute-api/first/$default/v1/tickets?q=a%20b&q=%C3%A9"]
    assert came.get_all("X-Two") == ["1", "2"]
    assert came.get_all("X-Forwarded-For") == ["127.0.0.1"]
    assert sent_body == b"{}"
    assert (status, body) == (201, b'{"a": 1}')
    assert headers.get_all("X-Twice") == ["1", "2"]


def test_a_body_may_come_in_chunks(front, gateway):
    gateway.answers = [(200, b"text/plain", b"")]
    exchange(
        front,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n",
    )
    assert gateway.came[0][2] == b"abc0123456789"


def test_what_a_function_does_not_find_passes_too(front, gateway):
    gateway.answers = [(404, b"application/problem+json", b"{}")]
    status, headers, body = exchange(front, b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, headers["Content-Type"], body) == (404, "application/problem+json", b"{}")


def test_the_function_itself_is_asked_what_a_browser_may(front, gateway):
    """With what an HTTP API would bring it; the app knows what to answer to that."""
    asked = b"OPTIONS /v1/%s HTTP/1.1\r\nHost: x\r\nOrigin: https://shop.test\r\n\r\n"
    status, headers, body = exchange(front, asked % b"tickets?x=1")
    assert (status, body) == (204, b"")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert exchange(front, asked % b"macros")[0] == 404
    assert gateway.came == []


def test_a_function_that_fails_answers_nobody(gateway):
    def fails(_):
        raise LookupError

    door = listening(ANY)
    with http(door, partial(FrontDoor, Api(gateway.port, lambda: "x", fails))):
        status, headers, _ = exchange(door.getsockname(), b"OPTIONS /v1/tickets HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")


def test_an_api_with_another_id_is_found_again(front, gateway):
    gateway.answers = [(404, b"application/json", b'{"message": "Not Found"}'), (200, b"text/plain", b"here")]
    assert exchange(front, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")[2] == b"here"
    assert [came[0][1].split(b"/")[3] for came in gateway.came] == [b"first", b"second"]


def test_no_api_no_answer_no_desk(front, gateway):
    gateway.answers = [(404, b"application/json", b'{"message": "Not Found"}')] * 2
    assert exchange(front, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")[0] == 503


def test_a_head_has_no_body(front, gateway):
    gateway.answers = [(200, b"text/plain", b"")]
    assert exchange(front, b"HEAD /health HTTP/1.1\r\nHost: x\r\n\r\n")[::2] == (200, b"")


@pytest.mark.parametrize(("length", "status"), [(str(BODY_LIMIT + 1), 413), ("-1", 400), ("ten", 400), ("1e3", 400)])
def test_a_body_that_is_too_large_or_has_no_length_is_not_read(front, gateway, length, status):
    request = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\nxxx".encode()
    assert exchange(front, request)[0] == status
    assert gateway.came == []


def test_aws_that_is_away_is_told(gateway):
    with listening(ANY) as probe:
        port = probe.getsockname()[1]
    door = listening(ANY)
    with http(door, partial(FrontDoor, Api(port, lambda: "x", dict))):
        status, headers, _ = exchange(door.getsockname(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, headers["Content-Type"]) == (503, "application/problem+json")


# ---- ports and the folder


def test_a_port_that_is_taken_is_named_with_what_to_do():
    with listening(ANY) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Trouble, match=f"Port {port} .*CARELINE_TEST_PORT="):
            listening(Door("a test", "CARELINE_TEST_PORT", port))


@pytest.mark.parametrize("value", ["http", "-1", "70000", "80 80"])
def test_a_port_that_is_none_is_named(value):
    with pytest.raises(Trouble, match="CARELINE_HTTP_PORT"):
        Settings.read({"CARELINE_HTTP_PORT": value})


def test_two_desks_do_not_share_a_folder(tmp_path):
    with alone_in(tmp_path), pytest.raises(Trouble, match="run\\.json"), alone_in(tmp_path):
        pass
    with alone_in(tmp_path):
        pass
