"""
A function as Lambda runs it: the unpacked zip behind Lambda's own runtime client, which asks a server for one event
after the other (the Runtime API, 2018-06-01). What is missing in the zip is missing here.
"""

import json
import queue
import signal
import subprocess
import tempfile
import time
import uuid
import venv
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self

from infra.embedded.settings import HOST, ROOT

PATIENCE_SECONDS = 300
_CLIENTS = ROOT / "build/runtime"
_MB = 1024


class Failed(Exception):
    """What a function, or its start, answered instead of a result."""


@dataclass
class Cost:
    """
    What one process took.

    Attributes:
        start_ms, first_ms, warm_ms: CPU time (ms) until the first event was asked for, of that event, and of one after it.
        rss_mb: Resident memory after the last event.
        log_bytes: All it wrote for the log.
        answers: To each event.
    """

    start_ms: float = 0.0
    first_ms: float = 0.0
    warm_ms: float = 0.0
    rss_mb: float = 0.0
    log_bytes: int = 0
    answers: list[Any] = field(default_factory=list)


@cache
def client() -> Path:
    """Return the Python of an environment that holds the runtime client and nothing else; made on first use."""
    wanted = (ROOT / "bench/requirements.txt").read_bytes()
    python, made_of = _CLIENTS / "bin/python", _CLIENTS / "made-of"
    if not (python.exists() and made_of.exists() and made_of.read_bytes() == wanted):
        venv.create(_CLIENTS, clear=True, with_pip=True)
        pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--requirement"]
        subprocess.run([*pip, str(ROOT / "bench/requirements.txt")], check=True)  # noqa: S603 our own list
        made_of.write_bytes(wanted)
    return python


def run(
    folder: Path,
    handler: str,
    events: Iterable[Mapping[str, Any]],
    environment: Mapping[str, str],
    under: tuple[str, ...] = (),
) -> Cost:
    """
    Start a function, bring it *events* one after the other, and stop it.

    Args:
        folder: The unpacked zip.
        handler: As Lambda names it, `app.outbox`.
        events: An iterator is asked for the next one when the one before is answered.
        environment: What the deployment gives a function.
        under: A command that runs and watches the process, such as valgrind.

    Raises:
        Failed: The function did not start, raised, or did not answer.
    """
    with _Service(PATIENCE_SECONDS) as service, tempfile.TemporaryFile() as said:
        command = [*under, str(client()), "-B", "-m", "awslambdaric", handler]
        process = subprocess.Popen(  # noqa: S603 it is our own
            command, cwd=folder, env=_environment(service.port, folder, environment), stdout=said, stderr=said
        )
        cost = Cost()
        try:
            service.until_ready(process)
            cost.start_ms = _cpu_ms(process.pid)
            for event in events:
                before = _cpu_ms(process.pid)
                cost.answers.append(service.ask(event, process))
                spent = _cpu_ms(process.pid) - before
                if len(cost.answers) == 1:
                    cost.first_ms = spent
                else:
                    cost.warm_ms += spent
            cost.warm_ms /= max(len(cost.answers) - 1, 1)
            cost.rss_mb = _rss_mb(process.pid)
        except Failed as error:
            said.seek(0)
            raise Failed(f"{handler}: {error}\n{said.read().decode(errors='replace')[-4000:]}") from error
        finally:
            _end(process)
        said.seek(0)
        cost.log_bytes = sum(len(line) for line in said if not line.startswith(b"=="))  # those are valgrind's
    return cost


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A function that ends leaves its question open; whether it answered is asked for elsewhere."""


class _Service:
    """The Runtime API for one process."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._events: queue.Queue[bytes | None] = queue.Queue()
        self._answers: queue.Queue[tuple[bool, Any]] = queue.Queue()
        self._ready = Event()
        self._server = _Server((HOST, 0), self._handler())
        self.port = self._server.server_port
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()

    def until_ready(self, process: "subprocess.Popen[bytes]") -> None:
        """Wait until the function asks for its first event."""
        ends = time.monotonic() + self._patience
        while not self._ready.wait(0.02):
            self._look(process, ends)
        with suppress(queue.Empty):
            raise Failed(json.dumps(self._answers.get_nowait()[1]))

    def ask(self, event: Mapping[str, Any], process: "subprocess.Popen[bytes]") -> Any:
        self._events.put(json.dumps(event).encode())
        ends = time.monotonic() + self._patience
        while True:
            try:
                good, answer = self._answers.get(timeout=0.5)
            except queue.Empty:
                self._look(process, ends)
            else:
                break
        if not good:
            raise Failed(json.dumps(answer))
        return answer

    def _look(self, process: "subprocess.Popen[bytes]", ends: float) -> None:
        if process.poll() is not None:
            raise Failed(f"it ended with {process.returncode}")
        if time.monotonic() > ends:
            raise Failed("no answer came")

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        events, answers, ready = self._events, self._answers, self._ready

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                ready.set()
                event = events.get()
                if event is None:
                    self.close_connection = True
                    return
                self._answer(200, event)

            def do_POST(self) -> None:
                held = self.rfile.read(int(self.headers["Content-Length"]))
                self._answer(202, b"{}")
                answers.put((self.path.endswith("/response"), json.loads(held)))
                if self.path.endswith("/init/error"):
                    ready.set()

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Content-Type", "application/json")
                self.send_header("Lambda-Runtime-Aws-Request-Id", str(uuid.uuid4()))
                self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + PATIENCE_SECONDS) * 1000)))
                self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:x:1:function:careline")
                self.end_headers()
                self.wfile.write(body)
                self.wfile.flush()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


def _environment(port: int, folder: Path, more: Mapping[str, str]) -> dict[str, str]:
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "HOME": "/nonexistent",
        "PYTHONHASHSEED": "0",
        "AWS_LAMBDA_RUNTIME_API": f"{HOST}:{port}",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_LAMBDA_FUNCTION_NAME": "careline",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        **more,
    }


def _cpu_ms(pid: int) -> float:
    """Return the CPU time of all threads of a process."""
    spent = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with suppress(FileNotFoundError):
            spent += int((thread / "schedstat").read_text().split()[0])
    return spent / 1e6


def _rss_mb(pid: int) -> float:
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(fields["VmRSS"].split()[0]) / _MB


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
