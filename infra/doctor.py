"""
`python -m infra doctor`: what is not well with a stage, and what to do about it.
"""

import argparse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from infra import stage
from infra.aws import Session, session_for
from infra.dead_letters import SOURCES, queue_url

WAITING_IS_MANY = 100
HEALTH_SECONDS = 10


@dataclass(frozen=True)
class Finding:
    """One thing looked at. *next_step* is empty when it is well."""

    what: str
    next_step: str = ""


Check = Callable[[str, Session], Iterator[Finding]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    stage.add_stage(parser)


def run(args: argparse.Namespace) -> int:
    session = session_for(args.stage)
    print(f"Stage {args.stage}, account {session.account}, {stage.place(session)}")
    checks: list[Check] = [stacks, health, queues, dead_letters, alarms, identities]
    if not session.endpoint:
        checks += [sending, receiving, listeners]
    ills = 0
    for check in checks:
        for finding in check(args.stage, session):
            ills += bool(finding.next_step)
            print(f"  {'NOT WELL' if finding.next_step else 'well    '}  {finding.what}")
            if finding.next_step:
                print(f"            -> {finding.next_step}")
    print(f"{ills} not well." if ills else "All is well.")
    return 1 if ills else 0


def stacks(name: str, session: Session) -> Iterator[Finding]:
    for stack in (stage.data_stack(name), stage.desk_stack(name)):
        found = stage.find_stack(stack, session)
        status = found["StackStatus"] if found else "not there"
        well = status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"}
        yield Finding(f"stack {stack}: {status}", "" if well else f"make deploy STAGE={name}")


def health(name: str, session: Session) -> Iterator[Finding]:
    url = stage.environment(name, session)["CARELINE_PUBLIC_URL"] + "/health"
    try:
        with urllib.request.urlopen(url, timeout=HEALTH_SECONDS) as answer:  # noqa: S310 - the address that deploy wrote
            yield Finding(f"{url}: {answer.status}")
    except OSError as error:
        yield Finding(f"{url}: {error}", f"read the log group /aws/lambda/{stage.function_name(name, 'api-handler')}")


def queues(name: str, session: Session) -> Iterator[Finding]:
    for queue in filter(None, SOURCES.values()):
        count = waiting(name, queue, session)
        slow = count > WAITING_IS_MANY
        yield Finding(
            f"{queue}: {count} waiting", "look at the alarms: a function fails or is throttled" if slow else ""
        )


def dead_letters(name: str, session: Session) -> Iterator[Finding]:
    for kind in SOURCES:
        count = waiting(name, f"{kind}DeadLetter", session)
        yield Finding(f"{kind}: {count} dead letters", f"python -m infra dead-letters list {kind}" if count else "")


def waiting(name: str, queue: str, session: Session) -> int:
    url = queue_url(name, queue, session)
    attribute = "ApproximateNumberOfMessages"
    attributes = session.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"]
    return int(attributes[attribute])


def alarms(name: str, session: Session) -> Iterator[Finding]:
    pages = session.client("cloudwatch").get_paginator("describe_alarms")
    raised = [
        alarm
        for page in pages.paginate(AlarmNamePrefix=stage.desk_stack(name), StateValue="ALARM")
        for alarm in page["MetricAlarms"]
    ]
    for alarm in raised:
        yield Finding(f"alarm {alarm['AlarmName']}", alarm["AlarmDescription"])
    if not raised:
        yield Finding("no alarm")


def identities(name: str, session: Session) -> Iterator[Finding]:
    """Every storefront mails from a support address whose domain, or which itself, SES has verified."""
    stage.enter(name, session)
    from chalicelib import wiring
    from chalicelib.usecases import house

    addresses = sorted({address for each in house.storefronts(wiring.desk()) for address in each.support_addresses})
    if not addresses:
        yield Finding("no storefront", "python -m infra storefronts apply FILE")
    for address in addresses:
        domain = address.partition("@")[2]
        asked = session.client("ses").get_identity_verification_attributes(Identities=[address, domain])
        states = [each["VerificationStatus"] for each in asked["VerificationAttributes"].values()]
        todo = (
            ""
            if "Success" in states
            else f"put the DNS records of {domain} in place: python -m infra storefronts apply FILE prints them"
        )
        yield Finding(f"{address}: {', '.join(states) or 'unknown to SES'}", todo)


def sending(_name: str, session: Session) -> Iterator[Finding]:
    account = session.client("sesv2").get_account()
    production = account["ProductionAccessEnabled"]
    todo = (
        ""
        if production
        else "ask for production access in the SES console: until then only verified addresses get mail"
    )
    yield Finding(f"SES: {'production' if production else 'sandbox'}", todo)
    enabled = account["SendingEnabled"]
    yield Finding(
        f"SES sending: {'on' if enabled else 'paused'}", "" if enabled else "SES paused it: its console says why"
    )


def receiving(name: str, session: Session) -> Iterator[Finding]:
    rules = session.client("ses").describe_active_receipt_rule_set().get("Rules", [])
    there = any(rule["Name"] == f"careline-{name}" and rule["Enabled"] for rule in rules)
    yield Finding(
        f"receipt rule careline-{name}", "" if there else f"make deploy STAGE={name}: no mail comes in without it"
    )


def listeners(name: str, session: Session) -> Iterator[Finding]:
    made = stage.outputs(name, session)
    for topic, who in (("EscalationTopicArn", "team leads"), ("AlarmTopicArn", "ops")):
        subscribed = session.client("sns").list_subscriptions_by_topic(TopicArn=made[topic])["Subscriptions"]
        todo = (
            ""
            if subscribed
            else f"aws sns subscribe --topic-arn {made[topic]} --protocol email --notification-endpoint ADDRESS"
        )
        yield Finding(f"{topic.removesuffix('Arn')}: {len(subscribed)} listening ({who})", todo)
