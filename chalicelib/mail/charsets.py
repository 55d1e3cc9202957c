"""
Bytes to text, whatever the label says.

A label is honoured when it names a charset of the list below and the bytes fit it. Without one: UTF-8, then what the
mail's other parts are in, then Windows-1252, which reads any byte. Nothing here raises, and what comes out holds no
NUL and no lone surrogate, so it can be stored as UTF-8.
"""

import codecs
import re

# What senders write, and what they mean: mostly the superset that mail programs really use.
ALIASES = {
    "ascii": "utf-8",
    "us-ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "646": "utf-8",
    "utf8": "utf-8",
    "utf-8": "utf-8-sig",
    "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-9": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "iso-gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "big5": "big5hkscs",
    "ks_c_5601": "cp949",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "x-sjis": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-mac-roman": "mac_roman",
    "macintosh": "mac_roman",
}

# Python's names of the codecs that mean a charset and are linear; it knows others (punycode, unicode_escape) that a
# stranger must not choose. The single-byte pages stand apart.
_WIDE = frozenset(
    [
        "utf-8",
        "utf-8-sig",
        "utf-7",
        "utf-16",
        "utf-16-le",
        "utf-16-be",
        "utf-32",
        "utf-32-le",
        "utf-32-be",
        "gb18030",
        "hz",
        "big5",
        "big5hkscs",
        "cp949",
        "johab",
        "cp932",
        "euc_jp",
        "euc_jis_2004",
        "shift_jis_2004",
        "iso2022_jp",
        "iso2022_jp_1",
        "iso2022_jp_2",
        "iso2022_jp_2004",
        "iso2022_jp_3",
        "iso2022_jp_ext",
        "iso2022_kr",
    ]
)
_SINGLE = re.compile(r"cp\d{3,4}|iso8859-\d{1,2}|koi8-[rtu]|mac-[a-z]+\d?|kz1048|ptcp154|hp-roman8")

_LABEL = re.compile(r"[a-z0-9._:-]{1,40}")
_UNSTORABLE = re.compile("[\ud800-\udfff]")
_ABOVE_ASCII = re.compile("[^\x00-\x7f\ufffd]")
_ISO_2022_JP = re.compile(rb"\x1b(?:\$[@B]|\([IJ])")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def codec(label: str | None) -> str | None:
    """
    Return the Python codec that *label* means; None for a label that means no charset.
    """
    word = next(iter((label or "").lower().split()), "")
    name = word.strip("\"'").replace("windows-", "cp").replace("cp-", "cp")
    if not _LABEL.fullmatch(name):
        return None
    try:
        found = codecs.lookup(ALIASES.get(name, name)).name
    except LookupError:
        return None
    return found if found in _WIDE or _SINGLE.fullmatch(found) else None


def decode(data: bytes, label: str | None = None, *, hint: str | None = None) -> str:
    """
    Return *data* as text.

    Args:
        data: The bytes, transfer encoding already undone.
        label: The charset that the sender names for them.
        hint: The charset of the mail's other parts, for bytes without a usable label.
    """
    chosen = codec(label)
    if chosen is None or (chosen.startswith("utf-8") and not _mostly_utf_8(data)):
        return scrub(_guess(data, codec(hint)))
    return scrub(_fit(data, chosen) or _fit(data, "utf-8") or data.decode(chosen, "replace"))


def scrub(text: str) -> str:
    """
    Return *text* without what cannot be stored: NUL goes, a lone surrogate becomes U+FFFD.
    """
    return _UNSTORABLE.sub("\ufffd", text.replace("\0", ""))


def _fit(data: bytes, chosen: str) -> str | None:
    try:
        return data.decode(chosen)
    except UnicodeError:
        return None


def _mostly_utf_8(data: bytes) -> bool:
    """
    Tell UTF-8 with a broken character in it from another charset under a wrong label.
    """
    if data.isascii() or _fit(data, "utf-8") is not None:
        return True
    text = data.decode("utf-8", "replace")
    return len(_ABOVE_ASCII.findall(text)) > text.count("\ufffd")


def _guess(data: bytes, hint: str | None) -> str:
    for bom, chosen in _BOMS:
        if data.startswith(bom):
            return data.decode(chosen, "replace")
    escaped = data.isascii() and _ISO_2022_JP.search(data)
    for candidate in ("iso2022_jp_ext" if escaped else None, "utf-8", hint):
        text = _fit(data, candidate) if candidate else None
        if text is not None:
            return text
    return data.decode("cp1252", "replace")
