"""
What is not sent, or does not arrive: its ticket says why. Seldom needed, so who sends loads it only then.
"""

from contextlib import suppress

from chalicelib.adapters.conflicts import Repeated
from chalicelib.adapters.outbox import Unsent
from chalicelib.domain import lifecycle
from chalicelib.domain.agents import TO_AGENTS
from chalicelib.domain.change import Change, Receipt
from chalicelib.domain.delivery import Feedback
from chalicelib.domain.ticket import SYSTEM, Ticket
from chalicelib.frozen import replace
from chalicelib.wiring import Desk


def take_out(desk: Desk, unsent: Unsent, reason: str) -> None:
    """Take a mail that is over its budget out of the outbox; the ticket says why, in the same transaction."""
    outgoing = unsent.outgoing

    def decide(ticket: Ticket) -> Change | None:
        now = desk.outbox.find(unsent.reference, outgoing.id)
        if now is None or now.claim:
            return None
        storefront = desk.house.storefront(ticket.storefront)
        if outgoing.what in TO_AGENTS:
            untold = lifecycle.not_mailed(ticket, outgoing.what, reason, storefront, desk.act(SYSTEM))
            return replace(untold, unsent=outgoing.id)
        return lifecycle.unacknowledged(ticket, outgoing.id, reason, storefront, desk.act(SYSTEM))

    desk.table.change(unsent.reference, decide)


def tell(desk: Desk, unsent: Unsent, reason: str) -> None:
    """Leave the reason why an automatic mail was not sent: once for each mail."""

    def decide(ticket: Ticket) -> Change:
        storefront = desk.house.storefront(ticket.storefront)
        change = lifecycle.not_mailed(ticket, unsent.outgoing.what, reason, storefront, desk.act(SYSTEM))
        return replace(change, receipt=Receipt("unsent", unsent.outgoing.id))

    with suppress(Repeated):
        desk.table.change(unsent.reference, decide)


def reopen(desk: Desk, bounce: Feedback) -> None:
    """Open a ticket again whose answer did not arrive, and tell the lead: once for each answer."""
    receipt = Receipt("bounce", bounce.outbox_id)

    def decide(ticket: Ticket) -> Change:
        storefront = desk.house.storefront(ticket.storefront)
        change = lifecycle.bounced(ticket, bounce.recipient, storefront, desk.act(SYSTEM))
        return replace(change, receipt=receipt)

    with suppress(Repeated):
        desk.table.change(bounce.reference, decide)
