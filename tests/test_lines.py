"""
What happened to a ticket: audit lines that messages carry, that wait on the ticket, and that lie by themselves.
"""

from datetime import timedelta

import pytest

from chalicelib.adapters import keys, rows
from tests.api import served
from tests.documents import audit_lines


def lines_of(api, reference, limit):
    place, lines = f"/v1/tickets/{reference}/events?limit={limit}", []
    page = api.get(place).json_body
    while page["items"]:
        assert len(page["items"]) <= limit
        lines += page["items"]
        if page["next_cursor"] is None:
            break
        page = api.get(f"{place}&cursor={page['next_cursor']}").json_body
    return lines


def told(api, reference, limit):
    return [(line["version"], line["what"]) for line in lines_of(api, reference, limit)]


def carried_by(api, what):
    """Return how many audit lines each of a kind of rows carries."""
    return [len(audit_lines([row])) for row in api.world.rows(what)]


PAGES = pytest.mark.parametrize("limit", [1, 2, 3, 5, 50])
RATED = [(1, "opened"), (2, "replied"), (3, "due"), (4, "rated")]


@pytest.fixture
def rated():
    """One ticket that was answered, resolved and rated, and its number."""
    with served() as api:
        ticket = api.opened()["reference"]
        api.post(f"/v1/tickets/{ticket}/messages", {"body": "Done.", "status": "resolved"})
        api.world.settle()
        api.world.sweep(api.world.now + timedelta(hours=25))
        assert api.form(api.page({"reference": ticket}, "surveys"), rating="3").status_code == 200
        yield api, ticket


@PAGES
def test_lines_of_messages_and_lines_that_wait_come_in_one_order(rated, limit):
    api, ticket = rated
    assert told(api, ticket, limit) == RATED
    carried = {row["sk"][8:] for row in api.world.rows("MESSAGE#")}
    assert [line["id"] in carried for line in lines_of(api, ticket, limit)] == [True, True, False, False]


@PAGES
def test_lines_that_waited_go_with_the_next_message(rated, limit):
    api, ticket = rated
    before, carried = told(api, ticket, limit), carried_by(api, "MESSAGE#")
    note = api.post(f"/v1/tickets/{ticket}/messages", {"body": "Called her.", "internal": True})
    assert told(api, ticket, limit) == [*before, (len(before) + 1, "noted")]
    assert lines_of(api, ticket, limit)[-1]["id"] == note.json_body["id"]
    assert sorted(carried_by(api, "MESSAGE#")) == sorted([*carried, 3])
    assert carried_by(api, "TICKET") == [0]


@PAGES
def test_when_too_many_wait_they_lie_by_themselves_and_the_ticket_stays_small(rated, limit):
    api, ticket = rated
    before = told(api, ticket, limit)
    for n in range(20):
        assert api.patch(f"/v1/tickets/{ticket}", {"tags": [f"tag {n}"]}).status_code == 200
    assert told(api, ticket, limit) == [*before, *((n, "updated") for n in range(len(before) + 1, len(before) + 21))]
    assert carried_by(api, "EVENT#") == [7, 7, 7]
    assert carried_by(api, "TICKET") == [1]


@PAGES
def test_lines_of_a_desk_of_before_each_lie_by_themselves(rated, limit):
    api, ticket = rated
    before, replied = told(api, ticket, limit), lines_of(api, ticket, 50)[1]["id"]
    for n in (1, 2):
        line = {"at": "2026-03-02T09:00:00Z", "by": {"role": "system"}, "what": "noted", "version": 90 + n}
        rows.row(keys.event(ticket, f"{replied}{n}"), line).save()
    assert told(api, ticket, limit) == [*before[:2], (91, "noted"), (92, "noted"), *before[2:]]


def test_lines_that_say_much_do_not_wait_together(rated):
    api, ticket = rated
    assert api.patch(f"/v1/tickets/{ticket}", {"tags": [f"{n:050}" for n in range(20)]}).status_code == 200
    assert (carried_by(api, "EVENT#"), carried_by(api, "TICKET")) == ([3], [0])
