"""
What Careline makes of a mail, for whoever wonders.
"""

from typing import Any

from chalicelib.mail.reader import Mail, read


def explain(file: str, raw: bytes) -> dict[str, Any]:
    """
    Return how the mail *raw* is read, ready for JSON; addresses as in `jane@shop.example`, the date in ISO 8601.
    """
    mail = read(raw)
    said: dict[str, Any] = {
        "file": file,
        "subject": mail.subject,
        "from": mail.sender.address if mail.sender else None,
        "to": [address.address for address in mail.to],
        "cc": [address.address for address in mail.cc],
        "reply_to": [address.address for address in mail.reply_to],
        "message_id": mail.message_id,
        "date": mail.date.isoformat() if mail.date else None,
        "text": mail.text,
        "quoted_text": mail.quoted_text,
        "full_text": mail.full_text,
        "html": mail.html,
        "attachments": _attachments(mail),
        "automatic": mail.automatic,
        "bounce": _bounce(mail),
    }
    error = "; ".join([*([mail.error] if mail.error else []), *(f"left out: {name}" for name in mail.omitted)])
    return {**said, "error": error} if error else said


def unreadable(file: str, reason: str) -> dict[str, Any]:
    """
    Return the same keys for a file that could not be opened.
    """
    return {**explain(file, b""), "error": reason}


def _attachments(mail: Mail) -> list[dict[str, Any]]:
    return [
        {"name": each.name, "content_type": each.content_type, "size": each.size, "inline": each.inline}
        for each in mail.attachments
    ]


def _bounce(mail: Mail) -> dict[str, str] | None:
    if mail.bounce is None:
        return None
    return {"action": mail.bounce.action, "status": mail.bounce.status, "recipient": mail.bounce.recipient}
