"""
The queues that the desk fills itself, and how full one is. All of it is harmless when it happens twice.
"""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws import client

_WAITING = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def put(url: str, message: Mapping[str, Any], *, delay_seconds: int = 0) -> None:
    client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(message), DelaySeconds=delay_seconds)


def bury(url: str, body: str, reason: str) -> None:
    """Put a message that can never be taken on the dead letters, with its reason."""
    attributes = {"reason": {"DataType": "String", "StringValue": reason[:1024]}}
    client("sqs").send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)


def is_empty(url: str) -> bool:
    attributes = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=list(_WAITING))["Attributes"]
    return not any(int(attributes[name]) for name in _WAITING)
