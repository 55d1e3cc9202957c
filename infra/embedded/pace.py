"""
What lets ministack keep pace with many at once: a faster server under it, and fewer waits, connections and readings of
the same thing. What it checks and what it answers is its own.

There is no setting for any of this, so its functions are replaced from outside, before it serves.
"""

import json
import logging
import os
import smtplib
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from queue import Empty
from threading import Condition, Lock, Thread
from types import SimpleNamespace
from typing import Any

from infra.embedded.settings import STAGE
from infra.stage import function_name

LOOK_AT_STREAMS_SECONDS = 0.05
FIRST_LINE_SECONDS = 0.05  # a function that logs has done so by then
KNOWN_SECONDS = 0.5  # a function that is new takes longer to start
LULL_SECONDS = 0.05  # who asks one thing after the other is back sooner
PATIENCE_SECONDS = 5.0
QUIET_SECONDS = 2.0  # without an object written or deleted
OBJECTS_HELD = 5_000
BEHIND = 5  # of 19: a quarter of a core that both want; with more, other programs would take nearly all


def quicken() -> None:
    """
    To be called once, before ministack serves.
    """
    _serve_with_uvicorn()
    _read_conditions_once()
    _read_header_fields_once()
    _know_callers_for_a_moment()
    _read_bodies_once()
    _tell_the_time_once_a_second()
    _leave_out_what_browsers_ask()
    _keep_smtp_connections()
    _take_log_lines_as_they_come()
    _let_people_go_first()
    _read_streams_beside_the_queues()
    _write_objects_when_it_is_quiet()


def _serve_with_uvicorn() -> None:
    """
    Have uvicorn speak HTTP, with httptools, in place of hypercorn, which took as long over it as ministack over the rest.
    """
    import hypercorn.asyncio
    import uvicorn

    async def serve(app: Any, config: Any) -> None:  # noqa: ANN401 - ASGI's, and hypercorn's
        host, _, port = config.bind[0].rpartition(":")
        told = uvicorn.Config(
            app,
            host,
            int(port),
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # ministack reads them itself
            server_header=False,
            date_header=False,  # ministack gives one
            timeout_keep_alive=config.keep_alive_timeout,
            timeout_graceful_shutdown=int(config.graceful_timeout),
        )
        await uvicorn.Server(told).serve()

    hypercorn.asyncio.serve = serve  # type: ignore[assignment]  # as far as ministack calls it


def _read_conditions_once() -> None:
    """
    Have an expression read once, and not again for each item that a query looks at: thousands, where many are due.
    """
    from ministack.services import dynamodb

    tokens = lru_cache(dynamodb._tokenize)  # noqa: SLF001
    dynamodb._tokenize = lambda expression: list(tokens(expression))  # noqa: SLF001
    dynamodb._condition_syntax_error = lru_cache(dynamodb._condition_syntax_error)  # noqa: SLF001


def _read_header_fields_once() -> None:
    """
    Have a header field of a mail read once: SES asks each part for its type again and again.
    """
    from ministack.services import ses

    policy = ses.default_policy
    ses.default_policy = policy.clone(header_factory=lru_cache(policy.header_factory))


def _know_callers_for_a_moment() -> None:
    """
    Have a caller's role read once in a moment, and not for each item that a transaction writes. On AWS, too, it takes
    some seconds until a policy that was changed holds.
    """
    from ministack.core import iam_actions, iam_evaluator

    resolve, checks = iam_evaluator.resolve_principal, iam_actions.dynamodb_transaction_checks
    known: dict[tuple[str, str], tuple[float, Any]] = {}

    def resolved(key: str, account: str, credential: Any = None) -> Any:  # noqa: ANN401 - ministack has no types
        now = time.monotonic()
        until, caller = known.get((key, account), (0.0, None))
        if now > until:
            caller = resolve(key, account, credential)
            known[key, account] = now + KNOWN_SECONDS, caller
        return caller

    iam_evaluator.resolve_principal = resolved
    iam_actions.dynamodb_transaction_checks = lambda *of: list(dict.fromkeys(checks(*of)))


def _read_bodies_once() -> None:
    """
    Have a request's JSON read once by those who ask which rights it needs: each reads it for itself, none changes it.
    """
    from ministack.core import iam_actions

    iam_actions.json = SimpleNamespace(**vars(json) | {"loads": lru_cache(1)(json.loads)})


def _tell_the_time_once_a_second() -> None:
    """
    Have the field Date written once a second, and not for each answer.
    """
    from ministack import app

    tell = lru_cache(1)(lambda _second, usegmt: app_formatdate(usegmt=usegmt))
    app_formatdate = app.formatdate
    app.formatdate = lambda *, usegmt: tell(int(time.time()), usegmt)


def _leave_out_what_browsers_ask() -> None:
    """
    Have answers without the four fields that let any page of a browser read them: AWS has none, and a client reads each.

    What a bucket's own configuration says to browsers stays.
    """
    from ministack import app

    fields = app._asgi_header_list  # noqa: SLF001

    def lean(told: dict[str, Any]) -> list[tuple[bytes, bytes]]:
        if told.get("Access-Control-Expose-Headers") == "*" == told.get("Access-Control-Allow-Headers"):
            told = {name: value for name, value in told.items() if not name.startswith("Access-Control-")}
        written: list[tuple[bytes, bytes]] = fields(told)
        return written

    app._asgi_header_list = lean  # noqa: SLF001


def _keep_smtp_connections() -> None:
    """
    Have SES hand mails over on connections that stay open.
    """
    from ministack.services import ses

    idle: deque[smtplib.SMTP] = deque()

    def line(host: str, port: int) -> smtplib.SMTP:
        while idle:
            kept = idle.pop()
            try:
                kept.rset()
            except OSError:
                kept.close()
            else:
                return kept
        return smtplib.SMTP(host, port, timeout=ses._SMTP_TIMEOUT_SECONDS)  # noqa: SLF001

    def send(source: str, to: list[str], message: str, host: str, port: int) -> None:
        try:
            relay = line(host, port)
            relay.sendmail(source, to, message)
        except OSError:
            ses.logger.warning("SMTP relay failed: %s -> %s via %s:%d", source, to, host, port, exc_info=True)
        else:
            idle.append(relay)

    ses._smtp_send = send  # noqa: SLF001


def _take_log_lines_as_they_come() -> None:
    """
    Have a function's log lines taken when they are there: ministack asks every millisecond, and then waits for five more.
    """
    from ministack.core.lambda_runtime import Worker

    def drained(worker: Any) -> str:  # noqa: ANN401 - ministack has no types
        lines = []
        with suppress(Empty):
            lines.append(worker._stderr_queue.get(timeout=FIRST_LINE_SECONDS))  # noqa: SLF001
            while True:
                lines.append(worker._stderr_queue.get_nowait())  # noqa: SLF001
        return "\n".join(lines)

    Worker._drain_stderr_bounded = drained  # noqa: SLF001


class Turns:
    """
    Who works before whom, where two cores are soon busy: somebody who waits for an answer, then a mail that comes in,
    then what works in the background. Each waits until those before it have been idle for a moment, but not for ever.
    """

    def __init__(self, *first: str, lull: float = LULL_SECONDS, patience: float = PATIENCE_SECONDS) -> None:
        """
        Args:
            first: The functions that others wait for, in order.
            lull: For how many seconds those before must have been idle.
            patience: For how many seconds one waits at most.
        """
        self._place = {name: place for place, name in enumerate(first)}
        self._there = [0] * (len(first) + 1)
        self._idle_since = [float("-inf")] * (len(first) + 1)
        self._changed = Condition()
        self._lull, self._patience = lull, patience

    @contextmanager
    def taken_by(self, function: str) -> Iterator[None]:
        place = self._place.get(function, len(self._place))
        with self._changed:
            self._there[place] += 1  # also while it waits: those behind it wait for it then
            self._wait_for_those_before(place)
        try:
            yield
        finally:
            with self._changed:
                self._there[place] -= 1
                self._idle_since[place] = time.monotonic()
                self._changed.notify_all()

    def _wait_for_those_before(self, place: int) -> None:
        until = time.monotonic() + self._patience
        while place and (now := time.monotonic()) < until:
            if any(self._there[:place]):
                self._changed.wait(until - now)
            elif (lull := max(self._idle_since[:place]) + self._lull) > now:
                self._changed.wait(min(lull, until) - now)
            else:
                return


def _let_people_go_first() -> None:
    """
    Have functions take turns, and those that work in the background give way to the one that answers requests.
    """
    from ministack.core.lambda_runtime import Worker

    answers = function_name(STAGE, "api-handler")
    spawn, invoke, turns = Worker._spawn, Worker.invoke, Turns(answers, function_name(STAGE, "inbound-mail"))  # noqa: SLF001

    def spawned(worker: Any) -> None:  # noqa: ANN401 - ministack has no types
        spawn(worker)
        if worker.func_name != answers:
            process = worker._proc.pid  # noqa: SLF001
            os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process) + BEHIND)

    def invoked(worker: Any, *event: Any, **context: Any) -> Any:  # noqa: ANN401
        with turns.taken_by(worker.func_name):
            return invoke(worker, *event, **context)

    Worker._spawn, Worker.invoke = spawned, invoked  # noqa: SLF001


def _read_streams_beside_the_queues() -> None:
    """
    Have a thread of its own hand streams to functions, so that queues need not wait for it, as on AWS.

    ministack does both in turns on one thread, and waits for a function that reads a stream: meanwhile no mail comes in.
    """
    from ministack.services import lambda_svc

    read, log = lambda_svc._poll_dynamodb_streams, logging.getLogger(__name__)  # noqa: SLF001
    lambda_svc._poll_dynamodb_streams = lambda: False  # noqa: SLF001

    def keep_reading() -> None:
        while True:
            try:
                found = read()
            except Exception:
                log.exception("The streams cannot be read just now.")
                found = False
            if not found:
                time.sleep(LOOK_AT_STREAMS_SECONDS)

    Thread(target=keep_reading, daemon=True).start()


class WrittenLater:
    """
    Writes what changed among the objects of S3 to disk once none has changed for a moment, and when all else is saved.

    A mail that comes in is gone from `incoming/` before that, and never written there. Of a bucket that keeps versions
    all is written at once, as ministack does it. The embedded AWS has one account, and that is whose objects they are.
    """

    def __init__(self, s3: Any, quiet: float = QUIET_SECONDS) -> None:  # noqa: ANN401 - ministack has no types
        self._s3, self._quiet = s3, quiet
        self._write, self._delete, self._saved = s3._persist_object, s3._delete_persisted_object, s3.get_state  # noqa: SLF001
        self._changed: dict[tuple[str, str], None] = {}
        self._changed_at = float("-inf")
        self._one_at_a_time = Lock()
        s3._persist_object, s3._delete_persisted_object = self._written, self._later  # noqa: SLF001
        s3.get_state = self._state

    def keep_writing(self) -> None:
        while True:
            time.sleep(self._quiet / 2)
            if time.monotonic() - self._changed_at > self._quiet or len(self._changed) > OBJECTS_HELD:
                self.write()

    def write(self) -> None:
        with self._one_at_a_time:
            while self._changed:
                place, _ = self._changed.popitem()
                self._settle(*place)

    def _written(self, bucket: str, key: str, what: Any) -> None:  # noqa: ANN401
        if isinstance(what, dict) and what.get("version_id"):
            self._write(bucket, key, what)
        else:
            self._later(bucket, key)

    def _later(self, bucket: str, key: str) -> None:
        self._changed_at = time.monotonic()
        self._changed[bucket, key] = None

    def _state(self) -> Any:  # noqa: ANN401
        self.write()
        return self._saved()

    def _settle(self, bucket: str, key: str) -> None:
        """Have the disk show what is there now."""
        there = self._s3._buckets.get(bucket)  # noqa: SLF001
        if there is None:
            return  # its folder went with it
        if found := there["objects"].get(key):
            self._write(bucket, key, found)
        else:
            self._delete(bucket, key)


def _write_objects_when_it_is_quiet() -> None:
    """
    Have objects written to disk later: ministack does it within the request, and looks eight times where they belong.
    """
    from ministack.services import s3

    Thread(target=WrittenLater(s3).keep_writing, daemon=True).start()
