"""
`make run` itself: how it starts, how it stops, and what is there the next time.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from infra.embedded.caller import Caller, eventually
from infra.embedded.settings import ROOT
from tests.stack.conftest import environment, ready

pytestmark = pytest.mark.stack


def start(home, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "infra", "run"],
        cwd=ROOT,
        env=environment(home) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def stopped(process, by=signal.SIGINT):
    """
    What a run has said, after a Ctrl-C, which reaches all of its group.
    """
    os.killpg(process.pid, by)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


def test_a_second_run_finds_what_the_first_had_and_nothing_runs_in_between(tmp_path):
    process = start(tmp_path)
    first = Caller(ready(process, tmp_path))
    ticket = {"customer": {"email": "ada@example.com"}, "subject": "Parcel", "body": "Where is it?"}
    opened = first.call("POST", "/v1/tickets", ticket).json
    letter = first.next_mail("ada@example.com")
    stopped(process)
    assert not (tmp_path / "run.json").exists()
    # An AWS that was being started at that moment sees that its starter is gone as soon as it can look.
    assert eventually(lambda: not [pid for pid in processes() if str(tmp_path) in pid], 60)

    process = start(tmp_path)
    second = Caller(ready(process, tmp_path))
    assert second.run["agent_key"] == first.run["agent_key"]
    assert second.call("GET", f"/v1/tickets/{opened['reference']}").json["subject"] == "Parcel"
    assert [mail["id"] for mail in second.mails("ada@example.com")] == [letter["id"]]
    second.call("POST", "/v1/tickets", ticket)
    assert second.next_mail("ada@example.com", seen=1)
    assert "curl -s" in stopped(process, by=signal.SIGTERM)


def processes():
    """
    The environments of the processes that can be looked at: those of a desk name its folder.
    """
    for known in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            yield known.read_text(errors="replace")


def test_a_port_that_is_taken_is_named_and_nothing_is_started(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        process = start(tmp_path, CARELINE_MAILBOX_PORT=port)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} (the mailbox) is taken" in said
    assert "CARELINE_MAILBOX_PORT=" in said
    assert not (tmp_path / "state").exists()


def test_a_run_that_is_stopped_while_it_starts_leaves_nothing(tmp_path):
    process = start(tmp_path)
    assert "Starting" in process.stdout.readline()
    stopped(process)
    assert not (tmp_path / "run.json").exists()
    # An AWS that was being started at that moment sees that its starter is gone as soon as it can look.
    assert eventually(lambda: not [pid for pid in processes() if str(tmp_path) in pid], 60)


def test_what_runs_is_written_for_scripts(desk):
    assert set(desk.run) == {
        *("url", "smtp", "mailbox", "support_address", "storefronts", "aws"),
        *("storefront_key", "other_storefront_key", "publishable_key", "agent_key", "admin_key"),
    }
    assert set(desk.run["aws"]) == {
        *("endpoint", "region", "access_key_id", "secret_access_key"),
        *("table", "intake_queue_url", "intake_dead_letter_url", "escalation_topic"),
    }
    assert desk.run["storefronts"] == ["demo", "other"]
    assert json.loads(desk.call("GET", "/health", key=None).body)["status"] == "ok"


def test_the_front_door_is_what_an_http_api_is_on_aws(desk):
    """Preflights come to the function, what is not there is told by it, and nobody else is let in from elsewhere."""
    asked = desk.call("OPTIONS", "/v1/uploads", key=None, headers={"Origin": "https://shop.test"})
    assert (asked.status, asked.headers["Access-Control-Allow-Methods"]) == (204, "POST")
    assert desk.call("HEAD", "/health", key=None).status == 200
    assert (
        desk.call("GET", "/v1/customers/a%2Fb%2541%40example.com", key="agent_key")
        .json["instance"]
        .endswith("/a%2Fb%2541@example.com")
    )
    for method, path in (("OPTIONS", "/v1/macros"), ("PUT", "/v1/tickets"), ("GET", "/nowhere")):
        nothing = desk.call(method, path, key=None)
        assert nothing.json["detail"] == "There is nothing at this address."
        assert "Access-Control-Allow-Origin" not in nothing.headers
