"""
Finding tickets: views, questions, and pages of them.
"""

from datetime import timedelta

import pytest

from chalicelib.adapters import rows
from tests.api import served


def problem_at(answer):
    assert answer.status_code == 422, answer.body
    return [error["pointer"] for error in answer.json_body["errors"]]


@pytest.fixture(scope="module")
def desk():
    """A desk with one ticket for each view."""
    with served() as api:
        world = api.world
        names = ("waiting", "mine", "pending", "at_risk", "spam", "resolved", "bad_ratings")
        found = {name: api.opened(customer={"email": f"{name}@customer.test"})["reference"] for name in names}
        found["others"] = api.opened("other", customer={"email": "waiting@customer.test"})["reference"]

        def change(name, **more):
            assert api.patch(f"/v1/tickets/{found[name]}", more).status_code == 200

        def post(name, rest, body=None):
            assert api.post(f"/v1/tickets/{found[name]}{rest}", body).status_code in (200, 201)

        change("mine", assignee="ana@shop.test")
        post("pending", "/messages", {"body": "Which size?"})
        change("spam", status="spam")
        post("resolved", "/resolve")
        change("at_risk", priority="high")
        post("bad_ratings", "/messages", {"body": "Done."})
        post("bad_ratings", "/resolve")
        world.sweep(world.now + timedelta(minutes=50))
        world.sweep(world.now + timedelta(hours=25))
        assert api.form(api.page({"reference": found["bad_ratings"]}, "surveys"), rating="1").status_code == 200
        yield api, found


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("view=mine", {"mine"}),
        ("view=unassigned", {"waiting", "at_risk", "others"}),
        ("view=waiting", {"waiting", "mine", "at_risk", "others"}),
        ("view=pending", {"pending"}),
        ("view=spam", {"spam"}),
        ("view=bad_ratings", {"bad_ratings"}),
        ("view=at_risk", {"waiting", "mine", "at_risk", "others"}),
        ("view=all", {"waiting", "mine", "pending", "at_risk", "spam", "resolved", "bad_ratings", "others"}),
        ("", {"waiting", "mine", "pending", "at_risk", "spam", "resolved", "bad_ratings", "others"}),
        ("status=resolved", {"resolved", "bad_ratings"}),
        ("status=new", {"waiting", "at_risk", "others"}),
        ("status=spam", {"spam"}),
        ("assignee=ana@shop.test", {"mine"}),
        ("customer=Waiting@customer.test", {"waiting", "others"}),
        ("customer=waiting@customer.test&status=resolved", set()),
        ("q=waiting@customer.test", {"waiting", "others"}),
        ("q={mine}", {"mine"}),
        ("q=nonsense", set()),
    ],
)
def test_a_list_shows_what_was_asked_for(desk, asked, names):
    api, found = desk
    listed = api.get(f"/v1/tickets?{asked.format(**found)}").json_body
    assert {ticket["reference"] for ticket in listed["items"]} == {found[name] for name in names}


@pytest.mark.parametrize("view", ["all", "waiting", "unassigned", "at_risk"])
def test_a_storefronts_list_holds_its_own_only(desk, view):
    api, found = desk
    listed = api.get(f"/v1/tickets?view={view}", by="other").json_body["items"]
    assert [ticket["reference"] for ticket in listed] == [found["others"]]


def test_the_promise_that_breaks_next_comes_first(desk):
    api, found = desk
    assert api.get("/v1/tickets?view=at_risk").json_body["items"][0]["reference"] == found["at_risk"]


@pytest.mark.parametrize(
    ("asked", "at_fault"),
    [
        ("view=everything", "/view"),
        ("status=lost", "/status"),
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=x", "/limit"),
        ("limit=", "/limit"),
        ("cursor=nonsense", "/cursor"),
        ("cursor=MjAyNlcxMFQxMQ", "/cursor"),
        ("cursor=%C3%BC", "/cursor"),
        ("cursor=____", "/cursor"),
    ],
)
def test_a_list_that_cannot_be_asked_for_is_pointed_at(desk, asked, at_fault):
    api, _ = desk
    assert problem_at(api.get(f"/v1/tickets?{asked}")) == [at_fault]


def test_mine_is_a_view_of_agents(desk):
    api, _ = desk
    assert problem_at(api.get("/v1/tickets?view=mine", by="storefront")) == ["/view"]


@pytest.mark.parametrize("asked", ["view=all", "view=waiting", "view=unassigned", "customer=many@customer.test"])
def test_pages_of_a_list_show_each_ticket_once(desk, asked):
    api, _ = desk
    whole = [ticket["reference"] for ticket in api.get(f"/v1/tickets?{asked}").json_body["items"]]
    paged, cursor = [], ""
    for _ in range(20):
        page = api.get(f"/v1/tickets?{asked}&limit=2{cursor}").json_body
        assert len(page["items"]) <= 2
        paged += [ticket["reference"] for ticket in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert paged == whole


def test_an_index_that_lags_shows_nothing_that_has_moved_on(desk, monkeypatch):
    api, found = desk
    read, known = rows.page, {}
    monkeypatch.setattr(rows, "page", lambda index, pk, **more: known.setdefault(pk, read(index, pk, **more)))

    def at_risk():
        return [ticket["reference"] for ticket in api.get("/v1/tickets?view=at_risk").json_body["items"]]

    assert at_risk()[0] == found["at_risk"]
    api.post(f"/v1/tickets/{found['at_risk']}/resolve")
    assert found["at_risk"] not in at_risk()
    assert found["waiting"] in at_risk()
