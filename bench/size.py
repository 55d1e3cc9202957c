"""
What a list, a read and a new ticket cost when the table is large, beside what they cost when it is small: calls, items and bytes
between the desk and its table, and function calls of Python in the desk. These counts repeat; seconds do not. The embedded AWS
holds the table. What is counted must be the same, whatever the table's size.
"""

import argparse
import os
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore import handlers

from infra.embedded import aws
from infra.embedded.settings import HOST, Door, listening, stay_at_home
from tests.environment import IN_PROCESS

SMALL, LARGE = 1_000, 200_000
TIMES = 9
PAGE = 25
TOLERANCE = 0.02  # numbers and moments are not always written in as many characters
COUNTED = ("calls", "items", "bytes", "python")

Figures = dict[str, dict[str, float]]


class Count:
    """Counts what goes over to AWS and back, and the functions that are called meanwhile, of Python and of C."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        handlers.BUILTIN_HANDLERS.append(("before-call", self._asked))
        handlers.BUILTIN_HANDLERS.append(("after-call", self._told))

    def of(self, act: Callable[[], Any]) -> dict[str, float]:
        """Do *act* some times, and return the median of each count."""
        act()  # what is read once and remembered
        counts = []
        for _ in range(TIMES):
            self.seen = Counter()
            sys.setprofile(self._called)
            try:
                act()
            finally:
                sys.setprofile(None)
            counts.append(self.seen)
        return {name: statistics.median(count[name] for count in counts) for name in COUNTED}

    def _called(self, _frame: Any, event: str, _of: Any) -> None:
        self.seen["python"] += event in ("call", "c_call")

    def _asked(self, params: dict[str, Any], **_: Any) -> None:
        self.seen["calls"] += 1
        self.seen["bytes"] += len(params["body"])

    def _told(self, http_response: Any, parsed: dict[str, Any], **_: Any) -> None:
        self.seen["bytes"] += len(http_response.content)
        batches = parsed.get("Responses") or {}
        found = [*parsed.get("Items", ()), *([parsed["Item"]] if "Item" in parsed else ())]
        for batch in batches.values() if isinstance(batches, dict) else ([each] for each in batches):
            found += batch
        self.seen["items"] += len(found)


def measured(sizes: tuple[int, int], home: Path) -> list[Figures]:
    """Return `{what: {count: how many}}` for each size of the table. Changes this process's environment."""
    stay_at_home()
    with listening(Door("a table", "", 0)) as probe:
        port = probe.getsockname()[1]
    with aws.embedded_aws(home, port, f"{HOST}:1"):
        os.environ |= IN_PROCESS | aws.environment(port)
        count = Count()
        from bench import crowd  # what it imports reads the environment

        crowd.build()
        found, there = [], 0
        for size in sizes:
            crowd.fill(size - there, _say)
            there = size
            found.append({what: count.of(act) for what, act in _acts(size).items()})
    return found


def _acts(size: int) -> dict[str, Callable[[], Any]]:
    from bench import crowd
    from chalicelib.domain.opening import Intake
    from chalicelib.domain.ticket import Author, Channel, Person, Role
    from chalicelib.usecases import listing, tickets
    from chalicelib.usecases.listing import Asked
    from chalicelib.usecases.uploads import Uploads

    desk, numbers = crowd.desk(), iter(range(100, 1000))

    def list_waiting() -> Any:
        return listing.page(desk, Asked(view="waiting"), storefront="demo", mine=None, cursor=None, limit=PAGE)

    def open_ticket() -> Any:
        address = f"new{next(numbers)}.{size:07}@customer.test"
        intake = Intake(Person(address, "Eva"), "Where is my parcel?", "It is late.", Channel.API, "en")
        author = Author(Role.CUSTOMER, "Eva", address)
        return tickets.open_ticket(desk, "demo", intake, Uploads("demo"), by=author, once=None)

    one = open_ticket().reference
    return {
        f"list {PAGE} of those that wait": list_waiting,
        "read a ticket": lambda: tickets.read(desk, one),
        "read its messages": lambda: tickets.messages(desk, one, after=None, limit=50),
        "open a ticket": open_ticket,
    }


def shown(small: Figures, large: Figures, sizes: tuple[int, int]) -> str:
    lines = [f"{'':32} {'':8} {sizes[0]:>10} {sizes[1]:>10}      x"]
    lines += [
        f"{what:32} {name:8} {small[what][name]:10.0f} {large[what][name]:10.0f} {_times(small[what][name], large[what][name]):6.2f}"
        for what in small
        for name in COUNTED
    ]
    return "\n".join(lines)


def _times(small: float, large: float) -> float:
    return large / small if small else 1 + large


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.size", description=__doc__)
    parser.add_argument("--tickets", type=int, default=LARGE, help="in the large table")
    sizes = (SMALL, parser.parse_args().tickets)
    with tempfile.TemporaryDirectory(prefix="careline-size-") as home:
        small, large = measured(sizes, Path(home))
    _say(shown(small, large, sizes))
    grown = [
        f"{what}: {name} grow with the table"
        for what in small
        for name in COUNTED
        if abs(_times(small[what][name], large[what][name]) - 1) > TOLERANCE
    ]
    _say("\n".join(grown) or "Nothing grows with the table.")
    return 1 if grown else 0


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
