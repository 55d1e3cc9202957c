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
from dataclasses import field
from datetime import date, datetime, timedelta
from enum import StrEnum

from chalicelib.domain.addresses import mailbox
from chalicelib.domain.calendar import ROUND_THE_CLOCK, Calendar
from chalicelib.frozen import frozen


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


@frozen
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


@frozen
class KindPolicy:
    """
    What a kind of ticket starts with, asks for, and what follows it.

    `check_in_after` is when a planned message follows a resolution; `targets` replace the storefront's for this kind.
    """

    priority: Priority = Priority.NORMAL
    team: str = "support"
    asks_for: tuple[str, ...] = ()
    survey: bool = True
    resolved_by_silence: bool = True
    check_in_after: timedelta | None = None
    targets: Mapping[Priority, Targets] = field(default_factory=dict)


def _days(days: float) -> timedelta:
    return timedelta(days=days)


KINDS: Mapping[Kind, KindPolicy] = {
    Kind.QUESTION: KindPolicy(),
    Kind.COMPLAINT: KindPolicy(Priority.HIGH, "care"),
    Kind.CLAIM: KindPolicy(Priority.HIGH, "care", ("order_reference", "photo"), resolved_by_silence=False),
    Kind.COMPLIMENT: KindPolicy(Priority.LOW, "care", survey=False),
    Kind.SUGGESTION: KindPolicy(Priority.LOW, "product", survey=False),
    Kind.REPAIR: KindPolicy(Priority.NORMAL, "technical", ("order_reference",), check_in_after=_days(3)),
    Kind.RETURN: KindPolicy(
        Priority.NORMAL, "returns", ("order_reference",), resolved_by_silence=False, check_in_after=_days(14)
    ),
    Kind.REFUND: KindPolicy(Priority.HIGH, "returns", ("order_reference",), resolved_by_silence=False),
    Kind.CANCELLATION: KindPolicy(Priority.HIGH, "returns", ("order_reference",), resolved_by_silence=False),
    Kind.OTHER: KindPolicy(),
}


@frozen
class Contact:
    """How else the storefront is reached: not everything is digital."""

    telephone: str = ""
    address: str = ""
    opening_hours: str = ""


@frozen
class Voice:
    """How mails in one language begin (`greeting` holds `{name}`; `hello` is for nobody by name) and end; "" is the usual."""

    greeting: str = ""
    hello: str = ""
    closing: str = ""


@frozen
class Macro:
    """A ready answer: its text with placeholders by language (ISO 639-1), and the technique it is written by."""

    text: Mapping[str, str]
    title: str = ""
    technique: str = ""


@frozen
class Team:
    """A team's lead, who gets the digest, and who is on call; e-mail addresses."""

    lead: str = ""
    on_call: str = ""


@frozen
class Silence:
    """What follows when a customer says nothing to an answer. None leaves a step out."""

    reminder_after: timedelta | None = timedelta(days=3)
    notice_after: timedelta | None = timedelta(days=6)
    resolve_after: timedelta | None = timedelta(days=7)


class SurveyForm(StrEnum):
    """CSAT asks how good the help was (1 to 5), CES how easy it was (1 to 7), NPS whether he would tell others (0 to 10)."""

    CSAT = "csat"
    CES = "ces"
    NPS = "nps"


SCALES: Mapping[SurveyForm, range] = {
    SurveyForm.CSAT: range(1, 6),
    SurveyForm.CES: range(1, 8),
    SurveyForm.NPS: range(11),
}
BAD_AT_MOST: Mapping[SurveyForm, int] = {SurveyForm.CSAT: 2, SurveyForm.CES: 3, SurveyForm.NPS: 6}


@frozen
class SurveyPolicy:
    """When a customer is asked. `reasons` are what he may choose from when he is not content."""

    form: SurveyForm = SurveyForm.CSAT
    after: timedelta = timedelta(hours=24)
    valid_for: timedelta = timedelta(days=14)
    every: timedelta = timedelta(days=30)
    reminder_after: timedelta | None = None
    reasons: tuple[str, ...] = ("slow", "unclear", "not_solved", "unfriendly", "other")


@frozen
class SeasonTargets:
    """Other targets from one day to another, both included."""

    begins: date
    ends: date
    targets: Mapping[Priority, Targets] = field(default_factory=dict)


@frozen
class Storefront:
    """
    The settings of one storefront. What is left out is the default of the product.

    `support_addresses` are where customers write; the first is the one mails are sent from. `forms` are senders that
    write for a customer, whose Reply-To names him. `version` counts changes of the settings; what was promised to a
    customer stays as it was promised. `macros` are its own, by name; None takes a shipped one away. `languages` are
    those that it speaks beside its own; all, where there are none.
    """

    id: str
    name: str
    support_addresses: tuple[str, ...]
    language: str = "en"
    languages: tuple[str, ...] = ()
    internal: bool = False
    calendar: Calendar = ROUND_THE_CLOCK
    colour: str = "#1f5fa8"
    signature: str = ""
    voice: Mapping[str, Voice] = field(default_factory=dict)
    contact: Contact = field(default_factory=Contact)
    review_url: str | None = None
    forms: tuple[str, ...] = ()
    targets: Mapping[Priority, Targets] = field(default_factory=dict)
    season_targets: tuple[SeasonTargets, ...] = ()
    kinds: Mapping[Kind, KindPolicy] = field(default_factory=dict)
    silence: Silence = field(default_factory=Silence)
    survey: SurveyPolicy = field(default_factory=SurveyPolicy)
    teams: Mapping[str, Team] = field(default_factory=dict)
    macros: Mapping[str, Macro | None] = field(default_factory=dict)
    close_after: timedelta = timedelta(days=7)
    thanks_reopen: bool = True
    digest: bool = True
    acknowledgements_per_hour: int = 500
    created_at: datetime | None = None
    version: int = 1

    @property
    def support_address(self) -> str:
        return self.support_addresses[0]

    def speaks(self, language: str) -> bool:
        return not self.languages or language in (self.language, *self.languages)

    def writes_as(self, address: str) -> bool:
        """Tell whether an address is one of the storefront's own; what follows a + does not count."""
        return mailbox(address.casefold()) in self.support_addresses

    def kind_policy(self, kind: Kind) -> KindPolicy:
        return self.kinds.get(kind) or KINDS[kind]

    def targets_for(self, priority: Priority, kind: Kind, at: datetime) -> Targets:
        """Return what is promised: the kind's own targets, else the season's, else the storefront's, else the product's."""
        day = self.calendar.day_of(at)
        season = next((s for s in self.season_targets if s.begins <= day <= s.ends), None)
        for targets in (self.kind_policy(kind).targets, season.targets if season else {}, self.targets):
            if priority in targets:
                return targets[priority]
        return TARGETS[priority]

    def calendar_for(self, priority: Priority) -> Calendar:
        """Return the hours that count for a priority: urgent runs round the clock."""
        return ROUND_THE_CLOCK if priority is Priority.URGENT else self.calendar
