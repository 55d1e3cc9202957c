"""
What happened, as the store saw it being written and as the people around the desk remember it.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.documents import audit_lines, document, plain
from tests.faults.sky import Item

WAITING = frozenset({"pending", "resolved", "closed", "spam", "merged"})
RUNNING = frozenset({"new", "open", "on_hold"})
CLOCKS = ("first_response", "next_response", "resolution")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Sent:
    """Something that was put into the outbox: `at` is when it was decided, `seen_at` when it was written."""

    id: str
    what: str
    to: str
    ticket: str
    at: datetime
    seen_at: datetime
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of a ticket, as it was written. `doc` is the ticket after it; `sent` grows until all of it is written."""

    at: datetime
    seen_at: datetime
    what: str
    role: str
    why: tuple[str, ...]
    doc: Mapping[str, Any]
    sent: list[Sent]

    @property
    def status(self) -> str:
        return str(self.doc.get("status", "new"))

    @property
    def priority(self) -> str:
        return str(self.doc.get("priority", "normal"))

    @property
    def kind(self) -> str:
        return str(self.doc.get("kind", "question"))


@dataclass
class Diary:
    """
    `steps` by ticket; `sent` by outbox id; `said` are the words of people: True when the desk took them.

    `now` is asked for the time of a write. `mails` are (outbox id, to, when) as SES took them.
    """

    steps: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))
    sent: dict[str, Sent] = field(default_factory=dict)
    said: dict[str, bool] = field(default_factory=dict)
    mails: list[tuple[str, str, datetime]] = field(default_factory=list)
    told_of: dict[str, datetime] = field(default_factory=dict)
    opted_out: dict[str, datetime] = field(default_factory=dict)
    bad_ratings: Counter[str] = field(default_factory=Counter)
    ran_while_waiting: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    fresh: list[Sent] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    _pending: dict[str, tuple[Mapping[str, Any], list[Sent]]] = field(default_factory=dict)

    def hear(self, now: datetime, before: Item | None, item: Item) -> None:
        """Read what was written to the table."""
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if not pk.startswith("TICKET#"):
            return
        reference = pk[7:]
        if sk == "TICKET":
            doc = json.loads(document(item))
            self._pending[reference] = (doc, [])
            self._look_at_clocks(doc)
        elif sk.startswith("OUTBOX#") and before is None:
            self._put_out(now, reference, sk[7:], json.loads(document(item)))
        if sk == "TICKET" or before is None:
            for line in audit_lines([plain(item)]):
                if line["version"] > len(self.steps[reference]):  # others waited, and were read then
                    self._step(now, reference, line)

    def latest(self, reference: str) -> Mapping[str, Any]:
        return self.steps[reference][-1].doc

    def _put_out(self, now: datetime, reference: str, outbox_id: str, told: Mapping[str, Any]) -> None:
        sent = Sent(
            outbox_id,
            told["what"],
            told.get("to", ""),
            reference,
            moment(told["created_at"]),
            now,
            told.get("data") or {},
        )
        self.sent[outbox_id] = sent
        self.fresh.append(sent)
        if reference in self._pending:
            self._pending[reference][1].append(sent)

    def _step(self, now: datetime, reference: str, told: Mapping[str, Any]) -> None:
        doc, sent = self._pending[reference]
        step = Step(
            moment(told["at"]),
            now,
            told["what"],
            told["by"].get("role", ""),
            tuple(told.get("why", ())),
            doc,
            sent,
        )
        self.steps[reference].append(step)
        self.changed.append(reference)

    def _look_at_clocks(self, doc: Mapping[str, Any]) -> None:
        if doc.get("status", "new") not in WAITING:
            return
        for name in CLOCKS:
            clock = doc.get(name)
            if clock and clock.get("running_since") and not clock.get("met_at"):
                self.ran_while_waiting.append(f"{doc['reference']} {name} while {doc.get('status')}")
