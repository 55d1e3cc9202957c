"""
Ids that sort by time (ULID: 48 bits of milliseconds, 80 of chance), and choices that nobody can guess.
"""

import secrets
import threading
import time

from chalicelib.domain.reference import ALPHABET

_CHANCE_BITS = 80
_CHARACTERS = 26
_lock = threading.Lock()
_last = 0


def new_id() -> str:
    """Return a new ULID, later in order than any that this process made before."""
    global _last  # noqa: PLW0603 two ids of one millisecond keep their order
    with _lock:
        fresh = (time.time_ns() // 1_000_000) << _CHANCE_BITS | secrets.randbits(_CHANCE_BITS)
        _last = max(fresh, _last + 1)
        number = _last
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in reversed(range(_CHARACTERS)))


def choose(alphabet: str) -> str:
    return secrets.choice(alphabet)
