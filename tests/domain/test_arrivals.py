"""
How a mail finds its ticket, and what it may do there.
"""

from dataclasses import replace

import pytest

from chalicelib.domain.arrivals import Arrival, Lead, Verdict, Verdicts, Way, leads, numbers, placed, signed_leads
from chalicelib.domain.reference import compact
from chalicelib.domain.signing import KeyRing, reply_address, thread_id
from tests.domain.build import number, ticket

KEYS = KeyRing("a", {"a": b"0" * 32})
ONE = ticket()
TWO = replace(ONE, reference=number("000000002"))
THREE = replace(ONE, reference=number("000000003"))
FOUR = replace(ONE, reference=number("000000004"))
TICKETS = {str(t.reference): t for t in (ONE, TWO, THREE, FOUR)}
GOOD = Verdicts(Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.PASS)
FORGED = replace(GOOD, dmarc=Verdict.FAIL)
EVA, MALLORY = "eva@customer.test", "mallory@elsewhere.test"


def signed(of, recipient=EVA, epoch=0):
    return reply_address(KEYS, "support@demo.test", of.reference, recipient, epoch)


def threaded(of, epoch=0):
    return thread_id(KEYS, "support@demo.test", of.reference, epoch)


def mail(sender=EVA, to=(), ids=(), subject="", verdicts=GOOD, envelope=None):
    return Arrival(sender, sender if envelope is None else envelope, tuple(to), tuple(ids), subject, verdicts)


def place(arrival, stored=None, tickets=TICKETS):
    return placed(arrival, leads(arrival, signed_leads(arrival, KEYS), stored or {}), tickets)


STORED = {"<3@customer.test>": THREE.reference}
POINTS_TO_FOUR = f"Re: [{FOUR.reference}] My parcel"


@pytest.mark.parametrize(
    ("arrival", "found", "way"),
    [
        # all four at once: the signed address counts
        (mail(to=[signed(ONE)], ids=[threaded(TWO), "<3@customer.test>"], subject=POINTS_TO_FOUR), ONE, Way.ADDRESS),
        (mail(ids=[threaded(TWO), "<3@customer.test>"], subject=POINTS_TO_FOUR), TWO, Way.THREAD),
        # a signed reference counts more than a stored id, wherever it stands
        (mail(ids=["<3@customer.test>", threaded(TWO)], subject=POINTS_TO_FOUR), TWO, Way.THREAD),
        (mail(ids=["<3@customer.test>"], subject=POINTS_TO_FOUR), THREE, Way.MESSAGE_ID),
        (mail(subject=POINTS_TO_FOUR), FOUR, Way.NUMBER),
        # the newest of several
        (mail(ids=[threaded(ONE), threaded(TWO)]), ONE, Way.THREAD),
        # any recipient may be the signed one
        (mail(to=["bob@customer.test", "support@demo.test", signed(ONE)]), ONE, Way.ADDRESS),
    ],
)
def test_a_mail_finds_its_ticket_in_this_order(arrival, found, way):
    placement = place(arrival, STORED)
    assert placement.ticket is found
    assert placement.verified
    assert way.value in placement.why


@pytest.mark.parametrize(
    "arrival",
    [
        mail(),
        mail(to=["support@demo.test"], subject="Where is my parcel?"),
        # empty ids never match
        mail(ids=[""]),
        # tampered, voided, unknown
        mail(to=[signed(ONE).replace(compact(ONE.reference), compact(TWO.reference))]),
        mail(to=[signed(ONE, epoch=1)], ids=[threaded(ONE, epoch=1)]),
        mail(to=[signed(replace(ONE, reference=number("000000009")))]),
        mail(subject=f"[{number('000000009')}]"),
        mail(subject="[CL-00000-00001]"),
    ],
)
def test_what_matches_nothing_opens_a_ticket(arrival):
    placement = place(arrival, {"": ONE.reference})
    assert placement.ticket is None
    assert placement.names is None
    assert placement.verified


@pytest.mark.parametrize("doubt", [{"sender": MALLORY}, {"verdicts": FORGED}, {"sender": MALLORY, "verdicts": FORGED}])
@pytest.mark.parametrize("way", [{"to": [signed(ONE)]}, {"ids": [threaded(ONE)]}, {"ids": ["<1@customer.test>"]}])
def test_a_third_party_is_kept_on_the_ticket_but_not_verified(way, doubt):
    placement = place(mail(**way, **doubt), {"<1@customer.test>": ONE.reference})
    assert placement.ticket is ONE
    assert not placement.verified
    assert "not verified" in placement.why


@pytest.mark.parametrize(
    ("doubt", "verified"), [({"sender": MALLORY}, True), ({"verdicts": FORGED}, False), ({"sender": ""}, True)]
)  # fmt: skip
def test_the_number_alone_gives_no_right_to_a_ticket(doubt, verified):
    placement = place(mail(subject=POINTS_TO_FOUR, **doubt))
    assert placement.ticket is None
    assert placement.names == FOUR.reference
    assert placement.verified is verified
    assert FOUR.reference in placement.why


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.GRAY, Verdict.ABSENT])
def test_only_a_failure_of_dmarc_speaks_against_who_takes_part(verdict):
    assert place(mail(subject=POINTS_TO_FOUR, verdicts=replace(GOOD, dmarc=verdict))).ticket is FOUR


def test_an_accepted_participant_speaks_as_one_whatever_the_case():
    joined = {str(ONE.reference): replace(ONE, participants=("bob@customer.test",))}
    assert place(mail("Bob@Customer.TEST", to=[signed(ONE)]), tickets=joined).verified
    assert place(mail("EVA@customer.test", to=[signed(ONE)])).verified


def test_a_reply_address_of_somebody_else_makes_nobody_a_participant():
    assert not place(mail(MALLORY, to=[signed(ONE, recipient=MALLORY)])).verified


def test_a_lead_to_a_ticket_that_is_gone_gives_way_to_the_next():
    arrival = mail(to=[signed(ONE)], ids=[threaded(TWO)])
    assert place(arrival, tickets={str(TWO.reference): TWO}).ticket is TWO


def test_ids_are_read_newest_first():
    found = leads(mail(ids=["<b>", "<a>"]), (), {"<a>": ONE.reference, "<b>": TWO.reference})
    assert found == (Lead(Way.MESSAGE_ID, TWO.reference), Lead(Way.MESSAGE_ID, ONE.reference))


@pytest.mark.parametrize(
    ("subject", "found"),
    [
        (f"Re: [{ONE.reference}] parcel", (ONE.reference,)),
        (f"{ONE.reference.lower()} and {TWO.reference}, {ONE.reference}", (ONE.reference, TWO.reference)),
        ("CL-00000-00001", ()),
        (f"XCL{ONE.reference}", ()),
        ("", ()),
    ],
)
def test_numbers_are_found_in_a_subject(subject, found):
    assert numbers(subject) == found


@pytest.mark.parametrize(
    ("dmarc", "spf", "envelope", "authenticated"),
    [
        (Verdict.PASS, Verdict.FAIL, "x@other.test", True),
        (Verdict.FAIL, Verdict.PASS, EVA, False),
        (Verdict.ABSENT, Verdict.PASS, "bounce@customer.test", True),
        (Verdict.GRAY, Verdict.PASS, "bounce@CUSTOMER.test", True),
        (Verdict.ABSENT, Verdict.PASS, "bounce@other.test", False),
        (Verdict.ABSENT, Verdict.GRAY, EVA, False),
        (Verdict.ABSENT, Verdict.ABSENT, EVA, False),
    ],
)
def test_a_sender_is_who_he_says_when_his_domain_vouches_for_him(dmarc, spf, envelope, authenticated):
    arrival = mail(verdicts=Verdicts(spf=spf, dmarc=dmarc), envelope=envelope)
    assert arrival.authenticated is authenticated


def test_without_any_domain_nobody_vouches():
    assert not mail("", verdicts=Verdicts(spf=Verdict.PASS)).authenticated
