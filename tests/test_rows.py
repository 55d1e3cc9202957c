"""
How a document lies in its item: as it is, or deflated where it would cost another KB.
"""

import base64
import zlib
from datetime import UTC, datetime
from functools import partial

import pytest

from chalicelib.adapters import aws, codec, keys, rows
from chalicelib.adapters.phrases import PHRASES
from chalicelib.adapters.rows import Row
from chalicelib.domain.opening import Intake
from chalicelib.domain.ticket import Author, Channel, Person, Role
from chalicelib.usecases import tickets
from chalicelib.usecases.uploads import Uploads
from tests.documents import document

KEY = keys.event("CL-1", "1")
SHORT = {"why": "It is short."}
INTAKE = Intake(Person("eva@customer.test", "Eva"), "Size 42", "Do you have it?", Channel.API, "en")
BUYER = Author(Role.CUSTOMER, "Eva", "eva@customer.test")
CHECKSUM = 0x62748EA6
LONG = {"why": "He asked for a supervisor, and said why. " * 40 + "Größe"}


def stored(world):
    (item,) = (item for item in world.items() if item["pk"]["S"] == KEY.pk)
    return item


@pytest.mark.usefixtures("world")
def test_pynamodb_calls_from_the_session_that_all_others_use():
    own = rows.connection()
    assert own.session is aws.session()
    assert {client.meta.config._supplied_user_agent for client in (own.client, aws.client("s3"))} == {"careline"}


def test_s3_is_sent_a_mail_without_being_asked_first(world):
    sent = []
    events = aws.client("s3").meta.events
    see = partial(_see, sent)
    events.register_first("before-send.s3.PutObject", see)
    try:
        key = world.desk.files.keep_mail("a" * 64, datetime(2026, 11, 2, tzinfo=UTC), b"Subject: Size 42\r\n\r\nHello")
    finally:
        events.unregister("before-send.s3.PutObject", see)
    assert [(each.method, "Expect" in each.headers) for each in sent] == [("PUT", False)]
    assert world.desk.files.kept_mail(key).endswith(b"Hello")


def test_an_item_that_is_changed_does_not_come_back(world):
    asked = []
    calls = rows.connection().client.meta.events
    see = partial(_asked, asked)
    calls.register("provide-client-params.dynamodb.UpdateItem", see)
    try:
        world.desk.table.suppress("eva@customer.test", datetime(2026, 11, 2, tzinfo=UTC), "It bounced.")
        world.desk.table.opt_out("eva@customer.test")
    finally:
        calls.unregister("provide-client-params.dynamodb.UpdateItem", see)
    assert [each.get("ReturnValues", "NONE") for each in asked] == ["NONE", "NONE"]
    known = world.desk.table.customer("eva@customer.test")
    assert (known.suppressed_because, known.opted_out) == ("It bounced.", True)


def _asked(asked, params, **_):
    asked.append(params)


def _see(sent, request, **_):
    sent.append(request)


@pytest.mark.parametrize(("value", "where"), [(SHORT, "data"), (LONG, "packed")])
def test_a_document_comes_back_as_it_was(world, value, where):
    rows.row(KEY, value).save()
    assert rows.value(dict, rows.get(KEY)) == value
    assert [name for name in stored(world) if name in ("data", "packed")] == [where]


def test_what_is_deflated_costs_less(world):
    rows.row(KEY, LONG).save()
    assert len(rows.get(KEY).packed) * 10 < len(LONG["why"])


def test_what_was_deflated_without_phrases_is_read_as_before(world):
    encoded = codec.dumps(LONG).encode()
    Row(*KEY, packed=zlib.compress(encoded)).save()
    assert rows.value(dict, rows.get(KEY)) == LONG


def test_the_phrases_are_those_with_which_documents_are_stored():
    """Whoever changes one cannot read what was deflated with it: add new ones beside these."""
    assert zlib.adler32(PHRASES) == CHECKSUM


def test_a_usual_ticket_is_deflated_to_a_third(world):
    tickets.open_ticket(world.desk, "demo", INTAKE, Uploads("demo"), by=BUYER, once=None)
    (row,) = (item for item in world.items() if item["sk"]["S"] == "TICKET")
    assert len(base64.b64decode(row["packed"]["B"])) * 3 < len(document(row))


@pytest.mark.parametrize(("before", "after", "where"), [(SHORT, LONG, "packed"), (LONG, SHORT, "data")])
def test_an_update_leaves_one_document(world, before, after, where):
    rows.row(KEY, before).save()
    Row(*KEY).update(rows.setting(after))
    assert rows.value(dict, rows.get(KEY)) == after
    assert [name for name in stored(world) if name in ("data", "packed")] == [where]


@pytest.mark.parametrize("value", [SHORT, LONG])
def test_half_a_character_is_stored_as_a_question_mark(world, value):
    rows.row(KEY, value | {"name": "Eva \ud800"}).save()
    assert rows.value(dict, rows.get(KEY)) == value | {"name": "Eva ?"}
