import re

import pytest

from chalicelib.mail.identity import identity

from .samples import mail

BODY = "Where is it?\r\n\r\nJane\r\n"


def of(raw: bytes = b"", storefront: str = "lamps") -> str:
    return identity(raw or mail(BODY), storefront)


def test_an_identity_is_a_sha_256():
    assert re.fullmatch(r"[0-9a-f]{64}", of())


@pytest.mark.parametrize(
    "again",
    [
        mail(BODY),
        b"Received: from relay\r\nReturn-Path: <x@y>\r\nX-Spam: no\r\n" + mail(BODY) + b"\r\n\r\n",
        mail(BODY).replace(b"\r\n", b"\n"),
        mail(BODY).replace(b"\r\n", b"\r"),
        mail(BODY).rstrip(),
        mail(BODY).replace(b"Subject: Where is", b"Subject:  Where\r\n\tis"),
        b"From jane Mon Mar  3\n" + mail(BODY).replace(b"\r\n", b"\n"),
        mail(BODY, To="other@shop.example"),
    ],
)
def test_the_same_mail_twice_is_one(again):
    assert of(again) == of()


@pytest.mark.parametrize(
    "other",
    [
        mail(BODY + "PS: hurry\r\n"),
        mail(BODY.replace("\r\n\r\n", "\r\n")),
        mail(" " + BODY),
        mail(BODY, Subject="Where is my lamp?"),
        mail(BODY, From="John <john@home.example>"),
        mail(BODY, Date="Tue, 4 Mar 2025 10:00:00 +0100"),
        mail(BODY, Message_ID="<2@home.example>"),
        mail(BODY, From=None),
    ],
)
def test_two_mails_are_two_even_with_one_message_id(other):
    assert of(other) != of()


def test_one_mail_to_two_storefronts_is_two():
    assert of(storefront="chairs") != of(storefront="lamps")


def test_what_moves_from_one_header_to_the_next_makes_a_difference():
    assert of(mail("x", Subject="ab", Date="c")) != of(mail("x", Subject="a", Date="bc"))
    assert of(mail("x", Subject=None, Date="c")) != of(mail("x", Subject="c", Date=None))
