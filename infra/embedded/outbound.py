"""
What happens to a mail after SES took it: it is in the customer's mailbox, and SES tells how that went.

The embedded AWS relays what its SES sends to a listener here. A mail is kept as two files, `<id>.eml`, as the
customer gets it, and `<id>.json`, its envelope; `<id>.events` holds what is still to be published, so that what
happened while AWS was stopping is told when it is back. Events are published for a mail that names a configuration set,
as SES does, and are what SES's mailbox simulator is documented to cause:

    success@simulator.amazonses.com            Send, Delivery      and any other address
    bounce@simulator.amazonses.com             Send, Bounce
    suppressionlist@simulator.amazonses.com    Send, Bounce
    complaint@simulator.amazonses.com          Send, Delivery, Complaint
    ooto@simulator.amazonses.com               Send, Delivery      and a mail of its own comes back

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html
"""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra.aws import Session
from infra.embedded.inbound import BATCH, Envelope, Untold, publish, without_fields

SIMULATOR = "simulator.amazonses.com"
RETRY_SECONDS = 1.0
NOT_FOR_CUSTOMERS = "x-ses-configuration-set|x-ses-message-tags|date"  # SES writes a Date of its own


def events(mail: Message, envelope: Envelope, at: datetime) -> list[dict[str, Any]]:
    """
    Return the events of SES for a mail it has taken, in order; none without a configuration set.
    """
    if mail["X-SES-CONFIGURATION-SET"] is None:
        return []
    moment = at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    about = {
        "timestamp": moment,
        "source": envelope.sender,
        "messageId": str(mail["Message-ID"] or "").strip().strip("<>"),
        "destination": list(envelope.recipients),
        "headersTruncated": False,
        "headers": [{"name": name, "value": str(value)} for name, value in mail.items()],
        "tags": {"ses:configuration-set": [str(mail["X-SES-CONFIGURATION-SET"])], **_tags(mail)},
    }
    told = [{"eventType": "Send", "mail": about, "send": {}}]
    for recipient in envelope.recipients:
        told += [{"eventType": kind, "mail": about, **detail} for kind, detail in _outcome(recipient, moment)]
    return told


def _tags(mail: Message) -> dict[str, list[str]]:
    pairs = (pair.partition("=") for pair in str(mail["X-SES-MESSAGE-TAGS"] or "").split(","))
    return {name.strip(): [value.strip()] for name, _, value in pairs if name.strip()}


def _outcome(recipient: str, moment: str) -> Iterator[tuple[str, dict[str, Any]]]:
    feedback = {"timestamp": moment, "feedbackId": f"{secrets.token_hex(8)}-{secrets.token_hex(4)}-000000"}
    case = simulated(recipient)
    if case in {"bounce", "suppressionlist"}:
        bounced = {
            "emailAddress": recipient,
            "action": "failed",
            "status": "5.1.1",
            "diagnosticCode": "smtp; 550 5.1.1 user unknown",
        }
        kind = {"bounceType": "Permanent", "bounceSubType": "General" if case == "bounce" else "Suppressed"}
        yield "Bounce", {"bounce": {**kind, "bouncedRecipients": [bounced], **feedback}}
        return
    delivery = {"timestamp": moment, "processingTimeMillis": 1, "smtpResponse": "250 OK", "recipients": [recipient]}
    yield "Delivery", {"delivery": delivery}
    if case == "complaint":
        complained = [{"emailAddress": recipient}]
        yield (
            "Complaint",
            {"complaint": {"complaintFeedbackType": "abuse", "complainedRecipients": complained, **feedback}},
        )


def simulated(recipient: str) -> str:
    """
    Return the case of SES's mailbox simulator that an address stands for, "" if none. Labels count as their address.
    """
    local, _, domain = recipient.lower().rpartition("@")
    return local.partition("+")[0] if domain == SIMULATOR else ""


def out_of_office(mail: Message, recipient: str, sender: str) -> EmailMessage:
    """
    Return what a mail program says for somebody who is away (RFC 3834).
    """
    answer = EmailMessage()
    answer["From"], answer["To"] = recipient, sender
    answer["Subject"] = "Out of office: " + " ".join(str(mail["Subject"] or "").split())
    answer["Message-ID"] = f"<{secrets.token_hex(16)}@{SIMULATOR}>"
    answer["In-Reply-To"] = answer["References"] = str(mail["Message-ID"])
    answer["Date"] = datetime.now(UTC)
    answer["Auto-Submitted"] = "auto-replied"
    answer.set_content("I am out of the office and will answer when I am back.\n")
    return answer


class Outbound:
    """
    The handler of the SMTP listener that SES relays to, and the folder of what came.
    """

    def __init__(
        self, session: Session, folder: Path, *, topic: Callable[[], str], reply: Callable[[bytes, Envelope], object]
    ) -> None:
        """
        Args:
            session: The embedded AWS.
            folder: Keeps the mails. Made when it is not there.
            topic: The topic of SES's events, asked each time: a deploy may move it. Raises LookupError without one.
            reply: Takes a mail that comes back.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._topic = topic
        self._reply = reply
        self._sns = session.client("sns")
        self._to_publish: SimpleQueue[Path | None] = SimpleQueue()
        self._stopping = Event()

    async def handle_DATA(self, _server: object, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802
        said = Envelope.of(session, envelope)
        await asyncio.to_thread(self.keep, envelope.content, said)
        return "250 OK"

    def keep(self, raw: bytes, envelope: Envelope) -> None:
        """
        Store a mail that SES sent, and what is to be told of it.
        """
        mail, now = BytesHeaderParser().parsebytes(raw), datetime.now(UTC)
        place = self._folder / f"{time.time_ns():019d}-{secrets.token_hex(4)}"
        pending = place.with_suffix(".events")
        _write(pending, json.dumps(events(mail, envelope, now)).encode())
        dated = f"Date: {format_datetime(now)}\r\n".encode() + without_fields(raw, NOT_FOR_CUSTOMERS)[0]
        _write(place.with_suffix(".eml"), dated)
        _write(place.with_suffix(".json"), json.dumps({"from": envelope.sender, "to": envelope.recipients}).encode())
        self._to_publish.put(pending)
        for recipient in envelope.recipients:
            if simulated(recipient) == "ooto" and envelope.sender:
                back = Envelope("", (envelope.sender,), SIMULATOR)
                with suppress(BotoCoreError, ClientError, LookupError, Untold):
                    self._reply(bytes(out_of_office(mail, recipient, envelope.sender)), back)

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """
        Publish what is to be published, what the last time left over first, until the `with` is left.
        """
        for left_over in sorted(self._folder.glob("*.events")):
            self._to_publish.put(left_over)
        thread = Thread(target=self._publish, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopping.set()
            self._to_publish.put(None)
            thread.join()

    def _publish(self) -> None:
        while (pending := self._to_publish.get()) and not self._stopping.is_set():
            while not self._published(pending) and not self._stopping.wait(RETRY_SECONDS):
                pass

    def _published(self, pending: Path) -> bool:
        """
        Publish a mail's events in order, and keep those that AWS did not take.
        """
        if not pending.exists():  # it came before publishing began, and was found in the folder too
            return True
        left = json.loads(pending.read_bytes())
        while left:
            batch = [{"Message": json.dumps(event)} for event in left[:BATCH]]
            try:
                again = [left[place] for place in publish(self._sns, self._topic(), batch)]
            except (BotoCoreError, ClientError, LookupError):
                return False
            left = again + left[BATCH:]
            _write(pending, json.dumps(left).encode())
            if again:
                return False
        pending.unlink()
        return True


def _write(path: Path, content: bytes) -> None:
    """
    All of it or nothing, for whoever reads meanwhile.
    """
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
