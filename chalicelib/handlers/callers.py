"""
Who calls, and what he may. A key that is wrong in any way gets one and the same answer.
"""

import time
from collections import defaultdict, deque
from collections.abc import Mapping

from chalicelib.domain import access
from chalicelib.domain.access import Scope
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ticket import Author, Role, Ticket
from chalicelib.frozen import frozen
from chalicelib.handlers.problems import Problem
from chalicelib.wiring import Desk

REQUESTS_A_MINUTE = 200
_calls: dict[str, deque[float]] = defaultdict(deque)


@frozen
class Caller:
    key_id: str
    scope: Scope
    storefront: str | None
    name: str
    email: str

    @property
    def is_agent(self) -> bool:
        return self.scope in (Scope.AGENT, Scope.ADMIN)

    @property
    def agent_id(self) -> str:
        """How an agent is named as an assignee: by his address, else by his key."""
        return self.email or self.key_id

    @property
    def author(self) -> Author:
        return Author(Role.AGENT if self.is_agent else Role.CUSTOMER, self.name, self.email)

    def check_sees(self, ticket: Ticket) -> None:
        """A foreign ticket does not exist for a storefront."""
        if not self.is_agent and ticket.storefront != self.storefront:
            raise NotFound("ticket")


def caller(desk: Desk, headers: Mapping[str, str], scopes: frozenset[Scope]) -> Caller:
    """
    Return who calls.

    Raises:
        Problem: 401 without a good key, 403 when its scope does not suffice, 429 over 200 requests a minute.
    """
    kind, _, token = headers.get("authorization", "").partition(" ")
    parts = access.taken_apart(token.strip()) if kind.lower() == "bearer" else None
    key = desk.house.api_key(parts[0]) if parts else None
    if not parts or key is None or not key.opened_by(parts[1], desk.clock()):
        told = {"WWW-Authenticate": 'Bearer realm="careline"'}
        raise Problem(401, "Send a valid API key: Authorization: Bearer <key>.", told)
    if key.scope not in scopes:
        raise Problem(403, f"A key of scope {key.scope.value} may not do this.")
    _check_rate(key.id)
    return Caller(key.id, key.scope, key.storefront, key.name, key.email)


def _check_rate(key_id: str) -> None:
    """Best effort, in this process: the gateway's throttling is the wall, this is the fence before it."""
    now, recent = time.monotonic(), _calls[key_id]
    while recent and recent[0] <= now - 60:
        recent.popleft()
    if len(recent) >= REQUESTS_A_MINUTE:
        wait = int(recent[0] + 60 - now) + 1
        raise Problem(429, f"More than {REQUESTS_A_MINUTE} requests a minute.", {"Retry-After": str(wait)})
    recent.append(now)
