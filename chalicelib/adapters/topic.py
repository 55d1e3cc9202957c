"""
Telling the team lead, by SNS: at least once, with a stable id and attributes to filter by.
"""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws import client

_FILTERED_BY = ("storefront", "level", "reason", "priority", "kind")


def publish(topic: str, word: Mapping[str, Any]) -> None:
    known = {name: word[name] for name in _FILTERED_BY if word[name] is not None}
    attributes = {name: {"DataType": "String", "StringValue": str(value)} for name, value in known.items()}
    client("sns").publish(TopicArn=topic, Message=json.dumps(word, ensure_ascii=False), MessageAttributes=attributes)
