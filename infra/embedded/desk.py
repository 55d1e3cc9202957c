"""
A desk on this machine, from its first port to its last: `make run`, and the tests of the whole stack.

Doors are held first, so that a port that is taken is known before anything is started; they are opened last.
The relay is up before the embedded AWS and after it: what AWS had still to send is sent as soon as it is there.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from infra import stage
from infra.aws import Session, Trouble
from infra.embedded import aws
from infra.embedded.front_door import Api, FrontDoor
from infra.embedded.inbound import Inbound, Target
from infra.embedded.mailbox import Escalations, Mailbox, MailboxDoor, Mails
from infra.embedded.outbound import Outbound
from infra.embedded.servers import http, smtp
from infra.embedded.settings import (
    ROOT,
    STAGE,
    SUPPORT,
    Door,
    Settings,
    address,
    alone_in,
    listening,
    write_secret,
)

FRESH_SECONDS = 5.0

Say = Callable[[str], None]


class Names:
    """
    What the stacks made, by the names of their outputs, looked up again every few seconds: a deploy may change them.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: dict[str, str] = {}
        self._known_at = 0.0
        self._lock = Lock()

    def find(self, name: str, *, fresh: bool = False) -> str:
        """
        Raises:
            LookupError: There is no such output, or no answer.
        """
        with self._lock:
            if fresh or time.monotonic() - self._known_at > FRESH_SECONDS:
                try:
                    self._known = dict(stage.outputs(STAGE, self._session))
                except (Trouble, BotoCoreError, ClientError) as error:
                    raise LookupError(name) from error
                self._known_at = time.monotonic()
            return self._known[name]


@contextmanager
def running(settings: Settings, say: Say = print) -> Iterator[dict[str, Any]]:
    """
    Run a desk until the `with` is left, and yield what its run.json says.

    Args:
        settings: Where it lives.
        say: Takes each line of progress.

    Raises:
        Trouble: What is in the way, and what to do. Nothing is left running then.
    """
    home = settings.home
    with ExitStack() as stack:
        front, mail, box, relay = (
            stack.enter_context(closing(listening(door)))
            for door in (settings.http, settings.smtp, settings.mailbox, Door("the relay", "", 0))
        )
        with closing(listening(settings.aws)) as probe:
            aws_port = probe.getsockname()[1]
        stack.enter_context(alone_in(home))
        settings.run_file.unlink(missing_ok=True)
        session = aws.session(aws_port)
        names = Names(session)
        receiver = Inbound(session, lambda: Target(names.find("MailBucket"), names.find("InboundMailTopicArn")))
        sender = Outbound(
            session, home / "mail", topic=lambda: names.find("MailFeedbackTopicArn"), reply=receiver.receive
        )
        mailbox = Mailbox(
            Mails(home / "mail", f"http://{address(box)}"),
            Escalations(session, home / "escalations.jsonl"),
            smtp=address(mail),
            addresses=list(SUPPORT.values()),
        )
        stack.enter_context(smtp(relay, sender))
        say("Starting the embedded AWS")
        stack.enter_context(aws.embedded_aws(home, aws_port, address(relay)))
        keys = _prepared(home, aws_port, f"http://{address(front)}")
        mailbox.escalations.subscribe(names.find("EscalationTopicArn"))
        stack.enter_context(sender.publishing())
        stack.enter_context(smtp(mail, receiver))
        stack.enter_context(http(box, partial(MailboxDoor, mailbox)))
        api = Api(aws_port, partial(names.find, "ApiId", fresh=True), partial(_invoked, session.client("lambda")))
        stack.enter_context(http(front, partial(FrontDoor, api)))
        told = {
            "url": f"http://{address(front)}",
            "smtp": address(mail),
            "mailbox": f"http://{address(box)}",
            **keys,
            "support_address": SUPPORT["demo"],
            "storefronts": list(SUPPORT),
            "aws": {
                "endpoint": session.endpoint,
                "region": session.region,
                "access_key_id": aws.ACCESS_KEY_ID,
                "secret_access_key": aws.SECRET_ACCESS_KEY,
                "table": names.find("Table"),
                "intake_queue_url": names.find("IntakeQueueUrl"),
                "intake_dead_letter_url": names.find("IntakeDeadLetterUrl"),
                "escalation_topic": names.find("EscalationTopicArn"),
            },
        }
        stack.callback(settings.run_file.unlink, missing_ok=True)
        write_secret(settings.run_file, told)
        yield told


def _invoked(functions: Any, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - boto3 has no types
    """
    Return what the API's function answers.

    Raises:
        LookupError: It is not there, or it failed.
    """
    try:
        name = stage.function_name(STAGE, "api-handler")
        done = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    except (BotoCoreError, ClientError) as error:
        raise LookupError(name) from error
    answer: dict[str, Any] = json.load(done["Payload"])
    if "FunctionError" in done:
        raise LookupError(answer)
    return answer


def _prepared(home: Path, aws_port: int, public_url: str) -> dict[str, str]:
    """
    Deploy and seed, and return the keys.
    """
    keys = home / "keys.json"
    command = [sys.executable, "-m", "infra.embedded.prepare", str(keys), public_url]
    own = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "CARELINE_"))}
    with subprocess.Popen(command, cwd=ROOT, env=own | aws.environment(aws_port), start_new_session=True) as process:
        try:
            process.wait()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and what it started itself
    if process.returncode:
        raise Trouble(f"The desk is not set up, for the reason above. What AWS says is in {home / 'aws.log'}.")
    read: dict[str, str] = json.loads(keys.read_text())
    return read
