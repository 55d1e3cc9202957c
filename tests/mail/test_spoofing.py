"""
Who may speak on a ticket: every combination of what a mail can show, true or forged, against the rule of the house.

Only who takes part, whose domain does not disown the mail, and who shows a signed address, a signed thread id, a stored
Message-ID or the number is heard as one who takes part. Nobody else ever is.
"""

import itertools
import random
from collections import Counter
from dataclasses import dataclass

import pytest

from chalicelib.domain import arrivals
from chalicelib.domain.signing import reply_address, thread_id
from chalicelib.domain.ticket import Role
from chalicelib.mail.reader import read
from chalicelib.usecases import incoming
from chalicelib.usecases import mail as intake
from tests.mails import Customer
from tests.world import running

OURS = "support@demo.test"
REPLY = ("none", "signed", "tampered", "for another recipient", "of another epoch")
REFERENCES = ("none", "our thread id", "a stored id", "a tampered thread id", "empty")
TAG = (False, True)
DMARC = ("PASS", "FAIL", "GRAY", "")
TAKES_PART = (True, False)


@dataclass(frozen=True)
class Mail:
    reply: str
    references: str
    tag: bool
    dmarc: str
    takes_part: bool

    @property
    def points(self) -> bool:
        """It shows what only one of us, or who got our mail, can have."""
        return self.reply in ("signed", "for another recipient") or self.references in ("our thread id", "a stored id")

    @property
    def trusted(self) -> bool:
        return self.takes_part and self.dmarc != "FAIL"

    @property
    def wanted(self) -> str:
        if self.points:
            return "heard" if self.trusted else "third party"
        if self.tag:
            return "heard" if self.trusted else "its own, naming"
        return "its own"


ALL = [Mail(*one) for one in itertools.product(REPLY, REFERENCES, TAG, DMARC, TAKES_PART)]


@pytest.fixture(scope="module")
def world():
    with running() as one:
        yield one


@pytest.fixture(scope="module")
def asked(world):
    """
    A ticket that a customer opened by mail: (customer, ticket, world).
    """
    eva = Customer()
    number = world.receive(eva.mail(Message_ID=eva.id("first"))).reference
    world.settle()
    return eva, world.desk.table.ticket(number), world


def letter(one, asked, count):
    eva, ticket, world = asked
    keys, number = world.desk.keys(), ticket.reference
    stranger = Customer()
    signed = reply_address(keys, OURS, number, eva.address, ticket.epoch)
    to = {
        "none": OURS,
        "signed": signed,
        "tampered": signed.replace(f"{signed.partition('@')[0][-1]}@", "x@" if "x@" not in signed else "y@"),
        "for another recipient": reply_address(keys, OURS, number, "bob@customer.test", ticket.epoch),
        "of another epoch": reply_address(keys, OURS, number, eva.address, ticket.epoch + 7),
    }[one.reply]
    ours = thread_id(keys, OURS, number, ticket.epoch).strip("<>")
    references = {
        "none": None,
        "our thread id": f"<{ours}>",
        "a stored id": eva.id("first"),
        "a tampered thread id": f"<{'x' if ours[0] != 'x' else 'y'}{ours[1:]}>",
        "empty": "<>",
    }[one.references]
    headers = {"References": references} if references else {}
    who = eva if one.takes_part else stranger
    subject = f"Re: [{number}] My parcel" if one.tag else "My parcel"
    return to, who.mail(f"Letter {count}", to=to, subject=subject, Message_ID=stranger.id("letter"), **headers)


def decided(world, told, written, number):
    """
    Return where the desk would put a mail, from its bytes and from what SES tells of it, without writing anything.
    """
    envelope = incoming.envelope_of(told)
    arrival = incoming._arrival(envelope, read(written.as_bytes()))
    stored = {known: held["ticket"] for known, held in world.desk.table.of_mail_ids(arrival.ids).items()}
    found = arrivals.leads(arrival, arrivals.signed_leads(arrival, world.desk.keys()), stored)
    tickets = {str(one.reference): one for one in world.desk.table.tickets({lead.reference for lead in found})}
    placement = arrivals.placed(arrival, found, tickets)
    if placement.ticket:
        assert placement.ticket.reference == number
        return "heard" if placement.verified else "third party"
    return "its own, naming" if placement.names == number else "its own"


def became(world, taken, number):
    """
    Return what became of a mail that was taken in, as who looks at the tickets sees it.
    """
    if taken.reference != number:
        return "its own, naming" if number in str(world.events(taken.reference)) else "its own"
    newest = world.desk.table.newest_messages(number, 1)[0]
    heard = newest.verified and newest.author.role is Role.CUSTOMER
    assert heard or (not newest.verified and newest.author.role is Role.THIRD_PARTY)
    return "heard" if heard else "third party"


def told_of(world, one, to, written):
    return world.store(written, to=to, dmarc=one.dmarc, spf="GRAY", dkim="GRAY")


def test_no_combination_lets_a_stranger_in(asked):
    _, ticket, world = asked
    seen = Counter()
    wrong = []
    for count, one in enumerate(ALL):
        to, written = letter(one, asked, count)
        what = decided(world, told_of(world, one, to, written), written, ticket.reference)
        seen[what] += 1
        wrong += [(one, what)] if what != one.wanted else []
    assert wrong == []
    assert sum(seen.values()) == len(ALL) >= 200
    assert min(seen[what] for what in ("heard", "third party", "its own", "its own, naming")) >= 10


@pytest.mark.parametrize("one", random.Random(4).sample(ALL, 32), ids=str)
def test_what_was_decided_is_what_is_written(asked, one):
    _, ticket, world = asked
    to, written = letter(one, asked, str(one))
    taken = intake.take_in(world.desk, incoming.envelope_of(told_of(world, one, to, written)))
    assert became(world, taken, ticket.reference) == one.wanted
