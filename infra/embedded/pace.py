"""
What lets ministack keep pace with many at once: a faster server under it, and fewer waits, connections and readings of
the same thing. What it checks and what it answers is its own.

There is no setting for any of this, so its functions are replaced from outside, before it serves.
"""

import logging
import os
import smtplib
import time
from collections import deque
from functools import lru_cache
from threading import Thread
from typing import Any

from infra.embedded.settings import STAGE
from infra.stage import function_name

LOOK_AT_STREAMS_SECONDS = 0.05
BEHIND = 5  # of 19: a quarter of a core that both want; with more, other programs would take nearly all


def quicken() -> None:
    """
    To be called once, before ministack serves.
    """
    _serve_with_uvicorn()
    _read_conditions_once()
    _read_header_fields_once()
    _keep_smtp_connections()
    _let_people_go_first()
    _read_streams_beside_the_queues()


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
            loop="asyncio",
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


def _let_people_go_first() -> None:
    """
    Have functions that work in the background give way to the one that answers requests: two cores are soon busy.
    """
    from ministack.core.lambda_runtime import Worker

    spawn, answers = Worker._spawn, function_name(STAGE, "api-handler")  # noqa: SLF001

    def spawned(worker: Any) -> None:  # noqa: ANN401 - ministack has no types
        spawn(worker)
        if worker.func_name != answers:
            process = worker._proc.pid  # noqa: SLF001
            os.setpriority(os.PRIO_PROCESS, process, os.getpriority(os.PRIO_PROCESS, process) + BEHIND)

    Worker._spawn = spawned  # noqa: SLF001


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
