"""
A mail that is passed on: who wrote it first, in the words of many programs and languages.
"""

from email.message import EmailMessage

import pytest

from chalicelib.mail import forward
from chalicelib.mail.reader import read

GMAIL = """@fwd

---------- Forwarded message ---------
From: Eva Roth <eva@customer.test>
Date: Mon, 2 Mar 2026 at 10:00
Subject: My parcel
To: <ana@shop.test>


Where is it?

On Sun, 1 Mar 2026 at 09:00, Shop <news@shop.test> wrote:
> Your parcel has left.
"""
APPLE = """@fwd
She rang, too.

Begin forwarded message:

> From: Eva Roth <eva@customer.test>
> Subject: My parcel
> Date: 2 March 2026 at 10:00:00 CET
> To: ana@shop.test
>
> Where is it?
"""
OUTLOOK = """@FWD

________________________________
From: Eva Roth <eva@customer.test>
Sent: Monday, 2 March 2026 10:00
To: Ana
Subject: My parcel

Where is it?
"""
OLD_OUTLOOK = """@fwd

-----Original Message-----
From: Roth, Eva [mailto:eva@customer.test]
Sent: Monday, 2 March 2026 10:00
To: Ana
Subject: My parcel

Where is it?
"""


def letter(text, subject="Fwd: My parcel"):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Ana <ana@shop.test>", "support@demo.test", subject
    mail["Date"] = "Mon, 02 Mar 2026 11:00:00 +0100"
    mail.set_content(text)
    return mail


def passed_on(text, **more):
    return forward.original(read(letter(text, **more).as_bytes()))


def block(sender, sent, to, subject, name="Eva Roth", colon=":"):
    heads = ((sender, f"{name} <eva@customer.test>"), (sent, "2026-03-02 10:00"), (to, "Ana"), (subject, "My parcel"))
    return "@fwd\n\n" + "\n".join(f"{label}{colon} {value}" for label, value in heads) + "\n\nWhere is it?\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (GMAIL, "Eva Roth"),
        (APPLE, "Eva Roth"),
        (OUTLOOK, "Eva Roth"),
        (OLD_OUTLOOK, "Roth, Eva"),
        (block("Von", "Gesendet", "An", "Betreff"), "Eva Roth"),
        (block("De", "Enviado el", "Para", "Asunto"), "Eva Roth"),
        (block("De", "Envoyé", "À", "Objet"), "Eva Roth"),
        (block("Da", "Inviato", "A", "Oggetto"), "Eva Roth"),
        (block("Van", "Verzonden", "Aan", "Onderwerp"), "Eva Roth"),
        (block("От", "Отправлено", "Кому", "Тема", name="Ева"), "Ева"),
        (block("发件人", "发送时间", "收件人", "主题", name="伊娃", colon="\uff1a"), "伊娃"),
        (block("*From", "*Sent", "*To", "*Subject", colon=":*"), "Eva Roth"),
    ],
)
def test_who_wrote_a_mail_first_stands_in_its_headers(text, name):
    found = passed_on(text)
    assert (found.sender.address, found.sender.name) == ("eva@customer.test", name)
    assert found.mail.sender == found.sender
    assert found.mail.subject == "My parcel"
    assert found.mail.text.strip() == "Where is it?"
    assert "@fwd" not in found.mail.full_text
    assert found.comment.casefold().startswith("@fwd")
    assert "Where" not in found.comment
    assert found.mail.message_id == ""


def test_what_was_quoted_in_it_is_folded_and_what_the_agent_says_is_his():
    assert passed_on(GMAIL).mail.quoted_text.endswith("> Your parcel has left.")
    assert passed_on(APPLE).comment == "@fwd\nShe rang, too."
    assert passed_on(GMAIL).comment == "@fwd"


def test_the_last_who_passed_it_on_is_the_one_who_wrote():
    nested = OUTLOOK + "\nFrom: Zoe <zoe@customer.test>\nSent: Sunday\nTo: Eva\nSubject: x\n\nOlder.\n"
    assert passed_on(nested).sender.address == "eva@customer.test"


def test_without_a_subject_it_keeps_the_one_it_came_with():
    assert passed_on(OUTLOOK.replace("Subject: My parcel\n", "")).mail.subject == "Fwd: My parcel"


@pytest.mark.parametrize(
    "text",
    [
        "@fwd",
        "@fwd\n\nPlease look at this.",
        # one label alone is a word with a colon
        "@fwd\n\nFrom: eva@customer.test\n\nHello",
        # Exchange shows names alone
        "@fwd\n\nFrom: Eva Roth\nSent: Monday 10:00\nTo: Ana\nSubject: x\n\nHello",
        "@fwd\n\nTo: eva@customer.test\nSubject: x\n\nHello",
    ],
)
def test_a_mail_that_names_nobody_has_no_original(text):
    assert passed_on(text) is None


def test_an_attached_mail_is_read_as_it_came():
    inner = EmailMessage()
    inner["From"], inner["To"], inner["Subject"] = "Eva Roth <eva@customer.test>", "ana@shop.test", "My parcel"
    inner["Message-ID"], inner["References"] = "<first@customer.test>", "<older@shop.test>"
    inner.set_content("Where is it?")
    inner.add_attachment(b"%PDF-1.7", maintype="application", subtype="pdf", filename="bill.pdf")
    outer = letter("@fwd\nShe rang, too.\n")
    outer.add_attachment(inner)
    mail = read(outer.as_bytes())
    assert forward.commands(mail, "@fwd")
    found = forward.original(mail)
    assert (found.sender.address, found.mail.text, found.mail.message_id) == (
        "eva@customer.test", "Where is it?", "first@customer.test",
    )  # fmt: skip
    assert found.mail.references == ()
    assert {file.name for file in found.mail.attachments} >= {"bill.pdf"}
    assert len(found.mail.attachments) == 2
    assert found.comment == "@fwd\nShe rang, too."


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("@fwd", True), ("\n  @FWD  \nHello", True), ("@fwd please", False), ("Hello\n@fwd", False), ("", False)],
)
def test_the_command_is_the_first_line_and_nothing_else(text, is_one):
    assert forward.commands(read(letter(text).as_bytes()), "@fwd") is is_one


def test_it_takes_time_in_proportion():
    assert passed_on("@fwd\n" + "From: x\nTo: y\n" * 100_000) is None
    assert passed_on("@fwd\n" + "From: " + "<" * 500_000) is None
