"""
What the API says of itself, made from the very table of routes and schemas that it runs on.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from chalice.app import Response

from chalicelib.handlers import answers, schema
from chalicelib.handlers.door import Call, json_response
from chalicelib.handlers.routes import ROUTES, Route

_PARAMETER = re.compile(r"{(\w+)}")
_LIST_QUERY = ("view", "customer", "status", "assignee", "q", "cursor", "limit")
_ASKED = {"tickets.list_tickets": _LIST_QUERY, "macros.list_macros": ("storefront",)} | dict.fromkeys(
    ("tickets.list_messages", "tickets.list_events"), ("cursor", "limit")
)
_TAKE_IF_MATCH = frozenset(
    {
        "tickets.update", "tickets.write", "tickets.resolve", "tickets.reopen", "tickets.plan_check_in",
        "tickets.cancel_check_in", "storefronts.put",
    }
)  # fmt: skip


def health(call: Call) -> Response:
    return json_response({"status": "ok", "stage": call.desk.config.stage})


def openapi(call: Call) -> Response:
    return json_response(described(call.desk.config.public_url))


def described(url: str) -> dict[str, Any]:
    """Return the whole API as an OpenAPI 3.1 document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Careline", "version": "1", "description": "A customer-service desk."},
        "servers": [{"url": url}],
        "paths": paths,
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": answers.ANSWERS,
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.opens.replace(".", "_"),
        "summary": route.summary,
        "parameters": list(_parameters(route)),
        "responses": _responses(route),
        "security": [{"key": []}] if route.scopes else [],
    }
    if route.scopes:
        operation["description"] = f"Scopes: {', '.join(sorted(route.scopes))}."
    if route.takes == "form":
        operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}}
    elif route.takes:
        takes = getattr(schema, route.takes)
        operation["requestBody"] = {"required": not route.bare, "content": {"application/json": {"schema": takes}}}
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in _PARAMETER.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name in _ASKED.get(route.opens, ()):
        yield {"name": name, "in": "query", "schema": {"type": "string"}}
    if route.method == "POST" and route.gives == HTTPStatus.CREATED:
        yield {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
    if route.opens in _TAKE_IF_MATCH:
        yield {"name": "If-Match", "in": "header", "schema": {"type": "string"}}


def _responses(route: Route) -> dict[str, Any]:
    """Return the answers of a door: what it gives when all goes well, and how it says no. A page says it as a page."""
    page: dict[str, Any] = {"text/html": {}}
    good = {} if route.gives == HTTPStatus.SEE_OTHER else page
    said = {"description": "What went wrong.", "content": page}
    if not route.is_page:
        good = {"application/json": {"schema": answers.named(answers.OF_DOOR[route.opens])}}
        wrong = {"application/problem+json": {"schema": answers.named("Problem")}}
        said = {"description": "A problem (RFC 9457).", "content": wrong}
    done: dict[str, Any] = {"description": "Done.", **({"content": good} if good else {})}
    return {str(route.gives): done, **{str(int(code)): said for code in sorted(_refusals(route))}}


def _refusals(route: Route) -> Iterator[HTTPStatus]:
    yield HTTPStatus.SERVICE_UNAVAILABLE
    if route.scopes:
        yield from (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
    if "{" in route.path:
        yield HTTPStatus.NOT_FOUND
    if route.path.startswith("/surveys/"):
        yield HTTPStatus.GONE
    if route.takes:
        yield from (HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if route.takes and route.takes != "form":
        yield HTTPStatus.UNSUPPORTED_MEDIA_TYPE
    if route.takes or route.opens in _ASKED:
        yield HTTPStatus.UNPROCESSABLE_ENTITY
    if route.opens in _TAKE_IF_MATCH:
        yield from (HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED)
