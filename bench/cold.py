"""
What each function costs to start and to run, from the very zip that is deployed, behind Lambda's own runtime client.

A start is counted until its first event is answered: what is put off until then is paid by the same caller. The count
is of instructions (valgrind), which repeat within half a per cent whatever else the machine does, and it is shown in x
of anchor A, measured in the same run: a clean Python that imports botocore as pip installs it and makes one DynamoDB
client. Without valgrind it is CPU time.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import functions, runtime
from bench.functions import Event, Stand
from infra import package
from infra.embedded.settings import stay_at_home

WARM_EVENTS = 5
LIBRARIES = ("botocore", "dateutil", "jmespath", "six.py", "urllib3")
ANCHOR = "import botocore.session; botocore.session.get_session().create_client('dynamodb', region_name='eu-west-1')"
BARE = """
from base64 import b64decode
import botocore.session
client = botocore.session.get_session().create_client("dynamodb")


def handler(event, context):
    for each in event["items"]:
        for value in each["Put"]["Item"].values():
            if "B" in value:
                value["B"] = b64decode(value["B"])  # an event is JSON
    client.transact_write_items(TransactItems=event["items"])
"""
_REFERENCES = re.compile(r"I\s+refs:\s+([\d,]+)")
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")

Figures = dict[str, dict[str, float]]


def counts_instructions() -> bool:
    return shutil.which("valgrind") is not None


def measured(only: Collection[str], say: Callable[[str], None]) -> dict[str, Any]:
    """
    Return `{"functions": {door: figures}, "package": figures}`.

    Changes this process's environment: run it in one of its own.

    Args:
        only: Some doors, for a short run, which leaves out the slow comparison with a plain package; none for all.
        say: Is told what is measured next.
    """
    stay_at_home()
    with tempfile.TemporaryDirectory(prefix="careline-bench-") as name:
        home = Path(name)
        say("building the package")
        built = package.package(package.host_architecture())
        unpacked = home / "zip"
        zipfile.ZipFile(built.function).extractall(unpacked)
        with functions.stand(home / "aws") as stand:
            say("anchor A")
            anchor = _anchor(home)
            figures = {}
            for door, (handler, make) in functions.FUNCTIONS.items():
                if not only or door in only:
                    say(door)
                    figures[door] = _function(unpacked, handler, lambda make=make: make(stand), stand, anchor)  # type: ignore[misc]
            whole: dict[str, Any] = {
                "architecture": package.host_architecture(),
                "counted": "instructions" if counts_instructions() else "cpu_ms",
                "zip_bytes": built.function.stat().st_size,
                "anchor": anchor,
            }
            if "api_handler" in figures:
                say("a bare TransactWriteItems")
                whole |= _beside_a_bare_call(home, unpacked, stand, figures)
            if not only:
                say("the same as a plain package")
                plain = _cold(_plain(home), "app.app", stand.opening, stand.environment)
                whole["api_handler_beside_plain"] = figures["api_handler"]["cold_x"] * anchor / plain
    return {"functions": figures, "package": whole}


def _function(folder: Path, handler: str, make: Callable[[], Event], stand: Stand, anchor: float) -> dict[str, float]:
    warm = 2 * WARM_EVENTS
    cost = runtime.run(folder, handler, (make() for _ in range(1 + warm)), stand.environment)
    cold = _cold(folder, handler, make, stand.environment)
    more = _spent(folder, handler, [make() for _ in range(1 + WARM_EVENTS)], stand.environment)
    return {
        "cold_x": cold / anchor,
        "warm_count": (more - cold) / WARM_EVENTS,
        "start_ms": cost.start_ms,
        "first_ms": cost.first_ms,
        "warm_cpu_ms": cost.warm_ms,
        "rss_mb": cost.rss_mb,
        "log_bytes": cost.log_bytes / (1 + warm),
    }


def _beside_a_bare_call(home: Path, unpacked: Path, stand: Stand, figures: Figures) -> dict[str, float]:
    """Return how dear opening a ticket is beside the very same write, made by botocore alone."""
    folder = home / "bare"
    shutil.copytree(unpacked, folder)
    (folder / "bare.py").write_text(BARE)
    environment = {**stand.environment, "AWS_DATA_PATH": str(folder / "models")}
    events = [{"items": items} for items in stand.written(1 + WARM_EVENTS)]
    first = _spent(folder, "bare.handler", events[:1], environment)
    events = [{"items": items} for items in stand.written(1 + WARM_EVENTS)]
    bare = (_spent(folder, "bare.handler", events, environment) - first) / WARM_EVENTS
    return {"bare_count": bare, "opening_beside_bare": figures["api_handler"]["warm_count"] / bare}


def _cold(folder: Path, handler: str, make: Callable[[], Event], environment: Mapping[str, str]) -> float:
    return _spent(folder, handler, [make()], environment)


def _spent(folder: Path, handler: str, events: list[Event], environment: Mapping[str, str]) -> float:
    """Return the instructions of a process that answers *events*; its CPU time (ms) where they are not counted."""
    if not counts_instructions():
        cost = runtime.run(folder, handler, events, environment)
        return cost.start_ms + cost.first_ms + cost.warm_ms * (len(events) - 1)
    with _counting() as (command, counted):
        runtime.run(folder, handler, events, environment, under=command)
        return counted()


def _anchor(home: Path) -> float:
    stock = home / "stock"
    stock.mkdir()
    installed = Path(next(path for path in sys.path if (Path(path) / "botocore").is_dir()))
    for name in LIBRARIES:
        (stock / name).symlink_to(installed / name)
    (stock / "__pycache__").symlink_to(installed / "__pycache__")
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(stock),
        "PYTHONHASHSEED": "0",
        "HOME": "/nonexistent",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
    }
    command = (str(runtime.client()), "-B", "-c", ANCHOR)
    if not counts_instructions():
        return cpu_ms(command, environment)
    with _counting() as (under, counted):
        subprocess.run([*under, *command], env=environment, check=True, capture_output=True)  # noqa: S603 our own
        return counted()


def cpu_ms(command: Sequence[str], environment: Mapping[str, str] | None = None) -> float:
    """Return the CPU time (ms) that a command takes, in this process's environment or another."""
    before = os.times()
    subprocess.run(command, env=environment, check=True)  # noqa: S603 our own
    after = os.times()
    return 1000 * (after.children_user + after.children_system - before.children_user - before.children_system)


@contextmanager
def _counting() -> Iterator[tuple[tuple[str, ...], Callable[[], float]]]:
    """Give a command that counts another one's instructions, and what then says how many there were."""
    with tempfile.NamedTemporaryFile() as log:

        def counted() -> float:
            found = _REFERENCES.search(Path(log.name).read_text())
            if found is None:
                raise RuntimeError("valgrind counted nothing")
            return float(found[1].replace(",", ""))

        yield (*_VALGRIND, f"--log-file={log.name}"), counted


def _plain(home: Path) -> Path:
    """Unpack what `chalice package` makes by itself: the code, and a layer of libraries as they were installed."""
    folder, work = home / "plain", package.ROOT / f"build/chalice-{package.host_architecture()}"
    zipfile.ZipFile(work / "deployment.zip").extractall(folder)
    with zipfile.ZipFile(work / "layer-deployment.zip") as layer:
        for name in layer.namelist():
            inside = Path(*Path(name).parts[package.LAYER_DEPTH :])
            if not name.endswith("/"):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).write_bytes(layer.read(name))
    return folder


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.cold", description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], choices=functions.FUNCTIONS)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    found = measured(args.only, lambda what: print(f"measuring: {what}", file=sys.stderr, flush=True))
    args.json.write_text(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
