"""
The domain's values as the API shows them.
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from chalicelib.domain.calendar import Calendar, intervals
from chalicelib.domain.delivery import summary
from chalicelib.domain.promises import LEVELS, Clock
from chalicelib.domain.ticket import CheckIn, Delivery, File, Message, Ticket, joined_text

Link = Callable[[File], str | None]


def ticket_json(ticket: Ticket, now: datetime) -> dict[str, Any]:
    return {
        "reference": ticket.reference,
        "status": ticket.status.value,
        "category": ticket.category.value,
        "kind": ticket.kind.value,
        "priority": ticket.priority.value,
        "channel": ticket.channel.value,
        "phase": ticket.phase.value if ticket.phase else None,
        "subject": ticket.subject,
        "language": ticket.language,
        "customer": {
            "email": ticket.customer.email or None,
            "name": ticket.customer.name or None,
            "tier": ticket.customer.tier,
            "phone": ticket.customer.phone or None,
            "handle": ticket.customer.handle or None,
        },
        "storefront": ticket.storefront,
        "assignee": ticket.assignee,
        "team": ticket.team,
        "tags": list(ticket.tags),
        "order_reference": ticket.order_reference,
        "missing": list(ticket.missing),
        "created_at": time_json(ticket.created_at),
        "updated_at": time_json(ticket.updated_at),
        "waiting_since": time_json(ticket.waiting_since),
        "resolved_at": time_json(ticket.resolved_at),
        "promised_at": time_json(ticket.promised_at),
        "snoozed_until": time_json(ticket.snoozed_until),
        "follow_up_of": ticket.follow_up_of,
        "rating": ticket.survey.rating if ticket.survey else None,
        "survey": _survey_json(ticket),
        "awaits_reply": ticket.awaits_reply,
        "task": {"what": ticket.task.what, "due_at": time_json(ticket.task.due_at)} if ticket.task else None,
        "check_in": _check_in_json(ticket.check_in),
        "next_at": time_json(ticket.due_at),
        "last_customer_message_id": ticket.last_customer_message,
        "promises": {
            "first_response": _promise_json(ticket.first_response, now),
            "next_response": _promise_json(ticket.next_response, now),
            "resolution": _promise_json(ticket.resolution, now),
        },
    }


def message_json(message: Message, link: Link) -> dict[str, Any]:
    full = message.full_text if message.full_text is not None else joined_text(message.text, message.quoted_text)
    return {
        "id": message.id,
        "author": {
            "role": message.author.role.value,
            "name": message.author.name or None,
            "email": message.author.email or None,
        },
        "channel": message.channel.value,
        "created_at": time_json(message.created_at),
        "internal": message.internal,
        "automatic": message.automatic,
        "verified": message.verified,
        "note": message.note,
        "subject": message.subject,
        "text": message.text,
        "quoted_text": message.quoted_text,
        "full_text": full,
        "html": html_of(message, link),
        "attachments": list(_files_json(message.files, link)),
        "delivery": _delivery_json(summary(message.delivery)),
    }


def html_of(message: Message, link: Link) -> str | None:
    """Return a message's HTML, the pictures that came with it linked to where they lie."""
    if message.html is None or "cid:" not in message.html.lower():
        return message.html
    from chalicelib.mail.clean import with_pictures

    pictures = {file.content_id: file for file in message.files if file.content_id}
    return with_pictures(message.html, lambda cid: link(pictures[cid]) if cid in pictures else None)


def time_json(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _files_json(files: Iterable[File], link: Link) -> Iterable[dict[str, Any]]:
    for file in files:
        yield {
            "name": file.name,
            "content_type": file.content_type,
            "size": file.size,
            "inline": file.inline,
            "url": link(file),
        }


def _promise_json(clock: Clock | None, now: datetime) -> dict[str, Any] | None:
    if clock is None:
        return None
    met = time_json(clock.met_at)
    return {"due_at": time_json(clock.due_at), "met_at": met, "breached": clock.breached(now), "paused": clock.paused}


def clock_json(name: str, clock: Clock, calendar: Calendar, now: datetime) -> dict[str, Any]:
    """Return a promise with the intervals that counted, each in working time."""
    counted = [span for run in clock.ran(now) for span in intervals(run.began, run.ended, calendar)]
    state = "met" if clock.met_at else "breached" if clock.breached(now) else "paused" if clock.paused else "due"
    return {
        "clock": name,
        "cycle": clock.cycle,
        "state": state,
        **(_promise_json(clock, now) or {}),
        "allowed_minutes": _minutes(clock.allowance),
        "spent_minutes": _minutes(sum((ends - begins for begins, ends in counted), timedelta())),
        "told": list(LEVELS[: clock.spoken]),
        "intervals": [{"from": time_json(begins), "to": time_json(ends)} for begins, ends in counted],
    }


def _minutes(duration: timedelta) -> float:
    return round(duration.total_seconds() / 60, 1)


def _check_in_json(check_in: CheckIn | None) -> dict[str, Any] | None:
    if check_in is None:
        return None
    every = check_in.every.days if check_in.every else None
    return {
        "at": time_json(check_in.at),
        "every_days": every,
        "until": time_json(check_in.until),
        "message": check_in.words,
    }


def _delivery_json(delivery: Delivery | None) -> dict[str, Any] | None:
    if delivery is None:
        return None
    return {"state": delivery.state.value, "at": time_json(delivery.at), "reason": delivery.reason}


def _survey_json(ticket: Ticket) -> dict[str, Any] | None:
    survey = ticket.survey
    if survey is None:
        return None
    return {
        "state": survey.state.value,
        "reason": survey.reason,
        "sent_at": time_json(survey.sent_at),
        "rating": survey.rating,
        "solved": survey.solved,
        "agent": survey.agent,
        "comment": survey.comment,
        "form": survey.form.value,
        "reasons": list(survey.reasons),
        "rated_at": time_json(survey.rated_at),
    }
