"""
What SES does with a mail that arrives: the bytes into a bucket, a notification to a topic.

A mail is accepted for the domains that are verified in SES and their subdomains, and answered 451, try again later,
while AWS does not answer: then it is the sender who keeps it. Its verdicts are PASS, unless it carries the header

    X-Local-Verdicts: dmarc=FAIL spam=FAIL

which names any of spf, dkim, dmarc, spam and virus, and is taken off.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.handlers import convert_body_to_file_like_object

from infra.aws import Session

VERDICTS = ("spam", "virus", "spf", "dkim", "dmarc")
LATER = "451 4.3.0 The desk cannot take mail just now, try again later"
DOMAINS_FRESH_SECONDS = 2.0
BATCH = 10  # SNS: messages in one call
GATHER_SECONDS = 0.025
_HEADER = re.compile(rb"(?:[^\r\n][^\n]*\n)*")
_VERDICT = re.compile(r"(\w+)\s*=\s*(\w+)")


@dataclass(frozen=True)
class Target:
    """
    Where the desk expects its mail.
    """

    bucket: str
    topic: str


@dataclass(frozen=True)
class Envelope:
    """
    What the sending server said around the mail. An empty *sender* is a bounce's.
    """

    sender: str
    recipients: tuple[str, ...]
    peer: str

    @classmethod
    def of(cls, session: Any, envelope: Any) -> "Envelope":  # noqa: ANN401 - aiosmtpd's
        return cls((envelope.mail_from or "").strip("<>"), tuple(envelope.rcpt_tos), session.host_name or "unknown")


def without_fields(raw: bytes, names: str) -> tuple[bytes, list[bytes]]:
    """
    Take the header fields *names*, "one|other", off a mail and return the rest, and their values.
    """
    field = re.compile(rf"(?mi)^(?:{names}):(.*\n(?:[ \t].*\n)*)".encode())
    end = _HEADER.match(raw).end()  # type: ignore[union-attr]  # it matches anything
    return field.sub(b"", raw[:end]) + raw[end:], field.findall(raw, 0, end)


def without_verdicts(raw: bytes) -> tuple[bytes, dict[str, str]]:
    """
    Take X-Local-Verdicts off a mail and return the rest, with a verdict for each of VERDICTS.
    """
    rest, values = without_fields(raw, "x-local-verdicts")
    said = dict(_VERDICT.findall(b" ".join(values).decode("ascii", "replace").lower()))
    return rest, {name: said.get(name, "pass").upper() for name in VERDICTS}


def trace(envelope: Envelope, message_id: str, at: datetime) -> bytes:
    """
    Return the header fields that SES puts on top of a mail it has received.
    """
    return (
        f"Return-Path: <{envelope.sender}>\r\n"
        f"Received: from {envelope.peer}\r\n by inbound-smtp.local with SMTP id {message_id}\r\n"
        f" for {envelope.recipients[0]};\r\n {format_datetime(at)}\r\n"
    ).encode()


def notification(
    envelope: Envelope, message_id: str, at: datetime, *, verdicts: dict[str, str], target: Target
) -> dict[str, Any]:
    """
    Return what SES publishes when its S3 action has stored a mail.
    """
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "notificationType": "Received",
        "mail": {
            "timestamp": moment,
            "source": envelope.sender,
            "messageId": message_id,
            "destination": list(envelope.recipients),
        },
        "receipt": {
            "timestamp": moment,
            "processingTimeMillis": 1,
            "recipients": list(envelope.recipients),
            **{f"{name}Verdict": {"status": status} for name, status in verdicts.items()},
            "action": {
                "type": "S3",
                "topicArn": target.topic,
                "bucketName": target.bucket,
                "objectKeyPrefix": "incoming",
                "objectKey": f"incoming/{message_id}",
            },
        },
    }


class Untold(Exception):
    """SNS did not take a notification."""


def publish(sns: Any, topic: str, messages: list[dict[str, str]]) -> dict[int, str]:  # noqa: ANN401 - boto3 has no types
    """
    Publish up to BATCH messages, and return why SNS did not take one, by its place among them.

    Raises:
        BotoCoreError, ClientError: It did not answer, or took none.
    """
    entries = [{"Id": str(place), **message} for place, message in enumerate(messages)]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)
    return {int(each["Id"]): each.get("Message", each["Code"]) for each in answer.get("Failed", ())}


class Notices:
    """Publishes for many who wait at once: one call for those that come within GATHER_SECONDS, or while the last one ran."""

    def __init__(self, sns: Any) -> None:  # noqa: ANN401 - boto3 has no types
        self._sns = sns
        self._waiting: SimpleQueue[tuple[str, dict[str, str], Future[None]]] = SimpleQueue()
        Thread(target=self._keep_publishing, daemon=True).start()

    def publish(self, topic: str, subject: str, message: str) -> None:
        """
        Return when SNS has it.

        Raises:
            Untold: SNS did not take this one.
            BotoCoreError, ClientError: SNS did not answer, or took none.
        """
        told: Future[None] = Future()
        self._waiting.put((topic, {"Subject": subject, "Message": message}, told))
        told.result()

    def _keep_publishing(self) -> None:
        while True:
            come = [self._waiting.get()]
            until = time.monotonic() + GATHER_SECONDS
            with suppress(Empty):
                while len(come) < BATCH:
                    come.append(self._waiting.get(timeout=max(0.0, until - time.monotonic())))
            for topic in {topic for topic, _, _ in come}:
                self._publish(topic, [(notice, told) for of, notice, told in come if of == topic])

    def _publish(self, topic: str, notices: "list[tuple[dict[str, str], Future[None]]]") -> None:
        try:
            untaken = publish(self._sns, topic, [notice for notice, _ in notices])
        except Exception as error:  # noqa: BLE001 whoever waits raises it
            for _, told in notices:
                told.set_exception(error)
            return
        for place, (_, told) in enumerate(notices):
            why = untaken.get(place)
            told.set_result(None) if why is None else told.set_exception(Untold(why))


class Inbound:
    """
    The handler of the SMTP listener that stands where the world's mail servers find SES.
    """

    def __init__(self, session: Session, target: Callable[[], Target]) -> None:
        """
        *target* is asked for each mail: a deploy may move what it names. It raises LookupError when there is none.
        """
        self._target = target
        self._s3 = session.client("s3")
        # as in chalicelib/adapters/aws.py: bytes are sent at once
        self._s3.meta.events.unregister("before-parameter-build.s3.PutObject", convert_body_to_file_like_object)
        self._notices = Notices(session.client("sns"))
        self._ses = session.client("ses")
        self._domains: tuple[str, ...] = ()
        self._domains_at = float("-inf")

    async def handle_RCPT(self, _server: object, _session: object, envelope: Any, to: str, _options: object) -> str:  # noqa: ANN401, N802
        if time.monotonic() - self._domains_at > DOMAINS_FRESH_SECONDS:
            try:
                await asyncio.to_thread(self._look_up_domains)
            except (BotoCoreError, ClientError):
                return LATER
        host = "." + to.rpartition("@")[2].lower()
        if not host.endswith(self._domains):
            return f"550 5.1.1 Nobody here has the address {to}"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802
        said = Envelope.of(session, envelope)
        try:
            message_id = await asyncio.to_thread(self.receive, envelope.content, said)
        except (BotoCoreError, ClientError, LookupError, Untold):
            return LATER
        return f"250 OK {message_id}"

    async def handle_exception(self, _error: Exception) -> str:
        return LATER

    def receive(self, raw: bytes, envelope: Envelope) -> str:
        """
        Store a mail, tell of it, and return the id that SES would give it.
        """
        message_id = secrets.token_hex(20)
        at, target = datetime.now(UTC), self._target()
        mail, verdicts = without_verdicts(raw)
        self._s3.put_object(
            Bucket=target.bucket, Key=f"incoming/{message_id}", Body=trace(envelope, message_id, at) + mail
        )
        told = notification(envelope, message_id, at, verdicts=verdicts, target=target)
        self._notices.publish(target.topic, "Amazon SES Email Receipt Notification", json.dumps(told))
        return message_id

    def _look_up_domains(self) -> None:
        """
        Those that are verified, with a leading dot each, so that a host with one before it ends with its domain.
        """
        pages = self._ses.get_paginator("list_identities").paginate(IdentityType="Domain")
        self._domains = tuple("." + name.lower() for page in pages for name in page["Identities"])
        self._domains_at = time.monotonic()
