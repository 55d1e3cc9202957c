"""
Feedback reports: somebody's mail provider tells that a mail of ours was called spam (ARF, RFC 5965).
"""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from chalicelib.frozen import frozen
from chalicelib.mail import headers
from chalicelib.mail.bounce import blocks, original, said_by
from chalicelib.mail.mime import Part

_RECIPIENT = ("original-rcpt-to", "removal-recipient")
# Hotmail and others send the mail alone, and name its recipient in a header.
_WITHOUT_REPORT = "x-hmxmroriginalrecipient"


@frozen
class Complaint:
    """
    What a feedback report says: *kind* is its Feedback-Type (`abuse`, `fraud`, `virus`, `not-spam`, `other`, ...).
    """

    kind: str
    recipient: str
    original_headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def original_ids(self) -> tuple[str, ...]:
        """
        Every message id that the mail that was complained of named.
        """
        names = ("message-id", "in-reply-to", "references")
        return tuple(dict.fromkeys(one for name in names for one in headers.ids(self.original_headers.get(name, ""))))


def complaint(root: Part) -> Complaint | None:
    """
    Return what the feedback report under *root* says; None if it is none.
    """
    parts = list(root.walk())
    reports = [
        block for part in parts if part.content_type == "message/feedback-report" for block in blocks(said_by(part))
    ]
    told = {name: value for block in reversed(reports) for name, value in reversed(block.items)}
    if not told:
        told = _told_by_the_mail(parts)
    if not told:
        return None
    recipient = next((headers.text(told[name]).strip("<> ") for name in _RECIPIENT if told.get(name)), "")
    kind = headers.text(told.get("feedback-type", "")).lower() or "other"
    return Complaint(kind, recipient, MappingProxyType(original(parts, "")))


def _told_by_the_mail(parts: list[Part]) -> dict[str, str]:
    for part in parts[1:]:
        if part.content_type == "message/rfc822":
            found, _ = headers.split(part.content(), 0, len(part.content()))
            if _WITHOUT_REPORT in found:
                return {"feedback-type": "abuse", "removal-recipient": found.get(_WITHOUT_REPORT)}
    return {}
