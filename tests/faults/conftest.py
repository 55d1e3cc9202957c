from collections.abc import Iterator

import pytest

from tests.faults.sky import Sky
from tests.faults.stage import Stage, raised


@pytest.fixture(scope="module")
def bare() -> Iterator[Stage]:
    """A desk where nothing has happened yet. Plays go on from copies of it."""
    with raised(Sky()) as stage:
        yield stage
