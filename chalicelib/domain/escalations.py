"""
Telling the team lead: what is published when a promise is at risk, or when something happens that cannot wait.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.change import Act, Outgoing, plain
from chalicelib.domain.ticket import Ticket


def escalation(ticket: Ticket, level: str, reason: str, act: Act, *, key: str, clock: str | None = None,
               due_at: datetime | None = None) -> Outgoing:  # fmt: skip
    """Return the word to the team lead; its published id is stable: the ticket's number and *key*."""
    data = {
        "id": f"{ticket.reference}/{key}",
        "ticket": ticket.reference,
        "storefront": ticket.storefront,
        "level": int(level) if level.isdigit() else level,
        "reason": reason,
        "clock": clock,
        "due_at": plain(due_at),
        "priority": ticket.priority.value,
        "kind": ticket.kind.value,
        "subject": ticket.subject,
    }
    return Outgoing(act.new_id(), "escalation", act.at, data=data)


def dead_letter(key: str, storefront: str | None, reason: str) -> Mapping[str, Any]:
    """Return the word about a message that could not be taken: it has no ticket, and its subject says what was wrong."""
    nothing = dict.fromkeys(("ticket", "clock", "due_at", "priority", "kind", "url"))
    told = {"id": f"dead_letter/{key}", "storefront": storefront, "level": "event", "reason": "dead_letter"}
    return {**nothing, **told, "subject": reason}
