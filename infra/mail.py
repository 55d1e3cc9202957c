"""
How Careline reads mail, and what its own mails look like.

| `python -m infra mail ...` | what it does |
|---|---|
| `explain FILE...` | prints how mails are read, one JSON line a file |
| `preview [--to FOLDER] [--storefront FILE]` | writes every mail in every language to files |
| `replay [--ticket NUMBER] [--apply]` | reads stored raw mail again, and shows or changes what is read otherwise now |
"""

import argparse
import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chalicelib.mail.explain import explain, unreadable
from infra.aws import Trouble, session_for
from infra.stage import add_stage, enter

if TYPE_CHECKING:
    from chalicelib.usecases.replay import Reread

_DIFFERENCE_LINES = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """
    Declare the words that may follow `mail`.
    """
    commands = parser.add_subparsers(dest="mail_command", required=True, metavar="COMMAND")
    explaining = commands.add_parser("explain", help="print how mails are read, one JSON line a file")
    explaining.add_argument(
        "files", nargs="+", metavar="FILE", help="a mail as it came (.eml), or - for standard input"
    )
    previewing = commands.add_parser("preview", help="write every mail in every language to files, to look at")
    previewing.add_argument(
        "--to", type=Path, default=Path("build/preview"), metavar="FOLDER", help="build/preview, if none is named"
    )
    previewing.add_argument(
        "--storefront", type=Path, metavar="FILE", help="whose mails: the YAML or JSON of `storefronts apply`"
    )
    replaying = commands.add_parser(
        "replay", help="read stored raw mail again with today's reader, and show what would change"
    )
    add_stage(replaying)
    replaying.add_argument("--ticket", metavar="NUMBER", help="this ticket only")
    replaying.add_argument("--apply", action="store_true", help="change what is read otherwise now")


def run(args: argparse.Namespace) -> int:
    return {"explain": _explain, "preview": _preview, "replay": _replay}[args.mail_command](args)


def _explain(args: argparse.Namespace) -> int:
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


def _preview(args: argparse.Namespace) -> int:
    from infra.preview import preview

    written = preview(args.to, args.storefront)
    print(f"{written} mails: {args.to / 'index.html'}")
    return 0


def _replay(args: argparse.Namespace) -> int:
    """
    Read the mail of a stage again; the exit status is 1 when a message could not be changed.
    """
    enter(args.stage, session_for(args.stage))
    from chalicelib.domain.errors import NotFound
    from chalicelib.domain.reference import parse
    from chalicelib.usecases.replay import Looked, replay
    from chalicelib.wiring import desk

    looked, found, stale = Looked(0, 0), 0, 0
    try:
        number = parse(args.ticket) if args.ticket else None
        for looked in replay(desk(), ticket=number, apply=args.apply):
            if looked.found:
                found += 1
                stale += looked.found.applied is False
                print(_told(looked.found))
            _progress(looked.read)
    except NotFound as error:
        raise Trouble(f"{error} Numbers look like CL-7K3F9-Q2MXR.") from None
    _progress(None)
    done = f"{found - stale} changed" if args.apply else f"{found} would change (--apply changes them)"
    print(
        f"{looked.read} mails read again: {done}, {stale} changed by somebody else meanwhile, {looked.gone} no longer kept."
    )
    return int(stale > 0)


def _told(found: "Reread") -> str:
    lines = [f"{found.reference} {found.message}: {', '.join(found.differs)}"]
    for name, (before, now) in found.differs.items():
        difference = difflib.unified_diff(before.splitlines(), now.splitlines(), name, f"{name}, now", n=1, lineterm="")
        lines += [f"    {line}" for line in list(difference)[:_DIFFERENCE_LINES]]
    return "\n".join(lines)


def _progress(read: int | None) -> None:
    """
    Show how far it is, to a person; None takes it away.
    """
    if sys.stderr.isatty():
        print(
            f"\r{read} read again" if read is not None else "\r" + " " * 30 + "\r", end="", file=sys.stderr, flush=True
        )
