"""
Ready answers: which there are, and what one says for a ticket. Nothing is written and nothing is sent.
"""

from chalicelib.adapters import macros as files
from chalicelib.adapters import templates
from chalicelib.adapters.templates import voice
from chalicelib.domain import macros
from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import Reference
from chalicelib.domain.storefront import Macro, Storefront
from chalicelib.domain.ticket import Author, Ticket
from chalicelib.frozen import frozen
from chalicelib.wiring import Desk


@frozen
class Draft:
    """What a macro says for a ticket. `missing` names the placeholders that had no value, in the order of the text."""

    name: str
    technique: str
    language: str
    text: str
    missing: tuple[str, ...]


def of_storefront(desk: Desk, storefront_id: str) -> dict[str, Macro]:
    """Return a storefront's macros by name, in the order in which they are shown."""
    return macros.joined(files.shipped(), desk.house.storefront(storefront_id).macros)


def draft(desk: Desk, reference: Reference, name: str, *, by: Author, language: str | None) -> Draft:
    """
    Return what a macro says for a ticket: a draft, for a person to look at, change and send.

    Args:
        by: The agent who will send it.
        language: In which language; None for the customer's. What the macro does not have falls back: to the
            customer's, the storefront's, English.

    Raises:
        NotFound: There is no such ticket, or its storefront has no such macro.
    """
    ticket = desk.table.ticket(reference)
    storefront = desk.house.storefront(ticket.storefront)
    macro = macros.joined(files.shipped(), storefront.macros).get(name)
    if macro is None:
        raise NotFound("macro")
    spoken = macros.language_of(macro, language or "", ticket.language, storefront.language)
    filled = macros.filled(macro.text[spoken], _values(ticket, storefront, by, spoken))
    return Draft(name, macro.technique, spoken, filled.text, filled.missing)


def _values(ticket: Ticket, storefront: Storefront, by: Author, language: str) -> dict[str, str]:
    """Return the values of the placeholders, each in one line."""
    name, contact = templates.one_line(ticket.customer.name), storefront.contact
    return {
        **templates.phrases(language, name, voice(storefront), ticket.promised_at),
        "customer_name": name,
        "agent_name": templates.one_line(by.name),
        "storefront_name": templates.one_line(storefront.name),
        "reference": ticket.reference,
        "subject": templates.one_line(ticket.subject),
        "order_reference": templates.one_line(ticket.order_reference or ""),
        "telephone": templates.one_line(contact.telephone),
        "address": templates.row(contact.address),
        "opening_hours": templates.row(contact.opening_hours),
        "support_address": storefront.support_address,
        "review_url": storefront.review_url or "",
    }
