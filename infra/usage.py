"""
What a stage used in the last 30 days, counted by CloudWatch and named as in prices.yaml.

| counted | namespace, metric, dimensions |
|---|---|
| invocations, GB-seconds | AWS/Lambda Invocations, Duration (ms); FunctionName |
| write and read units | AWS/DynamoDB ConsumedWriteCapacityUnits, ConsumedReadCapacityUnits; TableName, and with it GlobalSecondaryIndexName |
| queue requests | AWS/SQS NumberOfMessagesSent, NumberOfMessagesReceived, NumberOfMessagesDeleted, NumberOfEmptyReceives; QueueName |
| publishes, mails taken in | AWS/SNS NumberOfMessagesPublished; TopicName |
| mails sent | AWS/SES Send, without dimensions: the whole account's |
| logs | AWS/Logs IncomingBytes; LogGroupName |
| requests | AWS/ApiGateway Count; ApiId |
| storage | DescribeTable; AWS/S3 BucketSizeBytes; BucketName, StorageType |

Sources: the pages "metrics and dimensions" of each service's developer guide.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from infra import package, stage
from infra.aws import Session
from infra.cost import GB, added

DAYS = 30
DAY_SECONDS = 24 * 3600
A_CALL = 500  # metrics that GetMetricData takes at once
QUEUE_METRICS = ("Sent", "Received", "Deleted")
NOTES = (
    "Mails sent are the whole account's. Messages that are received or deleted together count each: SQS bills fewer.",
    "Not counted: requests of S3 (their metrics cost money), what is sent to the internet.",
)


@dataclass(frozen=True)
class Metric:
    """A metric that counts towards an item of prices.yaml, *times* its value. Sizes are averages of days, the rest sums."""

    item: str
    namespace: str
    name: str
    dimensions: dict[str, str]
    times: float = 1
    statistic: str = "Sum"


def counted(name: str, session: Session, now: datetime) -> dict[str, float]:
    """
    Return what a stage used in the 30 days before *now*: `{item of prices.yaml: count}`.

    Raises:
        Trouble: The stage is not deployed here, or not upgraded.
    """
    made = stage.outputs(name, session)
    tables = [
        session.client("dynamodb").describe_table(TableName=made[key])["Table"] for key in ("Table", "SettingsTable")
    ]
    stored = sum(
        table["TableSizeBytes"] + sum(index.get("IndexSizeBytes", 0) for index in _indexes(table)) for table in tables
    )
    wanted = [*of_functions(name), *of_tables(tables), *of_queues(made), *of_the_rest(made)]
    in_total = {"table_gb_month": stored / GB, "backup_gb_month": stored / GB}
    return added(in_total, *({metric.item: value} for metric, value in values(wanted, session, now)))


def of_functions(name: str) -> Iterator[Metric]:
    functions = json.loads((package.ROOT / ".chalice/config.json").read_text())["lambda_functions"]
    for door, settings in functions.items():
        function = stage.function_name(name, door.replace("_", "-"))
        called, gb = {"FunctionName": function}, settings["lambda_memory_size"] / 1024
        yield Metric("lambda_request", "AWS/Lambda", "Invocations", called)
        yield Metric("lambda_gb_second", "AWS/Lambda", "Duration", called, gb / 1000)
        yield Metric("log_gb", "AWS/Logs", "IncomingBytes", {"LogGroupName": f"/aws/lambda/{function}"}, 1 / GB)


def of_tables(tables: list[dict[str, Any]]) -> Iterator[Metric]:
    """Yield a table's own units and those of each index, which CloudWatch counts apart."""
    for table in tables:
        whole = {"TableName": table["TableName"]}
        for place in (whole, *({**whole, "GlobalSecondaryIndexName": index["IndexName"]} for index in _indexes(table))):
            yield Metric("table_write", "AWS/DynamoDB", "ConsumedWriteCapacityUnits", place)
            yield Metric("table_read", "AWS/DynamoDB", "ConsumedReadCapacityUnits", place)


def of_queues(made: dict[str, str]) -> Iterator[Metric]:
    for url in (value for key, value in made.items() if key.endswith("QueueUrl")):
        queue = {"QueueName": url.rpartition("/")[2]}
        for done in QUEUE_METRICS:
            yield Metric("queue_request", "AWS/SQS", f"NumberOfMessages{done}", queue)
        yield Metric("queue_request", "AWS/SQS", "NumberOfEmptyReceives", queue)


def of_the_rest(made: dict[str, str]) -> Iterator[Metric]:
    yield Metric("api_request", "AWS/ApiGateway", "Count", {"ApiId": made["ApiId"]})
    for key in ("InboundMailTopicArn", "MailFeedbackTopicArn", "EscalationTopicArn"):
        topic = {"TopicName": made[key].rpartition(":")[2]}
        yield Metric("topic_publish", "AWS/SNS", "NumberOfMessagesPublished", topic)
        if key == "InboundMailTopicArn":
            yield Metric("mail_in", "AWS/SNS", "NumberOfMessagesPublished", topic)
    yield Metric("mail_out", "AWS/SES", "Send", {})
    for key in ("MailBucket", "FilesBucket"):
        bucket = {"BucketName": made[key], "StorageType": "StandardStorage"}
        yield Metric("file_gb_month", "AWS/S3", "BucketSizeBytes", bucket, 1 / GB, "Average")


def values(wanted: list[Metric], session: Session, now: datetime) -> Iterator[tuple[Metric, float]]:
    """Yield what CloudWatch holds of each metric; nothing is held of what never happened."""
    pages = session.client("cloudwatch").get_paginator("get_metric_data")
    for first in range(0, len(wanted), A_CALL):
        asked = dict(enumerate(wanted[first : first + A_CALL]))
        queries = [query(f"m{place}", metric) for place, metric in asked.items()]
        for page in pages.paginate(MetricDataQueries=queries, StartTime=now - timedelta(days=DAYS), EndTime=now):
            for found in page["MetricDataResults"]:
                metric = asked[int(found["Id"][1:])]
                days = 1 if metric.statistic == "Sum" else DAYS
                yield metric, sum(found["Values"]) * metric.times / days


def query(name: str, metric: Metric) -> dict[str, Any]:
    dimensions = [{"Name": each, "Value": value} for each, value in metric.dimensions.items()]
    asked = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": DAY_SECONDS, "Stat": metric.statistic}}


def _indexes(table: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = table.get("GlobalSecondaryIndexes", [])
    return found
