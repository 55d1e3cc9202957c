"""
What the deployment tells the code, read from the environment once.
"""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from chalicelib.frozen import frozen


@frozen
class Config:
    """`due_shards`: over how many partitions timers are spread. `list_shards`: a storefront's lists, one where it is not named."""

    stage: str
    table: str
    settings_table: str
    mail_bucket: str
    files_bucket: str
    outbox_queue_url: str
    due_queue_url: str
    feedback_queue_url: str
    intake_dead_letter_url: str
    due_dead_letter_url: str
    escalation_topic: str
    configuration_set: str
    public_url: str
    due_shards: int
    list_shards: Mapping[str, int]


@cache
def config() -> Config:
    """Return the settings of this deployment; a missing one is a KeyError that names it."""
    return Config(
        stage=os.environ["CARELINE_STAGE"],
        table=os.environ["CARELINE_TABLE"],
        settings_table=os.environ["CARELINE_SETTINGS_TABLE"],
        mail_bucket=os.environ["CARELINE_MAIL_BUCKET"],
        files_bucket=os.environ["CARELINE_FILES_BUCKET"],
        outbox_queue_url=os.environ["CARELINE_OUTBOX_QUEUE_URL"],
        due_queue_url=os.environ["CARELINE_DUE_QUEUE_URL"],
        feedback_queue_url=os.environ["CARELINE_FEEDBACK_QUEUE_URL"],
        intake_dead_letter_url=os.environ["CARELINE_INTAKE_DEAD_LETTER_URL"],
        due_dead_letter_url=os.environ["CARELINE_DUE_DEAD_LETTER_URL"],
        escalation_topic=os.environ["CARELINE_ESCALATION_TOPIC"],
        configuration_set=os.environ["CARELINE_CONFIGURATION_SET"],
        public_url=os.environ["CARELINE_PUBLIC_URL"].rstrip("/"),
        due_shards=int(os.environ.get("CARELINE_DUE_SHARDS", "4")),
        list_shards=_by_storefront(os.environ.get("CARELINE_LIST_SHARDS", "")),
    )


def use_what_the_package_brings() -> None:
    """Have botocore read the models and the roots that a package carries (infra/lean.py); a checkout has none."""
    package = Path(__file__).parent.parent
    for setting, name in (("AWS_DATA_PATH", "models"), ("AWS_CA_BUNDLE", "roots.pem")):
        if (package / name).exists():
            os.environ.setdefault(setting, str(package / name))


def _by_storefront(text: str) -> dict[str, int]:
    """Read `shop=8,outlet=2`."""
    pairs = (part.partition("=") for part in text.split(",") if part.strip())
    return {storefront.strip(): int(number) for storefront, _, number in pairs}
