"""
Where a mail is, as SES's events tell it. Events come at least once and in any order: a state only rises.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.domain.ticket import Delivery, DeliveryState
from chalicelib.frozen import frozen

SUPPRESSED_FOR = {"bounce": timedelta(days=60), "complaint": timedelta(days=36500)}
_RANK = {state: rank for rank, state in enumerate(DeliveryState)}


@frozen
class Feedback:
    """One thing SES says of one recipient of one mail. `hard` tells a bounce that stays from one that passes."""

    outbox_id: str
    reference: str
    message_id: str
    recipient: str
    state: DeliveryState
    at: datetime
    reason: str | None = None
    hard: bool = False


def risen(delivery: Mapping[str, Delivery], feedback: Feedback) -> Mapping[str, Delivery] | None:
    """Return the states after *feedback*; None when it says nothing new."""
    address = next(
        (known for known in delivery if known.casefold() == feedback.recipient.casefold()), feedback.recipient
    )
    known = delivery.get(address)
    if known and _RANK[known.state] >= _RANK[feedback.state]:
        return None
    return {**delivery, address: Delivery(feedback.state, feedback.at, feedback.reason)}


def summary(delivery: Mapping[str, Delivery]) -> Delivery | None:
    """Return the one state to show for a message: the least fortunate of its recipients'."""
    return max(delivery.values(), key=lambda d: _RANK[d.state], default=None)
