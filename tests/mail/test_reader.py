import json
import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail import reader
from chalicelib.mail.explain import explain
from chalicelib.mail.identity import identity
from chalicelib.mail.reader import Address, Mail, read

from .corpus import bare, storable, words
from .samples import ALL, BOUNCE, PICTURES, REPLY, mail


def test_a_mail_is_read():
    found = read(REPLY)
    assert found.subject == "Re: Hälloäöü"
    assert found.sender == Address("jane@home.example", "Jane Doe")
    assert found.to == (Address("help@shop.example"),)
    assert (found.cc, found.reply_to) == ((), ())
    assert found.message_id == "1@home.example"
    assert (found.in_reply_to, found.references) == (("b@x",), ("a@x", "b@x"))
    assert found.date == datetime(2025, 3, 3, 9, tzinfo=UTC)
    assert found.text == "Thanks!"
    assert found.quoted_text.startswith("On Mon, 3 Mar 2025")
    assert found.full_text.startswith("Thanks!\n\nOn Mon")
    assert (found.html, found.attachments, found.automatic, found.bounce, found.error) == (None, (), None, None, None)


def test_everybody_is_listed_from_every_header():
    found = read(mail(Cc="a@x.example, B <b@x.example>", Reply_To="c@x.example", X="y\r\nCc: d@x.example"))
    assert [one.address for one in found.cc] == ["a@x.example", "b@x.example", "d@x.example"]
    assert [one.address for one in found.reply_to] == ["c@x.example"]


def test_received_headers_are_counted():
    assert read(b"Received: a\r\n" * 31 + mail()).received_count == 31


def test_a_mail_that_goes_in_circles_is_answered_by_nothing():
    assert "circles" in read(b"Received: a\r\n" * 31 + mail()).automatic
    assert read(b"Received: a\r\n" * 30 + mail()).automatic is None


@pytest.mark.parametrize("value", ["", "nobody", "<>", "undisclosed-recipients:;"])
def test_a_mail_without_a_usable_from_has_no_sender(value):
    assert read(mail(From=value)).sender is None
    assert read(mail(From=None)).sender is None


@pytest.mark.parametrize(
    "raw", [b"", b"\0", b"\xff" * 100, b"\r\n\r\n", b":", b"just some words", b"A:\n" * 9, b"\r", bytes(range(256))]
)
def test_any_bytes_are_a_mail(raw):
    found = read(raw)
    assert found.error is None
    assert storable(found)


def test_the_words_of_a_text_that_is_no_mail_are_kept():
    assert read(b"just some words\nand more").text == "just some words\nand more"


def test_trouble_is_named_and_the_mail_shown_as_it_came(monkeypatch):
    def fail(*_args: object) -> None:
        raise RecursionError

    monkeypatch.setattr(reader.mime, "parse", fail)
    found = read(mail("Hello\0"))
    assert found.error == "cannot be read: RecursionError"
    assert found.text == found.full_text
    assert found.text.endswith("Hello")


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_make_the_reader_fail(raw):
    assert broken(raw) == []


PIECES = st.sampled_from(
    [
        b"=?utf-8?b?",
        b"?=",
        b"\r\n",
        b"\n ",
        b";",
        b'"',
        b"\x00",
        b"\xff",
        b"--",
        b"filename*=",
        b"utf-8''%",
        b"boundary=",
        b"(",
        b"<",
        b"[",
        b"charset=",
        b"message/rfc822",
        b"multipart/mixed",
        b"=?a?q?",
        b"::",
        b"@",
        b",",
        b"Date: ",
        b"To: ",
        b"*0*=",
        b"\r",
        b"From: ",
        b"Content-Type: ",
        b"\r\n\r\n",
        b"--b\r\n",
        b"=_b1",
        b"text/html",
        b"<blockquote>",
        b"&#",
        b"base64",
        b"x",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=60).map(b"".join))
def test_no_pieces_of_mail_make_the_reader_fail(raw):
    assert broken(raw) == []


def mutated(raw: bytes, chance: random.Random) -> bytes:
    out = bytearray(raw)
    pieces = [
        b"=?utf-8?b?",
        b"?=",
        b"\r\n",
        b"\n ",
        b";",
        b'"',
        b"\0",
        b"\xff",
        b"--=_b1",
        b"charset=",
        b"*0*=",
        b"<",
        b"(",
        b"\r",
        b">",
    ]
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out) + 1)
        what = chance.random()
        if what < 0.5:
            out[at:at] = chance.choice(pieces)
        elif what < 0.7:
            del out[at : at + chance.randint(1, 20)]
        elif what < 0.85 and out:
            out[min(at, len(out) - 1)] = chance.randrange(256)
        else:
            of = chance.randrange(len(out) + 1)
            out[at:at] = out[of : of + 30]
    return bytes(out)


@pytest.mark.parametrize("seed", range(8))
def test_250_mutated_mails_are_read(seed):
    chance = random.Random(seed)
    for _ in range(250):
        assert broken(mutated(chance.choice(ALL), chance)) == []


def broken(raw: bytes) -> list[str]:
    """
    Read without the safety net around the reader, and return what does not hold that holds of any mail.
    """
    found, explained = reader._read(raw, ()), explain("x.eml", raw)
    parted = found.text + "\n" + found.quoted_text
    holds = {
        "it can be stored": storable(found),
        "every word is in one of the two texts": words(parted) == words(found.full_text),
        "every sign is in one of the two texts": Counter(bare(parted)) == Counter(bare(found.full_text)),
        "a file has a name and no folder": all(each.name and "/" not in each.name for each in found.attachments),
        "blank lines at the end make no other mail": identity(raw, "lamps") == identity(raw + b"\r\n\r\n", "lamps"),
        "its explanation is JSON": json.loads(json.dumps(explained)) == explained,
    }
    return [what for what, true in holds.items() if not true]


KEYS = [
    "file",
    "subject",
    "from",
    "to",
    "cc",
    "reply_to",
    "message_id",
    "date",
    "text",
    "quoted_text",
    "full_text",
    "html",
]
KEYS += ["attachments", "automatic", "bounce"]


def test_an_explanation_has_the_keys_that_were_promised():
    said = explain("a.eml", PICTURES)
    assert list(said) == KEYS
    assert said["file"] == "a.eml"
    assert said["from"] == "jane@home.example"
    assert said["to"] == ["help@shop.example"]
    assert said["date"] == "2025-03-03T09:00:00+00:00"
    assert said["attachments"][0] == {
        "name": "attachment-1.gif",
        "content_type": "image/gif",
        "size": 6,
        "inline": True,
    }
    assert (said["automatic"], said["bounce"]) == (None, None)


def test_an_explanation_tells_a_bounce():
    assert explain("b.eml", BOUNCE)["bounce"] == {
        "action": "failed",
        "status": "5.1.1",
        "recipient": "jane@home.example",
    }


def test_an_explanation_names_what_was_left_out():
    said = explain("c.eml", mail("<div>" * 300, Content_Type="text/html"))
    assert list(said) == [*KEYS, "error"]
    assert said["error"] == "left out: HTML over 200 levels"


def test_a_mail_of_nothing_has_empty_values():
    assert read(b"") == Mail()
