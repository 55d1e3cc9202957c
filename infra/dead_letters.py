"""
What was given up after five deliveries, or could never be taken: look at it, and put it back.

    python -m infra dead-letters list [QUEUE]      what lies there, and why
    python -m infra dead-letters replay [QUEUE]    put it back where it came from

To replay is safe: what was done once is not done again, since each event leaves a receipt with its effect.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from infra import stage
from infra.aws import Session, Trouble, session_for

# Each kind of dead letters, and the queue it is replayed to. What has none comes back by itself: an unsent mail is
# due work until it is settled, and the next minute sweeps again. To replay those is to clear them away.
SOURCES: dict[str, str | None] = {
    "Intake": "IntakeQueue",
    "InboundMail": "InboundMailQueue",
    "MailFeedback": "MailFeedbackQueue",
    "Due": "DueQueue",
    "OutboxRetry": "OutboxQueue",
    "Outbox": None,
    "Schedule": None,
}
BATCH = 10
HELD_SECONDS = 60
SHOWN_CHARACTERS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=["list", "replay"])
    parser.add_argument("queue", nargs="?", choices=sorted(SOURCES), help="only this one")
    parser.add_argument("--bodies", action="store_true", help="show the messages too; they hold personal data")
    stage.add_stage(parser)


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    kinds = [args.queue] if args.queue else list(SOURCES)
    if args.action == "replay":
        replayed = sum(replay(args.stage, kind, session) for kind in kinds)
        print(f"{replayed} replayed. If they come back, the function's log group says why.")
        return 0
    found = sum(show(args.stage, kind, session, bodies=args.bodies) for kind in kinds)
    print(f"{found} dead letters." + (" Next: python -m infra dead-letters replay" if found else ""))
    return 0


def show(name: str, kind: str, session: Session, *, bodies: bool) -> int:
    """Print what lies in one dead-letter queue, and leave it there; return how many."""
    url = queue_url(name, f"{kind}DeadLetter", session)
    sqs = session.client("sqs")
    messages = list(held(url, session))
    for message in messages:
        at = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
        print(f"{kind:14} {at:%Y-%m-%d %H:%M:%SZ}  {message['MessageId']}  {reason(message)}")
        if bodies:
            print(f"    {message['Body'][:SHOWN_CHARACTERS]}")
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    return len(messages)


def replay(name: str, kind: str, session: Session) -> int:
    """Put what lies in one dead-letter queue back where it came from; return how many."""
    url = queue_url(name, f"{kind}DeadLetter", session)
    source = SOURCES[kind]
    target = queue_url(name, source, session) if source else None
    sqs = session.client("sqs")
    count = 0
    for message in held(url, session):
        if target:
            attributes = {key: value for key, value in message.get("MessageAttributes", {}).items() if key != "reason"}
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"], MessageAttributes=attributes)
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        count += 1
    if count:
        print(f"{kind:14} {count} " + (f"put back on {source}" if source else "cleared: it comes back by itself"))
    return count


def held(url: str, session: Session) -> Iterator[dict[str, Any]]:
    """
    Yield each message that lies in a queue now, once, hidden from others for a minute.

    What comes back while we are at it is not met again: it was sent after we began.
    """
    began_ms = datetime.now(UTC).timestamp() * 1000
    seen: set[str] = set()
    while True:
        answer = session.client("sqs").receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=BATCH,
            VisibilityTimeout=HELD_SECONDS,
            WaitTimeSeconds=1,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        messages = answer.get("Messages", [])
        new = [
            each
            for each in messages
            if each["MessageId"] not in seen and int(each["Attributes"]["SentTimestamp"]) <= began_ms
        ]
        yield from new
        seen |= {message["MessageId"] for message in messages}
        if not new:
            return


def reason(message: dict[str, Any]) -> str:
    said = message.get("MessageAttributes", {}).get("reason")
    return str(said["StringValue"]) if said else "given up after its last delivery"


def queue_url(name: str, queue: str, session: Session) -> str:
    sqs = session.client("sqs")
    try:
        return str(sqs.get_queue_url(QueueName=f"careline-{name}-{queue}")["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        raise Trouble(f"Stage {name} is not deployed {stage.place(session)}: make deploy STAGE={name}") from None
