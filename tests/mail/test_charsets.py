import codecs

import pytest

from chalicelib.mail import charsets
from chalicelib.mail.charsets import codec, decode


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("gb2312", "中文镕".encode("gb18030"), "中文镕"),
        ("x-gbk", "中文".encode("gbk"), "中文"),
        ("ks_c_5601-1987", "한국똠".encode("cp949"), "한국똠"),
        ("shift_jis", "①日本".encode("cp932"), "①日本"),
        ("iso-8859-1", b"\x93caf\xe9\x94 \x80", "\u201ccafé\u201d €"),
        ("Windows-1251", "Привет".encode("cp1251"), "Привет"),
        ("us-ascii", "naïve".encode(), "naïve"),
        ("unicode-1-1-utf-7", b"Fr+APY-sche", "Frösche"),
        ('"UTF-8"', "ü".encode(), "ü"),
        ("utf-8", b"\xef\xbb\xbfx", "x"),
        ("iso-2022-jp", "日本".encode("iso-2022-jp"), "日本"),
    ],
)
def test_a_label_is_read_as_senders_mean_it(label, data, text):
    assert decode(data, label) == text


@pytest.mark.parametrize(
    "label",
    ["unknown-8bit", "x\0y", "é", "\udcff", "punycode", "unicode_escape", "rot13", "zlib", "idna", "../x", "a" * 99],
)
def test_a_label_that_means_no_charset_is_as_good_as_none(label):
    assert codec(label) is None
    assert decode("café".encode(), label) == "café"


def test_without_a_label_the_other_parts_give_the_hint():
    russian = "Здравствуйте".encode("koi8-r")
    assert decode(russian, None, hint="koi8-r") == "Здравствуйте"
    assert decode(b"caf\xe9", None, hint="utf-8") == "café"
    assert decode("日本".encode("iso-2022-jp")) == "日本"
    assert decode(codecs.BOM_UTF16_LE + "ü".encode("utf-16-le")) == "ü"


def test_utf_8_with_a_broken_character_is_not_another_charset():
    assert decode("größer und schöner".encode() + b"\xc3", "utf-8") == "größer und schöner\ufffd"
    assert decode("größer".encode("latin-1"), "utf-8") == "größer"


def test_what_cannot_be_stored_is_scrubbed():
    assert decode(b"a\0b+2AA-c", "utf-7") == "ab\ufffdc"
    assert charsets.scrub("\ud800") == "\ufffd"


@pytest.mark.parametrize(
    "label", sorted({*charsets.ALIASES, *charsets._WIDE, "koi8-u", "mac_latin2", "iso-8859-15", "cp437"})
)
def test_every_charset_of_the_list_reads_any_bytes(label):
    assert codec(label)
    decode(bytes(range(256)) * 2, label).encode("utf-8")
