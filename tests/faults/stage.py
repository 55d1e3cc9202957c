"""
The desk on a stage: whatever surrounds it plays its part until all is done.

| who | repeats |
|---|---|
| a client | what got no answer or a 503, with the same request, 5 times in all |
| a queue | what was given back or crashed, after 6 minutes, 5 times in all: then it would be a dead letter |
| the stream | what crashed, 3 times in all; each new item is brought once |
| the clock | sweeps 3 minutes later, and three times 16 minutes after that |
| SES | tells Send and Delivery of exactly the mails that it took |

After a crash a new process begins: it remembers nothing.
"""

import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError
from pynamodb.exceptions import PynamoDBException

import app
from chalicelib.adapters import aws, rows, settings
from chalicelib.config import config
from chalicelib.domain.access import Scope
from chalicelib.handlers import callers, door, events
from chalicelib.usecases import house
from chalicelib.wiring import Desk, joined
from tests import payloads
from tests.faults.lab import LAB, Call, SimulatedCrash
from tests.faults.sky import Sky
from tests.world import DEMO, OTHER, START, _forget, ses_event

Delivery = Callable[[], bool]
Door = Callable[[Mapping[str, Any]], Mapping[str, Any]]

_CONFIG = replace(config(), due_shards=1)  # idle shards are all alike, and cost calls
_process: ContextVar[Desk] = ContextVar("process")
_heard: list[BaseException] = []


class Lost(Exception):
    """Given up: a client, a queue or the sweep did not bring something through."""


@dataclass
class Stage:
    """
    One play. `facts` are what a scenario wants to remember; `told` counts mails that SES has spoken of.

    `tells` are the events of each mail; `silent` keeps them back, where the feedback queue shows that they wait.
    """

    sky: Any
    now: datetime = START
    facts: dict[str, Any] = field(default_factory=dict)
    brought: frozenset[tuple[str, str]] = frozenset()
    told: int = 0
    tells: tuple[str, ...] = ("Send", "Delivery")
    silent: bool = False
    answers: tuple[tuple[int, Any], ...] = ()
    made: int = 0
    chance: Random = field(default_factory=lambda: Random(7))

    def saved(self) -> "Stage":
        """Return a copy of the play as it is now; it can be played on from here any number of times."""
        kept = copy(self)
        kept.sky, kept.facts, kept.chance = self.sky.copy(), dict(self.facts), copy(self.chance)
        return kept

    def again(self) -> "Stage":
        """Return a play that goes on from here, with a process of its own; what calls AWS is answered by its sky."""
        play = self.saved()
        LAB.sky = play.sky
        play.begin()
        return play

    # Processes and time

    def begin(self, process: str = "0") -> Desk:
        """Begin a new process: nothing is cached. Ids are in order, and each process makes its own."""
        chance = self.chance if process == "0" else Random(8)  # others draw the same numbers
        made = iter(range(10_000, 20_000))

        def new_id() -> str:
            self.made += process == "0"
            return f"{self.made if process == '0' else next(made):025d}{process}"

        desk = joined(_CONFIG, lambda: self.now, new_id)
        desk = replace(
            desk,
            choose=chance.choice,
            table=replace(desk.table, pause=lambda _: None),
            outbox=replace(desk.outbox, pause=lambda _: None),
        )
        callers._calls.clear()
        _process.set(desk)
        return desk

    @property
    def desk(self) -> Desk:
        return _process.get()

    def later(self, **ago: float) -> None:
        self.now += timedelta(**ago)

    # Repeating

    def attempt(self, delivery: Delivery) -> bool:
        """Deliver once; False when it has to come again."""
        try:
            return delivery()
        except SimulatedCrash:
            self.begin()
            return False
        except (BotoCoreError, ClientError, PynamoDBException, ExceptionGroup) as error:
            _hear(error)
            return False

    def insist(self, delivery: Delivery, *, times: int, **wait: float) -> None:
        for _ in range(times):
            if self.attempt(delivery):
                return
            self.later(**wait)
        raise Lost(f"not taken in {times} times: {_heard[-1:]}") from (_heard[-1] if _heard else None)

    def client(self, delivery: Delivery) -> None:
        self.insist(delivery, times=5, seconds=5)

    def queue(self, delivery: Delivery) -> None:
        self.insist(delivery, times=5, minutes=6)

    # Deliveries

    def request(self, method: str, path: str, body: object = None, *, by: str = "", **headers: str) -> Delivery:
        """Return a request as a client makes it; `by` names whose key. A dict is JSON, text a form."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if by:
            sent["Authorization"] = f"Bearer {self.facts[by]}"
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded" if isinstance(body, str) else "application/json"
        content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        event = payloads.http(method, path, sent, content.encode())

        def delivery() -> bool:
            answer = app.app(event, None)
            status = answer["statusCode"]
            if status == 503 and "Retry-After" in answer["headers"]:
                return False
            self.answers = (*self.answers, (status, answer["body"]))
            if status >= 500:
                raise Lost(f"answered {status}")
            return True

        return delivery

    def form(self, path: str, **fields: str) -> Delivery:
        return self.request("POST", path, urlencode(fields))

    def record(self, door_of: Door, body: str, message_id: str = "m-1") -> Delivery:
        """Return a message as SQS brings it."""
        event = {"Records": [{"messageId": message_id, "body": body}]}
        return lambda: not door_of(event)["batchItemFailures"]

    def published(self, door_of: Door, message: object) -> Delivery:
        """Return what SNS published, as SQS brings it."""
        return self.record(door_of, json.dumps({"Message": json.dumps(message)}))

    def new_item(self, pk: str, sk: str) -> Delivery:
        keys = {"pk": {"S": pk}, "sk": {"S": sk}}
        event = {"Records": [{"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}]}
        return lambda: not events.outbox(event)["batchItemFailures"]

    def said_by_ses(self, kind: str, mail: tuple[bytes, str]) -> Delivery:
        """Return an event of a mail: its bytes, and the id that SES gave it."""
        raw, message_id = mail
        return self.published(events.mail_feedback, ses_event(kind, raw.partition(b"\r\n\r\n")[0], message_id))

    # What goes on around

    def unbrought(self) -> list[tuple[str, str]]:
        keys = ((row["pk"], row["sk"]) for row in self.sky.rows() if row["sk"].startswith("OUTBOX#"))
        return [key for key in keys if key not in self.brought]

    def stream(self) -> None:
        """Bring what is new in the outbox, each item once."""
        for key in self.unbrought():
            self.brought |= {key}
            self.insist(self.new_item(*key), times=3, seconds=1)

    def tell(self) -> None:
        """Let SES speak of the mails that it took since."""
        if self.silent:
            for raw, _ in self.sky.mails[self.told + len(self.sky.bodies("feedback")) :]:
                self.sky.hold("feedback", raw.decode())
            return
        self.sky.take("feedback")
        fresh, self.told = self.sky.mails[self.told :], len(self.sky.mails)
        for mail in fresh:
            for kind in self.tells:
                self.queue(self.said_by_ses(kind, mail))

    def sweep(self) -> None:
        """Sweep, and let the queues bring what it found."""
        when = self.now.isoformat()
        self.insist(lambda: events.sweep({"time": when}) or True, times=3, minutes=1)
        for message in self.sky.take("due"):
            self.queue(self.record(events.due_work, message["body"]))
        for message in self.sky.take("outbox"):
            self.later(seconds=message["delay"])
            self.queue(self.record(events.outbox_retry, message["body"]))

    def sweep_once(self) -> None:
        """Sweep; what is not done then is left to the next sweep."""
        when = self.now.isoformat()
        self.attempt(lambda: events.sweep({"time": when}) or True)
        for queue, take in (("due", events.due_work), ("outbox", events.outbox_retry)):
            for message in self.sky.take(queue):
                self.attempt(self.record(take, message["body"]))

    def settle(self) -> None:
        """
        Let everything come to rest.

        Raises:
            Lost: Four sweeps were not enough.
        """
        self.stream()
        self.tell()
        for minutes in (3, 16, 16, 16):
            if self._rests():
                return
            self.later(minutes=minutes)
            self.sweep()
            self.stream()
            self.tell()
        if not self._rests():
            raise Lost("not at rest after four sweeps")

    def _rests(self) -> bool:
        waiting = [row for row in self.sky.rows() if row["sk"].startswith("OUTBOX#") and "due_pk" in row]
        return not waiting and self.told == len(self.sky.mails)


@contextmanager
def raised(sky: Any) -> Iterator[Stage]:
    """Raise the curtain: a desk with two storefronts and their keys, under *sky*."""
    _forget()
    LAB.sky = sky if isinstance(sky, Sky) else None
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    stage = Stage(sky)
    with _instead(desk=_process.get, described=_hear), _quiet():
        furnish(stage)
        try:
            yield stage
        finally:
            LAB.sky = None
            logging.disable(before)
            _forget()


def furnish(stage: Stage) -> None:
    desk = stage.begin()
    settings.ensure_signing_keys(desk.config.settings_table)
    for storefront in (DEMO, OTHER):
        house.put_storefront(desk, storefront)
    stage.facts["shop"] = house.create_key(desk, Scope.STOREFRONT, storefront="demo", name="Shop")
    stage.facts["ana"] = house.create_key(desk, Scope.AGENT, name="Ana", email="ana@shop.test")


@contextmanager
def _instead(**parts: object) -> Iterator[None]:
    """Give the doors other parts than their own."""
    with patch.multiple(events, **parts), patch.multiple(door, **parts):
        yield


@contextmanager
def _quiet() -> Iterator[None]:
    """
    Leave out what only costs time: metrics on stdout, and what botocore works out anew for each call.

    Undisturbed calls under a sky of ours leave botocore out; those that may fail go all the way to its hooks.
    """
    clients = [aws.client(service) for service in ("s3", "sqs", "ses", "sns", "dynamodb")]
    for client in (*clients, rows.connection().client):
        if client.meta.service_model.service_name != "s3":
            client._ruleset_resolver.construct_endpoint = _first(client._ruleset_resolver.construct_endpoint)
        client._make_api_call = partial(_call, client, client._make_api_call)
    with patch.object(events.Metrics, "flush_metrics"), patch.object(events.Metrics, "add_metric"):
        yield


def _call(client: Any, whole: Callable[..., Any], operation: str, said: Mapping[str, Any]) -> Any:
    if LAB.on or LAB.sky is None:
        return whole(operation, said)
    http, answer = LAB.answered(Call(client.meta.service_model.service_name, operation, said))
    if http.status_code >= 300:
        raise client.exceptions.from_code(answer["Error"]["Code"])(answer, operation)
    return answer


def _first(work_out: Callable[..., object]) -> Callable[..., object]:
    found: list[object] = []

    def known(**asked: object) -> object:
        if not found:
            found.append(work_out(**asked))
        return found[0]

    return known


def _hear(error: BaseException) -> str:
    """Remember what a door tells in its log line of an error."""
    _heard[:] = [error]
    return repr(error)
