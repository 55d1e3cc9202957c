"""
A stage: two stacks, data and desk, and how to find what they made.

The stage's name comes from --stage, else STAGE, else it is `local` while the embedded AWS runs here, else `dev`.
"""

import argparse
import os
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import RUN_FILE, Session, Trouble


def default_stage() -> str:
    return os.environ.get("STAGE") or ("local" if RUN_FILE.exists() else "dev")


def add_stage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--stage", default=default_stage(), help="which desk (default: %(default)s)")


def data_stack(stage: str) -> str:
    return f"careline-{stage}-data"


def desk_stack(stage: str) -> str:
    return f"careline-{stage}-desk"


def function_name(stage: str, function: str) -> str:
    return f"careline-{stage}-{function}"


def find_stack(name: str, session: Session) -> dict[str, Any] | None:
    """Return what CloudFormation says of a stack, or None if there is none."""
    try:
        stacks = session.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return dict(stacks[0])


def stack_outputs(name: str, session: Session) -> dict[str, str]:
    stack = find_stack(name, session) or {}
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


class Outputs(dict[str, str]):
    """
    What a stage's stacks made, by the names of their outputs. One that is not there raises Trouble, not KeyError.
    """

    def __init__(self, stage: str, made: dict[str, str]) -> None:
        super().__init__(made)
        self._stage = stage

    def __missing__(self, name: str) -> str:
        raise Trouble(
            f"Stage {self._stage} is of an earlier version, which made no {name}: make deploy STAGE={self._stage}"
        )


def outputs(stage: str, session: Session) -> Outputs:
    """
    Return the outputs of both stacks: Table, MailBucket, ApiUrl, IntakeQueueUrl and so on.

    Raises:
        Trouble: The stage is not deployed here.
    """
    desk = stack_outputs(desk_stack(stage), session)
    if not desk:
        raise Trouble(f"Stage {stage} is not deployed {place(session)}: make deploy STAGE={stage}")
    return Outputs(stage, stack_outputs(data_stack(stage), session) | desk)


def environment(stage: str, session: Session) -> dict[str, str]:
    """
    Return the CARELINE_* variables of a stage, as its functions have them.

    Raises:
        Trouble: The stage is not deployed here.
    """
    try:
        function = session.client("lambda").get_function_configuration(FunctionName=function_name(stage, "api-handler"))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise Trouble(f"Stage {stage} is not deployed {place(session)}: make deploy STAGE={stage}") from None
    variables = function["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if name.startswith("CARELINE_")}


def enter(stage: str, session: Session) -> None:
    """
    Make this process one of the stage's own: its variables, its AWS. Import chalicelib only after it.

    Raises:
        Trouble: The stage is not deployed here.
    """
    credentials = session.boto.get_credentials().get_frozen_credentials()
    os.environ |= environment(stage, session)
    os.environ |= {
        "AWS_DEFAULT_REGION": session.region,
        "AWS_ACCESS_KEY_ID": credentials.access_key,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
        "POWERTOOLS_SERVICE_NAME": "careline",
        "POWERTOOLS_METRICS_NAMESPACE": "Careline",
    }
    os.environ.pop("AWS_PROFILE", None)
    if credentials.token:
        os.environ["AWS_SESSION_TOKEN"] = credentials.token
    if session.endpoint:
        os.environ["AWS_ENDPOINT_URL"] = session.endpoint


def place(session: Session) -> str:
    return f"at {session.endpoint}" if session.endpoint else f"in {session.region}"
