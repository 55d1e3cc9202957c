"""
What it costs: counts into money, and where the counts come from.
"""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from infra import __main__ as commands
from infra import cost, stage, usage
from infra.aws import Session, Trouble

PLAIN = cost.Assumed(
    ms=100, memory_mb=1024, log_bytes=500, table_bytes=1000, months=10, page_bytes=2000, header_bytes=100
)
NOW = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def figure(write=0, read=0, **calls):
    return {"calls": {name.replace("_", "."): count for name, count in calls.items()}, "write_units": write, "read_units": read}  # fmt: skip


def bench(lines=None, **more):
    """What `make bench` writes: the lines of a life, what is looked at, and an idle sweep."""
    seen = dict.fromkeys(cost.LOOKS, figure())
    swept = {cost.SWEEP: figure(read=4, dynamodb_Query=8)}
    return {**(lines or {}), **seen, **swept, "a whole life": {}, **more}


def of_lines(**lines):
    """What a life of these lines takes, without the pages that are looked at."""
    looked_at = sum(cost.LOOKS.values())
    counts = cost.of_a_ticket(bench({f"life: {name}": each for name, each in lines.items()}), PLAIN)
    return {**counts, "api_request": counts["api_request"] - looked_at, "lambda_request": counts["lambda_request"] - looked_at}  # fmt: skip


def test_every_price_has_a_unit_and_a_source_that_is_named():
    held = cost.yaml.safe_load(cost.PRICES.read_text())
    assert {price["source"] for price in held["prices"].values()} == set(held["sources"])
    assert all(price.usd >= 0 and price.per >= 1 and price.unit for price in cost.read_prices().values())


def test_a_count_costs_its_price_and_what_is_free_costs_nothing():
    bill = cost.billed({"table_write": 4_000_000, "alarm": 13, "metric": 3, "mail_out": 500}, cost.read_prices())
    assert {price.unit: usd for price, _, usd in bill.items} == pytest.approx(
        {"write units": 2.50, "alarms": 0.30, "metrics of the desk's own": 0, "mails sent": 0.05}
    )
    assert bill.total() == pytest.approx(2.85)
    assert bill.total(mails=False) == pytest.approx(2.80)


def test_a_request_is_one_invocation_and_writes_what_was_measured():
    counts = of_lines(**{"open by API": figure(write=20, read=1)})
    assert counts["api_request"] == counts["lambda_request"] == 1
    assert counts["table_write"] == 20
    assert counts["queue_request"] == counts["topic_publish"] == 0


def test_a_mail_that_comes_in_is_published_queued_and_stored():
    counts = of_lines(**{"mail in": figure(s3_PutObject=2, s3_GetObject=1)})
    assert (counts["mail_in"], counts["topic_publish"], counts["queue_request"]) == (1, 1, 3)
    assert (counts["file_put"], counts["file_get"], counts["api_request"]) == (2, 1, 0)


def test_a_mail_that_goes_out_costs_two_words_of_ses_about_it():
    counts = of_lines(**{"send the reply": figure(ses_SendRawEmail=1), "feedback on it": figure(read=6)})
    assert (counts["mail_out"], counts["lambda_request"]) == (1, 2)
    assert (counts["topic_publish"], counts["queue_request"]) == (2, 4)


def test_an_answer_weighs_what_was_measured_and_a_page_what_is_assumed():
    looked_at = sum(cost.LOOKS.values()) * (2000 + 100)
    counts = of_lines(**{"open by API": {**figure(), "answer_bytes": 900}, "rating": figure()})
    assert counts["data_out_gb"] == pytest.approx((looked_at + 1000 + 2100) / 1e9)


def test_the_sweep_that_finds_a_ticket_would_have_swept_anyway():
    counts = of_lines(**{"survey due (sweep)": figure(write=13, read=7)})
    assert counts["table_read"] == 3
    assert (counts["lambda_request"], counts["queue_request"]) == (0, 0)


def test_what_a_ticket_leaves_is_kept_and_backed_up():
    assert cost.of_a_ticket(bench(), PLAIN)["table_gb_month"] == pytest.approx(1000 * 10 / 1e9)
    measured = bench(**{"a whole life": {"stored_bytes": 5000}})
    assert cost.of_a_ticket(measured, PLAIN)["backup_gb_month"] == pytest.approx(5000 * 10 / 1e9)


def test_an_invocation_takes_what_was_measured_of_its_door_and_is_assumed_otherwise():
    assumed = cost.of_invocations("outbox", 10, 4, {}, PLAIN)
    assert assumed == pytest.approx({"lambda_request": 10, "lambda_gb_second": 1.0, "log_gb": 5e-6})
    functions = {"outbox": {"warm_count": 50e6, "cold_x": 1.1, "log_bytes": 800}}
    figures = {"functions": functions, "package": {"anchor": 1000e6}}
    measured = cost.of_invocations("outbox", 10, 4, figures, PLAIN)
    ms = (0.05 + 1.1 * PLAIN.cold_share) * PLAIN.anchor_ms * 1769 / 512 + 4 * PLAIN.call_ms
    assert measured == pytest.approx({"lambda_request": 10, "lambda_gb_second": 10 * 0.5 * ms / 1000, "log_gb": 8e-6})


def test_an_idle_month_sweeps_each_minute_and_polls_five_queues():
    counts = cost.of_an_idle_month(bench(), PLAIN)
    assert counts["schedule"] == counts["lambda_request"] == 43_800 + 2_920
    assert counts["table_read"] == 43_800 * 4
    assert counts["file_put"] == 2_920
    assert counts["queue_request"] == 5 * 5 * 131_400
    assert counts["dashboard"] == 0


def test_a_new_line_of_a_life_is_not_priced_as_nothing():
    with pytest.raises(Trouble, match="Which doors open for “life: dance”"):
        of_lines(dance=figure())


def test_without_figures_the_command_says_how_to_get_them(tmp_path, capsys):
    assert commands.main(["cost", "--bench", str(tmp_path / "bench.json")]) == 1
    assert "run `make bench` first" in capsys.readouterr().err


def test_the_command_names_each_item_the_sums_and_the_goals(tmp_path, capsys):
    file = tmp_path / "bench.json"
    file.write_text(json.dumps(bench({"life: send it": figure(write=1_000_000, ses_SendRawEmail=1)})))
    assert commands.main(["cost", "--bench", str(file)]) == 0
    told = capsys.readouterr().out
    assert "1e+09 write units" in told
    assert "of at most 0.18: MISSED" in told
    assert "of at most 3.00: reached" in told
    assert "Assumed where nothing was measured: 60 ms at 512 MB" in told


@dataclass(frozen=True)
class WithStacks(Session):
    """A way into moto, with stacks of these outputs: moto's own CloudFormation needs more than is installed."""

    stacks: dict[str, dict[str, str]] = field(default_factory=dict)

    def client(self, service):
        made = super().client(service)
        if service == "cloudformation":
            made.describe_stacks = self._described
        return made

    def _described(self, StackName):  # noqa: N803 as boto3 calls it
        if StackName not in self.stacks:
            error = {"Code": "ValidationError", "Message": f"Stack with id {StackName} does not exist"}
            raise ClientError({"Error": error}, "DescribeStacks")
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.stacks[StackName].items()]
        return {"Stacks": [{"StackName": StackName, "Outputs": outputs}]}


@pytest.fixture
def a_stage():
    """A stage that CloudFormation knows, with its tables."""
    with mock_aws():
        session = WithStacks(boto3.Session("testing", "testing", region_name="eu-west-1"))
        dynamodb = session.client("dynamodb")
        for table in ("t", "s"):
            dynamodb.create_table(
                TableName=table,
                BillingMode="PAY_PER_REQUEST",
                AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "due_pk")],
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                GlobalSecondaryIndexes=[
                    {
                        "IndexName": "by_due_time",
                        "KeySchema": [{"AttributeName": "due_pk", "KeyType": "HASH"}],
                        "Projection": {"ProjectionType": "KEYS_ONLY"},
                    }
                ],
            )
        topics = {
            f"{name}Arn": f"arn:aws:sns:eu-west-1:123456789012:{name}"
            for name in ("InboundMailTopic", "MailFeedbackTopic", "EscalationTopic")
        }
        data = {"Table": "t", "SettingsTable": "s", "MailBucket": "mail", "FilesBucket": "files"}
        desk = {
            "DueQueueUrl": "https://sqs.eu-west-1.amazonaws.com/123456789012/careline-shop-DueQueue",
            "ApiId": "a1",
            **topics,
        }
        session.stacks.update({stage.data_stack("shop"): data, stage.desk_stack("shop"): desk})
        yield session


def happened(session, namespace, name, value, ago=timedelta(days=2), **dimensions):
    datum = {
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": each} for key, each in dimensions.items()],
        "Timestamp": NOW - ago,
        "Value": value,
    }
    session.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])


def test_a_stage_is_billed_for_what_cloudwatch_counted(a_stage):
    happened(a_stage, "AWS/Lambda", "Invocations", 7, FunctionName="careline-shop-api-handler")
    happened(a_stage, "AWS/Lambda", "Invocations", 5, FunctionName="careline-shop-outbox")
    happened(a_stage, "AWS/Lambda", "Invocations", 999, FunctionName="careline-other-outbox")
    happened(a_stage, "AWS/ApiGateway", "Count", 6, ApiId="a1")
    happened(a_stage, "AWS/ApiGateway", "Count", 999, ApiId="b2")
    happened(a_stage, "AWS/Lambda", "Duration", 4000, FunctionName="careline-shop-outbox")
    happened(a_stage, "AWS/Logs", "IncomingBytes", 2e9, LogGroupName="/aws/lambda/careline-shop-outbox")
    happened(a_stage, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", 30, TableName="t")
    happened(
        a_stage, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", 12, TableName="t", GlobalSecondaryIndexName="by_due_time"
    )
    happened(a_stage, "AWS/DynamoDB", "ConsumedReadCapacityUnits", 9, ago=timedelta(days=31), TableName="t")
    happened(a_stage, "AWS/SQS", "NumberOfEmptyReceives", 100, QueueName="careline-shop-DueQueue")
    happened(a_stage, "AWS/SQS", "NumberOfMessagesSent", 3, QueueName="careline-shop-DueQueue")
    happened(a_stage, "AWS/SNS", "NumberOfMessagesPublished", 4, TopicName="InboundMailTopic")
    happened(a_stage, "AWS/SES", "Send", 11)
    happened(a_stage, "AWS/S3", "BucketSizeBytes", 15e9, BucketName="mail", StorageType="StandardStorage")
    happened(
        a_stage, "AWS/S3", "BucketSizeBytes", 15e9, timedelta(days=1), BucketName="mail", StorageType="StandardStorage"
    )
    used = {item: count for item, count in usage.counted("shop", a_stage, NOW).items() if count}
    assert used == pytest.approx({
        "api_request": 6, "lambda_request": 12, "lambda_gb_second": 2.0, "log_gb": 2.0, "table_write": 42,
        "queue_request": 103, "topic_publish": 4, "mail_in": 4, "mail_out": 11, "file_gb_month": 1.0,
    })  # fmt: skip
    assert set(used) <= set(cost.read_prices())


def test_a_stage_that_is_not_there_is_said_so(a_stage):
    with pytest.raises(Trouble, match="Stage other is not deployed"):
        usage.counted("other", a_stage, NOW)


def test_a_stage_that_an_earlier_version_made_is_to_be_deployed_again(a_stage):
    del a_stage.stacks[stage.desk_stack("shop")]["ApiId"]
    with pytest.raises(Trouble, match="made no ApiId: make deploy STAGE=shop"):
        usage.counted("shop", a_stage, NOW)
