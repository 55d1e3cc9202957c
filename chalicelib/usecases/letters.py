"""
From something to send to the mail itself. The same item always makes the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from chalicelib.adapters import templates
from chalicelib.adapters.templates import voice
from chalicelib.domain import signing
from chalicelib.domain.change import Outgoing
from chalicelib.domain.sending import carried
from chalicelib.domain.signing import Purpose
from chalicelib.domain.storefront import SCALES, Storefront, SurveyForm
from chalicelib.domain.ticket import SYSTEM, Channel, File, Message, Ticket
from chalicelib.mail.compose import Letter, compose
from chalicelib.wiring import Desk

LOOP_MARK = "X-Careline-Loop"
_AUTOMATIC = {
    "ticket-received": (("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply")),
    "survey-invitation": (("Auto-Submitted", "auto-generated"),),
    "survey-reminder": (("Auto-Submitted", "auto-generated"),),
    "silence-reminder": (("Auto-Submitted", "auto-generated"),),
    "silence-notice": (("Auto-Submitted", "auto-generated"),),
    "check-in": (("Auto-Submitted", "auto-generated"),),
}
_OPTIONAL = frozenset({"survey-invitation", "survey-reminder", "silence-reminder", "check-in"})
"""What a customer can do without: each has the button that ends all of them."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail ready to go. `shown` is how the ticket will show an automatic one; None for what stands there already."""

    raw: bytes
    sender: str
    to: tuple[str, ...]
    shown: Message | None


def prepared(desk: Desk, reference: str, outgoing: Outgoing) -> Prepared:
    """Return the mail of an outbox item, ready to go. The same item always makes the same bytes."""
    return (
        _digest(desk, outgoing) if outgoing.what == "digest" else _letter(desk, desk.table.ticket(reference), outgoing)
    )


def _digest(desk: Desk, outgoing: Outgoing) -> Prepared:
    data = outgoing.data or {}
    storefront = desk.house.storefront(data["storefront"])
    sections = [
        {**section, "items": [_digest_item(desk, item) for item in section["items"]]} for section in data["sections"]
    ]
    context = {
        "storefront": voice(storefront),
        "day": date.fromisoformat(data["day"]),
        "lead_name": "",
        "sections": sections,
        "spam_count": data["spam_count"],
    }
    rendered = templates.mail("digest", storefront.language, context)
    letter = Letter(
        sender=(storefront.support_address, storefront.name),
        to=(outgoing.to, ""),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), (LOOP_MARK, "digest")),
    )
    return Prepared(compose(letter), storefront.support_address, (outgoing.to,), None)


def _digest_item(desk: Desk, item: Mapping[str, Any]) -> dict[str, object]:
    due = item.get("due_at")
    url = f"{desk.config.public_url}/v1/tickets/{item['reference']}"
    return {**item, "due_at": datetime.fromisoformat(due) if due else None, "url": url}


def _letter(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> Prepared:
    """Write the mail of an outbox item: the storefront's voice, the customer's language, signed addresses."""
    storefront = desk.house.storefront(ticket.storefront)
    keys, support = desk.keys(), storefront.support_address
    context = _context(desk, ticket, storefront, outgoing)
    rendered = templates.mail(outgoing.what, ticket.language, context)
    automatic = outgoing.what in _AUTOMATIC
    thread = signing.thread_id(keys, support, ticket.reference, ticket.epoch)
    cc = () if automatic else ticket.participants
    answered = ticket.thread if ticket.authenticated or not automatic else ()  # whose words repeat nothing of theirs
    headers = (
        (*_AUTOMATIC[outgoing.what], ("X-Auto-Response-Suppress", "All"), (LOOP_MARK, thread)) if automatic else ()
    )
    if outgoing.what in _OPTIONAL:
        headers = (*headers, *_one_click(opt_out_url(desk, ticket, outgoing.to)))
    letter = Letter(
        sender=(support, storefront.name),
        to=(outgoing.to, ticket.customer.name if ticket.authenticated else ""),
        cc=tuple((address, "") for address in cc),
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        reply_to=signing.reply_address(keys, support, ticket.reference, outgoing.to, ticket.epoch),
        in_reply_to=f"<{answered[-1]}>" if answered else None,
        references=tuple(f"<{message_id}>" for message_id in (thread, *answered)),
        headers=headers,
        attachments=_attachments(desk, ticket, outgoing),
    )
    shown = None
    if automatic:
        shown = Message(
            outgoing.id, SYSTEM, Channel.EMAIL, outgoing.created_at,
            subject=rendered.subject, text=rendered.text, automatic=True,
        )  # fmt: skip
    return Prepared(compose(letter), support, (outgoing.to, *cc), shown)


def page_url(desk: Desk, ticket: Ticket, recipient: str) -> str:
    token = signing.link_token(desk.keys(), Purpose.PAGE, ticket.reference, recipient, ticket.epoch)
    return f"{desk.config.public_url}/tickets/{token}"


def survey_url(desk: Desk, ticket: Ticket, cycle: int) -> str:
    token = signing.link_token(
        desk.keys(), Purpose.SURVEY, ticket.reference, ticket.customer.email, ticket.epoch, cycle
    )
    return f"{desk.config.public_url}/surveys/{token}"


def _one_click(url: str) -> tuple[tuple[str, str], ...]:
    """Return the headers by which a mail program opts out with one click (RFC 8058 3)."""
    return ("List-Unsubscribe", f"<{url}>"), ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")


def opt_out_url(desk: Desk, ticket: Ticket, recipient: str) -> str:
    token = signing.link_token(desk.keys(), Purpose.OPT_OUT, ticket.reference, recipient, ticket.epoch)
    return f"{desk.config.public_url}/opt-outs/{token}"


def _survey(desk: Desk, ticket: Ticket, data: Mapping[str, Any]) -> dict[str, object]:
    form = SurveyForm(data.get("form", SurveyForm.CSAT))
    return {
        "survey_url": survey_url(desk, ticket, data["cycle"]),
        "expires_on": datetime.fromisoformat(data["expires_at"]),
        "form": form.value,
        "scale": tuple(reversed(SCALES[form])),
    }


def _context(desk: Desk, ticket: Ticket, storefront: Storefront, outgoing: Outgoing) -> dict[str, object]:
    data = outgoing.data or {}
    known = ticket.authenticated
    common: dict[str, object] = {
        "storefront": voice(storefront),
        "customer_name": ticket.customer.name if known else "",
        "reference": ticket.reference,
        "subject": ticket.subject if known else None,
        "ticket_url": page_url(desk, ticket, outgoing.to),
    }
    match outgoing.what:
        case "ticket-received":
            return common | {"promise": _promise(data), "missing": tuple(data.get("missing", ()))}
        case "survey-invitation" | "survey-reminder":
            return common | _survey(desk, ticket, data)
        case "silence-reminder" | "silence-notice":
            asked = desk.table.message(ticket.reference, data["asked"]) if data.get("asked") else None
            until = data.get("resolve_on")
            return common | {
                "asked": asked.text if asked else "",
                "resolve_on": datetime.fromisoformat(until) if until else None,
            }
        case "check-in":
            return common | {"words": data.get("words"), "opt_out_url": opt_out_url(desk, ticket, outgoing.to)}
        case _:
            return common | _words(desk, ticket, outgoing)


def _promise(data: Mapping[str, Any]) -> dict[str, object] | None:
    by = data.get("promise_by")
    return {"by": datetime.fromisoformat(by), "time_zone": data["time_zone"]} if by else None


def _words(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> dict[str, object]:
    message = desk.table.message(ticket.reference, outgoing.id)
    answered = (
        desk.table.message(ticket.reference, ticket.last_customer_message) if ticket.last_customer_message else None
    )
    if message is None:
        raise LookupError(f"{ticket.reference} has no message {outgoing.id} to send")
    quoted = answered if answered and answered.verified and not answered.automatic else None
    return {
        "body": message.text,
        "agent_name": message.author.name,
        "quoted": quoted.text if quoted else None,
        "quoted_at": quoted.created_at if quoted else None,
        "subject": ticket.subject,
        "on_page": tuple(file.name for file in carried(_files(message))[1]),
    }


def _files(message: Message) -> tuple[File, ...]:
    return tuple(file for file in message.files if file.key)


def _attachments(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> tuple[tuple[str, str, bytes], ...]:
    if outgoing.what in _AUTOMATIC:
        return ()
    message = desk.table.message(ticket.reference, outgoing.id)
    along, _ = carried(_files(message)) if message else ((), ())
    return tuple((file.name, file.content_type, desk.files.read(file.key or "")) for file in along)
