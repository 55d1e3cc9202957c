"""
Mails as customers and their programs write them.
"""

from email.message import EmailMessage

EVA = "Eva <eva@customer.test>"


def mail(
    text="Where is my parcel?", *, sender=EVA, to="support@demo.test", subject="My parcel", **headers
) -> EmailMessage:
    """Return a mail; other headers by name, `Message_ID="<1@customer.test>"`."""
    written = EmailMessage()
    written["From"], written["To"], written["Subject"] = sender, to, subject
    for name, value in headers.items():
        written[name.replace("_", "-")] = value
    written.set_content(text)
    return written


def answer(to: EmailMessage, text="Thanks, but when?", **more) -> EmailMessage:
    """Return what a customer's program makes of an answer to a mail of ours."""
    known = {"to": str(to["Reply-To"]), "subject": f"Re: {to['Subject']}", "In_Reply_To": "<sent@email.amazonses.com>"}
    return mail(text, **known | {"References": str(to["References"])} | more)


def bounce(of: EmailMessage, message_id: str) -> EmailMessage:
    """Return the report of a mail system that could not deliver a mail of ours, which went out as *message_id*."""
    report = EmailMessage()
    report["From"], report["To"] = "Mail Delivery System <mailer-daemon@customer.test>", of["From"]
    report["Subject"], report["Auto-Submitted"] = "Undelivered Mail Returned to Sender", "auto-replied"
    report["Message-ID"] = "<bounce@customer.test>"
    report.set_content("<eva@customer.test>: 550 5.1.1 user unknown")
    report.make_mixed()
    status = EmailMessage()
    status["Content-Type"] = "message/delivery-status"
    status.set_payload(
        "Reporting-MTA: dns; customer.test\n\nFinal-Recipient: rfc822; eva@customer.test\nAction: failed\nStatus: 5.1.1\n"
    )
    report.attach(status)
    returned = EmailMessage()
    returned["Content-Type"] = "text/rfc822-headers"
    returned.set_payload(f"Message-ID: <{message_id}@eu-west-1.amazonses.com>\nSubject: {of['Subject']}\n")
    report.attach(returned)
    report.replace_header("Content-Type", 'multipart/report; report-type=delivery-status; boundary="b"')
    return report
