"""
The desk in process: moto for AWS, a clock that the test moves, ids in order. One world for each test.
"""

import os

os.environ |= {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_REGION": "eu-west-1",
    "CARELINE_STAGE": "test",
    "CARELINE_TABLE": "careline",
    "CARELINE_SETTINGS_TABLE": "careline-settings",
    "CARELINE_MAIL_BUCKET": "careline-mail",
    "CARELINE_FILES_BUCKET": "careline-files",
    "CARELINE_OUTBOX_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/outbox",
    "CARELINE_DUE_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/due",
    "CARELINE_FEEDBACK_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/feedback",
    "CARELINE_INTAKE_DEAD_LETTER_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/IntakeDeadLetter",
    "CARELINE_DUE_DEAD_LETTER_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/DueDeadLetter",
    "CARELINE_ESCALATION_TOPIC": "arn:aws:sns:eu-west-1:123456789012:escalation",
    "CARELINE_CONFIGURATION_SET": "careline-test",
    "CARELINE_PUBLIC_URL": "https://desk.test",
    "POWERTOOLS_SERVICE_NAME": "careline",
    "POWERTOOLS_METRICS_NAMESPACE": "Careline",
}
for _name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "CARELINE_HOME"):
    os.environ.pop(_name, None)

import pytest

from tests.world import World, running


@pytest.fixture
def world():
    with running() as fresh:
        yield fresh


__all__ = ["World", "world"]
