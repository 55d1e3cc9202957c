"""
Storefronts and keys: read often, changed seldom, so each process remembers them for a minute. What was not there is
asked for again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from pynamodb.exceptions import PutError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import keys, rows
from chalicelib.adapters.rows import Row, connection
from chalicelib.domain.access import ApiKey
from chalicelib.domain.errors import NotFound
from chalicelib.domain.storefront import Storefront

REMEMBERED_SECONDS = 60
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class House:
    _memory: dict[str, tuple[float, object]] = field(default_factory=dict)

    def storefront(self, storefront_id: str) -> Storefront:
        found = self._remembered(f"storefront {storefront_id}", lambda: self._storefront(storefront_id))
        if found is None:
            raise NotFound("storefront")
        return found

    def storefronts(self) -> list[Storefront]:
        return self._remembered("storefronts", lambda: [rows.value(Storefront, r) for r in Row.query("STOREFRONT")])

    def addressed(self, address: str) -> Storefront | None:
        """
        Return the storefront that an address belongs to: by the address itself, where what follows a + does not count,
        else by its domain, so that mail to a mistyped name at the right house is not turned away.
        """
        local, _, domain = address.strip().casefold().partition("@")
        owner = self._owner(f"{local.partition('+')[0]}@{domain}") or self._owner(f"@{domain}")
        return self.storefront(owner) if owner else None

    def api_key(self, key_id: str) -> ApiKey | None:
        held = self._remembered(f"key {key_id}", lambda: rows.get(keys.api_key(key_id)))
        return rows.value(ApiKey, held) if held else None

    def api_keys(self) -> list[ApiKey]:
        return [rows.value(ApiKey, held) for held in Row.query("KEY")]

    def put_storefront(self, storefront: Storefront) -> None:
        """Write a storefront and its support addresses, together."""
        self._memory.clear()
        free = Row.pk.does_not_exist() | (Row.owner == storefront.id)
        with TransactWrite(connection=connection()) as transaction:
            transaction.save(rows.row(keys.storefront(storefront.id), storefront))
            for address in storefront.support_addresses:
                transaction.save(_owned(address, storefront), condition=free)
        for domain in {address.partition("@")[2] for address in storefront.support_addresses}:
            try:
                _owned(f"@{domain}", storefront).save(condition=free)
            except PutError as error:
                if rows.refusal(error) != "ConditionalCheckFailedException":  # another storefront had it first
                    raise

    def put_api_key(self, key: ApiKey) -> None:
        self._memory.clear()
        rows.row(keys.api_key(key.id), key).save()

    def _owner(self, address: str) -> str | None:
        held = self._remembered(f"address {address}", lambda: rows.get(keys.address(address)))
        return held.owner if held else None

    def _storefront(self, storefront_id: str) -> Storefront | None:
        held = rows.get(keys.storefront(storefront_id))
        return rows.value(Storefront, held) if held else None

    def _remembered(self, what: str, read: Callable[[], T]) -> T:
        known = self._memory.get(what)
        if known and known[0] > time.monotonic():
            return known[1]  # type: ignore[return-value]
        found = read()
        if found:
            self._memory[what] = (time.monotonic() + REMEMBERED_SECONDS, found)
        return found


def _owned(address: str, storefront: Storefront) -> Row:
    return rows.row(keys.address(address), {}, owner=storefront.id)
