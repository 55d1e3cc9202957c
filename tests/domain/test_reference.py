"""
The public number of a ticket.
"""

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.reference import ALPHABET, check_character, compact, draw, parse
from tests.domain.build import number

NUMBER = number("7K3F9Q2MX")


def is_refused(text):
    try:
        parse(text)
    except NotFound:
        return True
    return False


def test_a_number_is_ten_characters_in_two_groups():
    assert NUMBER[:3] == "CL-"
    assert [len(group) for group in NUMBER.split("-")] == [2, 5, 5]


@pytest.mark.parametrize(
    ("digits", "check"), [("000000000", "0"), ("000000001", "Y"), ("7K3F9Q2MX", "E"), ("ZZZZZZZZZ", "9")]
)
def test_the_last_character_is_a_luhn_check_mod_32(digits, check):
    assert check_character(digits) == check


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        NUMBER.lower(),
        f"  {NUMBER}  ",
        NUMBER.replace("-", " "),
        NUMBER.replace("-", ""),
        NUMBER.removeprefix("CL-"),
        compact(NUMBER),
    ],
)
def test_a_number_is_read_kindly(text):
    assert parse(text) == NUMBER


def test_letters_that_look_like_digits_are_those_digits():
    looks = number("010101010")
    assert parse(looks.replace("0", "O").replace("1", "I")) == looks
    assert parse(looks.replace("0", "o").replace("1", "l")) == looks


@pytest.mark.parametrize(
    "text",
    ["", "CL-", "CL-7K3F9-Q2MX", f"{NUMBER}0", "CL-7K3F9-Q2MXU", "CL-7K3F9-Q2MXR", "CL-7K3F9-Q2M%E", "../../etc"],
)
def test_what_cannot_be_a_number_is_not_found(text):
    assert is_refused(text)


def test_every_single_wrong_character_is_found():
    digits = compact(NUMBER).upper()
    for place, right in enumerate(digits):
        for wrong in set(ALPHABET) - {right}:
            assert is_refused(digits[:place] + wrong + digits[place + 1 :])


def test_swapped_neighbours_are_found():
    digits = compact(NUMBER).upper()
    for place in range(9):
        swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
        assert is_refused(swapped)


def test_a_number_is_drawn_from_the_whole_alphabet():
    offered = []
    draw(lambda alphabet: offered.append(alphabet) or alphabet[0])
    assert offered == ["0123456789ABCDEFGHJKMNPQRSTVWXYZ"] * 9
