"""
20,000 of the broken mails that `make fuzz` reads a million of.
"""

import pytest

from chalicelib.mail import reader

from .fuzz import BATCH, PIECES, batch, mutated, trouble
from .samples import ALL, REPLY

MAILS = 20_000


@pytest.mark.parametrize("part", range(4))
def test_broken_mails_are_read(part):
    firsts = range(part * MAILS // 4, (part + 1) * MAILS // 4, BATCH)
    assert [found for first in firsts for found in batch(7, first, own_only=True)] == []


def test_the_same_seed_and_number_make_the_same_mail():
    assert mutated(1, 2, ALL) == mutated(1, 2, ALL)
    assert len({mutated(1, number, ALL) for number in range(100)}) > 90
    assert len(set(PIECES)) == len(PIECES)


@pytest.mark.parametrize(
    ("worse", "said"),
    [
        ({"text": ""}, "words are lost"),
        ({"subject": "\ud800"}, "what cannot be stored"),
        ({"subject": "\0"}, "what cannot be stored"),
    ],
)
def test_trouble_is_seen(monkeypatch, worse, said):
    from dataclasses import replace

    real = reader._read
    monkeypatch.setattr(reader, "_read", lambda raw, own: replace(real(raw, own), **worse))
    assert trouble(REPLY) == said


def test_an_exception_is_trouble(monkeypatch):
    monkeypatch.setattr(reader, "_read", lambda *_: 1 / 0)
    assert trouble(REPLY) == "ZeroDivisionError: division by zero"
