"""
What the API says of itself, made from the very table of routes and schemas that it runs on.
"""

import re
from typing import Any

from chalice.app import Response

from chalicelib.handlers import schema
from chalicelib.handlers.door import Call, json_response
from chalicelib.handlers.routes import ROUTES, Route

_PARAMETER = re.compile(r"{(\w+)}")
_LIST_QUERY = ("view", "customer", "status", "assignee", "q", "cursor", "limit")
_PAGES = {"tickets.list_tickets": _LIST_QUERY} | dict.fromkeys(
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
            "schemas": {"Problem": _problem()},
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


def _parameters(route: Route) -> Any:  # noqa: ANN401 dicts of OpenAPI, one after the other
    for name in _PARAMETER.findall(route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name in _PAGES.get(route.opens, ()):
        yield {"name": name, "in": "query", "schema": {"type": "string"}}
    if route.opens == "macros.list_macros":
        yield {"name": "storefront", "in": "query", "schema": {"type": "string"}}
    if route.method == "POST" and route.gives == 201:  # noqa: PLR2004 Created
        yield {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "maxLength": 255}}
    if route.opens in _TAKE_IF_MATCH:
        yield {"name": "If-Match", "in": "header", "schema": {"type": "string"}}


def _responses(route: Route) -> dict[str, Any]:
    kind = "text/html" if route.is_page else "application/json"
    wrong = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    codes = ["503"]
    codes += ["401", "403", "429"] if route.scopes else []
    codes += ["404"] if "{" in route.path else []
    codes += ["400", "413", "415", "422"] if route.takes and route.takes != "form" else []
    codes += ["409", "412"] if route.scopes and "{" in route.path and route.method != "GET" else []
    said = {code: {"description": "A problem (RFC 9457).", **wrong} for code in sorted(set(codes))}
    return {str(route.gives): {"description": "Done.", "content": {kind: {}}}, **said}


def _problem() -> dict[str, Any]:
    fault = {"type": "object", "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}}}
    return {
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "errors": {"type": "array", "items": fault},
        },
    }
