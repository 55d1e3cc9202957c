"""
`python -m infra mail explain FILE...`: how Careline reads a mail.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from chalicelib.mail.explain import explain, unreadable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the words that may follow `mail`.
    """
    commands = parser.add_subparsers(dest="mail_command", required=True, metavar="COMMAND")
    explaining = commands.add_parser("explain", help="print how mails are read, one JSON line a file")
    explaining.add_argument(
        "files", nargs="+", metavar="FILE", help="a mail as it came (.eml), or - for standard input"
    )


def run(args: argparse.Namespace) -> int:
    """
    Explain each file; one that cannot be opened says so in its line, and the exit status is 1.
    """
    failed = False
    for file in args.files:
        said, opened = _explained(file)
        failed = failed or not opened
        # ASCII only: other line ends than LF would cut the line in two for some readers.
        print(json.dumps(said))
    return int(failed)


def _explained(file: str) -> tuple[dict[str, Any], bool]:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as trouble:
        reason = trouble.strerror if isinstance(trouble, OSError) and trouble.strerror else str(trouble)
        return unreadable(file, f"cannot be opened: {reason}"), False
    return explain(file, raw), True
