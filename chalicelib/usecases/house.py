"""
What ops set up: storefronts, keys, agents, secrets.
"""

import secrets

from chalicelib.adapters import settings
from chalicelib.domain import access
from chalicelib.domain.access import ApiKey, Scope
from chalicelib.domain.addresses import is_sendable
from chalicelib.domain.agents import Agent
from chalicelib.domain.errors import Fault, Invalid, NotFound, Stale
from chalicelib.domain.storefront import Storefront
from chalicelib.frozen import replace
from chalicelib.usecases import digests
from chalicelib.wiring import Desk

_KEY_ID_BYTES = 6
_SECRET_BYTES = 32


def ensure_signing_keys(desk: Desk) -> None:
    settings.ensure_signing_keys(desk.config.settings_table)


def put_storefront(desk: Desk, storefront: Storefront, *, if_match: int | None = None) -> Storefront:
    """
    Write a storefront's settings as their next version. What was promised to a customer before stays as it was.

    Raises:
        Stale: The settings changed since the version that the caller names.
    """
    before = desk.house.find_storefront(storefront.id)
    if if_match is not None and (before is None or before.version != if_match):
        raise Stale("The settings have changed since you read them. Read them again.")
    written = replace(
        storefront,
        created_at=(before.created_at if before else None) or storefront.created_at or desk.clock(),
        version=before.version + 1 if before else 1,
    )
    desk.house.put_storefront(written, before)
    digests.plan(desk, written)
    return written


def storefronts(desk: Desk) -> list[Storefront]:
    return desk.house.storefronts()


def create_key(desk: Desk, scope: Scope, *, storefront: str | None = None, name: str = "", email: str = "") -> str:
    """
    Make an API key and return its token: the only time it can be read. An agent's first key makes him known to mail.

    Raises:
        Invalid: A storefront's key without a storefront, or an agent's with a storefront's own address.
        NotFound: There is no such storefront.
    """
    if scope in (Scope.STOREFRONT, Scope.PUBLISHABLE):
        if storefront is None:
            raise Invalid(Fault("/storefront", f"a {scope.value} key belongs to a storefront"))
        desk.house.storefront(storefront)
    key_id, secret = secrets.token_hex(_KEY_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    key = ApiKey(key_id, scope, access.digest(secret), desk.clock(), storefront, name, email)
    if scope is Scope.AGENT and is_sendable(email) and email.strip().casefold() not in desk.house.agents():
        put_agent(desk, Agent(email, name))
    desk.house.put_api_key(key)
    return access.written(scope, key_id, secret)


def revoke_key(desk: Desk, key_id: str) -> None:
    """Void a key. Processes that know it believe it for another minute at most."""
    key = desk.house.api_key(key_id)
    if key is None:
        raise NotFound("key")
    desk.house.put_api_key(replace(key, revoked_at=desk.clock()))


def api_keys(desk: Desk) -> list[ApiKey]:
    return desk.house.api_keys()


def agents(desk: Desk) -> list[Agent]:
    return sorted(desk.house.agents().values(), key=lambda agent: agent.address)


def put_agent(desk: Desk, agent: Agent) -> Agent:
    """
    Register an agent, or change what he wants to be told.

    Raises:
        Invalid: No mail can be sent to the address, or it is a storefront's own: the desk would write to itself.
    """
    address = agent.address.strip().casefold()
    if not is_sendable(address):
        raise Invalid(Fault("/email", "is no address to which mail can be sent"))
    own = {support.casefold() for storefront in desk.house.storefronts() for support in storefront.support_addresses}
    if address in own:
        raise Invalid(Fault("/email", "is the address of a storefront"))
    registered = replace(agent, address=address)
    desk.house.put_agent(registered)
    return registered


def remove_agent(desk: Desk, address: str) -> None:
    """Mail an agent no more, and take no answer of his by mail any more, in a minute at the latest. His keys stay."""
    known = address.strip().casefold()
    if known not in desk.house.agents():
        raise NotFound("agent")
    desk.house.remove_agent(known)
