"""
`python -m infra demo`: a ticket's journey through every door of the desk that runs here, then its policies in time, shown
step by step.

It uses what anybody has: HTTP, mail, the intake queue, the mailbox. Each run brings customers of its own and plays time
for their tickets only, so that it can be repeated on a desk that is in use. The first surprise ends it, with exit code 1.
"""

import argparse
import json
from collections.abc import Callable

from infra.aws import RUN_FILE, Trouble
from infra.demo import doors, policies
from infra.demo.stage import Demo, Surprise
from infra.embedded.caller import Caller, NeverCame
from infra.embedded.settings import stay_at_home

Step = Callable[[Demo], None]
POINTS: tuple[tuple[str, Step], ...] = (
    ("A ticket by the API", doors.by_api),
    ("The customer's page", doors.by_page),
    ("A ticket by mail", doors.by_mail),
    ("Tickets by queue", doors.by_queue),
    ("An agent answers", doors.by_agent),
    ("How the mails fared", doors.delivered),
    ("In time", doors.in_time),
    ("A storefront's settings", policies.storefronts),
    ("Clocks, and how they explain themselves", policies.clocks),
    ("Escalation, level by level", policies.escalation),
    ("Silence, closing, and what comes after", policies.silence),
    ("Surveys", policies.surveys),
    ("Planned messages", policies.check_ins),
    ("The morning digest", policies.digest),
    ("Why", policies.why),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    last = len(POINTS)
    parser.add_argument(
        "--only", type=int, choices=range(1, last + 1), metavar="N", help=f"one point only, 1 to {last}"
    )


def run(args: argparse.Namespace) -> int:
    if not RUN_FILE.exists():
        raise Trouble("No desk runs here: start one with `make run`, in another terminal.")
    stay_at_home()
    demo = Demo(Caller(json.loads(RUN_FILE.read_text())))
    for number, (title, point) in enumerate(POINTS, 1):
        if args.only in {None, number}:
            print(f"\n{number}. {title}", flush=True)
            try:
                point(demo)
            except (Surprise, NeverCame, RuntimeError) as error:
                raise Trouble(f"\nA surprise: {error}") from error
    print("\nAll as promised. The mails are in the mailbox:", demo.desk.run["mailbox"])
    return 0
