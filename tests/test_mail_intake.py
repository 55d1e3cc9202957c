"""
Mail coming in: it opens tickets, finds them again, and nothing of it is lost.
"""

import json

import pytest
from moto.backends import get_backend

from chalicelib.adapters import aws
from chalicelib.domain.errors import NotFound
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.reference import compact
from chalicelib.domain.ticket import Role, Status
from chalicelib.usecases import incoming, tickets
from chalicelib.usecases import mail as intake
from chalicelib.usecases.uploads import Uploads
from tests.mails import Customer
from tests.world import ACCOUNT, AGENT, REGION, running


@pytest.fixture(scope="module")
def world():
    with running() as one:
        yield one


@pytest.fixture
def eva():
    return Customer()


@pytest.fixture
def asked(world, eva):
    """A ticket that a mail opened, which was acknowledged and answered: (number, acknowledgement, answer)."""
    number = world.receive(eva.mail(Message_ID=eva.id(1))).reference
    world.settle()
    replied(world, number)
    acknowledgement, answered = world.mails(eva.address)
    return number, acknowledgement, answered


def replied(world, number, text="It is on its way."):
    tickets.reply(world.desk, number, Reply(text), Uploads("agents"), by=AGENT, once=None)
    world.settle()


def ticket(world, number):
    return world.desk.table.ticket(number)


def messages(world, number):
    return world.desk.table.messages(number)


def numbers(world, eva):
    """Return the tickets that have to do with somebody."""
    about = (row for row in world.rows() if row["pk"].startswith("TICKET#") and eva.address in row.get("data", ""))
    return sorted({row["pk"].removeprefix("TICKET#") for row in about})


def ses_ids(number):
    """Return the ids under which SES took the mails of a ticket, oldest first."""
    return [sent.id for sent in get_backend("ses")[ACCOUNT][REGION].sent_messages if number in sent.raw_data]


def whys(world, number):
    return json.dumps(world.events(number), ensure_ascii=False)


# A new ticket


def test_a_mail_opens_a_ticket_and_is_acknowledged_in_the_customers_thread(world, eva):
    taken = world.receive(eva.mail("Where is it?\n\nEva", Message_ID=eva.id(1), Cc="bob@customer.test"))
    opened = ticket(world, taken.reference)
    assert (taken.what, opened.channel, opened.subject, opened.status) == ("opened", "email", "My parcel", "new")
    assert (opened.customer.email, opened.customer.name) == (eva.address, "Eva")
    assert opened.proposed == ("bob@customer.test",)
    world.settle()
    (acknowledgement,) = world.mails(eva.address)
    assert acknowledgement["To"] == f"Eva <{eva.address}>"
    assert acknowledgement["Cc"] is None
    assert acknowledgement["Subject"] == f"Re: [{opened.reference}] My parcel"
    assert acknowledgement["In-Reply-To"] == eva.id(1)
    assert acknowledgement["References"].split()[-1] == eva.id(1)
    assert acknowledgement["Precedence"] == "auto_reply"
    assert acknowledgement["X-Auto-Response-Suppress"] == "All"


def test_the_raw_mail_and_its_files_stay(world, eva):
    letter = eva.mail(Message_ID=eva.id(1), Date="Mon, 02 Mar 2026 10:00:00 +0100")
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bill.pdf")
    (message,) = messages(world, world.receive(letter).reference)
    s3 = aws.client("s3")
    assert message.raw_key.startswith("mail/2026/03/")
    assert s3.get_object(Bucket="careline-mail", Key=message.raw_key)["Body"].read() == letter.as_bytes()
    (file,) = message.files
    assert (file.name, file.content_type, file.size) == ("bill.pdf", "application/pdf", 8)
    assert world.desk.files.read(file.key) == b"%PDF-1.7"
    assert "Contents" not in s3.list_objects_v2(Bucket="careline-mail", Prefix="incoming/")


def test_the_customer_is_answered_in_the_language_that_he_writes(world, eva):
    spanish = "Hola, hice un pedido hace dos semanas y no ha llegado. Me gustaría saber cuando llega, porque es para un regalo. Gracias."
    opened = ticket(world, world.receive(eva.mail(spanish)).reference)
    world.settle()
    assert opened.language == "es"
    assert "Hola" in world.mails(eva.address)[0].get_body(("plain",)).get_content()


def test_a_mail_without_a_usable_from_is_its_envelope_senders(world, eva):
    told = world.store(eva.mail(sender="nonsense"))
    told["mail"]["source"] = eva.address
    number = intake.take_in(world.desk, incoming.envelope_of(told)).reference
    assert ticket(world, number).customer.email == eva.address


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\x00\xfe",
        b"no header at all",
        b"From: eva@customer.test\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    ],
)
def test_a_mail_that_cannot_be_read_becomes_a_ticket_with_the_raw_mail(world, raw):
    number = world.receive(raw).reference
    (message,) = messages(world, number)
    assert aws.client("s3").get_object(Bucket="careline-mail", Key=message.raw_key)["Body"].read() == raw


def test_what_no_reader_foresaw_becomes_a_ticket_that_says_so(world, eva, monkeypatch):
    monkeypatch.setattr("chalicelib.mail.reader.mime.parse", lambda _: 1 / 0)
    raw = eva.mail("Where is it?").as_bytes()
    (message,) = messages(world, world.receive(raw).reference)
    assert "could not be read" in message.note
    assert "Where is it?" in message.text
    (file,) = message.files
    assert world.desk.files.read(file.key) == raw


def test_a_mail_as_long_as_a_book_keeps_every_word(world, eva):
    book = "All work and no play makes Jack a dull boy.\n" * 12_000
    number = world.receive(eva.mail(book)).reference
    (message,) = tickets.messages(world.desk, number, after=None, limit=1)
    assert message.text.count("Jack") == 12_000


def test_mail_to_nobody_of_ours_stays_where_it_is(world, eva):
    told = world.store(eva.mail(to="x@else.test"), to="x@else.test")
    with pytest.raises(NotFound, match="storefront"):
        intake.take_in(world.desk, incoming.envelope_of(told))
    assert numbers(world, eva) == []
    key = told["receipt"]["action"]["objectKey"]
    assert world.desk.files.incoming(key)
    world.desk.files.forget_incoming(key)


def test_each_storefront_takes_its_own_mail(world, eva):
    number = world.receive(eva.mail(to="support@other.test"), to="support@other.test").reference
    assert ticket(world, number).storefront == "other"


# The same mail, and another


def test_the_same_mail_twice_is_one_message(world, eva):
    letter = eva.mail(Message_ID=eva.id(1))
    first = world.receive(letter)
    again = world.receive(b"Received: from mx2.customer.test\r\n" + letter.as_bytes())
    assert (first.what, again.what, again.reference) == ("opened", "taken_before", None)
    assert len(messages(world, first.reference)) == 1
    world.settle()
    assert len(world.mails(eva.address)) == 1


@pytest.mark.usefixtures("nothing_yet")
def test_the_same_mail_a_moment_later_is_one_message(world, eva):
    letter = eva.mail(Message_ID=eva.id(1))
    first, again = world.receive(letter), world.receive(letter)
    assert (first.what, again.what) == ("opened", "taken_before")
    assert len(messages(world, first.reference)) == 1


def test_two_mails_with_one_message_id_are_two(world, eva):
    first = world.receive(eva.mail("Where is my parcel?", Message_ID=eva.id(1))).reference
    second = world.receive(eva.mail("And where is my refund?", Message_ID=eva.id(1))).reference
    assert first != second
    assert len(numbers(world, eva)) == 2


# Finding the ticket again


@pytest.mark.parametrize(
    "way",
    [
        lambda eva, ours: eva.answer(ours),
        # by the address alone: subject changed, no thread
        lambda eva, ours: eva.mail("When?", to=str(ours["Reply-To"]), subject="something else"),
        lambda eva, ours: eva.mail("When?", to=str(ours["Reply-To"]).upper(), subject=""),
        # by References: the tag is removed
        lambda eva, ours: eva.answer(ours, to="support@demo.test", subject="something else"),
        # by a Message-ID of the customer's own
        lambda eva, ours: eva.mail("When?", subject="Re: something", In_Reply_To=eva.id(1)),
        # by the number, for who takes part
        lambda eva, ours: eva.mail("When?", subject=str(ours["Subject"])),
    ],
)
def test_a_reply_lands_on_its_ticket_and_opens_it_again(world, eva, asked, way):
    number, _, ours = asked
    assert ticket(world, number).status is Status.PENDING
    letter = way(eva, ours)
    assert world.receive(letter, to=str(letter["To"])).reference == number
    assert ticket(world, number).status is Status.OPEN
    message = messages(world, number)[-1]
    assert (message.author.role, message.verified, message.automatic) == (Role.CUSTOMER, True, False)
    assert ticket(world, number).next_response.met_at is None
    assert numbers(world, eva) == [number]


@pytest.mark.usefixtures("nothing_yet")
def test_two_mails_with_one_message_id_a_moment_apart_are_two(world, eva):
    first, second = (world.receive(eva.mail(words, Message_ID=eva.id(1))) for words in ("Where is it?", "And when?"))
    assert (first.what, second.what) == ("opened", "opened")
    assert world.receive(eva.mail("And when?", Message_ID=eva.id(1))).what == "taken_before"
    assert len(numbers(world, eva)) == 2


@pytest.mark.usefixtures("nothing_yet")
@pytest.mark.parametrize("thread", [1, 2])
def test_a_mail_that_names_one_of_a_moment_ago_lands_on_its_ticket(world, eva, thread):
    number = world.receive(eva.mail(Message_ID=eva.id(1))).reference
    world.receive(eva.mail("When?", Message_ID=eva.id(2), In_Reply_To=eva.id(1)))
    assert world.receive(eva.mail("Hello?", In_Reply_To=eva.id(thread))).reference == number
    assert numbers(world, eva) == [number]


def test_a_reply_to_the_mail_that_ses_named_lands_on_its_ticket(world, eva, asked):
    number, *_ = asked
    sent_as = [row for row in world.rows("MAIL") if number in row["data"]]
    assert len(sent_as) == 3  # the customer's own, and two of ours
    ses_id, _ = ses_ids(number)
    reply = eva.mail("When?", subject="x", In_Reply_To=f"<{ses_id}@eu-west-1.amazonses.com>")
    assert world.receive(reply).reference == number


def test_what_was_quoted_is_folded_and_not_lost(world, eva, asked):
    number, _, ours = asked
    world.receive(eva.answer(ours, "When?\n\nOn Mon, 2 Mar 2026, Demo Shop wrote:\n> It is on its way.\n"))
    message = messages(world, number)[-1]
    assert message.text == "When?"
    assert "> It is on its way." in message.quoted_text


def test_our_next_answer_threads_with_the_customers_newest_mail(world, eva, asked):
    number, _, ours = asked
    world.receive(eva.answer(ours, Message_ID=eva.id(2)))
    replied(world, number, "Tomorrow.")
    newest = world.mails(eva.address)[-1]
    assert newest["In-Reply-To"] == eva.id(2)
    assert newest["References"].split()[1:] == [eva.id(1), eva.id(2)]
    assert newest["References"].split()[0] == ours["References"].split()[0]


def test_a_reply_to_a_closed_ticket_opens_one_that_follows_it(world, eva, asked):
    number, _, ours = asked
    tickets.resolve(world.desk, number, by=AGENT, if_match=None)
    tickets.update(world.desk, number, {"status": Status.CLOSED}, by=AGENT, if_match=None)
    following = world.receive(eva.answer(ours)).reference
    assert following != number
    assert ticket(world, following).follow_up_of == number
    assert ticket(world, number).status is Status.CLOSED
    world.settle()
    assert following in world.mails(eva.address)[-1]["Subject"]


# Strangers


def test_a_stranger_who_knows_the_number_gets_a_ticket_of_his_own(world, eva, asked):
    number, _, ours = asked
    own = world.receive(
        eva.mail("Tell me more.", sender="mallory@elsewhere.test", subject=str(ours["Subject"]))
    ).reference
    assert own != number
    assert number in whys(world, own)
    assert ticket(world, own).customer.email == "mallory@elsewhere.test"
    assert ticket(world, number).status is Status.PENDING
    world.settle()
    # and never the link to it
    assert f"/tickets/{compact(number)}" not in world.mails("mallory@elsewhere.test")[-1].as_string()


@pytest.mark.parametrize("doubt", [{"sender": "mallory@elsewhere.test"}, {}])
def test_a_third_party_is_recorded_and_moves_nothing(world, eva, asked, doubt):
    number, _, ours = asked
    before, sent = ticket(world, number), len(world.sent_raw())
    world.receive(eva.answer(ours, "Send it to me.", **doubt), dmarc="PASS" if doubt else "FAIL")
    message = messages(world, number)[-1]
    assert (message.author.role, message.verified) == (Role.THIRD_PARTY, False)
    after = ticket(world, number)
    assert (after.status, after.next_response, after.waiting_since) == (
        before.status,
        before.next_response,
        before.waiting_since,
    )
    world.settle()
    assert len(world.sent_raw()) == sent


def test_a_tampered_address_is_no_match(world, eva, asked):
    number, _, ours = asked
    local, _, domain = str(ours["Reply-To"]).partition("@")
    forged = f"{local[:-1]}{'0' if local[-1] != '0' else '1'}@{domain}"
    own = world.receive(eva.mail("Hi", to=forged, subject="x"), to=forged).reference
    assert own != number
    assert len(numbers(world, eva)) == 2


# Robots


@pytest.mark.parametrize(
    "sign",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.customer.test>"},
        {"X_Autoreply": "yes"},
        {"Return_Path": "<>"},
        {"sender": "MAILER-DAEMON@customer.test"},
        {"X_Careline_Loop": "x"},
        {"sender": "support@demo.test"},
    ],
)
def test_an_automatic_mail_is_recorded_and_answered_by_nothing(world, eva, asked, sign):
    number, _, ours = asked
    before, sent = ticket(world, number), len(world.sent_raw())
    assert world.receive(eva.answer(ours, "I am away.", **sign)).reference == number
    message = messages(world, number)[-1]
    assert message.automatic
    after = ticket(world, number)
    assert (after.status, after.next_response, after.timers) == (before.status, before.next_response, before.timers)
    world.settle()
    assert len(world.sent_raw()) == sent


@pytest.mark.parametrize(
    ("headers", "verdicts", "why"),
    [
        ({"Auto_Submitted": "auto-generated"}, {}, "automatic mail"),
        ({"sender": "no-reply@customer.test"}, {}, "nobody reads"),
        ({}, {"dmarc": "FAIL"}, "DMARC"),
        ({}, {"virus": "FAIL"}, "virus"),
        ({}, {"spam": "FAIL"}, "spam"),
    ],
)
def test_what_is_not_acknowledged_is_a_ticket_all_the_same_and_says_why(world, eva, headers, verdicts, why):
    world.settle()
    sent = len(world.sent_raw())
    number = world.receive(eva.mail(**headers), **verdicts).reference
    world.settle()
    assert len(world.sent_raw()) == sent
    assert "No acknowledgement" in whys(world, number)
    assert why in whys(world, number)
    spam = "spam" in verdicts
    assert ticket(world, number).status is (Status.SPAM if spam else Status.NEW)
    assert (ticket(world, number).first_response is None) is (spam or "Auto_Submitted" in headers)


def test_two_robots_do_not_talk_to_each_other(world, eva):
    number = world.receive(eva.mail(Message_ID=eva.id(1))).reference
    for n in range(5):
        world.settle()
        away = eva.answer(
            world.mails(eva.address)[-1],
            f"I am away ({n}).",
            Auto_Submitted="auto-replied",
            Message_ID=f"<a{n}@customer.test>",
        )
        assert world.receive(away).reference == number
    assert len(world.mails(eva.address)) == 1
    assert len(messages(world, number)) == 7


def test_a_bounce_of_our_mail_is_recorded_on_its_ticket(world, eva, asked):
    number, *_ = asked
    sent = len(world.sent_raw())
    assert world.receive(eva.bounce(ses_ids(number)[0])).reference == number
    message = messages(world, number)[-1]
    assert message.automatic
    assert "came back" in message.note
    world.settle()
    assert len(world.sent_raw()) == sent
    assert numbers(world, eva) == [number]


# What SES found


def test_files_with_a_virus_are_named_and_not_served(world, eva):
    letter = eva.mail()
    letter.add_attachment(b"EICAR", maintype="application", subtype="zip", filename="bill.zip")
    (message,) = messages(world, world.receive(letter, virus="FAIL").reference)
    (file,) = message.files
    assert (file.name, file.key) == ("bill.zip", None)
    assert world.desk.files.link(file) is None
    assert "virus" in message.note


def test_spam_of_a_known_customer_or_on_a_ticket_is_only_flagged(world, eva, asked):
    number, _, ours = asked
    assert world.receive(eva.answer(ours), spam="FAIL").reference == number
    assert ticket(world, number).status is Status.OPEN
    assert "spam" in messages(world, number)[-1].note
    another = world.receive(eva.mail("Something else", subject="Another thing"), spam="FAIL").reference
    assert ticket(world, another).status is Status.NEW


@pytest.mark.parametrize("status", ["GRAY", "PROCESSING_FAILED", ""])
def test_a_verdict_that_says_nothing_is_accepted(world, eva, status):
    number = world.receive(eva.mail(), dmarc=status, spam=status, virus=status).reference
    assert ticket(world, number).status is Status.NEW
    world.settle()
    assert len(world.mails(eva.address)) == 1


def test_nothing_of_an_unauthenticated_sender_stands_in_the_acknowledgement(world, eva):
    world.receive(
        eva.mail("Buy now!", sender=f"Win a prize <{eva.address}>", subject="BUY NOW"), dmarc="GRAY", spf="FAIL"
    )
    world.settle()
    (acknowledgement,) = world.mails(eva.address)
    assert not any(word in acknowledgement.as_string() for word in ("BUY NOW", "Buy now", "prize"))


def test_headers_that_forge_a_verdict_are_not_believed(world, eva):
    forged = eva.mail(Authentication_Results="amazonses.com; dmarc=pass; spf=pass", X_SES_Spam_Verdict="PASS")
    number = world.receive(forged, dmarc="FAIL").reference
    assert ticket(world, number).authenticated is False
