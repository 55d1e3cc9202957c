"""
What SES says of our mails: each word settles on its message, and a hard one has consequences.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from chalicelib.domain.delivery import SUPPRESSED_FOR, Feedback
from chalicelib.domain.ticket import DeliveryState
from chalicelib.usecases.sending import settle
from chalicelib.wiring import Desk

_STATES = {
    "Send": DeliveryState.SENT,
    "Delivery": DeliveryState.DELIVERED,
    "DeliveryDelay": DeliveryState.DELAYED,
    "Bounce": DeliveryState.BOUNCED,
    "Reject": DeliveryState.BOUNCED,
    "RenderingFailure": DeliveryState.BOUNCED,
    "Complaint": DeliveryState.COMPLAINED,
}


def take_in(desk: Desk, event: Mapping[str, Any]) -> int:
    """
    Take in one event of SES (its JSON as SNS brings it); return how many recipients it spoke of.

    Events come at least once and in any order, so every step may be done again.
    """
    spoken_of = list(read(event))
    for feedback in spoken_of:
        _settle(desk, feedback)
    desk.outbox.note_feedback(datetime.fromisoformat(event["mail"]["timestamp"]))
    return len(spoken_of)


def read(event: Mapping[str, Any]) -> Iterator[Feedback]:
    """Read what an event says, for each recipient. Mail that is not ours (no tags of ours) says nothing."""
    mail = event["mail"]
    kind = event.get("eventType") or event.get("notificationType", "")
    tags = mail.get("tags", {})
    outbox_id, reference = _first(tags.get("outbox")), _first(tags.get("ticket"))
    if not outbox_id or not reference or kind not in _STATES:
        return
    about = event.get(kind[0].lower() + kind[1:]) or {}
    at = datetime.fromisoformat(about.get("timestamp") or mail["timestamp"])
    hard = kind == "Bounce" and about.get("bounceType") == "Permanent"
    state = DeliveryState.DELAYED if kind == "Bounce" and not hard else _STATES[kind]
    for recipient, reason in _recipients(kind, about, mail):
        yield Feedback(outbox_id, reference, _own_id(mail), recipient, state, at, reason, hard)


def _settle(desk: Desk, feedback: Feedback) -> None:
    if desk.outbox.find(feedback.reference, feedback.outbox_id, consistent=False):  # seldom: its sender settles it
        unsent = desk.outbox.find(feedback.reference, feedback.outbox_id)
        if unsent:
            settle(desk, unsent, feedback)
    if feedback.hard:
        desk.table.suppress(feedback.recipient, feedback.at + SUPPRESSED_FOR["bounce"], "mail to this address bounced")
        message = desk.table.message(feedback.reference, feedback.outbox_id)
        if message and not message.automatic:
            from chalicelib.usecases import undelivered

            undelivered.reopen(desk, feedback)
    if feedback.state is DeliveryState.COMPLAINED:
        because = "this address complained about our mail"
        desk.table.suppress(feedback.recipient, feedback.at + SUPPRESSED_FOR["complaint"], because)
    desk.table.deliver(feedback.reference, feedback.outbox_id, feedback)


def _recipients(kind: str, about: Mapping[str, Any], mail: Mapping[str, Any]) -> Iterator[tuple[str, str | None]]:
    match kind:
        case "Bounce":
            for bounced in about.get("bouncedRecipients", ()):
                yield bounced["emailAddress"], bounced.get("diagnosticCode") or about.get("bounceSubType")
        case "Complaint":
            for complained in about.get("complainedRecipients", ()):
                yield complained["emailAddress"], about.get("complaintFeedbackType")
        case "DeliveryDelay":
            for delayed in about.get("delayedRecipients", ()):
                yield delayed["emailAddress"], delayed.get("diagnosticCode") or about.get("delayType")
        case "Delivery":
            yield from ((recipient, None) for recipient in about.get("recipients", ()))
        case _:
            yield from ((recipient, about.get("reason")) for recipient in mail.get("destination", ()))


def _own_id(mail: Mapping[str, Any]) -> str:
    return str(mail.get("messageId", "")).partition("@")[0]


def _first(values: Any) -> str:  # noqa: ANN401 whatever the event holds
    return str(values[0]) if isinstance(values, list) and values else ""
