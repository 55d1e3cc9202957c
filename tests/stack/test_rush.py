"""
A rush on the embedded AWS: two sweeps at a time, workers killed, and each ticket does its part once. `make rush` is the large one.
"""

import json
import subprocess
import sys

import pytest

from infra.embedded.settings import ROOT
from tests.stack.conftest import environment

pytestmark = pytest.mark.stack


def test_each_ticket_of_a_rush_does_its_part_once(tmp_path):
    out = tmp_path / "rush.json"
    asked = ["--tickets=400", "--workers=4", "--shards=1", "--kill-every=2", "--sweep-every=3", f"--json={out}"]
    played = subprocess.run(  # noqa: S603 it is our own
        [sys.executable, "-m", "bench.rush", *asked],
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert played.returncode == 0, played.stdout + played.stderr
    told = json.loads(out.read_text())
    assert told["wrong"] == []
    assert told["killed"] > 0
