"""
What customers say of the help: the page shows, the POST records.
"""

from chalicelib.domain import surveys
from chalicelib.domain.change import Change
from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import draw
from chalicelib.domain.signing import Claim, recipient_digest
from chalicelib.domain.surveys import Rating
from chalicelib.domain.ticket import Author, Role, Survey, Ticket
from chalicelib.wiring import Desk


def show(desk: Desk, claim: Claim) -> tuple[Ticket, Survey]:
    """
    Return the survey behind a link, while it can be answered. Nothing is recorded.

    Raises:
        NotFound: The link is not of this ticket.
        Gone: The survey is not open any more.
    """
    ticket = desk.table.ticket(claim.reference)
    check_claim(ticket, claim)
    return ticket, surveys.answerable(ticket, claim.cycle, desk.clock())


def rate(desk: Desk, claim: Claim, given: Rating) -> Ticket:
    """Record a rating, or change it."""

    def decide(ticket: Ticket) -> Change | None:
        check_claim(ticket, claim)
        customer = Author(Role.CUSTOMER, ticket.customer.name, ticket.customer.email)
        storefront = desk.house.storefront(ticket.storefront)
        return surveys.rate(ticket, claim.cycle, given, storefront, desk.act(customer), draw(desk.choose))

    return desk.table.change(claim.reference, decide)


def check_claim(ticket: Ticket, claim: Claim) -> None:
    """A link is good for the recipient and the epoch it was signed for; all others do not exist."""
    known = {recipient_digest(address) for address in (ticket.customer.email, *ticket.participants) if address}
    if claim.epoch != ticket.epoch or claim.recipient not in known:
        raise NotFound("page")
