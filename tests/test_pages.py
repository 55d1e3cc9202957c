"""
The pages for customers: a ticket behind its signed link, and the survey.
"""

import html
import itertools
import re
from email.message import EmailMessage

import pytest

from chalicelib.domain.signing import Purpose, link_token
from chalicelib.usecases import due
from tests.api import served

_people = itertools.count(1)


@pytest.fixture(scope="module")
def api():
    with served() as one:
        yield one


@pytest.fixture
def someone():
    """An address that no other test has."""
    return f"person{next(_people)}@customer.test"


def at(ticket, rest=""):
    return f"/v1/tickets/{ticket['reference']}{rest}"


def test_the_page_shows_the_conversation_without_notes(api, someone):
    ticket = api.opened(customer={"email": someone, "name": "Eva"}, subject="<b>My</b> parcel")
    api.post(at(ticket, "/messages"), {"body": "Looks lost.", "internal": True})
    api.post(at(ticket, "/messages"), {"body": "We are looking."})
    answer = api.get(api.page(ticket), by=None)
    shown = answer.body.decode()
    assert answer.status_code == 200
    assert ticket["reference"] in shown
    assert "Where is it?" in shown
    assert "We are looking." in shown
    assert "Looks lost." not in shown
    assert "&lt;b&gt;My&lt;/b&gt; parcel" in shown
    assert "<script" not in shown
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


HOSTILE = """<p onclick="alert(1)">Look at <b>this</b><script>alert(2)</script><img src="cid:lamp@pics" alt="lamp">
<img src="https://tracker.test/dot.gif"><a href="https://evil.test/x">https://bank.test</a></p>\"><script>alert(3)</script>"""


def test_a_mail_is_shown_as_it_was_sent_in_a_frame_where_nothing_runs(api, someone):
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = someone, "support@demo.test", "A lamp"
    mail["Message-ID"] = f"<as-sent-{someone}>"
    mail.set_content("Look at this")
    mail.add_alternative(HOSTILE, subtype="html")
    mail.get_payload()[1].add_related(b"\x89PNG\r\n\x1a\n", "image", "png", cid="<lamp@pics>", filename="lamp.png")
    ticket = {"reference": api.world.receive(mail).reference}
    api.world.settle()
    page = api.page(ticket)
    (link,) = re.findall(
        r'href="(https://desk.test/tickets/[^"]*/messages/[^"]*)"', api.get(page, by=None).body.decode()
    )
    answer = api.get(link.removeprefix("https://desk.test"), by=None)
    shown = answer.body.decode()
    (frame,) = re.findall(r'srcdoc="([^"]*)"', shown)
    inside = html.unescape(frame)
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in shown
    assert "<script" not in shown + inside
    assert "onclick" not in inside
    assert "<b>this</b>" in inside
    assert 'data-src="https://tracker.test/dot.gif"' in inside
    assert "[evil.test]" in inside
    (picture,) = re.findall(r'<img[^>]* src="([^"]*)"', inside)
    policy = answer.headers["Content-Security-Policy"]
    assert f"img-src data: {picture.partition('/careline-files')[0]};" in policy
    with_pictures = api.get(f"{link.removeprefix('https://desk.test')}?pictures=yes", by=None)
    assert ' src="https://tracker.test/dot.gif"' in html.unescape(with_pictures.body.decode())
    assert "https: http:;" in with_pictures.headers["Content-Security-Policy"]


def test_as_it_was_sent_there_is_nothing_of_others(api, someone):
    ticket = api.opened(customer={"email": someone})
    note = api.post(at(ticket, "/messages"), {"body": "Looks lost.", "internal": True}).json_body
    for message in (note["id"], "01ARZ3NDEKTSV4RRFFQ69G5FAV", "..%2F..", "TICKET"):
        assert api.get(f"{api.page(ticket)}/messages/{message}", by=None).status_code == 404
    assert api.get(f"/tickets/forged/messages/{note['id']}", by=None).status_code == 404


def test_the_page_hides_third_parties(api, someone):
    ticket = api.opened(customer={"email": someone})
    page = api.page(ticket)
    stranger = EmailMessage()
    stranger["From"], stranger["To"], stranger["Subject"] = "mallory@elsewhere.test", "support@demo.test", "hi"
    stranger["References"] = api.mails(ticket)[0]["References"]
    stranger.set_content("Send it to me instead.")
    assert api.world.receive(stranger).reference == ticket["reference"]
    assert b"instead" not in api.get(page, by=None).body


def test_words_from_the_page_open_the_ticket_again_and_count_once(api, someone):
    ticket = api.opened(customer={"email": someone})
    page = api.page(ticket)
    api.post(at(ticket, "/messages"), {"body": "On its way."})
    once = re.search(r'name="once" value="(\w+)"', api.get(page, by=None).body.decode())[1]
    for _ in range(2):
        answer = api.form(page, body="When?\r\nToday?", once=once)
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"https://desk.test{page}?notice=sent"
    said = [m for m in api.get(at(ticket, "/messages")).json_body["items"] if m["text"] == "When?\nToday?"]
    assert [(m["author"]["role"], m["verified"]) for m in said] == [("customer", True)]
    assert api.get(at(ticket)).json_body["status"] == "open"


def test_files_from_the_page_go_with_the_next_words(api, someone):
    ticket = api.opened(customer={"email": someone})
    page, upload = api.page(ticket), api.upload("a.png", b"\x89PNG")
    shown = api.get(f"{page}?uploaded={upload}", by=None).body.decode()
    assert f'value="{upload}"' in shown
    api.form(page, body="Here.", attachment=[upload])
    assert api.get(at(ticket, "/messages")).json_body["items"][-1]["attachments"][0]["name"] == "a.png"


def test_a_customer_asks_for_a_supervisor(api, someone):
    ticket = api.opened(customer={"email": someone})
    answer = api.form(api.page(ticket), supervisor="yes")
    assert answer.headers["Location"].endswith("notice=asked-supervisor")
    api.world.stream()
    assert [e["reason"] for e in api.world.escalations() if e["ticket"] == ticket["reference"]] == [
        "supervisor_requested"
    ]


def test_nothing_written_is_nothing_sent(api, someone):
    ticket = api.opened(customer={"email": someone})
    assert api.form(api.page(ticket), body="  \r\n").headers["Location"].endswith("notice=empty")
    assert api.get(at(ticket)).headers["ETag"] == '"1"'


def test_a_link_that_is_not_good_says_nothing(api, someone):
    ticket, other = api.opened(customer={"email": someone}), api.opened(customer={"email": someone})
    page, others = api.page(ticket), api.page(other)
    number, _, rest = page.removeprefix("/tickets/").partition(".")
    bad = [
        f"/tickets/{others.removeprefix('/tickets/').partition('.')[0]}.{rest}",
        page[:-1] + ("0" if page[-1] != "0" else "1"),
        f"/tickets/{number}",
        f"/tickets/{ticket['reference']}",
        "/tickets/nonsense",
        page.replace("/tickets/", "/surveys/"),
    ]
    answers = [api.get(path, by=None) for path in bad] + [api.form(bad[1], body="Hi"), api.form(bad[-1], rating="1")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.body for answer in answers}) == 1
    assert ticket["reference"].encode() not in answers[0].body
    assert api.get(at(ticket)).headers["ETag"] == '"1"'


@pytest.mark.parametrize("purpose", [Purpose.PAGE, Purpose.SURVEY])
@pytest.mark.parametrize(("recipient", "epoch"), [("mallory@elsewhere.test", 0), (None, 1)])
def test_a_link_is_good_for_who_takes_part_and_until_it_is_voided(api, survey, purpose, recipient, epoch):
    ticket, _ = survey
    cycle = 1 if purpose is Purpose.SURVEY else 0
    to = recipient or ticket["customer"]["email"]
    token = link_token(api.world.desk.keys(), purpose, ticket["reference"], to, epoch, cycle)
    path = f"/{'surveys' if cycle else 'tickets'}/{token}"
    assert api.get(path, by=None).status_code == 404
    assert api.form(path, rating="1", body="Hello").status_code == 404


# The survey


@pytest.fixture
def survey(api, someone):
    """A ticket whose customer was asked, the survey's path, and the address."""
    started = api.world.now
    ticket = api.opened(customer={"email": someone})
    api.post(at(ticket, "/messages"), {"body": "Done."})
    api.post(at(ticket, "/resolve"))
    due.fire(api.world.desk, ticket["reference"], api.world.later(hours=25))
    yield ticket, api.page(ticket, "surveys")
    api.world.now = started


def test_looking_at_a_survey_records_nothing(api, survey):
    ticket, page = survey
    before = api.get(at(ticket)).json_body
    for rating in ("", "?rating=1", "?rating=5", "?rating=9"):
        answer = api.get(f"{page}{rating}", by=None)
        assert answer.status_code == 200
    assert b'value="5" checked' in api.get(f"{page}?rating=5", by=None).body
    assert api.get(at(ticket)).json_body == before


def test_a_rating_is_recorded_and_can_be_changed(api, survey):
    ticket, page = survey
    assert api.form(page, rating="4", solved="yes", agent="5", comment=" Thanks! ").status_code == 200
    said = api.get(at(ticket)).json_body
    assert (said["rating"], said["status"]) == (4, "resolved")
    assert {name: said["survey"][name] for name in ("solved", "agent", "comment")} == {
        "solved": True,
        "agent": 5,
        "comment": "Thanks!",
    }
    api.form(page, rating="1", comment="It broke again.")
    said = api.get(at(ticket)).json_body
    assert (said["rating"], said["status"], said["tags"]) == (1, "open", ["bad-csat"])
    assert "bad_rating" in api.told(ticket)


@pytest.mark.parametrize(
    "fields", [{}, {"rating": "0"}, {"rating": "6"}, {"rating": "five"}, {"rating": "4", "agent": "9"}]
)
def test_a_rating_that_is_none_is_asked_for_again(api, survey, fields):
    ticket, page = survey
    answer = api.form(page, comment="Hm", **fields)
    assert answer.status_code == 422
    assert answer.headers["Content-Type"].startswith("text/html")
    assert api.get(at(ticket)).json_body["rating"] is None


def test_a_survey_expires_after_two_weeks(api, survey):
    ticket, page = survey
    api.world.later(days=14)
    assert api.get(page, by=None).status_code == 410
    assert api.form(page, rating="5").status_code == 410
    assert api.get(at(ticket)).json_body["rating"] is None


def test_a_tampered_survey_is_not_there(api, survey):
    _, page = survey
    for bad in (
        page[:-1] + ("0" if page[-1] != "0" else "1"),
        page.replace(".1.", ".2."),
        page.replace("/surveys/", "/tickets/"),
    ):
        assert api.get(bad, by=None).status_code == 404
        assert api.form(bad, rating="1", body="x").status_code == 404
