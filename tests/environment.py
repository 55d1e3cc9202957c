"""
What a desk in process finds in its environment. It is read once, by the first import of the desk.
"""

IN_PROCESS = {
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
