"""
Who may do what: API keys and their scopes.

| scope | may |
|---|---|
| publishable | open tickets and upload: it stands in web pages |
| storefront | the same, and see and continue its own tickets |
| agent | work on all tickets |
| admin | what an agent may, and settings |
"""

import hashlib
import hmac
from datetime import datetime
from enum import StrEnum

from chalicelib.frozen import frozen

_PREFIX = "careline"


class Scope(StrEnum):
    PUBLISHABLE = "publishable"
    STOREFRONT = "storefront"
    AGENT = "agent"
    ADMIN = "admin"


@frozen
class ApiKey:
    """A key as it is stored: `digest` is the SHA-256 of the secret, which nobody keeps. `name` is shown to customers."""

    id: str
    scope: Scope
    digest: str
    created_at: datetime
    storefront: str | None = None
    name: str = ""
    email: str = ""
    revoked_at: datetime | None = None

    def opened_by(self, secret: str, now: datetime) -> bool:
        same = hmac.compare_digest(self.digest, digest(secret))
        return same and (self.revoked_at is None or self.revoked_at > now)


def written(scope: Scope, key_id: str, secret: str) -> str:
    """Return the token that a caller sends; the scope in it is for people, and is never believed."""
    return f"{_PREFIX}_{scope.value}_{key_id}_{secret}"


def taken_apart(token: str) -> tuple[str, str] | None:
    """Return (key id, secret) of a token, None when it has not the form of one."""
    parts = token.split("_")
    if len(parts) != 4 or parts[0] != _PREFIX or not parts[2] or not parts[3]:  # noqa: PLR2004 the form above
        return None
    return parts[2], parts[3]


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
