"""
From the tree of parts to what a person would see: the text, the HTML, the files.

Of an alternative the plain text is read and the HTML is kept; where there is no plain text, the HTML is read as text.
All that is neither is an attachment, and has a name that is safe to show and to store.
"""

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from urllib.parse import unquote

from chalicelib.frozen import frozen
from chalicelib.mail import headers, html
from chalicelib.mail.charsets import decode
from chalicelib.mail.mime import Part, uuencoded

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("text/plain", "text/markdown", *_HTML)
_NAME_CAP = 150
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"<>|*?:]+')
_CID = re.compile(r"""cid:([^"'\s>)]{1,300})""", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_FLOWED_LINES = 50_000
_SURE_WORDS = 12
_ENOUGH_WORDS = 4
_FIRST_LINES = 12
_QUOTE_MARKS = re.compile(r">*+")

# Endings for parts without a name; the rest is .bin.
_ENDINGS = {
    "application/json": ".json",
    "application/msword": ".doc",
    "application/ms-tnef": ".dat",
    "application/pdf": ".pdf",
    "application/pgp-keys": ".asc",
    "application/pgp-signature": ".asc",
    "application/pkcs7-mime": ".p7m",
    "application/pkcs7-signature": ".p7s",
    "application/x-pkcs7-signature": ".p7s",
    "application/xml": ".xml",
    "application/zip": ".zip",
    "audio/mpeg": ".mp3",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/jpeg": ".jpg",
    "image/jpg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "message/delivery-status": ".txt",
    "message/disposition-notification": ".txt",
    "message/feedback-report": ".txt",
    "message/rfc822": ".eml",
    "text/calendar": ".ics",
    "text/css": ".css",
    "text/csv": ".csv",
    "text/html": ".html",
    "text/plain": ".txt",
    "text/rfc822-headers": ".txt",
    "text/vcard": ".vcf",
    "text/x-vcard": ".vcf",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
}
_KINDS = {
    ending: kind for kind, ending in reversed(_ENDINGS.items()) if not kind.startswith("message/") or ending == ".eml"
}


@frozen
class Attachment:
    """
    A file that came with the mail. *inline*: it stands in the text, as a picture in the HTML does (RFC 2392).
    """

    name: str
    content_type: str
    size: int
    inline: bool
    content_id: str | None
    content: bytes


@frozen
class Body:
    """
    What a mail says and carries.

    *html* is as it was sent; *framed* are the numbers of the lines of *text* that the mail's HTML frames as an older mail.
    """

    text: str
    html: str | None
    attachments: tuple[Attachment, ...]
    omitted: tuple[str, ...] = ()
    framed: frozenset[int] = frozenset()


@dataclass(slots=True)
class _Passage:
    """
    One stretch of the mail: in plain text, in HTML, or in both.
    """

    plain: str = ""
    html: str = ""


@dataclass(slots=True)
class _Gathering:
    hint: str | None
    passages: list[_Passage] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    uuencoded: list[tuple[str, bytes]] = field(default_factory=list)


def body(root: Part) -> Body:
    """
    Return what the mail under *root* says and carries.
    """
    gathering = _Gathering(charset_hint(root))
    _gather(root, gathering)
    passages = [_split_off(each, gathering) for each in gathering.passages]
    pages = [html.tokens(each.html) if each.html else [] for each in passages]
    markup = "\n".join(each.html for each in passages if each.html)
    refusals = (html.refusal(markup, page) for page in pages)
    omitted = next((words for words in refusals if words), None)
    text, framed = _joined([_laid_out(each, page) for each, page in zip(passages, pages, strict=True)])
    return Body(
        text=text,
        html=markup if markup and not omitted else None,
        attachments=_attachments(gathering, markup),
        omitted=(omitted,) if omitted else (),
        framed=framed,
    )


def _laid_out(passage: _Passage, page: list[html.Token]) -> html.Layout:
    """
    Return the lines of a passage: of its plain text, where there is one, framed as its HTML says.
    """
    if not passage.plain.strip():
        return html.laid_out(page)
    lines = tuple(passage.plain.split("\n"))
    if not page:
        return html.Layout(lines)
    return html.Layout(lines, framed_in(lines, html.laid_out(page)))


def framed_in(lines: tuple[str, ...], page: html.Layout) -> frozenset[int]:
    """
    Find in plain *lines* the older mail with which the HTML of the same mail ends; empty if it cannot be told surely.
    """
    last = max(
        (number for number, line in enumerate(page.lines) if line.strip("> ") and number not in page.quoted), default=-1
    )
    older = [number for number in page.quoted if number > last and page.lines[number].strip("_ ")]
    if not older:
        return frozenset()
    words = [word for number in sorted(older)[:_FIRST_LINES] for word in _WORD.findall(page.lines[number].casefold())]
    begins = [f" {' '.join(_WORD.findall(line.casefold()))}" for line in lines]
    said = "".join(begins)
    for wanted in (words[:_SURE_WORDS], words[:_ENOUGH_WORDS]):
        phrase = f" {' '.join(wanted)} "
        if len(wanted) >= _ENOUGH_WORDS and f"{said} ".count(phrase) == 1:
            starts = [0, *accumulate(len(each) for each in begins)]
            at = f"{said} ".find(phrase)
            line = bisect_left(starts, at)
            return frozenset(range(line, len(lines))) if line < len(lines) and starts[line] == at else frozenset()
    return frozenset()


def _joined(layouts: list[html.Layout]) -> tuple[str, frozenset[int]]:
    """
    Join passages with a blank line between them.
    """
    lines: list[str] = []
    framed: set[int] = set()
    for layout in layouts:
        said = [number for number, line in enumerate(layout.lines) if line.strip()]
        if not said:
            continue
        lines += [""] if lines else []
        first = said[0] if not lines else 0
        framed.update(number - first + len(lines) for number in layout.quoted if first <= number <= said[-1])
        lines += layout.lines[first : said[-1]]
        lines.append(layout.lines[said[-1]].rstrip())
    return "\n".join(lines), frozenset(framed)


def _split_off(passage: _Passage, gathering: _Gathering) -> _Passage:
    """
    Take uuencoded files out of a plain text, as programs wrote them before there was MIME.
    """
    if not passage.plain or "\nend" not in passage.plain:
        return passage
    said, files = uuencoded(passage.plain)
    gathering.uuencoded += files
    return _Passage(said, passage.html)


def charset_hint(root: Part) -> str | None:
    """
    Return the first charset that a part of the mail names, for text that names none.
    """
    return next((part.parameters["charset"] for part in root.walk() if "charset" in part.parameters), None)


def _gather(part: Part, gathering: _Gathering) -> None:
    if part.children:
        first = len(gathering.passages)
        for child in part.children:
            _gather(child, gathering)
        if part.content_type == "multipart/alternative":
            gathering.passages[first:] = [_merged(gathering.passages[first:])]
    elif _is_text(part, gathering):
        gathering.passages.append(_passage(part, gathering.hint))
    else:
        gathering.files.append(part)


def _merged(passages: list[_Passage]) -> _Passage:
    return _Passage(
        "\n".join(each.plain for each in passages if each.plain), "\n".join(each.html for each in passages if each.html)
    )


def _is_text(part: Part, gathering: _Gathering) -> bool:
    disposition, parameters = headers.parameters(part.headers.get("content-disposition"))
    if part.content_type not in _TEXT or disposition == "attachment":
        return False
    # A name on the first text part is a whim of the program that wrote it; on a later one it is a file.
    named = parameters.get("filename") or part.parameters.get("name")
    return not named or (not gathering.passages and not disposition)


def _passage(part: Part, hint: str | None) -> _Passage:
    said = decode(part.content(), part.parameters.get("charset"), hint=hint)
    said = said.replace("\r\n", "\n").replace("\r", "\n")
    if part.content_type in _HTML:
        return _Passage(html=said)
    if part.parameters.get("format", "").lower() == "flowed":
        said = flowed(said, delsp=part.parameters.get("delsp", "").lower() == "yes")
    return _Passage(plain=said)


def flowed(said: str, *, delsp: bool = False) -> str:
    """
    Join the lines that a program wrapped (RFC 3676 4): a blank at the end means that the line goes on.
    """
    out: list[str] = []
    open_depth: int | None = None
    lines = said.split("\n")
    for line in lines[:_FLOWED_LINES]:
        depth = len(_QUOTE_MARKS.match(line)[0])  # type: ignore[index]  # matches the empty string
        content = line[depth:].removeprefix(" ")
        signature = content == "-- "
        if open_depth == depth and not signature:
            out.append(content)
        else:
            out.append(("\n" if out else "") + ">" * depth + (" " if depth else "") + content)
        open_depth = depth if content.endswith(" ") and not signature else None
        if open_depth is not None and delsp:
            out[-1] = out[-1][:-1]
    return "\n".join(["".join(out), *lines[_FLOWED_LINES:]])


def _attachments(gathering: _Gathering, markup: str) -> tuple[Attachment, ...]:
    shown = {unquote(cid) for cid in _CID.findall(markup)}
    found = []
    for number, part in enumerate(gathering.files, start=1):
        content = part.content()
        cid = headers.text(part.headers.get("content-id")).strip("<> ") or None
        found.append(
            Attachment(
                name=_name(part, number, gathering.hint),
                content_type=part.content_type,
                size=len(content),
                inline=part.disposition == "inline" or cid in shown,
                content_id=cid,
                content=content,
            )
        )
    for number, (name, content) in enumerate(gathering.uuencoded, start=len(found) + 1):
        safe = safe_name(name) or f"attachment-{number}.bin"
        kind = _KINDS.get(safe.lower()[safe.rfind(".") :], "application/octet-stream")
        found.append(Attachment(safe, kind, len(content), inline=False, content_id=None, content=content))
    return tuple(found)


def _name(part: Part, number: int, hint: str | None) -> str:
    _, parameters = headers.parameters(part.headers.get("content-disposition"), hint=hint)
    given = parameters.get("filename") or part.parameters.get("name") or ""
    ending = _ENDINGS.get(part.content_type, ".bin")
    return safe_name(given) or f"attachment-{number}{ending}"


def safe_name(given: str) -> str:
    """
    Return a file name without folders, control, direction or shell characters; "" if nothing is left of it.
    """
    last = given.replace("\\", "/").rstrip("/ ").rpartition("/")[2]
    name = " ".join(_UNSAFE.sub(" ", last).split()).strip(". ")
    stem, dot, ending = name.rpartition(".")
    if len(name) <= _NAME_CAP:
        return name
    return stem[: _NAME_CAP - len(ending) - 1] + dot + ending if dot and len(ending) <= 10 else name[:_NAME_CAP]  # noqa: PLR2004
