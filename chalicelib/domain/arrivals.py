"""
How a mail finds its ticket, and what it may do there.

| in order | authorises |
|---|---|
| the address of a notification | its agent, and nobody else: see `errand` |
| a signed reply address among the recipients | yes, for who takes part |
| our own signed thread id in In-Reply-To or References, newest first | yes, for who takes part |
| any stored Message-ID, of either side | yes, for who takes part |
| the number in the subject | only for who takes part and does not fail DMARC |

By all but the number, somebody who takes no part, or who fails DMARC, is kept as an unverified third party: flagged, not
on the customer's page, answered by nothing. By the number alone he gets a ticket of his own that says which one it names.
"""

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import Reference, parse
from chalicelib.domain.signing import (
    Claim,
    KeyRing,
    Purpose,
    read_reply_address,
    read_thread_id,
    recipient_digest,
    resembles_reply_address,
)
from chalicelib.domain.ticket import Ticket
from chalicelib.frozen import frozen

_NUMBER = re.compile(r"\bCL-[0-9A-Z]{5}-[0-9A-Z]{5}\b", re.IGNORECASE)


class Verdict(StrEnum):
    PASS = "PASS"  # noqa: S105 a verdict of SES, not a password
    FAIL = "FAIL"
    GRAY = "GRAY"
    ABSENT = "ABSENT"


@frozen
class Verdicts:
    """What SES found, told beside the mail: what stands in its headers may be forged."""

    spf: Verdict = Verdict.ABSENT
    dkim: Verdict = Verdict.ABSENT
    dmarc: Verdict = Verdict.ABSENT
    spam: Verdict = Verdict.ABSENT
    virus: Verdict = Verdict.ABSENT


class Way(StrEnum):
    NOTE = "the note address of an agent's notification"
    AGENT = "the reply address of an agent's notification"
    ADDRESS = "a signed reply address"
    THREAD = "a signed thread id"
    MESSAGE_ID = "a Message-ID of the thread"
    NUMBER = "the number in the subject"


_OF_AGENTS = frozenset({Way.NOTE, Way.AGENT})


@frozen
class Arrival:
    """
    What finding a ticket asks of a mail; `ids` are In-Reply-To and References, newest first, `own_id` is its Message-ID.

    `by_form`: a form wrote it for the sender, whom nobody has verified then: he may open a ticket, and has no right to one.
    `passed_on`: an agent passed on what the sender wrote: it opens a ticket, whatever it names.
    """

    sender: str
    envelope_sender: str
    recipients: tuple[str, ...]
    ids: tuple[str, ...]
    subject: str
    verdicts: Verdicts
    by_form: bool = False
    passed_on: bool = False
    own_id: str = ""

    @property
    def authenticated(self) -> bool:
        """Tell whether the sender's domain vouches for him: DMARC, or SPF for the very domain he writes from."""
        if self.passed_on:
            return False
        if self.verdicts.dmarc is Verdict.PASS:
            return True
        aligned = _domain(self.sender) == _domain(self.envelope_sender) != ""
        return self.verdicts.dmarc is not Verdict.FAIL and self.verdicts.spf is Verdict.PASS and aligned


@frozen
class Lead:
    """A ticket that a mail points to, how, and with which epoch and for whom where it was signed."""

    way: Way
    reference: Reference
    epoch: int | None = None
    recipient: str = ""

    def leads_to(self, ticket: Ticket) -> bool:
        """Tell whether it is still good: a signature of an earlier epoch is void."""
        return self.epoch is None or self.epoch == ticket.epoch


@frozen
class Placement:
    """
    Where a mail goes. Without a ticket it opens one.

    `verified` tells whether it may speak as one who takes part; `names` is a ticket that it names without a right to.
    `internal`: it came to an agent's address, and may quote what only agents see.
    """

    ticket: Ticket | None
    verified: bool
    why: str
    names: Reference | None = None
    internal: bool = False


def signed_leads(arrival: Arrival, keys: KeyRing) -> tuple[Lead, ...]:
    """Return the tickets that a mail points to by what we signed, in the order in which they count."""
    if arrival.passed_on:
        return ()

    def addressed(purpose: Purpose) -> Iterable[Claim | None]:
        return (read_reply_address(keys, address, purpose) for address in arrival.recipients)

    threaded = (read_thread_id(keys, message_id) for message_id in arrival.ids)
    return (
        *_claimed(Way.NOTE, addressed(Purpose.NOTE)),
        *_claimed(Way.AGENT, addressed(Purpose.AGENT)),
        *_claimed(Way.ADDRESS, addressed(Purpose.REPLY)),
        *_claimed(Way.THREAD, threaded),
    )


def leads(arrival: Arrival, by_signature: Iterable[Lead], stored: Mapping[str, str]) -> tuple[Lead, ...]:
    """
    Return all tickets that a mail points to, in the order in which they count.

    Args:
        arrival: The mail.
        by_signature: What `signed_leads` found in it.
        stored: Which of its `ids` are known: `{message id: number}`.
    """
    if arrival.passed_on:
        return ()
    known = (stored[message_id] for message_id in arrival.ids if message_id and message_id in stored)
    return (
        *by_signature,
        *(Lead(Way.MESSAGE_ID, Reference(number)) for number in known),
        *(Lead(Way.NUMBER, number) for number in numbers(arrival.subject)),
    )


def placed(arrival: Arrival, found: Iterable[Lead], tickets: Mapping[str, Ticket]) -> Placement:
    """Decide where a mail goes, by the first lead that holds; an agent's address is nobody's else, but it leads there."""
    names: Reference | None = None
    agents_only: Placement | None = None
    for lead in found:
        ticket = tickets.get(lead.reference)
        if ticket is None or not lead.leads_to(ticket):
            continue
        if lead.way in _OF_AGENTS:
            why = f"Found by {lead.way.value}; the sender is not verified as the agent whose it is."
            agents_only = agents_only or Placement(ticket, False, why, internal=True)
            continue
        trusted = _speaks_as_one(arrival, ticket)
        if agents_only and not trusted:
            continue
        if lead.way is not Way.NUMBER or trusted:
            doubt = "" if trusted else "; the sender is not verified as one who takes part"
            return Placement(ticket, trusted, f"Found by {lead.way.value}{doubt}.")
        names = names or lead.reference
    if agents_only:
        return agents_only
    if names:
        return Placement(None, arrival.authenticated, f"It names {names}, but that alone gives no right to it.", names)
    return Placement(None, arrival.authenticated, "It belongs to no ticket yet.")


def errand(agent: str, found: Iterable[Lead], tickets: Mapping[str, Ticket]) -> Lead | None:
    """
    Return what a mail does that *agent* surely wrote: the first address of a notification to him; None without one.

    Where both stand in one mail, the note comes first: it is published to nobody.
    """
    own = (lead for lead in found if lead.way in _OF_AGENTS and lead.recipient == recipient_digest(agent))
    return next((lead for lead in own if (t := tickets.get(lead.reference)) and lead.leads_to(t)), None)


def concerns_agents(arrival: Arrival, found: Iterable[Lead], placement: Placement) -> bool:
    """Tell whether it matters that an agent wrote a mail: it came to an agent's address, or to where it has no right."""
    if arrival.by_form or arrival.passed_on:
        return False
    if any(lead.way in _OF_AGENTS for lead in found) or placement.names:
        return True
    return not placement.verified if placement.ticket else any(map(resembles_reply_address, arrival.recipients))


def _speaks_as_one(arrival: Arrival, ticket: Ticket) -> bool:
    return ticket.takes_part(arrival.sender) and arrival.verdicts.dmarc is not Verdict.FAIL and not arrival.by_form


def numbers(subject: str) -> tuple[Reference, ...]:
    found = []
    for match in _NUMBER.findall(subject):
        try:
            found.append(parse(match))
        except NotFound:
            continue
    return tuple(dict.fromkeys(found))


def _claimed(way: Way, claims: Iterable[Claim | None]) -> tuple[Lead, ...]:
    return tuple(Lead(way, claim.reference, claim.epoch, claim.recipient) for claim in claims if claim)


def _domain(address: str) -> str:
    return address.rpartition("@")[2].casefold()
