"""
What is known of an address over all storefronts, and whether mail goes there.
"""

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ticket import Customer
from chalicelib.wiring import Desk


def read(desk: Desk, address: str) -> Customer:
    """
    Return what is known of an address.

    Raises:
        NotFound: Nobody wrote from it, and nothing was sent to it.
    """
    found = desk.table.customer(address)
    if found is None:
        raise NotFound("customer")
    return found


def lift_suppression(desk: Desk, address: str) -> Customer:
    """
    Send to an address again, whatever came back from it before; what comes back from now on counts as ever.

    Raises:
        NotFound: As `read`.
    """
    desk.table.lift_suppression(address)
    return read(desk, address)
