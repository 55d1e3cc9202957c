"""
The signing secrets, in a small table of their own that has no stream: one read at a cold start.
"""

import json
import secrets
from base64 import b64decode, b64encode
from typing import Any

from botocore.exceptions import ClientError

from chalicelib.adapters.aws import client
from chalicelib.domain.signing import KeyRing

_SIGNING = {"pk": {"S": "SIGNING"}}
_FIRST_KEY_ID = "a"
_SECRET_BYTES = 32


def signing_keys(table: str) -> KeyRing:
    """
    Read the key ring.

    Raises:
        LookupError: There is none yet: deploy makes it.
    """
    item = client("dynamodb").get_item(TableName=table, Key=_SIGNING, ConsistentRead=True).get("Item")
    if item is None:
        raise LookupError("There are no signing keys yet: deploy this stage again.")
    held = json.loads(item["data"]["S"])
    return KeyRing(held["current"], {key_id: b64decode(secret) for key_id, secret in held["secrets"].items()})


def ensure_signing_keys(table: str) -> None:
    """Make the first signing key where there is none; existing keys are never touched."""
    data: dict[str, Any] = {
        "current": _FIRST_KEY_ID,
        "secrets": {_FIRST_KEY_ID: b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()},
    }
    item = {**_SIGNING, "data": {"S": json.dumps(data)}}
    try:
        client("dynamodb").put_item(TableName=table, Item=item, ConditionExpression="attribute_not_exists(pk)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
