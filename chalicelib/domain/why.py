"""
What the desk did by itself in a change, in sentences for people, as far as it shows in what changed.
"""

from collections.abc import Iterator, Mapping

from chalicelib.domain.change import Change
from chalicelib.domain.promises import Clock
from chalicelib.domain.ticket import Category, Status, SurveyState, Ticket

_TOLD: Mapping[str, str] = {
    "bad_rating": "a bad rating",
    "customer_silent": "the customer is silent, and silence does not end this",
    "promise_due": "the promised date has come",
    "reply_undeliverable": "a reply could not be delivered",
    "supervisor_requested": "the customer asks for a supervisor",
    "task_overdue": "a task was not done in time",
    "timer_failed": "what was due fails again and again",
    "urgent_claim": "an urgent claim",
}
_WAITED_FOR = frozenset({Status.PENDING, Status.ON_HOLD, Status.RESOLVED})


def seen_in(change: Change) -> Iterator[str]:
    """Yield a sentence for each decision that shows in a change."""
    before, after = change.before, change.ticket
    if before:
        yield from _of_status(change, before, after)
        yield from _of_clocks(before, after)
        survey = after.survey
        if survey and survey != before.survey and survey.state is SurveyState.SKIPPED:
            yield f"No survey: {survey.reason}."
    for told in change.outgoing:
        reason = str((told.data or {}).get("reason")) if told.what == "escalation" else ""
        if reason in _TOLD:
            yield f"Told the lead: {_TOLD[reason]}."


def _of_status(change: Change, before: Ticket, after: Ticket) -> Iterator[str]:
    if change.what == "customer_wrote" and before.status in _WAITED_FOR and after.status is Status.OPEN:
        yield "Opened again: the customer wrote."


def _of_clocks(before: Ticket, after: Ticket) -> Iterator[str]:
    pairs = tuple(zip(_clocks(before), _clocks(after), strict=True))
    if any(was and was.running_since and now and now.paused for was, now in pairs):
        waits = after.category is Category.WAITING_FOR_THE_CUSTOMER
        yield f"Paused: no promise runs while {'we wait for the customer' if waits else 'the ticket is done'}."
    if any(was and not was.running_since and now and now.running_since for was, now in pairs):
        yield "Going on: the promises run again."


def _clocks(ticket: Ticket) -> tuple[Clock | None, ...]:
    return ticket.first_response, ticket.next_response, ticket.resolution
