"""
Mail coming in: what it changes, and writing that. The raw mail lies in S3 before and after, so nothing can be lost.
"""

import hashlib
import json
from datetime import datetime

from chalicelib.adapters.conflicts import Outrun, Repeated
from chalicelib.domain import arrivals, budgets, language
from chalicelib.domain.addresses import is_sendable
from chalicelib.domain.agents import Agent
from chalicelib.domain.arrivals import Arrival, Placement, Verdict
from chalicelib.domain.change import Act, Change
from chalicelib.domain.errors import Busy
from chalicelib.domain.opening import Intake
from chalicelib.domain.opening import open_ticket as opened
from chalicelib.domain.reference import draw
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Author, Channel, Customer, File, Message, Person, Role, joined_text
from chalicelib.frozen import frozen, replace
from chalicelib.mail.reader import Attachment, Mail
from chalicelib.usecases import agents
from chalicelib.usecases.incoming import Around, Envelope, Incoming, Known, PassedOn, around, fetched, known_around
from chalicelib.usecases.notices import notified
from chalicelib.usecases.tickets import heard
from chalicelib.wiring import Desk

_TRIES = 5
_LARGE_CHARACTERS = 60_000
_KEPT_OF_A_LARGE_ONE = 8_000
_NO_SUBJECT = "(no subject)"


@frozen
class Taken:
    """What became of a mail: the ticket it is on now; None when it had been taken in before."""

    reference: str | None
    what: str


def take_in(desk: Desk, envelope: Envelope) -> Taken:
    """
    Take in one mail that lies under `incoming/`, once, however often it is told of, and take it away from there.

    Raises:
        NotFound: No storefront has one of its recipients' addresses.
        Busy: The table did not take it; the mail still lies where it lay.
    """
    came = fetched(desk, envelope)
    if came is None:
        return Taken(None, "taken_before")
    taken = settled(desk, came, around(desk, [came]))
    desk.files.forget_incoming(envelope.key)
    return taken


def settled(desk: Desk, came: Incoming, found: Around) -> Taken:
    """
    Decide what a mail changes and write it; it still lies under `incoming/` afterwards.

    Args:
        desk: The desk.
        came: The mail.
        found: What lies around it, and maybe around others.

    Raises:
        Busy: The table did not take it.
    """
    mail, receipt = came.mail, came.receipt
    known = known_around(desk, came, found)
    if desk.table.took(mail.message_id, known.mails.get(mail.message_id), receipt.key):
        return Taken(None, "taken_before")
    raw_key = desk.files.keep_mail(receipt.key, mail.date or desk.clock(), came.raw)
    quarantined = came.envelope.verdicts.virus is Verdict.FAIL
    files = _kept(desk, mail, came.raw, receipt.key, quarantined=quarantined)
    html_key = kept_html(desk, mail)
    kept = _Kept(raw_key, files, html_key, receipt.key)
    for attempt in range(_TRIES):
        if attempt:
            known = known_around(desk, came, around(desk, [came], consistent=True), again=True)
        change = _decided(desk, came, kept, known, again=attempt > 0)
        if change is None:
            return Taken(None, "taken_before")
        first = mail.message_id in change.mail_ids
        change = replace(change, identity=receipt.key) if first else replace(change, receipt=receipt)
        try:
            desk.table.commit(change)
        except Repeated:
            return Taken(None, "taken_before")
        except Outrun:
            continue
        return Taken(change.ticket.reference, change.what)
    raise Busy("Too many people change this ticket at once. The queue brings the mail again.")


@frozen
class _Kept:
    """Where the parts of a mail lie, and which mail it is."""

    raw_key: str
    files: tuple[File, ...]
    html_key: str | None
    identity: str


def _decided(desk: Desk, came: Incoming, kept: _Kept, known: Known, *, again: bool) -> Change | None:
    """
    Decide what a mail changes, and count it for its sender: once, however often it is decided again.

    Returns:
        None when this very mail was taken in before.
    """
    envelope, mail, storefront, arrival = came.envelope, came.mail, came.storefront, came.arrival
    if known.mails.get(mail.message_id, {}).get("identity") == kept.identity:
        return None
    found, tickets = known.leads, known.tickets
    placement = arrivals.placed(arrival, found, tickets)
    agent = None
    if arrivals.concerns_agents(arrival, found, placement):
        agent = agents.proven(desk, mail, envelope.verdicts)
    errand = arrivals.errand(agent.address, found, tickets) if agent else None
    if agent and errand:
        placement = Placement(tickets[errand.reference], True, f"Found by {errand.way.value}.")
        act = desk.act(agents.author(agent))
        message = _message(mail, envelope, placement, kept, act)
        change = agents.spoken(desk, errand, tickets[errand.reference], message, act)
        change = replace(change, messages=tuple(slimmed(desk, each) for each in change.messages))
    else:
        act = desk.act(_author(mail, envelope, placement))
        message = slimmed(desk, _message(mail, envelope, placement, kept, act))
        if placement.ticket:
            followed = desk.house.storefront(placement.ticket.storefront)
            change = heard(desk, placement.ticket, message, followed, act)
            if known.sender and change.what == "customer_wrote":
                change = _counted(desk, change, message, arrival, known.sender, again=again)
        else:
            asked = _intake(mail, arrival, message, storefront, known=known.sender, agent=agent)
            change = opened(asked, draw(desk.choose), storefront, act)
        if agent and not (placement.ticket and placement.verified):
            change = agents.refused(desk, change, agent)
    if envelope.passed_on:
        change = replace(change, messages=(*change.messages, _comment(envelope.passed_on, kept, act)))
    fresh = tuple(mail_id for mail_id in change.mail_ids if mail_id not in known.mails)
    whys = (placement.why, envelope.remark) if envelope.remark else (placement.why,)
    return notified(desk, replace(change, mail_ids=fresh).because(*whys))


def _counted(desk: Desk, change: Change, message: Message, arrival: Arrival, known: Customer, *, again: bool) -> Change:
    """Count a mail on its ticket for its sender; that he is held is said on the ticket."""
    at = change.act.at
    request = budgets.request_of(
        message.subject, message.text, message.quoted_text, verified=arrival.authenticated, by_mail=True
    )
    if again:
        held = budgets.held(known.ledger, request, at)
    else:
        held = desk.table.counted(known, lambda ledger: budgets.recorded(ledger, request, at))
    return change.because(f"The mail is recorded, and nothing automatic is sent: {held}.") if held else change


def _intake(
    mail: Mail,
    arrival: Arrival,
    message: Message,
    storefront: Storefront,
    *,
    known: Customer | None,
    agent: Agent | None,
) -> Intake:
    """Return the request that a mail is. Of an *agent* who proved himself it is none: he meant another ticket."""
    customer = Person(email=arrival.sender, name=mail.sender.name if mail.sender else "")
    return Intake(
        customer=replace(customer, tier=known.tier) if known else customer,
        subject=mail.subject or _NO_SUBJECT,
        body=mail.text,
        channel=Channel.EMAIL,
        language=language.chosen("", known, mail.text, storefront),
        files=message.files,
        authenticated=message.verified,
        automatic=bool(mail.automatic or mail.bounce) and not arrival.passed_on,
        spam=arrival.verdicts.spam is Verdict.FAIL and known is None and not arrival.passed_on,
        unanswered_because=_unanswered(mail, arrival, agent),
        cc=tuple(a.address for a in mail.cc if a.key not in storefront.support_addresses),
        message=message,
    )


def _comment(passed_on: PassedOn, kept: _Kept, act: Act) -> Message:
    """Return what an agent wrote above a mail that he passed on. The raw mail is his, so it lies with his words."""
    return Message(
        act.new_id(), agents.author(passed_on.agent), Channel.EMAIL, act.at,
        text=passed_on.comment, internal=True, raw_key=kept.raw_key,
    )  # fmt: skip


def _unanswered(mail: Mail, arrival: Arrival, agent: Agent | None) -> str | None:
    """Return why a mail gets no acknowledgement (RFC 3834 2), None when it gets one."""
    if mail.bounce:
        return "it is a bounce"
    if mail.automatic:
        return f"it is automatic mail ({mail.automatic})"
    if arrival.verdicts.dmarc is Verdict.FAIL:
        return "the sender's domain says that this is not its mail (DMARC)"
    if arrival.verdicts.virus is Verdict.FAIL:
        return "it carries a virus"
    if not is_sendable(arrival.sender):
        return "no mail can be sent to the sender's address"
    if agent:
        return "an agent wrote it, and meant another ticket"
    return None


def _author(mail: Mail, envelope: Envelope, placement: Placement) -> Author:
    if mail.automatic or mail.bounce:
        role = Role.SYSTEM if placement.ticket else Role.CUSTOMER
    else:
        role = Role.CUSTOMER if placement.ticket is None or placement.verified else Role.THIRD_PARTY
    address = mail.sender.address if mail.sender else envelope.sender
    return Author(role, mail.sender.name if mail.sender else "", address)


def _message(mail: Mail, envelope: Envelope, placement: Placement, kept: _Kept, act: Act) -> Message:
    notes = [
        f"Automatic mail: {mail.automatic}." if mail.automatic else "",
        f"A mail came back: {mail.bounce.recipient} {mail.bounce.status}." if mail.bounce else "",
        f"A mail was complained of: {mail.complaint.recipient} ({mail.complaint.kind})." if mail.complaint else "",
        "A form wrote it for the customer; nobody has verified who he is." if envelope.by_form else "",
        envelope.remark,
        "The virus scan found something: its files are not served." if envelope.verdicts.virus is Verdict.FAIL else "",
        "The spam filter does not like it." if envelope.verdicts.spam is Verdict.FAIL else "",
        f"It could not be read ({mail.error}): the raw mail is attached." if mail.error else "",
        f"Left out, see the raw mail: {', '.join(mail.omitted)}." if mail.omitted else "",
        placement.why if placement.ticket and not placement.verified else "",
    ]
    return Message(
        id=act.new_id(),
        author=act.by,
        channel=Channel.EMAIL,
        created_at=act.at,
        subject=mail.subject,
        text=mail.text,
        quoted_text=mail.quoted_text,
        full_text=full_text_of(mail),
        internal=placement.internal,
        automatic=bool(mail.automatic or mail.bounce),
        verified=placement.verified,
        files=kept.files,
        mail_id=mail.message_id,
        raw_key=None if envelope.passed_on else kept.raw_key,
        html_key=kept.html_key,
        note=" ".join(note for note in notes if note) or None,
    )


def full_text_of(mail: Mail) -> str | None:
    """Return all words of a mail in their order; None when its two texts one after the other are just that."""
    return None if joined_text(mail.text, mail.quoted_text) == mail.full_text else mail.full_text


def kept_html(desk: Desk, mail: Mail) -> str | None:
    """Store a mail's cleaned HTML under a key that a second attempt finds again, and return it; None without HTML."""
    if not mail.html:
        return None
    content = mail.html.encode()
    key = body_key(content)
    desk.files.keep(key, content, "text/html; charset=utf-8")
    return key


def body_key(content: bytes) -> str:
    return f"files/bodies/{hashlib.sha256(content).hexdigest()}"


def slimmed(desk: Desk, message: Message) -> Message:
    """Put the words of a message that is too large for the table into S3; the start stays on the ticket."""
    words = {"text": message.text, "quoted_text": message.quoted_text, "full_text": message.full_text}
    if sum(len(part or "") for part in words.values()) <= _LARGE_CHARACTERS:
        return message
    body = json.dumps(words, ensure_ascii=False).encode()
    key = body_key(body)
    desk.files.keep(key, body, "application/json")
    return replace(message, text=message.text[:_KEPT_OF_A_LARGE_ONE], quoted_text="", full_text=None, body_key=key)


def _kept(desk: Desk, mail: Mail, raw: bytes, receipt: str, *, quarantined: bool) -> tuple[File, ...]:
    """
    Store a mail's files under keys that a second attempt finds again; a quarantined one is named, and not served. A mail
    that could not be read is a file of its own.
    """
    kept = []
    for number, attachment in enumerate(mail.attachments):
        key = f"files/mail/{receipt}/{number}"
        if not quarantined:
            desk.files.keep(key, attachment.content, attachment.content_type)
        kept.append(_file(attachment, None if quarantined else key))
    if mail.error and not quarantined:
        key = f"files/mail/{receipt}/raw"
        desk.files.keep(key, raw, "message/rfc822")
        kept.append(File("message.eml", "message/rfc822", len(raw), key))
    return tuple(kept)


def _file(attachment: Attachment, key: str | None) -> File:
    return File(
        attachment.name, attachment.content_type, attachment.size, key,
        inline=attachment.inline, content_id=attachment.content_id,
    )  # fmt: skip


def left_behind(desk: Desk, before: datetime) -> list[str]:
    """Return the keys of mails that still lie where SES put them: their notification was lost, or failed for good."""
    return desk.files.still_incoming(before=before)
