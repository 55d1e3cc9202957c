"""
API keys.
"""

from datetime import timedelta

import pytest

from chalicelib.domain.access import ApiKey, Scope, digest, taken_apart, written
from tests.domain.build import START

KEY = ApiKey("0a1b", Scope.AGENT, digest("secret"), START)


def test_a_token_is_taken_apart_into_key_and_secret():
    assert taken_apart(written(Scope.AGENT, "0a1b", "secret")) == ("0a1b", "secret")


@pytest.mark.parametrize(
    "token",
    [
        "",
        "careline",
        "careline_agent_0a1b",
        "careline_agent__secret",
        "careline_agent_0a1b_",
        "other_agent_0a1b_secret",
        "careline_agent_0a1b_sec_ret",
    ],
)
def test_what_has_not_the_form_of_a_token_is_none(token):
    assert taken_apart(token) is None


@pytest.mark.parametrize("secret", ["", "Secret", "secret ", digest("secret")])
def test_only_the_secret_opens(secret):
    assert KEY.opened_by("secret", START)
    assert not KEY.opened_by(secret, START)


def test_a_revoked_key_opens_nothing_from_then_on():
    revoked = ApiKey("0a1b", Scope.AGENT, digest("secret"), START, revoked_at=START + timedelta(hours=1))
    assert revoked.opened_by("secret", START)
    assert not revoked.opened_by("secret", START + timedelta(hours=1))


def test_the_scope_written_in_a_token_is_not_what_counts():
    assert taken_apart(written(Scope.ADMIN, "0a1b", "secret")) == taken_apart(
        written(Scope.PUBLISHABLE, "0a1b", "secret")
    )
