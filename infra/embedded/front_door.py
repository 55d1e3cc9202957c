"""
The API's address: what API Gateway's own domain is on AWS, nothing before `/v1`.

The embedded AWS serves an HTTP API under a path that holds its id and its stage, and a deployment may give it another
id; so the address is looked up again when the answer is that there is no such API. OPTIONS it answers by itself;
on AWS an HTTP API without a CORS configuration hands it to its function, and so does this door.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from infra.embedded.servers import Http, Problem
from infra.embedded.settings import HOST

STAGE = "$default"
BODY_LIMIT = 10 * 1024 * 1024  # API Gateway: 10 MB a payload
AT_ONCE = 3 * max(2, os.cpu_count() or 1)  # each has a process of its own, and one more takes seconds to start
PATIENCE_SECONDS = 40.0  # more than the 30 s that an HTTP API gives a function
HOP_BY_HOP = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
}

Event = dict[str, Any]


class Api:
    """
    Where the HTTP API is, as far as known.
    """

    def __init__(self, port: int, find: Callable[[], str], invoke: Callable[[Event], Event]) -> None:
        """
        Args:
            port: Of the embedded AWS.
            find: Looks up the API's id. Raises LookupError when there is none.
            invoke: Hands an event (payload 2.0) to the API's function. Raises LookupError when there is no answer.
        """
        self.port, self.invoke = port, invoke
        self.turns = BoundedSemaphore(AT_ONCE)
        self._find = find
        self._known = ""

    def path(self, *, fresh: bool) -> str:
        if fresh or not self._known:
            self._known = self._find()
        return f"/_aws/execute-api/{self._known}/{STAGE}/"


class FrontDoor(Http):
    """
    A caller's connection, and the one to the embedded AWS that goes with it.
    """

    def __init__(self, api: Api, *connection: Any) -> None:  # noqa: ANN401
        self._api = api
        self._upstream = HTTPConnection(HOST, api.port, timeout=PATIENCE_SECONDS)
        super().__init__(*connection)

    def finish(self) -> None:
        super().finish()
        self._upstream.close()

    def serve(self) -> None:
        try:
            body = self._body()
        except Problem as problem:
            return self._refuse_unread(problem)
        with self._api.turns:
            if self.command == "OPTIONS":
                return self._answer_of_the_function()
            response, content = self._answer_of_the_api(body)
        headers = [pair for pair in response.getheaders() if pair[0].lower() not in HOP_BY_HOP]
        return self.answer(response.status, content, headers)

    def _refuse_unread(self, problem: Problem) -> None:
        """
        Answer, and let the body pass: a caller that is still sending does not listen.
        """
        self.close_connection = True
        self.answer_problem(problem)
        self.wfile.flush()
        self.connection.settimeout(1)
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            while self.connection.recv(65536):
                pass

    def _body(self) -> bytes:
        """
        Raises:
            Problem: It is too large, or its length makes no sense. It is not read then.
        """
        try:
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                return b"".join(self._chunks())
            length = int(self.headers.get("Content-Length") or 0)
            if length < 0:
                raise ValueError(length)  # noqa: TRY301
        except ValueError:
            raise Problem(HTTPStatus.BAD_REQUEST, "The body does not say its length as HTTP does.") from None
        if length > BODY_LIMIT:
            raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A body holds 10 MB at most.")
        return self.rfile.read(length)

    def _chunks(self) -> Iterator[bytes]:
        left = BODY_LIMIT
        while size := int(self.rfile.readline(100).partition(b";")[0], 16):
            left -= size
            if left < 0:
                raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "A body holds 10 MB at most.")
            yield self.rfile.read(size)
            self.rfile.readline(100)
        while self.rfile.readline(65537) not in {b"\r\n", b"\n", b""}:
            pass

    def _answer_of_the_api(self, body: bytes) -> tuple[HTTPResponse, bytes]:
        try:
            response, content = self._forward(body, fresh=False)
            if _no_such_api(response):
                response, content = self._forward(body, fresh=True)
        except LookupError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The desk is not deployed just now.") from None
        except TimeoutError:
            raise Problem(HTTPStatus.GATEWAY_TIMEOUT, "The desk did not answer in time.") from None
        except (OSError, HTTPException):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The embedded AWS does not answer.") from None
        if _no_such_api(response):
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The desk is not deployed just now.")
        return response, content

    def _answer_of_the_function(self) -> None:
        path, _, query = self.path.partition("?")
        asked = {"method": self.command, "path": path, "sourceIp": self.client_address[0]}
        event = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {name.lower(): value for name, value in self.headers.items()},
            "requestContext": {"http": asked, "requestId": str(uuid4())},
            "isBase64Encoded": False,
        }
        try:
            answer = self._api.invoke(event)
        except LookupError:
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The desk does not answer just now.") from None
        self.answer(answer["statusCode"], answer["body"].encode(), answer["headers"].items())

    def _forward(self, body: bytes, *, fresh: bool) -> tuple[HTTPResponse, bytes]:
        asked = quote(self.path.lstrip("/").encode("latin-1"), safe=_AS_IS)
        upstream = self._upstream
        try:
            upstream.putrequest(self.command, self._api.path(fresh=fresh) + asked, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    upstream.putheader(name, value.encode("latin-1"))
            upstream.putheader("X-Forwarded-For", self.client_address[0])
            upstream.putheader("X-Forwarded-Proto", "http")
            upstream.putheader("Content-Length", str(len(body)))
            upstream.endheaders(body)
            response = upstream.getresponse()
            return response, response.read()
        except (OSError, HTTPException):
            upstream.close()
            raise


_AS_IS = "".join(map(chr, range(33, 127)))


def _no_such_api(response: HTTPResponse) -> bool:
    """
    The gateway's own word, not that of a function behind it, which is problem+json.
    """
    return response.status == HTTPStatus.NOT_FOUND and response.getheader("Content-Type") == "application/json"
