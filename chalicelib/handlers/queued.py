"""
Requests that come by queue: the body of POST /v1/tickets, with a storefront and, to be safe, an idempotency key.
"""

import hashlib
import json
from typing import Any

from chalicelib.adapters import queues, topic
from chalicelib.domain.errors import DeskError, Invalid, NotFound, Reused
from chalicelib.domain.escalations import dead_letter
from chalicelib.domain.ticket import Author, Channel, Role
from chalicelib.handlers import schema
from chalicelib.handlers.tickets import intake_from
from chalicelib.usecases import tickets
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads
from chalicelib.wiring import Desk


def open_queued(desk: Desk, message_id: str, body: str) -> str:
    """
    Open the ticket that a message asks for, and return its number.

    What is not valid goes to the dead letters with its reason, and the lead is told: no repeat would make it right. Without a key of its own
    a message is known by its SQS id, so that a second delivery opens nothing.
    """
    try:
        request = _checked(desk, body)
    except (schema.Malformed, DeskError) as error:
        return _buried(desk, message_id, body, str(error))
    key = request.pop("idempotency_key", None)
    storefront = request.pop("storefront")
    digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    once = Once(f"QUEUE#{storefront}", key or f"sqs {message_id}", digest)
    intake = intake_from(request, channel=Channel.QUEUE, by_hand=False, authenticated=True)
    uploads = Uploads(storefront, tuple(request.get("attachments", ())))
    author = Author(Role.CUSTOMER, intake.customer.name, intake.customer.email)
    try:
        return tickets.open_ticket(desk, storefront, intake, uploads, by=author, once=once).reference
    except DeskError as error:
        if not isinstance(error, Invalid | NotFound | Reused):
            raise
        return _buried(desk, message_id, body, str(error), storefront)


def _buried(desk: Desk, message_id: str, body: str, reason: str, storefront: str | None = None) -> str:
    """Tell the lead, then put the message away: if that fails both are done again, and the word keeps its id."""
    topic.publish(desk.config.escalation_topic, dead_letter(f"intake/{message_id}", storefront, reason))
    queues.bury(desk.config.intake_dead_letter_url, body, reason)
    return "buried"


def _checked(desk: Desk, body: str) -> dict[str, Any]:
    request: dict[str, Any] = schema.checked(schema.parsed(body.encode()), schema.QUEUED_TICKET)
    desk.house.storefront(request["storefront"])
    intake_from(request, channel=Channel.QUEUE, by_hand=False, authenticated=True)
    return request
