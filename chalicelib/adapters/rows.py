"""
The table's rows as PynamoDB sees them. They never leave the adapters.

Attributes stand by themselves where a key, a condition or DynamoDB's TTL needs them; all the rest of an item is one
JSON document in `data`: fewer bytes, fewer instructions, and a new field needs no migration. A longer document lies
deflated in `packed` instead: a write is paid by the KB.
"""

import zlib
from collections.abc import Iterable
from typing import Any, TypeVar

from pynamodb.attributes import BinaryAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import base
from pynamodb.exceptions import PynamoDBException
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.adapters import codec
from chalicelib.adapters.aws import CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS, session
from chalicelib.adapters.keys import Key
from chalicelib.adapters.phrases import PHRASES
from chalicelib.config import config

T = TypeVar("T")

base.get_session = session  # type: ignore[attr-defined]  # PynamoDB would make its own, and read all again

_PACKED_FROM = 160
"""From how many bytes a document is deflated: what is shorter is hardly less then, and can be read in a console."""

_WINDOW_BITS, _MEMORY_LEVEL = 13, 5
"""8 KB hold the phrases and a usual document. More would be made ready, and paid, for each document anew."""


def _index(name: str, prefix: str) -> Any:  # noqa: ANN401 PynamoDB reads index classes by their attributes
    meta = type("Meta", (), {"index_name": name, "projection": KeysOnlyProjection()})
    members = {
        "Meta": meta,
        f"{prefix}_pk": UnicodeAttribute(hash_key=True),
        f"{prefix}_sk": UnicodeAttribute(range_key=True),
    }
    return type(name, (GlobalSecondaryIndex,), members)()


class Row(Model):
    class Meta:
        table_name = config().table
        max_retry_attempts = 0
        connect_timeout_seconds = CONNECT_TIMEOUT_SECONDS
        read_timeout_seconds = READ_TIMEOUT_SECONDS

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:  # noqa: ARG002 as PynamoDB has it
        """Return the item as DynamoDB takes it: of forty attributes it has ten, so only those are looked at."""
        kinds = self.get_attributes()
        given = ((kinds[name], value) for name, value in self.attribute_values.items() if value is not None)
        return {kind.attr_name: {kind.attr_type: kind.serialize(value)} for kind, value in given}

    def update(self, actions: list[Any], condition: Any = None, *, add_version_condition: bool = True) -> None:  # noqa: ANN401, ARG002 as PynamoDB has it
        """Write, without asking for the item as it is then: it would come back whole, and nobody reads it."""
        self._get_connection().update_item(self.pk, range_key=self.sk, actions=actions, condition=condition)

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    data = UnicodeAttribute(null=True)
    packed = BinaryAttribute(legacy_encoding=False, null=True)
    version = NumberAttribute(null=True)
    claim = UnicodeAttribute(null=True)
    progress = UnicodeAttribute(null=True)
    owner = UnicodeAttribute(null=True)
    surveyed_at = UnicodeAttribute(null=True)
    suppressed_until = UnicodeAttribute(null=True)
    suppressed_because = UnicodeAttribute(null=True)
    opted_out_at = UnicodeAttribute(null=True)
    ledger = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)

    queue_pk = UnicodeAttribute(null=True)
    queue_sk = UnicodeAttribute(null=True)
    customer_pk = UnicodeAttribute(null=True)
    customer_sk = UnicodeAttribute(null=True)
    assignee_pk = UnicodeAttribute(null=True)
    assignee_sk = UnicodeAttribute(null=True)
    view_pk = UnicodeAttribute(null=True)
    view_sk = UnicodeAttribute(null=True)
    risk_pk = UnicodeAttribute(null=True)
    risk_sk = UnicodeAttribute(null=True)
    day_pk = UnicodeAttribute(null=True)
    day_sk = UnicodeAttribute(null=True)
    due_pk = UnicodeAttribute(null=True)
    due_sk = UnicodeAttribute(null=True)

    by_queue = _index("by_queue", "queue")
    by_customer = _index("by_customer", "customer")
    by_assignee = _index("by_assignee", "assignee")
    by_view = _index("by_view", "view")
    by_risk = _index("by_risk", "risk")
    by_day = _index("by_day", "day")
    by_due_time = _index("by_due_time", "due")


def _prefix(index: str) -> str:
    return {"by_due_time": "due"}.get(index, index.removeprefix("by_"))


def row(key: Key, value: Any, *, index: dict[str, Key] | None = None, **attributes: Any) -> Row:  # noqa: ANN401
    """Return the row that holds *value*, with its places in the indexes."""
    places: dict[str, Any] = {}
    for name, place in (index or {}).items():
        prefix = _prefix(name)
        places |= {f"{prefix}_pk": place.pk, f"{prefix}_sk": place.sk}
    return Row(key.pk, key.sk, **_document(value), **places, **attributes)


def value(kind: type[T], held: Row) -> T:
    return codec.loads(kind, text(held.data, held.packed))


def text(data: str | None, packed: bytes | None) -> str:
    """Return the document of an item, whichever of the two attributes holds it, deflated with phrases or without."""
    if not packed:
        return data or ""
    inflating = zlib.decompressobj(zdict=PHRASES)
    return (inflating.decompress(packed) + inflating.flush()).decode()


def setting(value: Any) -> list[Any]:  # noqa: ANN401
    """Return the actions of an update that replace a row's document."""
    held = _document(value)
    attributes: dict[str, Any] = {"data": Row.data, "packed": Row.packed}
    return [each.set(held[name]) if name in held else each.remove() for name, each in attributes.items()]


def _document(value: Any) -> dict[str, Any]:  # noqa: ANN401
    encoded = codec.dumps(value).encode("utf-8", "replace")  # half a character has no bytes in UTF-8: a question mark
    if len(encoded) < _PACKED_FROM:
        return {"data": encoded.decode()}
    deflating = zlib.compressobj(wbits=_WINDOW_BITS, memLevel=_MEMORY_LEVEL, zdict=PHRASES)
    return {"packed": deflating.compress(encoded) + deflating.flush()}


def connection() -> Any:  # noqa: ANN401
    """Return PynamoDB's low-level connection, as its transactions take it; all share one client and its settings."""
    return Row._get_connection().connection  # noqa: SLF001 there is no public way to give a transaction the model's own


def refusal(error: PynamoDBException) -> str:
    """Return the code with which DynamoDB refused; "" when there was no answer, over which PynamoDB's own property trips."""
    answered: dict[str, Any] = getattr(error.cause, "response", None) or {}
    return str(answered.get("Error", {}).get("Code", ""))


def get(key: Key, *, consistent: bool = True) -> Row | None:
    try:
        found: Row = Row.get(key.pk, key.sk, consistent_read=consistent)
    except Row.DoesNotExist:
        return None
    return found


def get_many(keys: Iterable[Key], *, consistent: bool = True) -> dict[Key, Row]:
    """Read up to 100 rows in one call; what does not exist is left out."""
    wanted = list(dict.fromkeys(keys))
    return {Key(r.pk, r.sk): r for r in Row.batch_get(wanted, consistent_read=consistent)} if wanted else {}


def sort_key(index: str, held: Row) -> str:
    found: str = getattr(held, f"{_prefix(index)}_sk")
    return found


def page(
    index: str, pk: str, *, after: str | None = None, until: str | None = None, limit: int, newest_first: bool = False
) -> list[Row]:
    """Read one page of an index's keys: those after (or, newest first, before) a sort key, and not after *until*."""
    found = getattr(Row, index)
    sort = getattr(Row, f"{_prefix(index)}_sk")
    condition = None
    if after is not None:
        condition = sort < after if newest_first else sort > after
    if until is not None:
        condition = sort.between(f"{after} ", until) if after is not None else sort <= until
    return list(
        found.query(
            pk, range_key_condition=condition, limit=limit, page_size=limit, scan_index_forward=not newest_first
        )
    )
