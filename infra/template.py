"""
What `chalice package` leaves open in the desk's template, closed for every function alike.

A name that its log group and its policy can be written down with, a log group that forgets, a role that may do what
policies.py says and what its own event source and dead letters need, and one zip instead of Chalice's two. The REST
API goes: resources.yaml has an HTTP API in its place.
"""

from collections.abc import Iterator
from typing import Any

from infra.policies import GRANTS, Grant

LOG_RETENTION_DAYS = 30
FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
OF_THE_REST_API = {"RestAPI", "APIHandlerInvokePermission", "RestAPIId", "EndpointURL"}

Template = dict[str, Any]


def finished(merged: Template) -> Template:
    """
    Return the desk's template, ready to deploy, from what Chalice packaged and merged.

    Raises:
        KeyError: app.py has a function that policies.py does not know.
    """
    resources = {
        name: body
        for name, body in merged["Resources"].items()
        if body["Type"] != LAYER and name not in OF_THE_REST_API
    }
    outputs = {name: body for name, body in merged["Outputs"].items() if name not in OF_THE_REST_API}
    template = {**merged, "Resources": resources, "Outputs": outputs}
    for name, properties in functions(template):
        physical_name = {"Fn::Sub": f"careline-${{Stage}}-{words(name)}"}
        properties.pop("Layers", None)
        properties["FunctionName"] = physical_name
        properties["CodeUri"] = {"Bucket": {"Ref": "ArtifactBucket"}, "Key": {"Ref": "CodeKey"}}
        properties["LoggingConfig"] = {"LogGroup": {"Ref": f"{name}Logs"}}
        role = resources[properties["Role"]["Fn::GetAtt"][0]]["Properties"]
        role["Policies"] = [{"PolicyName": "what-it-calls", "PolicyDocument": policy(name, properties)}]
    resources |= {f"{name}Logs": log_group(name) for name, _ in functions(template)}
    resources |= dict(alarms(template))
    return template


def functions(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the logical id and the properties of each function."""
    for name, resource in list(template["Resources"].items()):
        if resource["Type"] == FUNCTION:
            yield name, resource["Properties"]


def words(name: str) -> str:
    """Return a logical id as it stands in a function's name: APIHandler is api-handler."""
    tail = "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name.removeprefix("API"))
    return (f"api{tail}" if name.startswith("API") else tail).lstrip("-")


def log_group(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {
            "LogGroupName": {"Fn::Sub": f"/aws/lambda/careline-${{Stage}}-{words(name)}"},
            "RetentionInDays": LOG_RETENTION_DAYS,
        },
    }


def policy(name: str, properties: dict[str, Any]) -> dict[str, Any]:
    grants = [grant.statement() for grant in (*GRANTS[name], *writes_logs(name))]
    return {"Version": "2012-10-17", "Statement": grants + list(source_grants(properties))}


def writes_logs(name: str) -> tuple[Grant, ...]:
    return (Grant("logs:CreateLogStream PutLogEvents", (f"${{{name}Logs.Arn}}",)),)


def source_grants(properties: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield statements for what feeds a function, and for where its failures go."""
    sources = [event["Properties"] for event in properties.get("Events", {}).values()]
    for source in sources:
        if "Queue" in source:
            yield allowed("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", on=source["Queue"])
        if "Stream" in source:
            yield allowed(
                "dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", on=source["Stream"]
            )
            yield allowed("dynamodb:ListStreams", on="*")  # AWS has nothing finer for it
    for failing in (*sources, properties.get("EventInvokeConfig", {})):
        if destination := failing.get("DestinationConfig"):
            yield allowed("sqs:SendMessage", on=destination["OnFailure"]["Destination"])


def allowed(*actions: str, on: object) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": list(actions), "Resource": [on]}


def alarms(template: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield an alarm for each dead-letter queue that is not empty and each function that fails."""
    for name, resource in template["Resources"].items():
        if name.endswith("DeadLetter"):
            queue = {"Name": "QueueName", "Value": {"Fn::GetAtt": [name, "QueueName"]}}
            metric = "AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum"
            yield f"{name}Alarm", above_zero("Something was given up: python -m infra dead-letters list", metric, queue)
        if resource["Type"] == FUNCTION:
            function = {"Name": "FunctionName", "Value": {"Ref": name}}
            metric = "AWS/Lambda", "Errors", "Sum"
            yield f"{name}Alarm", above_zero("The function failed. Its log group says why.", metric, function)


def above_zero(description: str, metric: tuple[str, str, str], dimension: dict[str, Any]) -> dict[str, Any]:
    namespace, name, statistic = metric
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmDescription": description,
            "AlarmActions": [{"Ref": "AlarmTopic"}],
            "Namespace": namespace,
            "MetricName": name,
            "Dimensions": [dimension],
            "Statistic": statistic,
            "Period": 300,
            "EvaluationPeriods": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 0,
            "TreatMissingData": "notBreaching",
        },
    }
