"""
Eight ask a desk at once, by HTTP and by mail, and all that it said yes to is there. `make load` is the large one.
"""

import subprocess
import sys

import pytest

from infra.embedded.settings import ROOT
from tests.stack.conftest import environment

pytestmark = pytest.mark.stack


def test_all_that_a_busy_desk_said_yes_to_is_there(desk, home):
    asked = ["--at-once=8", "--requests=24", "--mails=20", f"--home={home}"]
    played = subprocess.run(  # noqa: S603 it is our own
        [sys.executable, "-m", "bench.load", *asked],
        cwd=ROOT, env=environment(home), capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    # 40 tickets, 24 replies, 24 ratings; 36 answers and 5 requests by mail
    assert played.returncode == 0, played.stdout + played.stderr
    assert "129 acknowledged, 129 found, 0 errors" in played.stdout
