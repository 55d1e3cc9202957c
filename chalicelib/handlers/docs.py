"""
What the API says of itself, for programs: that it is there, and its description.
"""

from chalice.app import Response

from chalicelib.handlers.door import Call, json_response


def health(call: Call) -> Response:
    return json_response({"status": "ok", "stage": call.desk.config.stage})


def openapi(call: Call) -> Response:
    from chalicelib.handlers.openapi import described  # the other doors of this module need none of it

    return json_response(described(call.desk.config.public_url))
