"""
The settings of a storefront, over HTTP: read whole, checked whole, written whole.
"""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from chalicelib.domain import opening
from chalicelib.domain.settings import document_of, storefront_from
from chalicelib.domain.ticket import SYSTEM, Channel, Person
from chalicelib.usecases import house, listing, tickets
from chalicelib.usecases.uploads import Uploads
from infra.storefronts import documents
from tests.api import served
from tests.mails import Customer
from tests.shop import OFFICE, PLAIN, TARGETS, put


@pytest.fixture
def api():
    with served() as one:
        yield one


def test_what_is_left_out_of_settings_is_the_product(api):
    got = put(api)
    assert got.headers["ETag"] == '"2"'
    shown = got.json_body
    assert shown["time_zone"] == "UTC"
    assert shown["hours"] is None
    assert shown["silence"] == {"reminder_after": "3 d", "notice_after": "6 d", "resolve_after": "7 d"}
    assert shown["close_after"] == "7 d"
    assert shown["thanks_reopen"] is True
    assert shown["survey"] == {
        "form": "csat",
        "after": "1 d",
        "valid_for": "14 d",
        "every": "30 d",
        "reminder_after": None,
        "reasons": ["slow", "unclear", "not_solved", "unfriendly", "other"],
    }
    assert shown["kinds"]["claim"]["resolved_by_silence"] is False
    assert (shown["kinds"]["repair"]["check_in_after"], shown["kinds"]["return"]["check_in_after"]) == ("3 d", "14 d")
    assert (shown["internal"], shown["digest"], shown["teams"], shown["seasons"]) == (False, True, {}, [])
    assert shown["contact"] == {"telephone": "", "address": "", "opening_hours": ""}


WHOLE = {
    **PLAIN,
    **OFFICE,
    "internal": True,
    "language": "es",
    "languages": ["es", "en"],
    "forms": ["noreply@market.example"],
    "colour": "#123abc",
    "signature": "Your garden",
    "voice": {"es": {"greeting": "¡Hola, {name}!", "hello": "¡Hola!", "closing": "Hasta pronto"}, "en": {}},
    "contact": {"telephone": "+34 910 000 000", "address": "Calle Mayor 1", "opening_hours": "10 to 18"},
    "review_url": "https://reviews.example/shop",
    "holidays": ["2026-04-03", "12-25", "02-29"],
    "seasons": [
        {"from": "2026-07-01", "to": "2026-08-31", "hours": {"monday": ["08:00-15:00"], "sunday": ["20:00-24:00"]}},
        {"from": "2026-11-23", "to": "2026-12-24", "hours": OFFICE["hours"], "targets": {"high": TARGETS}},
        {"from": "2026-12-26", "to": "2026-12-31", "targets": {"low": TARGETS}},
    ],
    "targets": {"normal": TARGETS},
    "kinds": {
        "repair": {"check_in_after": None, "team": "bench", "targets": {"urgent": TARGETS}, "asks_for": ["photo"]}
    },
    "silence": {"reminder_after": None, "notice_after": "90 min", "resolve_after": "2 h"},
    "close_after": "3 d",
    "thanks_reopen": False,
    "survey": {
        "form": "nps",
        "after": "1 h",
        "valid_for": "7 d",
        "every": "60 d",
        "reminder_after": "2 d",
        "reasons": ["x"],
    },
    "teams": {"care": {"lead": "ana@lumen.example", "on_call": "night@lumen.example"}},
    "digest": False,
    "acknowledgements_per_hour": 900,
}


def test_what_was_read_can_be_written_back(api):
    put(api, whole=WHOLE)
    read = api.get("/v1/storefronts/demo", by="admin").json_body
    for name, value in WHOLE.items():
        assert read[name] == value or name in ("kinds", "seasons"), name
    assert read["seasons"] == WHOLE["seasons"]
    assert read["kinds"]["repair"] | WHOLE["kinds"]["repair"] == read["kinds"]["repair"]
    again = put(api, whole=read).json_body
    assert again == read | {"version": read["version"] + 1}


def test_a_storefront_answers_in_a_language_that_it_speaks(api):
    spanish = "Hola, hice un pedido hace dos semanas y no ha llegado. Me gustaría saber cuando llega, porque es para un regalo."

    def answered_in(n, **named):
        written = Customer()
        by_mail = api.world.desk.table.ticket(api.world.receive(written.mail(spanish)).reference)
        by_api = api.opened(customer={"email": f"uli{n}@customer.test", **named}, body=spanish)
        return by_mail.language, by_api["language"]

    assert answered_in(1) == ("es", "es")
    put(api, languages=["en", "de"])
    assert answered_in(2) == ("en", "en")
    assert answered_in(3, language="es") == ("en", "es")


def test_an_address_belongs_to_one_storefront_until_it_is_given_up(api):
    taken = {"support_addresses": ["new@demo.test", "support@other.test"]}
    assert put(api, status=422, **taken).json_body["errors"][0]["pointer"] == "/support_addresses/1"
    put(api, "other", name="Other", support_addresses=["hello@other.test"])
    assert put(api, **taken).json_body["support_addresses"] == taken["support_addresses"]


def test_settings_have_a_version_and_a_colleagues_change_is_not_overwritten(api):
    first = put(api)
    second = put(api, headers={"If_Match": first.headers["ETag"]}, name="Mine")
    put(api, status=412, headers={"If_Match": first.headers["ETag"]}, name="Yours")
    put(api, status=412, whole=first.json_body)
    assert api.get("/v1/storefronts/demo", by="admin").json_body["name"] == "Mine"
    assert put(api, whole=second.json_body).json_body["version"] == second.json_body["version"] + 1
    put(api, "nowhere", status=412, headers={"If_Match": '"1"'}, support_addresses=["n@demo.test"])


def test_a_file_as_a_shopkeeper_writes_it_is_read(api, tmp_path):
    (tmp_path / "shop.yaml").write_text("""
id: demo
name: Lumen & Co
support_addresses: [Help@Demo.test]
time_zone: Europe/Madrid
hours: {monday: [09:00-14:00, 16:00-19:00]}
holidays: [2026-04-03, 12-25]
seasons:
  - {from: 2026-11-23, to: 2026-12-24, targets: {high: {first_response: 30 min, next_response: 1 h, resolution: 4 h}}}
silence: {reminder_after: null}
teams: {care: {lead: ana@demo.test}}
""")
    (document,) = documents(tmp_path / "shop.yaml")
    house.put_storefront(api.world.desk, storefront_from(document))
    shown = api.get("/v1/storefronts/demo", by="admin").json_body
    assert shown["holidays"] == ["2026-04-03", "12-25"]
    assert shown["seasons"][0]["from"] == "2026-11-23"
    assert shown["support_addresses"] == ["help@demo.test"]
    assert shown["silence"]["reminder_after"] is None
    assert shown["hours"] == {"monday": ["09:00-14:00", "16:00-19:00"]}


def test_a_document_of_settings_is_what_it_was_read_from():
    storefront = storefront_from(WHOLE, "demo")
    again = storefront_from(document_of(storefront))
    assert document_of(again) == document_of(storefront)
    assert (again.calendar, again.season_targets) == (storefront.calendar, storefront.season_targets)
    assert storefront.calendar.holidays == ("2026-04-03", "12-25", "02-29")
    assert storefront.calendar.seasons[0].begins == date(2026, 7, 1)


def test_mails_begin_and_end_in_the_shops_own_words(api):
    put(api, voice={"en": {"greeting": "Hi {name}!", "closing": "Cheers"}})
    world = api.world
    for known in ({"name": "Eva {name}"}, {}):
        opened = {
            "customer": {"email": "eva@customer.test", "language": "en"} | known,
            "subject": "Hello",
            "body": "Where is it?",
        }
        got = api.ask("POST", "/v1/tickets", opened, by="storefront")
        assert got.status_code == 201, got.body
    world.settle()
    sent = [mail.get_body(("plain",)).get_content().splitlines() for mail in world.mails("eva@customer.test")]
    nameless, named = sorted(sent)  # Hello before Hi
    assert named[0] == "Hi Eva {name}!"
    assert nameless[0] == "Hello,"
    assert "Cheers" in named


def test_what_was_promised_stays_until_it_is_asked_for(api):
    world = api.world
    opened = {"customer": {"email": "eva@customer.test"}, "subject": "Hello", "body": "Where is it?"}
    number = api.ask("POST", "/v1/tickets", opened, by="storefront").json_body["reference"]
    world.later(minutes=10)
    put(api, targets={"normal": TARGETS})
    before = world.desk.table.ticket(number)
    assert before.first_response.allowance == timedelta(hours=8)
    assert [anew for _, anew in tickets.promise_anew(world.desk, "demo", by=SYSTEM)] == [True]
    after = world.desk.table.ticket(number)
    assert after.first_response.due_at == before.created_at + timedelta(minutes=30)
    assert after.resolution.due_at == before.created_at + timedelta(hours=4)
    assert after.due_at == before.created_at + timedelta(minutes=15)
    (line,) = [
        event for event in world.desk.table.events(number, after=None, limit=9) if event["what"] == "promised_anew"
    ]
    assert line["why"] == ["Promised anew: the settings changed, and were to count from the start."]
    assert [anew for _, anew in tickets.promise_anew(world.desk, "demo", by=SYSTEM)] == [False]


def test_a_shop_with_many_open_tickets_promises_all_of_them_anew(world, monkeypatch):
    monkeypatch.setattr(listing, "_MANY", 2)
    shop = world.desk.house.storefront("demo")
    intake = opening.Intake(Person("eva@customer.test"), "Hello", "Where is it?", Channel.API, "en")
    for _ in range(5):
        tickets.open_ticket(world.desk, "demo", intake, Uploads("demo"), by=SYSTEM, once=None)
    house.put_storefront(world.desk, replace(shop, targets=storefront_from(WHOLE, "demo").targets))
    assert [anew for _, anew in tickets.promise_anew(world.desk, "demo", by=SYSTEM)] == [True] * 5


# What is refused, on a desk that none of it changes


@pytest.fixture(scope="module")
def room():
    with served() as one:
        yield one


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"nmae": "Shop"}, "/nmae"),
        ({"id": "other"}, "/id"),
        ({"version": 0}, "/version"),
        ({"support_addresses": []}, "/support_addresses"),
        ({"support_addresses": ["help@"]}, "/support_addresses/0"),
        ({"support_addresses": ["help@a.test", 7]}, "/support_addresses/1"),
        ({"forms": ["not an address"]}, "/forms/0"),
        ({"language": "English"}, "/language"),
        ({"languages": ["en", "x"]}, "/languages/1"),
        ({"internal": "yes"}, "/internal"),
        ({"colour": "blue"}, "/colour"),
        ({"voice": {"English": {"closing": "Bye"}}}, "/voice/English"),
        ({"voice": {"en": {"greeting": "Hi friend"}}}, "/voice/en/greeting"),
        ({"voice": {"en": {"bye": "Bye"}}}, "/voice/en/bye"),
        ({"contact": {"fax": "1"}}, "/contact/fax"),
        ({"review_url": "http://reviews.example"}, "/review_url"),
        ({"time_zone": "Spain/Madrid"}, "/time_zone"),
        ({"time_zone": "../etc/passwd"}, "/time_zone"),
        ({"hours": {"funday": ["09:00-17:00"]}}, "/hours/funday"),
        ({"hours": {"monday": ["9-17"]}}, "/hours/monday/0"),
        ({"hours": {"monday": ["09:00-25:00"]}}, "/hours/monday/0"),
        ({"hours": {"monday": ["17:00-09:00"]}}, "/hours/monday/0"),
        ({"hours": {"monday": ["09:00-09:00"]}}, "/hours/monday/0"),
        ({"hours": {"monday": ["09:00-13:00", "12:00-17:00"]}}, "/hours/monday"),
        ({"hours": {"monday": []}}, "/hours"),
        ({"hours": {}}, "/hours"),
        ({"holidays": ["2026-02-29"]}, "/holidays/0"),
        ({"holidays": ["12-25", "13-01"]}, "/holidays/1"),
        ({"holidays": ["Christmas"]}, "/holidays/0"),
        ({"seasons": [{"from": "2026-12-24", "to": "2026-11-23"}]}, "/seasons/0/to"),
        ({"seasons": [{"from": "2026-11-31", "to": "2026-12-24"}]}, "/seasons/0/from"),
        ({"seasons": [{"from": "2026-11-23"}]}, "/seasons/0/to"),
        ({"seasons": [{"from": "2026-11-23", "to": "2026-12-24", "hours": {"monday": []}}]}, "/seasons/0/hours"),
        ({"targets": {"soon": TARGETS}}, "/targets/soon"),
        ({"targets": {"high": {"first_response": "1 h", "resolution": "4 h"}}}, "/targets/high/next_response"),
        ({"targets": {"high": TARGETS | {"resolution": "4 hours"}}}, "/targets/high/resolution"),
        ({"kinds": {"question": {"priority": "soon"}}}, "/kinds/question/priority"),
        ({"kinds": {"quest/ion": {}}}, "/kinds/quest~1ion"),
        ({"kinds": {"repair": {"check_in_after": 3}}}, "/kinds/repair/check_in_after"),
        ({"silence": {"reminder_after": "-3 d"}}, "/silence/reminder_after"),
        ({"silence": {"reminder_after": "6 d", "notice_after": "3 d"}}, "/silence"),
        # against what the product has for what is left out
        ({"silence": {"reminder_after": "8 d"}}, "/silence"),
        ({"close_after": None}, "/close_after"),
        ({"thanks_reopen": 1}, "/thanks_reopen"),
        ({"survey": {"form": "stars"}}, "/survey/form"),
        ({"survey": {"every": "monthly"}}, "/survey/every"),
        ({"survey": {"reasons": ["slow", ""]}}, "/survey/reasons/1"),
        ({"teams": {"care": {"lead": "Ana"}}}, "/teams/care/lead"),
        ({"teams": {"care": {"boss": "ana@a.test"}}}, "/teams/care/boss"),
        ({"digest": None}, "/digest"),
    ],
)
def test_each_fault_has_its_place(room, wrong, pointer):
    before = room.get("/v1/storefronts/demo", by="admin").body
    faults = put(room, status=422, **wrong).json_body["errors"]
    assert [fault["pointer"] for fault in faults] == [pointer]
    assert faults[0]["detail"]
    assert room.get("/v1/storefronts/demo", by="admin").body == before


def test_every_fault_is_named_at_once(room):
    wrong = {
        "time_zone": "Spain",
        "holidays": ["02-30"],
        "hours": {"monday": ["19:00-09:00"], "friday": ["10:00-09:00"]},
    }
    faults = put(room, status=422, **wrong).json_body["errors"]
    assert {fault["pointer"] for fault in faults} == {
        "/time_zone", "/holidays/0", "/hours/monday/0", "/hours/friday/0",
    }  # fmt: skip


@pytest.mark.parametrize("whole", [[], "shop", None, 7])
def test_settings_that_are_no_document_are_refused(room, whole):
    got = room.ask("PUT", "/v1/storefronts/demo", raw=str(whole or "null").encode(), by="admin")
    assert got.status_code in (400, 422)


@pytest.mark.parametrize("where", ["Shop", "my_shop", "x" * 61])
def test_a_storefront_has_an_id_that_can_be_written_anywhere(room, where):
    faults = put(room, where, 422, support_addresses=["x@demo.test"]).json_body["errors"]
    assert [fault["pointer"] for fault in faults] == ["/id"]
    assert room.get(f"/v1/storefronts/{where}", by="admin").status_code == 404
