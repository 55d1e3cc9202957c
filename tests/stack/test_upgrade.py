"""
An upgrade of a desk in use: what it took before and meanwhile is there afterwards, and the new code goes on with it.
"""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from http import HTTPStatus
from itertools import count
from threading import Event, Thread

import pytest

from infra.demo.stage import link
from infra.embedded.caller import Caller
from infra.embedded.settings import ROOT, STAGE
from tests.stack.conftest import ready
from tests.stack.test_run import start, stopped

pytestmark = pytest.mark.stack

# What `make deploy` reads of the checkout; libraries are there already.
DEPLOYED = ("app.py", "chalicelib", "templates", "infra", "requirements.txt", ".chalice")

DOOR = """

@app.route("/release")
def release() -> dict[str, str]:
    import os

    return {"release": os.environ["RELEASE"]}
"""

# The next release, (file, after what, comes what): a door, a variable, and properties of what holds messages and files.
NEXT = (
    ("app.py", "    events.reconcile(event.to_dict())\n", DOOR),
    ("infra/resources.yaml", "        LOG_LEVEL: INFO\n", "        RELEASE: next\n"),
    ("infra/resources.yaml", "-IntakeQueue\n", "      MessageRetentionPeriod: 864000\n"),
    ("infra/data.yaml", "Prefix: uploads/, ExpirationInDays: 1", "0"),
)


@pytest.fixture
def desk(tmp_path):
    """A desk of its own: the embedded AWS ends what a function is at when its code changes, and queues wait minutes then."""
    home = tmp_path / "home"
    home.mkdir()
    process = start(home)
    yield Caller(ready(process, home))
    stopped(process)


def test_an_upgrade_loses_nothing(desk, tmp_path):
    opened = desk.call("POST", "/v1/tickets", order("uma@example.com")).json
    letter = desk.next_mail("uma@example.com")
    place = f"/v1/tickets/{opened['reference']}"
    before = desk.call("GET", place).json

    next_release = changed(copied(tmp_path / "tree"))
    with in_use(desk) as asked:
        deploy(desk, next_release)
    assert desk.call("GET", "/release", key=None).json == {"release": "next"}
    assert of_intake_queue(desk, "MessageRetentionPeriod") == 864000

    assert desk.call("GET", place).json == before
    assert desk.call("GET", link(letter, "tickets"), key=None).status == 200
    reply = {"body": "It is on its way.", "status": "pending"}
    assert desk.call("POST", f"{place}/messages", reply, key="agent_key").status == 201
    assert "It is on its way." in desk.next_mail("uma@example.com", seen=1)["text"]
    check_heard(desk, asked)


def order(email, **more):
    return {"customer": {"email": email}, "subject": "Parcel", "body": "Where is it?", **more}


def copied(tree):
    """Copy what is deployed, so that the checkout stays as it is."""
    for name in DEPLOYED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__", "appcode-*"))
        else:
            tree.mkdir(exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    return tree


def changed(tree):
    for file, after, comes in NEXT:
        path = tree / file
        text = path.read_text()
        assert text.count(after) == 1, f"{file} does not say {after!r} once"
        path.write_text(text.replace(after, after + comes))
    return tree


def deploy(desk, tree):
    """Do what `make deploy STAGE=local` does, in *tree*."""
    aws = desk.run["aws"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "infra", "deploy", "--stage", STAGE],
        cwd=tree,
        env=own
        | {
            "AWS_ENDPOINT_URL": aws["endpoint"],
            "AWS_DEFAULT_REGION": aws["region"],
            "AWS_ACCESS_KEY_ID": aws["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": aws["secret_access_key"],
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "careline-local-desk: updating" in done.stdout


@contextmanager
def in_use(desk):
    """Have customers ask all the while. Yields {address: number}, of all who were promised to be heard; None by queue."""
    asked, over = {}, Event()

    def ask():
        for number in count():
            by_http, by_queue = f"http{number}@example.com", f"queue{number}@example.com"
            with suppress(OSError):  # no answer, no promise
                answer = desk.call("POST", "/v1/tickets", order(by_http))
                if answer.status == HTTPStatus.CREATED:
                    asked[by_http] = answer.json["reference"]
            desk.queue(order(by_queue, storefront="demo"))
            asked[by_queue] = None
            if over.wait(2):
                return

    asking = Thread(target=ask)
    asking.start()
    try:
        yield asked
    finally:
        over.set()
        asking.join()


def check_heard(desk, asked):
    """Who asked by HTTP has his ticket, and an answer that went or goes out; who asked by queue has one, or waits there."""
    by_queue = [address for address, number in asked.items() if number is None]
    assert len(by_queue) < len(asked)
    for address, number in asked.items():
        if number:
            assert [ticket["reference"] for ticket in tickets_of(desk, address)] == [number]
            said = desk.call("GET", f"/v1/tickets/{number}/messages").json["items"]
            assert [message["author"]["role"] for message in said] == ["customer", "system"]
    waiting = sum(of_intake_queue(desk, f"ApproximateNumberOfMessages{hidden}") for hidden in ("", "NotVisible"))
    unheard = [address for address in by_queue if not tickets_of(desk, address)]
    assert len(unheard) <= waiting
    assert desk.dead_letters() == []


def tickets_of(desk, address):
    return desk.call("GET", f"/v1/tickets?customer={address}").json["items"]


def of_intake_queue(desk, name):
    sqs, url = desk.aws("sqs"), desk.run["aws"]["intake_queue_url"]
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
