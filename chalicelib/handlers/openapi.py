"""
The OpenAPI document, made from the very table of routes and schemas that the API runs on.
"""

import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from chalicelib.handlers import answers, schema
from chalicelib.handlers.routes import ROUTES, Route
from chalicelib.usecases import listing

_PARAMETER = re.compile(r"{(\w+)}")
_ASKED = {
    "macros.list_macros": ("storefront",),
    "tickets.list_events": ("cursor", "limit"),
    "tickets.list_messages": ("cursor", "limit"),
    "tickets.list_tickets": ("view", "customer", "status", "assignee", "q", "cursor", "limit"),
}
_TAKE_KEY = frozenset({"tickets.open_ticket", "tickets.write"})
_TAKE_IF_MATCH = frozenset(
    {
        "tickets.update", "tickets.write", "tickets.resolve", "tickets.reopen", "tickets.plan_check_in",
        "tickets.cancel_check_in", "storefronts.put",
    }
)  # fmt: skip
_MEANING = {
    "reference": "A ticket's number.",
    "address": "An e-mail address.",
    "storefront": "A storefront's id.",
    "name": "A macro's name.",
    "token": "Of a signed link.",
    "message": "A message's id.",
    "view": f"One of {', '.join(listing.VIEWS)}.",
    "customer": "An address, or the telephone number or handle of one who has none.",
    "status": "Any of a ticket's.",
    "assignee": "An agent.",
    "q": "A ticket's number, or an address.",
    "cursor": "What the page before gave as next_cursor.",
    "limit": "1 to 100; 50 without it.",
    "Idempotency-Key": "A repeat with the same key and body gets the first answer, for 24 hours.",
    "If-Match": "The ETag that was read. What has changed since then stays as it is.",
}
_REFUSED = {
    HTTPStatus.BAD_REQUEST: "It cannot be read: not JSON, too deep, or not a form.",
    HTTPStatus.UNAUTHORIZED: "No key, or a wrong one.",
    HTTPStatus.FORBIDDEN: "The key's scope does not suffice.",
    HTTPStatus.NOT_FOUND: "Unknown, somebody else's, or impossible.",
    HTTPStatus.CONFLICT: "A move that a ticket's life does not know, or the customer wrote meanwhile.",
    HTTPStatus.GONE: "It is not open any more.",
    HTTPStatus.PRECONDITION_FAILED: "It has changed since the version of If-Match.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Not the content type.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Something is missing, unknown or wrong, or the Idempotency-Key was used for another request.",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests. Retry-After says when to ask again.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The desk is busy. Retry-After says when to ask again.",
}


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
    named = {"path": _PARAMETER.findall(route.path), "query": _ASKED.get(route.opens, ())}
    doors = {"Idempotency-Key": _TAKE_KEY, "If-Match": _TAKE_IF_MATCH}
    named["header"] = [name for name, taken_by in doors.items() if route.opens in taken_by]
    for place, names in named.items():
        for name in names:
            told = {"name": name, "in": place, "description": _MEANING[name], "schema": {"type": "string"}}
            yield told | ({"required": True} if place == "path" else {})


def _responses(route: Route) -> dict[str, Any]:
    """Return the answers of a door: what it gives when all goes well, and how it says no. A page says it as a page."""
    page: dict[str, Any] = {"text/html": {}}
    good = wrong = page
    if not route.is_page:
        good = {"application/json": {"schema": answers.ref(answers.OF_DOOR[route.opens])}}
        wrong = {"application/problem+json": {"schema": answers.ref("Problem")}}
    moved = route.gives == HTTPStatus.SEE_OTHER
    done = {"description": "See the page." if moved else "Done.", **({} if moved else {"content": good})}
    refused = {str(int(why)): {"description": _REFUSED[why], "content": wrong} for why in sorted(_refusals(route))}
    return {str(route.gives): done} | refused


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
