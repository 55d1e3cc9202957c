"""
The tree of a mail's parts, and what each part holds.

A boundary is looked for in the bytes of its own multipart only, so the work is (levels x size) at most, and an inner
part that never ends is ended by the outer boundary. A message inside a message is a leaf: it is kept whole.

| cap | figure | over it |
|---|---|---|
| mail | 40 MB | the rest is left out |
| levels | 20 | the part stays closed |
| parts | 100 | the following parts are left out |
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.frozen import frozen
from chalicelib.mail import headers as header_block
from chalicelib.mail.headers import Headers, base64_bytes

MAIL_CAP = 40 * 1024 * 1024
LEVEL_CAP = 20
PART_CAP = 100

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,100}/[a-z0-9!#$&^_.+*-]{1,100}")
_SNIFFED_BOUNDARY = re.compile(rb"(?:\r*\n){0,5}--([!-~]{1,200})[ \t]*\r*\n")
_MBOX = re.compile(rb"(?:\xef\xbb\xbf)?(?:[ \t]*+[\r\n]++)*+(?:>?From (?! *:)[^\r\n]*+[\r\n]++)?(?:[ \t]*+[\r\n]++)*+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=\s]")
_SAMPLE = 4096


@frozen
class Part:
    """
    One part: its headers, its bytes as they were sent, and the parts in it.
    """

    headers: Headers
    content_type: str
    parameters: dict[str, str]
    body: bytes
    children: tuple["Part", ...] = ()

    @property
    def disposition(self) -> str:
        return header_block.parameters(self.headers.get("content-disposition"))[0]

    def content(self) -> bytes:
        """
        Return the body with its transfer encoding undone (RFC 2045 6); an encoding that is not true is left alone.
        """
        return _decoded(self.body, self.headers.get("content-transfer-encoding").lower().strip(" \t\"';"))

    def walk(self) -> Iterator["Part"]:
        """
        Yield this part and all in it, in the order of the mail.
        """
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(slots=True)
class _Reading:
    """
    What is being read: the bytes, how many parts there have been, and what was left out.
    """

    raw: bytes
    parts: int = 0
    omitted: list[str] = field(default_factory=list)


def parse(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """
    Return the root part of *raw*, and the names of what a cap left out.
    """
    reading = _Reading(unwrapped(raw[:MAIL_CAP]))
    if len(raw) > MAIL_CAP:
        reading.omitted.append("what follows the first 40 MB")
    root = _part(reading, 0, len(reading.raw), level=1, default="text/plain")
    return root, tuple(dict.fromkeys(reading.omitted))


def unwrapped(raw: bytes) -> bytes:
    """
    Return the mail itself: without a byte order mark, blank lines or an mbox "From " line before it, its lines ending
    in LF or CRLF even where the sender used a lone CR.
    """
    first = raw.find(b"\n")
    if b"\r" in raw[: first if first >= 0 else len(raw)].rstrip(b"\r"):
        raw = re.sub(rb"\r(?!\n)", b"\n", raw)
    before = _MBOX.match(raw)
    return raw[before.end() :] if before else raw


def _part(reading: _Reading, start: int, end: int, *, level: int, default: str) -> Part:
    reading.parts += 1
    block, body_at = header_block.split(reading.raw, start, end)
    declared, parameters = header_block.parameters(block.get("content-type"))
    kind = declared if _TYPE.fullmatch(declared) else default if not declared else "text/plain"
    reading.omitted += block.omitted
    children: tuple[Part, ...] = ()
    if kind.startswith("multipart/"):
        children = _children(reading, body_at, end, level, kind, parameters) or _encoded_children(
            reading, block, reading.raw[body_at:end], level, kind, parameters
        )
        # A multipart that cannot be taken apart is shown as it stands.
        kind = kind if children else "text/plain"
    return Part(block, kind, parameters, b"" if children else reading.raw[body_at:end], children)


def _children(
    reading: _Reading, start: int, end: int, level: int, kind: str, parameters: dict[str, str]
) -> tuple[Part, ...]:
    boundary = parameters.get("boundary", "").encode("utf-8") or _sniffed(reading.raw, start, end)
    if not boundary:
        return ()
    if level >= LEVEL_CAP:
        reading.omitted.append(f"{kind} below {LEVEL_CAP} levels")
        return ()
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    children = []
    for part_start, part_end in _sections(reading.raw, start, end, boundary):
        if reading.parts >= PART_CAP:
            reading.omitted.append(f"parts after the first {PART_CAP}")
            break
        children.append(_part(reading, part_start, part_end, level=level + 1, default=default))
    return tuple(children)


def _encoded_children(
    reading: _Reading, block: Headers, body: bytes, level: int, kind: str, parameters: dict[str, str]
) -> tuple[Part, ...]:
    """
    Take a multipart apart that was encoded as a whole, which RFC 2045 6.4 forbids and some programs do.
    """
    encoding = block.get("content-transfer-encoding").lower().strip(" \t\"';")
    if encoding != "base64" or level >= LEVEL_CAP:
        return ()
    decoded = _decoded(body, encoding)
    inner = _Reading(b"\n" + decoded, reading.parts)
    children = _children(inner, 1, len(inner.raw), level, kind, parameters) if decoded != body else ()
    reading.parts = inner.parts
    reading.omitted += inner.omitted
    return children


def _sniffed(raw: bytes, start: int, end: int) -> bytes:
    found = _SNIFFED_BOUNDARY.match(raw, start, end)
    return found[1] if found else b""


def _sections(raw: bytes, start: int, end: int, boundary: bytes) -> Iterator[tuple[int, int]]:
    """
    Yield where each part of a multipart begins and ends (RFC 2046 5.1); the last one may go without its closing line.
    """
    line = re.compile(rb"\n--" + re.escape(boundary) + rb"(--)?[ \t]*+\r*+(?:\n|\Z)")
    opened = None
    at = max(0, start - 1)
    while found := line.search(raw, at, end):
        if opened is not None:
            yield opened, max(opened, found.start() - (raw[found.start() - 1 : found.start()] == b"\r"))
        if found[1]:
            return
        opened = min(found.end(), end)
        at = max(found.start() + 1, found.end() - 1)
    if opened is not None:
        yield opened, end


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "base64":
        sample = body[:_SAMPLE]
        false = 10 * len(_NOT_BASE64.findall(sample)) > len(sample) + 40
        return body if false else base64_bytes(body)
    if encoding in ("quoted-printable", "quoted_printable", "qp"):
        return binascii.a2b_qp(body)
    if encoding in ("x-uuencode", "uuencode", "x-uue"):
        return _uudecoded(body)
    return body


def _uudecoded(body: bytes) -> bytes:
    out = []
    inside = False
    for line in body.splitlines():
        if not inside:
            inside = line.startswith(b"begin ")
        elif line.strip() in (b"end", b"`"):
            break
        else:
            out.append(_uu_line(line))
    return b"".join(out) if inside else body


def _uu_line(line: bytes) -> bytes:
    try:
        return binascii.a2b_uu(line)
    except binascii.Error:
        # Some encoders pad the last line beyond its count (the same mercy as in Python's own email package).
        try:
            return binascii.a2b_uu(line[: (((line[0] - 32) & 63) * 4 + 5) // 3])
        except binascii.Error:
            return b""


_UU_BEGINS = re.compile(r"begin [0-7]{3,4} (\S.{0,200})")
_UU_LINE = re.compile(r"[ -`]{1,64}")


def uuencoded(said: str) -> tuple[str, list[tuple[str, bytes]]]:
    """
    Take uuencoded files out of a text.

    Returns:
        The text without them, and (name, bytes) of each file that is whole. What begins like one and does not end stays.
    """
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    held: list[str] = []
    for line in said.split("\n"):
        bare = line.rstrip("\r")
        if held and bare.rstrip() == "end":
            name = _UU_BEGINS.match(held[0])
            files.append((name[1] if name else "", _uudecoded("\n".join([*held, "end"]).encode("latin-1", "replace"))))
            held = []
        elif (held and _UU_LINE.fullmatch(bare)) or (not held and _UU_BEGINS.fullmatch(bare)):
            held.append(bare)
        else:
            kept += [*held, line]
            held = []
    return "\n".join([*kept, *held]), files
