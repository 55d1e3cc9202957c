"""
A few hundred of what `make loops` plays ten thousand of. And what is broken on purpose is seen.
"""

from functools import partial

import pytest

from chalicelib.domain import budgets
from chalicelib.mail import automatic, compose
from chalicelib.usecases import letters, surveys
from tests.mail import loops

TIMES = {"scanners": 200, "injections": 200, "forged": 120, "crowd": 120}
PLAYS = loops.plays()


def played(name, times=None):
    return PLAYS[name](times or TIMES.get(name, 120), lambda _: None)


@pytest.mark.parametrize("name", PLAYS)
def test_the_bound_of_a_play_holds(name):
    found = played(name)
    assert found.holds, found.line


def answers_whatever_is_alike(patch):
    patch.setattr(budgets, "ALIKE_MOST", 10**6)


def answers_the_unverified_like_others(patch):
    patch.setattr(budgets, "UNVERIFIED_MOST", 10**6)


def repeats_the_words_of_strangers(patch):
    whole = letters._context

    def context(desk, ticket, *more):
        return whole(desk, ticket, *more) | {"subject": ticket.subject}

    patch.setattr(letters, "_context", context)


def names_the_ids_of_strangers(patch):
    whole = letters.Letter
    told = partial(whole)
    patch.setattr(letters, "Letter", lambda **said: told(**{**said, "in_reply_to": "<zqx@evil.test>"}))


def forgets_what_a_storefront_sent(patch):
    patch.setattr(budgets, "reserved", lambda minutes, *_: minutes)


def knows_no_list(patch):
    whole = automatic._by_header
    patch.setattr(automatic, "_by_header", lambda found: None if "list-id" in found else whole(found))


def keeps_line_ends(patch):
    patch.setattr(compose, "_clean", lambda text: text)


def opts_out_by_looking(patch):
    from chalicelib.handlers import pages

    patch.setattr(pages, "opt_out", pages.opted_out)


def rates_by_looking(patch):
    whole = surveys.show

    def show(desk, claim):
        surveys.rate(desk, claim, surveys.Rating(5))
        return whole(desk, claim)

    patch.setattr(surveys, "show", show)


@pytest.mark.parametrize(
    ("name", "bug"),
    [
        ("a vacation note", answers_whatever_is_alike),
        ("a polite desk", answers_whatever_is_alike),
        ("a bouncer", answers_whatever_is_alike),
        ("forged", answers_the_unverified_like_others),
        ("forged", repeats_the_words_of_strangers),
        ("forged", names_the_ids_of_strangers),
        ("crowd", forgets_what_a_storefront_sent),
        ("a mailing list", knows_no_list),
        ("injections", keeps_line_ends),
        ("scanners", opts_out_by_looking),
        ("scanners", rates_by_looking),
    ],
)
def test_what_is_broken_on_purpose_is_seen(name, bug, monkeypatch):
    bug(monkeypatch)
    assert not played(name, 60).holds
