"""
A mail as it came in, and what the table holds around it. Nothing is decided here, and nothing written.
"""

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from chalicelib.domain import arrivals
from chalicelib.domain.agents import FORWARD, Agent
from chalicelib.domain.arrivals import Arrival, Lead, Verdict, Verdicts
from chalicelib.domain.change import Receipt
from chalicelib.domain.errors import NotFound
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Customer, Ticket
from chalicelib.frozen import frozen, replace
from chalicelib.mail import forward
from chalicelib.mail.identity import identity
from chalicelib.mail.reader import Mail, read
from chalicelib.usecases import agents
from chalicelib.wiring import Desk

_IDS_LOOKED_UP = 80
_VERDICTS = {verdict.value: verdict for verdict in Verdict}


@frozen
class Envelope:
    """
    What SES tells beside a mail: where it lies, to whom and from whom it came, and what was found about it.

    `by_form`, `passed_on`: who sent it does not speak for himself. `remark` says what the desk made of that.
    """

    key: str
    sender: str = ""
    recipients: tuple[str, ...] = ()
    verdicts: Verdicts = field(default_factory=Verdicts)
    by_form: bool = False
    passed_on: "PassedOn | None" = None
    remark: str = ""


@frozen
class PassedOn:
    """Which agent passed a mail on with `@fwd`, and what he wrote above it."""

    agent: Agent
    comment: str


def envelope_of(notification: Mapping[str, Any]) -> Envelope:
    """Read the notification of SES's S3 action. Its verdicts are believed; headers in the mail are not."""
    receipt, mail = notification["receipt"], notification["mail"]
    said = {
        name: str(receipt.get(f"{name}Verdict", {}).get("status", ""))
        for name in ("spf", "dkim", "dmarc", "spam", "virus")
    }
    verdicts = {name: _VERDICTS.get(status, Verdict.ABSENT) for name, status in said.items()}
    recipients = tuple(receipt.get("recipients") or mail.get("destination", ()))
    return Envelope(receipt["action"]["objectKey"], mail.get("source", ""), recipients, Verdicts(**verdicts))


@frozen
class Incoming:
    """A mail that came: where it lies, how it is read and for which storefront, and by what it finds its ticket."""

    envelope: Envelope
    raw: bytes
    mail: Mail
    storefront: Storefront
    receipt: Receipt
    arrival: Arrival
    signed: tuple[Lead, ...]


@frozen
class Around:
    """
    What the table holds around mails: those that they name, and themselves, by Message-ID; the tickets that they name, by
    number; their senders, by address.
    """

    mails: Mapping[str, dict[str, str]]
    tickets: Mapping[str, Ticket]
    senders: Mapping[str, Customer]


@frozen
class Known:
    """What the table holds around a mail: the mails that it names, and itself; the tickets it leads to; its sender."""

    mails: dict[str, dict[str, str]]
    leads: tuple[Lead, ...]
    tickets: dict[str, Ticket]
    sender: Customer | None


def fetched(desk: Desk, envelope: Envelope) -> Incoming | None:
    """
    Read a mail that lies under `incoming/`; None for one that does not any more: it was taken in before.

    Raises:
        NotFound: No storefront has one of its recipients' addresses.
    """
    raw = desk.files.incoming(envelope.key)
    if raw is None:
        return None
    mail = read(raw)
    storefront = _storefront(desk, (*envelope.recipients, *(a.address for a in (*mail.to, *mail.cc))))
    if mail.sender and storefront.writes_as(mail.sender.address):
        mail = read(raw, own_addresses=frozenset({mail.sender.key}))
    by_form = _writes_for_another(mail, envelope, storefront)
    mail = replace(mail, sender=mail.reply_to[0], automatic=None) if by_form else mail
    envelope, mail = _passed_on(desk, replace(envelope, by_form=by_form), mail, storefront)
    receipt = Receipt("mail", identity(raw, storefront.id))
    arrival = _arrival(envelope, mail)
    return Incoming(envelope, raw, mail, storefront, receipt, arrival, arrivals.signed_leads(arrival, desk.keys()))


def around(desk: Desk, mails: Iterable[Incoming], *, consistent: bool = False) -> Around:
    """Look up in one call what mails name; not *consistent*, it may be a second behind."""
    ids, numbers, senders = [], [], []
    for came in mails:
        ids += [*came.arrival.ids, came.arrival.own_id]
        numbers += _numbers(arrivals.leads(came.arrival, came.signed, {}))
        senders.append(came.arrival.sender)
    return Around(*desk.table.around(ids, numbers, senders, consistent=consistent))


def known_around(desk: Desk, came: Incoming, found: Around, *, again: bool = False) -> Known:
    """
    Choose what concerns a mail from what was found around it, and look up the rest: tickets to which only a Message-ID leads.

    What was found may be a second behind. Where nothing is signed, and none of the mails that it names is known, they are
    asked for again: one may have been sent a moment ago. *again*: all was asked for as it is now.
    """
    arrival = came.arrival
    mails = {each: found.mails[each] for each in (*arrival.ids, arrival.own_id) if each in found.mails}
    if not (came.signed or again or any(each in mails for each in arrival.ids)):
        mails |= desk.table.of_mail_ids(arrival.ids)
    led = arrivals.leads(arrival, came.signed, {each: held["ticket"] for each, held in mails.items()})
    beyond = [number for number in _numbers(led) if number not in found.tickets]
    tickets = {str(ticket.reference): ticket for ticket in desk.table.tickets(beyond, consistent=again)}
    return Known(mails, led, {**found.tickets, **tickets}, found.senders.get(arrival.sender))


def _writes_for_another(mail: Mail, envelope: Envelope, storefront: Storefront) -> bool:
    """Tell whether a form or a marketplace of the storefront wrote a mail for the one whom Reply-To names."""
    form = mail.sender is not None and mail.sender.key in {address.casefold() for address in storefront.forms}
    return form and bool(mail.reply_to) and mail.bounce is None and envelope.verdicts.dmarc is not Verdict.FAIL


def _passed_on(desk: Desk, envelope: Envelope, mail: Mail, storefront: Storefront) -> tuple[Envelope, Mail]:
    """Return a mail that an agent passes on with `@fwd` as if who wrote it first had sent it; any other as it is."""
    agent = None
    if forward.commands(mail, FORWARD) and not envelope.by_form:
        agent = agents.proven(desk, mail, envelope.verdicts)
    if agent is None:
        return envelope, mail
    original = forward.original(mail)
    if original is None or storefront.writes_as(original.sender.address):
        remark = "It begins with @fwd, but nobody is named in it who wrote it first: so the agent did."
        return replace(envelope, remark=remark), mail
    remark = (
        f"{agent.name} ({agent.address}) passed it on with @fwd: nobody has verified the customer, who wrote it first."
    )
    return replace(envelope, passed_on=PassedOn(agent, original.comment), remark=remark), original.mail


def _arrival(envelope: Envelope, mail: Mail) -> Arrival:
    """Return what finding a ticket asks; a bounce is looked for by the mail that came back."""
    ids = (*mail.in_reply_to, *reversed(mail.references))
    told_of = mail.bounce or mail.complaint
    returned = told_of.original_ids if told_of else ()
    sender = mail.sender.address if mail.sender else envelope.sender
    addressed = (*envelope.recipients, *(a.address for a in (*mail.to, *mail.cc)))
    distinct = tuple(dict.fromkeys(i for i in (*ids, *returned, *(_ses_id(i) for i in (*ids, *returned))) if i))
    known = distinct[:_IDS_LOOKED_UP]
    return Arrival(
        sender, envelope.sender, addressed, known, mail.subject, envelope.verdicts,
        by_form=envelope.by_form, passed_on=envelope.passed_on is not None, own_id=mail.message_id,
    )  # fmt: skip


def _ses_id(message_id: str) -> str:
    """Return the part of a Message-ID before the @: SES makes its own of the id under which it took the mail."""
    return message_id.partition("@")[0]


def _storefront(desk: Desk, recipients: tuple[str, ...]) -> Storefront:
    for recipient in recipients:
        found = desk.house.addressed(recipient)
        if found:
            return found
    raise NotFound("storefront: none has an address among the recipients of this mail. Add it, then replay")


def _numbers(found: Iterable[Lead]) -> list[str]:
    return list(dict.fromkeys(str(lead.reference) for lead in found))
