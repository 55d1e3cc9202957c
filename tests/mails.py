"""
Mails as customers and their programs write them.
"""

import itertools
from email.message import EmailMessage
from email.policy import default

_count = itertools.count(1)
_WIRE = default.clone(max_line_length=900)  # a long id in one piece, as mail programs write it


class Customer:
    """Somebody with an address and Message-IDs of his own, so that tests can share a desk."""

    def __init__(self) -> None:
        self._n = next(_count)
        self.address = f"eva{self._n}@customer.test"

    def id(self, k: object) -> str:
        return f"<{k}.{self._n}@customer.test>"

    def mail(
        self, text="Where is my parcel?", *, sender=None, to="support@demo.test", subject="My parcel", **headers
    ) -> EmailMessage:
        """Return a mail; other headers by name: `Message_ID=eva.id(1)`."""
        written = EmailMessage(_WIRE)
        written["From"], written["To"], written["Subject"] = sender or f"Eva <{self.address}>", to, subject
        for name, value in {"X_Mailer": f"for {self.address}", **headers}.items():
            written[name.replace("_", "-")] = value
        written.set_content(text)
        return written

    def answer(self, ours: EmailMessage, text="Thanks, but when?", **more) -> EmailMessage:
        """Return what a customer's program makes of an answer to a mail of ours."""
        known = {
            "to": str(ours["Reply-To"]),
            "subject": f"Re: {ours['Subject']}",
            "References": str(ours["References"]),
        }
        return self.mail(text, **known | more)

    def bounce(self, message_id: str) -> EmailMessage:
        """Return the report of a mail system that could not deliver what SES sent as *message_id*."""
        return self.mail(
            "550 5.1.1 user unknown", sender="MAILER-DAEMON@customer.test", subject="Undelivered Mail Returned to Sender",
            Return_Path="<>", X_Failed_Recipients=self.address, References=f"<{message_id}@eu-west-1.amazonses.com>",
        )  # fmt: skip
