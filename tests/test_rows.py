"""
How a document lies in its item: as it is, or deflated where it would cost another KB.
"""

import pytest

from chalicelib.adapters import keys, rows
from chalicelib.adapters.rows import Row

KEY = keys.event("CL-1", "1")
SHORT = {"why": "It is short."}
LONG = {"why": "He asked for a supervisor, and said why. " * 40 + "Größe"}


def stored(world):
    (item,) = (item for item in world.items() if item["pk"]["S"] == KEY.pk)
    return item


@pytest.mark.parametrize(("value", "where"), [(SHORT, "data"), (LONG, "packed")])
def test_a_document_comes_back_as_it_was(world, value, where):
    rows.row(KEY, value).save()
    assert rows.value(dict, rows.get(KEY)) == value
    assert [name for name in stored(world) if name in ("data", "packed")] == [where]


def test_what_is_deflated_costs_less(world):
    rows.row(KEY, LONG).save()
    assert len(rows.get(KEY).packed) * 10 < len(LONG["why"])


@pytest.mark.parametrize(("before", "after", "where"), [(SHORT, LONG, "packed"), (LONG, SHORT, "data")])
def test_an_update_leaves_one_document(world, before, after, where):
    rows.row(KEY, before).save()
    Row(*KEY).update(rows.setting(after))
    assert rows.value(dict, rows.get(KEY)) == after
    assert [name for name in stored(world) if name in ("data", "packed")] == [where]


@pytest.mark.parametrize("value", [SHORT, LONG])
def test_half_a_character_is_stored_as_a_question_mark(world, value):
    rows.row(KEY, value | {"name": "Eva \ud800"}).save()
    assert rows.value(dict, rows.get(KEY)) == value | {"name": "Eva ?"}
