"""
`make load`: many ask at once, by HTTP and by mail, on a desk that is started as `make run` starts it, on free ports and in a
folder of its own. At the end all that the desk said yes to is looked for, and must be there.

It is the storefront `load` that is asked, and others may use the desk meanwhile. A key may ask 200 times a minute, so it
has many of them.
"""

import argparse
import json
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from bench.cold import ANCHOR, cpu_ms
from bench.traffic import Ask, Told, asked, sent
from infra import stage
from infra.demo.stage import link
from infra.embedded import aws
from infra.embedded.caller import Caller, header, mail
from infra.embedded.mailbox import Mails
from infra.embedded.settings import STAGE, stay_at_home
from tests.stack.conftest import running_desk

SHOP, SUPPORT = "load", "load@demo.test"
SETTINGS = {"name": "Load", "support_addresses": [SUPPORT], "digest": False, "acknowledgements_per_hour": 1_000_000}
ASKS_WITH_A_KEY = 150
RATING = 5
LOOK_EVERY_SECONDS = 0.25
SHOW_EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 600.0
GOALS = {("open", 8): "130 a second, p99 270 ms", ("answer by mail, on its ticket", 8): "60 a second"}
HEAD = f"{'':42} {'at once':>7} {'count':>6} {'a second':>9} {'p50 ms':>7} {'p99 ms':>7} {'errors':>6}   goal"
NUMBER = re.compile(r"CL-\w{5}-\w{5}")


@dataclass(frozen=True)
class Plan:
    """How many ask at once, and how much: requests of each kind at each of those, mails on that many connections."""

    at_once: tuple[int, ...] = (1, 8, 32)
    requests: int = 400
    mails: int = 600
    connections: int = 8


@dataclass(frozen=True)
class Row:
    """What came of one kind of request. Times in milliseconds, None where nobody waits for an answer."""

    what: str
    at_once: int
    count: int
    seconds: float
    p50: float | None = None
    p99: float | None = None
    errors: int = 0

    def shown(self) -> str:
        middle, late = (f"{'' if ms is None else round(ms):>7}" for ms in (self.p50, self.p99))
        rate, goal = self.count / self.seconds, GOALS.get((self.what, self.at_once), "")
        line = f"{self.what:42} {self.at_once:7} {self.count:6} {rate:9.1f} {middle} {late} {self.errors:6}   {goal}"
        return line.rstrip()


@dataclass
class Outcome:
    """What was measured, what went wrong, and what was acknowledged and is not there."""

    rows: list[Row] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    acknowledged: int = 0
    missing: list[str] = field(default_factory=list)

    def add(self, row: Row) -> None:
        self.rows.append(row)
        _say(row.shown())

    def check(self, what: str, *, there: bool) -> None:
        self.acknowledged += 1
        if not there:
            self.missing.append(what)

    def shown(self) -> str:
        found = self.acknowledged - len(self.missing)
        told = f"{self.acknowledged} acknowledged, {found} found, {len(self.errors)} errors"
        return "\n".join([told, *self.errors[:20], *(f"missing: {each}" for each in self.missing[:20])])


@dataclass(frozen=True)
class Opened:
    customer: str
    said: str
    reference: str = ""


class Box:
    """The mailbox, by whom a mail is for. Its folder is looked at, because its page reads each mail whole."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "mail"
        self._mails = Mails(self.folder, "")
        self._seen: set[str] = set()
        self._of: dict[str, list[str]] = {}

    def count(self, to: str) -> int:
        return len(self._of.get(to, ()))

    def look(self) -> None:
        for key in self._mails.ids():
            if key not in self._seen:
                self._seen.add(key)
                for to in json.loads((self.folder / f"{key}.json").read_bytes())["to"]:
                    self._of.setdefault(to, []).append(key)

    def mails(self, to: str) -> list[dict[str, Any]]:
        return [self._mails.find(key) for key in self._of.get(to, ())]


class Load:
    """A plan, played on the desk that runs in *home*. It makes this process one of the desk's own."""

    def __init__(self, plan: Plan, home: Path) -> None:
        self._plan = plan
        self._caller = Caller(json.loads((home / "run.json").read_text()))
        self._address = urlsplit(self._caller.run["url"]).netloc
        self._box = Box(home)
        self._tag = f"{time.time_ns():x}"
        self._mails_due: Counter[str] = Counter()
        self._opened: list[Opened] = []
        self._by_mail: list[Opened] = []
        self._replied: list[tuple[str, str]] = []
        self._answered: list[tuple[str, str]] = []
        self._rated: list[str] = []
        urls = self._caller.aws("sqs").list_queues()["QueueUrls"]
        self._queues = {name: next(u for u in urls if u.endswith(name)) for name in ("MailQueue", "FeedbackQueue")}
        self._dead_before = self._dead_letters()
        self.outcome = Outcome()
        self._caller.call("PUT", f"/v1/storefronts/{SHOP}", SETTINGS, key="admin_key")
        stage.enter(STAGE, aws.session(urlsplit(self._caller.run["aws"]["endpoint"]).port or 0))

    def play(self) -> Outcome:
        _say(HEAD)
        for at_once in self._plan.at_once:
            self._open(at_once, 2 * at_once, "open, the first")  # which start the functions
            tickets = self._open(at_once, self._plan.requests, "open")
            tickets = self._reply(at_once, tickets)
            self._round("list", at_once, [Ask("GET", "/v1/tickets?view=waiting&limit=25")] * self._plan.requests)
            self._rate(at_once, tickets)
            self._settle()
        self._answer(2 * self._plan.connections, "answer by mail, the first")
        self._answer(self._plan.mails, "answer by mail")
        self._write(self._plan.mails // 4, "request by mail")
        self._settle()
        self._look_for_all()
        return self.outcome

    # By HTTP

    def _open(self, at_once: int, count: int, what: str) -> list[Opened]:
        there = len(self._opened)
        wanted = [
            Opened(f"c{number}.{self._tag}@customers.test", f"Parcel {number} is late.")
            for number in range(there, there + count)
        ]
        asks = [
            Ask(
                "POST",
                "/v1/tickets",
                {"customer": {"email": w.customer, "language": "en"}, "subject": "My parcel", "body": w.said},
            )
            for w in wanted
        ]
        began = time.perf_counter()
        told = self._round(what, at_once, asks, storefront=SHOP)
        opened = [replace(w, reference=t.json["reference"]) for w, t in zip(wanted, told, strict=True) if t.good]
        self._opened += opened
        self._await_mails(f"{what}, until acknowledged", at_once, opened, began)
        return opened

    def _reply(self, at_once: int, tickets: Sequence[Opened]) -> list[Opened]:
        words = {"body": "It left our house today.", "status": "resolved"}
        began = time.perf_counter()
        asks = [Ask("POST", f"/v1/tickets/{ticket.reference}/messages", words) for ticket in tickets]
        told = self._round("reply", at_once, asks)
        replied = [ticket for ticket, answer in zip(tickets, told, strict=True) if answer.good]
        self._replied += [(r.reference, t.json["id"]) for r, t in zip(tickets, told, strict=True) if t.good]
        self._await_mails("reply, until mailed", at_once, replied, began)
        return replied

    def _rate(self, at_once: int, tickets: Sequence[Opened]) -> None:
        """Let a day pass for tickets that are resolved, and answer the survey of each mail that comes then."""
        from chalicelib.usecases import due
        from chalicelib.wiring import desk

        later = datetime.now(UTC) + timedelta(hours=24, minutes=1)
        for ticket in tickets:
            due.fire(desk(), ticket.reference, later)
        self._await_mails("", at_once, tickets, time.perf_counter())
        paths = {}
        for ticket in tickets:
            for letter in self._box.mails(ticket.customer):
                if "/surveys/" in letter["text"]:
                    paths[ticket.reference] = urlsplit(link(letter, "surveys")).path
        form = urlencode({"rating": RATING}).encode()
        told = self._round("rate", at_once, [Ask("POST", path, form) for path in paths.values()], key=False)
        self._rated += [reference for reference, answer in zip(paths, told, strict=True) if answer.good]

    def _round(
        self, what: str, at_once: int, asks: Sequence[Ask], *, storefront: str | None = None, key: bool = True
    ) -> list[Told]:
        """Ask all of *asks*, and say how long that took. Without a *storefront* it is an agent who asks."""
        told, seconds = asked(self._address, self._with_keys(asks, storefront) if key else asks, at_once)
        wrong = [answer for answer in told if not answer.good]
        self.outcome.errors += [f"{what}: {t.status} {t.body[:200].decode(errors='replace')}" for t in wrong]
        cuts = statistics.quantiles([answer.seconds * 1000 for answer in told], n=100)
        self.outcome.add(Row(what, at_once, len(told), seconds, cuts[49], cuts[98], len(wrong)))
        return told

    def _with_keys(self, asks: Sequence[Ask], storefront: str | None = None) -> list[Ask]:
        from chalicelib.domain.access import Scope
        from chalicelib.usecases import house
        from chalicelib.wiring import desk

        scope, name = (Scope.STOREFRONT, "") if storefront else (Scope.AGENT, "Robin")
        keys = [
            house.create_key(desk(), scope, storefront=storefront, name=name)
            for _ in range(0, len(asks), ASKS_WITH_A_KEY)
        ]
        return [replace(ask, key=keys[number // ASKS_WITH_A_KEY]) for number, ask in enumerate(asks)]

    # By mail

    def _answer(self, count: int, what: str) -> None:
        """Send answers to mails of the desk, to the address that each gave, until each is on its ticket."""
        letters, answers = [], []
        for number in range(len(self._answered), len(self._answered) + count):
            known, words = self._opened[number % len(self._opened)], f"Answer {number}: it is not here yet."
            first = self._box.mails(known.customer)[0]
            told = mail(known.customer, header(first, "Reply-To"), f"Re: {first['subject']}", words)
            told["In-Reply-To"] = header(first, "Message-ID")
            letters.append(told)
            answers.append((known.reference, words))
        taken, _ = self._sent(what, letters)
        self._answered += [answer for answer, good in zip(answers, taken, strict=True) if good]

    def _write(self, count: int, what: str) -> None:
        """Send mails that are new requests, until each is acknowledged."""
        there = len(self._by_mail)
        asked = [
            Opened(f"m{number}.{self._tag}@customers.test", f"Letter {number}: it is late.")
            for number in range(there, there + count)
        ]
        taken, began = self._sent(what, [mail(one.customer, SUPPORT, "My parcel", one.said) for one in asked])
        fresh = [one for one, good in zip(asked, taken, strict=True) if good]
        self._by_mail += fresh
        self._await_mails(f"{what}, until acknowledged", self._plan.connections, fresh, began)

    def _sent(self, what: str, letters: Sequence[EmailMessage]) -> tuple[list[bool], float]:
        """Send mails until all are taken in. Return which of them SMTP said yes to, and when it began."""
        lines = self._plan.connections
        refused, seconds = sent(self._caller.run["smtp"], letters, lines)
        began = time.perf_counter() - seconds
        wrong = [f"{what}: {why}" for why in refused if why]
        self.outcome.errors += wrong
        self.outcome.add(Row(f"{what}, accepted by SMTP", lines, len(letters), seconds, errors=len(wrong)))
        self._await("mails lie where SES has put them", self._untouched)
        self.outcome.add(Row(f"{what}, on its ticket", lines, len(letters), time.perf_counter() - began))
        return [not why for why in refused], began

    def _untouched(self) -> int:
        """Count the mails that wait to be taken in: the desk takes each away once it is on its ticket."""
        from chalicelib.config import config

        if waiting := _held(self._caller.aws("sqs"), self._queues["MailQueue"]):
            return waiting
        found = self._caller.aws("s3").list_objects_v2(Bucket=config().mail_bucket, Prefix="incoming/")
        return int(found["KeyCount"])

    # What is to come

    def _await_mails(
        self, what: str, at_once: int, of: Sequence[Opened], began: float, count: int | None = None
    ) -> None:
        """Wait until each customer has one mail more than he had, and say how long that took."""
        self._mails_due.update(one.customer for one in of)

        def missing() -> int:
            self._box.look()
            return sum(self._box.count(one.customer) < self._mails_due[one.customer] for one in of)

        self._await(f"of {len(of)} mails are to come", missing)
        if what:
            self.outcome.add(Row(what, at_once, count or len(of), time.perf_counter() - began))

    def _settle(self) -> None:
        """Wait until the desk is at rest, so that what comes next is measured by itself."""
        sqs, queues = self._caller.aws("sqs"), self._queues.values()

        def at_work() -> int:
            unpublished = sum(1 for _ in self._box.folder.glob("*.events"))
            return unpublished + sum(_held(sqs, url) for url in queues)

        self._await("events are not taken in", at_work)

    def _await(self, what: str, left: Callable[[], int]) -> None:
        shown = began = time.monotonic()
        while count := left():
            now = time.monotonic()
            if now - began > PATIENCE_SECONDS:
                self.outcome.errors.append(f"after {PATIENCE_SECONDS:.0f} s, {count} {what}")
                break
            if now - shown > SHOW_EVERY_SECONDS:
                shown = now
                _say(f"{now - began:6.0f} s: {count} {what}")
            time.sleep(LOOK_EVERY_SECONDS)

    # What must be there

    def _look_for_all(self) -> None:
        acknowledged = [one for one in self._by_mail if self._box.count(one.customer)]
        self.outcome.missing += [f"mail to {one.customer}" for one in self._by_mail if one not in acknowledged]
        self.outcome.acknowledged += len(self._by_mail) - len(acknowledged)
        numbers = [NUMBER.findall(self._box.mails(one.customer)[0]["subject"])[0] for one in acknowledged]
        opened = [*self._opened, *(replace(a, reference=n) for a, n in zip(acknowledged, numbers, strict=True))]
        references = [one.reference for one in opened]
        _say(f"looking for {len(references)} tickets, and for what was said on each")
        tickets = self._read(references, "")
        messages = {reference: told.get("items", ()) for reference, told in self._read(references, "/messages").items()}

        def stands(reference: str, name: str, words: str) -> bool:
            return any(words in (message[name] or "") for message in messages[reference])

        for one in opened:
            mine = tickets[one.reference].get("customer", {}).get("email") == one.customer
            self.outcome.check(f"{one.reference}", there=mine and stands(one.reference, "full_text", one.said))
        for reference, reply in self._replied:
            self.outcome.check(f"reply {reply} on {reference}", there=stands(reference, "id", reply))
        for reference, words in self._answered:
            self.outcome.check(f"{words!r} on {reference}", there=stands(reference, "full_text", words))
        for reference in self._rated:
            self.outcome.check(f"rating of {reference}", there=tickets[reference].get("rating") == RATING)
        if more := self._dead_letters() - self._dead_before:
            self.outcome.errors += [f"dead letters: {name} {count}" for name, count in more.items()]

    def _dead_letters(self) -> Counter[str]:
        sqs = self._caller.aws("sqs")
        urls = [url for url in sqs.list_queues()["QueueUrls"] if url.endswith("DeadLetter")]
        return Counter({url.rpartition("/")[2]: _held(sqs, url) for url in urls})

    def _read(self, references: Sequence[str], what: str) -> dict[str, dict[str, Any]]:
        asks = self._with_keys([Ask("GET", f"/v1/tickets/{reference}{what}") for reference in references])
        told, _ = asked(self._address, asks, self._plan.connections)
        return {r: answer.json if answer.good else {} for r, answer in zip(references, told, strict=True)}


def _yardstick() -> str:
    """Say how quick this machine is just now: what anchor A takes here, and took where the goals were set."""
    taken = min(cpu_ms((sys.executable, "-c", ANCHOR)) for _ in range(3))
    return f"anchor A takes {taken:.0f} ms of CPU here, and 240 to 325 where the goals are from"


def _held(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)


def _say(line: str) -> None:
    print(line, flush=True)


def main() -> int:
    usual = Plan()
    parser = argparse.ArgumentParser(prog="bench.load", description=__doc__)
    parser.add_argument("--at-once", type=int, nargs="+", default=usual.at_once)
    parser.add_argument("--requests", type=int, default=usual.requests, help="of each kind, at each of those")
    parser.add_argument("--mails", type=int, default=usual.mails)
    parser.add_argument("--connections", type=int, default=usual.connections, help="over which mails come")
    parser.add_argument("--home", type=Path, metavar="FOLDER", help="use the desk that runs there, start none")
    args = vars(parser.parse_args())
    home = args.pop("home")
    stay_at_home()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave by all doors: the desk is stopped there
    with ExitStack() as stack:
        _say(_yardstick())
        if home is None:
            home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="careline-load-")))
            _say("starting a desk")
            stack.enter_context(running_desk(home))
        outcome = Load(Plan(**args), home).play()
        _say(_yardstick())
    _say(outcome.shown())
    return 1 if outcome.errors or outcome.missing else 0


if __name__ == "__main__":
    sys.exit(main())
