"""
The sample payloads of events/, for tests to bring to the doors.
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

EVENTS = Path(__file__).parents[1] / "events"
NOTHING_FAILED = {"batchItemFailures": []}
_SAMPLES = {
    "number": "CL-7K3F9-Q2MXE",
    "outbox": "01JNB1Q3W0ZV5N8T7R6P4K2M1A",
    "key": "careline_storefront_0123456789ab_SECRET",
    "order": "order-A-1001",
    "address": "eva@customer.test",
}


def event(name: str, **instead: str) -> dict[str, Any]:
    """Read a payload; *instead* gives `number`, `outbox`, `key`, `order` or `address` for those of the sample."""
    text = (EVENTS / f"{name}.json").read_text()
    for what, value in instead.items():
        text = text.replace(_SAMPLES[what], value)
    return json.loads(text)


def http(method: str, path: str, headers: Mapping[str, str], content: bytes = b"") -> dict[str, Any]:
    """Return a request as an HTTP API brings it; *path* as a client writes it, with its query."""
    whole = event("api-open-ticket")
    named = {name.lower(): value for name, value in headers.items()}
    raw_path, _, query = path.partition("?")
    as_it_is = named.get("content-type", "").partition(";")[0] == "application/json"  # a form is not text to it
    body = content.decode(errors="replace") if as_it_is else b64encode(content).decode()
    asked = {
        "rawPath": unquote(raw_path.replace("%25", "%2525")),  # all is decoded but this
        "rawQueryString": query,
        "headers": named,
        "requestContext": {
            **whole["requestContext"],
            "http": {**whole["requestContext"]["http"], "method": method, "path": raw_path},
        },
        "isBase64Encoded": bool(content) and not as_it_is,
    }
    del whole["body"]
    return {**whole, **asked, **({"body": body} if content else {})}


def batch(whole: dict[str, Any], bodies: Iterable[Any]) -> dict[str, Any]:
    """Return an event of SQS with one record for each body, in the form of its own first record."""
    record = whole["Records"][0]
    texts = (body if isinstance(body, str) else json.dumps(body) for body in bodies)
    return {**whole, "Records": [{**record, "messageId": f"m{n}", "body": text} for n, text in enumerate(texts)]}


def failed(answer: dict[str, Any]) -> list[str]:
    """Return the ids of the records that a door gave back."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]
