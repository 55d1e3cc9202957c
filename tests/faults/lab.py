"""
Failing the k-th call to AWS, through botocore's own hooks: every client that is made afterwards is in the lab.

| fault | the call had its effect | the desk sees |
|---|---|---|
| throttled, error_before, unreached | no | a 4xx, a 5xx, a connection that never was |
| conflict | no | another transaction on the same item (writes to DynamoDB) |
| error_after, unanswered | yes | a 5xx, a lost answer |
| crash_before, crash_after | no, yes | nothing: the process is gone |
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from botocore import handlers
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.faults.sky import No, Sky

_THROTTLE_CODES = {
    "dynamodb": "ProvisionedThroughputExceededException",
    "s3": "SlowDown",
    "ses": "Throttling",
    "sqs": "RequestThrottled",
    "sns": "Throttled",
}
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


class SimulatedCrash(BaseException):
    """The process ends here: no `except Exception` sees it."""


class Fault(StrEnum):
    THROTTLED = "throttled"
    ERROR_BEFORE = "error_before"
    UNREACHED = "unreached"
    CONFLICT = "conflict"
    ERROR_AFTER = "error_after"
    UNANSWERED = "unanswered"
    CRASH_BEFORE = "crash_before"
    CRASH_AFTER = "crash_after"


@dataclass(frozen=True, slots=True)
class Call:
    service: str
    operation: str
    said: Mapping[str, Any]

    def can(self, fault: Fault) -> bool:
        return fault is not Fault.CONFLICT or self.operation in _WRITES

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


class _Http:
    def __init__(self, status: int) -> None:
        self.status_code, self.headers, self.content = status, dict[str, str](), b""


@dataclass
class Lab:
    """
    What happens to calls while it is `on`.

    `plan` says which call (from 1) fails and how, `down` which service fails always; `before_each` may fail or stop any; `after_each` hears what was
    answered. With a `sky` that answers, there is no HTTP.
    """

    sky: Sky | None = None
    on: bool = False
    plan: Mapping[int, Fault] = field(default_factory=dict)
    down: Mapping[str, Fault] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    fired: list[tuple[int, Fault]] = field(default_factory=list)
    before_each: Callable[[Call], None] | None = None
    after_each: Callable[[Call, object], None] | None = None

    @contextmanager
    def planned(self, plan: Mapping[int, Fault], down: Mapping[str, Fault] | None = None) -> Iterator[list[Call]]:
        """Fail calls by a plan, and all of the services that are down; gives the calls that are made."""
        self.on, self.plan, self.down, self.calls, self.fired = True, plan, down or {}, [], []
        try:
            yield self.calls
        finally:
            self.on = False

    def remember(self, params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        context["said"] = params

    def before(self, model: Any, context: dict[str, Any], **_: object) -> tuple[_Http, dict[str, Any]] | None:
        call = Call(model.service_model.service_name, model.name, context.get("said", {}))
        if self.on:
            if self.before_each:
                self.before_each(call)
            self.calls.append(call)
            context["number"] = len(self.calls)
            refused = self._fail_before(call, len(self.calls))
            if refused:
                return refused
        return self.answered(call) if self.sky else None

    def after(self, parsed: Any, model: Any, context: dict[str, Any], **_: object) -> None:
        if not self.on or "number" not in context:
            return
        number = context["number"]
        fault = self.plan.get(number)
        if fault in (Fault.ERROR_AFTER, Fault.UNANSWERED, Fault.CRASH_AFTER):
            self.fired.append((number, fault))
        call = Call(model.service_model.service_name, model.name, context.get("said", {}))
        if self.after_each:
            self.after_each(call, parsed)
        match fault:
            case Fault.UNANSWERED:
                raise ReadTimeoutError(endpoint_url="https://aws.test")
            case Fault.CRASH_AFTER:
                raise SimulatedCrash(str(call))
            case Fault.ERROR_AFTER:
                raise ClientError(_refusal("InternalServerError", 500), call.operation)

    def _fail_before(self, call: Call, number: int) -> tuple[_Http, dict[str, Any]] | None:
        fault = self.plan.get(number) or self.down.get(call.service)
        if fault in (None, Fault.ERROR_AFTER, Fault.UNANSWERED, Fault.CRASH_AFTER):
            return None
        self.fired.append((number, fault))
        match fault:
            case Fault.UNREACHED:
                raise ConnectTimeoutError(endpoint_url="https://aws.test")
            case Fault.CRASH_BEFORE:
                raise SimulatedCrash(str(call))
            case Fault.THROTTLED:
                return _Http(400), _refusal(_THROTTLE_CODES[call.service], 400)
            case Fault.CONFLICT:
                return _Http(400), _conflict(call)
            case _:
                return _Http(500), _refusal("InternalServerError", 500)

    def answered(self, call: Call) -> tuple[_Http, dict[str, Any]]:
        """Return what the sky answers, as botocore's `before-call` may: a response and what was read of it."""
        if self.sky is None:
            raise AssertionError("there is no sky")
        try:
            answer = self.sky.answer(call.service, call.operation, call.said)
        except No as no:
            return _Http(no.status), _refusal(no.code, no.status) | no.more
        return _Http(200), answer | {"ResponseMetadata": {"HTTPStatusCode": 200}}


def _refusal(code: str, status: int) -> dict[str, Any]:
    about = {"HTTPStatusCode": status, "HTTPHeaders": dict[str, str](), "RetryAttempts": 0}
    return {"Error": {"Code": code, "Message": code}, "ResponseMetadata": about}


def _conflict(call: Call) -> dict[str, Any]:
    if call.operation != "TransactWriteItems":
        return _refusal("TransactionConflictException", 400)
    reasons = [{"Code": "None"} for _ in call.said["TransactItems"]]
    reasons[0] = {"Code": "TransactionConflict"}
    return _refusal("TransactionCanceledException", 400) | {"CancellationReasons": reasons}


LAB = Lab()
handlers.BUILTIN_HANDLERS += [
    ("before-parameter-build", LAB.remember),
    ("before-call", LAB.before),
    ("after-call", LAB.after),
]
