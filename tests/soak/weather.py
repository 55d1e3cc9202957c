"""
Faults by chance in every call, and clients that cost little: what a call says goes to the store as it is.

botocore spends most of a call on building an HTTP request that nobody sends. A light client goes the same way through
the lab's hooks (before, after, errors by their code) without it; a test plays a journey on moto, through the hooks
and through light clients, and compares what is there.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from random import Random
from types import MethodType
from typing import Any

from chalicelib.adapters import aws, rows
from tests.faults.lab import LAB, Call, Fault

_BEFORE = (Fault.THROTTLED, Fault.ERROR_BEFORE, Fault.UNREACHED, Fault.CONFLICT, Fault.CRASH_BEFORE)
_AFTER = (Fault.ERROR_AFTER, Fault.UNANSWERED, Fault.CRASH_AFTER)
# a crash is rarer than a slow answer
_WEIGHTS: Mapping[Fault, int] = {
    Fault.THROTTLED: 3, Fault.ERROR_BEFORE: 2, Fault.UNREACHED: 2, Fault.CONFLICT: 2, Fault.CRASH_BEFORE: 1,
    Fault.ERROR_AFTER: 2, Fault.UNANSWERED: 2, Fault.CRASH_AFTER: 1,
}  # fmt: skip


@dataclass
class Dice:
    """Decides before each call whether it fails, and how. It is the lab's plan, asked by number, and its list of calls."""

    chance: Random
    rate: float
    made: int = 0
    fired: dict[str, int] = field(default_factory=dict)
    now: Fault | None = None
    resting: bool = False
    by_operation: dict[str, int] = field(default_factory=dict)

    def roll(self, call: Call) -> None:
        self.now = None
        self.by_operation[call.operation] = self.by_operation.get(call.operation, 0) + 1
        if self.resting or self.chance.random() >= self.rate:
            return
        (self.now,) = self.chance.choices(tuple(_WEIGHTS), tuple(_WEIGHTS.values()))
        if not call.can(self.now):
            self.now = Fault.THROTTLED
        self.fired[self.now] = self.fired.get(self.now, 0) + 1

    def get(self, _: int) -> Fault | None:
        return self.now

    def append(self, _: object) -> None:
        self.made += 1

    def __len__(self) -> int:
        return self.made


@contextmanager
def weather(dice: Dice):
    """Let every call go through the dice."""
    LAB.on, LAB.plan, LAB.calls, LAB.fired = True, dice, dice, _Nothing()
    LAB.before_each = dice.roll
    try:
        yield dice
    finally:
        LAB.on, LAB.before_each, LAB.plan, LAB.calls, LAB.fired = False, None, {}, [], []


class _Nothing:
    def append(self, _: object) -> None:
        """Forget it: the dice count."""


def lighten() -> None:
    """Make the clients of this process light. New clients are as they always were."""
    for client in (
        *(aws.client(service) for service in ("s3", "sqs", "ses", "sns", "dynamodb")),
        rows.connection().client,
    ):
        client._make_api_call = MethodType(_light_call, client)


def _light_call(client: Any, operation: str, said: Mapping[str, Any]) -> dict[str, Any]:
    model = _model(client, operation)
    context: dict[str, Any] = {"said": said}
    http, parsed = LAB.before(model, context)  # type: ignore[misc] there is a sky
    LAB.after(parsed, model, context)
    if http.status_code >= 300:
        raise client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)
    return parsed


def _model(client: Any, operation: str) -> Any:
    return client.meta.service_model.operation_model(operation)


def remembering(loads: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return *loads* with a memory: the same text is the same value, which nobody changes, save for plain dicts."""
    remembered = lru_cache(maxsize=4096)(loads)
    return lambda kind, text: loads(kind, text) if kind is dict else remembered(kind, text)
