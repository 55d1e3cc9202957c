"""
What becomes of a mail when sending fails: `python -m tests.faults.sending` plays it and prints a table.

Each call to AWS, from what brings the mail to what SES says of it, fails once in every way (see lab). All of that is played again
for SES's events in each of these ways:

| events | come |
|---|---|
| in time | after the worker that sent |
| early | before the worker knows that it has sent, and again in time |
| twice | each two times |
| an hour late | the feedback queue answers nobody for half an hour, and holds what nobody reads for another |
| never | not at all |

To reach: nothing lost, nothing left to people; nothing doubled, but once each what SES took without an answer when its events never come.
"""

import argparse
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from botocore.exceptions import ConnectTimeoutError

from tests import conftest  # noqa: F401 the environment, before anything reads it
from tests.faults import scenarios
from tests.faults.explore import Plan, Red, plans
from tests.faults.lab import LAB, Call, Fault
from tests.faults.scenarios import Play
from tests.faults.sky import Sky
from tests.faults.stage import Lost, Stage, raised

_OUTBOX_TAG = re.compile(rb"outbox=(\w+)")
_READS = ("GetItem", "BatchGetItem", "Query", "GetObject")
_STEPS = {
    ("SendMessage", ""): "the sweep's orders",
    ("PutItem", "BUDGET"): "count",
    ("UpdateItem", "CUSTOMER"): "count",
    ("UpdateItem", "TICKET"): "claim",
    ("SendRawEmail", ""): "SendRawEmail",
    ("PutItem", "MAIL"): "settle",
    ("PutItem", "TICKET"): "its message",
    ("DeleteItem", "TICKET"): "settle",
    ("PutItem", "FEEDBACK"): "that events arrive",
}


class Told(StrEnum):
    """When SES's events come."""

    IN_TIME = "in time"
    EARLY = "early"
    TWICE = "twice"
    LATE = "an hour late"
    NEVER = "never"


@dataclass
class Figure:
    """A row: how many schedules were played, and what became of their mails. `unheard` counts those that only SES knew of."""

    schedules: int = 0
    lost: int = 0
    doubled: int = 0
    held: int = 0
    unheard: int = 0

    def add(self, other: "Figure") -> None:
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))


Row = tuple[Told, str, str]


def holds(told: Told, figure: Figure) -> bool:
    may_double = figure.unheard if told is Told.NEVER else 0
    return figure.lost == figure.held == 0 and figure.doubled == may_double


# What waits to be sent, and what brings it


def a_notification(stage: Stage) -> None:
    scenarios.lead_is_there(stage)
    scenarios.is_given_to_ana(stage)


def a_survey(stage: Stage) -> None:
    scenarios.resolved(stage)
    scenarios.survey_is_due(stage)


def swept(stage: Stage) -> None:
    """The stream's record was lost."""
    stage.brought = frozenset(stage.unbrought())
    stage.later(minutes=3)
    stage.sweep()


MAILS: Mapping[str, Play] = {
    "an acknowledgement": scenarios.opened,
    "an answer with a file": scenarios.uploaded_by_agent,
    "a notification": a_notification,
    "a survey": a_survey,
}
WAYS: Mapping[str, Play] = {"by the stream": Stage.stream, "by the sweep": swept}


# Playing


def table(
    bare: Stage,
    *,
    mails: Sequence[str] = tuple(MAILS),
    ways: Sequence[str] = tuple(WAYS),
    told: Sequence[Told] = tuple(Told),
    every: int = 1,
) -> Iterator[dict[Row, Figure]]:
    """Play all schedules, or each *every*-th; yield the rows so far, after each."""
    rows: dict[Row, Figure] = {}
    number = 0
    for mail in mails:
        start = _start(bare, MAILS[mail])
        for when in told:
            for way in ways:
                _, calls = _played(start, WAYS[way], when, {})
                for plan in plans(calls):
                    number += 1
                    if number % every:
                        continue
                    ((failing, fault),) = plan.items()
                    figure, _ = _played(start, WAYS[way], when, plan)
                    row = when, step_of(calls[failing - 1]), fault.value.replace("_", " ")
                    rows.setdefault(row, Figure()).add(figure)
                    yield rows


def step_of(call: Call) -> str:
    """Return what a call is for."""
    if call.operation in _READS:
        return "reads"
    of = call.said.get("Key") or call.said.get("Item") or {}
    return _STEPS[call.operation, of["pk"]["S"].partition("#")[0] if of else ""]


def _start(bare: Stage, given: Play) -> Stage:
    play = bare.again()
    given(play)
    return play.saved()


def _played(start: Stage, bring: Play, told: Told, plan: Plan) -> tuple[Figure, list[Call]]:
    """Play once; return what became of the mails, and the calls that could fail."""
    stage = start.again()
    wanted = {sk.removeprefix("OUTBOX#") for _, sk in stage.unbrought()}
    stage.tells = {Told.NEVER: (), Told.TWICE: ("Send", "Send", "Delivery", "Delivery")}.get(told, stage.tells)
    stage.silent = told is Told.LATE
    unheard = 0
    try:
        with _surrounded(stage, told), LAB.planned(plan) as calls:
            _bring(stage, bring, told)
            stage.tell()
        if len(LAB.fired) != len(plan):
            raise Red(f"not every planned fault happened: {plan}")
        unheard = len(_waiting(stage).keys() & _taken(stage).keys())
        if stage.silent:
            _pass_an_hour(stage)
        stage.settle()
    except Lost:
        return Figure(1, lost=len(wanted - _taken(stage).keys()) or 1), calls
    taken, waiting = _taken(stage), _waiting(stage)
    held = {item for item, state in waiting.items() if state == "held"}
    lost, doubled = wanted - taken.keys() - held, sum(taken.values()) - len(taken)
    return Figure(1, len(lost), doubled, len(held), unheard), calls


def _bring(stage: Stage, bring: Play, told: Told) -> None:
    try:
        bring(stage)
    except Lost:  # a queue gives an order up while nobody can tell whether events wait; the next sweep makes another
        if told is not Told.LATE:
            raise


def _waiting(stage: Stage) -> dict[str, str]:
    """Return what lies in the outbox, and in which state."""
    rows = (row for row in stage.sky.rows() if row["sk"].startswith("OUTBOX#"))
    return {row["sk"].removeprefix("OUTBOX#"): json.loads(row["progress"])["state"] for row in rows}


def _taken(stage: Stage) -> Counter[str]:
    """Count what SES took, by the id that each item keeps."""
    heads = (raw.partition(b"\r\n\r\n")[0] for raw, _ in stage.sky.mails)
    return Counter(_OUTBOX_TAG.findall(head)[0].decode() for head in heads)


# What surrounds it


@contextmanager
def _surrounded(stage: Stage, told: Told) -> Iterator[None]:
    LAB.after_each = _TellsAtOnce(stage) if told is Told.EARLY else None
    LAB.before_each = _unreached if told is Told.LATE else None
    try:
        yield
    finally:
        LAB.after_each = LAB.before_each = None


class _TellsAtOnce:
    """Another process hears from SES before the one that sent does."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.told = stage, len(stage.sky.mails)

    def __call__(self, *_: object) -> None:
        fresh, self.told = self.stage.sky.mails[self.told :], len(self.stage.sky.mails)
        for mail in fresh:
            copy_context().run(self._tell, mail)

    def _tell(self, mail: tuple[bytes, str]) -> None:
        LAB.on = False
        self.stage.begin("B")
        for kind in self.stage.tells:
            self.stage.queue(self.stage.said_by_ses(kind, mail))
        LAB.on = True


def _unreached(call: Call) -> None:
    if call.said.get("QueueUrl", "").endswith("/feedback"):
        raise ConnectTimeoutError(endpoint_url="https://aws.test")


def _pass_an_hour(stage: Stage) -> None:
    with _surrounded(stage, Told.LATE), LAB.planned({}):
        for _ in range(10):
            stage.later(minutes=3)
            stage.sweep_once()
    for _ in range(2):
        stage.tell()
        stage.later(minutes=15)
        stage.sweep()
    stage.silent = False


# Showing


def lines(rows: Mapping[Row, Figure]) -> Iterator[str]:
    """Yield the table: each call and fault for events in time, and one line for each other way."""
    yield f"{'events':<14}{'call':<20}{'fault':<14}{'schedules':>10}{'lost':>7}{'doubled':>9}{'held':>7}{'unheard':>9}"
    for (told, step, fault), figure in sorted(_merged(rows).items(), key=lambda row: _place(*row[0])):
        numbers = f"{figure.schedules:>10,}{figure.lost:>7}{figure.doubled:>9}{figure.held:>7}{figure.unheard:>9}"
        yield f"{told:<14}{step:<20}{fault:<14}{numbers}{'' if holds(told, figure) else '  WRONG'}"


def _merged(rows: Mapping[Row, Figure]) -> dict[Row, Figure]:
    merged: dict[Row, Figure] = {}
    for (told, step, fault), figure in rows.items():
        row = (told, step, fault) if told is Told.IN_TIME else (told, "every call", "each")
        merged.setdefault(row, Figure()).add(figure)
    return merged


def _place(told: Told, step: str, fault: str) -> tuple[Any, ...]:
    faults = [each.value.replace("_", " ") for each in Fault]
    steps = ["reads", *dict.fromkeys(_STEPS.values()), "every call"]
    return [*Told].index(told), steps.index(step), [*faults, "each"].index(fault)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.sending", description="Fail every call of sending.")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th schedule")
    every = parser.parse_args().every
    began, shown_at, rows = time.monotonic(), 0.0, dict[Row, Figure]()
    with raised(Sky()) as bare:
        for rows in table(bare, every=every):
            if time.monotonic() > shown_at + 0.5:
                shown_at = time.monotonic()
                _write(f"\r{sum(f.schedules for f in rows.values()):,} schedules, {shown_at - began:.0f} s ")
    wrong = [row for row, figure in rows.items() if not holds(row[0], figure)]
    doubled = sum(figure.doubled for figure in rows.values())
    _write("\r" + "\n".join(lines(rows)))
    _write(f"\n{sum(f.schedules for f in rows.values()):,} schedules, {len(rows)} kinds of fault, {len(wrong)} wrong; ")
    _write(f"{doubled} doubled where the Send event never came; {time.monotonic() - began:.0f} s\n")
    return 1 if wrong or not rows else 0


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
