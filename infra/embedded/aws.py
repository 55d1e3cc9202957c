"""
AWS in one process: ministack, loopback only, IAM enforced, its state kept in a folder.

It saves its state only when it is stopped in order. So it runs in a session of its own, where a Ctrl-C in the
terminal does not reach it, and stops by itself, in order, when the process that started it is gone.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread

import boto3

from infra.aws import Session, Trouble
from infra.embedded import pace
from infra.embedded.settings import HOST, ROOT

REGION = "us-east-1"
ACCESS_KEY_ID = SECRET_ACCESS_KEY = "careline"  # noqa: S105 - of nobody: it is one process, on loopback
READY_SECONDS = 60
STOP_SECONDS = 60


def environment(port: int) -> dict[str, str]:
    """
    Return what a program needs to take the embedded AWS for AWS, and no other account by mistake.
    """
    return {
        "AWS_ENDPOINT_URL": f"http://{HOST}:{port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
    }


def session(port: int) -> Session:
    """
    Return the way into the embedded AWS, as its owner.
    """
    boto = boto3.Session(ACCESS_KEY_ID, SECRET_ACCESS_KEY, region_name=REGION)
    return Session(boto, f"http://{HOST}:{port}")


@contextmanager
def embedded_aws(home: Path, port: int, relay: str) -> Iterator[None]:
    """
    Run the embedded AWS until the `with` is left.

    Args:
        home: Its state goes to `state`, what it says to `aws.log`.
        port: On 127.0.0.1, free.
        relay: Host and port of the SMTP listener that takes what SES sends.

    Raises:
        Trouble: It did not answer within a minute.
    """
    log = home / "aws.log"
    scratch = home / "tmp"
    scratch.mkdir(parents=True, exist_ok=True)
    _move(home / "state", port)
    _rewind_streams(home / "state/lambda.json")
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "infra.embedded.aws"],
            cwd=ROOT,
            env=_own_environment(home, port, relay) | {"TMPDIR": str(scratch)},
            stdin=subprocess.PIPE,
            stdout=lines,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, log)
        yield
    finally:
        _stop(process)
        shutil.rmtree(scratch, ignore_errors=True)


def _move(state: Path, port: int) -> None:
    """
    Give what is kept the port of today: queues are known by their address, and would not be found at another.
    """
    state.mkdir(exist_ok=True)
    known = state / "port"
    before = known.read_text() if known.exists() else str(port)
    if before != str(port):
        for kept in state.glob("*.json"):
            kept.write_text(kept.read_text().replace(f"{HOST}:{before}", f"{HOST}:{port}"))
    known.write_text(str(port))


def _rewind_streams(kept: Path) -> None:
    """
    Have functions read a table's stream from its start.

    What is kept says how far they had read, but a stream itself is not kept: its first records would be passed over.
    """
    if kept.exists():
        state = json.loads(kept.read_text())
        positions = state["payload"]["dynamodb_stream_positions"]["data"]
        positions.update(dict.fromkeys(positions, 0))
        kept.write_text(json.dumps(state))


def _own_environment(home: Path, port: int, relay: str) -> dict[str, str]:
    """
    Nothing of the caller's environment but what any program needs: functions inherit it.
    """
    state = home / "state"
    usual = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
    return {
        **usual,
        **environment(port),
        "AUTH": "true",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "MINISTACK_REGION": REGION,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(state / "s3"),
        "SMTP_HOST": relay,
        "LOG_LEVEL": "WARNING",
        # It would look for containers to remove, and open ports for services that nobody uses here.
        "DOCKER_HOST": f"unix://{home / 'no-docker'}",
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
    }


def _wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/_ministack/ready", timeout=5):
            return
        time.sleep(0.05)
    raise Trouble(f"The embedded AWS did not start. The reason is at the end of {log}.")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print("The embedded AWS did not stop in order: what it did since its start is lost.", file=sys.stderr)
    finally:
        if process.stdin:
            process.stdin.close()


def _stop_with_the_starter() -> None:
    """
    The other end of standard input closes when the process that started us ends, however it ends.
    """
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    from ministack.app import main as serve

    Thread(target=_stop_with_the_starter, daemon=True).start()
    pace.quicken()
    serve()


if __name__ == "__main__":
    main()
