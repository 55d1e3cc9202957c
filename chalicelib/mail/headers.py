"""
Headers: from raw bytes to names, text, addresses, ids, dates and parameters.

A raw value is kept as a str of Latin-1, so that each character is one byte of the mail and nothing is lost before the
charset is known. Every function here is linear in a value that is already capped.

| cap | figure | over it |
|---|---|---|
| header block | 64 KB | the headers after it are left out |
| one header | 16 KB | cut there |
| parameters of a header | 50 | the others are left out |
"""

import binascii
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz
from itertools import islice

from chalicelib.frozen import frozen
from chalicelib.mail.charsets import decode, scrub

BLOCK_CAP = 64 * 1024
HEADER_CAP = 16 * 1024
PARAMETER_CAP = 50
_DATE_CAP = 200

_NAME = re.compile(rb"([!-9;-~]{1,200}+)[ \t]*+:")
_BLANK_LINE = re.compile(rb"\n\r*\n")
_ENCODED = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*+)\?=")
_QUOTED = re.compile(r"=([0-9A-Fa-f]{2})")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_FOLD = re.compile(r"[\r\n]++(?=[ \t])")
_ID = re.compile(r"<([^<>]++)>")
_PARAMETER = re.compile(r';\s*+([^\s=;"]++)\s*+=\s*+("(?:[^"\\]|\\.)*+"?|[^;]*+)', re.DOTALL)
_CONTINUED = re.compile(r"([^*]++)(?:\*(\d{1,3}))?(\*)?")


@frozen
class Address:
    """
    One mail address: the local part as it was written, the domain in lower case.
    """

    address: str
    name: str = ""

    @property
    def key(self) -> str:
        """
        What two spellings of one address have in common.
        """
        return self.address.lower()

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>" if self.name else self.address


@frozen
class Headers:
    """
    A header block: (lower-case name, raw value) in order of appearance, and what a cap left out.
    """

    items: tuple[tuple[str, str], ...] = ()
    omitted: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return any(found == name for found, _ in self.items)

    def get(self, name: str) -> str:
        """
        Return the first raw value of the header *name* (lower case); "" without one.
        """
        return next((value for found, value in self.items if found == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        return tuple(value for found, value in self.items if found == name)


def split(raw: bytes, start: int, end: int) -> tuple[Headers, int]:
    """
    Read the header block that begins at *start*.

    Returns:
        The headers, and where the body begins: after the blank line, or at the first line that can be no header and
        is followed by none.
    """
    block_end = min(end, start + BLOCK_CAP)
    lines: list[tuple[int, int]] = []
    at, omitted = start, []
    while at < end:
        if at >= block_end:
            omitted.append("headers after the first 64 KB")
            body = _BLANK_LINE.search(raw, at - 1, end)
            at = body.end() if body else end
            break
        line_end = _line_end(raw, at, end)
        if not _is_header(raw, at, line_end):
            blank = raw[at:line_end].isspace()
            empty = blank and not raw[at:line_end].strip(b"\r\n")
            if empty or not lines or not _is_header(raw, line_end, _line_end(raw, line_end, end)):
                at = line_end if blank else at
                break
        lines.append((at, line_end))
        at = line_end
    return _joined(raw, lines, omitted), at


def _line_end(raw: bytes, at: int, end: int) -> int:
    return raw.find(b"\n", at, end) + 1 or end


def _is_header(raw: bytes, at: int, line_end: int) -> bool:
    """
    Tell whether a line belongs to a header: it begins one, or goes on with one.
    """
    if raw[at : at + 1] in (b" ", b"\t"):
        return not raw[at:line_end].isspace()
    return _NAME.match(raw, at, line_end) is not None


def _joined(raw: bytes, lines: list[tuple[int, int]], omitted: list[str]) -> Headers:
    items: list[tuple[str, list[str]]] = []
    for at, line_end in lines:
        line = raw[at : min(line_end, at + 2 * HEADER_CAP)]
        named = _NAME.match(line)
        if named:
            items.append((named[1].decode("ascii").lower(), [line[named.end() :].decode("latin-1")]))
        elif items and line[:1] in (b" ", b"\t"):
            items[-1][1].append(line.decode("latin-1"))
    capped = []
    for name, pieces in items:
        value = "".join(pieces).strip(" \t\r\n")
        if len(value) > HEADER_CAP:
            omitted.append(f"the header {name} after its first 16 KB")
        capped.append((name, value[:HEADER_CAP]))
    return Headers(tuple(capped), tuple(omitted))


def raw_value(said: str) -> str:
    """
    Return decoded text as a raw value, for what quotes headers in its words.
    """
    return said.encode("utf-8", "replace").decode("latin-1")


def text(value: str, *, hint: str | None = None) -> str:
    """
    Return a raw value as people read it: encoded words decoded (RFC 2047), unfolded, without control characters.
    """
    return _CONTROL.sub(" ", _FOLD.sub("", _decoded(value, hint))).strip()


def _decoded(value: str, hint: str | None) -> str:
    """
    Decode encoded words; what neighbours in one charset say is joined as bytes first, since a character may be cut in two.
    """
    if value.isascii() and "=?" not in value and "\x1b" not in value:
        return scrub(value)
    out: list[str] = []
    pending = b""
    charset = ""
    at = 0
    for word in _ENCODED.finditer(value):
        between = value[at : word.start()]
        label = word[1].partition("*")[0].lower()
        if pending and (between.strip() or label != charset):
            out.append(decode(pending, charset, hint=hint))
            pending = b""
        if between.strip():
            out.append(decode(between.encode("latin-1"), hint=hint))
        pending += _word_bytes(word[2], word[3])
        charset, at = label, word.end()
    out.append(decode(pending, charset, hint=hint))
    out.append(decode(value[at:].encode("latin-1"), hint=hint))
    return scrub("".join(out))


def _word_bytes(encoding: str, payload: str) -> bytes:
    if encoding in "bB":
        return base64_bytes(payload.encode("latin-1"))
    return _QUOTED.sub(_byte, payload.replace("_", " ")).encode("latin-1")


def _byte(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16))


_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(byte for byte in range(256) if byte not in _BASE64)
_PADDED_CAP = 1000


def base64_bytes(data: bytes) -> bytes:
    """
    Decode base64 as it comes: blanks, strange characters, missing padding, several padded runs one after the other.
    """
    runs = data.rstrip(b"=\r\n \t").split(b"=")
    if len(runs) > _PADDED_CAP:
        runs = [data]
    return b"".join(_base64_run(run.translate(None, _NOT_BASE64)) for run in runs)


def _base64_run(run: bytes) -> bytes:
    whole = run[:-1] if len(run) % 4 == 1 else run
    return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))


def ids(value: str) -> tuple[str, ...]:
    """
    Return the message ids of a Message-ID, In-Reply-To or References header, each once, without their brackets.
    """
    unfolded = _CONTROL.sub("", value)
    found = [re.sub(r"\s+", "", match) for match in _ID.findall(unfolded)]
    if not found:
        found = [word.strip("<>,;") for word in value.split() if "@" in word]
    return tuple(dict.fromkeys(one for one in map(scrub, found) if one))


def date(value: str) -> datetime | None:
    """
    Return the moment of a Date header in UTC; None for one that cannot be. Without a zone it is taken as UTC.
    """
    try:
        parsed = parsedate_tz(text(value)[:_DATE_CAP])
        if parsed is None:
            return None
        return datetime(*parsed[:6], tzinfo=UTC) - timedelta(seconds=parsed[9] or 0)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def parameters(value: str, *, hint: str | None = None) -> tuple[str, dict[str, str]]:
    """
    Read a structured value like `text/plain; charset=utf-8` (RFC 2045 5.1, RFC 2231).

    Returns:
        The value itself in lower case, and its parameters by lower-case name. Of two with one name the first counts;
        an extended one (`name*=`) counts more than a plain one.
    """
    main = next(iter(value.partition(";")[0].lower().split()), "")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    for match in islice(_PARAMETER.finditer(value), PARAMETER_CAP):
        name, content = match[1].lower(), _unquoted(match[2].strip())
        shape = _CONTINUED.fullmatch(name)
        if shape is None or (shape[2] is None and shape[3] is None):
            plain.setdefault(name, content)
        else:
            pieces.setdefault(shape[1], {}).setdefault(int(shape[2] or 0), (content, shape[3] is not None))
    found = {name: text(content, hint=hint) for name, content in plain.items()}
    found |= {name: _assembled(numbered, hint) for name, numbered in pieces.items()}
    return main, found


def _unquoted(content: str) -> str:
    if not content.lstrip().startswith('"'):
        return content
    content = content.strip()
    return re.sub(r"\\(.)", r"\1", content[1:].removesuffix('"'), flags=re.DOTALL)


def _assembled(numbered: dict[int, tuple[str, bool]], hint: str | None) -> str:
    """
    Join the pieces of one parameter as bytes, then decode them by the charset that the first one names (RFC 2231 4.1).
    """
    charset = ""
    joined = ""
    for number in sorted(numbered):
        content, extended = numbered[number]
        if extended and number == min(numbered) and content.count("'") > 1:
            charset, _, content = content.split("'", 2)
        joined += _PERCENT.sub(_byte, content) if extended else content
    if not charset:
        return text(joined, hint=hint)
    return _CONTROL.sub(" ", decode(joined.encode("latin-1"), charset, hint=hint)).strip()


_PHRASE_CAP = 20
_TOKEN = re.compile(
    r"=\?[^?\s]{1,80}\?[bBqQ]\?[^?]*+\?="  # an encoded word, commas and all
    r'|"(?:[^"\\]|\\.)*+"?|\([^()]*+|\)|<[^<>]*+>?|[,;:]|\s++|[^\s"(),;:<>=]++|.',
    re.DOTALL,
)


def addresses(value: str, *, hint: str | None = None) -> tuple[Address, ...]:
    """
    Return the addresses of a From, To, Cc or Reply-To header, in order; groups are opened, what has no @ is left out.
    """
    found = _addresses(value, hint)
    if not found and _ENCODED.search(value):
        # Some programs encode the whole header, address and all.
        found = _addresses(raw_value(_decoded(value, hint)), "utf-8")
    return tuple(found)


def _addresses(value: str, hint: str | None) -> list[Address]:
    found: list[Address] = []
    words: list[str] = []
    comment: list[str] = []
    angle = ""
    depth = 0
    for piece in [*_TOKEN.findall(value), ","]:
        if piece[0] == "(":
            depth += 1
            comment.append(piece[1:])
        elif piece == ")":
            depth = max(0, depth - 1)
        elif depth and piece not in ",;":
            comment.append(piece)
        elif piece in ",;":
            one = _address(words, angle, comment, hint)
            found += [one] if one else []
            # A comma that nobody quoted: "Doe, Jane <jane@shop.example>" is one person.
            words = [*words, ", "] if one is None and piece == "," and 0 < len(words) < _PHRASE_CAP else []
            comment, angle, depth = [], "", 0
        elif piece == ":" and "@" not in "".join(words):
            words = []
        elif piece[0] == "<" and "@" not in angle:
            angle = piece.strip("<>")
        elif words and piece[0] not in '"<' and not piece.isspace() and not words[-1].isspace():
            words[-1] += piece
        else:
            words.append(piece)
    return found


def _address(words: list[str], angle: str, comment: list[str], hint: str | None) -> Address | None:
    spec = angle if "@" in angle else next((word for word in words if "@" in word), "")
    name = [_unquoted(word) for word in words if word is not spec]
    spec = spec.rpartition(":")[2] if spec.startswith("@") else spec.strip().removeprefix("mailto:")
    if not spec.startswith('"') or spec.endswith('"'):
        spec = re.sub(r"\s+", "", _unquoted(spec))
    local, _, domain = text(spec, hint=hint).rpartition("@")
    if not local or not domain:
        return None
    said = text("".join(name), hint=hint).strip(" ,") or text("".join(comment), hint=hint)
    return Address(f"{local}@{domain.strip().lower()}", " ".join(said.strip("'\"<> ").split()))
