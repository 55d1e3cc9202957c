"""
Agents by mail: told of what concerns them, they answer by mail what is surely theirs, and nobody else does.
"""

import itertools
import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from chalicelib.adapters.conflicts import Outrun
from chalicelib.adapters.table import Table
from chalicelib.domain import lifecycle
from chalicelib.domain.access import Scope
from chalicelib.domain.agents import Agent
from chalicelib.domain.change import Receipt
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.signing import Purpose, reply_address
from chalicelib.domain.ticket import Author, Role, Status
from chalicelib.handlers import pages
from chalicelib.usecases import feedback, house, incoming, replay, tickets
from chalicelib.usecases import mail as intake
from chalicelib.usecases.uploads import Uploads
from infra.__main__ import main
from tests.mails import Customer
from tests.world import START, running, ses_event

OURS = "support@demo.test"
ANA, BOB = Agent("ana@shop.test", "Ana"), Agent("bob@shop.test", "Bob Ray")
BY_BOB = Author(Role.AGENT, "Bob Ray", BOB.address)
MALLORY = "mallory@elsewhere.test"


@pytest.fixture(scope="module")
def desk():
    with running() as one:
        for agent in (ANA, BOB):
            house.put_agent(one.desk, agent)
        yield one


@pytest.fixture
def world(desk):
    """The desk that all tests share; each begins two days later, so that nobody was told anything today."""
    desk.later(days=2)
    desk.settle()
    return desk


@pytest.fixture
def eva():
    return Customer()


@pytest.fixture
def hers(world, eva):
    """A ticket of Ana's, and the notification that she was sent: (number, notification)."""
    number = world.receive(eva.mail("Where is my parcel?", Message_ID=eva.id("first"))).reference
    given(world, number)
    world.settle()
    return number, to_agent(world, number)[-1]


def given(world, number, to=ANA.address, by=BY_BOB):
    tickets.update(world.desk, number, {"assignee": to}, by=by, if_match=None)


def noted(world, number, text, by=BY_BOB):
    tickets.reply(world.desk, number, Reply(text, internal=True), Uploads("agents"), by=by, once=None)


def ticket(world, number):
    return world.desk.table.ticket(number)


def newest(world, number):
    return world.desk.table.newest_messages(number, 1)[0]


def of_ticket(world, number, to):
    return [mail for mail in world.mails(to) if number in mail["X-SES-MESSAGE-TAGS"]]


def to_agent(world, number, agent=ANA):
    return of_ticket(world, number, agent.address)


def text_of(mail):
    return mail.get_body(("plain",)).get_content().replace("\r\n", "\n")


def quoted(mail):
    return "On Mon, 2 Mar 2026, Demo Shop wrote:\n" + "\n".join(f"> {line}" for line in text_of(mail).splitlines())


def answer(eva, notification, text="It left today.", sender="Ana <ana@shop.test>", **more):
    return eva.answer(notification, text, sender=sender, **more)


def received(world, letter, **verdicts):
    return world.receive(letter, to=str(letter["To"]), **verdicts)


def whys(world, number):
    return json.dumps(world.events(number), ensure_ascii=False)


def on_page(world, number):
    """Return what the customer's page and his storefront are shown."""
    shown = tickets.messages(world.desk, number, after=None, limit=100)
    return [message.text for message in shown if pages._is_shown(message)]


# Notifications


def test_an_agent_is_told_of_a_ticket_that_is_given_to_him(world, eva, hers):
    number, mail = hers
    assert mail["To"] == "Ana <ana@shop.test>"
    assert mail["Subject"] == f"Re: [{number}] My parcel"
    assert (mail["Auto-Submitted"], mail["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert mail["X-Careline-Loop"]
    said = text_of(mail)
    assert "Bob Ray has given you this ticket: My parcel" in said
    assert "> Where is my parcel?" in said
    assert f"https://desk.test/v1/tickets/{number}" in said
    assert len(to_agent(world, number)) == 1


def test_the_addresses_of_a_notification_are_his_and_short_enough(world, hers):
    number, mail = hers
    keys, now = world.desk.keys(), ticket(world, number)
    for purpose, address in ((Purpose.AGENT, mail["Reply-To"]), (Purpose.NOTE, note_address(mail))):
        assert address == reply_address(keys, OURS, number, ANA.address, now.epoch, purpose)
        assert len(address.partition("@")[0]) <= 64


def note_address(mail):
    return next(line for line in text_of(mail).splitlines() if line.startswith("support+"))


@pytest.mark.parametrize("way", ["mail", "API", "page"])
def test_an_agent_is_told_that_the_customer_wrote_on_his_ticket(world, eva, hers, way):
    number, _ = hers
    if way == "mail":
        received(world, eva.mail("When?", to=str(of_ticket(world, number, eva.address)[0]["Reply-To"])))
    else:
        by = Author(Role.CUSTOMER, "Eva", eva.address)
        tickets.write(world.desk, number, "When?", Uploads("demo"), by=by, once=None)
    world.settle()
    _, mail = to_agent(world, number)
    assert "The customer has written on your ticket: My parcel" in text_of(mail)
    assert "> When?" in text_of(mail)


@pytest.mark.parametrize("verdicts", [{"dmarc": "FAIL"}, {}])
def test_an_agent_is_not_told_of_what_strangers_and_machines_write(world, eva, hers, verdicts):
    number, _ = hers
    machine = {} if verdicts else {"Auto_Submitted": "auto-replied"}
    received(world, eva.mail("When?", In_Reply_To=eva.id("first"), **machine), **verdicts)
    world.settle()
    assert len(to_agent(world, number)) == 1


@pytest.mark.parametrize("name", ["@bob@shop.test", "@Bob Ray"])
def test_an_agent_is_told_of_a_note_that_names_him(world, hers, name):
    number, _ = hers
    noted(world, number, f"Could you look, {name}?", by=Author(Role.AGENT, "Ana", ANA.address))
    world.settle()
    (mail,) = to_agent(world, number, BOB)
    assert "Ana names you in a note on this ticket" in text_of(mail)
    assert "> Could you look" in text_of(mail)
    assert len(to_agent(world, number)) == 1


def test_a_notification_is_no_message_of_its_ticket_waiting_or_sent(world, hers):
    number, _ = hers
    before = [message.id for message in tickets.messages(world.desk, number, after=None, limit=100)]
    noted(world, number, "@Ana")
    waiting = tickets.messages(world.desk, number, after=None, limit=100)
    world.settle()
    sent = tickets.messages(world.desk, number, after=None, limit=100)
    assert [m.id for m in waiting][:-1] == [m.id for m in sent][:-1] == before
    assert waiting[-1].internal
    assert len(to_agent(world, number)) == 2
    assert on_page(world, number) == ["Where is my parcel?"]


def test_a_notification_meets_no_clock_and_answers_nobody(world, eva, hers):
    number, _ = hers
    now = ticket(world, number)
    assert now.first_response.met_at is None
    assert (now.status, now.answered_by_human, now.last_answer) == (Status.OPEN, False, None)


@pytest.mark.parametrize("kind", ["Bounce", "Complaint"])
def test_a_notification_that_bounces_is_nothing_to_the_ticket(world, eva, kind):
    kim = Agent(f"kim.{kind}@shop.test".lower(), "Kim")
    house.put_agent(world.desk, kim)
    number = world.receive(eva.mail()).reference
    given(world, number, kim.address)
    world.settle()
    before = ticket(world, number)
    raw = next(one for one in world.sent_raw() if number.encode() in one and kim.address.encode() in one)
    feedback.take_in(world.desk, ses_event(kind, raw))
    assert ticket(world, number) == before
    # and no more is written to him meanwhile
    noted(world, number, "@Kim")
    world.settle()
    assert len(to_agent(world, number, kim)) == 1


# An answer


def test_an_agents_reply_to_a_notification_answers_the_customer(world, eva, hers):
    number, mail = hers
    letter = answer(eva, mail, f"It left today.\n\n{quoted(mail)}", Message_ID=eva.id("answer"))
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="label.pdf")
    assert received(world, letter).what == "replied"
    world.settle()
    now, said = ticket(world, number), newest(world, number)
    assert (now.status, now.answered_by_human) == (Status.PENDING, True)
    assert now.first_response.met_at == world.now
    assert (said.author, said.channel, said.verified, said.internal) == (
        Author(Role.AGENT, "Ana", ANA.address), "email", True, False,
    )  # fmt: skip
    assert (said.text, said.quoted_text, said.full_text, said.html_key) == ("It left today.", "", None, None)
    out = of_ticket(world, number, eva.address)[-1]
    assert text_of(out).startswith("It left today.\n\nAna\n")
    assert [part.get_filename() for part in out.iter_attachments()] == ["label.pdf"]
    assert "Auto-Submitted" not in out
    assert on_page(world, number) == ["Where is my parcel?", "It left today."]
    # she is not told of her own words
    assert len(to_agent(world, number)) == 1


def test_nothing_of_a_notification_goes_out_with_an_answer(world, eva, hers):
    number, _ = hers
    noted(world, number, "@Ana he is a thief")
    world.settle()
    mail = to_agent(world, number)[-1]
    assert "thief" in text_of(mail)
    html = f"<div>It left.</div><blockquote>{mail.get_body(('html',)).get_content()}</blockquote>"
    letter = answer(eva, mail, f"It left.\n\n{quoted(mail)}")
    letter.add_alternative(html, subtype="html")
    received(world, letter)
    world.settle()
    out = of_ticket(world, number, eva.address)[-1].as_string()
    assert "It left." in out
    assert "thief" not in out
    assert mail["Reply-To"] not in out
    kept = tickets.message(world.desk, number, newest(world, number).id)
    assert "thief" not in f"{kept.text}{kept.quoted_text}{kept.full_text}{kept.html}"


def test_the_same_reply_twice_is_one_answer(world, eva, hers):
    number, mail = hers
    letter = answer(eva, mail, Message_ID=eva.id("answer"))
    assert [received(world, letter).what for _ in range(2)] == ["replied", "taken_before"]
    world.settle()
    assert len(of_ticket(world, number, eva.address)) == 2


def test_a_long_answer_goes_out_whole(world, eva, hers):
    number, mail = hers
    received(world, answer(eva, mail, "All work and no play makes Jack a dull boy.\n" * 2_000))
    world.settle()
    assert text_of(of_ticket(world, number, eva.address)[-1]).count("Jack") == 2_000


def test_the_customers_next_mail_finds_the_ticket_that_was_answered_by_mail(world, eva, hers):
    number, mail = hers
    received(world, answer(eva, mail))
    world.settle()
    out = of_ticket(world, number, eva.address)[-1]
    assert received(world, eva.answer(out)).reference == number
    assert ticket(world, number).status is Status.OPEN


def test_reading_stored_mail_again_leaves_an_agents_answer_as_it_went_out(world, eva, hers):
    number, mail = hers
    received(world, answer(eva, mail, f"It left.\n\n{quoted(mail)}"))
    before = newest(world, number)
    assert before.raw_key
    assert [looked.found for looked in replay.replay(world.desk, ticket=number, apply=True)] == [None]
    assert newest(world, number) == before


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no words"),
        ("{quoted}", "no words"),
        # a program that marks nothing
        ("It left today.\n\nHello Ana,\nwrite to {note}", "quotes our notification"),
        ("@fwd\n\nPlease look.", "nobody in it who wrote it first"),
    ],
)
def test_what_cannot_be_an_answer_is_kept_as_a_note_and_he_is_told(world, eva, hers, text, why):
    number, mail = hers
    written = text.format(quoted=quoted(mail), note=note_address(mail))
    assert received(world, answer(eva, mail, written)).what == "noted"
    world.settle()
    kept = newest(world, number)
    assert (kept.internal, kept.author.role) == (True, Role.AGENT)
    assert kept.note
    assert len(of_ticket(world, number, eva.address)) == 1
    refusal = to_agent(world, number)[-1]
    assert refusal["Subject"] == f"[{number}] Your mail has not gone to the customer"
    assert why in " ".join(text_of(refusal).split())
    assert refusal["Auto-Submitted"] == "auto-generated"
    assert refusal["Reply-To"] is None


@pytest.mark.parametrize("status", [Status.CLOSED, Status.SPAM])
def test_an_answer_that_comes_too_late_is_a_note(world, eva, hers, status):
    number, mail = hers
    if status is Status.CLOSED:
        tickets.resolve(world.desk, number, by=BY_BOB, if_match=None)
    tickets.update(world.desk, number, {"status": status}, by=BY_BOB, if_match=None)
    sent = len(of_ticket(world, number, eva.address))
    assert received(world, answer(eva, mail)).what == "noted"
    world.settle()
    assert (ticket(world, number).status, newest(world, number).text) == (status, "It left today.")
    assert len(of_ticket(world, number, eva.address)) == sent
    assert "takes no more answers" in text_of(to_agent(world, number)[-1])


@pytest.mark.parametrize(
    "sign", [{"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"X_Autoreply": "yes"}, {"Return_Path": "<>"}]
)
@pytest.mark.parametrize("to", ["reply", "note"])
def test_an_agents_out_of_office_is_no_reply_and_is_answered_by_nothing(world, eva, hers, sign, to):
    number, mail = hers
    before, sent = ticket(world, number), len(world.sent_raw())
    address = str(mail["Reply-To"]) if to == "reply" else note_address(mail)
    assert received(world, answer(eva, mail, "I am away.", to=address, **sign)).what == "recorded"
    world.settle()
    said, after = newest(world, number), ticket(world, number)
    assert (said.automatic, said.internal, said.author.role) == (True, True, Role.SYSTEM)
    assert (after.status, after.first_response, after.timers) == (before.status, before.first_response, before.timers)
    assert len(world.sent_raw()) == sent
    assert on_page(world, number) == ["Where is my parcel?"]


# A note


def test_a_mail_to_the_note_address_is_a_note(world, eva, hers):
    number, mail = hers
    letter = answer(eva, mail, f"He rang. @Bob Ray?\n\n{quoted(mail)}", to=note_address(mail))
    assert received(world, letter).what == "noted"
    world.settle()
    note = newest(world, number)
    assert (note.internal, note.author.email, note.text) == (True, ANA.address, "He rang. @Bob Ray?")
    assert ticket(world, number).first_response.met_at is None
    assert len(of_ticket(world, number, eva.address)) == 1
    assert on_page(world, number) == ["Where is my parcel?"]
    assert "names you in a note" in text_of(to_agent(world, number, BOB)[-1])
    assert len(to_agent(world, number)) == 1


def test_a_mail_to_both_addresses_is_a_note(world, eva, hers):
    _, mail = hers
    letter = answer(eva, mail, to=f"{mail['Reply-To']}, {note_address(mail)}")
    assert world.receive(letter, to=str(mail["Reply-To"])).what == "noted"


# Refusals


def astray(eva, number, text="It left today.", **more):
    """Return what an agent writes who has lost the address of the notification, but not the thread."""
    return eva.mail(text, sender="Ana <ana@shop.test>", subject="x", In_Reply_To=eva.id("first"), **more)


def test_an_agent_is_told_once_a_day_what_was_wrong(world, eva, hers):
    number, _ = hers
    for n in range(3):
        assert world.receive(astray(eva, number, f"Answer {n}")).what == "recorded"
        world.settle()
    assert [text_of(mail).count("not sent to the address") for mail in to_agent(world, number)[1:]] == [1]
    assert "told before" in whys(world, number)
    world.later(hours=25)
    world.receive(astray(eva, number, "The day after"))
    world.settle()
    assert len(to_agent(world, number)) == 3
    assert on_page(world, number) == ["Where is my parcel?"]


def test_two_mails_at_once_are_refused_once(world, eva, hers, monkeypatch):
    """The second looks before the first has written that he was told."""
    number, _ = hers
    world.receive(astray(eva, number, "One"))
    truth, lies = Table.receipt, [None]
    monkeypatch.setattr(
        Table,
        "receipt",
        lambda self, scope, key, **more: lies.pop() if scope == "refusal" and lies else truth(self, scope, key, **more),
    )
    world.receive(astray(eva, number, "Two"))
    world.settle()
    assert lies == []
    assert len(to_agent(world, number)) == 2
    assert {"One", "Two"} <= {message.text for message in world.desk.table.messages(number)}


def test_a_limit_that_is_used_up_fails_the_whole_change(world, hers):
    number, _ = hers
    desk, storefront = world.desk, world.desk.house.storefront("demo")
    for first in (True, False):
        now = ticket(world, number)
        change = lifecycle.reply(now, Reply("A note.", internal=True), storefront, desk.act(BY_BOB))
        change = replace(change, limit=Receipt("refusal", "kim@shop.test"))
        if first:
            desk.table.commit(change)
        else:
            with pytest.raises(Outrun):
                desk.table.commit(change)
            assert ticket(world, number) == now


@pytest.mark.parametrize("verdict", ["FAIL", "GRAY", ""])
def test_nobody_is_refused_by_mail_whose_domain_does_not_vouch_for_him(world, eva, hers, verdict):
    number, mail = hers
    sent = len(world.sent_raw())
    assert received(world, answer(eva, mail), dmarc=verdict).what == "recorded"
    world.settle()
    assert len(world.sent_raw()) == sent
    said = newest(world, number)
    assert (said.author.role, said.verified, said.internal) == (Role.THIRD_PARTY, False, True)


def test_an_agent_who_names_a_number_alone_has_a_ticket_of_his_own_and_is_told_how_to_answer(world, eva, hers):
    number, _ = hers
    own = world.receive(eva.mail("It left.", sender="Ana <ana@shop.test>", subject=f"Re: [{number}] x")).reference
    world.settle()
    assert own != number
    assert "No acknowledgement: an agent wrote it" in whys(world, own)
    (refusal,) = to_agent(world, own)
    assert "reply to the notification" in text_of(refusal)


def test_what_is_refused_costs_an_agent_none_of_his_own_acknowledgements(world, eva, hers):
    number, _ = hers
    world.receive(eva.mail("My own lamp is broken.", sender="Ana <ana@shop.test>", subject="Lamp"))
    world.settle()
    before = world.desk.table.customer(ANA.address).ledger
    for n in range(12):
        own = world.receive(
            eva.mail(f"It left {n}.", sender="Ana <ana@shop.test>", subject=f"[{number}] {n}")
        ).reference
        assert ticket(world, own).system_mails == {}
    world.settle()
    assert world.desk.table.customer(ANA.address).ledger == before
    mine = world.receive(eva.mail("My other lamp, too.", sender="Ana <ana@shop.test>", subject="Other lamp")).reference
    world.settle()
    assert "No acknowledgement" not in whys(world, mine)


def test_an_agent_who_writes_for_himself_is_a_customer_like_others(world, eva):
    own = world.receive(eva.mail("My own lamp is broken.", sender="Ana <ana@shop.test>")).reference
    world.settle()
    assert ticket(world, own).customer.email == ANA.address
    assert "has arrived" in text_of(to_agent(world, own)[0])


def test_an_agents_address_opens_no_others_ticket(world, eva, hers):
    number, _ = hers
    theirs = of_ticket(world, number, eva.address)[0]
    received(world, answer(eva, theirs, "I am the customer."))
    said = newest(world, number)
    assert (said.author.role, said.verified) == (Role.THIRD_PARTY, False)
    assert ticket(world, number).status is Status.OPEN


def test_who_is_no_agent_any_more_answers_nobody(world, eva):
    kim = Agent("kim.gone@shop.test", "Kim")
    house.put_agent(world.desk, kim)
    number = world.receive(eva.mail()).reference
    given(world, number, kim.address)
    world.settle()
    mail = to_agent(world, number, kim)[-1]
    house.remove_agent(world.desk, kim.address)
    sent = len(world.sent_raw())
    assert received(world, answer(eva, mail, sender=f"Kim <{kim.address}>")).what == "recorded"
    world.settle()
    assert len(world.sent_raw()) == sent


# Who may speak as an agent: every combination of what a mail can show, true or forged


TO = (
    "ours",
    "hers",
    "her note",
    "a colleague's",
    "the customer's",
    "tampered",
    "of another epoch",
    "his, of another ticket",
)
SENDER = ("ana", "bob", "customer", "mallory", "two of them", "her name", "envelope only", "form")
DMARC = ("PASS", "FAIL", "GRAY", "")
THREAD = (True, False)


@dataclass(frozen=True)
class Forged:
    to: str
    sender: str
    dmarc: str
    thread: bool

    @property
    def wanted(self):
        """Only the address of a notification to him, from his own, vouched for: (what, whose ticket)."""
        if self.dmarc != "PASS":
            return None
        return {
            ("ana", "hers"): ("replied", "hers"),
            ("ana", "her note"): ("noted", "hers"),
            ("bob", "his, of another ticket"): ("replied", "another"),
        }.get((self.sender, self.to))


ALL = [Forged(*one) for one in itertools.product(TO, SENDER, DMARC, THREAD)]


def forged(world, eva, number, other, one):
    keys, epoch = world.desk.keys(), ticket(world, number).epoch
    signed = reply_address(keys, OURS, number, ANA.address, epoch, Purpose.AGENT)
    local, _, domain = signed.partition("@")
    to = {
        "ours": OURS,
        "hers": signed,
        "her note": reply_address(keys, OURS, number, ANA.address, epoch, Purpose.NOTE),
        "a colleague's": reply_address(keys, OURS, number, "kim@shop.test", epoch, Purpose.AGENT),
        "the customer's": reply_address(keys, OURS, number, eva.address, epoch),
        "tampered": f"{local[:-1]}{'0' if local[-1] != '0' else '1'}@{domain}",
        "of another epoch": reply_address(keys, OURS, number, ANA.address, epoch + 1, Purpose.AGENT),
        "his, of another ticket": reply_address(keys, OURS, other, BOB.address, epoch, Purpose.AGENT),
    }[one.to]
    sender = {
        "ana": "Ana <ana@shop.test>",
        "bob": "Bob Ray <bob@shop.test>",
        "customer": f"Eva <{eva.address}>",
        "mallory": MALLORY,
        "two of them": f"Ana <ana@shop.test>, {MALLORY}",
        "her name": f'"ana@shop.test" <{MALLORY}>',
        "envelope only": "nobody",
        "form": "form@market.test",
    }[one.sender]
    headers = {"References": eva.id("first")} if one.thread else {}
    headers |= {"Reply_To": "Ana <ana@shop.test>"} if one.sender in ("form", "mallory") else {}
    letter = eva.mail(f"Send it to me. {one}", sender=sender, to=to, subject="Re: My parcel", **headers)
    told = world.store(letter, to=to, dmarc=one.dmarc, spf="GRAY", dkim="GRAY")
    told["mail"]["source"] = ANA.address
    return told


@pytest.fixture
def written(world, eva, hers):
    """Return a function that makes a forged mail of the desk's, and tells what it is: (what, whose ticket) or None."""
    number, _ = hers
    other = world.receive(Customer().mail("Something else")).reference
    shop = world.desk.house.storefront("demo")
    house.put_storefront(world.desk, replace(shop, forms=("form@market.test",)))
    whose = {number: "hers", other: "another"}

    def take(one):
        envelope = incoming.envelope_of(forged(world, eva, number, other, one))
        taken = intake.take_in(world.desk, envelope)
        return (taken.what, whose[taken.reference]) if taken.what in ("replied", "noted") else None

    return take


def test_no_combination_lets_anybody_but_her_speak_as_an_agent(world, eva, written, monkeypatch):
    changes = []
    monkeypatch.setattr(Table, "commit", lambda _, change: changes.append(change))
    wrong, seen = [], Counter()
    for one in ALL:
        what = written(one)
        seen[what] += 1
        wrong += [(one, what)] if what != one.wanted else []
        spoken = [m for m in changes[-1].messages if m.author.role is Role.AGENT]
        assert bool(spoken) is bool(what)
        mails = {(mail.what, mail.to) for mail in changes[-1].outgoing} - {("agent-notification", ANA.address)}
        if changes[-1].before and not what:
            registered = {"ana": ANA.address, "bob": BOB.address}.get(one.sender) if one.dmarc == "PASS" else None
            assert mails <= {("agent-refusal", registered)}
            assert bool(mails) is bool(registered)
    assert wrong == []
    assert set(seen) == {None, ("replied", "hers"), ("noted", "hers"), ("replied", "another")}
    assert len(ALL) >= 400
    assert seen[None] == len(ALL) - 6


@pytest.mark.parametrize(
    "one", [one for one in ALL if one.to == "hers" and one.thread and one.dmarc != "GRAY"], ids=str
)
def test_what_is_decided_of_a_forged_mail_is_what_the_customer_sees(world, eva, hers, written, one):
    number, _ = hers
    assert written(one) == one.wanted
    world.settle()
    theirs = [m.text for m in world.desk.table.messages(number) if pages._is_shown(m) and m.author.email != eva.address]
    assert len(theirs) == len(of_ticket(world, number, eva.address)) - 1 == (one.wanted is not None)


def test_a_mail_with_a_virus_is_nobodys_answer(world, eva, hers):
    _, mail = hers
    sent = len(world.sent_raw())
    assert received(world, answer(eva, mail), virus="FAIL").what == "recorded"
    world.settle()
    assert len(world.sent_raw()) == sent


# Passing on


FORWARDED = """@fwd
She rang, too. {extra}

---------- Forwarded message ---------
From: Eva Roth <{address}>
Date: Mon, 2 Mar 2026 at 10:00
Subject: Re: [{number}] Secret wish
To: <ana@shop.test>

Where is my blue lamp?
"""


def passed_on(eva, text, **more):
    return eva.mail(text, **{"sender": "Ana <ana@shop.test>", "subject": "Fwd: Secret wish"} | more)


@pytest.mark.parametrize("thread", [{}, {"In_Reply_To": "first"}])
def test_who_wrote_a_forwarded_mail_first_is_the_customer(world, eva, hers, thread):
    number, _ = hers
    named = {name: eva.id(what) for name, what in thread.items()}
    first = Customer()
    letter = passed_on(eva, FORWARDED.format(address=first.address, number=number, extra="@Bob Ray"), **named)
    taken = world.receive(letter)
    assert (taken.what, taken.reference != number) == ("opened", True)
    world.settle()
    now = ticket(world, taken.reference)
    assert (now.customer.email, now.customer.name, now.channel) == (first.address, "Eva Roth", "email")
    assert (now.authenticated, now.status) == (False, Status.NEW)
    assert now.first_response
    message, note = (m for m in world.desk.table.messages(taken.reference) if not m.automatic)
    assert (message.text, message.author.role, message.verified) == ("Where is my blue lamp?", Role.CUSTOMER, False)
    assert message.raw_key is None
    assert (note.text, note.internal, note.author.email) == ("@fwd\nShe rang, too. @Bob Ray", True, ANA.address)
    assert note.raw_key
    (acknowledgement,) = world.mails(first.address)
    said = acknowledgement.as_string()
    assert "lamp" not in said
    assert "Secret" not in said
    assert "Roth" not in said
    assert "passed it on with @fwd" in whys(world, taken.reference)
    assert on_page(world, taken.reference) == ["Where is my blue lamp?"]
    assert "names you in a note" in text_of(to_agent(world, taken.reference, BOB)[-1])
    # reading it again does not turn it into the agent's
    assert list(replay.replay(world.desk, ticket=taken.reference, apply=True)) == []


def test_a_forwarded_mail_opens_a_ticket_whatever_it_names(world, eva, hers):
    """Its sender takes part in the ticket that it names, but only the agent says that he wrote it."""
    number, _ = hers
    before = ticket(world, number)
    taken = world.receive(passed_on(eva, FORWARDED.format(address=eva.address, number=number, extra="")))
    assert (taken.what, ticket(world, taken.reference).authenticated) == ("opened", False)
    assert ticket(world, number) == before


def test_a_forwarded_attachment_is_the_customers_own_mail(world, eva):
    first = Customer()
    inner = first.mail("Where is my <b>lamp</b>?", to="ana@shop.test", Message_ID=first.id("inner"))
    inner.add_alternative("<p>Where is my <b>lamp</b>?</p>", subtype="html")
    inner.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bill.pdf")
    letter = passed_on(eva, "@fwd")
    letter.add_attachment(inner)
    number = world.receive(letter).reference
    world.settle()
    message = next(m for m in tickets.messages(world.desk, number, after=None, limit=9) if not m.automatic)
    assert message.author.email == ticket(world, number).customer.email == first.address
    assert "<b>lamp</b>" in message.html
    assert "bill.pdf" in [file.name for file in message.files]
    # his answer to his own mail is on the ticket that it became
    assert world.receive(first.mail("Hello?", In_Reply_To=first.id("inner"))).reference == number


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("@fwd\n\nPlease look.", "nobody"),
        # the desk is not its own customer
        (FORWARDED.format(address=OURS, number="", extra=""), "ourselves"),
    ],
)
def test_a_forwarded_mail_of_nobody_is_the_agents_own_and_says_why(world, eva, text, who):
    number = world.receive(passed_on(eva, text)).reference
    assert ticket(world, number).customer.email == ANA.address
    assert "nobody is named in it who wrote it first" in whys(world, number)


@pytest.mark.parametrize(
    ("sender", "verdicts"),
    [
        (f"Mallory <{MALLORY}>", {}),
        ("Ana <ana@shop.test>", {"dmarc": "FAIL"}),
        ("Ana <ana@shop.test>", {"dmarc": "GRAY"}),
        ("Ana <ana@shop.test>", {"virus": "FAIL"}),
        (f"Ana <ana@shop.test>, {MALLORY}", {}),
    ],
)
def test_nobody_but_an_agent_makes_another_the_customer(world, eva, sender, verdicts):
    victim = Customer()
    text = FORWARDED.format(address=victim.address, number="", extra="")
    number = world.receive(passed_on(eva, text, sender=sender), **verdicts).reference
    world.settle()
    assert ticket(world, number).customer.email in (MALLORY, ANA.address)
    assert world.mails(victim.address) == []


def test_nobody_is_acknowledged_at_an_address_that_nobody_reads(world, eva):
    text = FORWARDED.format(address="noreply@customer.test", number="", extra="")
    number = world.receive(passed_on(eva, text)).reference
    world.settle()
    assert ticket(world, number).customer.email == "noreply@customer.test"
    assert "nobody reads" in whys(world, number)
    assert of_ticket(world, number, "noreply@customer.test") == []


# Registering


def test_an_agents_first_key_makes_him_known_and_later_ones_change_nothing(world):
    house.create_key(world.desk, Scope.AGENT, name="Lea", email="Lea@Shop.test")
    assert world.desk.house.agents()["lea@shop.test"] == Agent("lea@shop.test", "Lea")
    quiet = house.put_agent(world.desk, Agent("lea@shop.test", "Lea Lee", assigned=False))
    house.create_key(world.desk, Scope.AGENT, name="Lea", email="lea@shop.test")
    assert world.desk.house.agents()["lea@shop.test"] == quiet
    for scope, email in ((Scope.ADMIN, "boss@shop.test"), (Scope.AGENT, ""), (Scope.AGENT, "no address")):
        house.create_key(world.desk, scope, name="x", email=email)
    assert set(world.desk.house.agents()) & {"boss@shop.test", "", "no address"} == set()


@pytest.mark.parametrize("address", ["nonsense", "ana@", OURS, "Support@Other.test"])
def test_who_cannot_be_written_to_or_is_ourselves_is_no_agent(world, address):
    before = world.desk.house.agents()
    with pytest.raises(Invalid, match="/email"):
        house.put_agent(world.desk, Agent(address, "x"))
    assert world.desk.house.agents() == before


def test_who_is_no_agent_cannot_be_removed(world):
    with pytest.raises(NotFound):
        house.remove_agent(world.desk, "stranger@shop.test")


def test_ops_register_list_and_remove_agents(world, capsys, monkeypatch):
    monkeypatch.setattr("infra.stage.enter", lambda *_: None)
    monkeypatch.setattr("infra.agents.session_for", lambda _: None)
    monkeypatch.setattr("chalicelib.wiring.desk", lambda: world.desk)
    assert main(["agents", "add", "--email", "Mia@Shop.test", "--name", "Mia", "--no-assigned"]) == 0
    assert world.desk.house.agents()["mia@shop.test"] == Agent("mia@shop.test", "Mia", assigned=False)
    assert main(["agents", "list"]) == 0
    assert "mia@shop.test" in capsys.readouterr().out
    assert main(["agents", "remove", "MIA@shop.test"]) == 0
    assert "mia@shop.test" not in world.desk.house.agents()
    assert main(["agents", "remove", "mia@shop.test"]) == 1
    assert "agents list" in capsys.readouterr().err
    assert main(["agents", "add", "--email", OURS, "--name", "x"]) == 1


def test_what_is_remembered_of_agents_is_forgotten_when_they_change(world):
    assert world.desk.house.agents()["ana@shop.test"] == ANA
    house.put_agent(world.desk, Agent("ana@shop.test", "Ana", named=False))
    assert not world.desk.house.agents()["ana@shop.test"].named
    house.put_agent(world.desk, ANA)
    assert world.now - START > timedelta(0)
