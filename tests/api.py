"""
The HTTP API in process: the events that API Gateway makes of requests, against a world.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from urllib.parse import unquote, urlencode

import pytest
from chalice.test import HTTPResponse
from jsonschema import Draft202012Validator, FormatChecker

import app
from chalicelib.adapters import aws
from chalicelib.domain.access import Scope
from chalicelib.domain.schema import moment
from chalicelib.handlers import callers
from chalicelib.handlers.openapi import described
from chalicelib.usecases import house, sending
from tests import payloads
from tests.world import World, running

NOT_OF_A_DOOR = {500}  # what nobody foresaw
FORMATS = FormatChecker()


@FORMATS.checks("date-time")
def is_moment(value):
    return not isinstance(value, str) or moment(value) is not None


def closed(schema):
    """Return a schema whose objects have no fields but those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    return {"additionalProperties": False, **parts} if isinstance(parts.get("properties"), dict) else parts


DESCRIBED = closed(described("https://desk.test"))
DOORS = [
    (method.upper(), re.compile(re.sub(r"{\w+}", "[^/]+", path)), operation)
    for path, methods in DESCRIBED["paths"].items()
    for method, operation in methods.items()
]


def as_described(method: str, path: str, answer: HTTPResponse) -> None:
    """See that what came is what the OpenAPI document says of it: status, content type, and every field of it."""
    asked = unquote(path.partition("?")[0])
    operation = next((o for m, door, o in DOORS if m == method and door.fullmatch(asked)), None)
    if operation is None or answer.status_code in NOT_OF_A_DOOR:
        return
    content = operation["responses"][str(answer.status_code)].get("content")
    assert bool(content) == ("Content-Type" in answer.headers), answer.headers
    schema = content and content[answer.headers["Content-Type"].partition(";")[0]].get("schema")
    if schema:
        Draft202012Validator(DESCRIBED | schema, format_checker=FORMATS).validate(json.loads(answer.body))


class Api:
    """One door after the other: `api.post("/v1/tickets", body, key=api.agent)`."""

    def __init__(self, world: World) -> None:
        self.world = world
        made = {
            "storefront": (Scope.STOREFRONT, {"storefront": "demo"}),
            "other": (Scope.STOREFRONT, {"storefront": "other"}),
            "publishable": (Scope.PUBLISHABLE, {"storefront": "demo"}),
            "agent": (Scope.AGENT, {"name": "Ana", "email": "ana@shop.test"}),
            "admin": (Scope.ADMIN, {"name": "Ada"}),
        }
        self.keys = {who: house.create_key(world.desk, scope, **more) for who, (scope, more) in made.items()}

    def ask(
        self,
        method: str,
        path: str,
        body=None,
        *,
        by: str | None = "agent",
        raw: bytes | None = None,
        fresh: bool = True,
        **headers,
    ) -> HTTPResponse:
        """Ask as *by*, one of `keys`, or nobody; *raw* is sent as it is, and *fresh* forgets how often was asked."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if by:
            sent.setdefault("Authorization", f"Bearer {self.keys[by]}")
        if body is not None or raw is not None:
            sent.setdefault("Content-Type", "application/json")
        if fresh:
            callers._calls.clear()
        content = raw if raw is not None else json.dumps(body).encode() if body is not None else b""
        made = app.app(payloads.http(method, path, sent, content), None)
        answer = HTTPResponse(made["body"].encode(), made["headers"], made["statusCode"])
        as_described(method, path, answer)
        return answer

    def get(self, path: str, **more) -> HTTPResponse:
        return self.ask("GET", path, **more)

    def post(self, path: str, body=None, **more) -> HTTPResponse:
        return self.ask("POST", path, body, **more)

    def patch(self, path: str, body=None, **more) -> HTTPResponse:
        return self.ask("PATCH", path, body, **more)

    def form(self, path: str, **fields) -> HTTPResponse:
        """Send a page's form, as a browser does."""
        sent = urlencode(fields, doseq=True).encode()
        return self.ask("POST", path, by=None, raw=sent, Content_Type="application/x-www-form-urlencoded")

    def opened(self, by: str = "storefront", **more) -> dict:
        """Open a ticket and return it."""
        answer = self.post("/v1/tickets", wanted(**more), by=by)
        assert answer.status_code == 201, answer.body
        return answer.json_body

    def mails(self, ticket: dict) -> list[EmailMessage]:
        """Send what waits for a ticket, and return all its mails, oldest first."""
        for held in self.world.rows("OUTBOX#"):
            if held["pk"] == f"TICKET#{ticket['reference']}":
                sending.send_out(self.world.desk, ticket["reference"], held["sk"].removeprefix("OUTBOX#"))
        return [mail for mail in self.world.mails() if ticket["reference"] in mail["X-SES-MESSAGE-TAGS"]]

    def told(self, ticket: dict) -> list[str]:
        """Return the reasons for which the team lead was told of a ticket."""
        self.mails(ticket)
        return [word["reason"] for word in self.world.escalations() if word["ticket"] == ticket["reference"]]

    def page(self, ticket: dict, kind: str = "tickets") -> str:
        """Return the path of the newest signed link that was mailed about a ticket."""
        texts = [mail.get_body(("plain",)).get_content() for mail in self.mails(ticket)]
        return re.findall(rf"https://desk\.test(/{kind}/[^\s?]+)", "\n".join(texts))[-1]

    def upload(self, name: str, content: bytes, by: str = "storefront", content_type: str = "image/png") -> str:
        """Do what a browser does with a file; return the upload's id."""
        offer = self.post(
            "/v1/uploads", {"name": name, "content_type": content_type, "size": len(content)}, by=by
        ).json_body
        fields = offer["fields"]
        aws.client("s3").put_object(
            Bucket="careline-files", Key=fields["key"], Body=content, ContentType=fields["Content-Type"],
            Metadata={"name": fields["x-amz-meta-name"]},
        )  # fmt: skip
        return offer["id"]


def wanted(**more) -> dict:
    """Return the body of a request for help."""
    return {
        "customer": {"email": "eva@customer.test", "name": "Eva"},
        "subject": "My parcel",
        "body": "Where is it?",
    } | more


@contextmanager
def served() -> Iterator[Api]:
    """Serve the app against a world of its own."""
    with running() as world, pytest.MonkeyPatch.context() as patch:
        for door in ("door", "events"):
            patch.setattr(f"chalicelib.handlers.{door}.desk", lambda: world.desk)
        yield Api(world)
