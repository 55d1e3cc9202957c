"""
AWS as far as the desk calls it, in memory: what a call answers, and what is there afterwards.

It stands in behind botocore's hooks, after parameters are checked and before HTTP. moto is the reference: a test plays
every scenario on both and compares what is seen. An item is never changed in place, so a copy of the tables is cheap.
"""

import io
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.documents import plain

Item = dict[str, dict[str, Any]]
Said = Mapping[str, Any]
Table = dict[tuple[str, str], Item]

_TOKEN = re.compile(r"[#:]?\w+|<=|>=|<>|[=<>(),]")
_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


class No(Exception):
    """AWS refuses a call."""

    def __init__(self, code: str, status: int = 400, **more: object) -> None:
        super().__init__(code)
        self.code, self.status, self.more = code, status, more


class Body(io.BytesIO):
    """What S3 streams."""

    def __repr__(self) -> str:
        return f"Body({self.getvalue()!r})"


@dataclass(frozen=True, slots=True)
class Stored:
    content: bytes
    content_type: str = "binary/octet-stream"
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Sky:
    """All that AWS holds. `mails` are (raw, message id), `words` what SNS published, `queues` go by name."""

    tables: dict[str, Table] = field(default_factory=lambda: defaultdict(dict))
    objects: dict[tuple[str, str], Stored] = field(default_factory=dict)
    queues: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    mails: list[tuple[bytes, str]] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def copy(self) -> "Sky":
        return Sky(
            defaultdict(dict, {name: dict(table) for name, table in self.tables.items()}),
            dict(self.objects),
            defaultdict(list, {name: list(queue) for name, queue in self.queues.items()}),
            list(self.mails),
            list(self.words),
        )

    def fingerprint(self) -> int:
        """Two skies of one fingerprint are the same, but for the order of what is sent."""
        rows = [(name, key, item) for name, table in self.tables.items() for key, item in table.items()]
        queued = [(name, message) for name, queue in self.queues.items() for message in queue]
        parts = (*rows, *queued, *self.objects.items(), *self.mails, *self.words)
        return hash(frozenset(Counter(map(repr, parts)).items()))

    def answer(self, service: str, operation: str, said: Said) -> dict[str, Any]:
        """
        Answer one call.

        Raises:
            No: AWS would refuse it.
        """
        answered: dict[str, Any] = _ANSWERS[service, operation](self, said) or {}
        return answered

    # DynamoDB

    def _get_item(self, said: Said) -> dict[str, Any]:
        found = self.tables[said["TableName"]].get(_key(said["Key"]))
        return {"Item": found} if found else {}

    def _batch_get_item(self, said: Said) -> dict[str, Any]:
        return {
            "Responses": {
                name: [self.tables[name][_key(key)] for key in asked["Keys"] if _key(key) in self.tables[name]]
                for name, asked in said["RequestItems"].items()
            },
            "UnprocessedKeys": {},
        }

    def _query(self, said: Said) -> dict[str, Any]:
        names = said["ExpressionAttributeNames"]
        partition = next(n for n in names.values() if n.endswith("pk"))
        sort = partition.removesuffix("pk") + "sk"
        found = [i for i in self.tables[said["TableName"]].values() if sort in i and _holds(said, i, "KeyCondition")]
        found.sort(key=lambda i: i[sort]["S"], reverse=not said.get("ScanIndexForward", True))
        found = found[: said.get("Limit", len(found))]
        if "IndexName" in said:
            found = [{n: v for n, v in item.items() if n in ("pk", "sk", partition, sort)} for item in found]
        return {"Items": found, "Count": len(found), "ScannedCount": len(found)}

    def _put_item(self, said: Said) -> None:
        self._check(said, said["Item"])
        self.tables[said["TableName"]][_key(said["Item"])] = dict(said["Item"])

    def _update_item(self, said: Said) -> dict[str, Any]:
        self._check(said, said["Key"])
        table, key = self.tables[said["TableName"]], _key(said["Key"])
        table[key] = _updated(table.get(key) or dict(said["Key"]), said)
        return {"Attributes": table[key]}

    def _delete_item(self, said: Said) -> None:
        self._check(said, said["Key"])
        self.tables[said["TableName"]].pop(_key(said["Key"]), None)

    def _check(self, said: Said, key: Item) -> None:
        if not _holds(said, self.tables[said["TableName"]].get(_key(key)), "Condition"):
            raise No("ConditionalCheckFailedException")

    def _transact_write_items(self, said: Said) -> None:
        steps = [next(iter(item.items())) for item in said["TransactItems"]]
        reasons = []
        for _, step in steps:
            now = self.tables[step["TableName"]].get(_key(step.get("Key") or step["Item"]))
            reasons.append({"Code": "None" if _holds(step, now, "Condition") else "ConditionalCheckFailed"})
        if any(reason["Code"] != "None" for reason in reasons):
            raise No("TransactionCanceledException", CancellationReasons=reasons)
        for kind, step in steps:
            _STEPS[kind](self, step)

    # S3

    def _get_object(self, said: Said) -> dict[str, Any]:
        stored = self._stored(said, "NoSuchKey")
        return {"Body": Body(stored.content), "ContentType": stored.content_type}

    def _head_object(self, said: Said) -> dict[str, Any]:
        stored = self._stored(said, "404")
        about = {"ContentLength": len(stored.content), "ContentType": stored.content_type}
        return about | {"Metadata": dict(stored.metadata)}

    def _stored(self, said: Said, code: str) -> Stored:
        found = self.objects.get((said["Bucket"], said["Key"]))
        if found is None:
            raise No(code, 404)
        return found

    def _put_object(self, said: Said) -> None:
        body = said["Body"]
        content = body if isinstance(body, bytes) else body.getvalue()
        stored = Stored(content, said.get("ContentType", "binary/octet-stream"), said.get("Metadata", {}))
        self.objects[said["Bucket"], said["Key"]] = stored

    def _copy_object(self, said: Said) -> None:
        source = said["CopySource"]
        bucket, _, key = source.partition("/") if isinstance(source, str) else (source["Bucket"], "", source["Key"])
        self.objects[said["Bucket"], said["Key"]] = self._stored({"Bucket": bucket, "Key": key}, "NoSuchKey")

    def _delete_object(self, said: Said) -> None:
        self.objects.pop((said["Bucket"], said["Key"]), None)

    def _list_objects(self, said: Said) -> dict[str, Any]:
        keys = sorted(
            key for bucket, key in self.objects if bucket == said["Bucket"] and key.startswith(said["Prefix"])
        )
        long_ago = datetime(2000, 1, 1, tzinfo=UTC)
        return {"Contents": [{"Key": key, "LastModified": long_ago} for key in keys[: said["MaxKeys"]]]}

    # SQS, SES, SNS

    def _send_message(self, said: Said) -> None:
        delay, attributes = said.get("DelaySeconds", 0), said.get("MessageAttributes", {})
        message = {"body": said["MessageBody"], "delay": delay, "attributes": attributes}
        self.queues[said["QueueUrl"].rpartition("/")[2]].append(message)

    def _get_queue_attributes(self, said: Said) -> dict[str, Any]:
        counts = dict.fromkeys(said["AttributeNames"], "0")
        counts["ApproximateNumberOfMessages"] = str(len(self.queues[said["QueueUrl"].rpartition("/")[2]]))
        return {"Attributes": counts}

    def _send_raw_email(self, said: Said) -> dict[str, Any]:
        message_id = f"{len(self.mails) + 1:016d}"
        self.mails.append((said["RawMessage"]["Data"], message_id))
        return {"MessageId": message_id}

    def _publish(self, said: Said) -> None:
        self.words.append(said["Message"])

    # What is seen

    def rows(self) -> list[dict[str, Any]]:
        items = self.tables["careline"].values()
        return sorted((plain(item) for item in items), key=lambda row: (row["pk"], row["sk"]))

    def files(self) -> list[tuple[str, str]]:
        return sorted(self.objects)

    def take(self, queue: str) -> list[dict[str, Any]]:
        return self.queues.pop(queue, [])

    def bodies(self, queue: str) -> list[str]:
        return [message["body"] for message in self.queues[queue]]

    def store(self, bucket: str, key: str, stored: Stored) -> None:
        self.objects[bucket, key] = stored

    def hold(self, queue: str, body: str) -> None:
        """Put something on a queue that nobody reads yet."""
        self.queues[queue].append({"body": body, "delay": 0, "attributes": {}})


_ANSWERS: Mapping[tuple[str, str], Callable[[Sky, Said], dict[str, Any] | None]] = {
    ("dynamodb", "GetItem"): Sky._get_item,
    ("dynamodb", "BatchGetItem"): Sky._batch_get_item,
    ("dynamodb", "Query"): Sky._query,
    ("dynamodb", "PutItem"): Sky._put_item,
    ("dynamodb", "UpdateItem"): Sky._update_item,
    ("dynamodb", "DeleteItem"): Sky._delete_item,
    ("dynamodb", "TransactWriteItems"): Sky._transact_write_items,
    ("s3", "GetObject"): Sky._get_object,
    ("s3", "HeadObject"): Sky._head_object,
    ("s3", "PutObject"): Sky._put_object,
    ("s3", "CopyObject"): Sky._copy_object,
    ("s3", "DeleteObject"): Sky._delete_object,
    ("s3", "ListObjectsV2"): Sky._list_objects,
    ("sqs", "SendMessage"): Sky._send_message,
    ("sqs", "GetQueueAttributes"): Sky._get_queue_attributes,
    ("ses", "SendRawEmail"): Sky._send_raw_email,
    ("sns", "Publish"): Sky._publish,
}
_STEPS: Mapping[str, Callable[[Sky, Said], None]] = {
    "Put": Sky._put_item,
    "Update": Sky._update_item,
    "Delete": Sky._delete_item,
    "ConditionCheck": lambda _, __: None,
}


def _key(item: Mapping[str, Any]) -> tuple[str, str]:
    return item["pk"]["S"], item.get("sk", {"S": ""})["S"]


def _holds(said: Said, item: Item | None, which: str) -> bool:
    text = said.get(f"{which}Expression")
    return not text or _Condition(text, said, item or {}).holds()


def _updated(item: Item, said: Said) -> Item:
    """Return what an UpdateExpression of SET and REMOVE makes of an item."""
    tokens, changed, clause = _TOKEN.findall(said["UpdateExpression"]), dict(item), ""
    names, values = said.get("ExpressionAttributeNames", {}), said.get("ExpressionAttributeValues", {})
    stream = iter(tokens)
    for token in stream:
        if token in ("SET", "REMOVE"):
            clause = token
        elif token == ",":
            continue
        elif clause == "REMOVE":
            changed.pop(names.get(token, token), None)
        else:
            changed[names.get(token, token)] = _value(stream, item, names, values)
    return changed


def _value(stream: Iterator[str], item: Item, names: Mapping[str, str], values: Item) -> dict[str, Any]:
    if next(stream) != "=":
        raise NotImplementedError("only SET a = b")
    token = next(stream)
    if token != "if_not_exists":
        return values[token]
    _, path, _, otherwise, _ = (next(stream) for _ in range(5))
    return item.get(names.get(path, path)) or values[otherwise]


class _Condition:
    """Reads a condition expression, as far as PynamoDB writes them, against one item."""

    def __init__(self, text: str, said: Said, item: Item) -> None:
        self.tokens, self.item = _TOKEN.findall(text), item
        self.names = said.get("ExpressionAttributeNames", {})
        self.values = said.get("ExpressionAttributeValues", {})
        self.place = 0

    def holds(self) -> bool:
        held = self._any()
        if self.place != len(self.tokens):
            raise NotImplementedError(f"cannot read {self.tokens[self.place :]}")
        return held

    def _any(self) -> bool:
        held = self._all()
        while self._next("OR"):
            held = self._all() or held
        return held

    def _all(self) -> bool:
        held = self._one()
        while self._next("AND"):
            held = self._one() and held
        return held

    def _one(self) -> bool:
        if self._next("NOT"):
            return not self._one()
        if self._next("("):
            held = self._any()
            self._next(")")
            return held
        if self.tokens[self.place] in ("attribute_exists", "attribute_not_exists", "begins_with"):
            return self._function(self._take())
        left, how = self._operand(), self._take()
        if how == "BETWEEN":
            low, _, high = self._operand(), self._take(), self._operand()
            return left is not None and low <= left <= high
        right = self._operand()
        return left is not None and right is not None and _COMPARE[how](left, right)

    def _function(self, name: str) -> bool:
        self._take()
        value = self._operand()
        if name == "begins_with":
            self._take()
            start = self._operand()
            self._take()
            return value is not None and value.startswith(start)
        self._take()
        return (value is not None) == (name == "attribute_exists")

    def _operand(self) -> Any:
        token = self._take()
        typed = self.values[token] if token[0] == ":" else self.item.get(self.names.get(token, token))
        if typed is None:
            return None
        ((kind, value),) = typed.items()
        return Decimal(value) if kind == "N" else value

    def _take(self) -> str:
        self.place += 1
        return self.tokens[self.place - 1]

    def _next(self, token: str) -> bool:
        if self.place < len(self.tokens) and self.tokens[self.place] == token:
            self.place += 1
            return True
        return False
