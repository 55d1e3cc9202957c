"""
The long runs: `python -m tests.faults.campaign --pairs`, `--orders`.
"""

import argparse
import sys
import time
from collections.abc import Iterator

from tests import conftest  # noqa: F401 the environment, before anything reads it
from tests.faults.explore import Explorer, Tally
from tests.faults.races import RACES, THREE_WORKERS
from tests.faults.scenarios import SCENARIOS
from tests.faults.sky import Sky
from tests.faults.stage import Stage, raised

_LINE_EVERY_SECONDS = 0.5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.campaign", description=__doc__)
    parser.add_argument("--pairs", action="store_true", help="every two faults of every scenario")
    parser.add_argument("--orders", action="store_true", help="every race, and three workers on one item")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of the pairs, only each N-th")
    parser.add_argument("--only", default="", metavar="TEXT", help="only what has TEXT in its name")
    asked = parser.parse_args()
    if not asked.pairs and not asked.orders:
        parser.error("say what to try: --pairs, --orders, or both")
    reds = 0
    with raised(Sky()) as bare:
        for name, tallies in _runs(bare, asked):
            if asked.only in name:
                reds += _shown(name, tallies)
    return 1 if reds else 0


def _runs(bare: Stage, asked: argparse.Namespace) -> Iterator[tuple[str, Iterator[Tally]]]:
    if asked.pairs:
        for scenario in SCENARIOS:
            yield f"pairs: {scenario}", _pairs(scenario, bare, asked.every)
    if asked.orders:
        for race in (*RACES, THREE_WORKERS):
            yield f"orders: {race}", _orders(race, bare)


def _pairs(scenario, bare: Stage, every: int) -> Iterator[Tally]:
    yield from Explorer.of(scenario, bare).pairs(every=every)


def _orders(race, bare: Stage) -> Iterator[Tally]:
    yield Explorer.of(race.scenario, bare).orders(race.deliveries, *filter(None, [race.also]))


def _shown(name: str, tallies: Iterator[Tally]) -> int:
    """Show how far a run is, in one line that is written over; return how many schedules went wrong."""
    began, shown_at, tally = time.monotonic(), 0.0, Tally()
    for tally in tallies:
        if time.monotonic() > shown_at + _LINE_EVERY_SECONDS:
            shown_at = time.monotonic()
            _write(f"\r{_told(name, tally, began)}")
    _write(f"\r{_told(name, tally, began)}\n")
    for schedule, seen in tally.reds.items():
        _write(f"  {schedule}\n    {seen.replace(chr(10), chr(10) + '    ')}\n")
    return len(tally.reds)


def _told(name: str, tally: Tally, began: float) -> str:
    seconds = time.monotonic() - began
    counts = f"{tally.schedules} schedules, {tally.fired} faults, {tally.calls} calls, {tally.held} held for people"
    return f"{name}: {counts}, {len(tally.reds)} wrong, {seconds:.0f} s "


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
