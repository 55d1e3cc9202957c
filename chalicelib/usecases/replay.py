"""
Reading stored mail again with today's reader: what would be read otherwise, and to change it.

Words, HTML, files, subject and notes of a message follow its raw mail; where it stands, who wrote it, and what it moved stay as
they were decided when it came. What an agent mailed stays as it went out.
"""

import hashlib
from collections.abc import Iterator

from chalicelib.domain.ticket import File, Message, Role, Ticket
from chalicelib.frozen import frozen, replace
from chalicelib.mail.reader import Attachment, Mail, read
from chalicelib.usecases import listing
from chalicelib.usecases.bodies import whole
from chalicelib.usecases.mail import body_key, full_text_of, kept_html, slimmed
from chalicelib.wiring import Desk

_PAGE = 100
_SHOWN = ("text", "quoted_text", "full_text", "subject", "html", "files")


@frozen
class Reread:
    """
    A message that today's reader reads otherwise.

    *differs* is `{what: (before, now)}`, in words for people; *applied* is None when nothing was to be changed, and False
    when somebody changed the message meanwhile.
    """

    reference: str
    message: str
    differs: dict[str, tuple[str, str]]
    applied: bool | None = None


@frozen
class Looked:
    """How far a replay is: messages that were read again, raw mails that are no longer kept, what was found just now."""

    read: int
    gone: int
    found: Reread | None = None


def replay(desk: Desk, *, ticket: str | None = None, apply: bool = False) -> Iterator[Looked]:
    """
    Read the raw mail of every message again, one `Looked` after each.

    Args:
        desk: The desk.
        ticket: The only ticket to look at.
        apply: Change what is read otherwise.

    Raises:
        NotFound: There is no such ticket.
    """
    done = gone = 0
    for each in [desk.table.ticket(ticket)] if ticket else _tickets(desk):
        for message in _mails(desk, each):
            raw = desk.files.kept_mail(message.raw_key or "")
            done, gone = done + (raw is not None), gone + (raw is None)
            yield Looked(done, gone, _reread(desk, each, message, raw, apply=apply) if raw is not None else None)


def _tickets(desk: Desk) -> Iterator[Ticket]:
    cursor = None
    while True:
        page = listing.page(desk, listing.Asked(), storefront=None, mine=None, cursor=cursor, limit=_PAGE)
        yield from page.tickets
        cursor = page.next_cursor
        if cursor is None:
            return


def _mails(desk: Desk, ticket: Ticket) -> Iterator[Message]:
    after = None
    while page := desk.table.messages(ticket.reference, after=after, limit=_PAGE):
        yield from (message for message in page if message.raw_key and message.author.role is not Role.AGENT)
        after = page[-1].id


def _reread(desk: Desk, ticket: Ticket, held: Message, raw: bytes, *, apply: bool) -> Reread | None:
    own = frozenset(address.casefold() for address in desk.house.storefront(ticket.storefront).support_addresses)
    mail = read(raw, own_addresses=own)
    before = whole(desk, held)
    now = _as_read_now(before, mail)
    differs = {
        name: (_said(before, name), _said(now, name)) for name in _SHOWN if _said(before, name) != _said(now, name)
    }
    if not differs:
        return None
    found = Reread(str(ticket.reference), held.id, differs)
    return replace(found, applied=_applied(desk, ticket, now, mail)) if apply else found


def _as_read_now(before: Message, mail: Mail) -> Message:
    quarantined = bool(before.files) and all(file.key is None for file in before.files)
    html = mail.html.encode() if mail.html else None
    return replace(
        before,
        text=mail.text,
        quoted_text=mail.quoted_text,
        full_text=full_text_of(mail),
        subject=mail.subject,
        html_key=body_key(html) if html else None,
        body_key=None,
        files=_files(before, mail, quarantined=quarantined),
        version=before.version + 1,
    )


def _files(before: Message, mail: Mail, *, quarantined: bool) -> tuple[File, ...]:
    """Return the files as they are read now; those that are as they were keep their places."""
    places = {_looks(file): file for file in before.files}
    found = []
    for attachment in mail.attachments:
        key = None if quarantined else f"files/mail/{_mail_name(before)}/{_digest(attachment)}"
        file = File(
            attachment.name, attachment.content_type, attachment.size, key,
            inline=attachment.inline, content_id=attachment.content_id,
        )  # fmt: skip
        found.append(places.get(_looks(file), file))
    return tuple(found)


def _applied(desk: Desk, ticket: Ticket, now: Message, mail: Mail) -> bool:
    """Store what is named first, then the message that names it."""
    kept_html(desk, mail)
    for file, attachment in zip(now.files, mail.attachments, strict=True):
        if file.key and file.key.endswith(_digest(attachment)):
            desk.files.keep(file.key, attachment.content, attachment.content_type)
    note = f"Read again on {desk.clock():%Y-%m-%d}."
    noted = replace(now, note=f"{now.note} {note}" if now.note else note)
    return desk.table.rewrite(ticket.reference, slimmed(desk, noted))


def _looks(file: File) -> tuple[object, ...]:
    return file.name, file.content_type, file.size, file.inline, file.content_id


def _digest(attachment: Attachment) -> str:
    return hashlib.sha256(attachment.content).hexdigest()[:32]


def _mail_name(message: Message) -> str:
    return (message.raw_key or "").rpartition("/")[2]


def _said(message: Message, name: str) -> str:
    if name == "html":
        return message.html_key or ""
    if name == "files":
        return ", ".join(
            f"{file.name} ({file.content_type}, {file.size}{', inline' if file.inline else ''})"
            for file in message.files
        )
    return str(getattr(message, name) or "")
