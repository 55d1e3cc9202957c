"""
A whole desk in one process: real adapters on moto, and the events that AWS would bring, brought by hand.
"""

import copy
import email
import functools
import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import botocore.session
import botocore.useragent
import yaml
from moto import mock_aws
from moto.backends import get_backend
from moto.core import models, responses
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table

from chalicelib import wiring
from chalicelib.adapters import aws, rows, settings
from chalicelib.config import config
from chalicelib.domain.storefront import Storefront
from chalicelib.domain.ticket import Author, Role
from chalicelib.handlers import callers
from chalicelib.usecases import due, feedback, house, incoming, mail, sending
from tests.documents import plain

ACCOUNT, REGION = "123456789012", "eu-west-1"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGENT = Author(Role.AGENT, "Ana", "ana@shop.test")
DEMO = Storefront("demo", "Demo Shop", ("support@demo.test",))
OTHER = Storefront("other", "Other Shop", ("support@other.test",))
_INFRA = Path(__file__).parents[1] / "infra"


def _copied(item: Item, _: dict) -> Item:
    """Copy an item and share its values, which never change."""
    copied = object.__new__(Item)
    copied.hash_key, copied.range_key, copied.attrs = (
        item.hash_key,
        item.range_key,
        LimitedSizeDict.__new__(LimitedSizeDict),
    )
    dict.update(copied.attrs, item.attrs)
    return copied


def _transacted(backend: DynamoDBBackend, writes: list[dict]) -> None:
    """Undo a transaction that fails, item by item. Moto copies the whole table before each write, to put it back."""
    before = []
    for write in writes:
        given = next(iter(write.values()))
        table, key = backend.tables[given["TableName"]], given.get("Key") or given["Item"]
        place = DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])
        before.append((table, place, copy.deepcopy(table.get_item(*place))))
    try:
        _transact(backend, writes)
    except Exception:
        for table, place, item in before:
            if item is None:
                table.delete_item(*place)
            else:
                table.items[place[0]][place[1]] = item
        raise


Item.__deepcopy__ = _copied
Table.__deepcopy__ = lambda table, _: table
_transact, DynamoDBBackend.transact_write_items = DynamoDBBackend.transact_write_items, _transacted

# What is the same in every world, or in every call, is worked out once: what botocore reads of a service, who it says
# that it is, and what moto can answer. Nothing here asks AWS by `requests`, for which moto prepares 1,300 answers.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)
botocore.useragent.UserAgentString.to_string = lambda _: "tests"
responses.method_names_from_class = functools.cache(responses.method_names_from_class)
models.RESPONSES_METHODS.clear()


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as plain values."""


_Loader.add_multi_constructor("!", lambda loader, _, node: getattr(loader, f"construct_{node.id}")(node))


@dataclass
class World:
    """`now` moves only when a test moves it. `feedback_flows` off keeps SES's events back."""

    now: datetime = START
    feedback_flows: bool = True
    _told: int = 0
    _moves: int = field(default=0)

    def __post_init__(self) -> None:
        self.desk = wiring.joined(config(), lambda: self.now)

    def later(self, **ago: float) -> datetime:
        self.now += timedelta(**ago)
        return self.now

    # What AWS would do

    def stream(self) -> None:
        """Bring every outbox item that is new, as the stream does."""
        for held in self.rows("OUTBOX#"):
            sending.send_out(self.desk, held["pk"].removeprefix("TICKET#"), held["sk"].removeprefix("OUTBOX#"))

    def sweep(self, at: datetime | None = None) -> None:
        """Sweep, and work off what it put on the queues, until nothing is left there."""
        due.sweep(self.desk, at or self.now)
        for order in self.drain("due"):
            due.work(self.desk, order)
        for named in self.drain("outbox"):
            sending.send_out(self.desk, named["ticket"], named["outbox"])

    def tell_feedback(self, *kinds: str) -> None:
        """Bring SES's events for every mail that was sent and not told of yet."""
        if not self.feedback_flows:
            return
        fresh, self._told = self.sent_raw()[self._told :], len(self.sent_raw())
        for kind in kinds or ("Send", "Delivery"):
            for sent in fresh:
                feedback.take_in(self.desk, ses_event(kind, sent))

    def settle(self) -> None:
        self.stream()
        self.tell_feedback()

    def receive(self, raw: bytes | EmailMessage, *, to: str = "support@demo.test", **verdicts: str) -> mail.Taken:
        """Do what SES does with a mail, and hand its notification to the desk."""
        return mail.take_in(self.desk, incoming.envelope_of(self.store(raw, to=to, **verdicts)))

    def store(self, raw: bytes | EmailMessage, *, to: str = "support@demo.test", **verdicts: str) -> dict:
        content = raw if isinstance(raw, bytes) else raw.as_bytes()
        self._moves += 1
        key = f"incoming/{self._moves:06d}"
        aws.client("s3").put_object(Bucket="careline-mail", Key=key, Body=content)
        said = {"spf": "PASS", "dkim": "PASS", "dmarc": "PASS", "spam": "PASS", "virus": "PASS"} | verdicts
        sender = email.message_from_bytes(content)["From"] or ""
        return {
            "notificationType": "Received",
            "mail": {"source": sender.rpartition("<")[2].rstrip(">"), "destination": [to]},
            "receipt": {"recipients": [to], "action": {"objectKey": key}}
            | {f"{name}Verdict": {"status": status} for name, status in said.items()},
        }

    # What can be seen

    def mails(self, to: str | None = None) -> list[EmailMessage]:
        """Return the mails that SES was given, oldest first."""
        sent = (_read(raw) for raw in self.sent_raw() if to is None or to.encode() in raw)
        return [mail for mail in sent if to is None or to in str(mail["To"])]

    def sent_raw(self) -> list[bytes]:
        return [m.raw_data.encode() for m in get_backend("ses")[ACCOUNT][REGION].sent_messages]

    def escalations(self) -> list[dict]:
        topics = get_backend("sns")[ACCOUNT][REGION].topics
        return [json.loads(sent[1]) for topic in topics.values() for sent in topic.sent_notifications]

    def drain(self, queue: str) -> list[dict]:
        """Take every message off a queue."""
        return [json.loads(message["Body"]) for message in self.queue(queue)]

    def queue(self, name: str) -> list[dict]:
        sqs, url = aws.client("sqs"), f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{name}"
        taken = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]).get(
            "Messages"
        ):
            for message in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            taken += got
        return taken

    def items(self) -> list[dict]:
        """Return what the table holds, as DynamoDB does: `{attribute: {type: value}}`."""
        partitions = get_backend("dynamodb")[ACCOUNT][REGION].tables["careline"].items.values()
        found = itertools.chain.from_iterable(partition.values() for partition in partitions)
        return [{name: value.to_json() for name, value in item.attrs.items()} for item in found]

    def events(self, number: str) -> list[dict]:
        """Return the audit lines of a ticket, oldest first."""
        return self.desk.table.events(number, after=None, limit=1000)

    def rows(self, sort_prefix: str = "") -> list[dict]:
        shown = (plain(item) for item in self.items() if item["sk"]["S"].startswith(sort_prefix))
        return sorted(shown, key=lambda row: (row["pk"], row["sk"]))


@functools.lru_cache(maxsize=2000)
def _read(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def ses_event(kind: str, raw: bytes, message_id: str | None = None, **about: object) -> dict:
    """Return the event that SES would publish of a mail it was given, under the id that it answered."""
    sent = email.message_from_bytes(raw)
    tags = dict(pair.strip().split("=") for pair in sent["X-SES-MESSAGE-TAGS"].split(","))
    to = sent["To"].rpartition("<")[2].rstrip(">")
    details = {
        "Delivery": {"recipients": [to]},
        "Bounce": {
            "bounceType": "Permanent",
            "bouncedRecipients": [{"emailAddress": to, "diagnosticCode": "550 no such user"}],
        },
        "Complaint": {"complainedRecipients": [{"emailAddress": to}]},
    }
    stamp = START.isoformat().replace("+00:00", "Z")
    return {
        "eventType": kind,
        "mail": {
            "timestamp": stamp,
            "messageId": message_id or f"ses-{tags['outbox']}",
            "destination": [to],
            "tags": {name: [value] for name, value in tags.items()},
        },
        kind[0].lower() + kind[1:]: {"timestamp": stamp, **details.get(kind, {}), **about},
    }


@contextmanager
def running() -> Iterator[World]:
    """Start a world: tables as the data stack describes them, buckets, queues, two storefronts."""
    with mock_aws():
        _forget()
        _build()
        world = World()
        settings.ensure_signing_keys("careline-settings")
        for storefront in (DEMO, OTHER):
            house.put_storefront(world.desk, storefront)
        yield world
    _forget()


def _forget() -> None:
    """Be a new process: nothing that was cached is known."""
    aws.client.cache_clear()
    aws.session.cache_clear()
    rows.Row._connection = None
    wiring.desk.cache_clear()
    callers._calls.clear()


def create_tables() -> None:
    """Create the two tables as the data stack declares them."""
    for name, given in _declared().items():
        wanted = {k: given[k] for k in ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes") if k in given}
        table = {"Table": "careline", "SettingsTable": "careline-settings"}[name]
        aws.client("dynamodb").create_table(TableName=table, BillingMode="PAY_PER_REQUEST", **wanted)


@functools.cache
def _declared() -> dict[str, dict]:
    resources = yaml.load((_INFRA / "data.yaml").read_text(), _Loader)["Resources"]  # noqa: S506
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == "AWS::DynamoDB::Table"}


def _build() -> None:
    create_tables()
    for bucket in ("careline-mail", "careline-files"):
        aws.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for queue in ("outbox", "due", "feedback", "IntakeDeadLetter", "DueDeadLetter"):
        aws.client("sqs").create_queue(QueueName=queue)
    aws.client("sns").create_topic(Name="escalation")
    aws.client("ses").create_configuration_set(ConfigurationSet={"Name": "careline-test"})
    for domain in ("demo.test", "other.test"):
        aws.client("ses").verify_domain_identity(Domain=domain)
