"""
What twice a hostile mail costs: `python -m tests.mail.growth` counts the instructions of reading it, with valgrind.

A figure of 2.0 means that the work grows as the mail does. Without valgrind, Python's own steps are counted, which do not see
what happens inside of a search.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count

from chalicelib.mail import reader

_HEAD = b"From: a@b.example\r\nTo: c@d.example\r\nSubject: x\r\n"
_COUNTED = re.compile(r"Collected : (\d+)")
# Below the caps on lines and headers, over which a mail costs nothing more.
SIZES = (12_000, 24_000)
_OF_HEADERS = 2  # times smaller
WORST = 2.2


def plain(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: _HEAD + b"\r\nhello\r\n" + piece * (size // len(piece))


def page(piece: bytes) -> Callable[[int], bytes]:
    return lambda size: _HEAD + b"Content-Type: text/html\r\n\r\nhello" + piece * (size // len(piece))


def heading(start: bytes, piece: bytes) -> Callable[[int], bytes]:
    return lambda size: start + piece * (size // _OF_HEADERS // len(piece)) + b"\r\n" + _HEAD + b"\r\nhello"


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


def children() -> None:
    """
    Read each mail in a child of its own, one after the other: valgrind tells at its end what it counted.
    """
    reader.read(page(b"<p>hello")(500))  # what is built once for a process is no part of the growth
    for raw in (_HEAD, *(CASES[case](size) for case in sys.stdin.read().splitlines() for size in SIZES)):
        child = os.fork()
        if child == 0:
            reader.read(raw)
            os._exit(0)
        os.waitpid(child, 0)


def instructions(names: list[str]) -> Iterator[int]:
    """
    Yield the instructions of reading nothing, then those of each case in both sizes.
    """
    counting = subprocess.Popen(  # noqa: S603
        [
            shutil.which("valgrind"),
            "--tool=callgrind",
            "--callgrind-out-file=/dev/null",
            sys.executable,
            "-m",
            "tests.mail.growth",
            "--children",
        ],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={"PYTHONHASHSEED": "0"},
    )
    with counting:
        counting.stdin.write("\n".join(names))
        counting.stdin.close()
        yield from (int(found[1]) for line in counting.stderr if (found := _COUNTED.search(line)))


def steps(names: list[str]) -> Iterator[int]:
    """
    Yield the same in steps of Python.
    """
    for raw in (_HEAD, *(CASES[case](size) for case in names for size in SIZES)):
        counted = count(1)
        sys.setprofile(lambda *_, counted=counted: next(counted))
        reader.read(raw)
        sys.setprofile(None)
        yield next(counted)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mail.growth", description="What twice a hostile mail costs.")
    parser.add_argument("--children", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with TEXT in their names")
    args = parser.parse_args()
    if args.children:
        children()
        return 0
    valgrind = shutil.which("valgrind") is not None
    names = [name for name in CASES if args.only in name]
    counts = instructions(names) if valgrind else steps(names)
    sys.stdout.write(
        f"{'instructions' if valgrind else 'steps'} when the mail doubles, from {SIZES[0]:,} to {SIZES[1]:,} bytes\n"
    )
    worst, nothing = 0.0, next(counts)
    for case in names:
        few, many = next(counts), next(counts)
        grown = (many - nothing) / (few - nothing)
        worst = max(worst, grown)
        sys.stdout.write(f"    {case:32} {grown:5.2f} x\n")
        sys.stdout.flush()
    sys.stdout.write(f"{'worst case':26} {'<= 2.2 x':>9}  {worst:.2f} x\n")
    return int(worst > WORST)


if __name__ == "__main__":
    sys.exit(main())
