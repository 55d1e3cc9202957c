"""
What a worker does with something to send.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.sending import GRACE, Progress, State, Step, look_again_at, retry_at, step
from tests.domain.build import START

MINUTE = timedelta(minutes=1)


def queued(**more):
    return Progress(State.QUEUED, **more)


def sending(ago, **more):
    return Progress(State.SENDING, attempt=1, claimed_at=START - ago, **more)


@pytest.mark.parametrize(
    ("progress", "events_flow", "does"),
    [
        (queued(), True, Step.SEND),
        # nothing is known to be lost: events do not matter
        (queued(), False, Step.SEND),
        # undo, or later again
        (queued(not_before=START + MINUTE), True, Step.WAIT),
        (queued(not_before=START), True, Step.SEND),
        # somebody else has the lease
        (sending(MINUTE), True, Step.WAIT),
        (sending(GRACE - MINUTE), True, Step.WAIT),
        # the lease is over and SES says nothing, though it would
        (sending(GRACE), True, Step.SEND),
        # nobody would say anything: wait for the events to flow
        (sending(GRACE), False, Step.WAIT),
        (sending(100 * GRACE), False, Step.WAIT),
        # a second time without a word
        (sending(GRACE, silent=1), True, Step.HOLD),
        (sending(MINUTE, silent=1), True, Step.WAIT),
        (Progress(State.HELD), True, Step.NOTHING),
    ],
)
def test_what_is_done_with_an_item(progress, events_flow, does):
    assert step(progress, START, events_flow=events_flow) is does


def test_a_lease_is_longer_than_any_function_runs():
    assert timedelta(seconds=60 * 6) < GRACE


@pytest.mark.parametrize(
    ("attempt", "minutes"), [(1, 1), (2, 2), (3, 4), (8, 128), (9, 240), (12, 240), (500, 240)]
)  # fmt: skip
def test_what_was_refused_is_tried_later_and_later(attempt, minutes):
    assert retry_at(attempt, START) == START + minutes * MINUTE


@pytest.mark.parametrize(
    ("progress", "minutes"),
    [
        (queued(not_before=START + 7 * MINUTE), 7),
        (sending(5 * MINUTE), 10),
        # never so soon that the sweep turns round and round
        (sending(GRACE), 2),
        (sending(100 * GRACE), 2),
        (queued(), 2),
    ],
)
def test_the_sweep_looks_again_when_it_may_have_changed(progress, minutes):
    assert look_again_at(progress, START) == START + minutes * MINUTE
