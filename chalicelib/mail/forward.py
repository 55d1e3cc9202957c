"""
A mail that somebody passes on with `@fwd` on top: who wrote it first, and what.

| forwarded as | the original is |
|---|---|
| words | what follows the first block of headers (From, Date, Subject, To, in any language that the reader knows) |
| a file | the first message/rfc822 attachment |
"""

import re

from chalicelib.frozen import frozen, replace
from chalicelib.mail import headers, reply, signs
from chalicelib.mail.headers import Address
from chalicelib.mail.reader import Mail, read

_HEADER_LINES = 12
_QUOTE = re.compile(r"\s{0,3}>\s?")
_COLON = re.compile("[:\uff1a]")
_MAILTO = str.maketrans({"[": "<", "]": ">", "*": None, "\uff1c": "<", "\uff1e": ">"})


@frozen
class Original:
    """The mail that was passed on, as if it had come by itself, and what stands above it: the command and a comment."""

    sender: Address
    mail: Mail
    comment: str


@frozen
class _Block:
    """The headers of a mail among the lines of another: whom they name, its subject, and the lines where it begins and ends."""

    sender: Address
    subject: str
    begins: int
    ends: int


def commands(mail: Mail, word: str) -> bool:
    """Tell whether the first line of a mail is *word*, and nothing else."""
    return mail.full_text.lstrip().partition("\n")[0].strip().casefold() == word


def original(mail: Mail) -> Original | None:
    """Return the mail that *mail* passes on; None when nobody is named who wrote it."""
    lines = mail.full_text.split("\n")[: reply.LINE_CAP]
    block = next((found for at in range(len(lines)) if (found := _block(lines, at))), None)
    if block:
        return Original(block.sender, _written_out(mail, block), _above(lines, block.begins))
    for file in mail.attachments:
        if file.content_type == "message/rfc822":
            inner = read(file.content)
            if inner.sender and not inner.error:
                attached = replace(
                    inner, in_reply_to=(), references=(), attachments=(*inner.attachments, *mail.attachments)
                )
                return Original(inner.sender, attached, mail.text.strip())
    return None


def _written_out(mail: Mail, block: _Block) -> Mail:
    """Return the mail under a block of headers; it has no HTML and no Message-ID of its own any more."""
    lines = mail.full_text.split("\n")
    rest = lines[block.ends :]
    if _QUOTE.match(lines[block.begins]):
        rest = [_QUOTE.sub("", line, count=1) for line in rest]
    words = "\n".join(rest).strip()
    parted = reply.split(words)
    return Mail(
        subject=block.subject or mail.subject,
        sender=block.sender,
        senders=(block.sender,),
        date=mail.date,
        text=parted.text,
        quoted_text=parted.quoted_text,
        full_text=words,
        attachments=mail.attachments,
        received_count=mail.received_count,
        omitted=mail.omitted,
    )


def _block(lines: list[str], at: int) -> _Block | None:
    """Return the block of headers that begins on the line *at*: two headers at least, of which one names a sender."""
    said: dict[str, str] = {}
    last = at
    for number in range(at, min(at + _HEADER_LINES, len(lines))):
        line = _bare(lines[number])
        kind = signs.labelled(line)
        if not line.strip() or (number == at and kind is None):
            break
        if kind:
            said.setdefault(kind, _COLON.split(line, maxsplit=1)[1])
            last = number
    else:
        return _named(said, at, last + 1)
    return _named(said, at, number)


def _named(said: dict[str, str], begins: int, ends: int) -> _Block | None:
    if len(said) < 2 or "sender" not in said:  # noqa: PLR2004 one label alone is a word with a colon
        return None
    value = said["sender"].translate(_MAILTO).replace("<mailto:", "<")
    sender = next(iter(headers.addresses(headers.raw_value(value), hint="utf-8")), None)
    return _Block(sender, said.get("subject", "").strip(" *"), begins, ends) if sender else None


def _above(lines: list[str], begins: int) -> str:
    """Return what was written over the forwarded mail, without the line that programs put there."""
    above = [_bare(line).strip() for line in lines[:begins]]
    while above and (not above[-1] or signs.announces(above[-1])):
        above.pop()
    return "\n".join(above).strip()


def _bare(line: str) -> str:
    return _QUOTE.sub("", line[: signs.LOOKED_AT], count=1).translate(signs.DIRECTIONS)
