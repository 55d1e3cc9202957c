"""
What the tests' world does in moto's place is what AWS does.
"""

import pytest
from botocore.exceptions import ClientError

from chalicelib.adapters import aws
from tests.world import running


@pytest.fixture
def world():
    with running() as one:
        for name in ("written over", "changed", "removed", "looked at"):
            aws.client("dynamodb").put_item(TableName="careline", Item=item(name))
        yield one


def item(name, text="as it was"):
    return {"pk": {"S": "T"}, "sk": {"S": name}, "data": {"S": text}}


def transact(looked_at):
    """Write in all four ways, where the row that is looked at says *looked_at*."""
    of = {"TableName": "careline"}
    keys = {name: {"pk": {"S": "T"}, "sk": {"S": name}} for name in ("changed", "removed", "looked at", "made anew")}
    said = {":text": {"S": "other"}}
    update = {"UpdateExpression": "SET #data = :text", "ExpressionAttributeNames": {"#data": "data"}}
    aws.client("dynamodb").transact_write_items(
        TransactItems=[
            {"Put": of | {"Item": item("new", "other")}},
            {"Put": of | {"Item": item("written over", "other")}},
            {"Update": of | update | {"Key": keys["changed"], "ExpressionAttributeValues": said}},
            {"Update": of | update | {"Key": keys["made anew"], "ExpressionAttributeValues": said}},
            {"Delete": of | {"Key": keys["removed"]}},
            {
                "ConditionCheck": of
                | {
                    "Key": keys["looked at"],
                    "ConditionExpression": "#data = :text",
                    "ExpressionAttributeNames": {"#data": "data"},
                    "ExpressionAttributeValues": {":text": {"S": looked_at}},
                }
            },
        ]
    )


def told(world):
    return {row["sk"]: row["data"] for row in world.rows() if row["pk"] == "T"}


def test_a_transaction_is_done_whole(world):
    transact(looked_at="as it was")
    others = dict.fromkeys(["new", "written over", "changed", "made anew"], "other")
    assert told(world) == {**others, "looked at": "as it was"}


def test_a_transaction_that_fails_leaves_no_trace(world):
    before = world.rows()
    with pytest.raises(ClientError) as refused:
        transact(looked_at="something else")
    codes = [reason["Code"] for reason in refused.value.response["CancellationReasons"]]
    assert codes == ["None"] * 5 + ["ConditionalCheckFailed"]
    assert world.rows() == before
    assert set(told(world).values()) == {"as it was"}


def test_a_world_knows_nothing_of_the_one_before():
    with running() as one:
        one.store(b"From: eva@customer.test\r\n\r\nWhere is it?")
        aws.client("dynamodb").put_item(TableName="careline", Item=item("new"))
        assert told(one) == {"new": "as it was"}
    with running() as another:
        assert told(another) == {}
        assert "Contents" not in aws.client("s3").list_objects_v2(Bucket="careline-mail")
