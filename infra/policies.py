"""
What each function may call, and nothing more.

A grant is a service with its actions, and the resources they are for, as Fn::Sub strings. What a function's event
source and its on-failure destinations need is added by template.py, from the template itself, as is its own log group.
TransactWriteItems has no permission of its own: it needs those of what it does to each item. What a function signs for a
browser, it must be granted itself. tests/test_grants.py sees what each function calls, and compares.
"""

from dataclasses import dataclass

_ACCOUNT = "${AWS::Region}:${AWS::AccountId}"

TABLE = f"arn:${{AWS::Partition}}:dynamodb:{_ACCOUNT}:table/${{Table}}"
LISTS = tuple(f"{TABLE}/index/by_{name}" for name in ("queue", "customer", "assignee", "view", "risk", "day"))
DUE, QUEUE, VIEW, RISK = (f"{TABLE}/index/{name}" for name in ("by_due_time", "by_queue", "by_view", "by_risk"))
SETTINGS = f"arn:${{AWS::Partition}}:dynamodb:{_ACCOUNT}:table/${{SettingsTable}}"
IDENTITIES = f"arn:${{AWS::Partition}}:ses:{_ACCOUNT}:identity/*"  # made by `storefronts apply`, after the deploy
MAIL_EVENTS = f"arn:${{AWS::Partition}}:ses:{_ACCOUNT}:configuration-set/careline-${{Stage}}"
MAIL = "arn:${AWS::Partition}:s3:::${MailBucket}"
FILES = "arn:${AWS::Partition}:s3:::${FilesBucket}"


@dataclass(frozen=True)
class Grant:
    """
    Actions of one service ("sqs:SendMessage GetQueueUrl") on resources.

    coarse: the embedded AWS asks for these actions on `*` only, so there, and only there, it gets that.
    """

    actions: str
    on: tuple[str, ...]
    coarse: bool = False

    def statement(self) -> dict[str, object]:
        service, _, names = self.actions.partition(":")
        resources = [{"Fn::Sub": resource} for resource in self.on]
        return {
            "Effect": "Allow",
            "Action": [f"{service}:{name}" for name in names.split()],
            "Resource": {"Fn::If": ["OnAws", resources, ["*"]]} if self.coarse else resources,
        }


TAKES_IN_MAIL = (
    Grant("dynamodb:GetItem BatchGetItem Query PutItem UpdateItem", (TABLE,)),
    Grant("dynamodb:GetItem", (SETTINGS,)),
    Grant("s3:GetObject DeleteObject", (f"{MAIL}/incoming/*",)),
    Grant("s3:PutObject", (f"{MAIL}/mail/*", f"{FILES}/files/*")),
    # Who may list is told 404 for a mail that is gone, and not 403 (GetObject, Amazon S3 API Reference).
    Grant("s3:ListBucket", (MAIL,)),
)

FIRES = (
    Grant("dynamodb:GetItem BatchGetItem PutItem UpdateItem", (TABLE,)),
    Grant("dynamodb:Query", (DUE, QUEUE, VIEW, RISK)),
)

SENDS = (
    Grant("dynamodb:GetItem PutItem UpdateItem DeleteItem", (TABLE,)),
    Grant("dynamodb:GetItem", (SETTINGS,)),
    Grant("s3:GetObject", (f"{FILES}/files/*",)),
    Grant("ses:SendRawEmail", (IDENTITIES, MAIL_EVENTS), coarse=True),
    Grant("sns:Publish", ("${EscalationTopic}",)),
    Grant("sqs:GetQueueAttributes", ("${MailFeedbackMessages.Arn}",)),
    Grant("sqs:SendMessage", ("${OutboxMessages.Arn}",)),
)

GRANTS: dict[str, tuple[Grant, ...]] = {
    "APIHandler": (
        Grant("dynamodb:GetItem BatchGetItem Query PutItem UpdateItem DeleteItem", (TABLE,)),
        Grant("dynamodb:Query", LISTS),
        Grant("dynamodb:GetItem", (SETTINGS,)),
        Grant("s3:GetObject PutObject", (f"{FILES}/uploads/*", f"{FILES}/files/*")),
    ),
    "IntakeQueue": (
        Grant("dynamodb:GetItem PutItem", (TABLE,)),
        Grant("s3:GetObject", (f"{FILES}/uploads/*",)),
        Grant("s3:PutObject", (f"{FILES}/files/*",)),
        Grant("sns:Publish", ("${EscalationTopic}",)),
        Grant("sqs:SendMessage", ("${IntakeDeadLetter.Arn}",)),
    ),
    "InboundMail": TAKES_IN_MAIL,
    "MailFeedback": (Grant("dynamodb:GetItem PutItem UpdateItem DeleteItem", (TABLE,)),),
    "Sweep": (*FIRES, Grant("sqs:SendMessage", ("${DueMessages.Arn}", "${DueDeadLetter.Arn}"))),
    "DueWork": (
        *FIRES,
        Grant("sqs:SendMessage", ("${DueMessages.Arn}", "${OutboxMessages.Arn}", "${DueDeadLetter.Arn}")),
    ),
    "Outbox": SENDS,
    "OutboxRetry": SENDS,
    "Reconcile": TAKES_IN_MAIL,
}
