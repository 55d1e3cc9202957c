"""
The life of something to send, from the moment it is stored until nobody has to think of it any more.

    queued ── claim ──> sending ── settle ──> (gone: the message says `sent`)
       ^                   │
       └── refused ────────┤ SES said no: nothing was sent, later again
                           └── no answer: when the lease is over, SES's own Send event settles it; without one after
                               a grace it is sent once more, and a second time without a word it is held

A claim is a lease: until the grace is over, which is longer than any function runs, nobody else sends the same thing.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from chalicelib.domain.ticket import File
from chalicelib.frozen import frozen

FIRST_LOOK = timedelta(seconds=120)
"""When the sweep looks for what the stream should have sent long ago."""

GRACE = timedelta(minutes=15)
"""How long a Send event may take before a send without an answer is tried again."""

HELD_AFTER = 12
"""Refusals after which an item is held for people: about a day."""

MOST_ATTACHED = 7_000_000
"""Bytes of files that a mail carries: base64 makes a third more of them, and many providers take 10 MB at most."""

_FIRST_DELAY = timedelta(minutes=1)
_LONGEST_DELAY = timedelta(hours=4)


def carried(files: Iterable[File]) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """Return the files that go along with a mail, in their order as far as there is room, and those that are too large."""
    along: list[File] = []
    left: list[File] = []
    for file in files:
        fits = sum(each.size for each in along) + file.size <= MOST_ATTACHED
        (along if fits else left).append(file)
    return tuple(along), tuple(left)


class State(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    HELD = "held"


class Step(StrEnum):
    """What a worker does with an item now."""

    SEND = "send"
    WAIT = "wait"
    HOLD = "hold"
    NOTHING = "nothing"


@frozen
class Progress:
    """
    How far the sending of an item is.

    `attempt` counts claims, `silent` those that ended without an answer, `claimed_at` is when the last one was made,
    and `reason` why it is not sent yet.
    """

    state: State
    attempt: int = 0
    silent: int = 0
    claimed_at: datetime | None = None
    not_before: datetime | None = None
    reason: str | None = None


def step(progress: Progress, now: datetime, *, events_flow: bool) -> Step:
    """
    Decide what to do with an item that is not settled.

    Args:
        progress: As it was read.
        now: The wall clock; leases and retries never follow a simulated time.
        events_flow: Whether SES's events are seen to arrive, so that a missing one means something.
    """
    if progress.state is State.HELD:
        return Step.NOTHING
    if progress.not_before and now < progress.not_before:
        return Step.WAIT
    if progress.state is State.QUEUED:
        return Step.SEND
    asked_long_ago = progress.claimed_at is None or now >= progress.claimed_at + GRACE
    if not asked_long_ago or not events_flow:
        return Step.WAIT
    return Step.SEND if progress.silent == 0 else Step.HOLD


def look_again_at(progress: Progress, now: datetime) -> datetime:
    """Return when the sweep should look at an item that has to wait."""
    if progress.not_before and now < progress.not_before:
        return progress.not_before
    answered_by = progress.claimed_at + GRACE if progress.claimed_at is not None else now
    return max(answered_by, now + timedelta(minutes=2))


def retry_at(attempt: int, now: datetime) -> datetime:
    """Return when to try again what was refused *attempt* times: 1, 2, 4 ... minutes, at most 4 hours."""
    return now + min(_FIRST_DELAY * (1 << min(attempt - 1, 10)), _LONGEST_DELAY)
