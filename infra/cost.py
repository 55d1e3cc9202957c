"""
`python -m infra cost`: what a thousand tickets and an idle month cost, from counts; with --stage, what a stage used.

    counts      bench.json (what each use case asks of AWS), the doors of app.py, the templates
    prices      infra/prices.yaml, each with its source
    the rest    assumptions, printed with what comes out

An item is counted by its name in prices.yaml, so that counts of any origin are priced in the same way.
"""

import argparse
import json
import math
import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from infra import package
from infra.aws import Trouble, session_for
from infra.policies import GRANTS

BENCH = Path("bench.json")
PRICES = Path(__file__).with_name("prices.yaml")
GOALS = {"1,000 tickets without the mails": 0.18, "an idle month": 3.00, "all, in floors": 1.25}

Counts = Mapping[str, float]

# Which doors open while a line of a life is measured, by the words in its name. The first that fits counts.
DOORS = {
    "feedback": {"mail_feedback": 1},
    "send ": {"outbox": 1},
    "mail in": {"inbound_mail": 1},
    "(sweep)": {"due_work": 1},  # the sweep does by itself what due_work would do
    "rating": {"api_handler": 1},
    "open": {"api_handler": 1},
    "reply": {"api_handler": 1},
    "resolve": {"api_handler": 1},
}
SWEEP = "sweep with nothing due"
LOOKS = {"list 25 tickets": 2, "read a ticket": 3, "read its messages": 3, "see the survey's page": 1}
"""What is looked at in a life: eight pages of agents, and the page on which the customer rates."""

FLOOR: Counts = {
    "mail_out": 4, "mail_in": 2, "api_request": 12, "file_put": 2, "file_get": 2, "table_write": 12, "table_read": 8,
    "lambda_request": 12, "lambda_gb_second": 0.036,
}  # fmt: skip
"""What no desk can do without: its mails, each stored once, a dozen calls, a dozen writes, 3 ms of 1 GB each."""

WORDS_OF_SES = 2  # Send and Delivery: the queue of mail_feedback gathers 20 seconds, and brings them in one batch

# Fixed by AWS. A queue's pollers: Lambda Developer Guide, "Using Lambda with Amazon SQS"; a batch is received and deleted.
POLLERS, POLL_SECONDS = 5, 20
REQUESTS_OF_A_BATCH = 2
FULL_CPU_MB = 1769  # memory with which a function has one core, and below it a part of one

SECONDS_A_MONTH = 365 * 24 * 3600 / 12
GB = 1e9


@dataclass(frozen=True)
class Assumed:
    """
    What is not measured: milliseconds and bytes of one invocation, bytes of one ticket, months that it is kept, bytes of a page and of
    an answer's headers; and what a whole core takes for anchor A (ms), of which between 240 and 325 were seen.
    """

    ms: float = 60
    anchor_ms: float = 325
    memory_mb: int = 512
    call_ms: float = 8
    cold_share: float = 0.01
    log_bytes: int = 1000
    table_bytes: int = 9000
    months: int = 12
    page_bytes: int = 8000
    header_bytes: int = 400


@dataclass(frozen=True)
class Price:
    service: str
    unit: str
    usd: float
    per: int
    source: str
    free: int = 0


@dataclass(frozen=True)
class Bill:
    """Counts with their prices, dearest first: `(price, count, dollars)`."""

    items: tuple[tuple[Price, float, float], ...]

    def total(self, *, mails: bool = True) -> float:
        return math.fsum(usd for price, _, usd in self.items if mails or price.service != "SES")

    def shown(self) -> Iterator[str]:
        for price, count, usd in self.items:
            free = f"   {price.free} are free" if price.free else ""
            yield f"  {price.service:14} {count:14,.6g} {price.unit:37} ${usd:9.4f}{free}"
        yield f"  {'':14} {'in all':52} ${self.total():9.4f}"
        if self.total(mails=False) != self.total():
            yield f"  {'':14} {'without the mails':52} ${self.total(mails=False):9.4f}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", help="count what this stage used in the last 30 days, instead")
    parser.add_argument("--bench", type=Path, default=BENCH, metavar="FILE", help="what `make bench` wrote (default: %(default)s)")  # fmt: skip


def run(args: argparse.Namespace) -> int:
    prices = read_prices()
    if args.stage:
        return of_stage(args.stage, prices)
    bench, assumed = read_bench(args.bench), Assumed()
    thousand = billed(added(of_a_ticket(bench, assumed), times=1000), prices)
    idle = billed(of_an_idle_month(bench, assumed), prices)
    floor = billed(added(FLOOR, times=1000), prices).total()
    print("1,000 tickets")
    print("\n".join(thousand.shown()))
    print("An idle month")
    print("\n".join(idle.shown()))
    print(f"Goals (the floor is ${floor:.4f} for 1,000 tickets: the mails, and what no desk can do without)")
    reached = (thousand.total(mails=False), idle.total(), thousand.total() / floor)
    for (what, goal), is_now in zip(GOALS.items(), reached, strict=True):
        print(f"  {what:34} {is_now:8.4f} of at most {goal:.2f}: {'reached' if is_now <= goal else 'MISSED'}")
    print("\n".join(notes(bench, assumed, prices)))
    return 0


def of_stage(stage: str, prices: Mapping[str, Price]) -> int:
    from infra import usage

    session = session_for(stage)
    bill = billed(added(usage.counted(stage, session, datetime.now(UTC)), what_watches()), prices)
    print(f"Stage {stage}, the last {usage.DAYS} days")
    print("\n".join(bill.shown()))
    print("\n".join(usage.NOTES))
    return 0


def read_prices() -> dict[str, Price]:
    held = yaml.safe_load(PRICES.read_text())["prices"]
    return {name: Price(**each) for name, each in held.items()}


def read_bench(file: Path) -> dict[str, Any]:
    """
    Return what was measured: use cases, and under "functions" what each door takes.

    Raises:
        Trouble: Nothing was measured.
    """
    try:
        measured: dict[str, Any] = json.loads(file.read_text())
    except FileNotFoundError:
        raise Trouble(
            f"There is no {file}: run `make bench` first, it counts what each use case asks of AWS."
        ) from None
    return measured


def added(*counts: Counts, times: float = 1) -> dict[str, float]:
    """Return the sum of *counts*, so many times."""
    total: dict[str, float] = defaultdict(float)
    for each in counts:
        for name, count in each.items():
            total[name] += count * times
    return dict(total)


def billed(counts: Counts, prices: Mapping[str, Price]) -> Bill:
    lines = [
        (prices[name], count, max(0.0, count - prices[name].free) * prices[name].usd / prices[name].per)
        for name, count in counts.items()
    ]
    return Bill(tuple(sorted(lines, key=lambda line: -line[2])))


def of_a_ticket(bench: Mapping[str, Any], assumed: Assumed) -> Counts:
    """Return what one ticket takes from its opening to its closing, with what is looked at meanwhile."""
    parts: list[Counts] = []
    for name, figure in bench.items():
        if name.startswith("life: "):
            parts.append(of_a_line(figure, bench, doors_of(name), assumed))
            if "(sweep)" in name:  # it is there without any ticket: the idle month pays for it
                parts.append({"table_read": -bench[SWEEP]["read_units"], "lambda_request": -1})
    for name, times in LOOKS.items():
        parts.append(added(of_a_line(bench[name], bench, {"api_handler": 1}, assumed), times=times))
    gb_months = bench["a whole life"].get("stored_bytes", assumed.table_bytes) * assumed.months / GB
    return added(*parts, {"table_gb_month": gb_months, "backup_gb_month": gb_months})


def of_a_line(
    figure: Mapping[str, Any], bench: Mapping[str, Any], doors: Mapping[str, int], assumed: Assumed
) -> Counts:
    """Return what one measured line takes: what it asks of AWS, and the doors that open for it."""
    calls, opened = figure["calls"], sum(doors.values())
    batches = doors.get("mail_feedback", 0) + doors.get("inbound_mail", 0)  # SES tells SNS, SNS tells SQS
    told = WORDS_OF_SES * doors.get("mail_feedback", 0) + doors.get("inbound_mail", 0)
    queued = calls.get("sqs.SendMessage", 0)
    answered = figure.get("answer_bytes", assumed.page_bytes) + assumed.header_bytes
    asked: Counts = {
        "table_write": figure["write_units"],
        "table_read": figure["read_units"],
        "file_put": calls.get("s3.PutObject", 0),
        "file_get": calls.get("s3.GetObject", 0),
        "mail_out": calls.get("ses.SendRawEmail", 0),
        "mail_in": doors.get("inbound_mail", 0),
        "topic_publish": calls.get("sns.Publish", 0) + told,
        "queue_request": queued + told + REQUESTS_OF_A_BATCH * (queued + batches),
        "api_request": doors.get("api_handler", 0),
        "data_out_gb": doors.get("api_handler", 0) * answered / GB,
    }
    each = sum(calls.values()) / opened
    return added(asked, *(of_invocations(door, times, each, bench, assumed) for door, times in doors.items()))


def of_invocations(door: str, times: float, calls: float, bench: Mapping[str, Any], assumed: Assumed) -> Counts:
    """Return what *times* invocations of a door take, when each makes so many *calls* to AWS."""
    measured = bench.get("functions", {}).get(door, {})
    gb, ms = assumed.memory_mb / 1024, assumed.ms
    if "warm_count" in measured:
        memory = memory_of(door)
        warm = measured["warm_count"] / bench["package"]["anchor"]
        cpu_ms = (warm + assumed.cold_share * measured["cold_x"]) * assumed.anchor_ms
        gb, ms = memory / 1024, cpu_ms * max(1.0, FULL_CPU_MB / memory) + calls * assumed.call_ms
    return {
        "lambda_request": times,
        "lambda_gb_second": times * gb * ms / 1000,
        "log_gb": times * measured.get("log_bytes", assumed.log_bytes) / GB,
    }


def of_an_idle_month(bench: Mapping[str, Any], assumed: Assumed) -> Counts:
    """Return what a month takes in which nobody writes: schedules, pollers of queues, and what watches."""
    swept = bench[SWEEP]
    looks: dict[str, tuple[float, Counts]] = {
        "sweep": (swept["calls"].get("dynamodb.Query", 0), {"table_read": swept["read_units"]}),
        "reconcile": (1, {"file_put": 1}),  # it lists what nobody took in
    }
    parts: list[Counts] = [what_watches()]
    for source in doors():
        if hasattr(source, "schedule_expression"):
            runs = SECONDS_A_MONTH / seconds_between(source.schedule_expression)
            calls, taken = looks[source.name]
            parts += [
                of_invocations(source.name, runs, calls, bench, assumed),
                added(taken, {"schedule": 1}, times=runs),
            ]
        elif hasattr(source, "queue_arn"):
            parts.append({"queue_request": POLLERS * SECONDS_A_MONTH / POLL_SECONDS})
    return added(*parts)


def what_watches() -> Counts:
    """Return the alarms, dashboards and metrics of a stage, as the templates declare them."""
    resources = package.load_yaml(package.ROOT / "infra/resources.yaml")["Resources"]
    kinds = Counter(resource.get("Type") for resource in resources.values())
    alarms = [each["Properties"] for each in resources.values() if each.get("Type") == "AWS::CloudWatch::Alarm"]
    own = {alarm["MetricName"] for alarm in alarms if alarm.get("Namespace") == "Careline"}
    for_each = len(GRANTS) + sum(name.endswith("DeadLetter") for name in resources)  # template.py adds these
    return {"alarm": len(alarms) + for_each, "metric": len(own), "dashboard": kinds["AWS::CloudWatch::Dashboard"]}


def doors() -> list[Any]:
    """Return what opens the doors of app.py, as Chalice knows it. Stand-ins take the place of what only a stage knows."""
    for name, value in package.stand_ins().items():
        os.environ.setdefault(name, value)
    from app import app

    return list(app.event_sources)


def doors_of(line: str) -> dict[str, int]:
    """
    Return which doors open for a line of a life.

    Raises:
        Trouble: Nobody said which: a new line of `make bench` needs its place in DOORS.
    """
    found = next((doors for words, doors in DOORS.items() if words in line), None)
    if found is None:
        raise Trouble(f"Which doors open for “{line}”? Say it in DOORS of infra/cost.py.")
    return found


def memory_of(door: str) -> int:
    """Return a function's memory in MB."""
    functions = json.loads((package.ROOT / ".chalice/config.json").read_text())["lambda_functions"]
    return int(functions[door]["lambda_memory_size"])


def seconds_between(schedule: str) -> float:
    """Return the seconds between two runs of `rate(15 minutes)`."""
    number, unit = schedule.removeprefix("rate(").rstrip(")").split()
    return int(number) * {"minute": 60, "hour": 3600, "day": 86400}[unit.rstrip("s")]


def notes(bench: Mapping[str, Any], assumed: Assumed, prices: Mapping[str, Price]) -> Iterator[str]:
    """Yield what the figures rest on that nobody measured."""
    measured = bench.get("functions", {})
    dearer = prices["mail_out_new_account"]
    yield f"Prices: list, us-east-1, infra/prices.yaml. New SES accounts pay ${dearer.usd * 1000 / dearer.per:.2f} for 1,000 mails."
    yield f"A life: {', '.join(f'{times} x {name}' for name, times in LOOKS.items())} beside its own lines; an invocation for each message, but one for what SES says of a mail: Send and Delivery."
    if any("warm_count" in each for each in measured.values()):
        yield f"Duration: measured instructions, of which a core does those of A in {assumed.anchor_ms:g} ms, at the function's share of a core; {assumed.call_ms:g} ms for each call to AWS, {assumed.cold_share:.0%} cold."
    if len(measured) < len(GRANTS):
        yield f"Assumed where nothing was measured: {assumed.ms:g} ms at {assumed.memory_mb} MB and {assumed.log_bytes} bytes of log an invocation."
    if "stored_bytes" not in bench["a whole life"]:
        yield f"Assumed: a ticket leaves {assumed.table_bytes} bytes in the table."
    yield f"Assumed: kept for {assumed.months} months; {assumed.page_bytes} bytes a page, and {assumed.header_bytes} before each answer; {POLLERS} pollers a queue."
