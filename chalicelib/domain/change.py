"""
What one event changes: committed together, or not at all.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.ticket import Author, Message, Ticket
from chalicelib.frozen import frozen, replace


@frozen
class Act:
    """One event as a decision sees it: when, by whom, and a source of new ids that sort by time."""

    at: datetime
    by: Author
    new_id: Callable[[], str]


@frozen
class Outgoing:
    """
    Something to send: a mail to a customer, or a word to the team lead.

    `what` is the mail's folder, or `escalation`; `data` is all that sending needs and that must stay as it was
    decided. `id` is also the id of the message that shows it, and stays the same over retries. `message` is what an
    automatic mail will be shown as on the ticket, from when it is first rendered.
    """

    id: str
    what: str
    created_at: datetime
    to: str = ""
    data: Mapping[str, Any] | None = None
    not_before: datetime | None = None
    message: Message | None = None


@frozen
class Receipt:
    """
    What makes a repeat harmless: `scope` and `key` name the input, `digest` tells the same key from another input. `answer`
    is what was answered first; read back, it is as the table holds it.
    """

    scope: str
    key: str
    digest: str = ""
    answer: Any = None


@frozen
class Change:
    """
    A ticket's next state and everything that is written with it.

    Attributes:
        what: The event, as the audit line names it.
        why: What the desk decided by itself, in sentences for people.
        surveyed: The address whose survey ledger is claimed: another survey within `survey_pause` fails the whole change.
        identity: Which mail this takes in, kept with its Message-ID: that makes a repeat harmless, and no receipt is needed.
        following: The change that opens a ticket which follows this one; written in the same transaction.
        unsent: What lies in the outbox and is not to be sent after all; somebody who began to send it fails the whole change.
        limit: What is done at most once while this receipt lasts: where it is there already, the whole change fails.
    """

    before: Ticket | None
    ticket: Ticket
    act: Act
    what: str
    why: tuple[str, ...] = ()
    messages: tuple[Message, ...] = ()
    outgoing: tuple[Outgoing, ...] = ()
    mail_ids: tuple[str, ...] = ()
    identity: str | None = None
    receipt: Receipt | None = None
    surveyed: str | None = None
    survey_pause: timedelta = timedelta(days=30)
    following: "Change | None" = None
    unsent: str | None = None
    limit: Receipt | None = None
    detail: Mapping[str, Any] | None = None

    @property
    def line(self) -> dict[str, Any]:
        """The audit line: what happened, when, by whom, and why."""
        line = {"at": self.act.at, "by": self.act.by, "what": self.what}
        told = {"version": self.ticket.version, "why": self.why, "detail": self.detail}
        return line | {name: each for name, each in told.items() if each}

    def because(self, *why: str) -> "Change":
        return replace(self, why=(*self.why, *why))

    def sending(self, *outgoing: Outgoing) -> "Change":
        return replace(self, outgoing=(*self.outgoing, *outgoing))


def plain(value: Any) -> Any:  # noqa: ANN401 an audit line holds whatever field was changed
    """Return a field as audit lines and outgoing data hold it."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return list(value) if isinstance(value, tuple) else value
