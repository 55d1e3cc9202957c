"""
Ready answers: those that are shipped, what one says for a ticket, and what a storefront makes of them.
"""

import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml

from chalicelib.adapters.macros import FOLDER, shipped
from chalicelib.domain.macros import ALWAYS_KNOWN, PLACEHOLDERS, faults, filled, placeholders
from infra.storefronts import documents
from tests.api import served

LANGUAGES = {"en", "es", "pt", "fr", "de", "it"}
TECHNIQUES = {
    "HEARD", "problem-solution-benefit", "FAB", "ELI5", "feel-felt-found", "questioning", "positive language",
}  # fmt: skip
LONGEST = 1200
SHIPPED = [(name, language) for name, macro in shipped().items() for language in sorted(macro.text)]
PLAIN = {"name": "Demo Shop", "support_addresses": ["support@demo.test"]}
OWN = {
    "gift-card": {"title": "Gift card", "technique": "FAB", "text": {"en": "Gift of {storefront_name}.", "nl": "Bon."}},
    "wrong-item": {"text": {"en": "Sorry, {customer_name|you}: {promised_date|soon}."}},
    "price-objection": None,
}


@pytest.fixture
def api():
    with served() as one:
        yield one


def put(api, status=200, **more):
    got = api.ask("PUT", "/v1/storefronts/demo", PLAIN | more, by="admin")
    assert got.status_code == status, got.body
    return got.json_body


def drafted(api, ticket, name, status=200, **body):
    got = api.post(f"/v1/tickets/{ticket['reference']}/macros/{name}", body or None)
    assert got.status_code == status, got.body
    return got.json_body


def spanish(api, **more):
    return api.opened(customer={"email": "eva@customer.test", "name": "Eva", "language": "es"}, **more)


# The shipped ones


def test_a_dozen_macros_are_shipped_and_each_names_its_technique():
    assert len(shipped()) >= 12
    assert {macro.technique for macro in shipped().values()} == TECHNIQUES
    assert len({macro.title for macro in shipped().values()}) == len(shipped())
    assert {path.name for path in FOLDER.iterdir()} == {*shipped(), "index.json"}


@pytest.mark.parametrize("name", shipped())
def test_a_macro_is_there_in_every_language_with_the_same_placeholders(name):
    texts = shipped()[name].text
    assert set(texts) == LANGUAGES
    assert len({placeholders(text) for text in texts.values()}) == 1
    assert len(set(texts.values())) == len(LANGUAGES)
    assert {path.name for path in (FOLDER / name).iterdir()} == {f"{language}.txt" for language in LANGUAGES}


@pytest.mark.parametrize(("name", "language"), SHIPPED)
def test_a_shipped_text_is_whole_short_and_good(name, language):
    text = shipped()[name].text[language]
    assert list(faults(text)) == []
    assert 100 < len(text) <= LONGEST
    assert text.startswith("{greeting|")
    assert text.splitlines()[-1].startswith("{closing|")
    assert not re.search(r"[ \t]$|\n{3}|\t|  ", text, re.MULTILINE)


@pytest.mark.parametrize(("name", "language"), SHIPPED)
def test_a_shipped_text_reads_well_when_nothing_is_known(name, language):
    always = dict.fromkeys(ALWAYS_KNOWN, "X")
    said = filled(shipped()[name].text[language], always).text
    assert not re.search(r"[{}|]|  | $| [.,]|\(\)|,,", said, re.MULTILINE), said


GENDERED = {
    "es": r"\b(estimad[oa]s?|querid[oa]s?|encantad[oa]s?|bienvenid[oa]s?|clientas?|señora?|l[oa] atenderemos)\b",
    "pt": r"\b(obrigad[oa]s?|car[oa]s?|prezad[oa]s?|bem-vind[oa]s?|senhora?)\b",
    "fr": r"\b(désolé|chère?s? client|ravis?|heureux|bienvenue|monsieur|madame)\b",
    "de": r"\b(liebe[rn]? k|geehrte[rn]?|kund(e|in)|herr|frau|mitarbeiter)\b",
    "it": r"\b(gentile|car[oa]|lieti|benvenut[oa]|signora?)\b",
    "en": r"\b(sir|madam|he|she|his|her|him|mr|mrs)\b",
}


@pytest.mark.parametrize(("name", "language"), SHIPPED)
def test_a_shipped_text_takes_nobody_for_a_man_or_a_woman(name, language):
    assert not re.search(GENDERED[language], shipped()[name].text[language], re.IGNORECASE)


# What people read of them


PAGE = (Path(__file__).parents[1] / "docs" / "macros.md").read_text()


def test_the_page_for_people_tells_every_macro_with_its_technique():
    told = re.findall(r"^\| `([a-z-]+)` \|.*\| ([\w -]+) \|$", PAGE, re.MULTILINE)
    assert told == [(name, macro.technique) for name, macro in shipped().items()]
    assert set(re.findall(r"^\| ([\w -]+) \| [^|]*\|$", PAGE, re.MULTILINE)) - {"technique", "---"} == TECHNIQUES


def test_the_page_for_people_tells_every_placeholder():
    rows = re.findall(r"^\| (`\{.*?`) \|[^|]*\| (.*) \|$", PAGE, re.MULTILINE)
    written = {each.replace("\\|", "|"): known for cell, known in rows for each in re.findall(r"`(.*?)`", cell)}
    assert [name for each in written for name in placeholders(each)] == list(PLACEHOLDERS)
    assert [reason for each in written for reason in faults(each)] == []
    assert {name for each, known in written.items() if known == "always" for name in placeholders(each)} == ALWAYS_KNOWN


def test_the_example_for_people_is_a_good_one(api):
    (example,) = re.findall(r"^    macros:\n(?:(?:    .*)?\n)+", PAGE, re.MULTILINE)
    put(api, **yaml.safe_load(dedent(example)))
    got = drafted(api, spanish(api, order_reference="A-17"), "gift-card")
    assert got["text"].startswith("Hola, Eva:\n\nSu tarjeta regalo del pedido A-17 ya va")
    assert "price-objection" not in listed(api)


# What one says for a ticket


def test_a_macro_is_filled_in_for_a_ticket_in_the_customers_language(api):
    ticket = spanish(api, order_reference="A-17")
    got = drafted(api, ticket, "delayed-delivery")
    assert list(got) == ["name", "technique", "language", "text", "missing"]
    assert (got["name"], got["technique"], got["language"]) == ("delayed-delivery", "problem-solution-benefit", "es")
    first, second, *_, last = [line for line in got["text"].splitlines() if line]
    assert first == "Hola, Eva:"
    assert second.startswith("Su pedido A-17 tarda")
    assert last == "Un cordial saludo"
    assert "le escribiremos en cuanto sea segura" in got["text"]
    assert got["missing"] == ["promised_date"]


def test_what_is_known_of_ticket_agent_and_storefront_stands_in_the_text(api):
    everything = "\n".join(f"{name}={{{name}|}}" for name in PLACEHOLDERS)
    put(
        api,
        time_zone="Europe/Madrid",
        contact={"telephone": "+34 910 000 000", "address": "Calle Mayor 1\n28013 Madrid", "opening_hours": "10 to 18"},
        review_url="https://reviews.example/shop",
        voice={"en": {"greeting": "Hi {name}!", "closing": "Cheers"}},
        macros={"all": {"text": {"en": everything}}},
    )
    ticket = api.opened(order_reference="A-17", subject="My parcel {reference}")
    api.patch(f"/v1/tickets/{ticket['reference']}", {"promised_at": "2026-03-12T23:30:00Z"})  # past midnight in Madrid
    got = drafted(api, ticket, "all")
    assert got["missing"] == []
    assert got["text"].splitlines() == [
        "greeting=Hi Eva!",
        "closing=Cheers",
        "customer_name=Eva",
        "agent_name=Ana",
        "storefront_name=Demo Shop",
        f"reference={ticket['reference']}",
        "subject=My parcel {reference}",
        "order_reference=A-17",
        "promised_date=Friday 13 March 2026",
        "telephone=+34 910 000 000",
        "address=Calle Mayor 1, 28013 Madrid",
        "opening_hours=10 to 18",
        "support_address=support@demo.test",
        "review_url=https://reviews.example/shop",
    ]


def test_a_name_that_looks_like_a_placeholder_stays_a_name(api):
    name = "{agent_name} {{7*7}} {0.__class__}"
    ticket = api.opened(customer={"email": "eva@customer.test", "name": name, "language": "en"})
    put(api, macros={"hi": {"text": {"en": "Hello {customer_name|there}"}}})
    assert drafted(api, ticket, "hi")["text"] == f"Hello {name}"


def test_who_gave_no_name_is_greeted_without_one_and_the_agent_is_told(api):
    ticket = api.opened(customer={"email": "eva@customer.test", "language": "en"})
    got = drafted(api, ticket, "return-steps")
    assert got["text"].startswith("Hello,\n\nReturning your order is easy:")
    assert got["missing"] == ["customer_name", "order_reference"]


def test_a_language_that_a_macro_lacks_falls_back_to_the_storefronts_then_to_english(api):
    ticket = api.opened(customer={"email": "eva@customer.test", "name": "Eva", "language": "sv"})
    assert drafted(api, ticket, "how-it-works")["language"] == "en"
    put(api, language="fr", macros={"bon": {"text": {"fr": "Oui.", "es": "Sí."}}})
    assert drafted(api, ticket, "how-it-works")["language"] == "fr"
    assert drafted(api, ticket, "bon") == {
        "name": "bon", "technique": None, "language": "fr", "text": "Oui.", "missing": [],
    }  # fmt: skip


def test_a_day_in_a_language_without_words_for_it_is_written_in_figures(api):
    put(api, macros={"wanneer": {"text": {"nl": "{greeting|Hallo,} op {promised_date|?}", "en": "When"}}})
    ticket = api.opened(customer={"email": "eva@customer.test", "name": "Eva", "language": "nl"})
    api.patch(f"/v1/tickets/{ticket['reference']}", {"promised_at": "2026-03-13T00:00:00Z"})  # when the 12th ends
    got = drafted(api, ticket, "wanneer")
    assert (got["text"], got["missing"]) == ("Hallo, op 2026-03-12", ["greeting"])


def test_a_draft_writes_nothing_and_sends_nothing(api):
    ticket = api.opened()
    before = api.world.rows()
    drafted(api, ticket, "angry-customer")
    assert api.world.rows() == before


def test_a_draft_is_sent_as_a_reply(api):
    ticket = spanish(api)
    text = drafted(api, ticket, "more-information")["text"]
    answer = api.post(f"/v1/tickets/{ticket['reference']}/messages", {"body": text})
    assert answer.json_body["text"] == text
    sent = api.mails(ticket)[-1].get_body(("plain",)).get_content()
    assert sent.replace("\r\n", "\n").startswith(text + "\n\nAna\n")


# What a storefront makes of them


def listed(api, storefront="demo"):
    got = api.get(f"/v1/macros?storefront={storefront}").json_body
    assert got["next_cursor"] is None
    return {item["name"]: item for item in got["items"]}


def test_a_storefront_adds_replaces_and_takes_away(api):
    put(api, macros=OWN)
    found = listed(api)
    assert list(found) == [name for name in shipped() if name != "price-objection"] + ["gift-card"]
    assert found["gift-card"]["languages"] == ["en", "nl"]
    assert found["wrong-item"]["title"] == "The wrong item arrived"
    assert list(listed(api, "other")) == list(shipped())
    ticket = spanish(api)
    assert drafted(api, ticket, "gift-card")["text"] == "Gift of Demo Shop."
    assert drafted(api, ticket, "wrong-item") == {
        "name": "wrong-item",
        "technique": "problem-solution-benefit",
        "language": "en",
        "text": "Sorry, Eva: soon.",
        "missing": ["promised_date"],
    }
    assert drafted(api, ticket, "price-objection", 404)["detail"] == "There is no such macro."


def test_what_was_set_can_be_read_and_written_back(api):
    assert put(api)["macros"] == {}
    read = put(api, macros=OWN)
    assert read["macros"] == OWN
    again = api.ask("PUT", "/v1/storefronts/demo", read, by="admin").json_body
    assert again == read | {"version": read["version"] + 1}


def test_a_file_of_a_shopkeeper_may_hold_macros(api, tmp_path):
    (tmp_path / "shop.yaml").write_text("""
name: Lumen & Co
support_addresses: [support@demo.test]
macros:
  price-objection:   # not ours
  gift-card:
    title: The gift card
    text:
      en: |
        Hello {customer_name|there},

        your gift card is on its way.
""")
    (document,) = documents(tmp_path / "shop.yaml")
    put(api, **document)
    got = drafted(api, api.opened(), "gift-card")
    assert got["text"] == "Hello Eva,\n\nyour gift card is on its way.\n"
    assert "price-objection" not in listed(api)


# On a desk that none of it changes


@pytest.fixture(scope="module")
def room():
    with served() as one:
        yield one


@pytest.mark.parametrize(
    ("asked", "spoken", "says"),
    [
        ("de", "de", "so funktioniert unsere Hilfe"),
        ("es-MX", "es", "Así funciona nuestra ayuda"),
        ("EN", "en", "Here is how our help works"),
        ("sv", "es", "Así funciona nuestra ayuda"),
    ],
)
def test_an_agent_may_ask_for_another_language(room, asked, spoken, says):
    got = drafted(room, spanish(room), "how-it-works", language=asked)
    assert got["language"] == spoken
    assert says in got["text"]


def test_a_macro_or_a_ticket_that_is_not_there_is_told_apart(room):
    assert drafted(room, room.opened(), "no-such", 404)["detail"] == "There is no such macro."
    assert drafted(room, {"reference": "CL-00000-00000"}, "angry-customer", 404)["detail"] == "There is no such ticket."


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"language": "Spanish!"}, "/language"), ({"lang": "es"}, "/lang"), ({"language": 7}, "/language")],
)
def test_a_wrong_wish_is_refused(room, body, pointer):
    faults_of = drafted(room, room.opened(), "angry-customer", 422, **body)["errors"]
    assert [fault["pointer"] for fault in faults_of] == [pointer]


@pytest.mark.parametrize("who", ["storefront", "publishable"])
def test_macros_are_for_agents(room, who):
    ticket = room.opened()
    assert room.post(f"/v1/tickets/{ticket['reference']}/macros/angry-customer", by=who).status_code == 403
    assert room.get("/v1/macros?storefront=demo", by=who).status_code == 403


def test_macros_are_listed_with_title_technique_and_languages(room):
    found = listed(room)
    assert list(found) == list(shipped())
    assert found["angry-customer"] == {
        "name": "angry-customer", "title": "A customer is angry", "technique": "HEARD", "languages": sorted(LANGUAGES),
    }  # fmt: skip


def test_a_list_is_of_one_storefront_that_exists(room):
    for query in ("", "?storefront=nowhere"):
        got = room.get(f"/v1/macros{query}")
        assert got.status_code == 422
        assert got.json_body["errors"][0] == {"pointer": "/storefront", "detail": "must be one of: demo, other"}


GOOD = {"en": "Good."}


@pytest.mark.parametrize(
    ("macros", "pointer", "said"),
    [
        ({"x": {"text": {"en": "{colour|blue}"}}}, "/macros/x/text/en", "{colour}"),
        ({"x": {"text": GOOD | {"es": "{customer_name}"}}}, "/macros/x/text/es", "{customer_name|other words}"),
        ({"x": {"text": {"en": "{% if x %}"}}}, "/macros/x/text/en", "no placeholder"),
        ({"x": {"text": {"en": "a { b"}}}, "/macros/x/text/en", "brace"),
        ({"x": {"text": {"es": "Sí."}}}, "/macros/x/text", "must hold one in en,"),
        ({"x": {"text": {}}}, "/macros/x/text", "must hold one in en,"),
        ({"x": {"text": {"en": " "}}}, "/macros/x/text/en", "must not be empty"),
        ({"x": {"text": {"en": "x" * 4001}}}, "/macros/x/text/en", "longer"),
        ({"x": {"text": GOOD | {"English": "x"}}}, "/macros/x/text/English", "form"),
        ({"x": {"title": "X"}}, "/macros/x/text", "is missing"),
        ({"x": {"text": GOOD, "title": ""}}, "/macros/x/title", "empty"),
        ({"x": {"text": GOOD, "tone": "kind"}}, "/macros/x/tone", "is not a field"),
        ({"x": {"text": "Good."}}, "/macros/x/text", "must be an object"),
        ({"x": "Good."}, "/macros/x", "must be an object"),
        ({"My macro/1": {"text": GOOD}}, "/macros/My macro~11", "form"),
        ({"my/macro": None}, "/macros/my~1macro", "form"),
        ([], "/macros", "must be an object"),
        ({f"x{n}": {"text": {"en": "x" * 4000}} for n in range(26)}, "/macros", "more than 100 KB"),
    ],
)
def test_a_macro_that_cannot_be_is_refused_with_its_place(room, macros, pointer, said):
    before = room.get("/v1/storefronts/demo", by="admin").body
    (fault,) = put(room, 422, macros=macros)["errors"]
    assert fault["pointer"] == pointer
    assert said in fault["detail"]
    assert room.get("/v1/storefronts/demo", by="admin").body == before
