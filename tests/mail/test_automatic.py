import pytest

from chalicelib.mail.reader import read

from .samples import BOUNCE, DAEMON, mail, multipart, part


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"Auto_Submitted": "auto-replied"}, "Auto-Submitted: auto-replied"),
        ({"Auto_Submitted": "Auto-Generated; type=x"}, "Auto-Submitted: auto-generated; type=x"),
        ({"Precedence": "Bulk"}, "Precedence: bulk"),
        ({"Precedence": "auto_reply"}, "Precedence: auto_reply"),
        ({"List_Id": "<news.home.example>"}, "a mailing list's header: list-id"),
        ({"List_Unsubscribe": "<mailto:x@home.example>"}, "a mailing list's header: list-unsubscribe"),
        ({"X_Autoreply": "yes"}, "an automatic mail's header: x-autoreply"),
        ({"X_AutoRespond": "away"}, "an automatic mail's header: x-autorespond"),
        ({"X_Loop": "jane@home.example"}, "an automatic mail's header: x-loop"),
        ({"X_Careline_Loop": "01J9"}, "our own loop mark"),
        ({"Return_Path": "<>"}, "an empty Return-Path"),
        ({"Return_Path": "< >"}, "an empty Return-Path"),
        ({"From": DAEMON, "Subject": "Hello"}, "sent by a mail system"),
        ({"From": "Postmaster@home.example"}, "sent by a mail system"),
        ({"From": "MAILER-DAEMON (Mail System)"}, "sent by a mail system"),
        ({"From": "Help@Shop.Example"}, "sent from an address of our own"),
        (
            {"Content_Type": "multipart/report; report-type=disposition-notification; boundary=x"},
            "a report: disposition-notification",
        ),
        (
            {"X_Auto_Response_Suppress": "All", "Subject": "Automatische Antwort: Paket"},
            "X-Auto-Response-Suppress with the subject of an automatic reply",
        ),
    ],
)
def test_automatic_mail_says_why(headers, why):
    assert read(mail(**headers), own_addresses=("help@shop.example",)).automatic == why


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Auto_Submitted": "no"},
        {"Precedence": "first-class"},
        {"X_Autoreply": "no"},
        {"X_Author": "Jane"},
        {"Return_Path": "<jane@home.example>"},
        {"Feedback_ID": "1:2:3"},
        {"X_Auto_Response_Suppress": "DR, OOF, AutoReply"},
        {"Subject": "Automatic reply machine does not work"},
        {"From": "noreply@home.example"},
        {"From": None},
    ],
)
def test_a_persons_mail_is_not_automatic(headers):
    assert read(mail(**headers), own_addresses=("help@shop.example",)).automatic is None


def test_our_loop_mark_is_handed_on():
    assert read(mail(X_Careline_Loop=" 01J9 ")).loop_mark == "01J9"
    assert read(mail()).loop_mark is None


def test_a_bounce_is_automatic_by_whatever_sign():
    assert read(BOUNCE).automatic
    assert read(mail("x", X_Failed_Recipients="a@b.example")).automatic == "a mail that came back"
    assert read(
        multipart("mixed", part("Action: failed\nFinal-Recipient: rfc822;a@b.example\n", "message/delivery-status"))
    ).automatic
