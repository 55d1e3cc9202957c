"""
The figures that the reader reaches on real mail, a little below what was measured. Skipped where that mail is not at hand.
"""

import pytest

from .corpus import FOLDER, figures

pytestmark = pytest.mark.skipif(not (FOLDER / "index.jsonl").exists(), reason="the folder of real mail is not at hand")

FLOORS = {
    "no error": 1.0,
    "storable": 1.0,
    "no lost part": 1.0,
    "all words kept": 1.0,
    "subject": 0.97,
    "from_email": 0.97,
    "from_display_name": 0.98,
    "message_id": 1.0,
    "body_text": 0.95,
    "attachment_count": 0.91,
    "reply_text": 0.93,
    "reply_text (html)": 1.0,
    "bounce found": 0.98,
    "no false bounce": 1.0,
    "status class": 0.97,
    "automatic": 1.0,
}


@pytest.fixture(scope="module")
def measured():
    right, total, _ = figures()
    return {figure: right[figure] / total[figure] for figure in total}


@pytest.mark.parametrize("figure", FLOORS)
def test_real_mail_is_read_as_well_as_before(measured, figure):
    assert measured[figure] >= FLOORS[figure]
