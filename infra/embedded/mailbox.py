"""
The customers' mailbox: what the desk has sent, for people and for scripts.

    GET  /                      the list, for people
    GET  /messages              [{"id", "to", "from", "subject", "text", "html", "headers", "raw_url"}], newest last
    GET  /messages/<id>         one, for people; for scripts that ask for JSON, as in the list
    GET  /messages/<id>/raw     as it was sent
    GET  /messages/<id>/html    its HTML, for a frame that runs nothing
    POST /messages/<id>/reply   body                             answer as the customer
    POST /messages              sender, to, subject, body          write as a customer
    GET  /escalations           [{"message": {...}, "attributes": {name: value}}], what was published, oldest first

What a customer writes here goes to the desk by SMTP, like any mail.
"""

import email
import email.policy
import json
import secrets
import smtplib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, getaddresses
from functools import cache, partial
from http import HTTPStatus
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import BotoCoreError, ClientError
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.aws import Session
from infra.embedded.servers import Http, Problem

PAGE_CSP = "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'"
MAIL_CSP = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: http: https:"
)
FORM_LIMIT = 1024 * 1024
QUEUE = "careline-local-mailbox"
KEPT_SECONDS = str(14 * 24 * 3600)  # the most that SQS keeps
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


class Mails:
    """
    The mails of a folder that `outbound` fills. They never change, so each is read once.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._url = url
        self.find = cache(self._find)

    def ids(self) -> list[str]:
        """
        Oldest first.
        """
        return sorted(path.stem for path in self._folder.glob("*.json"))

    def raw(self, key: str) -> bytes:
        return (self._folder / f"{key}.eml").read_bytes()

    def _find(self, key: str) -> dict[str, Any]:
        """
        Raises:
            FileNotFoundError: There is no such mail.
        """
        envelope = json.loads((self._folder / f"{key}.json").read_bytes())
        mail = email.message_from_bytes(self.raw(key), policy=email.policy.default)
        return {
            "id": key,
            "to": ", ".join(envelope["to"]),
            "from": ", ".join(address for _, address in getaddresses([str(mail["From"] or "")])),
            "subject": str(mail["Subject"] or ""),
            "text": _content(mail, "plain"),
            "html": _content(mail, "html"),
            "headers": [[name, str(value)] for name, value in mail.items()],
            "raw_url": f"{self._url}/messages/{key}/raw",
        }


def _content(mail: Any, kind: str) -> str | None:  # noqa: ANN401
    part = mail.get_body(preferencelist=(kind,))
    return None if part is None else str(part.get_content()).replace("\r\n", "\n")


def header(message: dict[str, Any], name: str) -> str:
    return next((value for field, value in message["headers"] if field.lower() == name.lower()), "")


def reply(message: dict[str, Any], *, body: str) -> EmailMessage:
    """
    Return what a mail program makes of an answer: the thread in its headers, the words above the quoted mail.
    """
    subject = message["subject"]
    quoted = "\n".join(f"> {line}".rstrip() for line in (message["text"] or "").splitlines())
    written = new(
        sender=message["to"].partition(",")[0],
        to=header(message, "Reply-To") or header(message, "From"),
        subject=subject if subject.lower().startswith("re:") else f"Re: {subject}",
        body=f"{body}\n\nOn {header(message, 'Date')}, {message['from']} wrote:\n{quoted}\n",
    )
    answered = header(message, "Message-ID")
    written["In-Reply-To"] = answered
    written["References"] = f"{header(message, 'References')} {answered}".strip()
    return written


def new(*, sender: str, to: str, body: str, subject: str = "") -> EmailMessage:
    """
    Raises:
        ValueError: An address or the subject holds what a header cannot.
    """
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = formatdate(usegmt=True)
    mail["Message-ID"] = f"<{secrets.token_hex(16)}@customers.test>"
    mail.set_content(body.replace("\r\n", "\n"))
    return mail


class Escalations:
    """
    What the desk published for people to hear of, read from a queue of our own and kept in a file.
    """

    def __init__(self, session: Session, kept: Path) -> None:
        self._kept = kept
        self._sns = session.client("sns")
        self._sqs = session.client("sqs")
        self._queue_url = ""
        self._lock = Lock()

    def subscribe(self, topic: str) -> None:
        """
        Repeated for the same topic, it changes nothing.
        """
        url = self._sqs.create_queue(QueueName=QUEUE, Attributes={"MessageRetentionPeriod": KEPT_SECONDS})["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self._sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        self._queue_url = url

    def published(self) -> list[dict[str, Any]]:
        """
        All of them, oldest first, each once.
        """
        with self._lock:
            if self._queue_url:
                with suppress(BotoCoreError, ClientError):
                    self._take_in()
            lines = self._kept.read_text().splitlines() if self._kept.exists() else []
        once = {envelope["MessageId"]: envelope for envelope in map(json.loads, lines)}
        return [_escalation(envelope) for envelope in once.values()]

    def _take_in(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._queue_url, MaxNumberOfMessages=10).get("Messages"):
            with self._kept.open("a") as lines:
                lines.writelines(json.dumps(json.loads(message["Body"])) + "\n" for message in messages)
            for message in messages:
                self._sqs.delete_message(QueueUrl=self._queue_url, ReceiptHandle=message["ReceiptHandle"])


def _escalation(envelope: dict[str, Any]) -> dict[str, Any]:
    attributes = envelope.get("MessageAttributes") or {}
    return {
        "message": json.loads(envelope["Message"]),
        "attributes": {name: attribute["Value"] for name, attribute in attributes.items()},
    }


@dataclass(frozen=True)
class Mailbox:
    mails: Mails
    escalations: Escalations
    smtp: str  # host:port of the desk
    addresses: list[str]  # where customers write to

    def send(self, mail: EmailMessage) -> None:
        host, _, port = self.smtp.partition(":")
        with smtplib.SMTP(host, int(port), timeout=30) as desk:
            desk.send_message(mail)


class MailboxDoor(Http):
    def __init__(self, mailbox: Mailbox, *connection: Any) -> None:  # noqa: ANN401
        self._mailbox = mailbox
        super().__init__(*connection)

    def serve(self) -> None:
        mails = self._mailbox.mails
        method = "GET" if self.command == "HEAD" else self.command
        match [method, *self.path.partition("?")[0].strip("/").split("/")]:
            case ["GET", ""]:
                self._page(None)
            case ["GET", "messages"]:
                self.answer_json([mails.find(key) for key in mails.ids()])
            case ["GET", "escalations"]:
                self.answer_json(self._mailbox.escalations.published())
            case ["GET", "messages", key] if "application/json" in self.headers.get("Accept", ""):
                self.answer_json(self._found(key))
            case ["GET", "messages", key]:
                self._page(self._found(key))
            case ["GET", "messages", key, "raw"]:
                self.answer(HTTPStatus.OK, mails.raw(self._found(key)["id"]), content_type="text/plain; charset=utf-8")
            case ["GET", "messages", key, "html"]:
                self._html("<!doctype html><base target=_blank>" + (self._found(key)["html"] or ""), MAIL_CSP)
            case ["POST", "messages"]:
                self._write("/", new)
            case ["POST", "messages", key, "reply"]:
                self._write(f"/messages/{key}", partial(reply, self._found(key)))
            case _:
                raise Problem(HTTPStatus.NOT_FOUND, "There is nothing here.")

    def _write(self, there: str, mail: Callable[..., EmailMessage]) -> None:
        """
        Send what *mail* makes of the fields of a form, and go on to the page *there*.
        """
        if self.headers.get("Origin", self._origin()) != self._origin():
            raise Problem(HTTPStatus.FORBIDDEN, "Another page may not write here.")
        length = min(int(self.headers.get("Content-Length") or 0), FORM_LIMIT)
        form = {name: values[-1] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
        try:
            self._mailbox.send(mail(**form))
        except (TypeError, ValueError, OSError) as error:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The desk did not take the mail: {error}") from None
        self.answer(HTTPStatus.SEE_OTHER, headers=[("Location", f"{there}?sent")])

    def _origin(self) -> str:
        return f"http://{self.headers.get('Host')}"

    def _found(self, key: str) -> dict[str, Any]:
        if key not in self._mailbox.mails.ids():
            raise Problem(HTTPStatus.NOT_FOUND, "There is nothing here.")
        return self._mailbox.mails.find(key)

    def _page(self, chosen: dict[str, Any] | None) -> None:
        mails = self._mailbox.mails
        page = _PAGES.get_template("mailbox.html").render(
            mails=[mails.find(key) for key in reversed(mails.ids())],
            chosen=chosen,
            addresses=self._mailbox.addresses,
            sent=self.path.endswith("?sent"),
            header=header,
        )
        self._html(page, PAGE_CSP)

    def _html(self, page: str, policy: str) -> None:
        self.answer(
            HTTPStatus.OK,
            page.encode(),
            [("Content-Security-Policy", policy), ("Cache-Control", "no-store")],
            content_type="text/html; charset=utf-8",
        )
