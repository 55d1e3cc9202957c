from datetime import UTC, datetime

import pytest

from chalicelib.mail import headers
from chalicelib.mail.headers import Address


def raw(text: str) -> str:
    """
    A raw value, in which each character is a byte.
    """
    return text.encode("utf-8").decode("latin-1")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("=?utf-8?q?H=C3=A4llo_you?=", "Hällo you"),
        ("Re: =?utf-8?B?SMOkbGxv?= again", "Re: Hällo again"),
        # a character cut in two by two words
        ("=?utf-8?q?H=C3?=\r\n =?utf-8?q?=A4llo?=", "Hällo"),
        ("=?utf-8?b?SMM=?= =?utf-8?b?pGxsbw==?=", "Hällo"),
        # two charsets side by side
        ("=?iso-8859-1?q?=E4?= =?utf-8?q?=C3=B6?=", "äö"),
        ("=?koi8-r*ru?q?=F0?= b", "П b"),
        ("=?nonsense?q?caf=C3=A9?=", "café"),
        ("folded\r\n here", "folded here"),
        ("a\0b\x07c", "ab c"),
        ("=?utf-8?b?!!!?=", ""),
        (raw("raw ü"), "raw ü"),
        ("caf\xe9", "café"),
    ],
)
def test_a_header_is_read_as_it_was_meant(value, text):
    assert headers.text(value) == text


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("jane@home.example", [("jane@home.example", "")]),
        ("Jane <Jane.Doe@HOME.example>", [("Jane.Doe@home.example", "Jane")]),
        ('"Doe, Jane" <j@h.example>, b@h.example', [("j@h.example", "Doe, Jane"), ("b@h.example", "")]),
        ("Doe, Jane <j@h.example>", [("j@h.example", "Doe, Jane")]),
        ("j@h.example (Jane (at home))", [("j@h.example", "Jane at home")]),
        ("=?utf-8?q?D=C3=B6e,_Jane?= <j@h.example>", [("j@h.example", "Döe, Jane")]),
        ('"=?utf-8?q?D=C3=B6e?=" <j@h.example>', [("j@h.example", "Döe")]),
        ("friends: a@h.example, B <b@h.example>;", [("a@h.example", ""), ("b@h.example", "B")]),
        ("undisclosed-recipients:;", []),
        ("<>", []),
        (",,;:", []),
        ("MAILER-DAEMON", []),
        ('"john doe"@h.example', [('"john doe"@h.example', "")]),
        ("<@relay.example:j@h.example>", [("j@h.example", "")]),
        ("<mailto:j@h.example>", [("j@h.example", "")]),
        ("<<j@h.example>>", [("j@h.example", "")]),
        ("Jane <j@h.\r\n example>", [("j@h.example", "Jane")]),
        ("=?utf-8?q?Jane_=3Cj=40h=2Eexample=3E?=", [("j@h.example", "Jane")]),
        ('"j@h.example" <j@h.example>', [("j@h.example", "j@h.example")]),
    ],
)
def test_addresses_are_found_in_whatever_a_program_writes(value, found):
    assert headers.addresses(value) == tuple(Address(*one) for one in found)


def test_two_spellings_of_one_address_share_a_key():
    assert headers.addresses("Jane@Home.Example")[0].key == "jane@home.example"


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("<a@x> <b@x>", ("a@x", "b@x")),
        ("<a@x><b@x>\r\n\t<a@x>", ("a@x", "b@x")),
        ("<long\r\n er@x>", ("longer@x",)),
        ("Your message of Monday <a@x>", ("a@x",)),
        ("a@x", ("a@x",)),
        ("<>", ()),
        ("", ()),
    ],
)
def test_message_ids_are_taken_out_of_their_brackets(value, ids):
    assert headers.ids(value) == ids


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("Mon, 3 Mar 2025 10:00:00 +0100", datetime(2025, 3, 3, 9, tzinfo=UTC)),
        ("3 Mar 2025 10:00:00 -0000", datetime(2025, 3, 3, 10, tzinfo=UTC)),
        ("Mon, 3 Mar 2025 10:00 GMT (noon, nearly)", datetime(2025, 3, 3, 10, tzinfo=UTC)),
        ("yesterday", None),
        ("Mon, 33 Mar 2025 10:00:00 +0100", None),
        ("Mon, 3 Mar 0000 10:00:00 +9999999999", None),
        ("1 " * 9999, None),
        ("", None),
    ],
)
def test_a_date_is_a_moment_in_utc_or_nothing(value, moment):
    assert headers.date(value) == moment


@pytest.mark.parametrize(
    ("value", "main", "found"),
    [
        ("Text/Plain; Charset=UTF-8", "text/plain", {"charset": "UTF-8"}),
        ('a/b; name="x; \\"y\\".pdf"; size=3', "a/b", {"name": 'x; "y".pdf', "size": "3"}),
        ("a/b; filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "a/b", {"filename": "résumé.pdf"}),
        ("a/b; filename*1=b.pdf; filename*0*=utf-8''%C3%A9", "a/b", {"filename": "éb.pdf"}),
        ("a/b; filename*0*=utf-8''%C3; filename*1*=%A9", "a/b", {"filename": "é"}),
        ("a/b; name==?utf-8?q?=C3=A9?=", "a/b", {"name": "é"}),
        ("a/b; filename=plain; filename*=utf-8''better", "a/b", {"filename": "better"}),
        ("a/b; name=my file (1).pdf", "a/b", {"name": "my file (1).pdf"}),
        ("a/b; a=1; a=2", "a/b", {"a": "1"}),
        ('a/b; name="never closed', "a/b", {"name": "never closed"}),
        (";;;=;", "", {}),
    ],
)
def test_parameters_are_read_in_every_spelling(value, main, found):
    assert headers.parameters(value) == (main, found)


def test_parameters_after_the_fiftieth_are_left_out():
    _, found = headers.parameters("a/b" + "".join(f"; p{number}=x" for number in range(60)))
    assert len(found) == 50


def split(raw: bytes):
    found, at = headers.split(raw, 0, len(raw))
    return dict(found.items), raw[at:], found.omitted


def test_headers_end_at_the_blank_line():
    assert split(b"A: b\r\n c\r\nD : e\r\n\r\nF: g") == ({"a": "b\r\n c", "d": "e"}, b"F: g", ())


def test_a_line_that_is_no_header_is_passed_over_among_headers_and_begins_the_body_else():
    assert split(b"A: b\nwhat is this\nC: d\n\nx")[:2] == ({"a": "b", "c": "d"}, b"x")
    assert split(b"A: b\nDear shop,\nwhere is it?\n")[:2] == ({"a": "b"}, b"Dear shop,\nwhere is it?\n")
    assert split(b"Dear shop,\nNote: hurry\n")[:2] == ({}, b"Dear shop,\nNote: hurry\n")


def test_a_line_of_blanks_ends_the_headers_unless_one_follows():
    assert split(b"A: b\n  \nDear shop,\nhello")[:2] == ({"a": "b"}, b"Dear shop,\nhello")
    assert split(b"A: b\n  \nC: d\n\nx")[:2] == ({"a": "b", "c": "d"}, b"x")


def test_a_header_is_cut_at_16_kb_and_the_block_at_64_kb():
    found, body, omitted = split(b"A: " + b"x" * 20_000 + b"\n" + b"B: y\n" * 20_000 + b"\nbody")
    assert len(found["a"]) == 16 * 1024
    assert body == b"body"
    assert omitted == ("headers after the first 64 KB", "the header a after its first 16 KB")
