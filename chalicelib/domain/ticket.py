"""
A ticket and what hangs on it. Values only: what may happen to them is in lifecycle.

| status | category | goes to |
|---|---|---|
| new | open | open, pending, on_hold, resolved, spam, merged |
| open | open | pending, on_hold, resolved, spam, merged |
| pending | waiting_for_the_customer | open, on_hold, resolved, spam, merged |
| on_hold | waiting_for_somebody_else | open, pending, resolved, merged |
| resolved | done | open, closed, merged |
| closed | terminal | |
| spam | terminal | open |
| merged | terminal | |
"""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from chalicelib.domain.budgets import Ledger
from chalicelib.domain.promises import Clock
from chalicelib.domain.reference import Reference
from chalicelib.domain.storefront import BAD_AT_MOST, Kind, Priority, SurveyForm
from chalicelib.frozen import frozen


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"
    SPAM = "spam"
    MERGED = "merged"


class Category(StrEnum):
    OPEN = "open"
    WAITING_FOR_THE_CUSTOMER = "waiting_for_the_customer"
    WAITING_FOR_SOMEBODY_ELSE = "waiting_for_somebody_else"
    DONE = "done"
    TERMINAL = "terminal"


FINISHED = frozenset((Category.DONE, Category.TERMINAL))
"""The categories in which nobody waits for anything."""


CATEGORIES: Mapping[Status, Category] = {
    Status.NEW: Category.OPEN,
    Status.OPEN: Category.OPEN,
    Status.PENDING: Category.WAITING_FOR_THE_CUSTOMER,
    Status.ON_HOLD: Category.WAITING_FOR_SOMEBODY_ELSE,
    Status.RESOLVED: Category.DONE,
    Status.CLOSED: Category.TERMINAL,
    Status.SPAM: Category.TERMINAL,
    Status.MERGED: Category.TERMINAL,
}

MOVES: Mapping[Status, frozenset[Status]] = {
    Status.NEW: frozenset(
        {Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.SPAM, Status.MERGED},
    ),
    Status.OPEN: frozenset({Status.PENDING, Status.ON_HOLD, Status.RESOLVED, Status.SPAM, Status.MERGED}),
    Status.PENDING: frozenset({Status.OPEN, Status.ON_HOLD, Status.RESOLVED, Status.SPAM, Status.MERGED}),
    Status.ON_HOLD: frozenset({Status.OPEN, Status.PENDING, Status.RESOLVED, Status.MERGED}),
    Status.RESOLVED: frozenset({Status.OPEN, Status.CLOSED, Status.MERGED}),
    Status.CLOSED: frozenset(),
    Status.SPAM: frozenset({Status.OPEN}),
    Status.MERGED: frozenset(),
}


class Channel(StrEnum):
    API = "api"
    EMAIL = "email"
    QUEUE = "queue"
    FORM = "form"
    PHONE = "phone"
    IN_PERSON = "in_person"
    CHAT = "chat"
    SOCIAL = "social"


class Phase(StrEnum):
    PRE_SALE = "pre_sale"
    AFTER_SALE = "after_sale"


class Role(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    SYSTEM = "system"
    THIRD_PARTY = "third_party"


@frozen
class Author:
    role: Role
    name: str = ""
    email: str = ""


SYSTEM = Author(Role.SYSTEM, "Careline")


@frozen
class Person:
    """The requester. A telephone number or a handle may stand for the address on channels logged by hand."""

    email: str = ""
    name: str = ""
    phone: str = ""
    handle: str = ""
    tier: str = "standard"


class DeliveryState(StrEnum):
    """In the order in which a state replaces another: a later one is never taken back by an earlier."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


@frozen
class Delivery:
    state: DeliveryState
    at: datetime
    reason: str | None = None


@frozen
class File:
    """A file of a message. `key` is where its bytes lie in the files bucket; None when they were not kept."""

    name: str
    content_type: str
    size: int
    key: str | None
    inline: bool = False
    content_id: str | None = None


@frozen
class Message:
    """
    Words on a ticket.

    `text` is what is new, `quoted_text` what was folded, `full_text` all of it (None: the same as `text`).
    `delivery` holds one state for each recipient of a message that is mailed, and `version` guards it. `raw_key` names
    the raw mail, `body_key` the whole words of a message too large for the table, `html_key` its cleaned HTML, which is never
    kept in the table, and `note` says what the desk thought of it. `audit` is the line of the change that brought it, and
    `lines` are those that waited on the ticket until then.
    """

    id: str
    author: Author
    channel: Channel
    created_at: datetime
    subject: str = ""
    text: str = ""
    quoted_text: str = ""
    full_text: str | None = None
    html: str | None = None
    internal: bool = False
    automatic: bool = False
    verified: bool = True
    files: tuple[File, ...] = ()
    delivery: Mapping[str, Delivery] = field(default_factory=dict)
    mail_id: str = ""
    raw_key: str | None = None
    body_key: str | None = None
    html_key: str | None = None
    note: str | None = None
    audit: Mapping[str, Any] | None = None
    lines: tuple[Mapping[str, Any], ...] = ()
    version: int = 1


def joined_text(text: str, quoted_text: str) -> str:
    """Return all that a message says, when what is quoted follows what is new."""
    return f"{text}\n\n{quoted_text}" if quoted_text else text


class SurveyState(StrEnum):
    PLANNED = "planned"
    SENT = "sent"
    SKIPPED = "skipped"


@frozen
class Survey:
    """The survey of one resolution (`cycle` counts them); `reason` says why one was not sent."""

    cycle: int
    state: SurveyState
    reason: str | None = None
    sent_at: datetime | None = None
    expires_at: datetime | None = None
    rating: int | None = None
    solved: bool | None = None
    agent: int | None = None
    comment: str = ""
    rated_at: datetime | None = None
    form: SurveyForm = SurveyForm.CSAT
    reasons: tuple[str, ...] = ()
    reminded: bool = False

    @property
    def is_bad(self) -> bool:
        return self.rating is not None and self.rating <= BAD_AT_MOST[self.form]


@frozen
class Task:
    """Something a person must do by a time, watched like a promise."""

    what: str
    due_at: datetime


@frozen
class CheckIn:
    """
    A planned message to the customer: at a time, and then again every so often until a time. Without `words`, the usual ones.

    `follows` tells the one of the ticket's kind, which comes after a resolution and only while it holds.
    """

    at: datetime
    every: timedelta | None = None
    until: datetime | None = None
    words: str | None = None
    follows: bool = False


@frozen
class Ticket:
    """
    The state of a ticket, with its timers: `{what: when}`, of which the earliest stands in `by_due_time`.

    `version` counts changes and guards each write; `change` is the id of the last one, so that a writer whose answer
    was lost can see that it was his. `thread` holds the newest Message-IDs of the customer, oldest first. From
    `silence_since` on the desk waits for the customer's word; `silence_spoken` counts what it did about it.
    `system_mails` holds when automatic mails went, by address, as long as a budget asks for it. `lines` are audit lines that
    wait for the next message to lie with.
    """

    reference: Reference
    storefront: str
    customer: Person
    subject: str
    language: str
    created_at: datetime
    updated_at: datetime
    channel: Channel
    kind: Kind = Kind.QUESTION
    priority: Priority = Priority.NORMAL
    status: Status = Status.NEW
    phase: Phase | None = None
    assignee: str | None = None
    team: str | None = None
    tags: tuple[str, ...] = ()
    order_reference: str | None = None
    missing: tuple[str, ...] = ()
    authenticated: bool = True
    waiting_since: datetime | None = None
    moved_at: datetime | None = None
    resolved_at: datetime | None = None
    follow_up_of: Reference | None = None
    first_response: Clock | None = None
    next_response: Clock | None = None
    resolution: Clock | None = None
    promised_at: datetime | None = None
    snoozed_until: datetime | None = None
    response_cycle: int = 0
    resolution_cycle: int = 0
    survey: Survey | None = None
    last_customer_message: str | None = None
    answered_by_human: bool = False
    last_answer: str | None = None
    awaits_reply: bool = False
    silence_since: datetime | None = None
    silence_spoken: int = 0
    task: Task | None = None
    undelivered: bool = False
    check_in: CheckIn | None = None
    thread: tuple[str, ...] = ()
    participants: tuple[str, ...] = ()
    proposed: tuple[str, ...] = ()
    system_mails: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    timers: Mapping[str, datetime] = field(default_factory=dict)
    failed_timers: int = 0
    epoch: int = 0
    version: int = 1
    change: str = ""
    lines: tuple[Mapping[str, Any], ...] = ()

    @property
    def category(self) -> Category:
        return CATEGORIES[self.status]

    @property
    def due_at(self) -> datetime | None:
        return min(self.timers.values(), default=None)

    def takes_part(self, address: str) -> bool:
        """Tell whether *address* is the requester's or an accepted participant's."""
        key = address.casefold()
        return bool(key) and (key == self.customer.email.casefold() or key in self.participants)


@frozen
class Customer:
    """What is known of an address over all storefronts."""

    address: str
    name: str = ""
    language: str | None = None
    tier: str = "standard"
    surveyed_at: datetime | None = None
    suppressed_until: datetime | None = None
    suppressed_because: str | None = None
    opted_out: bool = False
    ledger: Ledger = field(default_factory=Ledger)

    def suppressed_at(self, at: datetime) -> str | None:
        """Return why nothing may be mailed to this address at *at*, or None."""
        return self.suppressed_because if self.suppressed_until and self.suppressed_until > at else None

    def unasked_at(self, at: datetime) -> str | None:
        """Return why this customer is not asked for anything at *at*, or None."""
        return "this customer wants no such messages" if self.opted_out else self.suppressed_at(at)
