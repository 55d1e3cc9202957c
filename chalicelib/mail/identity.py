"""
Which mail a mail is: the same one twice has one identity, two mails with one Message-ID have two.
"""

import hashlib

from chalicelib.mail import headers, mime

# What the sender wrote; the trace headers that each delivery adds (RFC 5321 4.4) are left out.
_NAMED = ("from", "message-id", "date", "subject")


def identity(raw: bytes, storefront: str) -> str:
    """
    Return the SHA-256, in hex, of what makes *raw* this mail to *storefront*.

    Folded headers, line ends and blank lines at the end, which transports change on the way, make no difference.
    """
    mail = mime.unwrapped(raw)
    found, body_at = headers.split(mail, 0, len(mail))
    digest = hashlib.sha256()
    for value in (storefront, *(_values(found, name) for name in _NAMED)):
        _add(digest, value.encode("utf-8", "surrogatepass"))
    _add(digest, mail[body_at:].replace(b"\r\n", b"\n").replace(b"\r", b"\n").rstrip(b"\n"))
    return digest.hexdigest()


def _values(found: headers.Headers, name: str) -> str:
    return "\n".join(" ".join(value.split()) for value in found.all(name))


def _add(digest: "hashlib._Hash", value: bytes) -> None:
    """
    Add *value* with its length before it, so that no two lists of values look alike.
    """
    digest.update(len(value).to_bytes(8, "big"))
    digest.update(value)
