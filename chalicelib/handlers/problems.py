"""
Everything that can go wrong, as problem+json (RFC 9457).

| what | status |
|---|---|
| not JSON, too deep | 400 |
| no key, or a wrong one | 401 |
| a scope that does not suffice | 403 |
| unknown, foreign or impossible | 404, the same for all three |
| a move that the life of a ticket does not know; words that the caller has not seen | 409 |
| a survey that is not open any more | 410 |
| a stale If-Match | 412 |
| too large | 413 |
| not the content type | 415 |
| a field missing, unknown or wrong; an idempotency key used for another request | 422 |
| too many requests | 429, with Retry-After |
| the table is busy or does not answer | 503, with Retry-After |
"""

import json
from collections.abc import Mapping
from dataclasses import field
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from chalice.app import Response
from pynamodb.exceptions import PynamoDBException

from chalicelib.domain.errors import Busy, Gone, IllegalMove, Invalid, NotFound, Reused, Stale, Unseen
from chalicelib.frozen import frozen
from chalicelib.handlers.schema import Malformed

CONTENT_TYPE = "application/problem+json"
_RETRY_SECONDS = "2"


@frozen
class Problem(Exception):
    """An answer that is not a success. `more` holds members beyond RFC 9457's."""

    status: int
    detail: str
    headers: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)


def problem_of(error: Exception) -> Problem:
    """Return how an error is told to a caller. What nobody foresaw is a 500 that says nothing of the inside."""
    match error:
        case Problem():
            return error
        case Malformed():
            return Problem(400, str(error))
        case Invalid():
            faults = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.faults]
            return Problem(422, "Some fields are not right; errors says which and why.", more={"errors": faults})
        case NotFound():
            return Problem(404, str(error))
        case IllegalMove() | Unseen():
            return Problem(409, str(error))
        case Gone():
            return Problem(410, str(error))
        case Stale():
            return Problem(412, str(error))
        case Reused():
            return Problem(422, str(error))
        case Busy() | PynamoDBException() | BotoCoreError() | ClientError():
            return Problem(503, "The desk is busy. Try again in a moment.", {"Retry-After": _RETRY_SECONDS})
        case _:
            return Problem(500, "Something went wrong on our side. It was noted; try again later.")


def response(problem: Problem, instance: str) -> Response:
    body = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "instance": instance,
        **problem.more,
    }
    return Response(
        json.dumps(body), status_code=problem.status, headers={"Content-Type": CONTENT_TYPE, **problem.headers}
    )
