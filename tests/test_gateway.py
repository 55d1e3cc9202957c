"""
What an HTTP API brings, and how the app finds its views in it.
"""

import gzip
import json
from base64 import b64decode

import pytest
from chalice import CORSConfig
from chalice.app import Response
from chalice.test import Client

import app
from chalicelib.handlers import gateway
from chalicelib.handlers.routes import ROUTES
from tests.payloads import http

PATTERNS = [route.path for route in ROUTES]
desk = app.Desk("a desk", configure_logs=False)
desk.api.binary_types = []


@desk.route("/things/{name}", methods=["GET", "POST"], content_types=[])
def thing(name):
    asked = desk.current_request
    query = {key: asked.query_params.getlist(key) for key in asked.query_params or {}}
    seen = {
        "name": name,
        "query": query,
        "body": asked.raw_body.decode(),
        "from": asked.context["identity"]["sourceIp"],
    }
    return Response(json.dumps(seen), {"X-Thing": asked.headers.get("X-Thing", "")})


@desk.route("/things", methods=["POST"], content_types=[], cors=CORSConfig(max_age=600))
def new_thing():
    return {}


@desk.route("/things", methods=["GET"])
def things():
    return []


def ask(method, path, content=b"", **headers):
    return desk(http(method, path, {name.replace("_", "-"): value for name, value in headers.items()}, content), None)


def seen(*asked, **headers):
    answer = ask(*asked, **headers)
    assert answer["statusCode"] == 200, answer
    return json.loads(answer["body"])


@pytest.mark.parametrize(
    ("query", "read"),
    [
        ("", {}),
        ("?q=a&q=b", {"q": ["a", "b"]}),
        ("?q=a,b", {"q": ["a,b"]}),
        ("?q=a+b%2Bc", {"q": ["a b+c"]}),
        ("?q=%2541", {"q": ["%41"]}),
        ("?q=a%26b%3Dc", {"q": ["a&b=c"]}),
        ("?q=%C3%A9", {"q": ["é"]}),
        ("?q&empty=", {"q": [""], "empty": [""]}),
    ],
)
def test_a_query_is_read_once(query, read):
    assert seen("GET", "/things/x" + query)["query"] == read


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", "image/png", ""])
def test_a_body_comes_as_it_was_sent(kind):
    asked = http("POST", "/things/x", {"Content-Type": kind}, "name=Jörg+&".encode())
    assert asked["isBase64Encoded"] is (kind != "application/json")
    assert json.loads(desk(asked, None)["body"])["body"] == "name=Jörg+&"


def test_no_body_is_an_empty_one():
    assert "body" not in http("POST", "/things/x", {})
    assert seen("POST", "/things/x")["body"] == ""


def test_a_header_is_found_in_any_case_and_what_came_twice_is_one():
    assert ask("GET", "/things/x", x_thing="1,2")["headers"]["X-Thing"] == "1,2"


def test_it_is_known_who_asks():
    assert seen("GET", "/things/x")["from"] == "203.0.113.7"


def test_an_answer_has_the_format_of_payload_2():
    assert set(ask("GET", "/things/x")) == set(ask("GET", "/nowhere")) == {"statusCode", "headers", "body"}


def test_a_head_is_a_get_without_its_content():
    whole, head = ask("GET", "/things/x"), ask("HEAD", "/things/x")
    assert head == {**whole, "body": ""}
    assert ask("HEAD", "/nowhere")["body"] == ""


@pytest.mark.parametrize(
    ("method", "path", "instance"),
    [
        ("GET", "/", "/"),
        ("GET", "/thing", "/thing"),
        ("GET", "/things/x/y", "/things/x/y"),
        ("GET", "/things//", "/things//"),
        ("DELETE", "/things", "/things"),
        ("OPTIONS", "/things/x", "/things/x"),
        ("GET", "/a%20b%25", "/a%20b%25"),
    ],
)
def test_where_nothing_is_a_problem_says_so(method, path, instance, caplog):
    answer = ask(method, path)
    assert answer["statusCode"] == 404
    assert answer["headers"] == {"Content-Type": "application/problem+json"}
    assert json.loads(answer["body"]) == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "There is nothing at this address.",
        "instance": instance,
    }
    (line,) = (record.msg for record in caplog.records)
    assert (line["status"], line["request"]) == (404, "ZQ0vPgExampleID=")


def test_a_slash_at_the_end_does_not_count():
    assert seen("GET", "/things/x/")["name"] == "x"


def test_a_browser_is_told_what_it_may_call_and_nothing_else():
    answer = ask("OPTIONS", "/things", Origin="https://shop.test")
    assert (answer["statusCode"], answer["body"]) == (204, "")
    assert answer["headers"]["Access-Control-Allow-Methods"] == "POST"
    assert answer["headers"]["Access-Control-Allow-Origin"] == "*"
    assert answer["headers"]["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Origin" in ask("POST", "/things")["headers"]
    assert "Access-Control-Allow-Origin" not in ask("GET", "/things")["headers"]


def test_every_route_of_the_desk_is_found():
    for pattern in PATTERNS:
        names = {name: f"{name}-1" for name in pattern.replace("}", "{").split("{")[1::2]}
        assert gateway.found(PATTERNS, pattern.format(**names)) == (pattern, names)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("/v1/customers/eva@customer.test", "eva@customer.test"),
        ("/v1/customers/eva@customer.test/suppression", "eva@customer.test"),
        ("/v1/customers/a/b@customer.test", "a/b@customer.test"),
        ("/v1/customers//G=Eva/S=Maier/@customer.test", "/G=Eva/S=Maier/@customer.test"),
        ("/v1/customers/a/b@customer.test/suppression", "a/b@customer.test"),
        ("/v1/customers/suppression/suppression", "suppression"),
    ],
)
def test_the_slashes_of_an_address_are_its_own(path, address):
    pattern, parameters = gateway.found(PATTERNS, path)
    assert parameters == {"address": address}
    assert pattern.endswith("suppression") is path.endswith("suppression")


@pytest.mark.parametrize("path", ["/v1/customers/a/b", "/v1/customers/a@b.test/c", "/v1/tickets/a/b@c.test", "/v1//x"])
def test_what_is_no_address_is_not_put_together(path):
    assert gateway.found(PATTERNS, path) is None


def test_a_slash_that_is_still_encoded_is_no_border():
    assert gateway.found(PATTERNS, "/v1/storefronts/a%2Fb") == ("/v1/storefronts/{storefront}", {"storefront": "a%2Fb"})


def test_chalices_own_client_opens_the_doors_too():
    with Client(app.app) as client:
        assert client.http.get("/health").json_body["status"] == "ok"


def test_what_is_no_request_opens_nothing():
    assert desk({}, None)["statusCode"] == 500


@desk.route("/long/{kind}", methods=["GET"], content_types=[])
def long_answer(kind):
    return Response(LONG_ANSWER, {"Content-Type": f"{kind}/json".replace("text/json", "text/html")})


LONG_ANSWER = json.dumps({"items": ["Wo bleibt meine Größe 42?"] * 100})


@pytest.mark.parametrize("takes", ["gzip", "gzip, deflate, br", "br,gzip"])
def test_a_long_list_is_deflated_for_who_takes_it_so(takes):
    answer = ask("GET", "/long/application", Accept_Encoding=takes)
    assert (answer["isBase64Encoded"], answer["headers"]["Content-Encoding"]) == (True, "gzip")
    assert answer["headers"]["Vary"] == "Accept-Encoding"
    assert gzip.decompress(b64decode(answer["body"])).decode() == LONG_ANSWER
    assert len(answer["body"]) < len(LONG_ANSWER) / 10


@pytest.mark.parametrize(
    ("path", "takes"),
    [
        ("/long/application", ""),
        ("/long/application", "br"),
        ("/long/application", "gzip;q=0"),
        ("/long/text", "gzip"),
        ("/things/x", "gzip"),
    ],
    ids=["not asked", "another way", "refused", "a page", "short"],
)
def test_all_else_is_answered_as_it_is(path, takes):
    answer = ask("GET", path, Accept_Encoding=takes)
    assert (answer.get("isBase64Encoded", False), "Content-Encoding" in answer["headers"]) == (False, False)
    assert answer["body"] == (LONG_ANSWER if "long" in path else ask("GET", path)["body"])


def test_a_head_of_a_long_list_has_no_content():
    answer = ask("HEAD", "/long/application", Accept_Encoding="gzip")
    assert (answer["body"], answer.get("isBase64Encoded", False)) == ("", False)
