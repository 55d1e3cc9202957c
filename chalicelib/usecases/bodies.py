"""
The words of messages that are too large for the table.
"""

import json

from chalicelib.domain.ticket import Message
from chalicelib.frozen import replace
from chalicelib.wiring import Desk


def whole(desk: Desk, message: Message) -> Message:
    """Return a message with all of its words, wherever they lie."""
    return replace(message, **json.loads(desk.files.read(message.body_key))) if message.body_key else message
