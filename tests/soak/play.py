"""
Customers, agents, SES, queues, the stream and the clock: all that goes on around the desk, by chance, from a seed.

Time jumps from what happens to what happens next: the next thing that somebody planned, or the next minute in which a
sweep finds something due. Who repeats what did not work:

| who | after | how often |
|---|---|---|
| a client (same Idempotency-Key) | 5 s, doubled each time | until it works |
| a queue | 6 min | 5 times; then its dead letters are sent again an hour later |
| the stream, the clock | never | the next sweep finds what they left |
"""

import heapq
import json
import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import Any
from unittest.mock import patch

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

from chalicelib.adapters import codec, templates
from chalicelib.adapters import house as house_adapter
from chalicelib.adapters.conflicts import Conflict
from chalicelib.adapters.templates import Rendered
from chalicelib.config import config
from chalicelib.domain.errors import Busy, DeskError, NotFound, Unseen
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.settings import storefront_from
from chalicelib.domain.signing import Claim, recipient_digest
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.surveys import Rating
from chalicelib.domain.ticket import Author, Channel, CheckIn, Person, Role, Status
from chalicelib.handlers.queued import open_queued
from chalicelib.usecases import due, feedback, house, incoming, mail, sending, surveys, tickets
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads
from chalicelib.wiring import Desk, joined
from tests.faults.lab import LAB, SimulatedCrash
from tests.faults.sky import Stored
from tests.soak.diary import Diary, moment
from tests.soak.fronts import FRONTS
from tests.soak.hours import hours_of
from tests.soak.store import Indexed, Store
from tests.soak.weather import Dice, lighten, remembering, weather
from tests.world import _forget

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
AGENTS = tuple(Author(Role.AGENT, name, f"{name.lower()}@desk.test") for name in ("Ana", "Ben", "Chloe", "Dev"))
_ARRIVES_WITHIN = timedelta(minutes=30)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PASSING = (BotoCoreError, ClientError, PynamoDBException, Busy, Conflict)
_TAGS = re.compile(rb"^X-SES-MESSAGE-TAGS: outbox=([^,]+), ticket=(\S+)\r$", re.MULTILINE)
_TO = re.compile(rb"^To: (?:.*<)?([^<>\r\n]+)>?\r?$", re.MULTILINE)
_REPLY_TO = re.compile(rb"^Reply-To:\s+(?:.*<)?([^<>\s]+)>?\r?$", re.MULTILINE)
_PASS = dict.fromkeys(("spf", "dkim", "dmarc", "spam", "virus"), "PASS")


@dataclass(frozen=True, slots=True)
class Customer:
    """`nature` is how he behaves, or his mailbox: silent, chatty, thankful, robot, bouncing, complaining."""

    email: str
    name: str
    nature: str
    phone: str = ""

    @property
    def author(self) -> Author:
        return Author(Role.CUSTOMER, self.name, self.email)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a delivery is repeated; `times` 0 means never."""

    name: str
    wait: timedelta = timedelta()
    times: int = 0


CLIENT = Manner("client", timedelta(seconds=5), 8)
QUEUE = Manner("queue", timedelta(minutes=6), 5)
STREAM = Manner("stream")
CLOCK = Manner("clock")


@dataclass
class Play:
    """One run. `real_letters` renders mails; without, their words are left out."""

    seed: int = 1
    days: float = 30
    tickets: int = 10_000
    faults: float = 0.02
    real_letters: bool = False
    outage_hours: float = 1
    drain_hours: float = 6
    progress: Callable[["Play"], None] | None = None
    store: Store = field(default_factory=Store)
    diary: Diary = field(default_factory=Diary)
    now: datetime = START

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)
        self.dice = Dice(Random(f"dice {self.seed}"), self.faults, resting=True)
        self.end = START + timedelta(days=self.days)
        self.stops = self.end + timedelta(hours=self.drain_hours)
        self.drained_at = self.end
        self.heap: list[tuple[datetime, int, bool, Callable[[], None]]] = []
        self.planned, self.ids, self.tokens, self.told = 0, 0, 0, 0
        self.last_sweep = START - timedelta(minutes=1)
        self.plans: dict[str, int] = {}
        self.fates: dict[str, str] = {}
        self.outages = self._outages()
        self.customers = [self._customer(n) for n in range(max(20, int(self.tickets * 0.6)))]
        self.by_email = {c.email: c for c in self.customers if c.email}

    # The run

    def run(self) -> "Play":
        random.seed(f"desk {self.seed}")  # the desk's own chance
        with self._raised(), weather(self.dice):
            for document in FRONTS.values():
                house.put_storefront(self.desk, storefront_from(document))
            self.dice.resting = False
            self._plan_arrivals()
            self._until_the_end()
        return self

    def _until_the_end(self) -> None:
        ended, last_told = False, START
        while True:
            at, swept = self._next()
            if at is None:
                break
            if at > self.end and not ended:
                ended, self.dice.resting = True, True
                self.heap = [entry for entry in self.heap if not entry[2]]
                heapq.heapify(self.heap)
                continue
            if at > self.stops + _ARRIVES_WITHIN or (ended and not self.heap and not self._unsent()):
                break
            self.now = max(self.now, at)
            self._sweep() if swept else heapq.heappop(self.heap)[3]()
            self._look_around()
            if self.progress and self.now - last_told >= timedelta(hours=6):
                last_told = self.now
                self.progress(self)
        self.drained_at = min(max(self.now, self.end), self.stops)

    def _next(self) -> tuple[datetime | None, bool]:
        sweep, planned = self._next_sweep(), self.heap[0][0] if self.heap else None
        if sweep and (planned is None or sweep <= planned):
            return sweep, True
        return planned, False

    def _next_sweep(self) -> datetime | None:
        table: Indexed = self.store.tables["careline"]
        shards = range(self.config.due_shards)
        unsent = [key for n in shards if (key := table.first("due", f"UNSENT#{n}"))]
        timers = [
            key
            for n in shards
            if (key := table.first("due", f"DUE#{n}")) and moment(key.partition("#")[0]) <= self.stops
        ]
        earliest = min(unsent + timers, default=None)
        if earliest is None:
            return None
        at = moment(earliest.partition("#")[0])
        minute = at.replace(second=0, microsecond=0)
        minute += timedelta(minutes=minute < at)
        return max(minute, self.last_sweep + timedelta(minutes=1))

    def _unsent(self) -> bool:
        table: Indexed = self.store.tables["careline"]
        return any(table.first("due", f"UNSENT#{n}") for n in range(self.config.due_shards))

    @contextmanager
    def _raised(self) -> Iterator[None]:
        """Put this store under the desk, and a process on top of it."""
        _forget()
        LAB.sky = self.store
        self.config = replace(config(), due_shards=1)
        self.store.tables["careline"].heard = lambda before, item: self.diary.hear(self.now, before, item)
        key = {"current": "a", "secrets": {"a": "c29hayBzb2FrIHNvYWsgc29hayBzb2FrIHNvYWs="}}
        self.store.tables["careline-settings"]["SIGNING", ""] = {"pk": {"S": "SIGNING"}, "data": {"S": json.dumps(key)}}
        lighten()
        self.begin()
        rendering = templates.mail if self.real_letters else _unrendered
        with (
            patch.object(templates, "mail", rendering),
            patch.object(house_adapter, "REMEMBERED_SECONDS", 10**9),
            patch.object(codec, "loads", remembering(codec.loads)),
        ):
            try:
                yield
            finally:
                LAB.sky = None
                _forget()

    def begin(self) -> None:
        """Begin a new process: nothing is remembered."""
        desk = joined(self.config, lambda: self.now, self._new_id)
        self.desk: Desk = replace(desk, choose=self.chance.choice, table=replace(desk.table, pause=lambda _: None))

    def _new_id(self) -> str:
        """Return a ULID of this play's time and count."""
        self.ids += 1
        number = int(self.now.timestamp() * 1000) << 80 | self.ids
        return "".join(_ALPHABET[number >> (5 * place) & 31] for place in reversed(range(26)))

    # Time

    def at(self, when: datetime, what: Callable[[], None], *, people: bool = False) -> None:
        self.planned += 1
        heapq.heappush(self.heap, (when, self.planned, people, what))

    def later(self, what: Callable[[], None], *, people: bool = False, **ago: float) -> None:
        wait = timedelta(seconds=int(timedelta(**ago).total_seconds()))
        self.at(self.now + wait, what, people=people)

    def some(self, hours: float) -> float:
        """Return a number of hours that is *hours* on average, sometimes much more."""
        return min(self.chance.expovariate(1 / hours), hours * 6) + 0.01

    def probably(self, share: float) -> bool:
        return self.chance.random() < share

    # Deliveries

    def deliver(self, act: Callable[[], object], how: Manner, *, tried: int = 0,
                done: Callable[[], None] | None = None, token: str | None = None) -> None:  # fmt: skip
        """Run something once in the desk's process; when it did not work, it comes again in its manner."""
        if token and tried == 0:
            self.diary.said[token] = False
        try:
            worked = self._attempt(act)
        except DeskError as refused:
            self.diary.counts[f"refused: {type(refused).__name__}"] += 1
            if isinstance(refused, NotFound):
                self.diary.unexpected.append(f"{how.name}: {refused}")
            if isinstance(refused, Unseen) and done:
                done()
            return
        if worked:
            self._taken(act, how, done, token)
        else:
            self._repeated(act, how, tried, done, token)

    def _attempt(self, act: Callable[[], object]) -> bool:
        """Run something; False when it has to come again."""
        try:
            act()
        except SimulatedCrash:
            self.begin()
        except _PASSING:
            pass
        except ExceptionGroup as group:
            self._note(group)
        else:
            return True
        return False

    def _taken(
        self, act: Callable[[], object], how: Manner, done: Callable[[], None] | None, token: str | None
    ) -> None:
        """Remember what was taken; a client whose answer is lost on its way asks again."""
        if token:
            self.diary.said[token] = True
        if token and how is CLIENT and self.probably(self.faults):
            self.diary.counts["requests repeated: their answer was lost"] += 1
            self.later(lambda: self.deliver(act, how, tried=1), seconds=5)
        if done:
            done()

    def _repeated(
        self, act: Callable[[], object], how: Manner, tried: int, done: Callable[[], None] | None, token: str | None
    ) -> None:
        """Have it come again in its manner."""
        self.diary.counts[f"failed: {how.name}"] += 1
        if not how.times:
            return
        tried += 1
        wait = how.wait * 2 ** min(tried, 6) if how is CLIENT else how.wait
        if tried % how.times == 0:
            self.diary.counts[f"sent again from the dead letters: {how.name}"] += 1
            wait = timedelta(hours=1)
        self.at(self.now + wait, lambda: self.deliver(act, how, tried=tried, done=done, token=token))

    def _note(self, group: ExceptionGroup) -> None:
        for error in group.exceptions:
            if not isinstance(error, (*_PASSING, NotFound)):
                self.diary.unexpected.append(repr(error))

    def _sweep(self) -> None:
        self.last_sweep = self.now
        at = min(self.now, self.stops)  # no timer fires later, but what is on its way arrives
        self.diary.counts["sweeps"] += 1
        self.deliver(lambda: due.sweep(self.desk, at), CLOCK)
        for message in self.store.take("due"):
            order = json.loads(message["body"])
            self.deliver(lambda order=order: due.work(self.desk, order), QUEUE if self.probably(0.2) else CLOCK)

    def _look_around(self) -> None:
        """See what the last event brought about: new things to send, mails that SES took, tickets that changed."""
        for message in self.store.take("outbox"):
            named = json.loads(message["body"])
            self.later(lambda n=named: self._send(n["ticket"], n["outbox"], QUEUE), seconds=message["delay"])
        fresh, self.diary.fresh = self.diary.fresh, []
        for sent in fresh:
            self._stream(sent.ticket, sent.id)
        for raw, message_id in self.store.mails[self.told :]:
            self._ses_took(raw, message_id)
        self.told = len(self.store.mails)
        changed, self.diary.changed = self.diary.changed, []
        for reference in dict.fromkeys(changed):
            self._plan_agent(reference)

    def _stream(self, reference: str, outbox_id: str) -> None:
        """Bring what is new in the outbox; one in a hundred records is lost, some come twice."""
        if self.probably(0.01 if self.faults else 0):
            self.diary.counts["stream records lost"] += 1
            return
        for _ in range(2 if self.probably(0.02) else 1):
            self.later(lambda: self._send(reference, outbox_id, STREAM), seconds=1 + self.chance.randrange(3))

    def _send(self, reference: str, outbox_id: str, how: Manner) -> None:
        self.deliver(lambda: sending.send_out(self.desk, reference, outbox_id), how)

    # SES

    def _outages(self) -> list[tuple[datetime, datetime]]:
        """Return the times in which SES's events wait on their queue: one in about four days."""
        latest = max(13, int(self.days * 24))
        begins = [START + timedelta(hours=self.chance.randrange(12, latest)) for _ in range(int(self.days // 4))]
        return [(at, at + timedelta(hours=self.outage_hours)) for at in begins]

    def _ses_took(self, raw: bytes, message_id: str) -> None:
        head = raw.partition(b"\r\n\r\n")[0]
        outbox_id, reference = (part.decode() for part in _TAGS.search(head).groups())  # type: ignore[union-attr]
        to = _TO.search(head).group(1).decode()  # type: ignore[union-attr]
        self.diary.mails.append((outbox_id, to, self.now))
        back = _REPLY_TO.search(head)
        nature = self.by_email[to].nature if to in self.by_email else "lead"
        kinds = ["Send"]
        if nature == "bouncing" and self.probably(0.6):
            kinds.append("Bounce")
        else:
            kinds += ["DeliveryDelay", "Delivery"] if self.probably(0.02) else ["Delivery"]
        if nature == "complaining" and self.probably(0.3):
            kinds.append("Complaint")
        wait = 0.0
        for kind in kinds:
            wait += self.chance.choice((1, 2, 5, 20, 60))
            event = _ses_event(kind, self.now, outbox_id, reference, message_id, to)
            # out of order, and more than once
            delays = [self.chance.choice((0, wait, wait * 4))] + ([wait + 1800] if self.probably(0.05) else [])
            for delay in delays:
                self.later(lambda e=event, o=outbox_id: self._event_arrives(e, o), seconds=delay)
        if "Delivery" in kinds:
            address = back.group(1).decode() if back else ""
            self.later(lambda: self._read_mail(outbox_id, to, address, message_id), seconds=wait + 30, people=True)

    def _event_arrives(self, event: dict[str, Any], outbox_id: str) -> None:
        """Put an event on its queue, where it stays until it is taken in."""
        self.store.hold("feedback", outbox_id)
        until = next((ends for begins, ends in self.outages if begins <= self.now < ends), self.now)
        if until > self.now:
            self.diary.counts["events held back in an outage"] += 1

        def taken() -> None:
            self.store.queues["feedback"].pop()
            self.diary.told_of.setdefault(outbox_id, self.now)

        self.at(until, lambda: self.deliver(lambda: feedback.take_in(self.desk, event), QUEUE, done=taken))

    # Customers

    def _customer(self, number: int) -> Customer:
        nature = self.chance.choices(
            ("silent", "chatty", "thankful", "robot", "bouncing", "complaining"), (40, 35, 15, 5, 3, 2)
        )[0]
        if self.probably(0.03):
            return Customer("", f"Caller {number}", "silent", f"+1 555 {number:06d}")
        return Customer(f"c{number}@{nature}.test", f"Customer {number}", nature)

    def _plan_arrivals(self) -> None:
        for _ in range(self.tickets):
            when = START + timedelta(seconds=int(self.chance.random() ** 1.2 * self.days * 0.75 * 86400))
            self.at(when, self._ask, people=True)

    def token(self) -> str:
        self.tokens += 1
        return f"w{self.tokens:07d}w"

    def _ask(self) -> None:
        """Somebody asks for help, through one of the doors."""
        customer, front = self.chance.choice(self.customers), self.chance.choice(tuple(FRONTS))
        door = self.chance.choices(("api", "email", "queue", "hand"), (45, 30, 15, 10))[0]
        door = "hand" if not customer.email else door
        self.diary.counts[f"asked by {door}"] += 1
        kind = self.chance.choices(tuple(Kind), (30, 8, 8, 4, 4, 10, 12, 8, 4, 12))[0]
        priority = self.chance.choices((None, *Priority), (80, 3, 5, 5, 7))[0]
        token = self.token()
        body = f"Where is my parcel? {token}"
        if door == "email":
            self._write_mail(customer, FRONTS[front]["support_addresses"][-1], "A question", body, token)
            return
        if door == "queue":
            request = {"storefront": front, "customer": {"email": customer.email, "name": customer.name},
                       "subject": "From the queue", "body": body, "kind": kind.value}  # fmt: skip
            text, twice = json.dumps(request), self.probably(0.05)
            for _ in range(1 + twice):
                self.deliver(lambda: open_queued(self.desk, token, text), QUEUE, token=token)
            return
        channel = Channel.API if door == "api" else self.chance.choice((Channel.PHONE, Channel.IN_PERSON, Channel.CHAT))
        person = Person(customer.email, customer.name, customer.phone)
        photo = {"order_reference": "A-1"} if self.probably(0.5) else {}
        intake = Intake(person, "My parcel", body, channel, "", kind=kind, priority=priority, **photo)
        once = Once("API#shop", token, token)
        self.deliver(
            lambda: tickets.open_ticket(self.desk, front, intake, Uploads(front), by=customer.author, once=once),
            CLIENT, token=token,
        )  # fmt: skip

    def _write_mail(self, customer: Customer, to: str, subject: str, body: str, token: str, *,
                    robot: bool = False, ids: str = "") -> None:  # fmt: skip
        """Write a mail: SES stores it and tells of it, sometimes twice."""
        extra = ("Auto-Submitted: auto-replied\r\n" if robot else "") + (f"In-Reply-To: <{ids}>\r\n" if ids else "")
        raw = (
            f"From: {customer.name} <{customer.email}>\r\nTo: {to}\r\nSubject: {subject}\r\n{extra}"
            f"Message-ID: <{token}@{customer.email.partition('@')[2]}>\r\nDate: {format_datetime(self.now)}\r\n"
            f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n"
        ).encode()
        verdicts = _PASS
        if not robot and not ids and subject == "A question" and self.probably(0.02):
            verdicts = _PASS | ({"spam": "FAIL"} if self.probably(0.5) else {"dmarc": "FAIL", "spf": "FAIL"})
            self.diary.counts["mails with a bad verdict"] += 1
        for copy in range(1 + self.probably(0.03)):
            key = f"incoming/{token}/{copy}"
            self.store.store("careline-mail", key, Stored(raw))
            told = {
                "mail": {"source": customer.email, "destination": [to]},
                "receipt": {"recipients": [to], "action": {"objectKey": key}}
                | {f"{name}Verdict": {"status": status} for name, status in verdicts.items()},
            }
            self.deliver(
                lambda t=told: mail.take_in(self.desk, incoming.envelope_of(t)),
                QUEUE,
                token=token if not copy else None,
            )

    def _read_mail(self, outbox_id: str, to: str, back: str, message_id: str) -> None:
        """A customer has a mail before him."""
        sent, customer = self.diary.sent[outbox_id], self.by_email.get(to)
        if customer is None:
            return
        nature = customer.nature
        if nature == "robot" and sent.what != "digest":
            self._answer(customer, sent.ticket, back, message_id, "I am out of the office.", 0.02, robot=True)
        shares = {
            "agent-reply": 0.30,
            "silence-reminder": 0.35,
            "silence-notice": 0.3,
            "ticket-received": 0.04,
            "check-in": 0.1,
        }
        talks = {"silent": 0.3, "chatty": 1.8}.get(nature, 1.0)
        if self.probably(shares.get(sent.what, 0) * talks):
            hours = 10 if self.probably(0.92) else 250
            self._answer(customer, sent.ticket, back, message_id, "But when will it come?", self.some(hours))
        elif nature == "thankful" and sent.what == "agent-reply":
            self._answer(customer, sent.ticket, back, message_id, "Thank you very much!", self.some(5))
        elif sent.what == "agent-reply" and self.probably(0.03):
            self.later(lambda: self._supervisor(customer, sent.ticket), hours=self.some(5), people=True)
        elif sent.what == "check-in" and self.probably(0.15):
            self.later(lambda: self._opt_out(customer), hours=1, people=True)
        if sent.what == "survey-invitation" and self.probably(0.5):
            late = 190 if self.probably(0.1) else 0
            self.later(
                lambda: self._rate(customer, sent.ticket, sent.data["cycle"]), hours=late + self.some(12), people=True
            )
        if sent.what == "survey-reminder" and self.probably(0.3):
            self.later(lambda: self._rate(customer, sent.ticket, sent.data["cycle"]), hours=self.some(6), people=True)

    def _answer(self, customer: Customer, reference: str, back: str, message_id: str, words: str, hours: float, *,
                robot: bool = False) -> None:  # fmt: skip
        """A customer answers a mail, to its signed address, or to its Message-ID, or by the number alone, or on the page."""
        token = self.token()
        body = f"{words} {token}"
        front = self.diary.latest(reference)["storefront"]
        support = FRONTS[front]["support_addresses"][0]
        way = self.chance.choices(("address", "thread", "number", "page"), (70, 10, 10, 10))[0]
        way = "address" if robot and way == "page" else way

        def write() -> None:
            if way == "page":
                once = Once("PAGE", token, token)
                act = lambda: tickets.write(self.desk, reference, body, Uploads(front), by=customer.author, once=once)  # noqa: E731
                self.deliver(act, CLIENT, token=token)
                return
            ids = f"{message_id}@eu-west-1.amazonses.com" if way == "thread" else ""
            subject = f"Re: [{reference}]" if way == "number" else "Re: My parcel"
            self._write_mail(
                customer, back if way == "address" else support, subject, body, token, robot=robot, ids=ids
            )

        self.later(write, hours=hours, people=True)

    def _supervisor(self, customer: Customer, reference: str) -> None:
        self.diary.counts["asked for a supervisor"] += 1
        self.deliver(lambda: tickets.ask_supervisor(self.desk, reference, by=customer.author), CLIENT)

    def _opt_out(self, customer: Customer) -> None:
        def done() -> None:
            self.diary.opted_out.setdefault(customer.email, self.now)

        self.deliver(lambda: self.desk.table.opt_out(customer.email), CLIENT, done=done)

    def _rate(self, customer: Customer, reference: str, cycle: int) -> None:
        rating = self.chance.choices((1, 2, 3, 4, 5), (18, 10, 12, 22, 38))[0]
        comment = f"Because. {self.token()}" if self.probably(0.5) else ""
        given = Rating(rating, ("slow",) if rating < 3 else (), comment=comment)
        claim = Claim(reference, self.diary.latest(reference).get("epoch", 0), recipient_digest(customer.email), cycle)
        self.diary.counts["rated"] += 1

        def done() -> None:
            if rating < 3:
                self.diary.bad_ratings[f"{reference}/rating/{cycle}/{rating}"] += 1

        self.deliver(lambda: surveys.rate(self.desk, claim, given), CLIENT, done=done)
        if self.probably(0.15):
            self.later(lambda: self._rate(customer, reference, cycle), hours=self.some(10), people=True)

    # Agents

    def _plan_agent(self, reference: str) -> None:
        """Somebody will look at a ticket, sooner or later or never, in working hours."""
        doc = self.diary.latest(reference)
        fate = self.fates.setdefault(
            reference, self.chance.choices(("quick", "slow", "late", "never"), (70, 20, 7, 3))[0]
        )
        status = doc.get("status", "new")
        if fate == "never" or status not in ("new", "open", "on_hold", "pending", "spam"):
            self.plans.pop(reference, None)
            return
        if status == "pending" and self.probably(0.65):
            self.plans.pop(reference, None)
            return
        self.planned += 1
        self.plans[reference] = plan = self.planned
        hours = self.some({"quick": 3, "slow": 14, "late": 120}[fate])
        hours += {"pending": 30, "on_hold": 20, "spam": 24}.get(status, 0)
        # within hours, to the second
        when = hours_of(doc["storefront"]).opens(self.now + timedelta(seconds=int(hours * 3600)))
        self.at(when + timedelta(seconds=self.chance.randrange(600)), lambda: self._work(reference, plan), people=True)

    def _work(self, reference: str, plan: int) -> None:  # noqa: C901, PLR0912 a table of deeds
        if self.plans.get(reference) != plan:
            return
        del self.plans[reference]
        doc = self.diary.latest(reference)
        status, agent = doc.get("status", "new"), self.chance.choice(AGENTS)
        again = lambda: self._plan_agent(reference)  # noqa: E731
        if status in ("pending", "on_hold") and self.probably(0.6):
            self.deliver(lambda: tickets.resolve(self.desk, reference, by=agent, if_match=None), CLIENT)
            return
        if status == "spam":
            if self.probably(0.3):
                self._update(reference, agent, {"status": Status.OPEN}, again)
            return
        deed = self.chance.choices(
            ("assign", "note", "priority", "kind", "snooze", "hold", "spam", "promise", "ask", "answer", "solve", "resolve",
             "check_in"),
            (8, 5, 4, 2, 4, 3, 0.5, 5, 28, 22, 20, 4, 3),
        )[0]  # fmt: skip
        hours = hours_of(doc["storefront"])
        soon = self.now + timedelta(seconds=int(self.some(30) * 3600))
        match deed:
            case "assign":
                self._update(reference, agent, {"assignee": agent.email}, again)
            case "priority":
                self._update(reference, agent, {"priority": self.chance.choice(tuple(Priority))}, again)
            case "kind":
                self._update(reference, agent, {"kind": self.chance.choice(tuple(Kind))}, again)
            case "snooze":
                self._update(reference, agent, {"snoozed_until": soon}, None)
            case "hold":
                self._update(reference, agent, {"status": Status.ON_HOLD}, again)
            case "spam":
                self._update(reference, agent, {"status": Status.SPAM}, None)
            case "check_in":
                self.deliver(
                    lambda: tickets.plan_check_in(
                        self.desk, reference, CheckIn(soon, words="How is it?"), by=agent, if_match=None
                    ),
                    CLIENT, done=again,
                )  # fmt: skip
            case "resolve":
                self.deliver(lambda: tickets.resolve(self.desk, reference, by=agent, if_match=None), CLIENT)
            case "note":
                self._reply(reference, agent, Reply("", internal=True), again)
            case "promise":
                promised = hours.opens(soon)
                self._reply(reference, agent, Reply("You will hear from us.", promised_at=promised), again)
            case "ask":
                self._reply(reference, agent, Reply("Which colour is it?"), again)
            case "answer":
                self._reply(reference, agent, Reply("It is on its way."), again)
            case "solve":
                self._reply(reference, agent, Reply("It is done.", status=Status.RESOLVED), again)

    def _update(self, reference: str, agent: Author, changes: dict[str, Any], done: Callable[[], None] | None) -> None:
        act = lambda: tickets.update(self.desk, reference, changes, by=agent, if_match=None)  # noqa: E731
        self.deliver(act, CLIENT, done=done)

    def _reply(self, reference: str, agent: Author, words: Reply, done: Callable[[], None]) -> None:
        token = self.token()
        seen = self.diary.latest(reference).get("last_customer_message") if self.probably(0.4) else None
        undo = self.now + timedelta(seconds=15) if self.probably(0.3) and not words.internal else None
        said = replace(words, body=f"{words.body} {token}", seen_message_id=seen, not_before=undo)
        once = Once("API#agent", token, token)
        act = lambda: tickets.reply(self.desk, reference, said, Uploads("agents"), by=agent, once=once)  # noqa: E731
        self.deliver(act, CLIENT, done=done, token=token)


def _unrendered(what: str, language: str, context: Any) -> Rendered:
    return Rendered(f"[{context.get('reference', '')}] {what}", f"{what} {language}\n", f"<p>{what}</p>")


def _ses_event(kind: str, at: datetime, outbox_id: str, reference: str, message_id: str, to: str) -> dict[str, Any]:
    stamp = at.isoformat().replace("+00:00", "Z")
    about: dict[str, Any] = {
        "Delivery": {"recipients": [to]},
        "DeliveryDelay": {"delayedRecipients": [{"emailAddress": to}], "delayType": "MailboxFull"},
        "Bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": to, "diagnosticCode": "550 no such user"}],
        },
        "Complaint": {"complainedRecipients": [{"emailAddress": to}]},
    }.get(kind, {})
    return {
        "eventType": kind,
        "mail": {"timestamp": stamp, "messageId": message_id, "destination": [to],
                 "tags": {"outbox": [outbox_id], "ticket": [reference]}},
        kind[0].lower() + kind[1:]: {"timestamp": stamp, **about},
    }  # fmt: skip
