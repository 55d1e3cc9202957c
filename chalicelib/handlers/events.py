"""
The doors that open by themselves: queues, the stream and the clock. Each takes an event apart and says how it went.

A record that fails is given back alone; its batch goes on.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.handlers.lines import described, line
from chalicelib.wiring import desk

Event = Mapping[str, Any]
Failures = dict[str, list[dict[str, str]]]

_LEFT_BEHIND_AFTER = timedelta(minutes=10)
_FETCHED_MOST_BYTES = 2_000_000
"""What may lie in memory before a mail of a batch is fetched: one of 40 MB may need 400 MB while it is read."""


def intake_queue(event: Event) -> Failures:
    from chalicelib.handlers.queued import open_queued

    return _batch("intake_queue", event, lambda record: open_queued(desk(), record["messageId"], record["body"]))


def inbound_mail(event: Event) -> Failures:
    """
    Take in mails. What the table holds around them is read in one call, and they are taken away in one: where that
    fails all are told of again, and known.
    """
    from chalicelib.usecases import incoming, mail

    fetched: list[incoming.Incoming] = []
    taken: list[str] = []
    around = cache(lambda: incoming.around(desk(), fetched))

    def fetch(record: Event) -> Callable[[], str]:
        notification = _published(record)
        if "receipt" not in notification:
            return lambda: "no_mail"
        envelope = incoming.envelope_of(notification)
        if sum(len(each.raw) for each in fetched) > _FETCHED_MOST_BYTES:
            return lambda: mail.take_in(desk(), envelope).what
        came = incoming.fetched(desk(), envelope)
        if came is None:
            return lambda: "taken_before"
        fetched.append(came)
        return lambda: settle(came)

    def settle(came: incoming.Incoming) -> str:
        what = mail.settled(desk(), came, around()).what
        taken.append(came.envelope.key)
        return what

    failures = _batch("inbound_mail", event, fetch, lambda take: take())
    desk().files.forget_incoming(*taken)
    return failures


def mail_feedback(event: Event) -> Failures:
    from chalicelib.usecases import feedback

    def take(record: Event) -> str:
        said = _published(record)
        if "mail" not in said:
            return "no_event"
        feedback.take_in(desk(), said)
        return str(said.get("eventType", ""))

    return _batch("mail_feedback", event, take)


def due_work(event: Event) -> Failures:
    from chalicelib.usecases import due

    return _batch("due_work", event, lambda record: f"done {due.work(desk(), json.loads(record['body']))}")


def outbox_retry(event: Event) -> Failures:
    from chalicelib.usecases.sending import send_out

    def take(record: Event) -> str:
        named = json.loads(record["body"])
        return _counted(send_out(desk(), named["ticket"], named["outbox"]).value)

    return _batch("outbox_retry", event, take)


def outbox(event: Event) -> Failures:
    """Send what the stream brings. Nothing is given back: what failed lies in the outbox, and the sweep brings it again."""
    from chalicelib.usecases.sending import send_out

    def take(record: Event) -> str:
        keys = record["dynamodb"]["Keys"]
        reference, outbox_id = keys["pk"]["S"].removeprefix("TICKET#"), keys["sk"]["S"].removeprefix("OUTBOX#")
        return _counted(send_out(desk(), reference, outbox_id).value)

    _batch("outbox", event, take)
    return {"batchItemFailures": []}


def sweep(event: Event) -> None:
    from chalicelib.usecases import due

    with line("sweep") as facts:
        swept = due.sweep(desk(), datetime.fromisoformat(event["time"]))
        facts["busy_shards"], facts["done"] = swept.busy_shards, swept.done
        _measure("OldestUnsentSeconds", MetricUnit.Seconds, swept.oldest_unsent_seconds)


def reconcile(event: Event) -> None:
    """Take in mail whose notification was lost: all that still lies where SES put it."""
    from chalicelib.usecases import incoming, mail

    with line("reconcile") as facts:
        before = datetime.fromisoformat(event["time"]) - _LEFT_BEHIND_AFTER
        found = mail.left_behind(desk(), before)
        facts["found"] = len(found)
        for key in found:
            try:
                mail.take_in(desk(), incoming.Envelope(key))
            except Exception as error:  # noqa: BLE001 told in the line; the mail stays where it is and is tried again
                facts.setdefault("failed", []).append(f"{key} {described(error)}")


def _batch(door: str, event: Event, *steps: Callable[[Any], Any]) -> Failures:
    """Take each record by itself, all of them one step before the first the next; give back those that failed."""
    failures: list[dict[str, str]] = []
    with line(door) as facts:
        there = [(record, record) for record in event["Records"]]
        facts["records"], facts["outcomes"] = len(there), []
        for step in steps:
            done = []
            for record, value in there:
                try:
                    done.append((record, step(value)))
                except Exception as error:  # noqa: BLE001 told in the line, and given back to the queue
                    facts.setdefault("failed", []).append(described(error))
                    failures.append({"itemIdentifier": _identifier(record)})
            there = done
        facts["outcomes"] = [outcome for _, outcome in there]
    return {"batchItemFailures": failures}


def _counted(outcome: str) -> str:
    """Count what was given up and waits for people, and what a storefront's budget refused: alarms look at both."""
    if outcome == "held":
        _measure("HeldItems", MetricUnit.Count, 1)
    if outcome == "over_budget":
        _measure("RefusedAcknowledgements", MetricUnit.Count, 1)
    return outcome


def _measure(name: str, unit: MetricUnit, value: float) -> None:
    metrics = Metrics()
    metrics.add_metric(name, unit, value)
    metrics.flush_metrics()


def _identifier(record: Event) -> str:
    return str(record.get("messageId") or record["dynamodb"]["SequenceNumber"])


def _published(record: Event) -> dict[str, Any]:
    """Return what SNS published, out of the envelope in which SQS brings it."""
    envelope = json.loads(record["body"])
    inner: dict[str, Any] = json.loads(envelope["Message"]) if "Message" in envelope else envelope
    return inner
