"""
Many who ask at once: requests on connections that stay open, mails on connections that stay open. Light, so that what is
measured is whom they ask.
"""

import json
import smtplib
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import Any

from infra.embedded.caller import FORM

PATIENCE_SECONDS = 60
OK, GO_ON = 250, 354  # SMTP


@dataclass(frozen=True)
class Ask:
    """A request. A mapping is sent as JSON, bytes as a page's form."""

    method: str
    path: str
    body: Mapping[str, Any] | bytes | None = None
    key: str | None = None


@dataclass(frozen=True)
class Told:
    """What came back; status 0 when nothing did, and `body` says why."""

    status: int
    body: bytes
    seconds: float

    @property
    def good(self) -> bool:
        return HTTPStatus.OK <= self.status < HTTPStatus.BAD_REQUEST

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def asked(address: str, asks: Sequence[Ask], at_once: int) -> tuple[list[Told], float]:
    """Ask all of *asks* of host:port, *at_once* on as many connections; return the answers in order, and the seconds it took."""
    mine = threading.local()

    def ask(wanted: Ask) -> Told:
        if not hasattr(mine, "line"):
            mine.line = lines.enter_context(closing(HTTPConnection(address, timeout=PATIENCE_SECONDS)))
        return _told(mine.line, wanted)

    with ExitStack() as lines:
        began = time.perf_counter()
        with ThreadPoolExecutor(at_once) as pool:
            told = list(pool.map(ask, asks))
        return told, time.perf_counter() - began


def _told(line: HTTPConnection, ask: Ask) -> Told:
    headers = {"Authorization": f"Bearer {ask.key}"} if ask.key else {}
    form = isinstance(ask.body, bytes)
    body = ask.body if ask.body is None or isinstance(ask.body, bytes) else json.dumps(ask.body).encode()
    if body is not None:
        headers["Content-Type"] = FORM if form else "application/json"
    began = time.perf_counter()
    try:
        line.request(ask.method, ask.path, body, headers)
        answer = line.getresponse()
        return Told(answer.status, answer.read(), time.perf_counter() - began)
    except (OSError, HTTPException) as error:
        line.close()
        return Told(0, repr(error).encode(), time.perf_counter() - began)


def sent(address: str, letters: Sequence[EmailMessage], at_once: int) -> tuple[list[str], float]:
    """
    Hand *letters* to host:port by SMTP, on *at_once* connections.

    Returns:
        For each, why it was not accepted, "" when it was; and the seconds it took.
    """
    host, _, port = address.partition(":")
    written = [(str(one["From"]), str(one["To"]), _stuffed(one.as_bytes(policy=SMTP))) for one in letters]
    refused = [""] * len(letters)

    def send(first: int) -> None:
        with smtplib.SMTP(host, int(port), timeout=PATIENCE_SECONDS) as line:
            line.ehlo()
            for number in range(first, len(letters), at_once):
                try:
                    _hand_over(line, *written[number])
                except smtplib.SMTPException as error:
                    refused[number] = repr(error)
                    line.rset()

    began = time.perf_counter()
    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(send, range(at_once)))
    return refused, time.perf_counter() - began


def _stuffed(mail: bytes) -> bytes:
    """Return a mail as DATA takes it: no line of it is a dot alone, and the last one is (RFC 5321 4.5.2)."""
    return mail.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def _hand_over(line: smtplib.SMTP, sender: str, to: str, stuffed: bytes) -> None:
    """As smtplib does it, but for its reading of both addresses by the whole grammar."""
    _expect(OK, line.docmd(f"MAIL FROM:<{sender}>"))
    _expect(OK, line.docmd(f"RCPT TO:<{to}>"))
    _expect(GO_ON, line.docmd("DATA"))
    line.send(stuffed)
    _expect(OK, line.getreply())


def _expect(wanted: int, answer: tuple[int, bytes]) -> None:
    if answer[0] != wanted:
        raise smtplib.SMTPResponseException(*answer)
