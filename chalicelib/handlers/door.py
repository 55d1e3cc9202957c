"""
What every HTTP door does: find out who calls and what he sends, open, answer, and tell in one line what happened.
"""

import hashlib
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from chalice.app import Request, Response

from chalicelib.domain.errors import Fault, Invalid
from chalicelib.frozen import frozen
from chalicelib.handlers import schema
from chalicelib.handlers.callers import Caller, caller
from chalicelib.handlers.lines import described, line
from chalicelib.handlers.problems import Problem, problem_of, response
from chalicelib.handlers.routes import Route
from chalicelib.wiring import Desk, desk

_MOST_FORM_FIELDS = 50
_LONGEST_KEY = 255


@frozen
class Call:
    """One request, read and checked as far as its route says."""

    desk: Desk
    caller: Caller | None
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any
    facts: dict[str, Any]

    @property
    def who(self) -> Caller:
        if self.caller is None:
            raise AssertionError("a public route has no caller")
        return self.caller

    @property
    def if_match(self) -> int | None:
        """Return the version that the caller wants to change; None for any. What is no ETag of ours matches nothing."""
        held = self.headers.get("if-match", "*").strip()
        if held == "*":
            return None
        bare = held.removeprefix("W/").strip('"')
        return int(bare) if bare.isdecimal() else 0

    def once(self) -> tuple[str, str] | None:
        """Return (key, digest of the request) when it carries an Idempotency-Key."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
            raise Invalid(Fault("/Idempotency-Key", f"must be 1 to {_LONGEST_KEY} printable characters"))
        said = json.dumps([self.path, self.body], sort_keys=True)
        return key, hashlib.sha256(said.encode()).hexdigest()


def opened(route: Route, request: Request, parameters: Mapping[str, str]) -> Response:
    """Return what a route answers to a request, whatever happens. Parameters come as they stand in the path."""
    parameters = {name: unquote(value) for name, value in parameters.items()}
    with line("api", route=f"{route.method} {route.path}", request=_request_id(request)) as facts:
        try:
            answer = _answered(route, request, parameters, facts)
        except Exception as error:  # noqa: BLE001 a caller gets an answer, whatever happens
            answer = _refused(route, request, parameters, error, facts)
        facts["status"] = answer.status_code
    return answer


def _answered(route: Route, request: Request, parameters: Mapping[str, str], facts: dict[str, Any]) -> Response:
    module, _, function = route.opens.partition(".")
    headers = {name.lower(): value for name, value in request.headers.items()}
    known = caller(desk(), headers, route.scopes) if route.scopes else None
    body = _body(route, request, headers)
    call = Call(desk(), known, _path(route, parameters), request.query_params or {}, headers, body, facts)
    answer: Response = getattr(import_module(f"chalicelib.handlers.{module}"), function)(call, **parameters)
    return answer


def _refused(
    route: Route, request: Request, parameters: Mapping[str, str], error: Exception, facts: dict[str, Any]
) -> Response:
    problem = problem_of(error)
    if problem.status >= 500:  # noqa: PLR2004 ours, not the caller's
        facts["error"] = described(error)
    if route.is_page:
        from chalicelib.handlers.pages import problem_page

        page: Response = problem_page(problem, request.headers.get("accept-language", ""))
        return page
    return response(problem, _path(route, parameters))


def _body(route: Route, request: Request, headers: Mapping[str, str]) -> Any:  # noqa: ANN401
    """Return what a request carries: checked JSON, a form's fields, or None."""
    if route.takes is None:
        return None
    held = request.raw_body
    raw = held.encode() if isinstance(held, str) else held
    if len(raw) > schema.MOST_BYTES:
        raise Problem(413, f"The body is larger than {schema.MOST_BYTES // 1024} KB. Files go by POST /v1/uploads.")
    if route.bare and not raw:
        return {}
    content_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if route.takes == "form":
        return _form(raw)
    if content_type != "application/json":
        raise Problem(415, "Send JSON, with Content-Type: application/json.")
    value = schema.parsed(raw)
    wanted: schema.Schema | None = getattr(schema, route.takes, None)
    return schema.checked(value, wanted) if wanted else value


def _form(raw: bytes) -> dict[str, list[str]]:
    try:
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FORM_FIELDS)
    except ValueError as error:
        raise Problem(400, "This is not a form.") from error
    return {name: [value.replace("\r\n", "\n") for value in values] for name, values in fields.items()}


def json_response(body: Any, status: int = 200, **headers: str) -> Response:  # noqa: ANN401
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    standard = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return Response(json.dumps(body, ensure_ascii=False), status_code=status, headers={**standard, **named})


def _path(route: Route, parameters: Mapping[str, str]) -> str:
    """Return the path that was asked for; Chalice's request knows its pattern only."""
    return route.path.format(**{name: quote(value, safe="@") for name, value in parameters.items()})


def _request_id(request: Request) -> str:
    return str((request.context or {}).get("requestId", ""))
