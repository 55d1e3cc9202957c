"""
CloudFormation stacks: put (create or update, whichever it takes) and delete, told event by event.
"""

import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from infra.aws import Session, Trouble
from infra.stage import find_stack

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
POLL_SECONDS, EMBEDDED_POLL_SECONDS = 3.0, 0.2

Say = Callable[[str], None]


def put_stack(
    name: str,
    template_url: str,
    parameters: dict[str, str],
    *,
    session: Session,
    keep: bool = False,
    say: Say = print,
) -> None:
    """
    Create the stack, or update it; nothing to update is fine.

    Args:
        name: The stack.
        template_url: Where the template lies, in S3.
        parameters: What the template is given; one that is not here keeps its value, one that it does not know is left out.
        session: The AWS it is in.
        keep: Whether CloudFormation shall refuse to delete the stack.
        say: Takes each line of progress.

    Raises:
        Trouble: Names each resource that failed, and why.
    """
    cloudformation = session.client("cloudformation")
    stack = settled(name, session, say)
    if stack and stack["StackStatus"] == "ROLLBACK_COMPLETE":  # its creation failed: it can only be deleted
        delete_stack(name, session=session, say=say)
        stack = None
    known = {parameter["ParameterKey"] for parameter in (stack or {}).get("Parameters", [])}
    declared = cloudformation.get_template_summary(TemplateURL=template_url)["Parameters"]
    given = [given_parameter(each["ParameterKey"], parameters, known) for each in declared]
    request = {
        "StackName": name,
        "TemplateURL": template_url,
        "Parameters": [each for each in given if each],
        "Capabilities": CAPABILITIES,
    }
    say(f"{name}: {'updating' if stack else 'creating'}")
    seen = {event["EventId"] for event in events(stack["StackId"], session)} if stack else set()
    try:
        if stack:
            stack_id = cloudformation.update_stack(**request)["StackId"]
        else:
            stack_id = cloudformation.create_stack(**request, EnableTerminationProtection=keep)["StackId"]
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            say(f"{name}: nothing to change")
            return
        raise Trouble(f"{name} was refused: {error}") from error
    follow(name, stack_id, seen, session, say)


def delete_stack(name: str, *, session: Session, say: Say = print) -> None:
    """
    Delete the stack; none to delete is fine.

    Raises:
        Trouble: Names each resource that stayed, and why.
    """
    stack = settled(name, session, say)
    if not stack:
        say(f"{name}: not there")
        return
    say(f"{name}: deleting")
    cloudformation = session.client("cloudformation")
    seen = {event["EventId"] for event in events(stack["StackId"], session)}
    if stack.get("EnableTerminationProtection"):
        cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    cloudformation.delete_stack(StackName=name)
    follow(name, stack["StackId"], seen, session, say)


def given_parameter(key: str, parameters: dict[str, str], known: set[str]) -> dict[str, Any] | None:
    if key in parameters:
        return {"ParameterKey": key, "ParameterValue": parameters[key]}
    return {"ParameterKey": key, "UsePreviousValue": True} if key in known else None


def settled(name: str, session: Session, say: Say) -> dict[str, Any] | None:
    """Return the stack, when whoever works on it is done, or None if there is none."""
    stack = find_stack(name, session)
    while stack and stack["StackStatus"].endswith("IN_PROGRESS"):
        say(f"{name}: waiting, it is {stack['StackStatus']}")
        pause(session)
        stack = find_stack(name, session)
    return stack


def follow(name: str, stack_id: str, seen: set[str], session: Session, say: Say) -> None:
    """Say each event that was not *seen*, until the stack has come to rest."""
    failures: list[str] = []
    while True:
        stack = find_stack(stack_id, session)
        for event in reversed([event for event in events(stack_id, session) if event["EventId"] not in seen]):
            seen.add(event["EventId"])
            status, reason = event["ResourceStatus"], event.get("ResourceStatusReason", "")
            if not status.endswith("IN_PROGRESS") or reason:
                say(f"  {status:20} {event['LogicalResourceId']:40} {reason}".rstrip())
            if status.endswith("_FAILED") and "cancelled" not in reason:
                failures.append(f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}")
        status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
        if not status.endswith("IN_PROGRESS"):
            break
        pause(session)
    if status not in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}:
        raise Trouble("\n  ".join([f"{name} ended as {status}:", *failures]))


def events(stack_id: str, session: Session) -> list[dict[str, Any]]:
    """Return a stack's events, newest first."""
    pages = session.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id)
    return [event for page in pages for event in page["StackEvents"]]


def pause(session: Session) -> None:
    time.sleep(EMBEDDED_POLL_SECONDS if session.endpoint else POLL_SECONDS)
