"""
Mails broken at random, which must be read all the same: `python -m tests.mail.fuzz` reads 1,000,000 of them.

Each is made of a mail of our own (or of real mail, where it is at hand) by a seed and its number alone, so that any of them can
be made again: `--seed S --only N`.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

from chalicelib.mail import reader
from chalicelib.mail.identity import identity

from .corpus import FOLDER, labelled, storable
from .samples import ALL

MAILS = 1_000_000
BATCH = 500
_LARGEST = 5_000
_OUT = Path(__file__).resolve().parents[2] / "build"
PIECES = (
    b"=?utf-8?b?", b"=?x?q?=ff?=", b"?=", b"\r\n", b"\n ", b"\n\n", b";", b'"', b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"--=_b1", b"--",
    b"charset=", b"charset=utf-16", b"charset=punycode", b"*0*=", b"*1=", b"''%", b"<", b">", b"(", b")", b"@", b",", b":", b"\r", b"\t",
    b"> ", b">From ", b"On 3 May 2025 x wrote:\n", b"-----Original Message-----\n", b"-- \n", b"Sent from my x\n", b"From: a@b\nSent: x\n",
    b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", b"Content-Type: message/rfc822\n\n", b"Content-Type: text/html\n",
    b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"<div>", b"<blockquote>", b"</", b"<!--",
    b'<img src="cid:', b"<a href=", b"&#", b"&#x110000;", b'style="display:none"', b"<div id=appendonsend>", b"begin 644 a\n#0V%T\n`\nend\n",
    b"Action: failed\nStatus: 5.1.1\n\n", b"Feedback-Type: abuse\n", b"Final-Recipient: rfc822;", b"Date: Mon, 99 Foo 99999999 99:99:99 +9999\n",
)  # fmt: skip


@cache
def seeds() -> tuple[bytes, ...]:
    real = [(FOLDER / one["path"]).read_bytes() for one in labelled()] if (FOLDER / "index.jsonl").exists() else []
    return (*ALL, *(raw for raw in real if len(raw) <= _LARGEST))


def mutated(seed: int, number: int, of: tuple[bytes, ...]) -> bytes:
    """
    Return the mail *number* of *seed*.
    """
    chance = random.Random(f"{seed}:{number}")
    out = bytearray(chance.choice(of))
    for _ in range(chance.randint(1, 8)):
        at = chance.randrange(len(out) + 1)
        what = chance.random()
        if what < 0.5:
            out[at:at] = chance.choice(PIECES) * chance.choice((1, 1, 1, 2, 30))
        elif what < 0.65:
            del out[at : at + chance.choice((1, 3, 20, 500))]
        elif what < 0.8 and out:
            out[min(at, len(out) - 1)] = chance.randrange(256)
        else:
            start = chance.randrange(len(out) + 1)
            out[at:at] = out[start : start + chance.choice((3, 30, 300))]
    return bytes(out)


def trouble(raw: bytes) -> str | None:
    """
    Return what is wrong with the reading of a mail; None when all that must hold does.
    """
    try:
        found = reader._read(raw, ())
        identity(raw, "lamps")
    except Exception as error:  # noqa: BLE001 that is what is looked for
        return f"{type(error).__name__}: {error}"
    if not storable(found):
        return "what cannot be stored"
    if len("".join((found.text + found.quoted_text).split())) != len("".join(found.full_text.split())):
        return "words are lost"
    if any("/" in each.name or not each.name for each in found.attachments):
        return "a file without a safe name"
    return None


def batch(seed: int, first: int, *, own_only: bool = False) -> list[tuple[int, str]]:
    """
    Read one batch, and return (number, trouble) of those that were not read as they should be.
    """
    of = ALL if own_only else seeds()
    told = ((number, trouble(mutated(seed, number, of))) for number in range(first, first + BATCH))
    return [(number, said) for number, said in told if said]


def campaign(seed: int, mails: int, workers: int) -> Iterator[tuple[int, list[tuple[int, str]]]]:
    """
    Yield after each batch how many mails were read so far, and what was wrong in it.
    """
    with ProcessPoolExecutor(workers) as pool:
        for number, found in enumerate(pool.map(partial(batch, seed), range(0, mails, BATCH)), 1):
            yield number * BATCH, found


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mail.fuzz", description="Read mails that are broken at random."
    )
    parser.add_argument("--mails", type=int, default=MAILS, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other mails (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    parser.add_argument("--only", type=int, metavar="N", help="only the mail N of the seed, kept in build/")
    args = parser.parse_args()
    if args.only is not None:
        return _one(args.seed, args.only)
    start, wrong, last = time.monotonic(), [], 0.0
    for done, found in campaign(args.seed, args.mails, args.workers):
        wrong += found
        if time.monotonic() - last > 1 or done >= args.mails:
            last = time.monotonic()
            rate = done / (last - start)
            sys.stdout.write(
                f"\r{done:>9,} of {args.mails:,}  {rate:6,.0f}/s  {len(wrong)} unhandled  seed {args.seed} "
            )
            sys.stdout.flush()
    sys.stdout.write("\n")
    for number, said in wrong[:20]:
        sys.stdout.write(
            f"mail {number}: {said}   again: python -m tests.mail.fuzz --seed {args.seed} --only {number}\n"
        )
    return int(bool(wrong))


def _one(seed: int, number: int) -> int:
    raw = mutated(seed, number, seeds())
    _OUT.mkdir(exist_ok=True)
    file = _OUT / f"fuzz-{seed}-{number}.eml"
    file.write_bytes(raw)
    said = trouble(raw)
    sys.stdout.write(f"{file}: {said or 'read as it should be'}\n")
    return int(said is not None)


if __name__ == "__main__":
    sys.exit(main())
