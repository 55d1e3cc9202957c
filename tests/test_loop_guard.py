"""
The loop guard at the doors: what is refused is the automatic mail alone, and the ticket says why.
"""

from email.utils import parseaddr

import pytest

from chalicelib.adapters import codec, keys, rows
from chalicelib.domain import budgets
from chalicelib.domain.agents import Agent
from chalicelib.domain.budgets import TOLD_MOST
from chalicelib.domain.errors import Busy
from chalicelib.domain.opening import Intake
from chalicelib.domain.signing import Claim, recipient_digest
from chalicelib.domain.ticket import Author, Channel, Customer, Person, Role, Status
from chalicelib.handlers import events
from chalicelib.usecases import house, sending, surveys, tickets
from chalicelib.usecases.uploads import Uploads
from tests.mail.played import SUPPORT, playing
from tests.world import AGENT, DEMO

EVA = "eva@customer.test"
ANA = "ana@shop.test"
ROBOT = Author(Role.CUSTOMER, "Eva", EVA)


@pytest.fixture
def played():
    with playing() as one:
        yield one


def wrote(played, subject, text="Where is it?", *, to=SUPPORT, sender=EVA, **verdicts):
    taken = played.receive({"From": sender, "To": to, "Subject": subject}, text, number=1, verdicts=verdicts)
    return taken.reference


def requested(played, subject, *, authenticated=True, language=""):
    intake = Intake(Person(EVA, "Eva"), subject, "Where is it?", Channel.API, language, authenticated=authenticated)
    by = Author(Role.CUSTOMER, "Eva", EVA)
    return tickets.open_ticket(played.desk, "demo", intake, Uploads("demo"), by=by, once=None).reference


def whys(played, reference):
    found = tickets.events(played.desk, reference, after=None, limit=100)
    return " ".join(why for event in found for why in event.get("why", ()))


def counted_calls(played, monkeypatch):
    calls, whole = [], played.store.answer

    def answer(service, operation, said):
        calls.append(operation)
        return whole(service, operation, said)

    monkeypatch.setattr(played.store, "answer", answer)
    return calls


def test_the_eleventh_request_opens_a_ticket_with_its_clocks_and_says_why_it_is_not_acknowledged(played):
    references = [requested(played, f"Question {n}") for n in range(11)]
    played.sent()
    assert len(played.automatic) == 10
    last = played.desk.table.ticket(references[-1])
    assert (last.status, last.first_response.met_at, len(last.timers)) == (Status.NEW, None, 2)
    assert "No acknowledgement: 10 were sent to this address in 180 minutes." in whys(played, references[-1])


def test_the_publishable_key_gets_three_acknowledgements_to_one_address_in_a_day(played):
    references = [requested(played, f"Question {n}", authenticated=False) for n in range(4)]
    played.sent()
    assert len(played.automatic) == 3
    assert "3 were sent in 24 hours to this address, which nobody has verified" in whys(played, references[-1])


def test_the_addresses_of_one_mailbox_share_what_the_unverified_get(played):
    references = [wrote(played, f"Question {n}", f"About {n}", sender=f"eva+{n}@customer.test", dmarc="GRAY", spf="FAIL")
                  for n in range(5)]  # fmt: skip
    played.sent()
    assert len(played.automatic) == 3
    assert "which nobody has verified" in whys(played, references[-1])
    assert "No acknowledgement" not in whys(played, wrote(played, "Where is it?", sender="eva+shop@customer.test"))


def test_a_held_sender_is_heard_and_the_ticket_says_that_he_is_held(played):
    first = wrote(played, "My parcel")
    (ours,) = played.sent()
    for n in range(21):
        assert wrote(played, f"Re: {n}", f"And now? {n}", to=str(ours["Reply-To"])) == first
    assert len(played.desk.table.messages(first)) == 23
    assert "The mail is recorded, and nothing automatic is sent: more than 20 mails of this sender" in whys(
        played, first
    )
    another = wrote(played, "Something else", "A new question")
    assert played.sent() == []
    assert "No acknowledgement: more than 20 mails of this sender came in an hour; held until" in whys(played, another)
    played.later(3601)
    later = wrote(played, "Something else again", "Another question")
    assert "No acknowledgement" not in whys(played, later)


def test_a_storefronts_budget_leaves_the_ticket_as_it_was_and_tells_ops(played, monkeypatch):
    house.put_storefront(played.desk, DEMO.__class__(**{**_fields(DEMO), "acknowledgements_per_hour": 2}))
    told = []
    monkeypatch.setattr(events.Metrics, "add_metric", lambda _, name, *__: told.append(name))
    references = [wrote(played, "Hello", sender=f"c{n}@customer.test") for n in range(3)]
    for reference, outbox_id in played.fresh:
        keys = {"pk": {"S": f"TICKET#{reference}"}, "sk": {"S": f"OUTBOX#{outbox_id}"}}
        events.outbox({"Records": [{"dynamodb": {"Keys": keys, "SequenceNumber": "1"}}]})
    assert len(played.store.mails) == 2
    assert told == ["RefusedAcknowledgements"]
    assert "No acknowledgement: 2 were sent for Demo Shop in an hour." in whys(played, references[-1])
    assert played.desk.table.ticket(references[-1]).first_response.met_at is None
    assert played.unsent() == []
    played.later(3700)
    assert sending.send_out(played.desk, references[-1], played.fresh[-1][1]) == "done_before"
    wrote(played, "Hello", sender="d@customer.test")
    played.fresh = played.fresh[-1:]
    assert len(played.sent()) == 3


def _fields(of):
    return {name: getattr(of, name) for name in of.__dataclass_fields__}


def test_a_lost_count_makes_one_mail_fewer_and_never_one_more(played):
    house.put_storefront(played.desk, DEMO.__class__(**{**_fields(DEMO), "acknowledgements_per_hour": 2}))
    shop = played.desk.house.storefront("demo")
    reference = wrote(played, "Hello")
    assert played.desk.outbox.reserve(shop.id, 2, reference, played.now)  # counted, and then the process was gone
    wrote(played, "Hello", sender="c@customer.test")
    assert len(played.sent()) == 1


def test_opening_is_one_call_and_one_more_where_no_language_is_named(played, monkeypatch):
    played.desk.house.storefront("demo")
    calls = counted_calls(played, monkeypatch)
    for n in range(12):
        for language, taken in (("en", ["TransactWriteItems"]), ("", ["GetItem", "TransactWriteItems"])):
            del calls[:]
            requested(played, f"Question {n}", language=language)
            assert calls == taken
        played.sent()


def test_when_others_always_count_first_an_acknowledgement_waits_and_is_counted_once(played, monkeypatch):
    """Eleven go out at the same moment, each reads before any other has written: ten are sent."""
    for n in range(11):
        requested(played, f"Question {n}")
    table = type(played.desk.table)
    whole, between = table.counted, []

    def outrun(self, known, decide):
        def later(ledger):
            if not between:
                between.append(None)
                played.sent()
            return decide(ledger)

        return whole(self, known, later)

    monkeypatch.setattr(table, "counted", outrun)
    played.sent()
    assert len(played.automatic) == 10
    assert played.unsent() == []


def test_while_others_count_for_an_address_again_and_again_its_mail_waits(played, monkeypatch):
    reference = requested(played, "A question")
    whole, customer = budgets.answered, rows.Row(*keys.customer(EVA))

    def outrun(ledger, request, at, by):
        customer.update([rows.Row.version.set(ledger.version + 1), rows.Row.data.set(codec.dumps(Customer(EVA)))])
        return whole(ledger, request, at, by)

    with monkeypatch.context() as crowded:
        crowded.setattr(budgets, "answered", outrun)
        with pytest.raises(Busy):
            sending.send_out(played.desk, reference, played.fresh[-1][1])
    assert (len(played.unsent()), played.automatic) == (1, [])
    played.sent()
    assert (played.unsent(), [parseaddr(to)[1] for to in played.automatic]) == ([], [EVA])


def test_an_automatic_mail_to_a_stranger_repeats_nothing_of_his_not_even_an_id(played):
    headers = {
        "From": "Buy zqx <victim@customer.test>",
        "To": SUPPORT,
        "Subject": "zqx",
        "Message-ID": "<zqx@evil.test>",
    }
    reference = played.receive(headers, "zqx", number=1, verdicts={"dmarc": "GRAY", "spf": "FAIL"}).reference
    (acknowledgement,) = played.sent_raw()
    assert b"zqx" not in acknowledgement
    assert b"In-Reply-To" not in acknowledgement
    tickets.reply(played.desk, reference, tickets.Reply("Which one?"), Uploads("agents"), by=AGENT, once=None)
    (answer,) = played.sent_raw()
    assert b"In-Reply-To: <zqx@evil.test>" in answer  # a person answers, and he is answered in his thread


@pytest.mark.parametrize(("verdicts", "most"), [({}, 2), ({"dmarc": "GRAY", "spf": "FAIL"}, 3)])
def test_tickets_that_follow_a_closed_one_count_too(played, verdicts, most):
    """His rating is as unverified as his ticket; who writes on his page came by a link that only his mailbox got."""
    references = [wrote(played, "My lamp", sender="eva+lamp@customer.test", **verdicts) for _ in range(2)]
    played.sent()
    tickets.reply(played.desk, references[0], tickets.Reply("Here."), Uploads("agents"), by=AGENT, once=None)
    tickets.resolve(played.desk, references[0], by=AGENT, if_match=None)
    played.sweep(hours=25)
    played.sweep(days=8)
    closed = played.desk.table.ticket(references[0])
    assert closed.status is Status.CLOSED
    claim = Claim(closed.reference, closed.epoch, recipient_digest(closed.customer.email), closed.survey.cycle)
    surveys.rate(played.desk, claim, surveys.Rating(1, comment="It broke."))
    by = Author(Role.CUSTOMER, "Eva", closed.customer.email)
    for n in range(4):
        tickets.write(played.desk, closed.reference, f"Hello? {n}", Uploads("demo"), by=by, once=None)
    before = len(played.automatic)
    played.sent()
    assert len(played.tickets()) == 2 + 5
    assert len(played.automatic) == before + most


def test_an_agent_gets_60_mails_in_an_hour_and_the_ticket_says_what_he_was_not_told(played, monkeypatch):
    lea = Author(Role.AGENT, "Lea", "lea@shop.test")
    house.put_agent(played.desk, Agent(lea.email, lea.name))
    references = [requested(played, f"Question {n}") for n in range(3)]
    for reference in references:
        tickets.update(played.desk, reference, {"assignee": ANA}, by=lea, if_match=None)
    for n in range(20):
        for reference in references:
            tickets.write(played.desk, reference, f"And {n}?", Uploads("demo"), by=ROBOT, once=None)
    told, measured = to(ANA, played.sent()), []
    assert len(told) == TOLD_MOST == 60
    assert [whys(played, each).count(f"Not sent (agent-notification): 60 mails went to {ANA} in an hour.")
            for each in references] == [1, 1, 1]  # fmt: skip
    assert played.unsent() == []
    assert {len(played.desk.table.messages(each)) for each in references} == {22}
    monkeypatch.setattr(events.Metrics, "add_metric", lambda _, name, *__: measured.append(name))
    tickets.update(played.desk, references[0], {"assignee": lea.email}, by=AGENT, if_match=None)
    tickets.write(played.desk, references[1], "And now?", Uploads("demo"), by=ROBOT, once=None)
    for reference, outbox_id in played.fresh:
        keys = {"pk": {"S": f"TICKET#{reference}"}, "sk": {"S": f"OUTBOX#{outbox_id}"}}
        events.outbox({"Records": [{"dynamodb": {"Keys": keys, "SequenceNumber": "1"}}]})
    assert [parseaddr(mail["To"])[1] for mail in played.sent()] == [lea.email]
    assert measured == []  # no storefront's budget is spent, and no alarm rises
    played.later(3700)
    tickets.write(played.desk, references[1], "And today?", Uploads("demo"), by=ROBOT, once=None)
    assert len(to(ANA, played.sent())) == 1


def test_what_an_agent_is_refused_counts_with_what_he_is_told(played, monkeypatch):
    monkeypatch.setattr(sending, "TOLD_MOST", 2)
    lea = Author(Role.AGENT, "Lea", "lea@shop.test")
    house.put_agent(played.desk, Agent(lea.email, lea.name))
    reference = requested(played, "My parcel")
    tickets.update(played.desk, reference, {"assignee": ANA}, by=lea, if_match=None)
    (notification,) = to(ANA, played.sent())
    for n in range(3):
        wrote(played, f"Re: {n}", "", to=str(notification["Reply-To"]), sender=ANA)
    assert ["has not gone" in str(mail["Subject"]) for mail in to(ANA, played.sent())] == [True]
    assert whys(played, reference).count(f"Not sent (agent-refusal): 2 mails went to {ANA} in an hour.") == 2


def to(address, mails):
    return [mail for mail in mails if address in str(mail["To"])]
