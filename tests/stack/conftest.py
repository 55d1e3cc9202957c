"""
The whole desk, started once by `python -m infra run`, as `make run` starts it: on free ports, in a folder of its own.
"""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from infra.embedded.caller import Caller
from infra.embedded.settings import ROOT

READY_SECONDS = 180
PORTS = ("CARELINE_HTTP_PORT", "CARELINE_SMTP_PORT", "CARELINE_MAILBOX_PORT", "CARELINE_AWS_PORT")


def pytest_collection_modifyitems(items):
    """Keep what drives a whole desk in one worker, so that one desk is enough."""
    for item in items:
        if "stack" in item.path.parts:
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="session")
def desk(home):
    with running_desk(home) as caller:
        yield caller


@contextmanager
def running_desk(home):
    """Run a desk in *home* until the `with` is left."""
    with (home / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra", "run"],
            cwd=ROOT,
            env=environment(home),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Caller(ready(process, home))
    finally:
        process.terminate()
        process.wait(120)


def environment(home):
    """
    Any free ports, and nothing of what this process believes of AWS.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
    return own | {"CARELINE_HOME": str(home)} | dict.fromkeys(PORTS, "0")


def ready(process, home):
    """
    What run.json says, once the desk is ready.
    """
    deadline = time.monotonic() + READY_SECONDS
    while not (home / "run.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"the desk did not start:\n{(home / 'run.log').read_text()}", pytrace=False)
        time.sleep(0.1)
    return json.loads((home / "run.json").read_text())
