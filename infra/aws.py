"""
Which AWS: the real one, or the one embedded in this process's neighbour.

    CARELINE_AWS_ENDPOINT or AWS_ENDPOINT_URL    that one, with the usual credentials
    stage local, and no such variable            what `make run` wrote to run.json in CARELINE_HOME (.careline)
    otherwise                                    AWS, with the usual credentials
"""

import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

HOME = Path(os.environ.get("CARELINE_HOME") or Path(__file__).parent.parent / ".careline")
RUN_FILE = HOME / "run.json"


class Trouble(Exception):
    """What went wrong and what to do next, for the person at the keyboard."""


@dataclass(frozen=True)
class Session:
    """
    A way into one AWS account and region.

    endpoint is None for AWS itself, else the URL of the embedded AWS.
    """

    boto: Any
    endpoint: str | None = None

    def client(self, service: str) -> Any:  # noqa: ANN401 - boto3 has no types
        config = Config(retries={"mode": "standard", "max_attempts": 5}, user_agent="careline")
        return self.boto.client(service, endpoint_url=self.endpoint, config=config)

    @property
    def region(self) -> str:
        return str(self.boto.region_name)

    @cached_property
    def account(self) -> str:
        """
        The account's number.

        Raises:
            Trouble: There are no credentials, or they are refused.
        """
        try:
            return str(self.client("sts").get_caller_identity()["Account"])
        except (BotoCoreError, ClientError) as error:
            where = self.endpoint or f"AWS ({self.region})"
            raise Trouble(
                f"{where} does not know you: {error}\n"
                "Give credentials (aws configure, AWS_PROFILE), or start the embedded AWS with `make run` and say STAGE=local."
            ) from error


def session_for(
    stage: str,
    endpoint: str | None = None,
    *,
    region: str | None = None,
    access_key_id: str | None = None,
    secret_access_key: str | None = None,
) -> Session:
    """
    Return the way to the AWS that a stage lives in.

    Raises:
        Trouble: No region is set, or stage local is asked for while nothing runs.
    """
    endpoint = endpoint or os.environ.get("CARELINE_AWS_ENDPOINT") or os.environ.get("AWS_ENDPOINT_URL")
    if not endpoint and stage == "local":
        running = embedded()
        endpoint, region = running["endpoint"], running["region"]
        access_key_id, secret_access_key = running["access_key_id"], running["secret_access_key"]
    region = region or os.environ.get("AWS_REGION")  # which boto3 does not read by itself
    boto = boto3.Session(access_key_id, secret_access_key, region_name=region)
    if not boto.region_name:
        raise Trouble("No region: set AWS_REGION (or a profile that has one), for example AWS_REGION=eu-central-1.")
    return Session(boto, endpoint)


def embedded() -> dict[str, str]:
    """Return the "aws" of .careline/run.json: endpoint, region and credentials of the embedded AWS that runs here."""
    try:
        running: dict[str, str] = json.loads(RUN_FILE.read_text())["aws"]
    except FileNotFoundError:
        raise Trouble("Nothing runs here: start it with `make run`, or name a stage on AWS with STAGE=name.") from None
    return running
