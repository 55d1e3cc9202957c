"""
An upgrade of a desk in use: what it took before and meanwhile is there afterwards, and the new code goes on with it.
"""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from itertools import count
from threading import Event, Thread

import pytest

from infra.demo import link
from infra.embedded.settings import ROOT, STAGE

pytestmark = pytest.mark.stack

# What `make deploy` reads of the checkout; libraries are there already.
DEPLOYED = ("app.py", "chalicelib", "templates", "infra", "requirements.txt", ".chalice")

DOOR = '''

@app.route("/release")
def release() -> dict[str, str]:
    import os

    return {"release": os.environ["RELEASE"]}
'''

# The next release, (file, after what, comes what): a door, a variable, and properties of what holds messages and files.
NEXT = (
    ("app.py", "    events.reconcile(event.to_dict())\n", DOOR),
    ("infra/resources.yaml", "        LOG_LEVEL: INFO\n", "        RELEASE: next\n"),
    ("infra/resources.yaml", "-IntakeQueue\n", "      MessageRetentionPeriod: 864000\n"),
    ("infra/data.yaml", "Prefix: uploads/, ExpirationInDays: 1", "0"),
)


def test_an_upgrade_loses_nothing(desk, tmp_path):
    opened = desk.call("POST", "/v1/tickets", order("uma@example.com")).json
    letter = desk.next_mail("uma@example.com")
    place = f"/v1/tickets/{opened['reference']}"
    before = desk.call("GET", place).json
    tree = copied(tmp_path / "tree")
    try:
        with in_use(desk) as taken:
            change(tree)
            deploy(desk, tree)
        assert desk.call("GET", "/release", key=None).json == {"release": "next"}
        assert seconds_kept(desk) == 864000
        assert desk.call("GET", place).json == before
        assert desk.call("GET", link(letter, "tickets"), key=None).status == 200
        reply = {"body": "It is on its way.", "status": "pending"}
        assert desk.call("POST", f"{place}/messages", reply, key="agent_key").status == 201
        assert "It is on its way." in desk.next_mail("uma@example.com", seen=1)["text"]
        check_there(desk, taken)
    finally:
        shutil.rmtree(tree)
        deploy(desk, copied(tree))
    assert desk.call("GET", "/release", key=None).status == 404
    assert desk.call("GET", place).json["status"] == "pending"


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


def change(tree):
    for file, after, comes in NEXT:
        path = tree / file
        text = path.read_text()
        assert text.count(after) == 1, f"{file} does not say {after!r} once"
        path.write_text(text.replace(after, after + comes))


def deploy(desk, tree):
    """Do what `make deploy STAGE=local` does, in *tree*."""
    aws = desk.run["aws"]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
    done = subprocess.run(
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
    """Have customers ask by HTTP and by queue all the while; yields who was told that he was heard: {address: number}."""
    taken, over = {}, Event()

    def ask():
        for number in count():
            by_http, by_queue = f"http{number}@example.com", f"queue{number}@example.com"
            with suppress(OSError):  # no answer: nothing was promised
                answer = desk.call("POST", "/v1/tickets", order(by_http))
                if answer.status == 201:
                    taken[by_http] = answer.json["reference"]
            desk.queue(order(by_queue, storefront="demo"))
            taken[by_queue] = None
            if over.wait(0.5):
                return

    asking = Thread(target=ask)
    asking.start()
    try:
        yield taken
    finally:
        over.set()
        asking.join()


def check_there(desk, taken):
    assert len([address for address, number in taken.items() if number]) >= 3
    for address, number in taken.items():
        assert desk.next_mail(address)
        assert number is None or desk.call("GET", f"/v1/tickets/{number}").status == 200


def seconds_kept(desk):
    answer = desk.aws("sqs").get_queue_attributes(
        QueueUrl=desk.run["aws"]["intake_queue_url"], AttributeNames=["MessageRetentionPeriod"]
    )
    return int(answer["Attributes"]["MessageRetentionPeriod"])
