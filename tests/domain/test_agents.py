"""
What agents are told of, whom a note names, and what of an agent's mail is an answer.
"""

from dataclasses import replace

import pytest

from chalicelib.domain import agents, lifecycle
from chalicelib.domain.agents import MARK, Agent, Trouble, named_in, told, trouble, words_of
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.signing import KeyRing, Purpose, read_reply_address, reply_address
from chalicelib.domain.ticket import Author, Role, Status
from tests.domain.build import ANA, DEMO, EVA, act, number, opened, ticket, words

BOB = Author(Role.AGENT, "Bob", "bob@demo.test")
ROSTER = {
    "ana@demo.test": Agent("ana@demo.test", "Ana"),
    "anaruiz@demo.test": Agent("anaruiz@demo.test", "Ana Ruiz"),
    "bob@demo.test": Agent("bob@demo.test", "Bob"),
}
KEYS = KeyRing("a", {"a": b"0" * 32})


def assigned(to, by=BOB, before=None):
    return lifecycle.update(before or ticket(), {"assignee": to}, DEMO, act(by=by))


def noted(body, by=BOB):
    return lifecycle.reply(ticket(), Reply(body, internal=True), DEMO, act(by=by))


def heard(of, **more):
    return lifecycle.customer_writes(of, words(**more), DEMO, act(by=EVA))


ANAS = ticket(Status.OPEN)  # hers: ana@demo.test


@pytest.mark.parametrize(
    ("change", "to", "occasion"),
    [
        (assigned("ana@demo.test"), ["ana@demo.test"], "assigned"),
        # as an address is written, or not
        (assigned("Ana@Demo.test"), ["ana@demo.test"], "assigned"),
        (assigned("ana@demo.test", by=ANA), [], None),
        (assigned("kim@demo.test"), [], None),
        (assigned(None, before=ANAS), [], None),
        # his already
        (assigned("ana@demo.test", before=ANAS), [], None),
        (heard(ANAS), ["ana@demo.test"], "customer_wrote"),
        (heard(ticket()), [], None),
        (heard(ANAS, automatic=True), [], None),
        (heard(ANAS, author=Author(Role.THIRD_PARTY, "", "x@customer.test"), verified=False), [], None),
        (heard(replace(ANAS, status=Status.SPAM)), [], None),
        (noted("@bob@demo.test and @Ana: look."), ["ana@demo.test"], "named"),
        (noted("Ask ana@demo.test."), [], None),
        (lifecycle.reply(ticket(), Reply("Hello @Ana!"), DEMO, act(by=BOB)), ["eva@customer.test"], None),
        (opened(), ["eva@customer.test"], None),
    ],
)
def test_who_is_told_of_a_change(change, to, occasion):
    after = told(change, ROSTER)
    assert [mail.to for mail in after.outgoing] == to
    assert [mail.data["occasion"] for mail in after.outgoing if mail.what == "agent-notification"] == [occasion] * bool(
        occasion
    )
    assert agents.may_tell(change) or not occasion
    # it is no event on the ticket
    assert replace(after, outgoing=()) == replace(change, outgoing=())


@pytest.mark.parametrize(
    ("setting", "change"),
    [("assigned", assigned("ana@demo.test")), ("customer_wrote", heard(ANAS)), ("named", noted("@Ana"))],
)
def test_what_an_agent_does_not_want_to_be_told_is_not_told(setting, change):
    silent = {"ana@demo.test": replace(ROSTER["ana@demo.test"], **{setting: False})}
    assert told(change, silent) == change
    others = {name: False for name in ("assigned", "customer_wrote", "named") if name != setting}
    only = {"ana@demo.test": replace(ROSTER["ana@demo.test"], **others)}
    assert len(told(change, only).outgoing) == 1


def test_one_change_writes_to_an_agent_once():
    both = assigned("ana@demo.test")
    both = replace(both, messages=(words(author=BOB, internal=True, text="@Ana @ana@demo.test"),))
    (mail,) = told(both, ROSTER).outgoing
    assert mail.data["occasion"] == "assigned"


@pytest.mark.parametrize(
    ("note", "named"),
    [
        ("@ana@demo.test please", ["ana@demo.test"]),
        ("@ANA@Demo.test.", ["ana@demo.test"]),
        ("Dear @Ana, and @bob!", ["ana@demo.test", "bob@demo.test"]),
        ("(@Ana Ruiz)", ["anaruiz@demo.test"]),
        ("@ana ruiz and @ana", ["anaruiz@demo.test", "ana@demo.test"]),
        ("@Ana\n@Ana", ["ana@demo.test"]),
        # somebody else, or nobody
        ("@Anastasia", []),
        ("@ana@demo.testing", []),
        ("@ana@demo.test.example", []),
        ("@Bob@elsewhere.test", []),
        ("write to x@ana", []),
        ("me@bob", []),
        ("Ana", []),
        ("", []),
    ],
)
def test_whom_a_note_names(note, named):
    assert list(named_in(note, ROSTER.values())) == named


def test_two_of_one_name_are_both_named_and_a_name_that_is_none_is_nobodys():
    roster = [Agent("ana@demo.test", "Ana"), Agent("ana2@demo.test", "Ana"), Agent("x@demo.test", "")]
    assert named_in("@Ana @", roster) == ("ana@demo.test", "ana2@demo.test")
    assert named_in("@Ana", []) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("It left today.", "It left today."),
        (f"It left today.\n\n{MARK}\nHello Ana", "It left today."),
        # wrapped, quoted and shouted, as mail programs do
        ("It left today.\n> ##- Please write your\n> reply above this line -##\n> Hello", "It left today."),
        ("It left today.\n##- PLEASE WRITE YOUR REPLY ABOVE THIS LINE -##", "It left today."),
        (MARK, ""),
        ("", ""),
    ],
)
def test_an_answer_ends_where_our_mark_stands(text, said):
    assert words_of(text) == said


@pytest.mark.parametrize("purpose", [Purpose.AGENT, Purpose.NOTE])
def test_words_that_quote_a_notification_do_not_go_out(purpose):
    ours = reply_address(KEYS, "support@demo.test", number(), "ana@demo.test", 0, purpose)
    for words_around in (f"It left.\n> write to {ours}", f"<mailto:{ours.upper()}>", f"({ours})"):
        assert trouble(words_around, KEYS) is Trouble.QUOTES


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("", Trouble.EMPTY),
        ("@fwd\nFrom: nobody", Trouble.NO_ORIGINAL),
        ("@FWD", Trouble.NO_ORIGINAL),
        ("Use @fwd for that.", None),
        ("Write to support+orders@demo.test", None),
    ],
)
def test_what_is_no_answer(said, why):
    assert trouble(said, KEYS) is why


def test_what_is_looked_for_takes_time_in_proportion():
    long = "a@b+" * 250_000
    assert trouble(long, KEYS) is None
    assert words_of("##- " * 250_000).startswith("##-")
    assert named_in(f"@{'a' * 1_000_000}", ROSTER.values()) == ()


def test_a_customers_address_is_never_an_agents_nor_the_other_way_about():
    for made in (Purpose.REPLY, Purpose.AGENT, Purpose.NOTE):
        address = reply_address(KEYS, "support@demo.test", number(), "ana@demo.test", 0, made)
        assert len(address.partition("@")[0]) <= 64
        for read in (Purpose.REPLY, Purpose.AGENT, Purpose.NOTE):
            assert (read_reply_address(KEYS, address.swapcase(), read) is not None) is (read is made)


@pytest.mark.parametrize("change", [opened(), heard(ticket()), noted("Nobody."), assigned(None, before=ANAS)])
def test_nobody_is_looked_up_for_a_change_that_can_concern_no_agent(change):
    assert not agents.may_tell(change)
