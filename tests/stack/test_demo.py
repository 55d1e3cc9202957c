"""
The points of the demo, on a desk of its own.
"""

import pytest

from infra.demo import POINTS, Demo

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("point", [point for _, point in POINTS], ids=[title for title, _ in POINTS])
def test_the_desk_does_what_the_demo_shows(desk, point):
    demo = Demo(desk)
    point(demo)  # a Surprise is a promise that was not kept
    assert demo.kept
