"""
Where an embedded desk lives: one folder and four ports of 127.0.0.1.

    CARELINE_HOME            all that is kept: state, mail, keys, logs     .careline in the checkout
    CARELINE_HTTP_PORT       the API and the pages                         8080
    CARELINE_SMTP_PORT       mail to the desk                              2525
    CARELINE_MAILBOX_PORT    mail from the desk                            8025
    CARELINE_AWS_PORT        the embedded AWS                              4566

A port of 0 is any free one.
"""

import fcntl
import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from infra.aws import Trouble

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
LAST_PORT = 65535
STAGE = "local"
SUPPORT = {"demo": "support@demo.test", "other": "support@other.test"}  # the demo storefronts and their addresses


@dataclass(frozen=True)
class Door:
    """
    A port that the desk answers on, and the variable that moves it.
    """

    what: str
    variable: str
    port: int


@dataclass(frozen=True)
class Settings:
    home: Path
    http: Door
    smtp: Door
    mailbox: Door
    aws: Door

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """
        Raises:
            Trouble: A port is not a port.
        """

        def door(what: str, variable: str, usual: int) -> Door:
            value = environment.get(variable) or str(usual)
            if not value.isdecimal() or int(value) > LAST_PORT:
                raise Trouble(f"{variable}={value} is not a port: set it to a number from 1 to {LAST_PORT}.")
            return Door(what, variable, int(value))

        return cls(
            home=Path(environment.get("CARELINE_HOME") or ROOT / ".careline").resolve(),
            http=door("the API and the pages", "CARELINE_HTTP_PORT", 8080),
            smtp=door("mail to the desk", "CARELINE_SMTP_PORT", 2525),
            mailbox=door("the mailbox", "CARELINE_MAILBOX_PORT", 8025),
            aws=door("the embedded AWS", "CARELINE_AWS_PORT", 4566),
        )

    @property
    def run_file(self) -> Path:
        return self.home / "run.json"


def listening(door: Door) -> socket.socket:
    """
    Return a socket that holds the port of *door* already, so that nobody else takes it until it is served.

    Raises:
        Trouble: The port is taken, or not for us.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, door.port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        why = "is not open to you" if isinstance(error, PermissionError) else "is taken by another program"
        raise Trouble(
            f"Port {door.port} ({door.what}) {why}. Stop that program, or choose another port: "
            f"{door.variable}={door.port + 10000 if door.port < LAST_PORT - 10000 else 0} make run"
        ) from error
    return listener


def address(listener: socket.socket) -> str:
    """
    Host and port, as "127.0.0.1:8080".
    """
    host, port = listener.getsockname()
    return f"{host}:{port}"


def stay_at_home() -> None:
    """
    Take from this process, and those it starts, what would lead away from this machine: a profile of AWS, a proxy.
    """
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        os.environ.pop(name, None)
    for name in ("NO_PROXY", "no_proxy"):
        os.environ[name] = ",".join(filter(None, (os.environ.get(name), HOST)))


@contextmanager
def alone_in(home: Path) -> Iterator[None]:
    """
    Hold *home* against a second desk, which would overwrite the state of the first.

    Raises:
        Trouble: A desk runs there.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Trouble(
                f"A desk runs from {home} already: its addresses are in {home / 'run.json'}. "
                "Stop it, or give this one a folder of its own: CARELINE_HOME=/some/folder make run"
            ) from error
        yield


def write_secret(path: Path, value: object) -> None:
    """
    Write JSON that only its owner reads, all of it at once.
    """
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(value, indent=1) + "\n")
    part.replace(path)
