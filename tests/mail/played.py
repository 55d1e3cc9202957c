"""
A desk in memory that gets mail and sends it, fast enough for tens of thousands of mails.
"""

import email
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from random import Random
from typing import Any

import app
from chalicelib.usecases import due, incoming, mail, sending
from tests import payloads
from tests.documents import audit_lines, document
from tests.faults.sky import Stored
from tests.faults.stage import Stage, raised
from tests.soak.store import Store

SUPPORT = "support@demo.test"
_AUTOMATIC = b"\r\nX-Careline-Loop:"


@dataclass
class Played:
    """`automatic` holds to whom automatic mails went; `mails` all that SES was given, as bytes; `kinds` their folders."""

    stage: Stage
    store: Store
    chance: Random = field(default_factory=lambda: Random(1))
    automatic: list[str] = field(default_factory=list)
    mails: list[bytes] = field(default_factory=list)
    fresh: list[tuple[str, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    made: int = 0

    def __post_init__(self) -> None:
        self.store.tables["careline"].heard = self._heard

    @property
    def desk(self) -> Any:
        return self.stage.desk

    @property
    def now(self) -> datetime:
        return self.stage.now

    def later(self, seconds: float) -> None:
        self.stage.now += timedelta(seconds=seconds)

    def receive(
        self,
        headers: Mapping[str, str],
        words: str,
        *,
        number: object,
        to: str = "",
        verdicts: Mapping[str, str] | None = None,
    ) -> mail.Taken:
        """Take in a mail with these headers and a Message-ID and a date of its own; `to` is the envelope's."""
        self.made += 1
        own = {"Message-ID": f"<{number}.{self.made}@robot.test>", "Date": format_datetime(self.now)}
        lines = [f"{name}: {value}" for name, value in {**own, **headers}.items() if not name.startswith("X-SES-")]
        raw = "\r\n".join([*lines, "Content-Type: text/plain; charset=utf-8", "", words])
        return self.take(raw.encode("utf-8", "replace"), to or address_of(headers["To"]), verdicts)

    def take(self, raw: bytes, to: str, verdicts: Mapping[str, str] | None = None) -> mail.Taken:
        """Do with a mail what SES does with it."""
        key = f"incoming/{self.made}"
        self.store.store("careline-mail", key, Stored(raw))
        source = address_of(str(email.message_from_bytes(raw)["From"] or ""))
        said = {**dict.fromkeys(("spf", "dkim", "dmarc", "spam", "virus"), "PASS"), **(verdicts or {})}
        taken = mail.take_in(
            self.desk,
            incoming.envelope_of(
                {
                    "mail": {"source": source, "destination": [to]},
                    "receipt": {"recipients": [to], "action": {"objectKey": key}}
                    | {f"{name}Verdict": {"status": status} for name, status in said.items()},
                }
            ),
        )
        for name in [where for where in self.store.objects if where[0] == "careline-mail"]:
            del self.store.objects[name]  # the raw mails would fill the memory
        return taken

    def sent(self) -> list[Message]:
        """Send what waits, and return it."""
        return [email.message_from_bytes(raw) for raw in self.sent_raw()]

    def sent_raw(self) -> list[bytes]:
        while self.fresh:
            fresh, self.fresh = self.fresh, []
            for reference, outbox_id in fresh:
                sending.send_out(self.desk, reference, outbox_id)
        found = [raw for raw, _ in self.store.mails]
        self.store.mails.clear()
        self.mails += found
        for raw in found:
            if _AUTOMATIC in raw.partition(b"\r\n\r\n")[0]:
                self.automatic.append(str(email.message_from_bytes(raw)["To"]))
        return found

    def sweep(self, **ago: float) -> list[bytes]:
        """Let time pass, do what is due, and return what was sent."""
        self.stage.now += timedelta(**ago)
        due.sweep(self.desk, self.now)
        for message in self.store.take("due"):
            due.work(self.desk, json.loads(message["body"]))
        return self.sent_raw()

    def visit(self, method: str, url: str) -> None:
        """Ask for a page as a mail scanner does."""
        event = payloads.http(method, url.removeprefix("https://desk.test"), {"User-Agent": "scanner"})
        answer = app.app(event, None)
        if answer["statusCode"] >= 500:
            raise AssertionError(f"{method} {event['rawPath']}: {answer['statusCode']}")

    def tickets(self) -> list[dict[str, Any]]:
        return [row for row in self.store.rows() if row["sk"] == "TICKET"]

    def unsent(self) -> list[dict[str, Any]]:
        return [row for row in self.store.rows() if row["sk"].startswith("OUTBOX#")]

    def whys(self) -> list[str]:
        """Return the sentences on all tickets."""
        return [why for line in audit_lines(self.store.rows()) for why in line.get("why", ())]

    def _heard(self, before: Mapping[str, Any] | None, item: Mapping[str, Any]) -> None:
        if before is None and item["sk"]["S"].startswith("OUTBOX#"):
            reference, outbox_id = item["pk"]["S"].removeprefix("TICKET#"), item["sk"]["S"].removeprefix("OUTBOX#")
            self.fresh.append((reference, outbox_id))
            self.kinds.add(json.loads(document(item))["what"])


def address_of(mailbox: str) -> str:
    return mailbox.rpartition("<")[2].rstrip(">").strip()


def text_of(ours: Message) -> str:
    part = next(part for part in ours.walk() if part.get_content_type() == "text/plain")
    return bytes(part.get_payload(decode=True)).decode()  # type: ignore[arg-type] a leaf has bytes


@contextmanager
def playing(seed: int = 1) -> Iterator[Played]:
    store = Store()
    with raised(store) as stage:
        yield Played(stage, store, Random(seed))
