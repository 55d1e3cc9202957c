"""
Each function of the zip with work that it really has, on the embedded AWS: every event is a fresh one.
"""

import itertools
import json
import os
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from infra.embedded import aws
from infra.embedded.settings import HOST, Door, listening
from tests.environment import IN_PROCESS
from tests.payloads import event

Event = dict[str, Any]
WORDS = (
    "Hello, my parcel should have come on Monday, and it is not here yet. Could you please look where it is? Thank you!"
)
_QUEUES = {
    "CARELINE_OUTBOX_QUEUE_URL": "outbox",
    "CARELINE_DUE_QUEUE_URL": "due",
    "CARELINE_FEEDBACK_QUEUE_URL": "feedback",
    "CARELINE_INTAKE_DEAD_LETTER_URL": "IntakeDeadLetter",
    "CARELINE_DUE_DEAD_LETTER_URL": "DueDeadLetter",
}
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass
class Stand:
    """
    A desk on an embedded AWS, and the events that its functions would get there.

    `environment` is what its functions find in theirs.
    """

    environment: dict[str, str]
    key: str
    _numbers: Iterator[int]

    def opening(self) -> Event:
        """Return a request for a new ticket, of a customer who is new too."""
        number = next(self._numbers)
        asked = event("api-open-ticket", key=self.key, order=f"order-{number}", address=f"eva{number}@customer.test")
        return {**asked, "body": json.dumps({**json.loads(asked["body"]), "body": WORDS})}

    def queued(self) -> Event:
        number = next(self._numbers)
        return event("sqs-intake", order=f"order-{number}", address=f"eva{number}@customer.test")

    def mailed(self) -> Event:
        """Store a mail as SES does, and return its notification."""
        from chalicelib.adapters.aws import client

        number = next(self._numbers)
        key = f"incoming/{number:020d}"
        client("s3").put_object(Bucket="careline-mail", Key=key, Body=_mail(number))
        text = json.dumps(event("ses-received", address=f"eva{number}@customer.test"))
        return json.loads(text.replace("incoming/o3vrnil0e2ic28tr", key))  # type: ignore[no-any-return]

    def streamed(self) -> Event:
        """Open a ticket, and return the stream's record of its acknowledgement."""
        number, outbox = self._unsent()
        return event("dynamodb-stream-outbox", number=number, outbox=outbox)

    def retried(self) -> Event:
        number, outbox = self._unsent()
        return event("sqs-outbox", number=number, outbox=outbox)

    def delivered(self) -> Event:
        """Send an acknowledgement, and return SES's word that it arrived."""
        from chalicelib import wiring
        from chalicelib.usecases import sending

        number, outbox = self._unsent()
        sending.send_out(wiring.desk(), number, outbox)
        return event("ses-delivery", number=number, outbox=outbox)

    def due(self) -> Event:
        """Open a ticket that is due by now, with nothing else to do, and return the order to look at its shard."""
        from bench import crowd
        from chalicelib.adapters import keys
        from chalicelib.config import config

        _forget_what_is_unsent()
        ticket = crowd.ticket_due(next(self._numbers), datetime.now(UTC) - timedelta(minutes=1))
        crowd.row(ticket).save()
        shard = keys.shard(ticket.reference, config().due_shards)
        order = {"shard": shard, "at": datetime.now(UTC).isoformat()}
        whole = event("sqs-due")
        return {**whole, "Records": [{**whole["Records"][0], "body": json.dumps(order)}]}

    def minute(self) -> Event:
        """Return a minute long ago, at which nothing is due."""
        _forget_what_is_unsent()
        return {**event("eventbridge-sweep"), "time": LONG_AGO.isoformat()}

    def quarter(self) -> Event:
        return {**event("eventbridge-reconcile"), "time": LONG_AGO.isoformat()}

    def written(self, count: int) -> list[list[dict[str, Any]]]:
        """Open *count* tickets, and return what each transaction put, as JSON, for other keys and without conditions."""
        from chalicelib.adapters import rows

        seen: list[list[dict[str, Any]]] = []

        def hear(params: dict[str, Any], **_: Any) -> None:
            puts = [each["Put"] for each in params["TransactItems"] if "Put" in each]
            other = f"AGAIN{next(self._numbers)}#"
            seen.append([{"Put": {"TableName": p["TableName"], "Item": _moved(p["Item"], other)}} for p in puts])

        calls = rows.connection().client.meta.events
        calls.register("provide-client-params.dynamodb.TransactWriteItems", hear)
        try:
            for _ in range(count):
                self._unsent()
        finally:
            calls.unregister("provide-client-params.dynamodb.TransactWriteItems", hear)
        return seen

    def _unsent(self) -> tuple[str, str]:
        from chalicelib import wiring
        from chalicelib.adapters import rows
        from chalicelib.domain.opening import Intake
        from chalicelib.domain.ticket import Author, Channel, Person, Role
        from chalicelib.usecases import tickets
        from chalicelib.usecases.uploads import Uploads

        person = Person(f"eva{next(self._numbers)}@customer.test", "Eva")
        intake = Intake(person, "My parcel", WORDS, Channel.API, "en")
        author = Author(Role.CUSTOMER, "Eva", person.email)
        opened = tickets.open_ticket(wiring.desk(), "demo", intake, Uploads("demo", ()), by=author, once=None)
        (held,) = rows.Row.query(f"TICKET#{opened.reference}", rows.Row.sk.startswith("OUTBOX#"))
        return opened.reference, held.sk.removeprefix("OUTBOX#")


FUNCTIONS: dict[str, tuple[str, Callable[[Stand], Event]]] = {
    "api_handler": ("app.app", Stand.opening),
    "intake_queue": ("app.intake_queue", Stand.queued),
    "inbound_mail": ("app.inbound_mail", Stand.mailed),
    "mail_feedback": ("app.mail_feedback", Stand.delivered),
    "sweep": ("app.sweep", Stand.minute),
    "due_work": ("app.due_work", Stand.due),
    "outbox": ("app.outbox", Stand.streamed),
    "outbox_retry": ("app.outbox_retry", Stand.retried),
    "reconcile": ("app.reconcile", Stand.quarter),
}


@contextmanager
def stand(home: Path) -> Iterator[Stand]:
    """
    Start an embedded AWS that lives in *home*, with a desk's tables and a storefront in it.

    Changes this process's environment, before anything reads it: run it in a process of its own.
    """
    with listening(Door("a bench", "", 0)) as probe:
        port = probe.getsockname()[1]
    with aws.embedded_aws(home, port, f"{HOST}:1"):
        owner = aws.session(port)
        named = {name: owner.client("sqs").create_queue(QueueName=queue)["QueueUrl"] for name, queue in _QUEUES.items()}
        named["CARELINE_ESCALATION_TOPIC"] = owner.client("sns").create_topic(Name="escalation")["TopicArn"]
        environment = IN_PROCESS | aws.environment(port) | named
        os.environ |= environment
        for bucket in ("careline-mail", "careline-files"):
            owner.client("s3").create_bucket(Bucket=bucket)
        owner.client("ses").create_configuration_set(
            ConfigurationSet={"Name": environment["CARELINE_CONFIGURATION_SET"]}
        )
        owner.client("ses").verify_domain_identity(Domain="demo.test")
        from bench import crowd
        from chalicelib.adapters import settings
        from chalicelib.domain.access import Scope
        from chalicelib.usecases import house

        crowd.build()
        settings.ensure_signing_keys(environment["CARELINE_SETTINGS_TABLE"])
        key = house.create_key(crowd.desk(), Scope.STOREFRONT, storefront="demo")
        yield Stand(environment, key, itertools.count(1))


def _forget_what_is_unsent() -> None:
    """Take out what others left: after two minutes it would be due, too."""
    from chalicelib.adapters import rows

    for unsent in rows.Row.scan(rows.Row.sk.startswith("OUTBOX#")):
        unsent.delete()


def _moved(item: dict[str, Any], prefix: str) -> dict[str, Any]:
    carried = {
        name: {"B": b64encode(value["B"]).decode()} if "B" in value else value for name, value in item.items()
    }  # fmt: skip
    return {**carried, "pk": {"S": prefix + item["pk"]["S"]}}


def _mail(number: int) -> bytes:
    lines = [
        f"From: Eva <eva{number}@customer.test>",
        "To: support@demo.test",
        f"Message-ID: <{number}@customer.test>",
        "Date: Mon, 02 Mar 2026 10:00:00 +0100",
        "Subject: My parcel",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="b"',
        "",
        "--b",
        "Content-Type: text/plain; charset=utf-8",
        "",
        f"{WORDS}\r\n\r\n-- \r\nEva",
        "--b",
        "Content-Type: text/html; charset=utf-8",
        "",
        f"<html><body><p>{WORDS}</p><div>-- <br>Eva</div></body></html>",
        "--b--",
        "",
    ]
    return "\r\n".join(lines).encode()
