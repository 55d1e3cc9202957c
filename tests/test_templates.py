"""
Every mail and page, in every language, with all that a stranger may have typed.
"""

import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from chalicelib.adapters import templates
from chalicelib.adapters.templates import FOLDER, languages, mail, page
from chalicelib.domain.agents import MARK, Occasion, Trouble
from chalicelib.domain.language import LANGUAGE_WORDS
from chalicelib.domain.storefront import KINDS, SCALES, Contact, SurveyPolicy
from chalicelib.domain.ticket import Status
from chalicelib.mail.compose import Letter, compose

LANGUAGES = sorted(languages())
REFERENCE = "CL-7K3F9-Q2MXR"
SHOP = {
    "name": "Lumen & Co",
    "colour": "#1f5fa8",
    "signature": "The Lumen team\nMonday to Friday",
    "support_address": "support@demo.test",
    "time_zone": "Europe/Madrid",
    "contact": {
        "telephone": "+34 910 00-00-00",
        "address": "Calle Mayor 1\n28013 Madrid",
        "opening_hours": "Monday to Friday, 9 to 18",
    },
}
AT = datetime(2026, 3, 2, 9, 12, tzinfo=UTC)
PROMISE = {"by": datetime(2026, 3, 3, 16, 0, tzinfo=UTC), "time_zone": "Europe/Madrid"}
PROMISE_WORDS = {
    "en": "You will hear from us by Tuesday 3 March, 17:00 (Europe/Madrid).",
    "es": "Tendrá noticias nuestras a más tardar el martes 3 de marzo, 17:00 h (Europe/Madrid).",
    "pt": "Terá notícias nossas até terça-feira, 3 de março, 17:00 (Europe/Madrid).",
    "fr": "Vous aurez de nos nouvelles au plus tard le mardi 3 mars à 17 h 00 (Europe/Madrid).",
    "de": "Sie hören von uns bis Dienstag, 3. März, 17:00 Uhr (Europe/Madrid).",
    "it": "Riceverà nostre notizie entro martedì 3 marzo, ore 17:00 (Europe/Madrid).",
}
EXPIRES = datetime(2026, 3, 17, 9, 12, tzinfo=UTC)
TICKET_URL = "https://desk.test/tickets/k1.token?x=1&y=2"
SURVEY_URL = "https://desk.test/surveys/k1.token"
OPT_OUT_URL = "https://desk.test/check-ins/k1.token"
SOLVED_ON = datetime(2026, 3, 13, 9, 12, tzinfo=UTC)
SOLVED_ON_WORDS = {
    "en": "Friday 13 March 2026",
    "es": "viernes 13 de marzo de 2026",
    "pt": "sexta-feira, 13 de março de 2026",
    "fr": "vendredi 13 mars 2026",
    "de": "Freitag, 13. März 2026",
    "it": "venerdì 13 marzo 2026",
}
SILENCE = {
    "storefront": SHOP,
    "reference": REFERENCE,
    "subject": "Broken lamp",
    "customer_name": "Ana García",
    "ticket_url": TICKET_URL,
    "asked": "Thank you.\n\nIs your address the same as in\nhttps://shop.test/you?id=1&x=2 ?",
    "resolve_on": SOLVED_ON,
}
INVITATION = {
    "storefront": SHOP,
    "reference": REFERENCE,
    "customer_name": "Ana García",
    "survey_url": SURVEY_URL,
    "expires_on": EXPIRES,
    "form": "csat",
    "scale": (5, 4, 3, 2, 1),
}


def waiting(subject, due_at=None):
    return {"reference": REFERENCE, "subject": subject, "due_at": due_at, "url": "https://desk.test/t/1?a=1&b=2"}


SECTIONS = (
    {"title_key": "due_today", "items": (waiting("Broken lamp", PROMISE["by"]), waiting("Late")), "more": False},
    {"title_key": "at_risk", "items": (waiting("Old", AT), waiting("")), "more": True},
    {"title_key": "unhappy", "items": (), "more": False},
)
MAILS = {
    "ticket-received": {
        "storefront": SHOP,
        "reference": REFERENCE,
        "subject": "Broken lamp",
        "customer_name": "Ana García",
        "promise": PROMISE,
        "missing": ("order_reference", "photo"),
        "ticket_url": TICKET_URL,
    },
    "agent-reply": {
        "storefront": SHOP,
        "reference": REFERENCE,
        "subject": "Broken lamp",
        "agent_name": "Sam Rivera",
        "body": "Thank you.\n\nA new lamp is on its way:\nhttps://track.test/p?id=1&x=2\n\nIs your address the same?",
        "ticket_url": TICKET_URL,
        "quoted": "Hello,\n\nit arrived broken.",
        "quoted_at": AT,
        "on_page": (),
    },
    "survey-invitation": INVITATION,
    "survey-reminder": INVITATION,
    "silence-reminder": SILENCE,
    "silence-notice": SILENCE,
    "check-in": {
        "storefront": SHOP,
        "reference": REFERENCE,
        "subject": "Broken lamp",
        "customer_name": "Ana García",
        "ticket_url": TICKET_URL,
        "words": None,
        "opt_out_url": OPT_OUT_URL,
    },
    "digest": {
        "storefront": SHOP,
        "day": date(2026, 3, 3),
        "lead_name": "Sam Rivera",
        "sections": SECTIONS,
        "spam_count": "100+",
    },
    "agent-notification": {
        "storefront": SHOP,
        "reference": REFERENCE,
        "subject": "Broken lamp",
        "agent_name": "Sam Rivera",
        "mark": MARK,
        "occasion": "customer_wrote",
        "by": "Ana García",
        "writer": "Ana García",
        "words": "Hello,\n\nit arrived broken.",
        "files": ("lamp.jpg", "bill <1>.pdf"),
        "note_address": "support+n0te@shop.test",
        "ticket_url": TICKET_URL,
    },
    "agent-refusal": {
        "storefront": SHOP,
        "reference": REFERENCE,
        "subject": "Broken lamp",
        "agent_name": "Sam Rivera",
        "trouble": "no_address",
    },
}
TICKET = {
    "reference": REFERENCE,
    "status": "open",
    "subject": "Broken lamp",
    "created_at": AT,
    "promise": PROMISE,
    "missing": ("photo",),
}
FROM_CUSTOMER = {
    "author_role": "customer",
    "author_name": "Ana García",
    "created_at": AT,
    "text": "It arrived broken.\n\nSee https://photos.test/1",
    "quoted_text": "An older mail",
    "attachments": [{"name": "lamp.jpg", "size": 1_240_000, "url": "https://files.test/lamp?a=1&b=2"}],
    "id": "01ARZ3",
    "as_sent": "https://desk.test/tickets/t0k3n/messages/01ARZ3",
}
FROM_AGENT = {
    "author_role": "agent",
    "author_name": "Sam Rivera",
    "created_at": AT,
    "text": "See https://track.test/p?id=1&x=2.",
    "quoted_text": "",
    "attachments": [],
    "id": "01ARZ4",
    "as_sent": None,
}
SURVEY = {
    "storefront": SHOP,
    "state": "open",
    "reference": REFERENCE,
    "rating": 4,
    "solved": None,
    "agent": None,
    "comment": "",
    "expires_on": EXPIRES,
    "review_url": None,
    "notice": None,
    "form": "csat",
    "scale": (5, 4, 3, 2, 1),
    "reasons": ("slow", "not_solved", "The courier <was> late"),
    "chosen_reasons": ("not_solved",),
}
OPENAPI = {
    "info": {"title": "Careline", "version": "1"},
    "paths": {
        "/v1/tickets": {
            "post": {
                "summary": "Open a ticket",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"201": {"description": "Opened"}, "422": {"$ref": "#/components/responses/Problem"}},
            },
        },
        "/v1/tickets/{reference}": {
            "parameters": [{"$ref": "#/components/parameters/Reference"}],
            "get": {"summary": "Read a ticket", "responses": {"200": {"description": "Found"}}},
        },
    },
    "components": {
        "parameters": {
            "Reference": {"name": "reference", "in": "path", "required": True, "schema": {"type": "string"}}
        },
        "responses": {"Problem": {"description": "What is wrong"}},
        "schemas": {
            "New": {
                "required": ["subject"],
                "properties": {
                    "subject": {"type": ["string", "null"]},
                    "customer": {"properties": {"email": {}, "name": {}}},
                },
            }
        },
    },
}
UPLOAD = {"url": "https://files.test/bucket", "fields": {"key": "uploads/1", "policy": "p"}, "max_size": 20_000_000}
TICKET_PAGE = {
    "storefront": SHOP,
    "ticket": TICKET,
    "messages": [FROM_CUSTOMER, FROM_AGENT],
    "upload": UPLOAD,
    "notice": "sent",
    "attached": [{"id": "u1", "name": "shade.jpg"}],
    "once": "0123456789abcdef",
}
AS_SENT = {
    "storefront": SHOP,
    "message": FROM_CUSTOMER,
    "subject": "Broken <lamp>",
    "markup": '<p title="a &quot;b&quot;">It arrived <b>broken</b>.</p>',
    "back": "https://desk.test/tickets/t0k3n#01ARZ3",
    "pictures": "?pictures=yes",
}
PAGES = {
    "ticket": TICKET_PAGE,
    "message": AS_SENT,
    "survey": SURVEY,
    "opt-out": {"storefront": SHOP, "state": "ask"},
    "not-found": {},
    "problem": {"storefront": SHOP, "status": 503, "id": "1-abc"},
    "docs": {"openapi": OPENAPI},
}
EVERY_MAIL = [(what, language) for what in MAILS for language in LANGUAGES]
EVERY_PAGE = [(name, language) for name in PAGES for language in LANGUAGES]

BLOCKS = {"p", "li", "blockquote", "h1", "h2", "h3", "tr", "td", "title", "br", "label", "legend"}


class Reader(HTMLParser):
    """What a person sees of a page (a line for each block), and what is in it for a program."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags, self.attributes, self.texts, self.hidden = set(), [], [""], 0
        self.labels = set()
        self.button = False
        self.feed(html)
        self.lines = [line for line in (" ".join(text.split()) for text in self.texts) if line]

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.hidden += tag in {"style", "title"}
        self.button = tag == "a" and ("class", "button") in attrs
        if tag in BLOCKS:
            self.texts.append("")

    def handle_endtag(self, tag):
        self.hidden -= tag in {"style", "title"}
        if tag in BLOCKS:
            self.texts.append("")

    def handle_data(self, data):
        if not self.hidden:
            self.texts[-1] += data
            if self.button:
                self.labels.add(" ".join(data.split()))

    @property
    def links(self):
        return {value for _, name, value in self.attributes if name == "href"}

    @property
    def fields(self):
        return {value for _, name, value in self.attributes if name == "name"}


def strings(language):
    return json.loads((FOLDER / "strings" / f"{language}.json").read_text("utf-8"))


def words_of(what, language):
    return json.loads((FOLDER / "mail" / what / f"{language}.json").read_text("utf-8"))


def said(text):
    """Words as they are read: the spaces that keep French punctuation in its line are spaces."""
    return " ".join(text.split())


def spoken(language):
    return {"t": strings(language)}


# Languages


def test_customers_are_answered_in_six_languages_and_all_of_them_are_detected():
    assert languages() == {"en", "es", "pt", "fr", "de", "it"} == set(LANGUAGE_WORDS)


def test_every_mail_exists_in_every_language_and_is_tried_here():
    folders = {
        path.name: {file.name for file in path.iterdir()} for path in (FOLDER / "mail").iterdir() if path.is_dir()
    }
    files = {"subject.txt", "body.txt", "body.html", *(f"{language}.json" for language in languages())}
    assert folders == dict.fromkeys(MAILS, files)
    assert {path.stem for path in (FOLDER / "pages").glob("*.html")} == {*PAGES, "layout"}


def shape(node):
    if isinstance(node, dict):
        return {key: shape(value) for key, value in node.items()}
    if isinstance(node, list):
        return [shape(value) for value in node]
    assert node.strip() == node != "", node
    return sorted(re.findall(r"%\(\w+\)s|\{\w+\}", node))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_words_of_all_languages_have_the_same_places(language):
    told, model = strings(language), strings("en")
    # a language orders and leaves out parts of a date as it likes
    dates, usual = told.pop("dates"), model.pop("dates")
    assert {key: len(words) for key, words in dates.items() if isinstance(words, list)} == {"weekdays": 7, "months": 12}
    assert dates.keys() == usual.keys()
    assert [shape(dates[form]) for form in ("moment", "stamp", "day")] == [
        shape(usual[form]) for form in ("moment", "stamp", "day")
    ]
    assert told.pop("colon").strip() == model.pop("colon")
    assert shape(told) == shape(model)
    for what in MAILS:
        assert shape(words_of(what, language)) == shape(words_of(what, "en")), what


def all_words(language):
    """Every text of a language: those of the pages, and those of each mail."""
    nodes = [strings(language), *(words_of(what, language) for what in MAILS)]
    while nodes:
        match nodes.pop():
            case str(text):
                yield text
            case dict(node):
                nodes += node.values()
            case list(node):
                nodes += node


def test_no_language_borrows_a_sentence_of_another():
    without_values = {
        each: (re.sub(r"%\(\w+\)s|\{\w+\}", "", words) for words in all_words(each)) for each in LANGUAGES
    }
    told = {each: {text for text in texts if len(text.split()) > 3} for each, texts in without_values.items()}
    assert all(len(sentences) > 90 for sentences in told.values())
    assert not [(one, other) for one, other in combinations(LANGUAGES, 2) if told[one] & told[other]]


def test_french_marks_stay_in_the_line_of_their_word():
    words = [text for text in all_words("fr") if re.search(r"[:;?!«»]", text)]
    assert len(words) > 30
    assert not [text for text in words if re.search(r" [:;?!»]|« |\w[;?!»]", text)]


@pytest.mark.parametrize(
    ("asked", "given"), [("es", "es"), ("es-MX", "es"), ("PT_br", "pt"), ("nl", "en"), ("", "en"), ("../es", "en")]
)
def test_a_language_that_is_not_spoken_is_answered_in_english(asked, given):
    assert mail("ticket-received", asked, MAILS["ticket-received"]) == mail(
        "ticket-received", given, MAILS["ticket-received"]
    )
    assert f'<html lang="{given}">' in page("not-found", asked, {})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_and_every_demand_has_words(language):
    assert set(strings(language)["ticket"]["status"]) == set(Status)
    assert set(strings(language)["missing"]) == {key for kind in KINDS.values() for key in kind.asks_for}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_form_of_a_survey_and_every_reason_has_words(language):
    said = strings(language)
    assert {*said["scales"], *said["survey"]["question"]} == set(SCALES) == set(said["survey"]["question"])
    assert set(said["survey"]["reasons"]) == set(SurveyPolicy().reasons)
    for form, scale in SCALES.items():
        assert {str(scale[0]), str(scale[-1])} <= set(said["scales"][form]) <= {str(n) for n in scale}


# Mails


VARIANTS = [
    *((what, {}) for what in MAILS),
    *(
        (what, {"form": form, "scale": tuple(SCALES[form])})
        for what in ("survey-invitation", "survey-reminder")
        for form in SCALES
    ),
    *(
        (what, {"subject": None, "resolve_on": None, "asked": "", "ticket_url": None})
        for what in ("silence-reminder", "silence-notice")
    ),
    ("agent-reply", {"on_page": ("film.mp4", "plans <2>.zip")}),
    ("check-in", {"words": "Dear Ana,\n\nyour filter is one year old:\nhttps://shop.test/filters?a=1&b=2"}),
    ("check-in", {"subject": None, "ticket_url": None}),
    ("digest", {"sections": (), "spam_count": 0, "lead_name": ""}),
    *(("agent-notification", {"occasion": occasion.value, "by": "", "words": "", "files": ()}) for occasion in Occasion),
    *(("agent-refusal", {"trouble": trouble.value}) for trouble in Trouble),
    *((what, {"subject": ""}) for what in ("agent-notification", "agent-refusal")),
    *((what, {"storefront": {**SHOP, "contact": {"telephone": "", "address": "Here", "opening_hours": ""}}}) for what in MAILS),
]  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("what", "changed"), VARIANTS)
def test_text_and_html_of_a_mail_say_the_same(what, changed, language):
    rendered = mail(what, language, {**MAILS[what], **changed})
    seen = Reader(rendered.html)
    in_html = " ".join(seen.lines)
    in_text = said(re.sub(r"(?m)^(?:>|- ) ?", "", rendered.text))
    for line in rendered.text.splitlines():
        bare = said(re.sub(r"^(?:>|- ) ?|\s?:? https?://\S+$", "", line))
        assert bare in in_html or bare in seen.links, bare
    said_by_layout = {SHOP["name"], *seen.labels}
    for line in seen.lines:
        for part in line.split(" · "):
            assert part in in_text or part in said_by_layout, part
    for url in seen.links:
        assert url in rendered.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_acknowledgement_holds_number_promise_demands_and_link(language):
    rendered = mail("ticket-received", language, MAILS["ticket-received"])
    seen = Reader(rendered.html)
    for told in (said(rendered.text), " ".join(seen.lines)):
        assert REFERENCE in told
        assert PROMISE_WORDS[language] in told
        assert strings(language)["missing"]["order_reference"] in told
        assert strings(language)["missing"]["photo"] in told
        assert "Ana García" in told
    assert TICKET_URL in rendered.text
    assert TICKET_URL in seen.links
    assert rendered.subject == f"Re: [{REFERENCE}] Broken lamp"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_acknowledgement_without_promise_demands_and_link_says_nothing_of_them(language):
    bare = {**MAILS["ticket-received"], "promise": None, "missing": (), "ticket_url": None, "customer_name": ""}
    rendered = mail("ticket-received", language, bare)
    assert "http" not in rendered.text
    assert not Reader(rendered.html).links
    assert "<ul" not in rendered.html
    assert "\n\n\n" not in rendered.text
    assert not re.search(r"\b\d\d(:|\s?h\s?)\d\d\b", rendered.text)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["ticket-received", "agent-reply", "silence-reminder", "silence-notice", "check-in"])
def test_what_a_stranger_typed_is_not_mailed_to_the_address_he_named(what, language):
    rendered = mail(what, language, {**MAILS[what], "subject": None, "customer_name": "Win €500", "quoted": None})
    assert "Win" not in f"{rendered.subject}{rendered.text}{rendered.html}"
    assert rendered.subject.startswith(f"[{REFERENCE}] ")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_survey_has_one_link_for_each_rating_and_each_only_opens_the_page(language):
    rendered = mail("survey-invitation", language, MAILS["survey-invitation"])
    links = [f"{SURVEY_URL}?rating={n}" for n in range(1, 6)]
    assert Reader(rendered.html).links == set(links)
    for link, word in zip(links, strings(language)["scales"]["csat"].values(), strict=True):
        assert f"{word}{strings(language)['colon']} {link}" in rendered.text
        assert re.search(rf'href="{re.escape(link)}"[^>]*><strong>\d</strong>&ensp;{word}</a>', rendered.html)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["survey-invitation", "survey-reminder"])
@pytest.mark.parametrize(
    ("form", "listed"), [("csat", [5, 4, 3, 2, 1]), ("ces", [1, 2, 3, 4, 5, 6, 7]), ("nps", list(range(11)))]
)
def test_every_form_links_each_of_its_numbers_whatever_their_order(form, listed, what, language):
    for scale in (tuple(listed), tuple(reversed(listed)), SCALES[form]):
        rendered = mail(what, language, {**MAILS[what], "form": form, "scale": scale})
        assert re.findall(r"\?rating=(\d+)$", rendered.text, re.MULTILINE) == [str(n) for n in listed]
        assert re.findall(r"\?rating=(\d+)\"", rendered.html) == [str(n) for n in listed]
    for n, word in strings(language)["scales"][form].items():
        assert f"\n{n} {word}{strings(language)['colon']} {SURVEY_URL}?rating={n}\n" in rendered.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["survey-invitation", "survey-reminder"])
def test_every_form_asks_in_its_own_words(what, language):
    asked = [mail(what, language, {**INVITATION, "form": form, "scale": SCALES[form]}).subject for form in SCALES]
    assert len(set(asked)) == len(asked)
    with pytest.raises(UndefinedError):
        mail(what, language, {**INVITATION, "form": "stars"})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["silence-reminder", "silence-notice"])
def test_a_customer_who_is_silent_is_told_the_day_and_shown_the_question(what, language):
    rendered = mail(what, language, SILENCE)
    assert rendered.subject == f"Re: [{REFERENCE}] Broken lamp"
    assert SOLVED_ON_WORDS[language] in rendered.text
    assert "> Is your address the same as in\n> https://shop.test/you?id=1&x=2 ?\n" in rendered.text
    assert "https://shop.test/you?id=1&x=2" in Reader(rendered.html).links


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("what", ["silence-reminder", "silence-notice"])
def test_a_request_that_silence_does_not_solve_has_no_day(what, language):
    rendered = mail(what, language, {**SILENCE, "resolve_on": None, "asked": None})
    assert "2026" not in f"{rendered.text}{rendered.html}"
    assert "blockquote" not in Reader(rendered.html).tags
    assert "\n\n\n" not in rendered.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_check_in_says_how_to_stop_it(language):
    for words in (None, "Dear Ana,\n\n  how is the lamp?"):
        rendered = mail("check-in", language, {**MAILS["check-in"], "words": words})
        assert f"{strings(language)['opt_out']['stop']}{strings(language)['colon']} {OPT_OUT_URL}" in rendered.text
        assert OPT_OUT_URL in Reader(rendered.html).links
        assert rendered.text.startswith(words or strings(language)["mail"]["greeting"].format(name="Ana García"))


def test_a_check_in_with_words_of_a_person_goes_on_in_the_thread():
    check_in = MAILS["check-in"]
    assert mail("check-in", "en", check_in).subject == f"[{REFERENCE}] How is it going?"
    assert mail("check-in", "en", {**check_in, "words": "Hello"}).subject == f"Re: [{REFERENCE}] Broken lamp"
    assert (
        mail("check-in", "en", {**check_in, "words": "Hello", "subject": None}).subject
        == f"[{REFERENCE}] A message for you"
    )


DIGEST = MAILS["digest"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_digest_leaves_empty_sections_out_and_links_every_ticket(language):
    rendered, words = mail("digest", language, DIGEST), words_of("digest", language)
    assert [words["sections"][section["title_key"]] in rendered.text for section in SECTIONS] == [True, True, False]
    assert rendered.text.count(words["more"]) == rendered.html.count(words["more"]) == 1
    assert (
        rendered.text.count("https://desk.test/t/1?a=1&b=2")
        == rendered.html.count("https://desk.test/t/1?a=1&amp;b=2")
        == 4
    )
    assert words["untitled"] in rendered.text
    assert "100+" in rendered.text
    assert "{}" not in rendered.subject


def test_the_digest_tells_the_time_today_and_the_date_of_another_day():
    text = mail("digest", "en", DIGEST).text
    assert f"- Broken lamp\n  {REFERENCE} · due 17:00\n  https" in text
    assert f"- Old\n  {REFERENCE} · due 2 March 2026, 10:12\n  https" in text
    assert f"- Late\n  {REFERENCE}\n  https" in text
    assert mail("digest", "es", DIGEST).subject == "Su día en Lumen & Co: martes 3 de marzo de 2026"


@pytest.mark.parametrize("sections", [(), ({"title_key": "at_risk", "items": (), "more": False},)])
def test_a_digest_of_a_quiet_day_says_that_all_is_well(sections):
    for spam, told in ((0, False), (3, True)):
        text = mail("digest", "en", {**DIGEST, "sections": sections, "spam_count": spam}).text
        assert "All is well" in text
        assert ("spam: 3" in text) == told
        assert "\n\n\n" not in text
    assert "All is well" not in mail("digest", "en", DIGEST).text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_section_of_the_digest_has_a_title(language):
    titles = ("due_today", "at_risk", "unhappy", "undeliverable", "claims_waiting", "silent_claims")
    sections = tuple({"title_key": key, "items": (waiting("x"),), "more": False} for key in titles)
    text = mail("digest", language, {**DIGEST, "sections": sections}).text
    assert all(f"\n{words_of('digest', language)['sections'][key]}\n- x" in text for key in titles)


# How else a storefront is reached


@pytest.mark.parametrize(("what", "language"), EVERY_MAIL)
def test_every_mail_says_how_else_the_shop_is_reached(what, language):
    words, colon = strings(language)["contact"], strings(language)["colon"]
    for contact in (SHOP["contact"], Contact(**SHOP["contact"])):
        rendered = mail(what, language, {**MAILS[what], "storefront": {**SHOP, "contact": contact}})
        for line in ("telephone: +34 910 00-00-00", "address: Calle Mayor 1, 28013 Madrid", "opening_hours: Monday to"):
            key, _, fact = line.partition(": ")
            assert f"\n{words[key]}{colon} {fact}" in rendered.text
            assert said(f"{words[key]}{colon} {fact}") in "\n".join(Reader(rendered.html).lines)


NOWHERE = [{}, None, {"telephone": "", "address": "", "opening_hours": ""}, Contact()]


@pytest.mark.parametrize("what", [*MAILS, "ticket", "opt-out"])
def test_a_shop_without_contact_facts_says_nothing_of_them(what):
    context, bare = {**MAILS, **PAGES}[what], {name: value for name, value in SHOP.items() if name != "contact"}
    without = whole(what, {**context, "storefront": bare})
    assert "Telephone" not in without
    assert {whole(what, {**context, "storefront": {**bare, "contact": contact}}) for contact in NOWHERE} == {without}


@pytest.mark.parametrize(
    ("telephone", "link"),
    [
        ("+34 910 00-00-00", "tel:+34910000000"),
        ("(0)91/000.00", "tel:09100000"),
        ("112", "tel:112"),
        ("ask for Ana", ""),
        ("+34 910 ext. 4", ""),
        ("1+1 22", ""),
        ("+", ""),
        ("", ""),
    ],
)
def test_a_telephone_number_is_called_and_anything_else_is_read(telephone, link):
    assert templates.dialled(telephone) == link
    shop = {**SHOP, "contact": {**SHOP["contact"], "telephone": telephone}}
    html = page("opt-out", "en", {"storefront": shop, "state": "ask"})
    assert ('href="tel:' in html) == bool(link)
    assert telephone in html


@pytest.mark.parametrize(
    ("text", "said"), [("a\nb", "a, b"), (" a,\r\n\n b ; \n", "a, b"), ("a, b", "a, b"), ("", ""), ("\x00\n", "")]
)
def test_the_lines_of_an_address_stand_in_a_row(text, said):
    assert templates.row(text) == said


def test_a_rating_joins_the_address_it_is_given():
    assert templates.rated("https://desk.test/s?lang=es", 3) == "https://desk.test/s?lang=es&rating=3"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_agent_is_told_of_a_ticket_by_its_subject_else_by_its_number(language):
    for what in ("agent-notification", "agent-refusal"):
        for subject, told in (("Broken lamp", "Broken lamp"), ("", REFERENCE), (" \n ", REFERENCE)):
            text = mail(what, language, {**MAILS[what], "subject": subject}).text
            assert told in text.partition("Sam Rivera")[2].split("\n\n")[1]
            if what == "agent-refusal":
                assert re.search(rf"[«„“]\s?{told}\s?[»“”]", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_answer_links_the_customers_page_once(language):
    for on_page in ((), ("film.mp4",)):
        rendered = mail("agent-reply", language, {**MAILS["agent-reply"], "on_page": on_page})
        assert rendered.text.count(TICKET_URL) == rendered.html.count(f'href="{templates.escape(TICKET_URL)}"') == 1


def test_german_goes_on_in_lower_case_after_the_comma_of_its_greeting():
    texts = "".join(mail(what, "de", {**MAILS[what], **changed}).text for what, changed in VARIANTS)
    first = set(re.findall(r"(?m)^Guten Tag.*,\n\n(\w+)", texts))
    assert {word for word in first if not word.islower()} == {"Ihr", "Ihre", "Sie"}


def test_an_agents_words_stay_as_they_are():
    body = "Line one\n  indented <b>\n\n\nhttps://track.test/p?id=1&x=2, (https://a.test/b) ftp://x javascript:alert(1) https://."
    rendered = mail("agent-reply", "en", {**MAILS["agent-reply"], "body": body, "ticket_url": None})
    assert rendered.text.startswith(body)
    assert Reader(rendered.html).links == {"https://track.test/p?id=1&x=2", "https://a.test/b"}


@pytest.mark.parametrize(
    ("subject", "answered"),
    [
        ("Broken lamp", f"Re: [{REFERENCE}] Broken lamp"),
        ("RE: Re[2]: AW: Broken lamp", f"Re: [{REFERENCE}] Broken lamp"),
        ("R: RIF: RE : RES: Broken lamp", f"Re: [{REFERENCE}] Broken lamp"),
        (f"Re: [{REFERENCE}] Broken lamp", f"Re: [{REFERENCE}] Broken lamp"),
        ("Reply: no prefix", f"Re: [{REFERENCE}] Reply: no prefix"),
        ("two\r\nBcc: lines\x00", f"Re: [{REFERENCE}] two Bcc: lines"),
        ("", f"Re: [{REFERENCE}]"),
        ("x" * 500, f"Re: [{REFERENCE}] {'x' * 199}…"),
    ],
)
def test_the_number_stands_once_between_re_and_the_subject(subject, answered):
    assert templates.answering(subject, REFERENCE) == answered


@pytest.mark.parametrize(("what", "language"), EVERY_MAIL)
def test_a_subject_is_one_line(what, language):
    shop = {**SHOP, "name": "Lumen\r\nBcc: x"}
    rendered = mail(what, language, {**MAILS[what], "storefront": shop, "reference": "CL\r\nBcc: x", "subject": "a\nb"})
    assert "Bcc: x" in rendered.subject
    assert rendered.subject.isprintable()


@pytest.mark.parametrize(("what", "language"), EVERY_MAIL)
def test_every_mail_is_7_bit_on_the_wire_and_no_line_is_too_long(what, language):
    long_words = {
        "asked": "ñ" * 5000,
        "words": "ñ" * 5000,
        "lead_name": "名" * 2000,
        "body": "ñ" * 5000,
        "quoted": "x" * 5000,
        "customer_name": "名" * 2000,
        "subject": "y" * 5000,
    }
    rendered = mail(what, language, {**MAILS[what], **{k: v for k, v in long_words.items() if k in MAILS[what]}})
    letter = Letter(
        ("support@demo.test", "Lumen"), ("ana@demo.test", ""), rendered.subject, rendered.text, rendered.html
    )
    wire = compose(letter)
    assert wire.isascii()
    assert max(len(line) for line in wire.split(b"\r\n")) <= 998


def whole(what, context):
    """Render a mail or a page to HTML."""
    return mail(what, "en", context).html if what in MAILS else page(what, "en", context)


OPTIONAL = {
    "ticket": {"attached"},
    "problem": {"storefront", "id"},
    "survey": {"storefront", "review_url", "solved"},
    "opt-out": {"storefront"},
}


@pytest.mark.parametrize(
    ("what", "key"),
    [
        (what, key)
        for what, context in {**MAILS, **PAGES}.items()
        for key in context
        if key not in OPTIONAL.get(what, set())
    ],
)
def test_a_value_that_is_left_out_is_an_error_not_a_gap(what, key):
    context = {**MAILS, **PAGES}[what]
    with pytest.raises(UndefinedError):
        whole(what, {name: value for name, value in context.items() if name != key})


# Dates


@pytest.mark.parametrize(
    ("at", "zone", "english", "spanish"),
    [
        ("2026-03-03T16:00", "Europe/Madrid", "Tuesday 3 March, 17:00 (Europe/Madrid)", "martes 3 de marzo, 17:00 h (Europe/Madrid)"),
        # summer time began on 29 March
        ("2026-03-30T16:00", "Europe/Madrid", "Monday 30 March, 18:00 (Europe/Madrid)", "lunes 30 de marzo, 18:00 h (Europe/Madrid)"),
        # another day over there, and a place of two words
        ("2026-03-01T02:30", "America/New_York", "Saturday 28 February, 21:30 (America/New York)", "sábado 28 de febrero, 21:30 h (America/New York)"),
        # a shift that ends at midnight belongs to the day it ends
        ("2026-03-04T00:00", "UTC", "Tuesday 3 March, 23:59 (UTC)", "martes 3 de marzo, 23:59 h (UTC)"),
        ("2026-03-04T00:01", "UTC", "Wednesday 4 March, 00:01 (UTC)", "miércoles 4 de marzo, 00:01 h (UTC)"),
    ],
)  # fmt: skip
def test_a_promise_is_told_on_the_clock_of_the_shop(at, zone, english, spanish):
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert templates.moment(spoken("en"), moment, zone) == english
    assert templates.moment(spoken("es"), moment, zone) == spanish


NBSP = "\u00a0"


@pytest.mark.parametrize(
    ("language", "moment", "stamp", "day", "clock"),
    [
        ("en", "Sunday 1 March, 09:05 (UTC)", "1 March 2026, 09:05", "Sunday 1 March 2026", "09:05"),
        ("es", "domingo 1 de marzo, 09:05 h (UTC)", "1 de marzo de 2026, 09:05 h", "domingo 1 de marzo de 2026", "09:05 h"),
        ("pt", "domingo, 1 de março, 09:05 (UTC)", "1 de março de 2026, 09:05", "domingo, 1 de março de 2026", "09:05"),
        ("fr", f"dimanche 1er mars à 09{NBSP}h{NBSP}05 (UTC)", f"1er mars 2026 à 09{NBSP}h{NBSP}05", "dimanche 1er mars 2026", f"09{NBSP}h{NBSP}05"),
        ("de", "Sonntag, 1. März, 09:05 Uhr (UTC)", "1. März 2026 um 09:05 Uhr", "Sonntag, 1. März 2026", "09:05 Uhr"),
        ("it", "domenica 1º marzo, ore 09:05 (UTC)", "1º marzo 2026, ore 09:05", "domenica 1º marzo 2026", "09:05"),
    ],
)  # fmt: skip
def test_every_language_tells_dates_in_its_own_form(language, moment, stamp, day, clock):
    first = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
    assert templates.moment(spoken(language), first, "UTC") == moment
    assert templates.stamp(spoken(language), first, "UTC") == stamp
    assert templates.day(spoken(language), first) == day
    assert templates.due(spoken(language), first, "UTC", first.date()) == clock


def test_days_and_moments_of_the_past_have_their_year():
    assert templates.stamp(spoken("en"), AT, "Europe/Madrid") == "2 March 2026, 10:12"
    assert templates.stamp(spoken("es"), AT, "Europe/Madrid") == "2 de marzo de 2026, 10:12 h"
    assert templates.day(spoken("en"), date(2026, 3, 13)) == "Friday 13 March 2026"
    late = datetime(2026, 3, 13, 23, 30, tzinfo=UTC)
    assert templates.day(spoken("en"), late, "Europe/Madrid") == "Saturday 14 March 2026"
    assert templates.last_day(spoken("en"), EXPIRES, "Europe/Madrid") == "Monday 16 March 2026"
    assert templates.last_day(spoken("es"), EXPIRES, "Europe/Madrid") == "lunes 16 de marzo de 2026"


@pytest.mark.parametrize(
    ("expires", "zone", "last"),
    [
        ("2026-03-17T09:12", "UTC", "Monday 16 March 2026"),
        ("2026-03-17T00:00", "UTC", "Monday 16 March 2026"),
        ("2026-03-17T02:00", "America/New_York", "Sunday 15 March 2026"),
    ],
)
def test_a_survey_is_open_at_least_as_long_as_it_says(expires, zone, last):
    assert templates.last_day(spoken("en"), datetime.fromisoformat(expires).replace(tzinfo=UTC), zone) == last


@pytest.mark.parametrize(
    ("at", "english", "spanish"),
    [
        ("2026-03-03T16:00", "17:00", "17:00 h"),
        # the end of the day belongs to the day, and the next minute to the next
        ("2026-03-03T23:00", "23:59", "23:59 h"),
        ("2026-03-03T23:01", "4 March 2026, 00:01", "4 de marzo de 2026, 00:01 h"),
        ("2026-03-02T22:59", "2 March 2026, 23:59", "2 de marzo de 2026, 23:59 h"),
    ],
)
def test_what_is_due_today_is_told_by_the_clock(at, english, spanish):
    moment, today = datetime.fromisoformat(at).replace(tzinfo=UTC), date(2026, 3, 3)
    assert templates.due(spoken("en"), moment, "Europe/Madrid", today) == english
    assert templates.due(spoken("es"), moment, "Europe/Madrid", today) == spanish


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [(12, "1 KB", "1 ko"), (240_400, "240 KB", "240 ko"), (999_700, "1 MB", "1 Mo"), (1_240_000, "1.2 MB", "1,2 Mo")],
)
def test_the_size_of_a_file_is_told_in_words(count, english, french):
    assert templates.size(spoken("en"), count) == english
    assert templates.size(spoken("fr"), count) == french


# Pages


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_ticket_page_shows_status_promise_conversation_and_a_form(language):
    seen = Reader(page("ticket", language, TICKET_PAGE))
    said = "\n".join(seen.lines)
    for fact in (REFERENCE, PROMISE_WORDS[language], "Broken lamp", "It arrived broken.", "Sam Rivera", "lamp.jpg"):
        assert fact in said
    assert strings(language)["ticket"]["status"]["open"][1] in said
    assert {"body", "once", "supervisor", "attachment", "file", "key", "policy"} <= seen.fields
    assert ("form", "action", UPLOAD["url"]) in seen.attributes
    assert "details" in seen.tags


def test_links_of_agents_are_links_and_those_of_customers_are_words():
    links = Reader(page("ticket", "en", TICKET_PAGE)).links
    assert "https://track.test/p?id=1&x=2" in links
    assert "https://photos.test/1" not in links


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_page(status, language):
    said = page("ticket", language, {**TICKET_PAGE, "ticket": {**TICKET, "status": status}, "upload": None})
    assert templates.escape(strings(language)["ticket"]["status"][status][1]) in said
    assert ('name="supervisor"' in said) == (status not in {"closed", "merged", "spam"})
    assert 'type="file"' not in said


@pytest.mark.parametrize("notice", sorted(strings("en")["ticket"]["notice"]))
def test_every_notice_is_told_to_screen_readers(notice):
    said = page("ticket", "en", {**TICKET_PAGE, "notice": notice})
    assert f'role="status">{strings("en")["ticket"]["notice"][notice]}<' in said


def checked(html, name):
    return re.findall(rf'name="{name}" value="(\w+)" checked', html)


def test_the_survey_opens_with_the_rating_that_was_chosen_in_the_mail():
    assert checked(page("survey", "en", SURVEY), "rating") == ["4"]
    assert checked(page("survey", "en", {**SURVEY, "rating": None}), "rating") == []


def test_a_survey_that_is_changed_shows_what_was_said():
    said = page("survey", "en", {**SURVEY, "solved": False, "agent": 5, "comment": "\nlate\n"})
    assert checked(said, "solved") == ["no"]
    assert checked(said, "agent") == ["5"]
    assert "\n\nlate\n</textarea>" in said


@pytest.mark.parametrize(("form", "rating"), [("csat", 5), ("ces", 7), ("nps", 10)])
def test_a_review_is_asked_for_when_there_is_a_place_for_it(form, rating):
    thanks = {**SURVEY, "state": "thanks", "form": form, "scale": SCALES[form], "rating": rating}
    for url, shown in ((None, False), ("", False), ("javascript:x", False), ("https://reviews.test/lumen", True)):
        html = page("survey", "es", {**thanks, "review_url": url})
        assert (strings("es")["survey"]["review"] in html) == shown
        assert ("https://reviews.test/lumen" in Reader(html).links) == shown


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", SCALES)
def test_every_form_offers_every_number_of_its_scale_and_keeps_the_one_chosen(form, language):
    scale = SCALES[form]
    for order in (tuple(scale), tuple(reversed(scale))):
        for chosen in scale:
            html = page("survey", language, {**SURVEY, "form": form, "scale": order, "rating": chosen})
            assert re.findall(r'name="rating" value="(\d+)"', html) == [str(n) for n in scale]
            assert checked(html, "rating") == [str(chosen)]
    assert strings(language)["survey"]["question"][form] in html
    said = " ".join(Reader(html).lines)
    for n, word in strings(language)["scales"][form].items():
        assert f"{n} {word}" in said
    assert checked(page("survey", language, {**SURVEY, "form": form, "scale": scale, "rating": None}), "rating") == []


@pytest.mark.parametrize(
    ("form", "rating", "said"),
    [
        ("csat", 4, "Your rating: 4 of 5, Good"),
        ("ces", 7, "Your rating: 7 of 7, Very easy"),
        ("ces", 6, "Your rating: 6 of 7"),
        ("nps", 0, "Your rating: 0 of 10, Definitely not"),
        ("nps", 9, "Your rating: 9 of 10"),
    ],
)
def test_the_thanks_repeat_what_was_given(form, rating, said):
    thanks = {**SURVEY, "state": "thanks", "form": form, "scale": SCALES[form], "rating": rating}
    assert said in Reader(page("survey", "en", thanks)).lines


@pytest.mark.parametrize(
    ("form", "range_words"), [("csat", "from 1 to 5"), ("ces", "from 1 to 7"), ("nps", "from 0 to 10")]
)
def test_a_survey_without_a_rating_says_what_to_choose(form, range_words):
    html = page("survey", "en", {**SURVEY, "form": form, "scale": SCALES[form], "rating": None, "notice": "rating"})
    assert f"Please choose a rating {range_words}, then send it." in Reader(html).lines


def test_reasons_can_be_chosen_several_at_a_time_and_stay_chosen():
    html = page("survey", "en", {**SURVEY, "chosen_reasons": ("slow", "The courier <was> late")})
    assert re.findall(r'type="checkbox" name="reason" value="([^"]+)"( checked)?', html) == [
        ("slow", " checked"), ("not_solved", ""), ("The courier &lt;was&gt; late", " checked"),
    ]  # fmt: skip
    assert {"How quickly we answered", "The solution", "The courier <was> late"} <= set(Reader(html).lines)
    assert strings("en")["survey"]["better"] not in page("survey", "en", {**SURVEY, "reasons": ()})


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_are_stopped_by_a_button_and_by_nothing_else(language):
    words = strings(language)["opt_out"]
    ask, done = (page("opt-out", language, {"storefront": SHOP, "state": state}) for state in ("ask", "done"))
    assert f'<form method="post">\n<button>{words["stop"]}</button>' in ask
    assert said(words["title"]) in Reader(ask).lines
    assert "form" not in Reader(done).tags
    assert said(words["done"]) in Reader(done).lines


def test_a_survey_that_is_over_needs_no_facts_and_has_no_form():
    assert "form" not in Reader(page("survey", "en", {"state": "expired", "storefront": SHOP})).tags


def test_a_page_that_does_not_exist_names_nobody():
    said = page("not-found", "en", {})
    assert Reader(said).lines == [strings("en")["layout"]["skip"], *strings("en")["not_found"].values()]


@pytest.mark.parametrize(("status", "words"), [(503, "503"), (418, "400"), (502, "500"), (413, "413")])
def test_a_problem_says_what_to_do(status, words):
    lines = Reader(page("problem", "en", {"status": status})).lines
    assert lines[1:] == strings("en")["problem"][words]


def test_the_docs_list_every_operation():
    lines = Reader(page("docs", "en", {"openapi": OPENAPI})).lines
    for said in (
        "POST /v1/tickets",
        "GET /v1/tickets/{reference}",
        "reference needed",
        "What is wrong",
        "subject needed",
        "string or null",
        "email, name",
    ):
        assert said in lines


@pytest.mark.parametrize(("name", "language"), EVERY_PAGE)
def test_a_page_brings_everything_with_it_and_runs_nothing(name, language):
    html = page(name, language, PAGES[name])
    seen = Reader(html)
    assert not seen.tags & {"script", "link", "img", "object", "embed", "base"}
    frames = [value for tag, attribute, value in seen.attributes if tag == "iframe" and attribute == "sandbox"]
    assert frames == (["allow-popups allow-popups-to-escape-sandbox"] if "iframe" in seen.tags else [])
    assert not re.search(r"@import|url\(", html)
    assert not [name for _, name, _ in seen.attributes if name.startswith("on") or name in {"src", "style"}]
    assert ("meta", "content", "no-referrer") in seen.attributes
    assert seen.tags >= {"html", "main", "h1", "title"}


@pytest.mark.parametrize("name", ["ticket", "survey"])
def test_every_field_has_a_label_that_screen_readers_read(name):
    html = page(name, "en", PAGES[name])
    named = set(re.findall(r'<label for="([\w-]+)"', html))
    unlabelled = re.sub(r"<label>.*?</label>", "", html)
    fields = [field for field in re.findall(r"<(?:input|textarea)[^>]*>", unlabelled) if 'type="hidden"' not in field]
    assert fields
    for field in fields:
        assert re.search(r'id="([\w-]+)"', field)[1] in named


# Hostile values

TRICKS = (
    '"><script>alert(1)</script>',
    "'><img src=x onerror=alert(1)>",
    "</title></style></textarea><svg onload=alert(1)>",
    "{{ 7*7 }}{% raw %}",
    "<script>alert(1)</script> https://x.test <script>",
    "javascript:alert(1)//https://x",
    'https://x.test/"onmouseover=alert(1)//',
)
NOT_HOSTILE = {
    "status",
    "state",
    "author_role",
    "notice",
    "time_zone",
    "method",
    "title_key",
    "form",
    "occasion",
    "trouble",
}


def hostile(node, trick, key=""):
    if isinstance(node, dict):
        return {name: hostile(value, trick, name) for name, value in node.items()}
    if isinstance(node, list | tuple):
        return [hostile(value, trick, key) for value in node]
    return trick if isinstance(node, str) and key not in NOT_HOSTILE else node


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("what", [*MAILS, "ticket", "survey", "opt-out", "problem"])
def test_what_a_stranger_types_is_words_and_nothing_else(what, trick):
    kind = Reader(whole(what, {**MAILS, **PAGES}[what]))
    seen = Reader(whole(what, hostile({**MAILS, **PAGES}[what], trick)))
    assert seen.tags <= kind.tags | {"ul", "li", "a"}
    assert {(tag, name) for tag, name, _ in seen.attributes} <= {
        *((tag, name) for tag, name, _ in kind.attributes), ("a", "href"), ("a", "rel"), ("input", "type"),
        ("input", "name"), ("input", "value"),
    }  # fmt: skip
    for tag, name, value in seen.attributes:
        if name == "href" or (tag, name) == ("form", "action"):
            assert re.match(r"https?://[^\s\"<>]+$|mailto:[\w%/.-]+$|tel:\+?\d+$|#\w*$|\?$", value), value
        if name == "style":
            assert "alert" not in value


@pytest.mark.parametrize(
    ("url", "web"),
    [
        ("https://shop.test/a?b=c#d", True),
        ("HTTP://shop.test", True),
        ("/v1/files/1", True),
        ("?", True),
        ("//evil.test", False),
        ("/\\evil.test", False),
        ("https:evil", False),
        ("https://", False),
        ("javascript:alert(1)", False),
        ("\njavascript:alert(1)", False),
        ("https://shop.test/\nx", False),
        ("data:text/html,x", False),
        ("mailto:a@b.test", False),
        ("", False),
    ],
)
def test_links_lead_to_the_web_only(url, web):
    assert templates.is_web(url) == web
    assert templates.href(url) == (url if web else "#")


def test_a_colour_that_is_none_is_not_written_into_a_style():
    html = page("problem", "en", {"storefront": {**SHOP, "colour": "red}body{display:none"}, "status": 500})
    assert "display:none" not in html


COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@settings(deadline=None)
@given(COLOURS, st.sampled_from(["#ffffff", "#1d2125", "#f6f8fa"]))
def test_the_colour_of_any_shop_can_be_read(colour, background):
    shade = templates.readable(colour, background)
    assert templates._contrast(shade, background) >= 4.5
    assert templates._contrast(shade, templates.ink(shade)) >= 4.5


def test_black_on_white_is_21_to_1():
    assert templates._contrast("#000000", "#ffffff") == pytest.approx(21)
    assert templates._contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_the_colours_of_pages_can_be_read():
    layout = (FOLDER / "pages" / "layout.html").read_text("utf-8")
    by_day, by_night = re.findall(r"--page: .*", layout)
    for colours in (by_day, by_night):
        named = dict(re.findall(r"--(\w+): (#\w{6})", colours))
        for back in ("page", "card", "soft"):
            assert templates._contrast(named["text"], named[back]) >= 7
            assert templates._contrast(named["quiet"], named[back]) >= 4.5
            assert templates._contrast(named["edge"], named[back]) >= 3


@pytest.mark.parametrize("colour", ["#1f5fa8", "#ffe14d", "#000000", "#ffffff", "#808080", "#00c853", "#7a0033"])
def test_the_colour_of_a_shop_can_be_read_everywhere_on_a_page(colour):
    html = page("problem", "en", {"storefront": {**SHOP, "colour": colour}, "status": 500})
    backs = re.findall(r"--page: (#\w{6}); --card: (#\w{6}).*--soft: (#\w{6})", html)
    brands = re.findall(r"--brand: (#\w{6}); --on-brand: (#\w{6})", html)
    assert len(backs) == len(brands) == 2
    for three, (brand, on_brand) in zip(backs, brands, strict=True):
        assert min(templates._contrast(brand, back) for back in three) >= 4.5
        assert templates._contrast(brand, on_brand) >= 4.5
