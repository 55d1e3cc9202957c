import pytest

from chalicelib.mail.reader import read

from .samples import BOUNCE, DAEMON, REPORT, RETURNED, mail, multipart, part


def test_a_delivery_report_says_who_was_not_reached_and_why():
    bounce = read(BOUNCE).bounce
    assert (bounce.action, bounce.status, bounce.recipient) == ("failed", "5.1.1", "jane@home.example")
    assert bounce.hard


def test_the_returned_mail_finds_its_ticket():
    bounce = read(BOUNCE).bounce
    assert bounce.original_message_id == "0102-ses@eu-west-1.amazonses.com"
    assert bounce.original_ids == (
        "0102-ses@eu-west-1.amazonses.com",
        "1@home.example",
        "0@home.example",
        "thread.7K3F9@shop.example",
    )
    assert bounce.original_tags == {"outbox": "01J9", "ticket": "CL-7K3F9-Q2MXR"}


def test_the_returned_mail_is_found_in_the_words_too():
    words = b"550 no such user\r\n--- Below this line is a copy.\r\n\r\n" + RETURNED
    bounce = read(mail(words, From=DAEMON, Return_Path="<>", Subject="x")).bounce
    assert bounce.original_message_id == "0102-ses@eu-west-1.amazonses.com"
    assert bounce.original_tags["outbox"] == "01J9"
    assert bounce.original_headers["references"] == "<thread.7K3F9@shop.example> <0@home.example> <1@home.example>"


@pytest.mark.parametrize(
    ("report", "action", "status", "hard"),
    [
        (REPORT, "failed", "5.1.1", True),
        (REPORT.replace(b"failed", b"delayed").replace(b"5.1.1", b"4.4.7"), "delayed", "4.4.7", False),
        (REPORT.replace(b"failed", b"delayed"), "delayed", "5.1.1", False),
        (REPORT.replace(b"Status: 5.1.1", b"Status: 5.0.0"), "failed", "5.1.1", True),
        (b"Final-Recipient: rfc822; a@b.example\nAction: failed\n", "failed", "5.0.0", True),
        (
            b"Final-Recipient: rfc822; a@b.example\nAction: failed\nDiagnostic-Code: smtp; 452 full\n",
            "failed",
            "4.0.0",
            False,
        ),
        (b"Final-Recipient: rfc822; a@b.example\nStatus: 4.2.2 (full)\n", "failed", "4.2.2", False),
    ],
)
def test_the_action_and_the_status_tell_hard_from_soft(report, action, status, hard):
    raw = multipart("report", part("x"), part(report, "message/delivery-status"), From=DAEMON)
    bounce = read(raw).bounce
    assert (bounce.action, bounce.status, bounce.hard) == (action, status, hard)


@pytest.mark.parametrize("other", [b"delivered", b"delayed"])
def test_of_several_recipients_the_failed_one_counts(other):
    first = b"Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b.example\nAction: " + other + b"\n\n"
    report = first + REPORT.partition(b"\n\n")[2]
    found = read(multipart("report", part("x"), part(report, "message/delivery-status"))).bounce
    assert (found.action, found.recipient) == ("failed", "jane@home.example")


@pytest.mark.parametrize("action", [b"delivered", b"relayed", b"expanded"])
def test_a_report_of_success_is_no_bounce(action):
    raw = multipart(
        "report",
        part("x"),
        part(REPORT.replace(b"failed", action), "message/delivery-status"),
        From=DAEMON,
        Subject="Returned mail",
    )
    assert read(raw).bounce is None
    assert read(raw).automatic


@pytest.mark.parametrize(
    ("headers", "action"),
    [
        ({"X_Failed_Recipients": "jane@home.example"}, "failed"),
        ({"From": DAEMON, "Subject": "failure notice"}, "failed"),
        ({"From": "postmaster@home.example", "Subject": "Unzustellbar: Paket"}, "failed"),
        ({"From": DAEMON, "Subject": "anything", "Return_Path": "<>"}, "failed"),
        ({"From": DAEMON, "Subject": "Delivery Status Notification (Delay)"}, "delayed"),
    ],
)
def test_a_bounce_without_a_report_is_known_by_its_sender(headers, action):
    bounce = read(mail("<jane@home.example>: 550 5.1.1 user unknown\r\n", **headers)).bounce
    assert (bounce.action, bounce.status, bounce.recipient) == (action, "5.1.1", "jane@home.example")


@pytest.mark.parametrize(
    "headers",
    [
        {"Subject": "Returned mail: see transcript for details"},
        {"Subject": "failure notice", "Return_Path": "<>"},
        {"From": "Mailer <mailer@mx.home.example>", "Subject": "Welcome"},
        {"Subject": "My delivery has failed"},
    ],
)
def test_a_mail_about_a_failure_is_no_bounce(headers):
    assert read(mail("My parcel was not delivered, error 550 5.1.1\r\n", **headers)).bounce is None


@pytest.mark.parametrize(
    ("words", "came_back"),
    [
        ("550 5.1.1 <jane@home.example>: user unknown", True),
        ("The address jane@home.example does not exist.", True),
        ("Your message could not be delivered.", True),
        ("Welcome to our mail system, your mailbox is ready.", False),
        ("Call 555-1234 for help.", False),
    ],
)
def test_the_words_of_a_mail_system_tell_a_bounce_whatever_its_subject_says(words, came_back):
    found = read(mail(words, From=DAEMON, Subject="Re: Your parcel")).bounce
    assert (found is not None) is came_back


def test_letters_beyond_latin_1_in_the_words_are_no_trouble():
    words = "550 5.1.1 — нет\nMessage-ID: <— 日@x.example>\n"
    assert read(mail(words, From=DAEMON, Return_Path="<>")).bounce.original_message_id == "—日@x.example"


def test_a_telephone_number_is_no_status():
    bounce = read(mail("call 555-1234 or 5.1.1.1 on 4.5.2025\r\n", From=DAEMON, Return_Path="<>")).bounce
    assert bounce.status == "5.0.0"
