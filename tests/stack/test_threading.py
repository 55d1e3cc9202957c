"""
Twenty conversations by SMTP with a desk that runs: how many tickets each kind of answer makes, and how many it should.

`pytest tests/stack/test_threading.py -s` prints the table.
"""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from email.message import EmailMessage

import pytest

from infra.embedded.caller import Caller, eventually, header
from infra.embedded.caller import mail as letter
from infra.embedded.settings import ROOT

pytestmark = pytest.mark.stack

CONVERSATIONS = 20
PATIENCE_SECONDS = 180


@dataclass
class Conversation:
    """
    A customer's first mail, its ticket, and our acknowledgement of it.
    """

    customer: str
    first: EmailMessage
    reference: str = ""
    ours: dict | None = None

    @property
    def ids(self) -> str:
        return f"{header(self.ours, 'References')} {header(self.ours, 'Message-ID')}"


class Desk:
    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.support = caller.run["support_address"]

    def get(self, path: str) -> dict:
        """
        Ask as an agent, and wait where a key may not ask so often.
        """
        while (answer := self.caller.call("GET", path, key="agent_key")).status == 429:
            time.sleep(float(answer.headers["Retry-After"]))
        assert answer.status == 200, answer.text
        return answer.json

    def tickets(self, customer: str) -> list[str]:
        return [one["reference"] for one in self.get(f"/v1/tickets?customer={customer}&limit=100")["items"]]

    def words(self, reference: str) -> list[dict]:
        return self.get(f"/v1/tickets/{reference}/messages?limit=100")["items"]

    def await_words(self, reference: str, said: str) -> dict:
        """
        Wait until a mail has arrived on a ticket, and return it as it stands there.
        """

        def look():
            return [one for one in self.words(reference) if said in (one["full_text"] or "")]

        return eventually(look, PATIENCE_SECONDS)[0]


@pytest.fixture(scope="module")
def talk(desk):
    found = Desk(desk)
    conversations = []
    for number in range(CONVERSATIONS):
        customer = f"row{number}.{time.time_ns()}@customers.test"
        first = letter(customer, found.support, f"Lamp {number}", "Where is it?", Cc=f"bob.{customer}")
        desk.send(first, to=found.support)
        conversations.append(Conversation(customer, first))
    for one in conversations:
        one.ours = eventually(lambda one=one: desk.mails(one.customer), PATIENCE_SECONDS)[0]
        one.reference = re.search(r"CL-\w{5}-\w{5}", one.ours["subject"])[0]
    return found, conversations


def answer(one: Conversation, found: Desk, said: str, **more) -> EmailMessage:
    known = {
        "In_Reply_To": one.first["Message-ID"],
        "References": one.first["Message-ID"],
        "sender": one.customer,
        "subject": "Re: Lamp",
    }
    known |= more
    return letter(known.pop("sender"), found.support, known.pop("subject"), f"{said} {one.customer}", **known)


def tell(found: Desk, row: str, wanted: int, made: int) -> None:
    print(f"{row:52} wanted {wanted:3}   made {made:3}")  # noqa: T201
    assert made == wanted


def made_by(found: Desk, addresses: list[str], before: int) -> int:
    return sum(len(found.tickets(address)) for address in addresses) - before


def arrive(found: Desk, conversations: list[Conversation], said: str) -> list[dict]:
    return [found.await_words(one.reference, f"{said} {one.customer}") for one in conversations]


def test_1_the_customer_answers_his_own_mail_without_the_number(talk):
    found, conversations = talk
    for one in conversations:
        found.caller.send(answer(one, found, "Once more:"), to=found.support)
    arrived = arrive(found, conversations, "Once more:")
    assert all(one["author"]["role"] == "customer" and one["verified"] for one in arrived)
    tell(
        found,
        "customer replies to own mail, no tag",
        0,
        made_by(found, [c.customer for c in conversations], CONVERSATIONS),
    )


def test_2_a_third_party_on_copy_answers(talk):
    found, conversations = talk
    for one in conversations:
        found.caller.send(answer(one, found, "Bob here:", sender=f"bob.{one.customer}"), to=found.support)
    arrived = arrive(found, conversations, "Bob here:")
    assert all(one["author"]["role"] == "third_party" and not one["verified"] for one in arrived)
    tell(found, "third party on copy answers", 0, made_by(found, [f"bob.{c.customer}" for c in conversations], 0))


def test_3_an_answer_to_our_mail_whose_number_was_removed(talk):
    found, conversations = talk
    for one in conversations:
        ours = {"In_Reply_To": header(one.ours, "Message-ID"), "References": one.ids}
        found.caller.send(answer(one, found, "To yours:", **ours), to=found.support)
    assert all(one["verified"] for one in arrive(found, conversations, "To yours:"))
    tell(found, "reply to our mail, tag removed", 0, made_by(found, [c.customer for c in conversations], CONVERSATIONS))


def test_4_a_stranger_forges_the_number(talk):
    found, conversations = talk
    strangers = []
    for one in conversations:
        strangers.append(f"mallory.{one.customer}")
        forged = letter(strangers[-1], found.support, f"Re: [{one.reference}] Lamp", f"Forged: {one.customer}")
        found.caller.send(forged, to=found.support)
    for stranger in strangers:
        eventually(lambda stranger=stranger: found.tickets(stranger), PATIENCE_SECONDS)
    assert not [one for one in conversations if "Forged:" in str(found.words(one.reference))]
    tell(found, "a stranger forges the subject tag (his own)", CONVERSATIONS, made_by(found, strangers, 0))


def test_5_an_automatic_reply_to_our_mail(talk):
    found, conversations = talk
    mails = {one.customer: len(found.caller.mails(one.customer)) for one in conversations}
    for one in conversations:
        ours = {"In_Reply_To": header(one.ours, "Message-ID"), "References": one.ids}
        away = answer(one, found, "I am away:", Auto_Submitted="auto-replied", **ours)
        found.caller.send(away, to=found.support)
    assert all(one["automatic"] for one in arrive(found, conversations, "I am away:"))
    tell(found, "auto-reply to our mail", 0, made_by(found, [c.customer for c in conversations], CONVERSATIONS))
    assert {one.customer: len(found.caller.mails(one.customer)) for one in conversations} == mails


def test_6_a_bounce_of_our_mail(talk):
    found, conversations = talk
    daemon = f"mailer-daemon@mx{time.time_ns()}.test"
    for one in conversations:
        report = (
            f"From: Mail Delivery System <{daemon}>\r\nTo: {found.support}\r\nSubject: Undelivered Mail Returned to Sender\r\n"
            f"Message-ID: <b.{one.customer}>\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n"
            f"--b\r\n\r\nIt came back: {one.customer}\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
            f"Final-Recipient: rfc822; {one.customer}\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b\r\n"
            f"Content-Type: message/rfc822\r\n\r\nMessage-ID: {header(one.ours, 'Message-ID')}\r\n"
            f"References: {header(one.ours, 'References')}\r\n\r\nHello\r\n--b--\r\n"
        ).encode()
        found.caller.send(report, sender="", to=found.support)
    assert all(one["automatic"] for one in arrive(found, conversations, "It came back:"))
    tell(found, "bounce of our mail", 0, made_by(found, [daemon], 0))


def test_7_the_very_same_mail_again(talk):
    found, conversations = talk
    mails = sum(len(found.caller.mails(one.customer)) for one in conversations)
    for one in conversations:
        found.caller.send(one.first, to=found.support)
    last = conversations[-1]
    found.caller.send(answer(last, found, "The end:"), to=found.support)
    found.await_words(last.reference, "The end:")
    time.sleep(5)  # what must not come needs time to come
    tell(found, "byte-identical mail again", 0, made_by(found, [c.customer for c in conversations], CONVERSATIONS))
    assert sum(len(found.caller.mails(one.customer)) for one in conversations) == mails
    for one in conversations:
        assert sum("Where is it?" in (said["text"] or "") for said in found.words(one.reference)) == 1


def test_stored_mail_is_read_again_and_nothing_is_read_otherwise(talk):
    found, conversations = talk
    aws = found.caller.run["aws"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "infra", "mail", "replay", "--stage", "local", "--ticket", conversations[0].reference],
        cwd=ROOT,
        env=own
        | {"AWS_ENDPOINT_URL": aws["endpoint"], "AWS_REGION": aws["region"], "AWS_DEFAULT_REGION": aws["region"]}
        | {"AWS_ACCESS_KEY_ID": aws["access_key_id"], "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"[1-9]\d* mails read again: 0 would change", done.stdout), done.stdout
