"""
E-mail addresses: which ones can be written to, and which nobody reads.
"""

import re

_SENDABLE = re.compile(r"[!#-'*+/-9=?A-Z^-~-]+(?:\.[!#-'*+/-9=?A-Z^-~-]+)*@[^\s@.]+(?:\.[^\s@.]+)+\Z")
_HOST = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+")
_NOREPLY = re.compile(r"(?:no|do[-_.]?not)[-_.]?reply", re.IGNORECASE)
_LONGEST_LOCAL_PART = 64


def is_sendable(address: str) -> bool:
    """
    Tell whether SES can send to an address: an ASCII local part of at most 64 octets (RFC 5321 4.5.3.1.1), and a host's name.
    """
    local, _, domain = address.partition("@")
    return bool(_SENDABLE.match(address)) and len(local) <= _LONGEST_LOCAL_PART and _is_host(domain)


def _is_host(domain: str) -> bool:
    try:
        return bool(_HOST.fullmatch(domain.encode("idna").decode("ascii")))
    except UnicodeError:
        return False


def answers_nobody(address: str) -> bool:
    """Tell whether nobody reads what is sent to an address, by its name."""
    return bool(_NOREPLY.search(address.partition("@")[0]))


def mailbox(address: str) -> str:
    """Return the address without what follows a + in it: mail to all of those arrives in one place."""
    local, at, domain = address.partition("@")
    return f"{local.partition('+')[0] or local}{at}{domain}"


def counts_for(address: str, *, verified: bool) -> str:
    """Return whose budgets count: who only says that he is someone names a mailbox, and may put after a + what he likes."""
    return address if verified else mailbox(address)
