"""
The HTTP API and the pages, as callers see them.
"""

import itertools
import json
import re
import time

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from chalice.test import HTTPResponse
from jsonschema import Draft202012Validator, ValidationError
from pynamodb.exceptions import GetError

from chalicelib.domain.access import Scope
from chalicelib.domain.errors import Busy
from chalicelib.handlers import callers, schema
from chalicelib.handlers.answers import ANSWERS, OF_DOOR
from chalicelib.handlers.routes import ROUTES
from chalicelib.usecases import house, tickets
from tests.api import as_described, served, wanted

_people = itertools.count(1)


@pytest.fixture(scope="module")
def api():
    with served() as one:
        yield one


@pytest.fixture
def someone():
    """An address that no other test has."""
    return f"person{next(_people)}@customer.test"


def by(email, **more):
    return wanted(customer={"email": email, "name": "Eva"}, **more)


def at(ticket, rest=""):
    return f"/v1/tickets/{ticket['reference']}{rest}"


def problem(answer, status):
    """Check that an answer is a problem, and return it."""
    said = answer.json_body
    assert answer.status_code == status, answer.body
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert said["status"] == status
    assert said["type"]
    assert said["title"]
    return said


def pointers(answer):
    return [error["pointer"] for error in problem(answer, 422)["errors"]]


# Who may


SCOPES = {"publishable": Scope.PUBLISHABLE, "storefront": Scope.STOREFRONT, "agent": Scope.AGENT, "admin": Scope.ADMIN}
GUARDED = [route for route in ROUTES if route.scopes]


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_route_opens_for_its_scopes_only(api, route):
    path = route.path.replace("{reference}", "CL-00000-00001")
    problem(api.ask(route.method, path, {}, by=None), 401)
    for who, scope in SCOPES.items():
        status = api.ask(route.method, path, {}, by=who).status_code
        assert (status == 403) is (scope not in route.scopes), (who, status)


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic {key}",
        "{key}",
        "Bearer {key}x",
        "Bearer careline_admin_x_y",
        "Bearer careline_{key}",
    ],
)
def test_a_key_that_is_wrong_in_any_way_gets_one_answer(api, authorization):
    answer = api.get("/v1/tickets", by=None, Authorization=authorization.format(key=api.keys["agent"]))
    assert problem(answer, 401)["detail"].startswith("Send a valid API key")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="careline"'


def test_a_key_cannot_be_promoted_by_its_own_text(api):
    promoted = api.keys["publishable"].replace("publishable", "admin")
    answer = api.get("/v1/tickets", by=None, Authorization=f"Bearer {promoted}")
    assert problem(answer, 403)["detail"] == "A key of scope publishable may not do this."


def test_a_revoked_key_is_no_key(api):
    token = house.create_key(api.world.desk, Scope.AGENT)
    assert api.get("/v1/tickets", by=None, Authorization=f"Bearer {token}").status_code == 200
    house.revoke_key(api.world.desk, token.split("_")[2])
    answer = api.get("/v1/tickets", by=None, Authorization=f"Bearer {token}")
    assert problem(answer, 401)["detail"].startswith("Send a valid API key")


def test_the_publishable_key_opens_tickets_and_uploads(api, someone):
    assert api.post("/v1/tickets", by(someone), by="publishable").status_code == 201
    upload = {"name": "a.png", "content_type": "image/png", "size": 3}
    assert api.post("/v1/uploads", upload, by="publishable").status_code == 201


# Opening


def test_a_ticket_is_opened_with_its_address_and_version(api, someone):
    answer = api.post("/v1/tickets", by(someone, kind="return", tags=["a", "b", "a"]), by="storefront")
    ticket = answer.json_body
    assert answer.status_code == 201
    assert answer.headers["Location"] == at(ticket)
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Content-Type"] == "application/json"
    assert (ticket["status"], ticket["category"], ticket["channel"], ticket["team"]) == (
        "new",
        "open",
        "api",
        "returns",
    )
    assert (ticket["missing"], ticket["tags"], ticket["storefront"]) == (["order_reference"], ["a", "b"], "demo")
    assert ticket["promises"]["first_response"] == {
        "due_at": "2026-03-02T17:00:00Z",
        "met_at": None,
        "breached": False,
        "paused": False,
    }
    assert ticket["promises"]["next_response"] is None
    assert ticket["created_at"] == "2026-03-02T09:00:00Z"


def test_a_ticket_shows_every_documented_field(api, someone):
    api.opened(customer={"email": someone})
    (ticket,) = api.get(f"/v1/tickets?customer={someone}").json_body["items"]
    documented = (
        "reference status category kind priority channel phase subject language customer storefront assignee team tags "
        "order_reference missing created_at updated_at waiting_since resolved_at follow_up_of rating promises"
    )
    assert set(documented.split()) <= set(ticket)
    assert {"email", "name", "tier"} <= set(ticket["customer"])
    (message,) = api.get(at(ticket, "/messages?limit=1")).json_body["items"]
    documented = "id author channel created_at internal automatic verified subject text quoted_text full_text html attachments delivery"
    assert set(documented.split()) <= set(message)
    assert message["author"] == {"role": "customer", "name": None, "email": someone}


def test_the_customer_is_acknowledged_in_his_language(api, someone):
    ticket = api.opened(customer={"email": someone, "name": "Eva", "language": "es-MX"}, kind="claim")
    (mail,) = api.mails(ticket)
    text = mail.get_body(("plain",)).get_content()
    assert ticket["reference"] in mail["Subject"]
    assert mail["Reply-To"].startswith("support+")
    assert mail["Auto-Submitted"] == "auto-replied"
    assert "Hola" in text
    assert f"https://desk.test/tickets/{ticket['reference'][3:8].lower()}" in text
    assert len(ticket["missing"]) == 2


def test_an_unauthenticated_request_finds_none_of_its_own_words_in_the_acknowledgement(api, someone):
    words = {"subject": "BUY NOW https://spam.test", "customer": {"email": someone, "name": "Win a prize"}}
    (mail,) = api.mails(api.opened("publishable", **words))
    assert not re.search("BUY NOW|spam\\.test|prize", mail.as_string())


@pytest.mark.parametrize("channel", ["phone", "in_person", "chat", "social"])
def test_an_agent_logs_by_hand_what_came_without_an_address(api, channel):
    logged = wanted(customer={"phone": f"+49 30 {channel}"}, channel=channel, storefront="demo")
    ticket = api.post("/v1/tickets", logged).json_body
    assert (ticket["channel"], ticket["customer"]["email"]) == (channel, None)
    assert api.get(at(ticket, "/messages")).json_body["items"][0]["text"] == "Where is it?"
    assert [row for row in api.world.rows("OUTBOX#") if row["pk"].endswith(ticket["reference"])] == []


def test_the_same_request_with_the_same_key_opens_one_ticket(api, someone):
    first = api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k1")
    second = api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k1")
    assert (second.status_code, second.json_body) == (201, first.json_body)
    assert second.headers["ETag"] == first.headers["ETag"]
    assert len(api.get(f"/v1/tickets?customer={someone}").json_body["items"]) == 1
    api.mails(first.json_body)
    assert len(api.mails(first.json_body)) == 1


def test_the_answer_to_a_repeat_is_the_first_one_whatever_happened_since(api, someone):
    first = api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k2").json_body
    api.post(at(first, "/resolve"))
    assert api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k2").json_body == first


def test_the_same_key_with_another_request_is_refused(api, someone):
    api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k3")
    answer = api.post("/v1/tickets", by(someone, body="Another"), by="storefront", Idempotency_Key="k3")
    assert "another request" in problem(answer, 422)["detail"]
    assert len(api.get(f"/v1/tickets?customer={someone}").json_body["items"]) == 1


def test_a_key_belongs_to_who_sent_it_and_for_a_day(api, someone):
    theirs = api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k4").json_body
    others = api.post("/v1/tickets", by(someone), by="other", Idempotency_Key="k4").json_body
    assert others["reference"] != theirs["reference"]
    before = api.world.now
    try:
        api.world.later(hours=24, seconds=1)
        later = api.post("/v1/tickets", by(someone), by="storefront", Idempotency_Key="k4").json_body
    finally:
        api.world.now = before
    assert later["reference"] != theirs["reference"]


def test_one_key_on_two_tickets_is_another_request(api, someone):
    one, two = api.opened(customer={"email": someone}), api.opened(customer={"email": someone})
    assert api.post(at(one, "/messages"), {"body": "Hello"}, Idempotency_Key="k5").status_code == 201
    answer = api.post(at(two, "/messages"), {"body": "Hello"}, Idempotency_Key="k5")
    assert "another request" in problem(answer, 422)["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb"])
def test_an_idempotency_key_has_one_to_255_printable_characters(api, key):
    assert pointers(api.post("/v1/tickets", wanted(), by="storefront", Idempotency_Key=key)) == ["/Idempotency-Key"]


# What is refused, and stores nothing


@pytest.fixture
def nothing_stored(api):
    before = api.world.rows()
    yield
    assert api.world.rows() == before


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"nonsense", b'{"a": NaN}', b"\xff\xfe{}", b'{"subject": "\\ud800"}',
        b"[" * 33 + b"]" * 33, b"[" * 100_000, b'{"a":' * 40 + b"1" + b"}" * 40, b"9" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_json_or_too_deep_is_a_400(api, nothing_stored, raw):
    assert problem(api.post("/v1/tickets", raw=raw, by="storefront"), 400)["detail"].startswith("The body is ")


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_another_content_type_is_a_415(api, nothing_stored, content_type):
    answer = api.post("/v1/tickets", wanted(), by="storefront", Content_Type=content_type)
    assert problem(answer, 415)["detail"] == "Send JSON, with Content-Type: application/json."


def test_json_may_name_its_characters(api, someone):
    answer = api.post("/v1/tickets", by(someone), by="storefront", Content_Type="Application/JSON; charset=utf-8")
    assert answer.status_code == 201


def test_what_is_too_large_is_a_413(api, nothing_stored):
    too_large = api.post("/v1/tickets", raw=b" " * (schema.MOST_BYTES + 1), by="storefront")
    assert "/v1/uploads" in problem(too_large, 413)["detail"]
    problem(api.post("/v1/tickets", raw=b" " * schema.MOST_BYTES, by="storefront"), 400)


EMAIL = {"email": "eva@customer.test"}


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ([], [""]),
        ("text", [""]),
        (None, [""]),
        ({}, ["/customer", "/subject", "/body"]),
        (wanted(customer="eva"), ["/customer"]),
        (wanted(customer={}), ["/customer/email"]),
        (wanted(customer={"email": "eva"}), ["/customer/email"]),
        (wanted(customer={"email": "jürgen@customer.test"}), ["/customer/email"]),
        (wanted(customer={"email": "eva@customer.test\n"}), ["/customer/email"]),
        (wanted(customer=EMAIL | {"language": "english!"}), ["/customer/language"]),
        (wanted(customer=EMAIL | {"language": "en\n"}), ["/customer/language"]),
        (wanted(customer=EMAIL | {"age": 7}), ["/customer/age"]),
        (wanted(subject=""), ["/subject"]),
        (wanted(subject="  \n "), ["/subject"]),
        (wanted(subject="x" * 501), ["/subject"]),
        (wanted(subject=7), ["/subject"]),
        (wanted(body=None), ["/body"]),
        (wanted(kind="riddle"), ["/kind"]),
        (wanted(priority=1), ["/priority"]),
        (wanted(tags="a"), ["/tags"]),
        (wanted(tags=["a", 1, ""]), ["/tags/1", "/tags/2"]),
        (wanted(tags=["a"] * 51), ["/tags"]),
        (wanted(phase="during"), ["/phase"]),
        (wanted(channel="phone", customer={"phone": "1"}), ["/customer/email"]),
        (wanted(storefront="other"), ["/storefront"]),
        (wanted(attachments=["x" * 26]), ["/attachments/0"]),
        (wanted(attachments=["x"]), ["/attachments/0"]),
        (wanted(**{"a/b~c": 1}), ["/a~1b~0c"]),
        (wanted(kind="riddle", phase="during", urgent=True), ["/kind", "/phase", "/urgent"]),
    ],
)
def test_a_field_that_is_missing_unknown_or_wrong_is_pointed_at(api, nothing_stored, body, at_fault):
    assert pointers(api.post("/v1/tickets", raw=json.dumps(body).encode(), by="storefront")) == at_fault


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        (wanted(), ["/storefront"]),
        (wanted(storefront="nowhere"), ["/storefront"]),
        (wanted(storefront="demo", channel="phone", customer={"name": "Eva"}), ["/customer"]),
        (wanted(storefront="demo", channel="email", customer={"phone": "1"}), ["/customer/email"]),
    ],
)
def test_an_agent_says_for_whom_and_where(api, nothing_stored, body, at_fault):
    assert pointers(api.post("/v1/tickets", body)) == at_fault


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({"status": "new"}, ["/status"]),
        ({"status": None}, ["/status"]),
        ({"reference": "CL-1"}, ["/reference"]),
        ({"snoozed_until": "tomorrow"}, ["/snoozed_until"]),
        ({"snoozed_until": "2030-01-01T00:00:00"}, ["/snoozed_until"]),
        ({"promised_at": "2020-01-01T00:00:00Z"}, ["/promised_at"]),
        ({"snoozed_until": "2020-01-01T00:00:00Z"}, ["/snoozed_until"]),
        ({"assignee": ""}, ["/assignee"]),
    ],
)
def test_a_change_that_cannot_be_is_pointed_at(api, body, at_fault):
    ticket = api.opened()
    assert pointers(api.patch(at(ticket), body)) == at_fault
    assert api.get(at(ticket)).headers["ETag"] == '"1"'


@pytest.mark.parametrize(
    ("who", "body", "at_fault"),
    [
        ("storefront", {}, ["/body"]),
        ("storefront", {"body": "Hi", "internal": True}, ["/internal"]),
        ("agent", {"body": "Hi", "status": "closed"}, ["/status"]),
        ("agent", {"body": "Hi", "undo_seconds": 901}, ["/undo_seconds"]),
        ("agent", {"body": "Hi", "undo_seconds": True}, ["/undo_seconds"]),
        ("agent", {"body": "Hi", "internal": "yes"}, ["/internal"]),
        ("agent", {"body": "Hi", "promised_at": "2020-01-01T00:00:00Z"}, ["/promised_at"]),
    ],
)
def test_words_that_cannot_be_are_pointed_at(api, who, body, at_fault):
    ticket = api.opened()
    assert pointers(api.post(at(ticket, "/messages"), body, by=who)) == at_fault
    assert len(api.get(at(ticket, "/messages?limit=1")).json_body["items"]) == 1


# What is not there


@pytest.mark.parametrize(
    ("method", "rest", "body", "who"),
    [
        ("GET", "", None, "storefront"),
        ("GET", "/messages", None, "storefront"),
        ("POST", "/messages", {"body": "Hi"}, "storefront"),
    ],
)
def test_unknown_foreign_and_impossible_numbers_are_the_same_404(api, method, rest, body, who):
    foreign = api.opened("other")["reference"]
    numbers = [foreign, "CL-00000-00000", "CL-00000-00001", "nonsense"]
    answers = [api.ask(method, f"/v1/tickets/{number}{rest}", body, by=who) for number in numbers]
    said = {
        a.body.replace(f"/v1/tickets/{number}{rest}".encode(), b"*") for a, number in zip(answers, numbers, strict=True)
    }
    assert {a.status_code for a in answers} == {404}
    assert len(said) == 1
    assert b"*" in said.pop()
    assert len({json.dumps(sorted(a.headers.items())) for a in answers}) == 1


@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PATCH", "", {"tags": []}),
        ("POST", "/resolve", None),
        ("POST", "/reopen", None),
        ("POST", "/messages", {"body": "Hi"}),
    ],
)
def test_an_agent_cannot_work_on_what_is_not_there(api, method, rest, body):
    for number in ("CL-00000-00000", "CL-00000-00001", "nonsense"):
        assert (
            problem(api.ask(method, f"/v1/tickets/{number}{rest}", body), 404)["detail"] == "There is no such ticket."
        )


def test_a_number_is_read_as_people_write_it(api):
    ticket = api.opened()
    bare = ticket["reference"].lower().replace("-", "")
    assert api.get(f"/v1/tickets/{bare}").json_body["reference"] == ticket["reference"]


# Moves, versions, unseen words


def test_a_move_that_a_ticket_does_not_know_names_the_possible_ones(api):
    ticket = api.opened()
    api.post(at(ticket, "/resolve"))
    said = problem(api.patch(at(ticket), {"status": "pending"}), 409)["detail"]
    assert "resolved" in said
    assert "closed, merged, open" in said


def test_a_closed_ticket_is_not_reopened_and_a_late_reply_opens_another(api, someone):
    ticket = api.opened(customer={"email": someone})
    api.post(at(ticket, "/resolve"))
    api.patch(at(ticket), {"status": "closed"})
    assert "new ticket" in problem(api.post(at(ticket, "/reopen")), 409)["detail"]
    assert api.post(at(ticket, "/messages"), {"body": "Still broken."}, by="storefront").status_code == 201
    newer, older = api.get(f"/v1/tickets?customer={someone}").json_body["items"]
    assert {newer["follow_up_of"], older["follow_up_of"]} == {ticket["reference"], None}


@pytest.mark.parametrize("stale", ['"2"', '"0"', "nonsense", '"1", "2"', '""'])
@pytest.mark.parametrize(
    ("method", "rest", "body"),
    [
        ("PATCH", "", {"tags": ["x"]}),
        ("POST", "/resolve", None),
        ("POST", "/reopen", None),
        ("POST", "/messages", {"body": "On its way."}),
        ("POST", "/messages", {"body": "He called.", "internal": True}),
        ("PUT", "/check-in", {"at": "2026-03-10T09:00:00Z"}),
        ("DELETE", "/check-in", None),
    ],
)
def test_a_stale_version_changes_nothing(api, method, rest, body, stale):
    ticket = api.opened()
    problem(api.ask(method, at(ticket, rest), body, If_Match=stale), 412)
    assert api.get(at(ticket)).headers["ETag"] == '"1"'


@pytest.mark.parametrize("current", ['"1"', 'W/"1"', "*"])
def test_the_current_version_is_changed_and_becomes_the_next(api, current):
    ticket = api.opened()
    answer = api.patch(at(ticket), {"tags": ["x"]}, If_Match=current)
    assert (answer.status_code, answer.headers["ETag"], answer.json_body["tags"]) == (200, '"2"', ["x"])


def test_a_customer_s_words_are_written_on_the_version_that_their_storefront_read(api):
    ticket = api.opened()
    words = {"body": "And the blue one?"}
    problem(api.post(at(ticket, "/messages"), words, by="storefront", If_Match='"2"'), 412)
    assert api.post(at(ticket, "/messages"), words, by="storefront", If_Match='"1"').status_code == 201


def test_a_repeat_with_the_version_of_before_gets_the_first_answer(api):
    ticket = api.opened()
    once = {"If_Match": '"1"', "Idempotency_Key": "m1"}
    first = api.post(at(ticket, "/messages"), {"body": "On its way."}, **once)
    again = api.post(at(ticket, "/messages"), {"body": "On its way."}, **once)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json_body == first.json_body
    texts = [message["text"] for message in api.get(at(ticket, "/messages")).json_body["items"]]
    assert texts.count("On its way.") == 1


def test_asking_for_what_is_there_already_is_no_event(api):
    ticket = api.opened()
    api.patch(at(ticket), {"assignee": "ana@shop.test"})
    assert api.patch(at(ticket), {"assignee": "ana@shop.test"}).headers["ETag"] == '"2"'


def test_a_reply_that_missed_the_customers_words_gets_them(api):
    ticket = api.opened()
    seen = ticket["last_customer_message_id"]
    missed = api.post(at(ticket, "/messages"), {"body": "It came!"}, by="storefront").json_body
    said = problem(api.post(at(ticket, "/messages"), {"body": "Sorry!", "seen_message_id": seen}), 409)
    assert "It came!" in [message["text"] for message in said["messages"]]
    answer = api.post(at(ticket, "/messages"), {"body": "Great!", "seen_message_id": missed["id"]})
    assert answer.status_code == 201
    assert answer.json_body["delivery"]["state"] == "queued"


def test_a_repeated_reply_gets_the_first_answer_whatever_happened_since(api):
    ticket = api.opened()
    words = {"body": "On its way.", "seen_message_id": ticket["last_customer_message_id"]}
    first = api.post(at(ticket, "/messages"), words, Idempotency_Key="r1").json_body
    api.post(at(ticket, "/messages"), {"body": "When?"}, by="storefront")
    api.post(at(ticket, "/resolve"))
    again = api.post(at(ticket, "/messages"), words, Idempotency_Key="r1")
    assert (again.status_code, again.json_body) == (201, first)
    other = api.post(at(ticket, "/messages"), words | {"body": "Lost."}, Idempotency_Key="r1")
    assert "another request" in problem(other, 422)["detail"]


# Too many, too busy, our own fault


def test_more_than_200_requests_a_minute_wait(api, monkeypatch):
    answers = [api.get("/v1/tickets/nonsense", fresh=n == 0) for n in range(callers.REQUESTS_A_MINUTE + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {404}
    problem(answers[-1], 429)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 61
    assert api.get("/v1/tickets/nonsense", by="storefront", fresh=False).status_code == 404
    # a minute later there is room again
    later = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: later)
    assert api.get("/v1/tickets/nonsense", fresh=False).status_code == 404


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Busy("too many"), 503),
        (GetError("throttled"), 503),
        (ClientError({"Error": {"Code": "ThrottlingException"}}, "GetItem"), 503),
        (ReadTimeoutError(endpoint_url="x"), 503),
        (ValueError("secret inside"), 500),
    ],
)
def test_a_desk_that_cannot_answer_says_when_to_try_again(api, monkeypatch, error, status):
    def fails(*_):
        raise error

    monkeypatch.setattr(tickets, "read", fails)
    answer = api.get("/v1/tickets/CL-00000-00000")
    said = problem(answer, status)
    assert (answer.headers.get("Retry-After") == "2") is (status == 503)
    assert "secret inside" not in json.dumps(said)


# Browsers


def test_a_browser_of_another_origin_may_open_a_ticket_and_read_why_it_may_not(api, someone):
    for answer in (
        api.post("/v1/tickets", by(someone), by="publishable"),
        api.post("/v1/tickets", {}, by="publishable"),
        api.post("/v1/tickets", raw=b"{", by="publishable"),
        api.post("/v1/tickets", {}, by=None),
        api.post("/v1/uploads", {}, by="publishable"),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*", answer.status_code
        assert {"Location", "ETag", "Retry-After"} <= set(answer.headers["Access-Control-Expose-Headers"].split(","))


def test_a_browser_may_ask_beforehand(api):
    answer = api.ask("OPTIONS", "/v1/tickets", by=None, Origin="https://shop.test")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"Authorization", "Content-Type", "Idempotency-Key"} <= set(
        answer.headers["Access-Control-Allow-Headers"].split(",")
    )


def test_pages_and_other_doors_are_not_for_scripts_of_other_origins(api):
    assert "Access-Control-Allow-Origin" not in api.get(at(api.opened())).headers


# Working on a ticket


def test_a_storefront_sees_its_own_tickets_without_notes(api, someone):
    ticket = api.opened(customer={"email": someone})
    api.post(at(ticket, "/messages"), {"body": "Looks lost.", "internal": True})
    api.post(at(ticket, "/messages"), {"body": "We are looking."})

    def seen(who):
        return [message["text"] for message in api.get(at(ticket, "/messages"), by=who).json_body["items"]]

    assert "Looks lost." in seen("agent")
    assert "Looks lost." not in seen("storefront")
    assert "We are looking." in seen("storefront")
    everywhere = [
        api.get(f"/v1/tickets?{asked}", by="other").json_body["items"]
        for asked in (f"customer={someone}", f"q={ticket['reference']}", f"q={someone}", "view=all")
    ]
    assert ticket["reference"] not in [found["reference"] for items in everywhere for found in items]


def test_a_storefront_brings_the_customers_words_not_an_agents(api):
    ticket = api.opened()
    message = api.post(at(ticket, "/messages"), {"body": "Hello?"}, by="storefront").json_body
    assert (message["author"]["role"], message["delivery"]) == ("customer", None)


def test_an_agent_works_on_a_ticket(api, someone):
    ticket = api.opened(customer={"email": someone})
    changes = {
        "assignee": "ana@shop.test",
        "priority": "high",
        "kind": "repair",
        "tags": ["screen"],
        "team": "technical",
        "phase": "after_sale",
    }
    changed = api.patch(at(ticket), changes).json_body
    assert {name: changed[name] for name in changes} == changes
    assert (changed["status"], changed["missing"]) == ("open", ["order_reference"])
    assert changed["promises"]["first_response"]["due_at"] == "2026-03-02T10:00:00Z"
    snoozed = api.patch(at(ticket), {"snoozed_until": "2026-03-09T09:00:00+01:00"}).json_body
    assert (snoozed["status"], snoozed["snoozed_until"]) == ("pending", "2026-03-09T08:00:00Z")
    assert api.post(at(ticket, "/reopen")).json_body["status"] == "open"
    resolved = api.post(at(ticket, "/resolve")).json_body
    assert (resolved["status"], resolved["resolved_at"]) == ("resolved", "2026-03-02T09:00:00Z")


def test_an_answer_is_mailed_into_the_customers_thread_and_a_note_is_not(api, someone):
    ticket = api.opened(customer={"email": someone})
    api.post(at(ticket, "/messages"), {"body": "Looks lost.", "internal": True})
    api.post(at(ticket, "/messages"), {"body": "We are looking."})
    acknowledgement, answer = api.mails(ticket)
    assert "We are looking." in answer.get_body(("plain",)).get_content()
    assert "Auto-Submitted" not in answer
    assert set(acknowledgement["References"].split()) <= set(answer["References"].split())
    assert api.get(at(ticket, "/messages")).json_body["items"][-1]["delivery"]["state"] == "sent"


def test_a_send_can_be_delayed_for_an_undo(api, someone):
    ticket = api.opened(customer={"email": someone})
    api.post(at(ticket, "/messages"), {"body": "Oops", "undo_seconds": 15})
    assert len(api.mails(ticket)) == 1
    assert api.get(at(ticket, "/messages")).json_body["items"][-1]["delivery"]["state"] == "queued"
    before = api.world.now
    api.world.later(seconds=15)
    assert len(api.mails(ticket)) == 2
    api.world.now = before


def test_files_travel_by_upload(api, someone):
    upload = api.upload("bröken screen.png", b"\x89PNG")
    ticket = api.opened(customer={"email": someone}, kind="claim", attachments=[upload])
    assert ticket["missing"] == ["order_reference"]
    (file,) = api.get(at(ticket, "/messages?limit=1")).json_body["items"][0]["attachments"]
    assert (file["name"], file["content_type"], file["size"], file["inline"]) == (
        "bröken screen.png",
        "image/png",
        4,
        False,
    )
    assert file["url"].startswith("https://")
    assert "Signature" in file["url"]


def test_an_upload_of_another_storefront_does_not_exist(api):
    upload = api.upload("a.png", b"\x89PNG", by="other")
    assert pointers(api.post("/v1/tickets", wanted(attachments=[upload]), by="storefront")) == ["/attachments/0"]


@pytest.mark.parametrize(
    ("body", "at_fault"),
    [
        ({}, ["/name", "/content_type", "/size"]),
        ({"name": "a", "content_type": "image/png", "size": 25 * 1024 * 1024 + 1}, ["/size"]),
        ({"name": "a", "content_type": "image/png", "size": 0}, ["/size"]),
        ({"name": "a", "content_type": "image/png\n", "size": 1}, ["/content_type"]),
        ({"name": "a", "content_type": "png", "size": 1.5}, ["/content_type", "/size"]),
    ],
)
def test_an_upload_that_cannot_be_is_pointed_at(api, body, at_fault):
    assert pointers(api.post("/v1/uploads", body, by="storefront")) == at_fault


def test_messages_come_in_pages_oldest_first(api):
    ticket = api.opened()
    for n in range(4):
        api.post(at(ticket, "/messages"), {"body": f"note {n}", "internal": True})
    api.mails(ticket)
    texts, cursor = [], ""
    while cursor is not None:
        page = api.get(at(ticket, f"/messages?limit=2{cursor}")).json_body
        texts += [message["text"] for message in page["items"] if not message["automatic"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert texts == ["Where is it?", "note 0", "note 1", "note 2", "note 3"]


@pytest.mark.parametrize("cursor", ["~~", "%00", "%C3%BC", "x" * 300])
def test_a_cursor_of_nowhere_breaks_nothing(api, cursor):
    ticket = api.opened()
    assert api.get(at(ticket, f"/messages?cursor={cursor}")).status_code in (200, 422)


# What the API says of itself


def test_the_api_describes_every_door(api):
    described = api.get("/openapi.json", by=None).json_body
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": "https://desk.test"}]
    doors = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    assert doors == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = described["paths"][route.path][route.method.lower()]
        assert str(route.gives) in operation["responses"]
        assert operation["security"] == ([{"key": []}] if route.scopes else [])
        assert {p["name"] for p in operation["parameters"] if p["in"] == "path"} == set(
            re.findall(r"{(\w+)}", route.path)
        )
        assert operation["summary"]
        takes_version = route.method in {"PATCH", "PUT"} or route.opens in {
            "tickets.write", "tickets.resolve", "tickets.reopen", "tickets.cancel_check_in",
        }  # fmt: skip
        assert ("If-Match" in {p["name"] for p in operation["parameters"]}) == takes_version
    assert len({m["operationId"] for methods in described["paths"].values() for m in methods.values()}) == len(ROUTES)


def test_the_api_describes_what_each_door_gives():
    assert set(OF_DOOR) == {route.opens for route in ROUTES if not route.is_page}
    assert set(OF_DOOR.values()) <= set(ANSWERS)
    for shown in ANSWERS.values():
        Draft202012Validator.check_schema(shown)


def test_an_answer_that_is_not_as_described_is_noticed(api):
    ticket = api.opened()
    place = at(ticket)

    def answer(body, status=200, content_type="application/json"):
        return HTTPResponse(json.dumps(body).encode(), {"Content-Type": content_type}, status)

    as_described("GET", place, answer(ticket))
    less = {name: value for name, value in ticket.items() if name != "team"}
    for wrong in (less, ticket | {"more": 1}, ticket | {"kind": None}, ticket | {"created_at": "today"}):
        with pytest.raises(ValidationError):
            as_described("GET", place, answer(wrong))
    for status, content_type in ((418, "application/json"), (404, "application/json")):
        with pytest.raises(KeyError):
            as_described("GET", place, answer(ticket, status, content_type))


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.takes not in (None, "form")], ids=lambda r: f"{r.method} {r.path}"
)
def test_what_is_documented_is_what_is_checked(api, route):
    described = api.get("/openapi.json", by=None).json_body
    body = described["paths"][route.path][route.method.lower()]["requestBody"]["content"]["application/json"]["schema"]
    alternatives = body.get("oneOf") or body.get("anyOf") or [body]
    assert all(alternative["type"] == "object" and alternative["properties"] for alternative in alternatives)


def test_every_answer_is_documented(api, someone):
    described = api.get("/openapi.json", by=None).json_body["paths"]["/v1/tickets"]["post"]["responses"]
    for answer in (
        api.post("/v1/tickets", by(someone), by="storefront"),
        api.post("/v1/tickets", {}, by="storefront"),
        api.post("/v1/tickets", raw=b"{", by="storefront"),
        api.post("/v1/tickets", {}, by=None),
        api.post("/v1/tickets", raw=b" " * 300_000, by="storefront"),
        api.post("/v1/tickets", wanted(), by="storefront", Content_Type="text/plain"),
    ):
        assert str(answer.status_code) in described
    assert {"403", "429", "503"} <= set(described)


def test_the_api_is_explained_to_people(api):
    answer = api.get("/docs", by=None)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert all(route.path.encode() in answer.body for route in ROUTES if route.path.startswith("/v1/"))


def test_the_desk_says_that_it_answers(api):
    assert api.get("/health", by=None).json_body == {"status": "ok", "stage": "test"}
