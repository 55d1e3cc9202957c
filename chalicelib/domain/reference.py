"""
The public number of a ticket: short, unguessable and typo-proof.

    CL-7K3F9-Q2MXR    ten Crockford base-32 characters, the last one a Luhn mod 32 check character
"""

from collections.abc import Callable
from typing import NewType

from chalicelib.domain.errors import NotFound

Reference = NewType("Reference", str)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUE = {character: value for value, character in enumerate(ALPHABET)}
_KINDLY = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
_DIGITS = 10


def draw(choose: Callable[[str], str]) -> Reference:
    """Draw a new number; *choose* picks one character of an alphabet, and must not be guessable."""
    digits = "".join(choose(ALPHABET) for _ in range(_DIGITS - 1))
    return _written(digits + check_character(digits))


def parse(text: str) -> Reference:
    """
    Read a number as people write it: lower case, spaces, O for 0, I and L for 1.

    Raises:
        NotFound: It cannot be a number. Callers answer as for a number that does not exist.
    """
    digits = text.strip().upper().removeprefix("CL").translate(_KINDLY)
    if len(digits) != _DIGITS or not set(digits) <= _VALUE.keys() or check_character(digits[:-1]) != digits[-1]:
        raise NotFound("ticket")
    return _written(digits)


def check_character(digits: str) -> str:
    """Return the Luhn mod 32 check character: any single wrong character and most swaps are found."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = _VALUE[digit] * (2 - place % 2)
        total += value // len(ALPHABET) + value % len(ALPHABET)
    return ALPHABET[-total % len(ALPHABET)]


def compact(reference: Reference) -> str:
    """Return the ten characters alone, in lower case, as addresses and links carry them."""
    return reference.removeprefix("CL-").replace("-", "").lower()


def _written(digits: str) -> Reference:
    return Reference(f"CL-{digits[:5]}-{digits[5:]}")
