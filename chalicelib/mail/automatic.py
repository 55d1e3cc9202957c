"""
Whether a machine wrote a mail, and how that shows.

Signs are those of RFC 3834 and of what is in use: automatic mail is recorded on its ticket, and answered by nothing.
"""

from collections.abc import Container

from chalicelib.mail import headers
from chalicelib.mail.headers import Address, Headers

LOOP_MARK = "x-careline-loop"

_SUPPRESS = "x-auto-response-suppress"
_PRECEDENCES = ("bulk", "list", "junk", "auto_reply", "auto-reply")
_ANY_VALUE = ("x-loop", "x-mail-autoreply", "x-mailautoreply", "x-apple-action")
_NO = ("", "no", "false", "0")
_MACHINES = ("mailer-daemon", "postmaster", "post_master")
_AUTOMATIC_SUBJECTS = (
    "automatic reply", "auto reply", "auto-reply", "autoreply", "auto response", "autoresponse", "out of office", "out of the office",
    "automatische antwort", "abwesenheitsnotiz", "abwesenheit", "réponse automatique", "absence du bureau", "respuesta automática",
    "fuera de la oficina", "risposta automatica", "fuori sede", "resposta automática", "automatisch antwoord", "afwezig",
    "automatiskt svar", "automatisk svar", "automaattinen vastaus", "odpowiedź automatyczna", "automatická odpověď",
    "автоматический ответ", "автоответ", "自动回复", "自動回覆", "自動応答", "不在",
)  # fmt: skip


def automatic(found: Headers, sender: Address | None, own_addresses: Container[str] = ()) -> str | None:
    """
    Return in words why the mail with the headers *found* is automatic; None for one that a person wrote.

    X-Auto-Response-Suppress alone says nothing of who wrote: Exchange puts it on people's mail too, where it asks that
    no machine answer. To take their word for a machine's would leave a customer without a clock, which is worse than
    an acknowledgement too many; so it counts only beside a subject that automatic replies have.
    """
    return (
        _by_header(found)
        or _by_kind(found)
        or _by_sender(found, sender, own_addresses)
        or _by_suppression(found, headers.text(found.get("subject")))
    )


def _by_header(found: Headers) -> str | None:
    submitted = headers.text(found.get("auto-submitted")).lower()
    if submitted.partition(";")[0].strip() not in _NO:
        return f"Auto-Submitted: {submitted}"
    precedence = headers.text(found.get("precedence")).lower()
    if precedence in _PRECEDENCES:
        return f"Precedence: {precedence}"
    for name, raw in found.items:
        if name == LOOP_MARK:
            return "our own loop mark"
        if name.startswith("list-"):
            return f"a mailing list's header: {name}"
        marks = name in _ANY_VALUE or (name.startswith("x-auto") and name != _SUPPRESS)
        if marks and raw.strip().lower() not in _NO:
            return f"an automatic mail's header: {name}"
    return None


def _by_kind(found: Headers) -> str | None:
    kind, parameters = headers.parameters(found.get("content-type"))
    if kind == "multipart/report":
        return f"a report: {parameters.get('report-type') or kind}"
    if kind in ("message/delivery-status", "message/disposition-notification", "message/feedback-report"):
        return f"a report: {kind}"
    if empty_return_path(found):
        return "an empty Return-Path"
    return None


def empty_return_path(found: Headers) -> bool:
    """
    Tell whether the mail must not be answered by its envelope (RFC 5321 4.5.5).
    """
    return "return-path" in found and found.get("return-path").strip() in ("<>", '"<>"', "< >")


def _by_sender(found: Headers, sender: Address | None, own_addresses: Container[str]) -> str | None:
    if is_daemon(found, sender):
        return "sent by a mail system"
    if sender is not None and sender.key in own_addresses:
        return "sent from an address of our own"
    return None


def is_daemon(found: Headers, sender: Address | None) -> bool:
    """
    Tell whether the mail is from a mail system itself, whose From is often no address at all.
    """
    if sender is not None and sender.key.partition("@")[0] in _MACHINES:
        return True
    said = headers.text(found.get("from")).lower()
    return (
        said == "<>"
        or said.startswith(_MACHINES)
        or "<mailer-daemon" in said
        or "<postmaster" in said
        or "mail delivery s" in said
    )


def _by_suppression(found: Headers, subject: str) -> str | None:
    if _SUPPRESS in found and subject.lower().startswith(_AUTOMATIC_SUBJECTS):
        return "X-Auto-Response-Suppress with the subject of an automatic reply"
    return None
