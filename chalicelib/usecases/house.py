"""
What ops set up: storefronts, keys, secrets.
"""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.adapters import codec, settings
from chalicelib.domain import access
from chalicelib.domain.access import ApiKey, Scope
from chalicelib.domain.errors import Fault, Invalid, NotFound
from chalicelib.domain.storefront import Storefront
from chalicelib.wiring import Desk

_KEY_ID_BYTES = 6
_SECRET_BYTES = 32


def ensure_signing_keys(desk: Desk) -> None:
    settings.ensure_signing_keys(desk.config.settings_table)


def put_storefront(desk: Desk, storefront: Storefront) -> None:
    desk.house.put_storefront(replace(storefront, created_at=storefront.created_at or desk.clock()))


def storefronts(desk: Desk) -> list[Storefront]:
    return desk.house.storefronts()


def storefront_from(document: Mapping[str, Any]) -> Storefront:
    """
    Return the storefront that a settings file describes; its fields are those of `Storefront`.

    Raises:
        Invalid: A field is missing or has the wrong form.
    """
    for name in ("id", "name", "support_addresses"):
        if not document.get(name):
            raise Invalid(Fault(f"/{name}", "is missing"))
    try:
        storefront: Storefront = codec.built(Storefront, document)
    except (TypeError, ValueError, KeyError) as error:
        raise Invalid(Fault("", f"is not a storefront's settings: {error}")) from error
    return storefront


def create_key(desk: Desk, scope: Scope, *, storefront: str | None = None, name: str = "", email: str = "") -> str:
    """
    Make an API key and return its token: the only time it can be read.

    Raises:
        Invalid: A storefront's key without a storefront.
        NotFound: There is no such storefront.
    """
    if scope in (Scope.STOREFRONT, Scope.PUBLISHABLE):
        if storefront is None:
            raise Invalid(Fault("/storefront", f"a {scope.value} key belongs to a storefront"))
        desk.house.storefront(storefront)
    key_id, secret = secrets.token_hex(_KEY_ID_BYTES), secrets.token_hex(_SECRET_BYTES)
    key = ApiKey(key_id, scope, access.digest(secret), desk.clock(), storefront, name, email)
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
