"""
The desk in process: moto for AWS, a clock that the test moves, ids in order. One world for each test.
"""

import os

from tests.environment import IN_PROCESS

os.environ |= IN_PROCESS
for _name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "CARELINE_HOME"):
    os.environ.pop(_name, None)

import pytest

from tests.world import World, running


@pytest.fixture
def world():
    with running() as fresh:
        yield fresh


__all__ = ["World", "world"]
