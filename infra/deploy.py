"""
`make deploy STAGE=name` and `make destroy STAGE=name`: on AWS, or on the embedded AWS when the endpoint says so.

    deploy     package; artifact bucket; data stack; desk stack; signing keys
    destroy    desk stack; with DATA=yes also the data stack with its tables and buckets

Both are safe to repeat: what is there and the same stays as it is.
"""

import argparse
import hashlib
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from botocore.exceptions import ClientError

from infra import package, stage
from infra.aws import Session, Trouble, session_for
from infra.stacks import delete_stack, put_stack

RULE_SET = "careline"

Say = Callable[[str], None]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    stage.add_stage(parser)
    parser.add_argument(
        "--public-url", default=os.environ.get("PUBLIC_URL"), help="a domain of your own for the API and the pages"
    )
    parser.add_argument(
        "--recipients",
        default=os.environ.get("RECIPIENTS"),
        help="addresses or domains that SES takes in for this stage",
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="settings",
        metavar="NAME=VALUE",
        help="a parameter of infra/resources.yaml, DueShards=16 for example; it stays until it is set again",
    )
    parser.add_argument(
        "--no-mail", action="store_true", help="no receipt rule: this region or account does not receive mail"
    )


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    made = deploy(
        args.stage,
        session=session,
        public_url=args.public_url,
        embedded=session.endpoint is not None,
        recipients=args.recipients,
        receive_mail=not args.no_mail,
        settings=settings(args.settings),
    )
    for name, value in sorted(made.items()):
        print(f"{name:24} {value}")
    print(
        f"Deployed {args.stage}. Next: python -m infra storefronts apply FILE --stage {args.stage}, then python -m infra doctor"
    )
    return 0


def deploy(
    name: str,
    *,
    session: Session,
    public_url: str | None = None,
    embedded: bool = False,
    recipients: str | None = None,
    receive_mail: bool = True,
    settings: Mapping[str, str] = MappingProxyType({}),
    say: Say = print,
) -> dict[str, str]:
    """
    Create or upgrade a stage.

    Args:
        name: The stage, lower-case letters, digits and hyphens.
        session: The AWS to deploy to.
        public_url: Where the API and the pages are reached. Without one it stays what it was, or is API Gateway's own, and follows it.
        embedded: Leave out what the embedded AWS does not have: receipt rules, TLS, arm64.
        recipients: Addresses or domains, with commas between. Without any it stays as it was; at first every verified domain.
        receive_mail: Whether SES takes in mail.
        settings: Parameters of the desk's template, beside those that a deploy finds out by itself.
        say: Takes each line of progress.

    Returns:
        The outputs of both stacks.

    Raises:
        Trouble: What failed, and why.
    """
    say(f"Deploying {name} to account {session.account} {stage.place(session)}")
    built = package.package(package.host_architecture() if embedded else package.AWS_ARCHITECTURE)
    bucket = artifact_bucket(name, session)
    put_stack(
        stage.data_stack(name),
        url(bucket, put_artifact(built.data, bucket, session), session),
        {"Embedded": str(embedded).lower()},
        session=session,
        keep=not embedded,
        say=say,
    )
    data = stage.stack_outputs(stage.data_stack(name), session)
    parameters = {
        **settings,
        "Stage": name,
        "Embedded": str(embedded).lower(),
        **data,
        "ArtifactBucket": bucket,
        "CodeKey": put_artifact(built.function, bucket, session),
        **receiving(session, recipients, on=receive_mail and not embedded),
        **({"PublicUrl": public_url.rstrip("/")} if public_url else {}),
    }
    template = url(bucket, put_artifact(built.desk, bucket, session), session)
    was = stage.stack_outputs(stage.desk_stack(name), session).get("ApiUrl", "")
    put_stack(stage.desk_stack(name), template, parameters, session=session, say=say)
    own = stage.outputs(name, session)["ApiUrl"]  # known only now, and never a reference: that would be a circle
    if stage.environment(name, session)["CARELINE_PUBLIC_URL"] in {"", was} - {own}:
        put_stack(stage.desk_stack(name), template, parameters | {"PublicUrl": own}, session=session, say=say)
    make_signing_keys(name, session)
    return stage.outputs(name, session)


def settings(given: list[str]) -> dict[str, str]:
    """
    Read NAME=VALUE.

    Raises:
        Trouble: The template has no such parameter.
    """
    known = package.load_yaml(package.ROOT / "infra/resources.yaml")["Parameters"]
    pairs = (each.partition("=") for each in given)
    read = {name: value for name, _, value in pairs}
    for name in read:
        if name not in known:
            raise Trouble(f"There is no parameter {name}. There are: {', '.join(sorted(known))}.")
    return read


def make_signing_keys(name: str, session: Session) -> None:
    stage.enter(name, session)
    from chalicelib import wiring
    from chalicelib.usecases import house

    house.ensure_signing_keys(wiring.desk())


def receiving(session: Session, recipients: str | None, *, on: bool) -> dict[str, str]:
    """Return the desk's parameters for mail coming in. One receipt rule set is active in an account and region."""
    if not on:
        return {"ReceiveMail": "false"}
    ses = session.client("ses")
    active = ses.describe_active_receipt_rule_set().get("Metadata", {}).get("Name")
    if not active:
        if RULE_SET not in {rules["Name"] for rules in ses.list_receipt_rule_sets()["RuleSets"]}:
            ses.create_receipt_rule_set(RuleSetName=RULE_SET)
        ses.set_active_receipt_rule_set(RuleSetName=RULE_SET)
    named = {"MailRecipients": recipients} if recipients else {}
    return {"ReceiveMail": "true", "ReceiptRuleSet": active or RULE_SET, **named}


def artifacts(name: str, session: Session) -> str:
    return f"careline-{name}-artifacts-{session.account}-{session.region}"


def artifact_bucket(name: str, session: Session) -> str:
    """Return the bucket for zips and templates, made if it is not there."""
    bucket = artifacts(name, session)
    s3 = session.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in {"404", "NoSuchBucket"}:
            raise Trouble(f"Bucket {bucket} cannot be used: {error}") from error
        elsewhere = {} if session.region == "us-east-1" else {"LocationConstraint": session.region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": elsewhere} if elsewhere else {}))
        private = dict.fromkeys(
            ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
        )
        s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=private)
    return bucket


def put_artifact(file: Path, bucket: str, session: Session) -> str:
    """Put *file* under a key that its content gives it, and return the key."""
    content = file.read_bytes()
    key = f"{file.stem}-{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
    session.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    return key


def url(bucket: str, key: str, session: Session) -> str:
    return f"{session.endpoint or f'https://s3.{session.region}.amazonaws.com'}/{bucket}/{key}"


def destroy(name: str, *, session: Session, data: bool = False, say: Say = print) -> None:
    """
    Remove the desk of a stage, and with *data* also its tables and buckets, for ever.

    Raises:
        Trouble: What could not be removed, and why.
    """
    delete_stack(stage.desk_stack(name), session=session, say=say)
    if not data:
        say(f"The data stack {stage.data_stack(name)} stays: make deploy STAGE={name} brings the desk back to it.")
        return
    made = stage.stack_outputs(stage.data_stack(name), session)
    for table in (made[key] for key in ("Table", "SettingsTable") if key in made):
        say(f"  deleting table {table}")
        delete_table(table, session)
    for bucket in (*(made[key] for key in ("MailBucket", "FilesBucket") if key in made), artifacts(name, session)):
        say(f"  emptying and deleting bucket {bucket}")
        delete_bucket(bucket, session)
    delete_stack(stage.data_stack(name), session=session, say=say)


def delete_table(table: str, session: Session) -> None:
    dynamodb = session.client("dynamodb")
    with suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        dynamodb.get_waiter("table_exists").wait(TableName=table)
        dynamodb.delete_table(TableName=table)
        dynamodb.get_waiter("table_not_exists").wait(TableName=table)


def delete_bucket(bucket: str, session: Session) -> None:
    s3 = session.client("s3")
    with suppress(s3.exceptions.NoSuchBucket):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": item["Key"]} for item in page.get("Contents", [])]:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
        s3.delete_bucket(Bucket=bucket)
