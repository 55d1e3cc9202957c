"""
What twice a hostile mail costs: `python -m tests.mail.growth` counts the instructions of reading it, with valgrind.

A figure of 2.0 means that the work grows as the mail does. Without valgrind, Python's own steps are counted, which do not see
what happens inside of a search.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.mail import reader

_HEAD = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n"
_COUNTED = re.compile(r"Collected : (\d+)")
SIZES = (60_000, 120_000)


def plain(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: _HEAD + b"\r\nhello\r\n" + piece * (size // len(piece))


def page(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: _HEAD + b"Content-Type: text/html\r\n\r\nhello" + piece * (size // len(piece))


def heading(start: bytes, piece: bytes) -> Callable[[int], bytes]:
    return lambda size: start + piece * (size // len(piece)) + b"\r\n" + _HEAD + b"\r\nhello"


def nested(size: int) -> bytes:
    levels = size // 60
    parts = (b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(levels))
    return _HEAD + b"".join(parts) + b"\r\nhello"


CASES = {
    "quotes": plain(b"> hello\r\n"),
    "answers between quotes": plain(b"> hello\r\nyes\r\n"),
    "dashes": plain(b"-"),
    "lines of dashes": plain(b"----- x -----\r\n"),
    "blank lines": plain(b"\r\n"),
    "On On On": plain(b"On "),
    "On ... wrote": plain(b"On 3 May 2025 at 10:00 x <a@b.example> said\r\n"),
    "labels": plain(b"From: x\r\n"),
    "lone CR": plain(b"x\r"),
    "uuencoded": plain(b"begin 644 a\r\n#0V%T\r\n"),
    "nested parts": nested,
    "parameters": heading(b"Content-Type: text/plain", b"; a*0*=b"),
    "encoded words": heading(b"Subject: ", b"=?utf-8?q?=C3=A4?= "),
    "addresses": heading(b"To: ", b"a (b) <c@d.example>, "),
    "nested elements": page(b"<div>"),
    "blockquotes": page(b"<blockquote>x<br>"),
    "formats": page(b"<font size=1><p>x"),
    "links": page(b'<a href="https://a.example/">x</a>'),
    "attributes": page(b'<p a="'),
    "hidden": page(b'<i style="display:none">x'),
}


def instructions(case: str, size: int) -> int:
    """
    Count the instructions of a process that reads one mail; of size 0, of one that reads none.
    """
    command = [
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        sys.executable,
        "-m",
        "tests.mail.growth",
    ]
    done = subprocess.run(  # noqa: S603
        [*command, "--read", case, str(size)], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "0"}
    )
    return int(_COUNTED.search(done.stderr)[1])


def steps(case: str, size: int) -> int:
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    raw = CASES[case](size) if size else _HEAD
    sys.setprofile(count)
    try:
        reader.read(raw)
    finally:
        sys.setprofile(None)
    return counted


def growth(count: Callable[[str, int], int], case: str, nothing: int) -> float:
    few, many = (count(case, size) - nothing for size in SIZES)
    return many / few


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mail.growth", description="What twice a hostile mail costs.")
    parser.add_argument(
        "--read", nargs=2, metavar=("CASE", "SIZE"), help="only read one mail, as the counted process does"
    )
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    args = parser.parse_args()
    if args.read:
        case, size = args.read[0], int(args.read[1])
        # What is built once for a process is no part of the growth.
        reader.read(CASES[case](2_000))
        if size:
            reader.read(CASES[case](size))
        return 0
    counted = shutil.which("valgrind") is not None
    count = instructions if counted else steps
    sys.stdout.write(
        f"{'instructions' if counted else 'steps'} when the mail doubles, from {SIZES[0]:,} to {SIZES[1]:,} bytes (to reach: <= 2.2 x)\n"
    )
    worst = 0.0
    names = [name for name in CASES if args.only in name]
    with ThreadPoolExecutor(2 if counted else 1) as pool:
        for case, grown in zip(names, pool.map(lambda name: growth(count, name, count(name, 0)), names), strict=True):
            worst = max(worst, grown)
            sys.stdout.write(f"    {case:28} {grown:5.2f} x\n")
            sys.stdout.flush()
    sys.stdout.write(f"{'worst':32} {worst:5.2f} x\n")
    return int(worst > 2.2)


if __name__ == "__main__":
    sys.exit(main())
