"""
The desk in process: moto for AWS, a clock that the test moves, ids in order. One world for each test.
"""

import os

from tests.environment import IN_PROCESS

os.environ |= IN_PROCESS
for _name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "CARELINE_HOME"):
    os.environ.pop(_name, None)

import pytest

from chalicelib.adapters import rows
from tests.world import World, running


@pytest.fixture
def world():
    with running() as fresh:
        yield fresh


@pytest.fixture
def nothing_yet(monkeypatch):
    """Have every read that need not be consistent find nothing."""
    get, get_many = rows.get, rows.get_many

    def at_once(key, *, consistent=True):
        return get(key) if consistent else None

    def many_at_once(keys, *, consistent=True):
        return get_many(keys) if consistent else {}

    monkeypatch.setattr(rows, "get", at_once)
    monkeypatch.setattr(rows, "get_many", many_at_once)


__all__ = ["World", "world"]
