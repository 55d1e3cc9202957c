"""
`python -m infra run`: the whole desk on this machine, until Ctrl-C.
"""

import argparse
import json
import shlex
import signal
import threading
from functools import partial
from typing import Any, NoReturn

from infra.embedded.desk import running
from infra.embedded.settings import Settings, stay_at_home

TICKET = {
    "customer": {"email": "ada@example.com", "name": "Ada"},
    "subject": "Where is my parcel?",
    "body": "It should have been here on Monday.",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "Ports and folder come from the environment: see infra/embedded/settings.py."


def run(_args: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    settings = Settings.read()
    stay_at_home()
    try:
        with running(settings, say=partial(print, flush=True)) as desk:
            print(welcome(desk, settings), flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        print("Stopped. What was there is kept, and there again the next time.", flush=True)
    return 0


def stop(*_: object) -> NoReturn:
    """
    Leave everything in order, and not be hurried by a second Ctrl-C, which would lose what is being saved.
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    print("\nStopping, and saving what is there ...", flush=True)
    raise KeyboardInterrupt


def welcome(desk: dict[str, Any], settings: Settings) -> str:
    request = [
        *("curl", "-s", f"{desk['url']}/v1/tickets"),
        *("-H", f"Authorization: Bearer {desk['storefront_key']}"),
        *("-H", "Content-Type: application/json", "-H", "Idempotency-Key: first"),
        *("-d", json.dumps(TICKET)),
    ]
    return f"""
Careline runs.

  The API and the pages   {desk["url"]}
  Mail to the desk        {desk["support_address"]}, by SMTP at {desk["smtp"]}
  The customers' mailbox  {desk["mailbox"]}
  For scripts             {settings.run_file}

Open a ticket, then see the customer's mail in the mailbox:

  {shlex.join(request)}

Ctrl-C stops it."""
