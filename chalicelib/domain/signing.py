"""
Signed addresses and links: derived, not random, so that a second attempt to send a mail builds the same bytes.

Each is bound to its purpose, the ticket, the recipient and the ticket's epoch (raise it, and all that was given out
is void), by HMAC-SHA256 under a named key, so that keys can be rotated.

| what | looks like |
|---|---|
| reply address, of a customer or of an agent | `support+7k3f9q2mxr.9qw4e7ta.0a.<mac>@shop.test` |
| thread id | `<7k3f9q2mxr.0a.<mac>@shop.test>` |
| link token | `7k3f9q2mxr.9qw4e7ta.3.0a.<mac>`, where 3 is the survey's cycle (0 for the ticket's page) |

All are lower case, read without regard to case, and at most 64 octets before the @ (RFC 5321 4.5.3.1.1).
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from enum import StrEnum

from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import ALPHABET, Reference, compact, parse
from chalicelib.frozen import frozen

_MAC_CHARACTERS = 20
_RECIPIENT_CHARACTERS = 8
_PART = re.compile(r"[0-9a-z]{1,32}\Z")
_REPLY_TAG = re.compile(r"[0-9a-z]{10}\.[0-9a-z]{8}\.\d{1,10}[0-9a-z]\.[0-9a-z]{20}\Z", re.IGNORECASE)


class Purpose(StrEnum):
    REPLY = "reply"
    THREAD = "thread"
    PAGE = "page"
    SURVEY = "survey"
    OPT_OUT = "opt_out"
    AGENT = "agent"
    NOTE = "note"


@frozen
class KeyRing:
    """Signing secrets by key id (one lower-case letter or digit); `current` signs, the others still verify."""

    current: str
    secrets: Mapping[str, bytes]

    def mac(self, key_id: str, *parts: str) -> str:
        digest = hmac.digest(self.secrets[key_id], "\0".join(parts).encode(), hashlib.sha256)
        return _base32(digest, _MAC_CHARACTERS)


@frozen
class Claim:
    """What a signature that held vouches for. Compare `epoch` and `recipient` with the ticket."""

    reference: Reference
    epoch: int
    recipient: str = ""
    cycle: int = 0


def recipient_digest(address: str) -> str:
    return _base32(hashlib.sha256(address.strip().casefold().encode()).digest(), _RECIPIENT_CHARACTERS)


def reply_address(
    keys: KeyRing, support: str, reference: Reference, recipient: str, epoch: int, purpose: Purpose = Purpose.REPLY
) -> str:
    """Return where a recipient writes to; what an agent is given (AGENT, NOTE) is no customer's address, nor the other way about."""
    local, _, domain = support.partition("@")
    tag = _signed(keys, purpose, compact(reference), recipient_digest(recipient), epoch=epoch)
    return f"{local}+{tag}@{domain}"


def read_reply_address(keys: KeyRing, address: str, purpose: Purpose = Purpose.REPLY) -> Claim | None:
    """Read a recipient's address; None unless its tag is signed by us for *purpose*. A tampered signature is no match."""
    return _read(keys, purpose, _tag(address), with_recipient=True)


def resembles_reply_address(address: str) -> bool:
    """Tell whether an address has the form of ours, whether or not its signature holds."""
    return _REPLY_TAG.match(_tag(address)) is not None


def thread_id(keys: KeyRing, support: str, reference: Reference, epoch: int) -> str:
    """Return our own Message-ID of a ticket's thread, without brackets; SES replaces ours, so it lives in References."""
    return f"{_signed(keys, Purpose.THREAD, compact(reference), epoch=epoch)}@{support.partition('@')[2]}"


def read_thread_id(keys: KeyRing, message_id: str) -> Claim | None:
    return _read(keys, Purpose.THREAD, message_id.partition("@")[0], with_recipient=False)


def link_token(
    keys: KeyRing, purpose: Purpose, reference: Reference, recipient: str, epoch: int, cycle: int = 0
) -> str:
    return _signed(keys, purpose, compact(reference), recipient_digest(recipient), str(cycle), epoch=epoch)


def read_link_token(keys: KeyRing, purpose: Purpose, token: str) -> Claim:
    """
    Read the token of a link.

    Raises:
        NotFound: It was not signed by us, or for another purpose. Callers say no more than that.
    """
    claim = _read(keys, purpose, token, with_recipient=True, with_cycle=True)
    if claim is None:
        raise NotFound("page")
    return claim


def _tag(address: str) -> str:
    return address.partition("@")[0].partition("+")[2]


def _signed(keys: KeyRing, purpose: Purpose, *parts: str, epoch: int) -> str:
    stamped = (*parts, f"{epoch}{keys.current}")
    return ".".join((*stamped, keys.mac(keys.current, purpose, *stamped)))


def _read(
    keys: KeyRing, purpose: Purpose, text: str, *, with_recipient: bool, with_cycle: bool = False
) -> Claim | None:
    parts = text.lower().split(".")
    if len(parts) != 3 + with_recipient + with_cycle or not all(_PART.match(part) for part in parts):
        return None
    *stamped, mac = parts
    epoch, key_id = stamped[-1][:-1], stamped[-1][-1]
    if key_id not in keys.secrets or not epoch.isdecimal():
        return None
    if not hmac.compare_digest(mac, keys.mac(key_id, purpose, *stamped)):
        return None
    try:
        reference = parse(stamped[0])
    except NotFound:
        return None
    recipient = stamped[1] if with_recipient else ""
    return Claim(reference, int(epoch), recipient, int(stamped[2]) if with_cycle else 0)


def _base32(digest: bytes, characters: int) -> str:
    number = int.from_bytes(digest, "big")
    return "".join(ALPHABET[number >> (5 * place) & 31] for place in range(characters)).lower()
