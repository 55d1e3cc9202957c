"""
What an HTTP API of API Gateway brings, as Chalice takes it from a REST API.

The API has one route, `$default`, so the path is looked up here, and whatever opens no view is answered here.

| an HTTP API, payload 2.0 | Chalice |
|---|---|
| rawPath | resourcePath, the pattern of a view; pathParameters, as they stand in the path: door.py decodes them |
| rawQueryString | multiValueQueryStringParameters |
| requestContext.http: method, sourceIp | httpMethod, identity.sourceIp |
| headers, in lower case, what came twice with a comma between | the same |
| no body | None |

rawPath is decoded but for `%25`: a slash in a parameter comes as a slash. Only an address may hold one.
Sources: API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP APIs"; what is decoded, the guide does
not say: it is what AWS was seen to do, and what ministack does.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote

from chalice.app import Response, RouteEntry

from chalicelib.handlers.lines import line
from chalicelib.handlers.problems import Problem, response

LONG = 2048
"""From how many characters an answer is deflated for whoever takes it so. A single ticket is shorter."""

Event = dict[str, Any]
Views = Mapping[str, RouteEntry]


def answered(routes: Mapping[str, Views], event: Event, call: Callable[[Event], Event]) -> Event:
    """
    Return the answer to a request, in the format of payload 2.0.

    Args:
        routes: `{pattern: {method: view}}`, as Chalice keeps them.
        event: An HTTP API's; what Chalice's own test clients make is passed on as it is.
        call: Chalice's way from an event to an answer.
    """
    asked = event.get("requestContext", {}).get("http")
    if asked is None:
        return call(event)
    pattern, parameters = found(routes, event["rawPath"]) or ("", {})
    views = routes.get(pattern, {})
    method = "GET" if asked["method"] == "HEAD" else asked["method"]  # RFC 9110 9.3.2: the same, without its content
    if method in views:
        known = {"resourcePath": pattern, "httpMethod": method, "identity": {"sourceIp": asked["sourceIp"]}}
        answer = call(
            {
                "requestContext": {**event["requestContext"], **known},
                "pathParameters": parameters,
                "multiValueQueryStringParameters": parse_qs(event["rawQueryString"], keep_blank_values=True) or None,
                "headers": event["headers"],
                "body": event.get("body"),
                "isBase64Encoded": event["isBase64Encoded"],
                "stageVariables": None,
            }
        )
    else:
        answer = _without_a_view(event, pattern, views).to_dict()
    del answer["multiValueHeaders"]  # payload 2.0 has none
    if asked["method"] == "HEAD":
        return {**answer, "body": ""}
    return _lighter(answer) if _takes_gzip(event["headers"]) else answer


def found(patterns: Iterable[str], path: str) -> tuple[str, dict[str, str]] | None:
    """Return the pattern that a path fits, and its parameters as they stand there; None when it fits none."""
    asked = path.removesuffix("/").split("/")
    for pattern in patterns:
        named = pattern.split("/")
        parts = _with_one_address(named, asked)
        if len(named) == len(parts) and all(
            part if name[:1] == "{" else part == name for name, part in zip(named, parts, strict=True)
        ):
            return pattern, {name[1:-1]: part for name, part in zip(named, parts, strict=True) if name[:1] == "{"}
    return None


def _with_one_address(named: list[str], asked: list[str]) -> list[str]:
    """Return the parts of a path with an address in one, up to its domain, where it was split at its own slashes."""
    more = len(asked) - len(named)
    if more <= 0 or "{address}" not in named:
        return asked
    first = named.index("{address}")
    last = first + more
    return [*asked[:first], "/".join(asked[first : last + 1]), *asked[last + 1 :]] if "@" in asked[last] else asked


def deflated(text: str) -> bytes:
    """Return a long answer as gzip holds it, always the same."""
    import gzip

    return gzip.compress(text.encode(), mtime=0)


def _takes_gzip(headers: Mapping[str, str]) -> bool:
    return "gzip" in (name.strip() for name in headers.get("accept-encoding", "").split(","))


def _lighter(answer: Event) -> Event:
    """
    Return a long list deflated: what leaves AWS is paid by the byte.

    A page is left as it is. It holds a signed link, and where its length depends on what it says, somebody who can put
    words into it and see the length could guess the link.
    """
    if len(answer["body"]) < LONG or answer["headers"].get("Content-Type") != "application/json":
        return answer
    body = b64encode(deflated(answer["body"])).decode()
    headers = {**answer["headers"], "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return {**answer, "body": body, "isBase64Encoded": True, "headers": headers}


def _without_a_view(event: Event, pattern: str, views: Views) -> Response:
    """Return what a browser of another origin asks before it calls one of *views*; else that there is nothing."""
    context = event["requestContext"]
    method = context["http"]["method"]
    cors = {name: view.cors for name, view in views.items() if view.cors}
    with line("api", route=f"{method} {pattern or 'nowhere'}", request=context["requestId"]) as facts:
        if method == "OPTIONS" and cors:
            allowed = {"Access-Control-Allow-Methods": ",".join(sorted(cors))}
            answer = Response("", {**next(iter(cors.values())).get_access_control_headers(), **allowed}, 204)
        else:
            answer = response(Problem(404, "There is nothing at this address."), quote(unquote(event["rawPath"])))
        facts["status"] = answer.status_code
    return answer
