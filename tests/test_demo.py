"""
What the demo promises it insists on.
"""

from email.message import Message

import pytest

from infra.demo.stage import Demo, Surprise
from infra.embedded.caller import Answer


class NothingThere:
    def call(self, *_asked, **_how):
        return Answer(404, Message(), b"Nothing.")


def test_what_is_so_is_a_promise_kept(capsys):
    demo = Demo(NothingThere())
    demo.expect(["a ticket"], "there is a ticket")
    assert demo.kept == 1
    assert "there is a ticket" in capsys.readouterr().out


def test_what_is_not_so_is_a_surprise():
    demo = Demo(NothingThere())
    with pytest.raises(Surprise, match="not so: there is a ticket"):
        demo.expect([], "there is a ticket")
    assert demo.kept == 0


def test_another_status_than_was_wanted_is_a_surprise():
    with pytest.raises(Surprise, match="GET /v1/tickets gave 404, not 200: Nothing"):
        Demo(NothingThere()).call("GET", "/v1/tickets", wanted=200)
    assert Demo(NothingThere()).call("GET", "/v1/tickets", wanted=404).text == "Nothing."
