"""
Items of the table as tests look at them: their document as text, however it is kept.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from chalicelib.adapters import rows


def document(item: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the document of an item as DynamoDB holds it: `{attribute: {type: value}}`."""
    return str(plain(item)["data"])


def audit_lines(items: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the audit lines among rows as `plain` gives them, wherever they lie, in no order."""
    lines = []
    for row in items:
        held = json.loads(row["data"]) if row["sk"].startswith(("EVENT#", "MESSAGE#", "TICKET")) else {}
        lines += held.get("lines", [])
        line = held.get("audit") if row["sk"].startswith("MESSAGE#") else held
        lines += [line] if line and "what" in line else []
    return lines


def plain(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return an item without types, its document in `data`."""
    row = {name: next(iter(typed.values())) for name, typed in item.items()}
    packed = row.pop("packed", None)
    if packed is None:
        return row
    return row | {"data": rows.text(None, base64.b64decode(packed) if isinstance(packed, str) else packed)}
