"""
From the tree of parts to what a person would see: the text, the HTML, the files.

Of an alternative the plain text is read and the HTML is kept; where there is no plain text, the HTML is read as text.
All that is neither is an attachment, and has a name that is safe to show and to store.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from chalicelib.mail import headers, html
from chalicelib.mail.charsets import decode
from chalicelib.mail.mime import Part

_HTML = ("text/html", "application/xhtml+xml")
_TEXT = ("text/plain", "text/markdown", *_HTML)
_NAME_CAP = 150
_UNSAFE = re.compile('[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"<>|*?:]+')
_CID = re.compile(r"""cid:([^"'\s>)]{1,300})""", re.IGNORECASE)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Body:
    """
    What a mail says and carries.
    """

    text: str
    html: str | None
    attachments: tuple[Attachment, ...]
    omitted: tuple[str, ...] = ()


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


def body(root: Part) -> Body:
    """
    Return what the mail under *root* says and carries.
    """
    gathering = _Gathering(charset_hint(root))
    _gather(root, gathering)
    passages = gathering.passages
    pages = [html.tokens(each.html) for each in passages]
    said = [
        each.plain if each.plain.strip() else html.laid_out(page) for each, page in zip(passages, pages, strict=True)
    ]
    markup = "\n".join(each.html for each in passages if each.html)
    omitted = []
    if len(markup) > html.SIZE_CAP:
        omitted.append("HTML over 1 MB")
    elif any(html.levels(page) > html.LEVEL_CAP for page in pages):
        omitted.append(f"HTML over {html.LEVEL_CAP} levels")
    return Body(
        text="\n".join(each.rstrip() + "\n" for each in said if each.strip()).strip("\n"),
        html=markup if markup and not omitted else None,
        attachments=_attachments(gathering.files, markup, gathering.hint),
        omitted=tuple(omitted),
    )


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
    for line in said.split("\n"):
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
    return "".join(out)


def _attachments(files: list[Part], markup: str, hint: str | None) -> tuple[Attachment, ...]:
    shown = {unquote(cid) for cid in _CID.findall(markup)}
    found = []
    for number, part in enumerate(files, start=1):
        content = part.content()
        cid = headers.text(part.headers.get("content-id")).strip("<> ") or None
        found.append(
            Attachment(
                name=_name(part, number, hint),
                content_type=part.content_type,
                size=len(content),
                inline=part.disposition == "inline" or cid in shown,
                content_id=cid,
                content=content,
            )
        )
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
