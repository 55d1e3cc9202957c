"""
`python -m tests.soak [--seed N] [--days 30] [--tickets 10000] [--faults 0.02]`: play, check, count.

Ends with 1 when a check is red, and with the command that plays the very same again. `--bugs` breaks the desk on purpose,
one thing at a time, and ends with 1 when a check does not see it.
"""

# ruff: noqa: T201  it talks to whom called it

import argparse
import os
import sys
import time
from random import SystemRandom


def main() -> int:
    """Read what is asked for; play; tell."""
    _environment()
    told = _arguments()
    from tests.soak import report

    if told.bugs:
        return report.bugs()
    seed = told.seed if told.seed is not None else SystemRandom().randrange(10_000)
    began = time.monotonic()
    play, found = report.played(
        seed=seed, days=told.days, tickets=told.tickets, faults=told.faults, real_letters=told.letters,
    )  # fmt: skip
    lines = [
        *report.figures(play, found, time.monotonic() - began),
        *report.reds(found),
        *report.floors_missed(play, found),
    ]
    print("\n".join(lines))
    if found.green and not report.floors_missed(play, found):
        print(f"green: seed {seed}")
        return 0
    print(
        "again: python -m tests.soak "
        f"--seed {seed} --days {told.days:g} --tickets {told.tickets} --faults {told.faults:g}"
        f"{' --letters' if told.letters else ''}"
    )
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description="Thirty days of three storefronts.")
    parser.add_argument("--seed", type=int, help="which play; otherwise one by chance, which is told")
    parser.add_argument("--days", type=float, default=30)
    parser.add_argument("--tickets", type=int, default=10_000)
    parser.add_argument("--faults", type=float, default=0.02, help="share of calls to AWS that go wrong")
    parser.add_argument("--letters", action="store_true", help="render each mail, which takes longer")
    parser.add_argument("--bugs", action="store_true", help="break the desk on purpose; every bug must be seen")
    return parser.parse_args()


def _environment() -> None:
    """Be the process that tests are: what conftest sets, without pytest."""
    os.environ["PYTHONHASHSEED"] = os.environ.get("PYTHONHASHSEED", "0")
    import tests.conftest  # noqa: F401 sets the environment


if __name__ == "__main__":
    sys.exit(main())
