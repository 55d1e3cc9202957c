"""
`make destroy STAGE=name`: remove the desk; with DATA=yes and the stage's name typed again, everything.
"""

import argparse
import os

from infra import stage
from infra.aws import Trouble, session_for
from infra.deploy import destroy


def add_arguments(parser: argparse.ArgumentParser) -> None:
    stage.add_stage(parser)
    told = os.environ.get("DATA") == "yes"
    parser.add_argument("--data", action="store_true", default=told, help="remove its tables and buckets too, for ever")


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    if args.data:
        print(f"This deletes every ticket, mail and file of stage {args.stage} in account {session.account}, for ever.")
        if typed("Type the stage's name to go on: ") != args.stage:
            raise Trouble("That is not its name. Nothing was removed.")
    destroy(args.stage, session=session, data=args.data)
    return 0


def typed(question: str) -> str:
    try:
        return input(question).strip()
    except EOFError:
        return ""
