"""
Telling the team lead, by SNS: at least once, with a stable id and attributes to filter by.
"""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws import client

_FILTERED_BY = ("storefront", "level", "reason", "priority", "kind")


def publish(topic: str, word: Mapping[str, Any]) -> None:
    attributes = {name: {"DataType": "String", "StringValue": str(word[name])} for name in _FILTERED_BY}
    client("sns").publish(TopicArn=topic, Message=json.dumps(word, ensure_ascii=False), MessageAttributes=attributes)
