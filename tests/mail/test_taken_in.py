"""
Mail on a desk: its HTML, who a form writes for, complaints, and stored mail that is read again.
"""

import argparse
from dataclasses import replace

import pytest

from chalicelib.adapters import aws
from chalicelib.domain.ticket import Role
from chalicelib.handlers.events import reconcile
from chalicelib.handlers.wire import message_json
from chalicelib.mail import reader
from chalicelib.usecases import house, tickets
from chalicelib.usecases import mail as intake
from chalicelib.usecases.replay import replay
from infra import mail as command
from tests.mails import Customer
from tests.world import DEMO, running

from .samples import PICTURES, RETURNED, multipart, part
from .test_complaint import REPORT

FORM = "forms@site.example"


@pytest.fixture(scope="module")
def world():
    with running() as one:
        house.put_storefront(one.desk, replace(DEMO, forms=(FORM,)))
        yield one


@pytest.fixture
def eva():
    return Customer()


def seen(world, number):
    """
    Return what came in on a ticket, as the API shows it.
    """
    found = tickets.messages(world.desk, number, after=None, limit=50)
    return [message_json(message, world.desk.files.link) for message in found if not message.delivery]


# HTML


def test_html_is_cleaned_kept_in_s3_and_shown_with_its_pictures(world, eva):
    raw = PICTURES.replace(b"jane@home.example", eva.address.encode()).replace(
        b"</p>", b'<script>1</script><img src="https://t.example/x"></p>'
    )
    number = world.receive(raw).reference
    (held,) = world.desk.table.messages(number)
    assert held.html is None
    assert held.html_key.startswith("files/bodies/")
    assert "script" not in world.desk.files.read(held.html_key).decode()
    (shown,) = seen(world, number)
    picture = next(file for file in shown["attachments"] if file["inline"])
    assert picture["url"].startswith("https://")
    assert f'<img src="{picture["url"].replace("&", "&amp;")}">' in shown["html"]
    assert 'data-src="https://t.example/x"' in shown["html"]
    assert "<img src" not in shown["text"]


def test_a_mail_without_html_has_none(world, eva):
    (shown,) = seen(world, world.receive(eva.mail()).reference)
    assert shown["html"] is None


def test_the_customers_page_reads_no_html(world, eva):
    letter = eva.mail()
    letter.add_alternative("<p>Where?</p>", subtype="html")
    number = world.receive(letter).reference
    (message,) = tickets.newest_messages(world.desk, number, 10)
    assert message.html is None
    assert message.html_key


# Forms


@pytest.mark.parametrize(
    ("dmarc", "sender"),
    [("PASS", "the customer"), ("GRAY", "the customer"), ("FAIL", "the form")],
)
def test_a_listed_form_writes_for_whom_reply_to_names(world, eva, dmarc, sender):
    letter = eva.mail(
        sender=f"Contact form <{FORM.upper()}>",
        Reply_To=f"Eva <{eva.address}>",
        Precedence="bulk",
        Message_ID=eva.id(1),
    )
    opened = world.desk.table.ticket(world.receive(letter, dmarc=dmarc).reference)
    assert opened.customer.email == (
        eva.address if sender == "the customer" else FORM.upper().partition("@")[0] + "@site.example"
    )


def test_a_form_is_answered_as_usual_and_one_that_is_not_listed_is_not_believed(world, eva):
    world.receive(eva.mail(sender=FORM, Reply_To=eva.address, Auto_Submitted="auto-generated", Message_ID=eva.id(1)))
    world.settle()
    assert len(world.mails(eva.address)) == 1
    opened = world.receive(eva.mail(sender="x@other.example", Reply_To=eva.address)).reference
    assert world.desk.table.ticket(opened).customer.email == "x@other.example"


def test_who_fills_in_a_form_has_no_right_to_the_ticket_of_whom_he_names(world, eva):
    number = world.receive(eva.mail(Message_ID=eva.id(1))).reference
    by_number = eva.mail("Send it elsewhere.", sender=FORM, Reply_To=eva.address, subject=f"[{number}]")
    assert world.receive(by_number).reference != number
    by_id = eva.mail("Send it elsewhere!", sender=FORM, Reply_To=eva.address, References=eva.id(1))
    assert world.receive(by_id).reference == number
    assert (seen(world, number)[-1]["author"]["role"], seen(world, number)[-1]["verified"]) == (Role.THIRD_PARTY, False)


# Complaints


def test_a_complaint_stands_on_the_ticket_of_the_mail_it_is_about(world, eva):
    number = world.receive(eva.mail(Message_ID="<1@complained.example>")).reference
    about = RETURNED.replace(b"<1@home.example>", b"<1@complained.example>")
    report = multipart(
        "report", part("A report."), part(REPORT, "message/feedback-report"), part(about, "message/rfc822")
    )
    taken = world.receive(report.replace(b"help@shop.example", b"support@demo.test"))
    assert taken.reference == number
    assert "A mail was complained of: jane@home.example (abuse)." in seen(world, number)[-1]["note"]
    assert seen(world, number)[-1]["automatic"]


# What was left behind


def test_what_lies_under_incoming_is_taken_in(world, eva, monkeypatch):
    monkeypatch.setattr("chalicelib.handlers.events.desk", lambda: world.desk)
    world.store(eva.mail("Nobody told of this one."))
    later = "2999-01-01T00:00:00Z"
    reconcile({"time": "2020-01-01T00:00:00Z"})
    assert world.desk.files.still_incoming(before=command_time(later))
    reconcile({"time": later})
    assert not world.desk.files.still_incoming(before=command_time(later))
    assert "Nobody told of this one." in str(world.rows("MESSAGE#"))


def command_time(text):
    from datetime import datetime

    return datetime.fromisoformat(text)


# Replay


@pytest.fixture
def misread(world, eva, monkeypatch):
    """
    A mail that was taken in by a reader that folded nothing, threw its HTML away and saw no files.
    """
    real = reader._read

    def worse(raw, own):
        found = real(raw, own)
        return replace(found, text=found.full_text, quoted_text="", html=None, attachments=())

    letter = eva.mail("Thanks!\n\nOn 3 May 2025 at 10:00, Shop <help@shop.example> wrote:\n> Hello\n")
    letter.add_alternative("<p>Thanks!</p>", subtype="html")
    letter.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bill.pdf")
    with monkeypatch.context() as patch:
        patch.setattr(reader, "_read", worse)
        return world.receive(letter).reference


def test_replay_shows_what_would_be_read_otherwise_and_changes_nothing(world, misread):
    before = world.desk.table.messages(misread)
    (looked,) = replay(world.desk, ticket=misread)
    assert set(looked.found.differs) == {"text", "quoted_text", "full_text", "html", "files"} - {"full_text"}
    assert looked.found.differs["text"][1] == "Thanks!"
    assert looked.found.applied is None
    assert world.desk.table.messages(misread) == before


def test_replay_changes_it_when_told_to_and_then_finds_nothing(world, misread):
    (looked,) = replay(world.desk, ticket=misread, apply=True)
    assert looked.found.applied is True
    (shown,) = seen(world, misread)
    assert (shown["text"], shown["html"]) == ("Thanks!", "<p>Thanks!</p>")
    assert shown["note"].startswith("Read again on")
    (file,) = world.desk.table.messages(misread)[0].files
    assert world.desk.files.read(file.key) == b"%PDF-1.7"
    assert next(iter(replay(world.desk, ticket=misread))).found is None


def test_replay_goes_through_all_tickets(world, misread):
    looked = list(replay(world.desk))
    assert looked[-1].read >= 2
    assert misread in {one.found.reference for one in looked if one.found}


def test_replay_leaves_alone_what_somebody_else_changed_meanwhile(world, misread, monkeypatch):
    (held,) = world.desk.table.messages(misread)

    def meanwhile(desk, mail):
        assert desk.table.rewrite(misread, replace(held, note="A colleague was here.", version=held.version + 1))
        return intake.kept_html(desk, mail)

    monkeypatch.setattr("chalicelib.usecases.replay.kept_html", meanwhile)
    (looked,) = replay(world.desk, ticket=misread, apply=True)
    assert looked.found.applied is False
    assert world.desk.table.messages(misread)[0].note == "A colleague was here."


def test_a_raw_mail_that_is_no_longer_kept_is_counted(world, misread):
    (held,) = world.desk.table.messages(misread)
    aws.client("s3").delete_object(Bucket="careline-mail", Key=held.raw_key)
    (looked,) = replay(world.desk, ticket=misread, apply=True)
    assert (looked.read, looked.gone, looked.found) == (0, 1, None)


@pytest.mark.parametrize(("apply", "said"), [(False, "1 would change"), (True, "1 changed")])
def test_the_command_says_what_it_did(world, misread, monkeypatch, capsys, apply, said):
    monkeypatch.setattr(command, "enter", lambda *_: None)
    monkeypatch.setattr(command, "session_for", lambda _: None)
    monkeypatch.setattr("chalicelib.wiring.desk", lambda: world.desk)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    words = ["replay", "--stage", "test", "--ticket", misread.lower()]
    assert command.run(parser.parse_args([*words, "--apply"] if apply else words)) == 0
    printed = capsys.readouterr().out
    assert said in printed
    assert "+Thanks!" in printed or "-On 3 May 2025" in printed
