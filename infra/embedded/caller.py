"""
Somebody who calls on a running desk as the world does: by HTTP, by mail and by queue, and looks into the mailbox.
"""

import json
import os
import secrets
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage, Message
from functools import cache
from http.client import HTTPConnection
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import boto3

from infra.embedded.settings import ROOT

PATIENCE_SECONDS = 30.0
LOOK_AGAIN_SECONDS = 0.4  # a key may ask 200 times a minute
FORM = "application/x-www-form-urlencoded"

T = TypeVar("T")


class NeverCame(AssertionError):
    """
    What was to come did not, in PATIENCE_SECONDS.
    """


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever it says
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


def eventually(look: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
    """
    Return what *look* finds, once it finds something.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise NeverCame(f"Nothing came within {seconds:.0f} s.")
        time.sleep(LOOK_AGAIN_SECONDS)
    return found


def mail(sender: str, to: str, subject: str, body: str, **headers: str) -> EmailMessage:
    """
    Return a customer's mail with a Message-ID of its own; of *headers*, In_Reply_To is In-Reply-To.
    """
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = sender, to, subject
    written["Message-ID"] = headers.pop("Message_ID", f"<{secrets.token_hex(12)}@customers.test>")
    for name, value in headers.items():
        written[name.replace("_", "-")] = value
    written.set_content(body)
    return written


class Caller:
    """
    Attributes:
        run: What run.json says.
    """

    def __init__(self, run: Mapping[str, Any]) -> None:
        self.run = run
        aws = run["aws"]
        session = boto3.Session(aws["access_key_id"], aws["secret_access_key"], region_name=aws["region"])
        self.aws = cache(lambda service: session.client(service, endpoint_url=aws["endpoint"]))

    def call(
        self,
        method: str,
        url: str,
        body: object = None,
        *,
        key: str | None = "storefront_key",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """
        Ask the desk, and follow no redirect.

        Args:
            method: Of HTTP.
            url: A path of the desk, or a whole address.
            body: Bytes go as they are, anything else as JSON.
            key: Which key of run.json to show; None for none.
            headers: More of them, or others.
        """
        place = urlsplit(url if "://" in url else self.run["url"] + url)
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        said = {"Content-Type": "application/json"} if sent is not None else {}
        if key:
            said["Authorization"] = f"Bearer {self.run[key]}"
        connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        try:
            target = f"{place.path or '/'}?{place.query}" if place.query else place.path or "/"
            connection.request(method, target, sent, {**said, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def form(self, url: str, **fields: str | list[str]) -> Answer:
        """
        Send a page's form, as a browser does.
        """
        return self.call("POST", url, urlencode(fields, doseq=True).encode(), key=None, headers={"Content-Type": FORM})

    def upload(self, name: str, content_type: str, content: bytes, *, key: str = "storefront_key") -> str:
        """
        Put a file where the desk says, and return the id to name it by.
        """
        offered = self.call(
            "POST", "/v1/uploads", {"name": name, "content_type": content_type, "size": len(content)}, key=key
        ).json
        boundary = secrets.token_hex(16)
        parts = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'
            for n, v in offered["fields"].items()
        ]
        parts.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        body = "".join(parts).encode() + content + f"\r\n--{boundary}--\r\n".encode()
        put = self.call(
            "POST",
            offered["url"],
            body,
            key=None,
            headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
        )
        assert put.status in {200, 201, 204, 303}, (put.status, put.body)
        return str(offered["id"])

    def send(self, written: EmailMessage | bytes, *, sender: str | None = None, to: str | None = None) -> None:
        """
        Hand a mail to the desk by SMTP. Bytes go as they are and need *sender* (empty for a bounce) and *to*.
        """
        host, _, port = self.run["smtp"].partition(":")
        with smtplib.SMTP(host, int(port), timeout=60) as desk:
            if isinstance(written, EmailMessage):
                desk.send_message(written, from_addr=sender, to_addrs=to)
            else:
                desk.sendmail(sender or "", to or self.run["support_address"], written, ["BODY=8BITMIME"])

    def queue(self, *bodies: object) -> None:
        """
        Put requests on the intake queue: one as a message, more as a batch. A string goes as it is.
        """
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        self.aws("sqs").send_message_batch(
            QueueUrl=self.run["aws"]["intake_queue_url"],
            Entries=[{"Id": str(number), "MessageBody": text} for number, text in enumerate(texts)],
        )

    def dead_letters(self) -> list[dict[str, str]]:
        """
        Take what lies on the intake's dead letters: [{"body", "reason"}].
        """
        sqs, url = self.aws("sqs"), self.run["aws"]["intake_dead_letter_url"]
        taken = []
        while messages := sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["reason"]
        ).get("Messages"):
            for message in messages:
                reason = message.get("MessageAttributes", {}).get("reason", {}).get("StringValue", "")
                taken.append({"body": message["Body"], "reason": reason})
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return taken

    def mails(self, to: str) -> list[dict[str, Any]]:
        """
        What is in the mailbox of an address, newest last.
        """
        found = self.call("GET", f"{self.run['mailbox']}/messages", key=None).json
        return [message for message in found if to in message["to"].split(", ")]

    def next_mail(self, to: str, seen: int = 0) -> dict[str, Any]:
        """
        Wait until an address has more than *seen* mails, and return the one after those.
        """
        return eventually(lambda: self.mails(to)[seen : seen + 1])[0]

    def escalations(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"{self.run['mailbox']}/escalations", key=None).json
        return found

    def play(self, at: str, ticket: str | None = None, *, storefront: str | None = None) -> str:
        """
        Play time up to *at* (ISO 8601) and return what the command said.

        Raises:
            RuntimeError: It failed, with what it said.
        """
        aws = self.run["aws"]
        command = [sys.executable, "-m", "infra", "sweep", "--stage", "local", "--at", at]
        done = subprocess.run(
            [*command, *(["--ticket", ticket] if ticket else ["--storefront", storefront] if storefront else [])],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
            | {
                "AWS_ENDPOINT_URL": aws["endpoint"],
                "AWS_REGION": aws["region"],
                "AWS_DEFAULT_REGION": aws["region"],
                "AWS_ACCESS_KEY_ID": aws["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"],
            },
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)
        return done.stdout


def header(message: Mapping[str, Any], name: str) -> str:
    """
    Return a header of a mail in the mailbox, "" if it has none.
    """
    return next((str(value) for field, value in message["headers"] if field.lower() == name.lower()), "")
