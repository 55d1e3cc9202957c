"""
Ten days of three storefronts, with faults in every call: nothing is lost, doubled, late or forgotten. And what is broken
on purpose is seen.

The long one is `make soak`; all the bugs are tried by `python -m tests.soak --bugs`.
"""

from collections import Counter

import pytest

from tests.soak import report
from tests.soak.bugs import BUGS
from tests.soak.checks import check
from tests.soak.play import Play

_CHEAP = (
    "clocks do not pause",
    "level 2 is early",
    "nobody is reminded",
    "nothing closes",
    "the sweep forgets the outbox",
    "keys are forgotten",
)
_FLOORS = {
    "tickets": 140, "mails taken by SES": 300, "promises: level 1": 30, "surveys planned": 20, "surveys skipped": 10,
    "survey-invitation decided": 10, "silence-reminder decided": 10, "resolved": 40, "closed": 3, "reopened": 3,
    "words of robots": 3, "faults fired": 200, "digest decided": 30,
}  # fmt: skip
happened = Counter()
pytestmark = pytest.mark.xdist_group("soak")  # the last test counts what the others did


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_lost_doubled_late_or_forgotten(seed):
    play = Play(seed=seed, days=10, tickets=50, faults=0.02, real_letters=seed == 3).run()
    found = check(play)
    happened.update(report.counts(play, found))
    assert found.green, "\n".join([f"python -m tests.soak --seed {seed} --days 10 --tickets 50", *report.reds(found)])


def test_enough_happened_for_that_to_mean_something():
    assert {name: happened[name] for name, floor in _FLOORS.items() if happened[name] < floor} == {}


def test_a_seed_plays_the_same_again():
    first, second = (Play(seed=4, days=4, tickets=8, faults=0.05).run() for _ in range(2))
    assert [(s.ticket, s.what, s.seen_at) for s in first.diary.sent.values()] == [
        (s.ticket, s.what, s.seen_at) for s in second.diary.sent.values()
    ]
    assert first.dice.fired == second.dice.fired
    assert first.store.rows() == second.store.rows()


@pytest.mark.parametrize("bug", [bug for bug in BUGS if bug.name in _CHEAP], ids=lambda bug: bug.name)
def test_what_is_broken_on_purpose_is_seen(bug):
    assert report.seen(bug)
