"""
What functions are granted is what they call, both ways: no more, and no less.

Every door is opened here in process, each time as a new process that remembers nothing. Each call that it makes through
botocore, or signs for a browser to make, is put down with the permission that it takes and compared with policies.py.

| call | takes |
|---|---|
| TransactWriteItems, BatchGetItem | what its parts would take by themselves (Amazon DynamoDB Developer Guide, "IAM and transactions") |
| HeadObject | s3:GetObject |
| CopyObject | s3:GetObject on what is copied, s3:PutObject on the copy |
| ListObjectsV2 | s3:ListBucket |
| SendRawEmail | ses:SendRawEmail on the sender's identity and on the configuration set |
"""

import ast
import json
import re
import sys
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from botocore import handlers
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError

from chalicelib.adapters import aws, house, settings
from chalicelib.adapters.conflicts import Outrun
from chalicelib.adapters.table import Table
from chalicelib.config import config
from chalicelib.domain import due as due_rules
from chalicelib.domain.signing import Purpose, reply_address
from chalicelib.handlers import events
from chalicelib.usecases import due, tickets
from chalicelib.usecases import house as house_usecase
from chalicelib.wiring import joined
from infra.lean import OPERATIONS
from infra.policies import FILES, GRANTS, IDENTITIES, MAIL, MAIL_EVENTS, SETTINGS, TABLE
from tests.api import Api, served
from tests.world import DEMO, ses_event

# Granted and not called, and why.
NEVER_CALLED = {
    (
        "InboundMail",
        "s3:ListBucket",
        MAIL,
    ): "who may not list is told 403, not 404, for a mail that was taken in before",
}

# These run with the credentials of whoever is at the keyboard: `python -m infra storefronts, keys, mail replay, sweep`.
OF_OPS = {"house.py", "replay.py", "still_due", "still_unsent", "promise_anew"}

CHALICELIB = Path(events.__file__).parents[1]
TABLES = {"careline": TABLE, "careline-settings": SETTINGS}
BUCKETS = {"careline-mail": MAIL, "careline-files": FILES}
QUEUES = {
    "outbox": "${OutboxMessages.Arn}",
    "due": "${DueMessages.Arn}",
    "feedback": "${MailFeedbackMessages.Arn}",
    "IntakeDeadLetter": "${IntakeDeadLetter.Arn}",
    "DueDeadLetter": "${DueDeadLetter.Arn}",
}
PARTS = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
TURNS_TO_AWS = re.compile(r"(call\.)?desk\.(table|outbox|files|house|keys)\b|queues\.|topic\.|rows\.(get|page)\b|send$")

NEVER_UPLOADED = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Witness:
    """
    What functions were seen to call, as (function, action, resource), and the lines of the code that led there.

    `operations` are the calls as botocore's models name them: {(service, operation)}. `failing` is what becomes of the
    next mails: an error in place of SES's answer.
    """

    def __init__(self):
        self.calls, self.lines, self.operations = set(), set(), set()
        self.function = self.failing = None

    def hear(self, params, model, context, **_):
        if self.function:
            self.operations.add((model.service_model.service_name, model.name))
        if self.function and not (context.get("is_presign_request") and model.name == "CreateBucket"):
            self.note(model.service_model.service_name, model.name, params)

    def hear_signed_form(self, request, **_):
        """Botocore builds a form's address as if for CreateBucket; what the form allows is seen when it is signed."""
        if self.function and "s3-presign-post-fields" in request.context:
            key = request.context["s3-presign-post-fields"]["key"]
            self.note("s3", "PutObject", {"Bucket": "careline-files", "Key": key})

    def fail(self, **_):
        if self.function and self.failing:
            raise self.failing

    def note(self, service, operation, params):
        self.calls |= {(self.function, f"{service}:{action}", on) for action, on in taken(service, operation, params)}
        frame = sys._getframe()
        while frame := frame.f_back:
            if frame.f_code.co_filename.startswith(str(CHALICELIB)):
                self.lines.add((frame.f_code.co_filename, frame.f_lineno))


def taken(service, operation, params):
    """What a call takes: [(action, resource)], with a resource as policies.py writes it."""
    match service, operation:
        case "dynamodb", "TransactWriteItems":
            steps = [step for item in params["TransactItems"] for step in item.items()]
            return [(PARTS[kind], TABLES[step["TableName"]]) for kind, step in steps]
        case "dynamodb", "BatchGetItem":
            return [(operation, TABLES[name]) for name in params["RequestItems"]]
        case "dynamodb", _:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            return [(operation, TABLES[params["TableName"]] + index)]
        case "s3", "ListObjectsV2":
            return [("ListBucket", BUCKETS[params["Bucket"]])]
        case "s3", "HeadObject":
            return [("GetObject", stored(params))]
        case "s3", "CopyObject":
            return [("GetObject", stored(params["CopySource"])), ("PutObject", stored(params))]
        case "s3", "DeleteObjects":
            return [("DeleteObject", stored({**params, **each})) for each in params["Delete"]["Objects"]]
        case "s3", _:
            return [(operation, stored(params))]
        case "sqs", _:
            return [(operation, QUEUES[params["QueueUrl"].rpartition("/")[2]])]
        case "sns", _:
            return [(operation, {config().escalation_topic: "${EscalationTopic}"}[params["TopicArn"]])]
        case "ses", "SendRawEmail":
            identity = IDENTITIES.replace("*", params["Source"].rpartition("@")[2])
            return [(operation, identity), (operation, MAIL_EVENTS)]
    return [(operation, "?")]


def stored(params):
    return f"{BUCKETS[params['Bucket']]}/{params['Key']}"


WITNESS = Witness()
handlers.BUILTIN_HANDLERS += [
    ("provide-client-params", WITNESS.hear),
    ("before-sign.s3", WITNESS.hear_signed_form),
    ("before-call.ses", WITNESS.fail),
]


class Desk(Api):
    """The whole desk behind its doors; whoever opens one is watched."""

    @contextmanager
    def running(self, function):
        self.world.desk = replace(joined(config(), lambda: self.world.now), keys=signing_keys)
        WITNESS.function = "".join(word.capitalize() for word in function.split("_")).replace("Api", "API")
        try:
            yield
        finally:
            WITNESS.function = None

    def ask(self, *args, status=(200, 201, 303), **more):
        with self.running("api_handler"):
            answer = super().ask(*args, **more)
        assert answer.status_code in (status if isinstance(status, tuple) else (status,)), answer.body
        return answer

    def invoke(self, function, event, failed=0):
        with self.running(function):
            answer = getattr(events, function)(event)
        if answer:
            assert len(answer["batchItemFailures"]) == failed

    def queued(self, function, *bodies, failed=0):
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        records = [{"messageId": f"m{number}", "body": text} for number, text in enumerate(texts)]
        self.invoke(function, {"Records": records}, failed)

    def published(self, function, *messages, failed=0):
        self.queued(function, *({"Message": json.dumps(message)} for message in messages), failed=failed)

    def brings(self, function):
        """Bring all that lies in the outbox: as the stream does, or as a queue."""
        for held in self.world.rows("OUTBOX#"):
            if function == "outbox":
                keys = {name: {"S": held[name]} for name in ("pk", "sk")}
                record = {"eventName": "INSERT", "dynamodb": {"Keys": keys, "SequenceNumber": "1"}}
                self.invoke(function, {"Records": [record]})
            else:
                self.queued(function, named(held))

    def told(self, kind, ticket, outbox_id, to, **about):
        """Let SES speak of a mail."""
        tags = f"X-SES-MESSAGE-TAGS: outbox={outbox_id}, ticket={ticket['reference']}"
        self.published("mail_feedback", ses_event(kind, f"To: {to}\r\n{tags}\r\n\r\n".encode(), **about))

    def sweeps(self, failed=0):
        self.invoke("sweep", {"time": self.world.now.isoformat()})
        for order in self.world.drain("due"):
            self.queued("due_work", order, failed=failed)

    def writes(self, ticket, body="Here you are.", by="agent", status=(201,), **more):
        headers = {"Idempotency_Key": more.pop("once")} if "once" in more else {}
        path = f"/v1/tickets/{ticket['reference']}/messages"
        return self.post(path, {"body": body, **more}, by=by, status=status, **headers)


@contextmanager
def somebody_quicker():
    """Have the next change outrun by another one, once."""
    commit, outruns = Table.commit, iter([Outrun()])

    def outrun(table, change):
        for error in outruns:
            raise error
        return commit(table, change)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Table, "commit", outrun)
        yield


def signing_keys():
    return settings.signing_keys("careline-settings")


def named(held):
    return {"ticket": held["pk"].removeprefix("TICKET#"), "outbox": held["sk"].removeprefix("OUTBOX#")}


def request(who, **more):
    return {"customer": {"email": f"{who}@customer.test"}, "subject": "My parcel", "body": "Where is it?", **more}


def letter(who, body, to="support@demo.test", file=False, domain="customer.test", names=None):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"{who}@{domain}", to, "Broken"
    mail["Message-ID"] = f"<{who}.{len(body)}@customer.test>"
    if names:
        mail["In-Reply-To"] = names
    mail.set_content(body)
    if file:
        mail.add_alternative("<p>See my <b>photo</b>.</p>", subtype="html")
        mail.add_attachment(PNG, maintype="image", subtype="png", filename="photo.png")
    return mail


# Every way through every door


def people_call(desk):
    """The API and the pages."""
    photo = desk.upload("photo.png", PNG)
    order = request("eva", attachments=[photo])
    ticket = desk.post("/v1/tickets", order, by="storefront", Idempotency_Key="k").json_body
    assert desk.post("/v1/tickets", order, by="storefront", Idempotency_Key="k").json_body == ticket
    desk.post("/v1/tickets", request("eva"), by="storefront", Idempotency_Key="k", status=422)
    desk.post("/v1/tickets", request("eva", attachments=[NEVER_UPLOADED]), by="storefront", status=422)
    desk.post("/v1/tickets", request("ida", storefront="demo"))
    place = f"/v1/tickets/{ticket['reference']}"
    said = {"seen_message_id": ticket["last_customer_message_id"], "once": "r"}
    first = desk.writes(ticket, attachments=[label := desk.upload("label.png", PNG, by="agent")], **said).json_body
    desk.writes(ticket, "For us.", internal=True)
    desk.writes(ticket, "And now?", by="storefront", once="c")
    with somebody_quicker():
        desk.writes(ticket, "One more thing.", internal=True)
    desk.writes(ticket, "Oh.", seen_message_id=first["id"], status=409)
    assert desk.writes(ticket, attachments=[label], **said).json_body["id"] == first["id"]
    desk.get(place)
    desk.get(f"{place}/messages")
    desk.get(f"{place}/messages?limit=1")
    desk.patch(place, {"assignee": "ana@shop.test", "tags": ["parcel"]})
    desk.patch(place, {"priority": "high"}, If_Match='"1"', status=412)
    desk.writes(ticket, "Look, @ana@shop.test.", internal=True, by="admin")
    page = desk.page(ticket)
    desk.get(f"{page}?uploaded={desk.upload('more.png', PNG)}", by=None)
    assert desk.form(page, body="Hello?", once="p", attachment=[desk.upload("last.png", PNG)]).status_code == 303
    desk.form(page, supervisor="yes")
    for asked in (
        *(f"view={view}" for view in ("mine", "unassigned", "waiting", "at_risk", "pending", "bad_ratings", "spam")),
        *("view=all", "customer=eva@customer.test", "q=eva@customer.test", f"q={ticket['reference']}"),
        *("status=pending", "status=closed", "assignee=ana@shop.test"),
    ):
        desk.get(f"/v1/tickets?{asked}")
    desk.get("/v1/macros?storefront=demo")
    desk.post(f"{place}/macros/where-is-my-order")
    desk.post(f"{place}/resolve")
    desk.post(f"{place}/reopen")
    desk.get("/v1/customers/eva@customer.test")
    desk.ask("DELETE", "/v1/customers/eva@customer.test/suppression")
    for path in ("/docs", "/openapi.json", "/health"):
        desk.get(path, by=None)


def customers_rate(desk):
    ticket = desk.opened(customer={"email": "rita@customer.test"})
    desk.writes(ticket)
    desk.post(f"/v1/tickets/{ticket['reference']}/resolve")
    desk.world.later(hours=25)
    desk.sweeps()
    desk.brings("outbox")
    survey = desk.page(ticket, "surveys")
    desk.get(survey, by=None)
    desk.form(survey, rating="2")
    desk.ask("POST", survey, by=None, raw=b"rating=9", Content_Type="application/x-www-form-urlencoded", status=422)
    desk.world.later(days=30)
    desk.sweeps()
    desk.writes(ticket, "It broke again.", by="storefront")
    desk.get(survey, by=None, status=410)
    desk.ask("POST", survey, by=None, raw=b"rating=1", Content_Type="application/x-www-form-urlencoded", status=410)


def policies_work(desk):
    """Settings, silence, planned messages and the digest."""
    settings_of = "/v1/storefronts/demo"
    told = desk.get(settings_of, by="admin").json_body
    teams = {"support": {"lead": "lea@shop.test"}}
    both = [*told["support_addresses"], "care@demo.test"]
    desk.ask("PUT", settings_of, {**told, "support_addresses": both, "version": 1}, by="admin")
    desk.ask("PUT", settings_of, {**told, "teams": teams, "version": 2}, by="admin")
    ticket = desk.opened(customer={"email": "sol@customer.test"})
    desk.brings("outbox")
    desk.writes(ticket, "Which size is it?")
    desk.brings("outbox")
    place = f"/v1/tickets/{ticket['reference']}"
    soon = desk.world.now + timedelta(days=1)
    desk.ask("PUT", f"{place}/check-in", {"at": soon.isoformat()})
    desk.ask("DELETE", f"{place}/check-in")
    desk.ask("PUT", f"{place}/check-in", {"at": soon.isoformat(), "message": "Does it fit?"})
    desk.world.later(days=4)
    desk.sweeps()
    desk.brings("outbox")
    link = desk.page(ticket, "opt-outs")
    desk.get(link, by=None)
    desk.form(link, sure="yes")
    for more in ("promises", "events"):
        desk.get(f"{place}/{more}")


def requests_are_queued(desk):
    order = request("quinn", storefront="demo", attachments=[desk.upload("queued.png", PNG)])
    desk.queued("intake_queue", order, request("quinn", storefront="demo", attachments=[NEVER_UPLOADED]), "not JSON")
    assert len(desk.world.queue("IntakeDeadLetter")) == 2
    desk.queued("intake_queue", request("quinn", storefront="demo", subject="And another"))


def mail_arrives(desk, bring):
    """By its notification, or because it was left lying."""
    first = letter("mia", "It is broken.", file=True)
    for _ in range(2):
        bring(desk.world.store(first))
    ticket = only(desk, "mia")
    sent = desk.get(f"/v1/tickets/{ticket['reference']}/messages").json_body["items"][0]
    desk.get(f"{desk.page(ticket)}/messages/{sent['id']}", by=None)
    to = reply_to(desk, ticket)
    bring(desk.world.store(letter("mia", "And now?", to), to=to))
    for named in (first["Message-ID"], "<unknown@customer.test>"):
        bring(desk.world.store(letter("mia", f"I mean {named}.", names=named)))
    bring(desk.world.store(letter("lea", "It is a long story. " * 4000)))
    path = f"/v1/tickets/{only(desk, 'lea')['reference']}/messages"
    assert len(desk.get(path).json_body["items"][0]["text"]) > 60_000
    bring(desk.world.store(letter("vic", "Open this.", file=True), virus="FAIL"))
    bring(desk.world.store(letter("kim+lamp", "Who am I?"), dmarc="GRAY", spf="FAIL"))
    agent_writes(desk, bring, ticket)


def agent_writes(desk, bring, ticket):
    """Told of a ticket, an agent answers by mail: from the notification, and from the address that a customer would have."""
    desk.patch(f"/v1/tickets/{ticket['reference']}", {"assignee": "ana@shop.test"}, by="admin")
    desk.brings("outbox")
    now = tickets.read(desk.world.desk, ticket["reference"])
    for purpose in (Purpose.AGENT, Purpose.REPLY):
        to = reply_address(signing_keys(), "support@demo.test", now.reference, "ana@shop.test", now.epoch, purpose)
        bring(desk.world.store(letter("ana", f"By {purpose}.", to, domain="shop.test"), to=to))
    bring(desk.world.store(letter("mia", "Thank you.", reply_to(desk, ticket)), to=reply_to(desk, ticket)))
    desk.brings("outbox")


def mail_is_told(desk):
    mail_arrives(desk, lambda notification: desk.published("inbound_mail", notification))
    desk.published("inbound_mail", {"receipt": {"action": {"objectKey": "incoming/gone"}}, "mail": {}})
    desk.published("inbound_mail", *(desk.world.store(letter("una", f"{word}?")) for word in ("Where", "Why")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("chalicelib.mail.reader._read", refuses)
        desk.published("inbound_mail", desk.world.store(letter("una", "Who can read this?")))


def mail_is_left(desk):
    mail_arrives(desk, lambda _: reconciled(desk))


def only(desk, who):
    (ticket,) = desk.get(f"/v1/tickets?customer={who}@customer.test").json_body["items"]
    return ticket


def reply_to(desk, ticket):
    now = tickets.read(desk.world.desk, ticket["reference"])
    return reply_address(signing_keys(), "support@demo.test", now.reference, now.customer.email, now.epoch)


def unsent(desk, ticket):
    (waiting,) = desk.world.desk.outbox.of_ticket(ticket["reference"])
    return waiting.outgoing


def outbox_is_sent(desk, function):
    """By the stream, or by a queue: sent, refused, unanswered, held back, not allowed."""
    ticket = desk.opened(customer={"email": "sue@customer.test"})
    desk.writes(ticket, attachments=[desk.upload("label.png", PNG, by="agent")])
    desk.brings(function)
    desk.form(desk.page(ticket), supervisor="yes")
    desk.brings(function)
    desk.opened(customer={"email": "tom@customer.test"})
    for failing in (ConnectTimeoutError, ReadTimeoutError, ReadTimeoutError):
        WITNESS.failing = failing(endpoint_url="https://ses.test")
        desk.world.later(minutes=20)
        desk.brings(function)
        desk.brings(function)
        WITNESS.failing = None
    desk.world.later(minutes=20)
    desk.brings(function)
    desk.writes(ticket, undo_seconds=30)
    desk.brings(function)
    desk.world.desk.table.suppress(ticket["customer"]["email"], desk.world.now + timedelta(days=9), "it bounced")
    desk.world.later(minutes=1)
    desk.brings(function)
    desk.opened(customer={"email": ticket["customer"]["email"]})
    desk.brings(function)
    house_usecase.put_storefront(desk.world.desk, replace(DEMO, acknowledgements_per_hour=1))
    for who in ("uli", "uma"):
        desk.opened(customer={"email": f"{who}@customer.test"})
    desk.brings(function)


def outbox_streams(desk):
    outbox_is_sent(desk, "outbox")


def outbox_is_queued(desk):
    outbox_is_sent(desk, "outbox_retry")


def ses_speaks(desk):
    ticket = desk.opened(customer={"email": "bob@customer.test"})
    desk.told("Send", ticket, unsent(desk, ticket).id, "bob@customer.test")
    answer = desk.writes(ticket).json_body
    desk.brings("outbox")
    for kind in ("Send", "Delivery", "Bounce", "Complaint"):
        desk.told(kind, ticket, answer["id"], "bob@customer.test")
    assert desk.get(f"/v1/tickets/{ticket['reference']}").json_body["status"] == "open"


def time_passes(desk):
    desk.opened(customer={"email": "ned@customer.test"})
    desk.world.later(hours=9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(due, "_IN_ONE_GO", 2)
        patch.setattr(due, "_PAGE", 1)
        desk.sweeps()
    assert desk.world.drain("due")
    desk.world.later(days=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(due_rules, "fire", refuses)
        for _ in range(due_rules.GIVES_UP_AFTER):
            desk.sweeps(failed=1)
    assert desk.world.queue("DueDeadLetter")


def a_little_is_due(desk):
    """So little that the sweep does it by itself: a survey, and what fails for good."""
    ticket = desk.opened(customer={"email": "ida@customer.test"})
    said = {"body": "Done.", "status": "resolved"}
    desk.post(f"/v1/tickets/{ticket['reference']}/messages", said, by="agent", status=(201,))
    desk.brings("outbox")
    desk.world.later(hours=25)
    desk.sweeps()
    desk.opened(customer={"email": "ned@customer.test"})
    desk.brings("outbox")
    desk.world.later(hours=9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(due_rules, "fire", refuses)
        for _ in range(due_rules.GIVES_UP_AFTER):
            with pytest.raises(ExceptionGroup):
                desk.sweeps()
    assert desk.world.queue("DueDeadLetter")
    assert not desk.world.queue("due")


def by_the_queue(part):
    """Play a part with a sweep that leaves everything to due_work."""

    def played(desk):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(due, "_IN_PLACE", 0)
            part(desk)

    return played


def refuses(*_, **__):
    raise ValueError("it fails for good")


PARTS_OF_THE_DAY = (
    people_call,
    policies_work,
    requests_are_queued,
    mail_is_told,
    mail_is_left,
    outbox_streams,
    outbox_is_queued,
    ses_speaks,
    customers_rate,
    by_the_queue(policies_work),
    by_the_queue(customers_rate),
    by_the_queue(time_passes),
    a_little_is_due,
)


@pytest.fixture(scope="module")
def seen():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(house, "REMEMBERED_SECONDS", 0)
        for part in PARTS_OF_THE_DAY:
            with served() as api:
                part(Desk(api.world))
    return WITNESS


def reconciled(desk):
    later = desk.world.now + timedelta(days=3000)  # moto dates what is stored by the clock on the wall
    desk.invoke("reconcile", {"time": later.isoformat()})
    assert not aws.client("s3").list_objects_v2(Bucket="careline-mail", Prefix="incoming/").get("Contents")


# The two ways


def granted(grants):
    """What policies grant: {(function, action, resource)}, where a resource may end in *."""
    return {
        (function, f"{service}:{action}", resource)
        for function, each in grants.items()
        for grant in each
        for service, _, actions in [grant.actions.partition(":")]
        for action in actions.split()
        for resource in grant.on
    }


def covers(grant, call):
    return grant[:2] == call[:2] and fnmatchcase(call[2], grant[2])


def missing(calls, grants):
    return {call for call in calls if not any(covers(grant, call) for grant in grants)}


def idle(calls, grants):
    return {grant for grant in grants if not any(covers(grant, call) for call in calls)}


def check_none(what, found):
    if found:
        lines = (each if isinstance(each, str) else " ".join(each) for each in found)
        pytest.fail("\n  ".join([f"{what}:", *sorted(lines)]), pytrace=False)


def test_every_function_is_seen(seen):
    assert {function for function, _, _ in seen.calls} == set(GRANTS)


def test_what_is_called_is_granted(seen):
    check_none("called and not granted", missing(seen.calls, granted(GRANTS)))


def test_what_is_granted_is_called(seen):
    check_none("granted and not called, or the other way about", idle(seen.calls, granted(GRANTS)) ^ set(NEVER_CALLED))


def test_no_grant_can_be_spared_and_one_more_is_told(seen):
    grants = granted(GRANTS)
    check_none("spared", {g for g in grants - set(NEVER_CALLED) if not missing(seen.calls, grants - {g})})
    for function in GRANTS:
        for more in (
            ("dynamodb:Scan", TABLE),
            ("s3:DeleteObject", f"{FILES}/files/*"),
            ("sqs:SendMessage", "${Other.Arn}"),
        ):
            assert idle(seen.calls, {(function, *more)}) == {(function, *more)}


def test_the_package_knows_every_operation_that_is_called_and_no_other(seen):
    shipped = {(service, operation) for service, operations in OPERATIONS.items() for operation in operations}
    check_none("called and not shipped, or the other way about", shipped ^ seen.operations)


def test_a_star_stands_for_names_that_nobody_knows_beforehand():
    folders = {f"{MAIL}/incoming/*", f"{MAIL}/mail/*", f"{FILES}/uploads/*", f"{FILES}/files/*"}
    wide = {resource for _, _, resource in granted(GRANTS) if "*" in resource}
    check_none("too wide", wide - folders - {IDENTITIES})


def test_every_place_where_the_desk_turns_to_aws_is_passed_here(seen):
    check_none("not passed by this test", {words for words, lines in places().items() if not lines & seen.lines})


def places():
    """Return the calls in handlers and use cases that lead to AWS: {where, and what it says: its lines}."""
    found = {}
    for path in (*(CHALICELIB / "handlers").glob("*.py"), *(CHALICELIB / "usecases").glob("*.py")):
        for function in ast.parse(path.read_text()).body:
            if OF_OPS & {path.name, getattr(function, "name", "")}:
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and TURNS_TO_AWS.match(called := ast.unparse(node.func)):
                    lines = range(node.lineno, node.end_lineno + 1)
                    found[f"{path.name}:{node.lineno} {called}"] = {(str(path), line) for line in lines}
    return found
