"""
Customers by their address: whether mail goes there, until when not, and why.
"""

from chalice.app import Response

from chalicelib.domain.ticket import Customer
from chalicelib.handlers.door import Call, json_response
from chalicelib.handlers.wire import time_json
from chalicelib.usecases import customers


def read(call: Call, address: str) -> Response:
    return _customer(call, customers.read(call.desk, address))


def lift_suppression(call: Call, address: str) -> Response:
    return _customer(call, customers.lift_suppression(call.desk, address))


def _customer(call: Call, known: Customer) -> Response:
    because = known.suppressed_at(call.desk.clock())
    suppressed = {"until": time_json(known.suppressed_until), "reason": because} if because else None
    shown = {
        "email": known.address,
        "name": known.name or None,
        "language": known.language,
        "tier": known.tier,
        "suppressed": suppressed,
        "opted_out": known.opted_out,
        "surveyed_at": time_json(known.surveyed_at),
    }
    return json_response(shown)
