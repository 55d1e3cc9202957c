"""
Serve HTTP and SMTP on sockets that are bound already, in threads of their own, until the `with` is left.
"""

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import uvloop
from aiosmtpd.smtp import SMTP

MAIL_LIMIT = 40 * 1024 * 1024  # SES: 40 MB a mail, in and out
_PLAIN_ADDRESS = re.compile(
    r"<(?P<address>[a-z0-9_+=.-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*)>\s*(?P<rest>.*)", re.IGNORECASE | re.ASCII
)


class Problem(Exception):
    """
    Why a request is not answered as asked: an HTTP status and a sentence.
    """

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


class Http(BaseHTTPRequestHandler):
    """
    A request on a connection that stays open, answered in one write, without a line in the console.
    """

    protocol_version = "HTTP/1.1"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True

    def serve(self) -> None:
        """
        Answer the request, or raise Problem to have it told.
        """
        raise NotImplementedError

    def do_GET(self) -> None:
        try:
            self.serve()
        except Problem as problem:
            self.answer_problem(problem)

    do_HEAD = do_OPTIONS = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815

    def answer(
        self, status: int, body: bytes = b"", headers: Iterable[tuple[str, str]] = (), *, content_type: str = ""
    ) -> None:
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        if content_type:
            self.send_header("Content-Type", content_type)
        if status >= HTTPStatus.OK and status not in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer_json(self, value: object, status: int = HTTPStatus.OK) -> None:
        self.answer(status, json.dumps(value, ensure_ascii=False).encode(), content_type="application/json")

    def answer_problem(self, problem: Problem) -> None:
        """
        Answer as RFC 9457 says errors are told.
        """
        told = {
            "type": "about:blank",
            "title": problem.status.phrase,
            "status": problem.status.value,
            "detail": problem.detail,
            "instance": self.path.partition("?")[0],
        }
        self.answer(problem.status, json.dumps(told).encode(), content_type="application/problem+json")

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """
        What http.server itself refuses: a request line or headers that are none.
        """
        self.close_connection = True
        if not hasattr(self, "path"):
            self.path = ""
        self.answer_problem(Problem(HTTPStatus(code), message or HTTPStatus(code).description))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401
        pass


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """
        A caller that hangs up is no news.
        """


@contextmanager
def http(listener: socket.socket, handler: Callable[..., Http]) -> Iterator[None]:
    """
    *handler* is made for each connection, with the arguments that socketserver gives.
    """
    server = _HttpServer(listener.getsockname(), handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Smtp(SMTP):
    line_length_limit = MAIL_LIMIT  # a long line is for the reader of the mail to judge

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        """
        Read a plain address at once: aiosmtpd reads each by the whole grammar, which takes as long as the rest of it.
        """
        plain = _PLAIN_ADDRESS.fullmatch(arg)
        return (plain["address"], plain["rest"]) if plain else super()._getaddr(arg)


@contextmanager
def smtp(listener: socket.socket, handler: object) -> Iterator[None]:
    """
    *handler* is one of aiosmtpd's: coroutines named handle_RCPT, handle_DATA, handle_exception.
    """
    loop = uvloop.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        server = await loop.create_server(
            lambda: _Smtp(handler, hostname="localhost", data_size_limit=MAIL_LIMIT, enable_SMTPUTF8=True, loop=loop),
            sock=listener,
        )
        await stop.wait()
        server.close()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(serve())

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
