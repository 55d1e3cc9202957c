"""
`python -m infra sweep --at TIME`: play time. Tickets do all that is due by then, through the very functions that do it
each minute; the command returns when nothing is left and what was to be sent is sent.
"""

import argparse
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from infra.aws import Session, Trouble, session_for
from infra.stage import add_stage, enter, function_name

if TYPE_CHECKING:
    from chalicelib.wiring import Desk

_PATIENCE_SECONDS = 300
_ASK_AGAIN_SECONDS = 5
_LOOK_EVERY_SECONDS = 0.25


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_stage(parser)
    parser.add_argument(
        "--at",
        type=_moment,
        default=None,
        metavar="TIME",
        help="ISO 8601 with its zone: 2026-03-01T09:30:00Z (default: now)",
    )
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--ticket", metavar="NUMBER", help="this ticket only")
    one.add_argument("--storefront", metavar="ID", help="the morning digest of this storefront only")


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    enter(args.stage, session)
    from chalicelib.domain.errors import NotFound
    from chalicelib.domain.reference import parse
    from chalicelib.usecases import digests, due
    from chalicelib.wiring import desk

    at = args.at or datetime.now(UTC)
    if args.ticket:
        try:
            number = parse(args.ticket)
            due.fire(desk(), number, at)
        except NotFound as error:
            raise Trouble(f"{error} Numbers look like CL-7K3F9-Q2MXR.") from None
        _wait(lambda: len(desk().outbox.of_ticket(number)), f"{number}: to send")
    elif args.storefront:
        told = digests.send_due(desk(), args.storefront, at)
        print(f"{args.storefront}: {told} leads are told")
    else:
        _sweep(session, args.stage, at, desk())
    print(f"Nothing is due by {at.isoformat()} any more.")
    return 0


def _sweep(session: Session, stage: str, at: datetime, desk: "Desk") -> None:
    from chalicelib.usecases import due

    asked_at = 0.0

    def left() -> int:
        nonlocal asked_at
        tickets = due.still_due(desk, at)
        if tickets and time.monotonic() - asked_at > _ASK_AGAIN_SECONDS:
            _ask(session, stage, at)
            asked_at = time.monotonic()
        return tickets

    _wait(left, "tickets due (100 a shard are counted)")
    _wait(lambda: due.still_unsent(desk), "to send")


def _ask(session: Session, stage: str, at: datetime) -> None:
    """Invoke the sweep with the event that EventBridge would bring at that time."""
    event = {
        "version": "0",
        "id": "by-hand",
        "account": session.account,
        "region": session.region,
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "detail": {},
        "resources": [],
        "time": at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    }
    answer = session.client("lambda").invoke(
        FunctionName=function_name(stage, "sweep"), Payload=json.dumps(event).encode()
    )
    if answer.get("FunctionError"):
        raise Trouble(f"The sweep failed: {answer['Payload'].read().decode()[:500]}\nIts log says more.")


def _wait(left: Callable[[], int], what: str) -> None:
    """Wait until nothing is left, and show how much is."""
    deadline, shown = time.monotonic() + _PATIENCE_SECONDS, -1
    while count := left():
        if count != shown:
            print(f"{what}: {count}", flush=True)
            shown = count
        if time.monotonic() > deadline:
            raise Trouble(f"Still {count} {what} after {_PATIENCE_SECONDS} s. Try: python -m infra doctor")
        time.sleep(_LOOK_EVERY_SECONDS)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a time like 2026-03-01T09:30:00Z") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
