"""
What goes out: bytes that any relay takes, and exactly the headers that were meant.
"""

import email
import email.policy
import random
import re
from dataclasses import replace
from email.header import decode_header, make_header

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.mail.compose import Letter, Unaddressable, compose

LETTER = Letter(
    sender=("support@demo.test", "Lumen & Co"),
    to=("ana@demo.test", "Ana García"),
    subject="Re: [CL-7K3F9-Q2MXR] Broken lamp",
    text="Hello,\n\nit is on its way.\n",
    html="<p>Hello,</p>",
    reply_to="support+k1abc@demo.test",
    in_reply_to="<2@mail.test>",
    references=("<1@mail.test>", "<2@mail.test>"),
    cc=(("bo@demo.test", "Bo"),),
    headers=(("X-SES-MESSAGE-TAGS", "outbox=1, ticket=CL-7K3F9-Q2MXR"), ("Auto-Submitted", "auto-replied")),
)
NAMES = [
    "From", "To", "Cc", "Reply-To", "Subject", "In-Reply-To", "References", "X-SES-MESSAGE-TAGS", "Auto-Submitted",
    "MIME-Version", "Content-Type",
]  # fmt: skip
NAMES_OF_TEXT = [*NAMES[:9], "Content-Type", "Content-Transfer-Encoding", "MIME-Version"]


def raw_headers(wire):
    """Read (name, value) as RFC 5322 2.2 says and nothing more, so that no parser is kind to what is wrong."""
    head = wire.partition(b"\r\n\r\n")[0].decode("ascii")
    assert not re.search(r"(?<!\r)\n|\r(?!\n)", head)
    fields = re.split(r"\r\n(?![ \t])", head)
    return [tuple(field.replace("\r\n", "").split(": ", 1)) for field in fields]


def decoded(value):
    return str(make_header(decode_header(value)))


def any_relay_takes(wire):
    """Tell whether all is ASCII, in lines of at most 998 characters (RFC 5322 2.1.1)."""
    return wire.isascii() and max(map(len, wire.split(b"\r\n"))) <= 998


def parsed(letter):
    return email.message_from_bytes(compose(letter), policy=email.policy.default)


def body(message, kind):
    return message.get_body((kind,)).get_content().replace("\r\n", "\n")


def words(text):
    """Say what remains of a hostile text: one line, without control characters."""
    text = re.sub("[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text)
    return " ".join(text.encode("utf-8", "replace").decode().split())


def test_a_letter_has_the_headers_that_were_meant_and_in_their_order():
    headers = raw_headers(compose(LETTER))
    assert [name for name, _ in headers] == NAMES
    meant = dict(headers)
    assert meant["From"] == "Lumen & Co <support@demo.test>"
    assert decoded(meant["To"]) == "Ana García <ana@demo.test>"
    assert meant["Cc"] == "Bo <bo@demo.test>"
    assert meant["Reply-To"] == "support+k1abc@demo.test"
    assert meant["Subject"] == LETTER.subject
    assert meant["In-Reply-To"] == "<2@mail.test>"
    assert meant["References"] == "<1@mail.test> <2@mail.test>"
    assert meant["X-SES-MESSAGE-TAGS"] == "outbox=1, ticket=CL-7K3F9-Q2MXR"


def test_what_is_empty_has_no_header():
    bare = Letter(("support@demo.test", ""), ("ana@demo.test", ""), "Hello", "Hello")
    assert [name for name, _ in raw_headers(compose(bare))] == [
        "From", "To", "Subject", "Content-Type", "Content-Transfer-Encoding", "MIME-Version",
    ]  # fmt: skip
    assert dict(raw_headers(compose(bare)))["From"] == "support@demo.test"


def test_text_and_html_arrive_as_they_were_written():
    letter = replace(LETTER, text="¡Hola!\n" + "ñ" * 3000 + "\n.\nFrom here", html="<p>" + "名" * 3000 + "</p>")
    message = parsed(letter)
    assert message.get_content_type() == "multipart/alternative"
    assert body(message, "plain") == letter.text + "\n"
    assert body(message, "html") == letter.html + "\n"


def test_the_same_letter_is_the_same_bytes_and_another_has_another_boundary():
    twice = replace(LETTER, attachments=(("a.txt", "text/plain", b"a"),))
    assert compose(twice) == compose(replace(twice))
    assert parsed(twice).get_boundary() != parsed(replace(twice, text="Other")).get_boundary()


def test_nothing_says_when_or_which_because_ses_does():
    assert not {"Date", "Message-ID"} & set(parsed(LETTER).keys())


def test_ids_stay_whole_however_long_they_are():
    ids = tuple(f"<{letter * 300}@mail.test>" for letter in "abcdefgh")
    wire = compose(replace(LETTER, references=ids, in_reply_to=ids[-1]))
    headers = dict(raw_headers(wire))
    assert headers["References"] == " ".join(ids)
    assert headers["In-Reply-To"] == ids[-1]
    assert any_relay_takes(wire)


@pytest.mark.parametrize(
    "bad",
    ["", "plain", "<>", "<a b@x>", "<a@x>\r\nBcc: <y@x>", "<ñ@x>", "<a@x><b@x>", "<" + "a" * 901 + ">", "<a@x>\n"],
)
def test_an_id_that_is_none_is_left_out(bad):
    headers = dict(raw_headers(compose(replace(LETTER, in_reply_to=bad, references=("<1@mail.test>", bad)))))
    assert "In-Reply-To" not in headers
    assert headers["References"] == "<1@mail.test>"


def test_a_word_longer_than_a_line_is_no_line_of_its_own():
    wire = compose(
        replace(LETTER, subject="x" * 2000, to=("ana@demo.test", "y" * 2000), headers=(("X-Long", "z" * 2000),))
    )
    assert any_relay_takes(wire)
    assert decoded(dict(raw_headers(wire))["Subject"]) == "x" * 900
    assert decoded(dict(raw_headers(wire))["To"]) == "y" * 200 + " <ana@demo.test>"
    assert decoded(dict(raw_headers(wire))["X-Long"]) == "z" * 2000


# Addresses


@pytest.mark.parametrize(
    ("address", "sent_to"),
    [
        ("ana@demo.test", "ana@demo.test"),
        (" ana@demo.test\n", "ana@demo.test"),
        ("ana.o'hara+shop=1@demo.test", "ana.o'hara+shop=1@demo.test"),
        ("a..b.@docomo.test", "a..b.@docomo.test"),
        ('"ana maria"@demo.test', '"ana maria"@demo.test'),
        ("ana@bücher.test", "ana@xn--bcher-kva.test"),
        ("ana@例え.test", "ana@xn--r8jz45g.test"),
    ],
)
def test_an_address_is_ascii_on_the_wire(address, sent_to):
    assert dict(raw_headers(compose(replace(LETTER, to=(address, "")))))["To"] == sent_to


@pytest.mark.parametrize(
    "address",
    [
        " ", "ana", "@demo.test", "ana@", "aña@demo.test", "ana@demo..test", "ana@" + "x" * 64 + ".test", "ana@demo.test,b@c.test",
        "ana@demo.test\r\nBcc: b@c.test", "ana bo@demo.test", "<ana@demo.test>", '"a"b"@demo.test', "ana@demo.test>", "ana@[::1]",
        "a@b@demo.test", '"a\nb"@demo.test',
    ],
)  # fmt: skip
@pytest.mark.parametrize("place", ["sender", "to", "reply_to", "cc"])
def test_what_is_no_address_is_refused_and_not_guessed(place, address):
    value = {"reply_to": address, "cc": ((address, ""),)}.get(place, (address, "Ana"))
    with pytest.raises(Unaddressable):
        compose(replace(LETTER, **{place: value}))


@pytest.mark.parametrize("name", ["Subject", "from", "To", "X Y", "X:Y", "X\r\nBcc", "", "Ñ"])
def test_a_further_header_is_a_new_one_with_a_proper_name(name):
    with pytest.raises(ValueError, match="cannot be a further header"):
        compose(replace(LETTER, headers=((name, "x"),)))


# Attachments


@pytest.mark.parametrize(
    ("name", "content_type", "arrives_as", "arrives_with"),
    [
        ("lamp.jpg", "image/jpeg", "lamp.jpg", "image/jpeg"),
        ("lamp (1).jpg", "IMAGE/JPEG; name=x", "lamp (1).jpg", "image/jpeg"),
        ("Lámpara «1».pdf", "application/pdf", "Lámpara «1».pdf", "application/pdf"),
        ('a"; x="b\\.txt', "text/plain", 'a"; x="b\\.txt', "text/plain"),
        ("=?utf-8?q?=0d=0aBcc:_x?=", "text/plain", "=?utf-8?q?=0d=0aBcc:_x?=", "text/plain"),
        ("a\r\nBcc: x.txt", "text/plain\r\nBcc: x", "a Bcc: x.txt", "application/octet-stream"),
        ("", "", "file", "application/octet-stream"),
        ("mail.eml", "message/rfc822", "mail.eml", "application/octet-stream"),
        ("parts", "multipart/mixed", "parts", "application/octet-stream"),
    ],
)
def test_a_file_keeps_its_bytes_and_its_name(name, content_type, arrives_as, arrives_with):
    data = bytes(range(256)) * 20
    message = parsed(replace(LETTER, attachments=((name, content_type, data), ("second.txt", "text/plain", b"2"))))
    first, second = message.iter_attachments()
    assert message.get_content_type() == "multipart/mixed"
    assert body(message, "html") == "<p>Hello,</p>\n"
    assert (first.get_filename(), first.get_content_type()) == (arrives_as, arrives_with)
    assert first.get_content_disposition() == "attachment"
    assert first.get_payload(decode=True) == data
    assert second.get_filename() == "second.txt"
    assert [str(key) for key in message] == NAMES


@pytest.mark.parametrize("stem", ["x" * 5000, "名" * 5000])
def test_a_long_file_name_keeps_its_ending_and_fits_its_line(stem):
    wire = compose(replace(LETTER, attachments=((f"{stem}.jpeg", "image/jpeg", b"x"),)))
    assert any_relay_takes(wire)
    (file,) = email.message_from_bytes(wire, policy=email.policy.default).iter_attachments()
    assert file.get_filename().endswith(".jpeg")
    assert file.get_filename().startswith(stem[:50])


# Hostile values

PIECES = [
    "\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x1b", "\x1c", "\x7f", "\x85", "\x9b", "\u2028", "\u2029", "\t", " ", "Bcc: evil@evil.test", "\r\n\r\n<html>",
    "=?utf-8?q?=0d=0aBcc:_x?=", "=?utf-8?b?DQpCY2M6IHg=?=", "=?", "?=", '"', "\\", "<", ">", ",", ";", ":", "@", "(", ")", "[", "]", "=0D=0A", "%0d%0a",
    "a", "ñ", "名", "😀", "\ud800", "\u202e", "\ufeff", "\xa0", "word ", "x" * 120, "ñ" * 90, "From ", ".", "--=_", "boundary", "",
]  # fmt: skip
HOSTILE = st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=40)


def hostile(subject, sender, to, cc, extra, html):
    return replace(
        LETTER, subject=subject, sender=(LETTER.sender[0], sender), to=(LETTER.to[0], to), cc=((LETTER.cc[0][0], cc),),
        headers=((LETTER.headers[0][0], extra), LETTER.headers[1]), text=subject, html=html,
    )  # fmt: skip


def meant(letter):
    people = [(words(name)[:200].rstrip(), address) for address, name in (letter.sender, letter.to, *letter.cc)]
    names = NAMES if letter.html else NAMES_OF_TEXT
    return names, words(letter.subject)[:900].rstrip(), people, words(letter.headers[0][1])


def shown(wire):
    """Say what a mail program shows: the names of the headers, the subject, (name, address) of people, the further header."""
    headers = raw_headers(wire)
    said = dict(headers)
    people = [person(said[field]) for field in ("From", "To", "Cc")]
    return [name for name, _ in headers], decoded(said["Subject"]), people, decoded(said["X-SES-MESSAGE-TAGS"])


def person(value):
    """Read a mailbox as RFC 5322 3.4 says: a quoted string or atoms, then the address. What is none is an address by itself."""
    mailbox = re.fullmatch(r"""(?:"((?:[^"\\]|\\.)*)"|([A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+)) <([^<>]*)>""", value)
    if not mailbox:
        return "", value
    quoted, atoms, address = mailbox.groups()
    return decoded(atoms) if atoms else re.sub(r"\\(.)", r"\1", quoted), address


@settings(max_examples=300, deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_no_value_adds_a_header_nor_makes_a_mail_unsendable(subject, sender, to, cc, extra):
    letter = hostile(subject, sender, to, cc, extra, f"<p>{extra}</p>")
    wire = compose(letter)
    assert any_relay_takes(wire)
    assert shown(wire) == meant(letter)


def test_two_thousand_hostile_mails_get_no_other_header():
    draw = random.Random(20260302)
    for _ in range(2000):
        letter = hostile(*("".join(draw.choices(PIECES, k=draw.randint(0, 9))) for _ in range(5)), html="")
        wire = compose(letter)
        assert any_relay_takes(wire)
        assert shown(wire) == meant(letter)
