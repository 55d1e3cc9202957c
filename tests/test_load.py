"""
What many who ask at once are told of themselves: answers in order, each with its time, and how long all took.
"""

from types import SimpleNamespace

import pytest

from bench import traffic
from bench.load import Row
from bench.traffic import Ask
from infra.embedded.caller import mail
from infra.embedded.servers import Http, http, smtp
from infra.embedded.settings import Door, listening

SECONDS = 2.0


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but while somebody is served."""
    now = SimpleNamespace(at=100.0)
    monkeypatch.setattr(traffic, "time", SimpleNamespace(perf_counter=lambda: now.at))
    return now


def address(door):
    host, port = door.getsockname()
    return f"{host}:{port}"


def test_answers_come_in_order_with_their_times(clock):
    class Slow(Http):
        def serve(self):
            clock.at += SECONDS
            self.answer(404 if self.path == "/1" else 200, self.path.encode())

    door = listening(Door("test", "", 0))
    with http(door, Slow):
        told, seconds = traffic.asked(address(door), [Ask("GET", f"/{number}") for number in range(3)], at_once=1)
    assert [(answer.body, answer.good, answer.seconds) for answer in told] == [
        (b"/0", True, SECONDS), (b"/1", False, SECONDS), (b"/2", True, SECONDS),
    ]  # fmt: skip
    assert seconds == 3 * SECONDS


def test_mails_are_timed_until_the_last_one_is_accepted(clock):
    class Slow:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's
            clock.at += SECONDS
            return "554 5.7.1 No" if "b@" in envelope.mail_from else "250 OK"

    letters = [mail(f"{name}@customers.test", "support@demo.test", "Hello", "Hello") for name in "abc"]
    door = listening(Door("test", "", 0))
    with smtp(door, Slow()):
        refused, seconds = traffic.sent(address(door), letters, at_once=1)
    assert [bool(why) for why in refused] == [False, True, False]
    assert seconds == 3 * SECONDS


def test_a_row_says_how_many_came_in_a_second_and_what_is_to_be_reached():
    shown = Row("open", 8, 400, 2.5, p50=43.4, p99=88.6, errors=1).shown()
    assert " ".join(shown.split()) == "open 8 400 160.0 43 89 1 130 a second, p99 270 ms"
    assert " ".join(Row("list", 8, 400, 2.5).shown().split()) == "list 8 400 160.0 0"
