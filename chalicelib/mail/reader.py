"""
Reading a mail: bytes in, a `Mail` out, whatever the bytes are.

    raw -> mime.parse -> the tree of parts -> body.body      -> text, HTML, attachments
                               |            -> reply.split    -> what is new, what is quoted
                               |            -> clean.cleaned  -> HTML that may be shown
                               +- headers.* -> who, when, to which mail it answers
                               +- automatic, bounce, complaint -> whether a machine wrote it, and what it tells
"""

from collections.abc import Container
from datetime import datetime

from chalicelib.frozen import frozen
from chalicelib.mail import headers, mime, reply, signs
from chalicelib.mail.automatic import LOOP_MARK, automatic
from chalicelib.mail.body import Attachment, body, charset_hint
from chalicelib.mail.bounce import Bounce, bounce
from chalicelib.mail.charsets import decode
from chalicelib.mail.clean import cleaned
from chalicelib.mail.complaint import Complaint, complaint
from chalicelib.mail.headers import Address

__all__ = ["Address", "Attachment", "Bounce", "Complaint", "Mail", "read"]

_HOPS_CAP = 30
_FALLBACK_CAP = 1024 * 1024


@frozen
class Mail:
    """
    A mail as the desk sees it.

    Message ids are without their brackets, "" or () if there is none; *references* are oldest first; *date* is aware
    UTC; *text* is what is new, *quoted_text* the rest of *full_text*; *html* is cleaned, None where there is none that may be shown;
    *senders* are all whom From names, of whom *sender* is the first; *automatic* says in words why a machine wrote it; *omitted* names what a cap left out; *error* says what went wrong
    in reading, and then *full_text* is the mail as it came.
    """

    subject: str = ""
    sender: Address | None = None
    senders: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    message_id: str = ""
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    date: datetime | None = None
    text: str = ""
    quoted_text: str = ""
    full_text: str = ""
    html: str | None = None
    attachments: tuple[Attachment, ...] = ()
    automatic: str | None = None
    bounce: Bounce | None = None
    complaint: Complaint | None = None
    received_count: int = 0
    loop_mark: str | None = None
    omitted: tuple[str, ...] = ()
    error: str | None = None


def read(raw: bytes, *, own_addresses: Container[str] = ()) -> Mail:
    """
    Read a mail. Never raises: what cannot be read says so in `Mail.error`.

    Args:
        raw: The mail as it came, at most 40 MB of which are looked at.
        own_addresses: The desk's own addresses, in lower case; mail from one of them is automatic.
    """
    try:
        return _read(raw, own_addresses)
    except Exception as trouble:  # noqa: BLE001  # a mail that nobody foresaw still becomes a ticket
        said = decode(raw[:_FALLBACK_CAP])
        return Mail(text=said, full_text=said, error=f"cannot be read: {type(trouble).__name__}")


def _read(raw: bytes, own_addresses: Container[str]) -> Mail:
    root, omitted = mime.parse(raw)
    found = root.headers
    hint = charset_hint(root)
    sender = next(iter(headers.addresses(found.get("from"), hint=hint)), None)
    read_body = body(root)
    subject = headers.text(found.get("subject"), hint=hint)
    parted = reply.split(read_body.text, framed=read_body.framed, forwarded=signs.is_forward(subject, read_body.text))
    complained = complaint(root)
    came_back = None if complained else bounce(root, sender, read_body.text)
    return Mail(
        subject=subject,
        sender=sender,
        senders=_addresses(found, "from", hint),
        to=_addresses(found, "to", hint),
        cc=_addresses(found, "cc", hint),
        reply_to=_addresses(found, "reply-to", hint),
        message_id=next(iter(headers.ids(found.get("message-id"))), ""),
        in_reply_to=headers.ids(found.get("in-reply-to")),
        references=headers.ids(found.get("references")),
        date=headers.date(found.get("date")),
        text=parted.text,
        quoted_text=parted.quoted_text,
        full_text=read_body.text,
        html=cleaned(read_body.html) if read_body.html else None,
        attachments=read_body.attachments,
        automatic=_automatic(root, sender, own_addresses, came_back, complained),
        bounce=came_back,
        complaint=complained,
        received_count=len(found.all("received")),
        loop_mark=headers.text(found.get(LOOP_MARK)) or None,
        omitted=omitted + read_body.omitted,
    )


def _automatic(
    root: mime.Part, sender: Address | None, own: Container[str], came_back: Bounce | None, complained: Complaint | None
) -> str | None:
    if complained:
        return f"a feedback report: {complained.kind}"
    if len(root.headers.all("received")) > _HOPS_CAP:
        return f"it went through more than {_HOPS_CAP} mail systems: it goes in circles"
    return automatic(root.headers, sender, own) or ("a mail that came back" if came_back else None)


def _addresses(found: headers.Headers, name: str, hint: str | None) -> tuple[Address, ...]:
    return tuple(address for value in found.all(name) for address in headers.addresses(value, hint=hint))
