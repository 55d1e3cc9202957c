"""
`make rush`: 100,000 tickets are due in one minute, on the embedded AWS. Two sweeps run at the same time, each minute,
and workers are killed in between. At the end the table is read whole: each ticket must have done its part once.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from infra.embedded import aws
from infra.embedded.settings import HOST, ROOT, Door, listening, stay_at_home
from tests.environment import IN_PROCESS

SHOW_EVERY_SECONDS = 20.0
LOOK_EVERY_SECONDS = 0.5


@dataclass(frozen=True)
class Plan:
    """What is played: how many tickets, workers and shards; how often (seconds) sweeps come and a worker is killed."""

    tickets: int = 100_000
    workers: int = 4
    shards: int = 64
    kill_every: float = 10.0
    sweep_every: float = 60.0
    seed: int = 1


@dataclass
class Outcome:
    """Counts; `late` holds, for each change that was told, the seconds since the first sweep."""

    tickets: int
    seconds: float = 0.0
    killed: int = 0
    failed: int = 0
    sweeps: int = 0
    wrong: list[str] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)

    def shown(self) -> str:
        cuts = statistics.quantiles(self.late, n=100) if len(self.late) > 1 else [0.0] * 99
        each = ", ".join(f"{name} {count / self.tickets:.2f}" for name, count in sorted(self.calls.items()))
        lines = [
            f"{self.tickets} tickets due in one minute: {self.tickets - len(self.wrong)} did their part once, {len(self.wrong)} did not",
            f"{self.sweeps} sweeps, always two at a time; {self.killed} workers killed, {self.failed} orders failed and came again",
            f"rate: {self.tickets / self.seconds:.0f} a second; late by {cuts[49]:.1f} s (p50), {cuts[98]:.1f} s (p99), {max(self.late):.1f} s (worst)",
            f"calls for each ticket: {each}",
        ]
        return "\n".join([*lines, *self.wrong[:20]])


def rush(plan: Plan, home: Path) -> Outcome:
    """Play *plan* on an embedded AWS that lives in *home*. Changes this process's environment: run it in one of its own."""
    stay_at_home()
    with listening(Door("a rush", "", 0)) as probe:
        port = probe.getsockname()[1]
    with aws.embedded_aws(home, port, f"{HOST}:1"):
        queue = aws.session(port).client("sqs").create_queue(QueueName="due", Attributes={"VisibilityTimeout": "360"})
        os.environ |= (
            IN_PROCESS
            | aws.environment(port)
            | {
                "CARELINE_DUE_QUEUE_URL": queue["QueueUrl"],
                "CARELINE_DUE_SHARDS": str(plan.shards),
            }
        )
        from bench import crowd  # what it imports reads the environment

        crowd.build()
        crowd.fill(plan.tickets, _say)
        outcome = _play(plan, home, crowd.sweep)
        outcome.wrong = crowd.wrong(plan.tickets)
    return outcome


def _play(plan: Plan, home: Path, sweep: Callable[[], int]) -> Outcome:
    chance = random.Random(plan.seed)  # noqa: S311 whom to kill
    outcome, began, told = Outcome(plan.tickets), time.monotonic(), _Told(home)
    swept_at, killed_at, shown_at = -plan.sweep_every, began, began
    with _workers(plan.workers, home) as workers, ThreadPoolExecutor(2) as two:
        while True:
            now, done = time.monotonic(), told.changes()
            if done >= plan.tickets or now - swept_at >= plan.sweep_every:
                if not any(two.map(lambda _: sweep(), range(2))):
                    break
                swept_at, outcome.sweeps = now, outcome.sweeps + 2
            if now - killed_at >= plan.kill_every:
                place = chance.randrange(plan.workers)
                workers[place].kill()
                workers[place].wait()
                workers[place] = _worker(home)
                killed_at, outcome.killed = now, outcome.killed + 1
            if now - shown_at >= SHOW_EVERY_SECONDS:
                _say(f"{now - began:6.0f} s: {done} of {plan.tickets} are done")
                shown_at = now
            time.sleep(LOOK_EVERY_SECONDS)
        outcome.seconds = time.monotonic() - began
    for file in home.glob("told-*"):
        for line in file.read_text().splitlines():
            what, _, at = line.partition(" ")
            if what == "changed":
                outcome.late.append(float(at) - began)
            elif what == "failed":
                outcome.failed += 1
            else:
                outcome.calls[what] += 1
    return outcome


class _Told:
    """How many changes were told so far; each file is read on from where it was left."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._read: Counter[Path] = Counter()
        self._changes = 0

    def changes(self) -> int:
        for told in self._home.glob("told-*"):
            with told.open("rb") as lines:
                lines.seek(self._read[told])
                fresh = lines.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read[told] += len(whole)
            self._changes += whole.count(b"changed ")
        return self._changes


@contextmanager
def _workers(count: int, home: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    running = [_worker(home) for _ in range(count)]
    try:
        yield running
    finally:
        for worker in running:
            with suppress(ProcessLookupError):
                worker.send_signal(signal.SIGKILL)
            worker.wait()


def _worker(home: Path) -> "subprocess.Popen[bytes]":
    handle, name = tempfile.mkstemp(prefix="told-", dir=home)
    os.close(handle)
    return subprocess.Popen([sys.executable, "-m", "bench.crowd", name], cwd=ROOT)  # noqa: S603 it is our own


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="bench.rush", description=__doc__)
    parser.add_argument("--tickets", type=int, default=usual.tickets)
    parser.add_argument("--workers", type=int, default=usual.workers)
    parser.add_argument("--shards", type=int, default=usual.shards, help="on one, workers meet most often")
    parser.add_argument("--kill-every", type=float, default=usual.kill_every, metavar="SECONDS")
    parser.add_argument("--sweep-every", type=float, default=usual.sweep_every, metavar="SECONDS")
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what came out there, too")
    args = vars(parser.parse_args())
    into = args.pop("json")
    with tempfile.TemporaryDirectory(prefix="careline-rush-") as home:
        outcome = rush(Plan(**args), Path(home))
    _say(outcome.shown())
    if into:
        into.write_text(json.dumps({"wrong": outcome.wrong, "killed": outcome.killed, "told": len(outcome.late)}))
    return 1 if outcome.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
