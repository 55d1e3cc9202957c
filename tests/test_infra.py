"""
What must be true of every deployment, read from the templates as they are deployed.
"""

import json
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import pytest
from cfnlint.api import lint

from infra import __main__ as commands
from infra import cost, deploy
from infra.aws import Session
from infra.package import Package, append, host_architecture, package, stand_ins
from infra.policies import GRANTS

FUNCTIONS = {
    "APIHandler", "IntakeQueue", "InboundMail", "MailFeedback", "Sweep", "DueWork", "Outbox", "OutboxRetry", "Reconcile",
}  # fmt: skip
FOURTEEN_DAYS = 14 * 24 * 3600

# ListStreams knows no resource (Service Authorization Reference).
MAY_BE_WIDE = {"dynamodb:ListStreams"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return package("arm64", out=tmp_path_factory.mktemp("build"))


@pytest.fixture(scope="module")
def data(built):
    return json.loads(built.data.read_text())["Resources"]


@pytest.fixture(scope="module")
def template(built):
    return json.loads(built.desk.read_text())


@pytest.fixture(scope="module")
def desk(template):
    return template["Resources"]


def of_type(resources, kind):
    return {name: each.get("Properties", {}) for name, each in resources.items() if each["Type"] == kind}


def functions(resources):
    return of_type(resources, "AWS::Serverless::Function")


def sources(resources):
    """Each event source that is polled: (function, its kind, its properties)."""
    return [
        (name, event["Type"], event["Properties"])
        for name, function in functions(resources).items()
        for event in function.get("Events", {}).values()
        if event["Type"] in {"SQS", "DynamoDB"}
    ]


def statements(resources):
    """Each statement of each function's own role, as it is on AWS: (function, statement)."""
    for name, function in functions(resources).items():
        role = resources[function["Role"]["Fn::GetAtt"][0]]["Properties"]
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                yield name, {**statement, "Resource": on_aws(statement["Resource"])}


def on_aws(value):
    """What is left of an Fn::If over OnAws on AWS."""
    return value["Fn::If"][1] if isinstance(value, dict) and "Fn::If" in value else value


def test_there_is_a_function_for_each_door_and_a_policy_for_each_function(desk):
    assert set(functions(desk)) == FUNCTIONS == set(GRANTS)


def test_both_templates_are_clean_for_cfn_lint(built):
    for path in (built.data, built.desk):
        assert [f"{path.name}: {match}" for match in lint(path.read_text())] == []


def test_a_message_stays_hidden_for_six_times_what_its_function_may_take(desk):
    queues, timeouts = of_type(desk, "AWS::SQS::Queue"), {name: f["Timeout"] for name, f in functions(desk).items()}
    fed = [(name, source["Queue"]["Fn::GetAtt"][0]) for name, kind, source in sources(desk) if kind == "SQS"]
    assert len(fed) == 5
    for function, queue in fed:
        assert queues[queue]["VisibilityTimeout"] >= 6 * timeouts[function], queue


def test_every_queue_gives_up_after_five_deliveries_to_dead_letters_kept_for_fourteen_days(desk):
    queues = of_type(desk, "AWS::SQS::Queue")
    working = {name: queue for name, queue in queues.items() if "DeadLetter" not in name}
    for name, queue in working.items():
        assert queue["RedrivePolicy"]["maxReceiveCount"] == 5, name
        dead_letters = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0]
        assert queues[dead_letters]["MessageRetentionPeriod"] == FOURTEEN_DAYS
        assert "DeadLetter" in queues[dead_letters]["QueueName"]["Fn::Sub"]
    targets = {queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0] for queue in working.values()}
    assert len(targets) == len(working)


def test_every_queue_is_encrypted(desk):
    assert all(queue["SqsManagedSseEnabled"] for queue in of_type(desk, "AWS::SQS::Queue").values())


def test_every_polled_source_takes_partial_failures(desk):
    polled = sources(desk)
    assert {kind for _, kind, _ in polled} == {"SQS", "DynamoDB"}
    for function, _, source in polled:
        assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"], function


def test_the_stream_calls_for_new_outbox_items_only_and_gives_up_to_dead_letters(desk):
    ((_, _, stream),) = [each for each in sources(desk) if each[1] == "DynamoDB"]
    (pattern,) = (json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"])
    assert pattern == {"eventName": ["INSERT"], "dynamodb": {"Keys": {"sk": {"S": [{"prefix": "OUTBOX#"}]}}}}
    assert stream["StartingPosition"] == "LATEST"
    assert stream["BisectBatchOnFunctionError"]
    assert stream["MaximumRetryAttempts"] == 3
    assert "DeadLetter" in stream["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]


def test_every_scheduled_function_has_dead_letters(desk):
    scheduled = {
        name: function
        for name, function in functions(desk).items()
        if any(event["Type"] == "Schedule" for event in function.get("Events", {}).values())
    }
    assert set(scheduled) == {"Sweep", "Reconcile"}
    for function in scheduled.values():
        failed = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert "DeadLetter" in failed["Destination"]["Fn::GetAtt"][0]


def test_every_function_has_a_role_of_its_own(desk):
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions(desk).values()]
    assert len(set(roles)) == len(roles)


def test_no_policy_grants_all_actions_or_all_resources(desk):
    for function, statement in statements(desk):
        assert statement["Effect"] == "Allow"
        assert not any("*" in action for action in statement["Action"]), function
        if "*" in statement["Resource"]:
            assert set(statement["Action"]) <= MAY_BE_WIDE, function


def test_a_function_writes_no_log_but_its_own(desk):
    written = [(name, each["Resource"]) for name, each in statements(desk) if "logs:PutLogEvents" in each["Action"]]
    assert sorted(written) == [(name, [{"Fn::Sub": f"${{{name}Logs.Arn}}"}]) for name in sorted(FUNCTIONS)]
    for name, function in functions(desk).items():
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": f"{name}Logs"}}


def test_every_log_forgets_after_thirty_days(desk):
    logs = of_type(desk, "AWS::Logs::LogGroup")
    assert set(logs) == {f"{name}Logs" for name in FUNCTIONS}
    assert all(log["RetentionInDays"] == 30 for log in logs.values())


def test_only_what_sends_may_send_and_nothing_else_reads_secrets_but_what_signs(desk):
    who = {}
    for function, statement in statements(desk):
        for action in statement["Action"]:
            who.setdefault(action, set()).add(function)
        if any("SettingsTable" in str(resource) for resource in statement["Resource"]):
            assert statement["Action"] == ["dynamodb:GetItem"]
            who.setdefault("secrets", set()).add(function)
    assert who["ses:SendRawEmail"] == {"Outbox", "OutboxRetry"}
    assert who["sns:Publish"] == {"Outbox", "OutboxRetry", "IntakeQueue"}  # which tells of its dead letters itself
    assert who["secrets"] == {"APIHandler", "InboundMail", "Outbox", "OutboxRetry", "Reconcile"}
    assert "dynamodb:Scan" not in who


def test_no_function_names_the_api_in_its_environment(template):
    # it would be a circle: the API names the function
    environment = json.dumps(template["Globals"]) + json.dumps(
        [function.get("Environment") for function in functions(template["Resources"]).values()]
    )
    assert "Api" not in environment


def test_functions_run_on_arm(desk):
    assert all(function["Architectures"] == ["arm64"] for function in functions(desk).values())


def test_tables_come_back_to_any_second_and_outlive_their_stack(data):
    tables = {name: each for name, each in data.items() if each["Type"] == "AWS::DynamoDB::Table"}
    assert set(tables) == {"Table", "SettingsTable"}
    for table in tables.values():
        assert table["DeletionPolicy"] == table["UpdateReplacePolicy"] == "Retain"
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table["Properties"]["DeletionProtectionEnabled"] is True
        assert table["Properties"]["BillingMode"] == "PAY_PER_REQUEST"
    assert "StreamSpecification" not in tables["SettingsTable"]["Properties"]


def test_indexes_hold_keys_only(data):
    indexes = {index["IndexName"]: index for index in data["Table"]["Properties"]["GlobalSecondaryIndexes"]}
    assert set(indexes) == {
        "by_queue", "by_customer", "by_assignee", "by_view", "by_risk", "by_day", "by_due_time",
    }  # fmt: skip
    assert all(index["Projection"] == {"ProjectionType": "KEYS_ONLY"} for index in indexes.values())


def test_buckets_are_private_encrypted_outlive_their_stack_and_speak_tls_only(data):
    buckets = {name: each for name, each in data.items() if each["Type"] == "AWS::S3::Bucket"}
    assert set(buckets) == {"MailBucket", "FilesBucket"}
    for name, bucket in buckets.items():
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"
        assert all(bucket["Properties"]["PublicAccessBlockConfiguration"].values())
        assert bucket["Properties"]["BucketEncryption"]
        denied = on_aws(data[f"{name}Policy"]["Properties"]["PolicyDocument"]["Statement"][0])
        assert denied["Effect"] == "Deny"
        assert denied["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_raw_mail_goes_after_a_year_uploads_after_a_day_and_what_nobody_took_in_never(data):
    def rules(bucket):
        found = data[bucket]["Properties"]["LifecycleConfiguration"]["Rules"]
        return {rule["Prefix"]: rule["ExpirationInDays"] for rule in found}

    assert rules("MailBucket") == {"mail/": 365}
    assert rules("FilesBucket") == {"uploads/": 1}


def test_ses_writes_to_incoming_for_this_account_only(data):
    _, ses = data["MailBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert ses["Principal"] == {"Service": "ses.amazonaws.com"}
    assert ses["Resource"] == {"Fn::Sub": "${MailBucket.Arn}/incoming/*"}
    assert ses["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_a_service_that_publishes_does_so_for_this_account_only(desk):
    policies = of_type(desk, "AWS::SNS::TopicPolicy").values()
    topics = {topic["Ref"] for policy in policies for topic in policy["Topics"]}
    assert topics == {"InboundMailTopic", "MailFeedbackTopic", "AlarmTopic"}
    for policy in policies:
        for statement in policy["PolicyDocument"]["Statement"]:
            assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_every_event_of_a_mail_is_heard(desk):
    (events,) = of_type(desk, "AWS::SES::ConfigurationSetEventDestination").values()
    assert set(events["EventDestination"]["MatchingEventTypes"]) == {
        "SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "DELIVERY_DELAY", "REJECT", "RENDERING_FAILURE",
    }  # fmt: skip


def test_mail_comes_in_only_where_the_stage_says_so(desk):
    assert desk["ReceiptRule"]["Condition"] == "ReceivesMail"
    (action,) = desk["ReceiptRule"]["Properties"]["Rule"]["Actions"]
    assert action["S3Action"]["ObjectKeyPrefix"] == "incoming/"
    assert action["S3Action"]["TopicArn"] == {"Ref": "InboundMailTopic"}


def test_an_alarm_watches_each_dead_letter_queue_each_function_and_the_mail(desk):
    alarms = of_type(desk, "AWS::CloudWatch::Alarm")
    watched = {
        (a["Namespace"], a["MetricName"], str([d["Value"] for d in a.get("Dimensions", [])])) for a in alarms.values()
    }
    for queue in (name for name in of_type(desk, "AWS::SQS::Queue") if "DeadLetter" in name):
        queue_name = str([{"Fn::GetAtt": [queue, "QueueName"]}])
        assert ("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue_name) in watched
    for function in FUNCTIONS:
        assert ("AWS/Lambda", "Errors", str([{"Ref": function}])) in watched
    assert ("AWS/Lambda", "Throttles", "[]") in watched
    limits = {(a["Namespace"], a["MetricName"]): a["Threshold"] for a in alarms.values()}
    assert limits["Careline", "OldestUnsentSeconds"] == 300
    assert limits["AWS/SES", "Reputation.BounceRate"] == 0.05
    assert limits["AWS/SES", "Reputation.ComplaintRate"] == 0.001
    assert all(alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}] for alarm in alarms.values())


def test_an_idle_month_is_billed_for_every_alarm_and_dashboard_of_the_template(desk):
    counted = cost.what_watches()
    assert counted["alarm"] == len(of_type(desk, "AWS::CloudWatch::Alarm"))
    assert counted["dashboard"] == len(of_type(desk, "AWS::CloudWatch::Dashboard"))


def test_one_http_api_hands_everything_to_one_function(template, desk):
    (api,) = of_type(desk, "AWS::ApiGatewayV2::Api").values()
    (integration,) = of_type(desk, "AWS::ApiGatewayV2::Integration").values()
    (route,) = of_type(desk, "AWS::ApiGatewayV2::Route").values()
    (stage,) = of_type(desk, "AWS::ApiGatewayV2::Stage").values()
    assert api["ProtocolType"] == "HTTP"
    assert "CorsConfiguration" not in api  # it would open every door to every origin
    assert integration["IntegrationUri"] == {"Fn::GetAtt": ["APIHandler", "Arn"]}
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0")
    assert (route["RouteKey"], route["Target"]) == ("$default", {"Fn::Sub": "integrations/${ApiIntegration}"})
    assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)  # nothing before /v1 in the address
    assert {part["ApiId"]["Ref"] for part in (integration, route, stage)} == {"HttpApi"}
    assert template["Outputs"]["ApiId"]["Value"] == {"Ref": "HttpApi"}


def test_the_api_is_throttled_as_the_stage_says(template, desk):
    (stage,) = of_type(desk, "AWS::ApiGatewayV2::Stage").values()
    assert stage["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": {"Ref": "RequestsPerSecond"},
        "ThrottlingBurstLimit": {"Ref": "RequestsInABurst"},
    }
    assert {"RequestsPerSecond", "RequestsInABurst"} <= set(template["Parameters"])


def test_nothing_is_left_of_the_rest_api(template):
    assert "RestAPI" not in json.dumps(template)
    assert not of_type(template["Resources"], "AWS::Serverless::Api")


def test_only_this_api_may_call_its_function(desk):
    (permission,) = of_type(desk, "AWS::Lambda::Permission").values()
    assert permission["FunctionName"] == {"Ref": "APIHandler"}
    assert permission["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:${HttpApi}/*/$default")


@pytest.mark.parametrize(
    ("was", "known", "given", "then"),
    [
        (None, "", None, "https://new.test"),
        ("https://old.test/api", "https://old.test/api", None, "https://new.test"),
        ("https://new.test", "https://new.test", None, "https://new.test"),
        ("https://old.test/api", "https://desk.shop.test", None, "https://desk.shop.test"),
        ("https://old.test/api", "https://old.test/api", "https://desk.shop.test/", "https://desk.shop.test"),
    ],
)
def test_a_stage_without_a_domain_is_reached_where_its_api_is(monkeypatch, tmp_path, was, known, given, then):
    outputs = {"ApiUrl": was} if was else {}
    environment = {"CARELINE_PUBLIC_URL": known}

    def put_stack(name, _, parameters, **__):
        if name == "careline-shop-desk":
            outputs["ApiUrl"] = "https://new.test"
            environment["CARELINE_PUBLIC_URL"] = parameters.get("PublicUrl", environment["CARELINE_PUBLIC_URL"])

    monkeypatch.setattr(deploy, "put_stack", put_stack)
    monkeypatch.setattr(deploy.package, "package", lambda _: Package(tmp_path, tmp_path, tmp_path))
    monkeypatch.setattr(deploy.stage, "stack_outputs", lambda *_: dict(outputs))
    monkeypatch.setattr(deploy.stage, "environment", lambda *_: environment)
    for name in ("artifact_bucket", "put_artifact", "make_signing_keys"):
        monkeypatch.setattr(deploy, name, lambda *_: "")
    session = Session(SimpleNamespace(region_name="eu-west-1"))
    session.__dict__["account"] = "123456789012"
    deploy.deploy("shop", session=session, public_url=given, receive_mail=False, say=lambda _: None)
    assert environment["CARELINE_PUBLIC_URL"] == then


def test_the_same_code_gives_the_same_bytes(tmp_path):
    code = {"app.py": b"x = {'a', 'b', 'c'}", "chalicelib/__init__.py": b"", "templates/page.html": b"<p>"}
    for name in ("one.zip", "other.zip"):
        append(tmp_path / name, code)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    assert "__pycache__/app.cpython" in str(zipfile.ZipFile(tmp_path / "one.zip").namelist())


def test_the_zip_holds_what_ships_and_nothing_else(built):
    names = zipfile.ZipFile(built.function).namelist()
    assert "app.py" in names
    assert any(name.startswith("templates/") for name in names)
    assert not [name for name in names if name.split("/")[0] in {"infra", "tests", "moto", "ministack", "chalice.cli"}]
    assert len(names) == len(set(names))


def test_the_zip_runs_by_itself(tmp_path):
    """No library of the tools is at hand, as in Lambda."""
    built = package(host_architecture(), out=tmp_path / "build")
    zipfile.ZipFile(built.function).extractall(tmp_path / "task")
    program = f"import sys; sys.path.insert(0, {str(tmp_path / 'task')!r}); import app; print(app.app.app_name)"
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    done = subprocess.run(command, env=stand_ins(), capture_output=True, text=True, check=False)  # noqa: S603 - our own
    assert (done.stdout, done.stderr) == ("careline\n", "")


@pytest.mark.parametrize("command", commands.COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stopped:
        commands.main([command, "--help"])
    assert stopped.value.code == 0
    assert f"python -m infra {command}" in capsys.readouterr().out
