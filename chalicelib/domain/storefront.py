"""
A storefront: a brand of the shop, or an internal desk, and the settings that its tickets follow.

| priority | first response | next response | resolution |
|---|---|---|---|
| urgent (round the clock) | 30 min | 1 h | 4 h |
| high | 1 h | 2 h | 8 h |
| normal | 8 h | 8 h | 24 h |
| low | 24 h | 24 h | 72 h |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.calendar import ROUND_THE_CLOCK, Calendar


class Priority(StrEnum):
    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


class Kind(StrEnum):
    QUESTION = "question"
    COMPLAINT = "complaint"
    CLAIM = "claim"
    COMPLIMENT = "compliment"
    SUGGESTION = "suggestion"
    REPAIR = "repair"
    RETURN = "return"
    REFUND = "refund"
    CANCELLATION = "cancellation"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class KindPolicy:
    """What a kind of ticket starts with, asks for, and what follows it."""

    priority: Priority = Priority.NORMAL
    team: str = "support"
    asks_for: tuple[str, ...] = ()
    survey: bool = True


KINDS: Mapping[Kind, KindPolicy] = {
    Kind.QUESTION: KindPolicy(),
    Kind.COMPLAINT: KindPolicy(Priority.HIGH, "care"),
    Kind.CLAIM: KindPolicy(Priority.HIGH, "care", ("order_reference", "photo")),
    Kind.COMPLIMENT: KindPolicy(Priority.LOW, "care", survey=False),
    Kind.SUGGESTION: KindPolicy(Priority.LOW, "product", survey=False),
    Kind.REPAIR: KindPolicy(Priority.NORMAL, "technical", ("order_reference",)),
    Kind.RETURN: KindPolicy(Priority.NORMAL, "returns", ("order_reference",)),
    Kind.REFUND: KindPolicy(Priority.HIGH, "returns", ("order_reference",)),
    Kind.CANCELLATION: KindPolicy(Priority.HIGH, "returns", ("order_reference",)),
    Kind.OTHER: KindPolicy(),
}


@dataclass(frozen=True, slots=True)
class Targets:
    """Working time allowed until the first response, each next response and the resolution."""

    first_response: timedelta
    next_response: timedelta
    resolution: timedelta


def _targets(first: float, following: float, resolution: float) -> Targets:
    return Targets(timedelta(hours=first), timedelta(hours=following), timedelta(hours=resolution))


TARGETS: Mapping[Priority, Targets] = {
    Priority.URGENT: _targets(0.5, 1, 4),
    Priority.HIGH: _targets(1, 2, 8),
    Priority.NORMAL: _targets(8, 8, 24),
    Priority.LOW: _targets(24, 24, 72),
}


@dataclass(frozen=True, slots=True)
class Storefront:
    """
    The settings of one storefront. What is left out is the default of the product.

    `support_addresses` are where customers write; the first is the one mails are sent from.
    `forms` are senders that write for a customer, whose Reply-To names him.
    """

    id: str
    name: str
    support_addresses: tuple[str, ...]
    language: str = "en"
    calendar: Calendar = ROUND_THE_CLOCK
    colour: str = "#1f5fa8"
    signature: str = ""
    review_url: str | None = None
    forms: tuple[str, ...] = ()
    targets: Mapping[Priority, Targets] = field(default_factory=dict)
    kinds: Mapping[Kind, KindPolicy] = field(default_factory=dict)
    survey_after: timedelta = timedelta(hours=24)
    survey_valid_for: timedelta = timedelta(days=14)
    close_after: timedelta = timedelta(days=7)
    created_at: datetime | None = None

    @property
    def support_address(self) -> str:
        return self.support_addresses[0]

    def kind_policy(self, kind: Kind) -> KindPolicy:
        return self.kinds.get(kind) or KINDS[kind]

    def targets_for(self, priority: Priority) -> Targets:
        return self.targets.get(priority) or TARGETS[priority]

    def calendar_for(self, priority: Priority) -> Calendar:
        """Return the hours that count for a priority: urgent runs round the clock."""
        return ROUND_THE_CLOCK if priority is Priority.URGENT else self.calendar
