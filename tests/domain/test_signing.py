"""
Signed addresses and links: who tampers finds nothing.
"""

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import ALPHABET
from chalicelib.domain.signing import (
    Claim,
    KeyRing,
    Purpose,
    link_token,
    read_link_token,
    read_reply_address,
    read_thread_id,
    recipient_digest,
    reply_address,
    thread_id,
)
from tests.domain.build import number

KEYS = KeyRing("a", {"a": b"0" * 32, "b": b"1" * 32})
NUMBER, EVA = number(), recipient_digest("eva@customer.test")
ADDRESS = reply_address(KEYS, "support@demo.test", NUMBER, "eva@customer.test", 0)
THREAD = thread_id(KEYS, "support@demo.test", NUMBER, 0)
PAGE = link_token(KEYS, Purpose.PAGE, NUMBER, "eva@customer.test", 0)
SURVEY = link_token(KEYS, Purpose.SURVEY, NUMBER, "eva@customer.test", 0, 3)


def opens(token, purpose=Purpose.PAGE, keys=KEYS):
    try:
        return read_link_token(keys, purpose, token)
    except NotFound:
        return None


def tampered(text):
    """Yield *text* with each character before the @ replaced by every other that could stand there, or left out."""
    local, at, domain = text.partition("@")
    for place, right in enumerate(local):
        for wrong in (set(ALPHABET.lower() + ".+") - {right}) | {""}:
            yield local[:place] + wrong + local[place + 1 :] + at + domain


def test_what_was_signed_is_read_back():
    assert read_reply_address(KEYS, ADDRESS) == Claim(NUMBER, 0, EVA)
    assert read_thread_id(KEYS, THREAD) == Claim(NUMBER, 0)
    assert opens(PAGE) == Claim(NUMBER, 0, EVA)
    assert opens(SURVEY, Purpose.SURVEY) == Claim(NUMBER, 0, EVA, 3)


def test_case_makes_no_difference():
    assert read_reply_address(KEYS, ADDRESS.upper()) == read_reply_address(KEYS, ADDRESS)
    assert opens(PAGE.upper()) == opens(PAGE)
    assert recipient_digest(" Eva@Customer.TEST ") == EVA


def test_no_changed_character_of_an_address_is_a_match():
    # a tag is what follows the first +; the support address itself is not signed
    tag = ADDRESS.index("+")
    assert [a for a in tampered(ADDRESS[tag:]) if read_reply_address(KEYS, f"support{a}")] == []


def test_no_changed_character_of_a_thread_id_is_a_match():
    assert [t for t in tampered(THREAD) if read_thread_id(KEYS, t)] == []


@pytest.mark.parametrize(("token", "purpose"), [(PAGE, Purpose.PAGE), (SURVEY, Purpose.SURVEY)])
def test_no_changed_character_of_a_link_is_a_match(token, purpose):
    assert [t for t in tampered(token) if opens(t, purpose)] == []


@pytest.mark.parametrize(("token", "purpose"), [(PAGE, Purpose.SURVEY), (SURVEY, Purpose.PAGE)])
def test_a_link_is_good_for_one_purpose(token, purpose):
    assert opens(token, purpose) is None


def test_nothing_signed_opens_another_door():
    tag = ADDRESS.partition("+")[2].partition("@")[0]
    assert read_thread_id(KEYS, tag) is None
    assert read_thread_id(KEYS, f"{PAGE}@demo.test") is None
    assert read_reply_address(KEYS, f"support+{THREAD}") is None
    assert read_reply_address(KEYS, f"support+{PAGE}@demo.test") is None
    assert opens(tag) is None


@pytest.mark.parametrize(
    "claim",
    [
        link_token(KEYS, Purpose.PAGE, NUMBER, "eva@customer.test", 1),
        link_token(KEYS, Purpose.PAGE, NUMBER, "mallory@elsewhere.test", 0),
        link_token(KEYS, Purpose.PAGE, number("000000001"), "eva@customer.test", 0),
        link_token(KeyRing("a", {"a": b"2" * 32}), Purpose.PAGE, NUMBER, "eva@customer.test", 0),
        SURVEY,
    ],
)
def test_a_signature_vouches_for_its_own_parts_only(claim):
    mac = claim.rpartition(".")[2]
    assert opens(f"{PAGE.rpartition('.')[0]}.{mac}") is None


def test_epoch_and_recipient_stand_in_the_claim():
    other = opens(link_token(KEYS, Purpose.PAGE, NUMBER, "bob@customer.test", 7))
    assert (other.epoch, other.recipient) == (7, recipient_digest("bob@customer.test"))
    assert other.recipient != EVA


def test_keys_are_rotated_without_voiding_what_was_given_out():
    rotated = KeyRing("b", KEYS.secrets)
    assert opens(PAGE, keys=rotated) == opens(PAGE)
    fresh = link_token(rotated, Purpose.PAGE, NUMBER, "eva@customer.test", 0)
    assert fresh != PAGE
    assert opens(fresh) == opens(PAGE)
    assert opens(PAGE, keys=KeyRing("b", {"b": b"1" * 32})) is None


def test_an_address_fits_into_64_octets():
    local = reply_address(KEYS, "kundenservice@demo.test", NUMBER, "eva@customer.test", 9).partition("@")[0]
    assert len(local) <= 64


def test_the_same_is_signed_the_same_every_time():
    assert reply_address(KEYS, "support@demo.test", NUMBER, "eva@customer.test", 0) == ADDRESS


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "...",
        "a.b.c.d",
        "ü.0.0a.x",
        f"{PAGE}.x",
        f"{PAGE}\n",
        PAGE.replace(".0.", ".٠."),
        "x" * 10_000,
        "\0",
        PAGE * 2,
    ],
)
def test_no_nonsense_is_a_match_or_an_error(token):
    assert opens(token) is None
    assert read_reply_address(KEYS, f"support+{token}@demo.test") is None
    assert read_thread_id(KEYS, token) is None


@pytest.mark.parametrize("address", ["support@demo.test", "support+@demo.test", "", "@", "+", "support+news@demo.test"])
def test_an_unsigned_address_is_no_match(address):
    assert read_reply_address(KEYS, address) is None
