"""
AWS in one process: ministack, loopback only, IAM enforced, its state kept in a folder.

It saves its state only when it is stopped in order. So it runs in a session of its own, where a Ctrl-C in the
terminal does not reach it, and stops by itself, in order, when the process that started it is gone.
"""

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from threading import Thread

import boto3

from infra.aws import Session, Trouble
from infra.embedded.settings import HOST, ROOT

REGION = "us-east-1"
ACCESS_KEY_ID = SECRET_ACCESS_KEY = "careline"  # noqa: S105 - of nobody: it is one process, on loopback
READY_SECONDS = 60
STOP_SECONDS = 60
LOOK_AT_STREAMS_SECONDS = 0.05


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


def _read_conditions_once() -> None:
    """
    Have an expression read once, and not again for each item that a query looks at: thousands, where many are due.
    """
    from ministack.services import dynamodb

    tokens = lru_cache(dynamodb._tokenize)  # noqa: SLF001 there is no setting for it
    dynamodb._tokenize = lambda expression: list(tokens(expression))  # noqa: SLF001
    dynamodb._condition_syntax_error = lru_cache(dynamodb._condition_syntax_error)  # noqa: SLF001


def _read_streams_beside_the_queues() -> None:
    """
    Have a thread of its own hand streams to functions, so that queues need not wait for it, as on AWS.

    ministack does both in turns on one thread, and waits for a function that reads a stream: meanwhile no mail comes in.
    """
    from ministack.services import lambda_svc

    read, log = lambda_svc._poll_dynamodb_streams, logging.getLogger(__name__)  # noqa: SLF001 - there is no setting for it
    lambda_svc._poll_dynamodb_streams = lambda: False  # noqa: SLF001

    def keep_reading() -> None:
        while True:
            try:
                found = read()
            except Exception:
                log.exception("The streams cannot be read just now.")
                found = False
            if not found:
                time.sleep(LOOK_AT_STREAMS_SECONDS)

    Thread(target=keep_reading, daemon=True).start()


def main() -> None:
    from ministack.app import main as serve

    _read_conditions_once()
    Thread(target=_stop_with_the_starter, daemon=True).start()
    _read_streams_beside_the_queues()
    serve()


if __name__ == "__main__":
    main()
