"""
Feedback reports: a mail of ours was called spam.
"""

import pytest

from chalicelib.mail.reader import read

from .samples import RETURNED, multipart, part

REPORT = b"""Feedback-Type: Abuse
User-Agent: SomeGenerator/1.0
Version: 1
Original-Mail-From: <help@shop.example>
Original-Rcpt-To: <jane@home.example>
"""


def reported(*parts):
    return read(
        multipart("report", part("This is a report.\r\n"), *parts, From="fbl@provider.example", Subject="FW: Hello")
    )


def test_a_report_names_its_kind_whom_it_is_about_and_the_mail():
    found = reported(part(REPORT, "message/feedback-report"), part(RETURNED, "message/rfc822"))
    assert (found.complaint.kind, found.complaint.recipient) == ("abuse", "jane@home.example")
    assert found.complaint.original_ids[0] == "0102-ses@eu-west-1.amazonses.com"
    assert "thread.7K3F9@shop.example" in found.complaint.original_ids
    assert found.automatic == "a feedback report: abuse"
    assert found.bounce is None


@pytest.mark.parametrize(
    ("report", "kind", "recipient"),
    [
        (b"Feedback-Type: opt-out\nRemoval-Recipient: jane@home.example\n", "opt-out", "jane@home.example"),
        (b"Feedback-Type: not-spam\n", "not-spam", ""),
        (b"Version: 1\n", "other", ""),
    ],
)
def test_what_a_report_leaves_out_is_left_open(report, kind, recipient):
    found = reported(part(report, "message/feedback-report")).complaint
    assert (found.kind, found.recipient) == (kind, recipient)


def test_some_providers_send_the_mail_alone_and_name_its_recipient():
    found = reported(part(b"X-HmXmrOriginalRecipient: jane@home.example\n" + RETURNED, "message/rfc822"))
    assert (found.complaint.kind, found.complaint.recipient) == ("abuse", "jane@home.example")


def test_a_mail_that_came_along_is_no_complaint():
    assert reported(part(RETURNED, "message/rfc822")).complaint is None
