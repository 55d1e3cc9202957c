"""
Addresses: which can be written to, and which nobody reads.
"""

import pytest

from chalicelib.domain.addresses import answers_nobody, is_sendable


@pytest.mark.parametrize(
    ("address", "nobody"),
    [
        ("noreply@shop.test", True),
        ("no-reply@shop.test", True),
        ("DoNotReply@shop.test", True),
        ("do_not_reply+7@shop.test", True),
        ("eva@noreply.test", False),
        ("norah@shop.test", False),
    ],
)
def test_nobody_reads_what_is_sent_to_a_noreply_address(address, nobody):
    assert answers_nobody(address) is nobody


@pytest.mark.parametrize(
    ("address", "sendable"),
    [
        ("eva@customer.test", True),
        ("eva.o'neil+shop_1@mail.customer.test", True),
        ("eva@münchen.test", True),
        (f"{'e' * 64}@customer.test", True),
        (f"{'e' * 65}@customer.test", False),
        ("jürgen@customer.test", False),
        ("eva@customer", False),
        ("eva@customer.test:25", False),
        ("eva@customer.test\u200b\\", False),
        (f"eva@{'c' * 64}.test", False),
        ("eva@@customer.test", False),
        (".eva@customer.test", False),
        ("eva @customer.test", False),
        ("eva@customer.test\n", False),
        ("", False),
    ],
)
def test_an_address_that_mail_can_be_sent_to(address, sendable):
    assert is_sendable(address) is sendable
