"""
One structured log line for each invocation: what happened, with ids, counts and durations; never words, names or addresses.
"""

import gc
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aws_lambda_powertools import Logger

logger = Logger()


@contextmanager
def line(door: str, **facts: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Give a dict to note facts in, and log it as one line at the end; an error is logged by type and place."""
    noted: dict[str, Any] = {"door": door, **facts}
    began = time.perf_counter()
    try:
        yield noted
    except Exception as error:
        noted["error"] = described(error)
        raise
    finally:
        noted["ms"] = round((time.perf_counter() - began) * 1000, 1)
        write = logger.error if "error" in noted or noted.get("failed") else logger.info
        write(noted)
        if not gc.isenabled():  # the first line: app.py put it off
            gc.freeze()
            gc.enable()


def described(error: BaseException) -> str:
    """Return what an error is and where it was raised; its text may hold a customer's words, so it is left out."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    code = getattr(error, "cause_response_code", None) or ""
    inner = "".join(f"; {described(e)}" for e in error.exceptions) if isinstance(error, ExceptionGroup) else ""
    return f"{type(error).__name__}{f' {code}' if code else ''}{where}{inner}"
