"""
The sky that answers in thousands of schedules is believed because moto shows the same in each scenario.

And on the wire, where botocore's own repeats begin: what sends is sent once, whatever becomes of the answer.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from moto.backends import get_backend

from chalicelib.adapters import aws, mailer, queues, topic
from tests.documents import plain
from tests.faults.lab import LAB
from tests.faults.picture import picture
from tests.faults.scenarios import SCENARIOS
from tests.faults.sky import Stored
from tests.faults.stage import Stage, furnish, raised
from tests.world import ACCOUNT, REGION, _build, _forget


class OnMoto:
    """What is seen under moto's sky, in the words of Sky."""

    def _of(self, service: str) -> Any:
        return get_backend(service)[ACCOUNT][REGION]

    def _buckets(self) -> Any:
        return get_backend("s3")[ACCOUNT]["aws"].buckets

    @property
    def mails(self) -> list[tuple[bytes, str]]:
        return [(mail.raw_data.encode(), mail.id) for mail in self._of("ses").sent_messages]

    @property
    def words(self) -> list[str]:
        return [sent[1] for known in self._of("sns").topics.values() for sent in known.sent_notifications]

    def rows(self) -> list[dict[str, Any]]:
        items = self._of("dynamodb").tables["careline"].all_items()
        shown = [plain({name: value.to_json() for name, value in item.attrs.items()}) for item in items]
        return sorted(shown, key=lambda row: (row["pk"], row["sk"]))

    def files(self) -> list[tuple[str, str]]:
        return sorted((name, key) for name, bucket in self._buckets().items() for key in bucket.keys)

    def take(self, queue: str) -> list[dict[str, Any]]:
        held = self._of("sqs").queues[queue]._messages
        taken = [{"body": m.body, "delay": max(0, m.delayed_until / 1000 - m.sent_timestamp / 1000)} for m in held]
        held.clear()
        return taken

    def bodies(self, queue: str) -> list[str]:
        return [message.body for message in self._of("sqs").queues[queue]._messages]

    def store(self, bucket: str, key: str, stored: Stored) -> None:
        aws.client("s3").put_object(
            Bucket=bucket, Key=key, Body=stored.content, ContentType=stored.content_type, Metadata=dict(stored.metadata),
        )  # fmt: skip

    def hold(self, queue: str, body: str) -> None:
        queues.put(f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{queue}", {"held": body})

    def clear(self) -> None:
        """Leave nothing but the empty tables, buckets, queues and topics."""
        for table in self._of("dynamodb").tables.values():
            table.items.clear()
        for bucket in self._buckets().values():
            bucket.keys.clear()
        for queue in self._of("sqs").queues.values():
            queue._messages.clear()
        for known in self._of("sns").topics.values():
            known.sent_notifications.clear()
        self._of("ses").sent_messages.clear()


@pytest.fixture(scope="module")
def moto() -> Iterator[OnMoto]:
    sky = OnMoto()
    with mock_aws():
        _forget()
        _build()
        with raised(sky):
            yield sky


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_under_moto_a_scenario_ends_as_under_the_sky(scenario, moto):
    moto.clear()
    stage = Stage(moto)
    furnish(stage)
    scenario.given(stage)
    stage.answers = ()
    stage.begin()
    with LAB.planned({}) as calls:
        scenario.when(stage)
    stage.settle()
    assert calls
    assert picture(stage) == scenario.then


@contextmanager
def answers_lost(service: str) -> Iterator[list[int]]:
    """Let each request reach AWS and have its effect; lose what comes back."""
    tries: list[int] = []

    def lose(**_: object) -> None:
        tries.append(1)
        raise ReadTimeoutError(endpoint_url="https://aws.test")

    emitter = aws.client(service).meta.events
    emitter.register_last("before-send", lose)
    try:
        yield tries
    finally:
        emitter.unregister("before-send", lose)


RAW = b"From: support@demo.test\r\nTo: eva@customer.test\r\nSubject: Hello\r\n\r\nHello.\r\n"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/outbox"
SENDINGS: dict[str, Callable[[], object]] = {
    "ses": lambda: mailer.send(
        RAW,
        sender="support@demo.test",
        to=("eva@customer.test",),
        configuration_set="careline-test",
        tags={"outbox": "1"},
    ),
    "sqs": lambda: queues.put(QUEUE, {}),
    "sns": lambda: topic.publish(f"arn:aws:sns:{REGION}:{ACCOUNT}:escalation", dict.fromkeys(topic._FILTERED_BY, "a")),
}


@pytest.mark.parametrize("service", SENDINGS)
def test_what_sends_is_tried_once_on_the_wire(service, moto):
    moto.clear()
    with answers_lost(service) as tries, pytest.raises((mailer.Silence, ReadTimeoutError)):
        SENDINGS[service]()
    assert len(tries) == 1
    assert len(moto.mails) + len(moto.words) + len(moto.bodies("outbox")) == 1
