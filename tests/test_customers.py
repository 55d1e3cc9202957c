"""
Customers by their address, over HTTP: what is known, whether mail goes there, and what they want no more.
"""

from datetime import timedelta

import pytest

from chalicelib.usecases import due
from tests.api import served


@pytest.fixture
def api():
    with served() as one:
        yield one


def known(api, address="eva@customer.test", **more):
    return api.get(f"/v1/customers/{address}", **more)


def bounced(api):
    ticket = api.opened(customer={"email": "eva@customer.test", "name": "Eva"})
    api.world.stream()
    api.world.tell_feedback("Send", "Bounce")
    return ticket


def asked(api):
    """Let an agent ask Eva something; return her ticket's number."""
    number = api.opened(customer={"email": "eva@customer.test"})["reference"]
    api.world.settle()
    api.post(f"/v1/tickets/{number}/messages", {"body": "Which colour do you like?"})
    api.world.settle()
    return number


def test_an_agent_sees_that_mail_does_not_arrive_until_when_and_why(api):
    bounced(api)
    shown = known(api).json_body
    assert (shown["email"], shown["name"], shown["opted_out"]) == ("eva@customer.test", "Eva", False)
    assert shown["suppressed"]["reason"]
    assert shown["suppressed"]["until"] == (api.world.now + timedelta(days=60)).isoformat().replace("+00:00", "Z")
    api.world.later(days=61)
    assert known(api).json_body["suppressed"] is None


def test_an_agent_lets_mail_go_there_again(api):
    ticket = bounced(api)
    assert api.ask("DELETE", "/v1/customers/eva%40customer.test/suppression").json_body["suppressed"] is None
    before = len(api.world.mails("eva@customer.test"))
    api.post(f"/v1/tickets/{ticket['reference']}/messages", {"body": "It left today."})
    api.world.stream()
    assert len(api.world.mails("eva@customer.test")) == before + 1
    api.world.tell_feedback("Send", "Bounce")
    assert known(api).json_body["suppressed"]


@pytest.mark.parametrize("by", ["storefront", "publishable"])
def test_customers_are_for_agents(api, by):
    bounced(api)
    assert known(api, by=by).status_code == 403
    assert api.ask("DELETE", "/v1/customers/eva@customer.test/suppression", by=by).status_code == 403


def test_of_an_address_that_nobody_wrote_from_nothing_is_known(api):
    assert known(api, "nobody@customer.test").status_code == 404
    assert api.ask("DELETE", "/v1/customers/nobody@customer.test/suppression").status_code == 404


def test_an_automatic_mail_that_is_not_sent_leaves_its_reason_on_the_ticket(api):
    bounced(api)
    second = api.opened(customer={"email": "eva@customer.test"})["reference"]
    for _ in range(2):
        api.world.stream()
    lines = [e for e in api.get(f"/v1/tickets/{second}/events").json_body["items"] if e["what"] == "not_mailed"]
    (line,) = lines
    assert line["why"] == ["Not sent (ticket-received): mail to this address bounced."]
    assert api.world.rows("OUTBOX#") == []


def test_who_wants_no_reminders_gets_answers_and_the_last_notice_only(api):
    number = asked(api)
    api.world.desk.table.opt_out("eva@customer.test")
    before = len(api.world.mails("eva@customer.test"))
    for days in (3, 3):
        due.fire(api.world.desk, number, api.world.later(days=days, minutes=1))
        api.world.settle()
    (notice,) = api.world.mails("eva@customer.test")[before:]
    assert notice["List-Unsubscribe"] is None
    why = [line for e in api.get(f"/v1/tickets/{number}/events").json_body["items"] for line in e.get("why", ())]
    assert "No reminder: this customer wants no such messages." in why


def test_each_survey_and_reminder_has_the_button_that_ends_them(api):
    number = asked(api)
    due.fire(api.world.desk, number, api.world.later(days=3, minutes=1))
    api.world.settle()
    reminder = api.world.mails("eva@customer.test")[-1]
    api.post(f"/v1/tickets/{number}/resolve", {})
    due.fire(api.world.desk, number, api.world.later(days=1, minutes=1))
    api.world.settle()
    survey = api.world.mails("eva@customer.test")[-1]
    assert survey["Subject"] != reminder["Subject"]
    for mail in (reminder, survey):
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        link = mail["List-Unsubscribe"].strip("<>").removeprefix("https://desk.test")
        assert api.get(link, by=None).status_code == 200
    assert known(api).json_body["opted_out"] is False
    assert api.form(link, **{"List-Unsubscribe": "One-Click"}).status_code == 200
    assert known(api).json_body["opted_out"] is True


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("a%41@customer.test", "a%2541%40customer.test"),
        ("50%off@customer.test", "50%25off@customer.test"),
        ("eva+shop@customer.test", "eva+shop@customer.test"),
        ("a/b@customer.test", "a%2Fb%40customer.test"),
    ],
)
def test_an_address_is_read_as_it_was_written_in_the_path(api, address, written):
    api.opened(customer={"email": address})
    api.world.settle()
    assert known(api, written).json_body["email"] == address
    assert api.ask("DELETE", f"/v1/customers/{written}/suppression").json_body["email"] == address
