"""
Storefronts, keys and agents: read often, changed seldom, so each process remembers them for a minute. What was not there is
asked for again.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeVar

from pynamodb.exceptions import PutError, TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.adapters import keys, rows
from chalicelib.adapters.rows import Row, connection
from chalicelib.domain.access import ApiKey
from chalicelib.domain.agents import Agent
from chalicelib.domain.errors import Fault, Invalid, NotFound, Stale
from chalicelib.domain.storefront import Storefront
from chalicelib.frozen import frozen

REMEMBERED_SECONDS = 60
T = TypeVar("T")


@frozen
class House:
    _memory: dict[str, tuple[float, object]] = field(default_factory=dict)

    def storefront(self, storefront_id: str) -> Storefront:
        found = self._remembered(f"storefront {storefront_id}", lambda: self.find_storefront(storefront_id))
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
        return self._remembered(f"key {key_id}", lambda: self._find_api_key(key_id))

    def api_keys(self) -> list[ApiKey]:
        return [rows.value(ApiKey, held) for held in Row.query("KEY")]

    def _find_api_key(self, key_id: str) -> ApiKey | None:
        held = rows.get(keys.api_key(key_id))
        return rows.value(ApiKey, held) if held else None

    def find_storefront(self, storefront_id: str) -> Storefront | None:
        """Return a storefront as it is now, whatever is remembered."""
        held = rows.get(keys.storefront(storefront_id))
        return rows.value(Storefront, held) if held else None

    def put_storefront(self, storefront: Storefront, before: Storefront | None) -> None:
        """
        Write a storefront and its support addresses together; addresses that it gave up are free again.

        Raises:
            Invalid: An address belongs to another storefront.
            Stale: Somebody else wrote the settings meanwhile.
        """
        self._memory.clear()
        free = Row.pk.does_not_exist() | (Row.owner == storefront.id)
        as_read = Row.version == before.version if before else Row.pk.does_not_exist()
        given_up = set(before.support_addresses if before else ()) - set(storefront.support_addresses)
        try:
            with TransactWrite(connection=connection()) as transaction:
                for address in sorted(given_up):
                    transaction.delete(Row(*keys.address(address)))
                transaction.save(
                    rows.row(keys.storefront(storefront.id), storefront, version=storefront.version), condition=as_read
                )
                for address in storefront.support_addresses:
                    transaction.save(_owned(address, storefront), condition=free)
        except TransactWriteError as error:
            raise _refused(error, len(given_up)) from error
        for domain in {address.partition("@")[2] for address in storefront.support_addresses}:
            try:
                _owned(f"@{domain}", storefront).save(condition=free)
            except PutError as error:
                if error.cause_response_code != "ConditionalCheckFailedException":  # another storefront had it first
                    raise

    def put_api_key(self, key: ApiKey) -> None:
        self._memory.clear()
        rows.row(keys.api_key(key.id), key).save()

    def agents(self) -> Mapping[str, Agent]:
        """Return the agents: `{address: agent}`, addresses in lower case."""
        return self._remembered("agents", lambda: {r.sk: rows.value(Agent, r) for r in Row.query("AGENT")})

    def put_agent(self, agent: Agent) -> None:
        self._memory.clear()
        rows.row(keys.agent(agent.address), agent).save()

    def remove_agent(self, address: str) -> None:
        self._memory.clear()
        Row(*keys.agent(address)).delete()

    def _owner(self, address: str) -> str | None:
        held = self._remembered(f"address {address}", lambda: rows.get(keys.address(address)))
        return held.owner if held else None

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


def _refused(error: TransactWriteError, deletes: int) -> Exception:
    codes = [reason.code if reason else "" for reason in error.cancellation_reasons][deletes:]
    taken = [place for place, code in enumerate(codes[1:]) if code == "ConditionalCheckFailed"]
    if taken:
        return Invalid(*(Fault(f"/support_addresses/{place}", "belongs to another storefront") for place in taken))
    return (
        Stale("Somebody else changed the settings. Read them again.")
        if codes[:1] == ["ConditionalCheckFailed"]
        else error
    )
