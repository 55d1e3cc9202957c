"""
E-mail addresses: which ones can be written to, and which nobody reads.
"""

import re

_SENDABLE = re.compile(r"[!#-'*+/-9=?A-Z^-~-]+(?:\.[!#-'*+/-9=?A-Z^-~-]+)*@[^\s@.]+(?:\.[^\s@.]+)+\Z")
_NOREPLY = re.compile(r"(?:no|do[-_.]?not)[-_.]?reply", re.IGNORECASE)
_LONGEST_LOCAL_PART = 64


def is_sendable(address: str) -> bool:
    """Tell whether SES can send to an address: an ASCII local part of at most 64 octets (RFC 5321 4.5.3.1.1)."""
    return bool(_SENDABLE.match(address)) and len(address.partition("@")[0]) <= _LONGEST_LOCAL_PART


def answers_nobody(address: str) -> bool:
    """Tell whether nobody reads what is sent to an address, by its name."""
    return bool(_NOREPLY.search(address.partition("@")[0]))
