"""
A letter to bytes, as SES takes them: 7 bit, no line over 998 octets, no Date and no Message-ID (SES sets both).

Every header is made plain ASCII before the email package gets it, and is broken at its spaces only. So what somebody
wrote in a subject or a name is never parsed as a header, and the ids in References stay whole.
"""

import re
from collections.abc import Iterator
from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from chalicelib.frozen import frozen

Mailbox = tuple[str, str]
"""An address and the name of whose it is, which may be empty."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_BODY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LONGEST_WORD = 900
_LONGEST_NAME = 200
_LONGEST_SUBJECT = 900
_LONGEST_FILE_NAME = 240
_TOKEN = re.compile(r"[!-9;-~]+")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_LOCAL_PART = re.compile(r"""[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+|"(?:[ !#-\[\]-~]|\\[ -~])*\"""")
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
_CONTENT_TYPE = re.compile(r"(?!message/|multipart/)([a-z]+)/([a-z0-9!#$&^_.+-]+)")


class Unaddressable(ValueError):
    """An address that no mail can be sent to from here."""


@frozen
class Letter:
    """
    One mail.

    `in_reply_to` and `references` are Message-IDs with their angle brackets, oldest first; one that is none is left
    out. `headers` are further ones. `attachments` are (name, content type, bytes). Without `html` it is text alone.
    """

    sender: Mailbox
    to: Mailbox
    subject: str
    text: str
    html: str = ""
    reply_to: str | None = None
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    cc: tuple[Mailbox, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    attachments: tuple[tuple[str, str, bytes], ...] = ()


def compose(letter: Letter) -> bytes:
    """
    Return the mail, with CR LF between its lines; the same letter always gives the same bytes.

    Raises:
        Unaddressable: An address is none, or has non-ASCII characters before the @ (RFC 6531, which SES does not speak).
        ValueError: A further header stands twice, or its name is none.
    """
    message = EmailMessage(_WIRE)
    for name, value in _headers(letter):
        if name in message or not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a further header of a mail")
        message[name] = value
    boundary = sha256(repr(letter).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    message.set_content(_body(letter.text))
    if letter.html:
        message.make_alternative(boundary=f"=_{boundary}_1")
        message.add_alternative(_body(letter.html), subtype="html")
    if letter.attachments:
        message.make_mixed(boundary=f"=_{boundary}_2")
    for attachment in letter.attachments:
        message.attach(_attached(*attachment))
    return message.as_bytes()


def _headers(letter: Letter) -> Iterator[tuple[str, str]]:
    yield "From", _mailbox(letter.sender)
    yield "To", _mailbox(letter.to)
    if letter.cc:
        yield "Cc", ", ".join(_mailbox(mailbox) for mailbox in letter.cc)
    if letter.reply_to:
        yield "Reply-To", _address(letter.reply_to)
    yield "Subject", _words(_clean(letter.subject)[:_LONGEST_SUBJECT])
    if answered := _ids(letter.in_reply_to or ""):
        yield "In-Reply-To", answered
    if thread := _ids(*letter.references):
        yield "References", thread
    for name, value in letter.headers:
        yield name, _words(value)


class _Ready(UnstructuredHeader, BaseHeader):
    """A header as it will stand on the wire: ASCII, which is broken before a word when the line is full."""

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["decoded"], kwds["parse_tree"] = value, None

    def fold(self, *, policy: Policy) -> str:
        first, *words = self.split(" ")
        lines = [f"{self.name}: {first}"]
        for word in words:
            if len(lines[-1]) + 1 + len(word) > (policy.max_line_length or 0):
                lines.append("")
            lines[-1] += f" {word}"
        return policy.linesep.join(lines) + policy.linesep


_WIRE = SMTP.clone(cte_type="7bit", header_factory=HeaderRegistry(default_class=_Ready, use_default_map=False))


def _mailbox(mailbox: Mailbox) -> str:
    address, name = _address(mailbox[0]), _clean(mailbox[1])[:_LONGEST_NAME].rstrip()
    if not name:
        return address
    words = _words(name)
    if words == name and not _ATOMS.fullmatch(name):
        words = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{words} <{address}>"


def _address(address: str) -> str:
    local, at, domain = address.strip().rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local):
        raise Unaddressable("an address is ASCII before its @, without spaces and brackets")
    try:
        ascii_domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        ascii_domain = ""
    if not _DOMAIN.fullmatch(ascii_domain):
        raise Unaddressable("an address ends with the name of a host")
    return f"{local}@{ascii_domain}"


def _ids(*ids: str) -> str:
    return " ".join(one for one in ids if _MESSAGE_ID.fullmatch(one))


def _words(text: str) -> str:
    """Return *text* for a header: as it is when it is plain, else in encoded words (RFC 2047)."""
    text = _clean(text)
    if text.isascii() and "=?" not in text and all(len(word) <= _LONGEST_WORD for word in text.split(" ")):
        return text
    return " ".join(Header(text, "utf-8", maxlinelen=75).encode().split())


def _clean(text: str) -> str:
    return " ".join(_storable(_CONTROL.sub(" ", text)).split())


def _body(text: str) -> str:
    return _storable(_CONTROL_IN_BODY.sub("", text))


def _storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _attached(name: str, content_type: str, data: bytes) -> EmailMessage:
    known = _CONTENT_TYPE.fullmatch(content_type.partition(";")[0].strip().casefold())
    maintype, subtype = known.groups() if known else ("application", "octet-stream")
    part = EmailMessage(_WIRE)
    part.set_content(data, maintype, subtype)
    part["Content-Disposition"] = f"attachment; {_file_name(name)}"
    return part


def _file_name(name: str) -> str:
    """
    Return the parameter that names a file (RFC 2183, RFC 2231): one line, so a long name loses its middle.
    """
    name = _clean(name) or "file"
    octets = name.encode()
    if len(octets) > _LONGEST_FILE_NAME:
        name = octets[:200].decode("utf-8", "ignore") + "…" + octets[-32:].decode("utf-8", "ignore")
    if re.fullmatch(r"[A-Za-z0-9 ()+,._-]+", name):
        return f'filename="{name}"'
    return f"filename*=utf-8''{quote(name, safe='')}"
