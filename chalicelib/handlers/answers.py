"""
What answers look like: the schemas of the OpenAPI document, and which door gives which.

What is not `required` may be absent; all else is there, and null where its type says so. Fields may be added; a client
passes over those that it does not know.
"""

from typing import Any

from chalicelib.domain.promises import LEVELS
from chalicelib.domain.schema import Schema, nullable, one_of
from chalicelib.domain.settings import SETTINGS
from chalicelib.domain.storefront import Kind, Priority, SurveyForm
from chalicelib.domain.ticket import Category, Channel, DeliveryState, Phase, Role, Status, SurveyState
from chalicelib.domain.timers import CLOCKS


def _shown(*maybe: str, **fields: Schema) -> Schema:
    """Return the schema of an object with these fields, all of them but *maybe*."""
    return {"type": "object", "properties": fields, "required": [name for name in fields if name not in maybe]}


def _each(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> dict[str, Any]:
    """Return what stands for one of ANSWERS in the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def _page(name: str) -> Schema:
    return _shown(items=_each(ref(name)), next_cursor=nullable(_TEXT))


_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer"}
_MINUTES: Schema = {"type": "number"}
_TIME: Schema = {"type": "string", "format": "date-time"}
_PROMISE = _shown(due_at=_TIME, met_at=nullable(_TIME), breached=_FLAG, paused=_FLAG)

ANSWERS: dict[str, Schema] = {
    "Ticket": _shown(
        reference=_TEXT,
        status=one_of(*Status),
        category=one_of(*Category),
        kind=one_of(*Kind),
        priority=one_of(*Priority),
        channel=one_of(*Channel),
        phase=nullable(one_of(*Phase)),
        subject=_TEXT,
        language=_TEXT,
        customer=_shown(
            email=nullable(_TEXT), name=nullable(_TEXT), tier=_TEXT, phone=nullable(_TEXT), handle=nullable(_TEXT)
        ),
        storefront=_TEXT,
        assignee=nullable(_TEXT),
        team=nullable(_TEXT),
        tags=_each(_TEXT),
        order_reference=nullable(_TEXT),
        missing=_each(_TEXT),
        created_at=_TIME,
        updated_at=_TIME,
        waiting_since=nullable(_TIME),
        resolved_at=nullable(_TIME),
        promised_at=nullable(_TIME),
        snoozed_until=nullable(_TIME),
        follow_up_of=nullable(_TEXT),
        rating=nullable(_COUNT),
        survey=nullable(
            _shown(
                state=one_of(*SurveyState),
                reason=nullable(_TEXT),
                sent_at=nullable(_TIME),
                rating=nullable(_COUNT),
                solved=nullable(_FLAG),
                agent=nullable(_COUNT),
                comment=_TEXT,
                form=one_of(*SurveyForm),
                reasons=_each(_TEXT),
                rated_at=nullable(_TIME),
            )
        ),
        awaits_reply=_FLAG,
        task=nullable(_shown(what=_TEXT, due_at=_TIME)),
        check_in=nullable(
            _shown(at=_TIME, every_days=nullable(_COUNT), until=nullable(_TIME), message=nullable(_TEXT))
        ),
        next_at=nullable(_TIME),
        last_customer_message_id=nullable(_TEXT),
        promises=_shown(**{name: nullable(_PROMISE) for name in CLOCKS}),
    ),
    "Message": _shown(
        id=_TEXT,
        author=_shown(role=one_of(*Role), name=nullable(_TEXT), email=nullable(_TEXT)),
        channel=one_of(*Channel),
        created_at=_TIME,
        internal=_FLAG,
        automatic=_FLAG,
        verified=_FLAG,
        note=nullable(_TEXT),
        subject=nullable(_TEXT),
        text=_TEXT,
        quoted_text=nullable(_TEXT),
        full_text=nullable(_TEXT),
        html=nullable(_TEXT),
        attachments=_each(_shown(name=_TEXT, content_type=_TEXT, size=_COUNT, inline=_FLAG, url=nullable(_TEXT))),
        delivery=nullable(_shown(state=one_of(*DeliveryState), at=_TIME, reason=nullable(_TEXT))),
    ),
    "Promise": _shown(
        clock=one_of(*CLOCKS),
        cycle=_COUNT,
        state=one_of("due", "paused", "met", "breached"),
        **_PROMISE["properties"],
        allowed_minutes=_MINUTES,
        spent_minutes=_MINUTES,
        told=_each(one_of(*LEVELS)),
        intervals=_each(_shown(**{"from": _TIME, "to": _TIME})),
    ),
    "Event": _shown(
        "version", "why", "detail",
        id=_TEXT,
        at=_TIME,
        by=_shown("name", "email", role=one_of(*Role), name=_TEXT, email=_TEXT),
        what=_TEXT,
        version=_COUNT,
        why=_each(_TEXT),
        detail={"type": "object"},
    ),
    "Customer": _shown(
        email=_TEXT,
        name=nullable(_TEXT),
        language=nullable(_TEXT),
        tier=_TEXT,
        suppressed=nullable(_shown(until=nullable(_TIME), reason=_TEXT)),
        opted_out=_FLAG,
        surveyed_at=nullable(_TIME),
    ),
    "Macro": _shown(name=_TEXT, title=_TEXT, technique=nullable(_TEXT), languages=_each(_TEXT)),
    "Draft": _shown(name=_TEXT, technique=nullable(_TEXT), language=_TEXT, text=_TEXT, missing=_each(_TEXT)),
    "Upload": _shown(id=_TEXT, url=_TEXT, fields={"type": "object", "additionalProperties": _TEXT}),
    "Settings": {**SETTINGS, "required": list(SETTINGS["properties"])},
    "Health": _shown(status=one_of("ok"), stage=_TEXT),
    "Description": {"type": "object"},
    "Tickets": _page("Ticket"),
    "Messages": _page("Message"),
    "Promises": _page("Promise"),
    "Events": _page("Event"),
    "Macros": _page("Macro"),
    "Problem": _shown(
        "errors", "messages",
        type=_TEXT,
        title=_TEXT,
        status=_COUNT,
        detail=_TEXT,
        instance=_TEXT,
        errors=_each(_shown(pointer=_TEXT, detail=_TEXT)),
        messages=_each(ref("Message")),
    ),
}  # fmt: skip

OF_DOOR = {
    "customers.lift_suppression": "Customer",
    "customers.read": "Customer",
    "docs.health": "Health",
    "docs.openapi": "Description",
    "macros.draft": "Draft",
    "macros.list_macros": "Macros",
    "storefronts.put": "Settings",
    "storefronts.read": "Settings",
    "tickets.cancel_check_in": "Ticket",
    "tickets.list_events": "Events",
    "tickets.list_messages": "Messages",
    "tickets.list_promises": "Promises",
    "tickets.list_tickets": "Tickets",
    "tickets.open_ticket": "Ticket",
    "tickets.plan_check_in": "Ticket",
    "tickets.read": "Ticket",
    "tickets.reopen": "Ticket",
    "tickets.resolve": "Ticket",
    "tickets.update": "Ticket",
    "tickets.upload": "Upload",
    "tickets.write": "Message",
}
"""What a door (`opens` of a route) gives when all went well; a page gives HTML."""
