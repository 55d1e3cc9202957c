"""
From something to send to the mail itself. The same item always makes the same bytes.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from chalicelib.adapters import templates
from chalicelib.adapters.templates import voice
from chalicelib.domain import agents, signing
from chalicelib.domain.change import Outgoing
from chalicelib.domain.sending import carried
from chalicelib.domain.signing import Purpose
from chalicelib.domain.storefront import SCALES, Storefront, SurveyForm
from chalicelib.domain.ticket import SYSTEM, Channel, File, Message, Ticket
from chalicelib.frozen import frozen
from chalicelib.mail.compose import Letter, Mailbox, compose
from chalicelib.usecases.bodies import whole
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


@frozen
class Prepared:
    """
    A mail ready to go. `shown` is how the ticket will show an automatic one; `known` is the message that stands there
    already. A mail to somebody of the house has neither.
    """

    raw: bytes
    sender: str
    to: tuple[str, ...]
    shown: Message | None = None
    known: Message | None = None


def prepared(desk: Desk, reference: str, outgoing: Outgoing) -> Prepared:
    """Return the mail of an outbox item, ready to go. The same item always makes the same bytes."""
    if outgoing.what == "digest":
        return _digest(desk, outgoing)
    ticket = desk.table.ticket(reference)
    return _to_agent(desk, ticket, outgoing) if outgoing.what in agents.TO_AGENTS else _letter(desk, ticket, outgoing)


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
    return _inside("digest", storefront, (outgoing.to, ""), context, mark="digest")


def _to_agent(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> Prepared:
    """Write to an agent about a ticket; a notification brings him the addresses by which he may answer, and leave a note."""
    storefront = desk.house.storefront(ticket.storefront)
    keys, support, data = desk.keys(), storefront.support_address, outgoing.data or {}
    thread = signing.thread_id(keys, support, ticket.reference, ticket.epoch)
    context = {
        "storefront": voice(storefront),
        "agent_name": data["name"],
        "reference": ticket.reference,
        "subject": ticket.subject,
    }
    if outgoing.what == agents.REFUSAL:
        context |= {"trouble": data["trouble"]}
        return _inside(outgoing.what, storefront, (outgoing.to, data["name"]), context, mark=thread)

    def address(purpose: Purpose) -> str:
        return signing.reply_address(keys, support, ticket.reference, outgoing.to, ticket.epoch, purpose)

    about = desk.table.message(ticket.reference, data["message"], consistent=False) if data.get("message") else None
    context |= {
        "mark": agents.MARK,
        "occasion": data["occasion"],
        "by": data["by"],
        "writer": (about.author.name or about.author.email) if about else "",
        "words": about.text if about else "",
        "files": tuple(file.name for file in about.files) if about else (),
        "note_address": address(Purpose.NOTE),
        "ticket_url": _ticket_url(desk, ticket.reference),
    }
    to, reply_to = (outgoing.to, data["name"]), address(Purpose.AGENT)
    return _inside(outgoing.what, storefront, to, context, mark=thread, reply_to=reply_to)


def _inside(
    what: str,
    storefront: Storefront,
    to: Mailbox,
    context: Mapping[str, object],
    *,
    mark: str,
    reply_to: str | None = None,
) -> Prepared:
    """Write to somebody of the house: no ticket shows it. `mark` is the loop mark, and where it has an @, the thread."""
    rendered = templates.mail(what, storefront.language, context)
    letter = Letter(
        sender=(storefront.support_address, storefront.name),
        to=to,
        subject=rendered.subject,
        text=rendered.text,
        html=rendered.html,
        reply_to=reply_to,
        references=(f"<{mark}>",) if "@" in mark else (),
        headers=(("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All"), (LOOP_MARK, mark)),
    )
    return Prepared(compose(letter), storefront.support_address, to[:1])


def _digest_item(desk: Desk, item: Mapping[str, Any]) -> dict[str, object]:
    due = item.get("due_at")
    url = _ticket_url(desk, item["reference"])
    return {**item, "due_at": datetime.fromisoformat(due) if due else None, "url": url}


def _ticket_url(desk: Desk, reference: str) -> str:
    return f"{desk.config.public_url}/v1/tickets/{reference}"


def _letter(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> Prepared:
    """Write the mail of an outbox item: the storefront's voice, the customer's language, signed addresses."""
    storefront = desk.house.storefront(ticket.storefront)
    keys, support = desk.keys(), storefront.support_address
    automatic = outgoing.what in _AUTOMATIC
    known = None if automatic else _written(desk, ticket, outgoing)
    context = _context(desk, ticket, storefront, outgoing, known)
    rendered = templates.mail(outgoing.what, ticket.language, context)
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
        attachments=_attachments(desk, known) if known else (),
    )
    shown = None
    if automatic:
        shown = Message(
            outgoing.id, SYSTEM, Channel.EMAIL, outgoing.created_at,
            subject=rendered.subject, text=rendered.text, automatic=True,
        )  # fmt: skip
    return Prepared(compose(letter), support, (outgoing.to, *cc), shown, known)


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


def _context(
    desk: Desk, ticket: Ticket, storefront: Storefront, outgoing: Outgoing, written: Message | None
) -> dict[str, object]:
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
            asked = desk.table.message(ticket.reference, data["asked"], consistent=False) if data.get("asked") else None
            until = data.get("resolve_on")
            return common | {
                "asked": asked.text if asked else "",
                "resolve_on": datetime.fromisoformat(until) if until else None,
            }
        case "check-in":
            return common | {"words": data.get("words"), "opt_out_url": opt_out_url(desk, ticket, outgoing.to)}
    return common | (_words(desk, ticket, written) if written else {})


def _promise(data: Mapping[str, Any]) -> dict[str, object] | None:
    by = data.get("promise_by")
    return {"by": datetime.fromisoformat(by), "time_zone": data["time_zone"]} if by else None


def _written(desk: Desk, ticket: Ticket, outgoing: Outgoing) -> Message:
    """Return the message that a person wrote, and that an item brings to the customer."""
    message = desk.table.message(ticket.reference, outgoing.id, consistent=False)
    if message is None:
        raise LookupError(f"{ticket.reference} has no message {outgoing.id} to send")
    return message


def _words(desk: Desk, ticket: Ticket, message: Message) -> dict[str, object]:
    answered = (
        desk.table.message(ticket.reference, ticket.last_customer_message, consistent=False)
        if ticket.last_customer_message
        else None
    )
    quoted = answered if answered and answered.verified and not answered.automatic else None
    return {
        "body": whole(desk, message).text,
        "agent_name": message.author.name,
        "quoted": quoted.text if quoted else None,
        "quoted_at": quoted.created_at if quoted else None,
        "subject": ticket.subject,
        "on_page": tuple(file.name for file in carried(_files(message))[1]),
    }


def _files(message: Message) -> tuple[File, ...]:
    return tuple(file for file in message.files if file.key)


def _attachments(desk: Desk, message: Message) -> tuple[tuple[str, str, bytes], ...]:
    along, _ = carried(_files(message))
    return tuple((file.name, file.content_type, desk.files.read(file.key or "")) for file in along)
