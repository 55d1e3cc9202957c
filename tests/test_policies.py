"""
A storefront's policies in time, over HTTP: settings, clocks, escalation, silence, surveys, check-ins, the digest, and why.
"""

from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.usecases import digests, due
from tests.api import served
from tests.mails import Customer
from tests.shop import OFFICE, TARGETS, put

DAY = timedelta(days=1)
MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def api():
    with served() as one:
        yield one


def place(ticket, rest=""):
    return f"/v1/tickets/{ticket['reference']}{rest}"


def now(api, ticket):
    return api.get(place(ticket)).json_body


def answered(api, ticket, body="Here you are.", status=201, **more):
    got = api.post(place(ticket, "/messages"), {"body": body, **more})
    assert got.status_code == status, got.body
    return got.json_body


def writes(api, ticket, body="Hello?", by="storefront"):
    assert api.post(place(ticket, "/messages"), {"body": body}, by=by).status_code == 201


def resolved(api, ticket):
    got = api.post(place(ticket, "/resolve"))
    assert got.status_code == 200, got.body
    return got.json_body


def passes(api, ticket, **ago):
    """Let time pass, do what is due on a ticket, and return it."""
    due.fire(api.world.desk, ticket["reference"], api.world.later(**ago))
    return now(api, ticket)


def clock(api, ticket, name):
    return next(c for c in api.get(place(ticket, "/promises")).json_body["items"] if c["clock"] == name)


def why(api, ticket):
    return [
        line
        for event in api.get(place(ticket, "/events?limit=100")).json_body["items"]
        for line in event.get("why", ())
    ]


def says(api, ticket, words):
    return any(words in line for line in why(api, ticket))


def told(api, ticket):
    """Return the ids of what the lead was told of a ticket, without its number."""
    api.mails(ticket)
    found = [word["id"] for word in api.world.escalations() if word["ticket"] == ticket["reference"]]
    return [word.removeprefix(f"{ticket['reference']}/") for word in found]


def text(mail):
    return mail.get_body(("plain",)).get_content()


def what(mail):
    """Return which mail it is, by what it says."""
    marks = {
        "/surveys/": "survey", "We asked you something": "reminder", "Can we still help": "notice", "List-Unsubscribe": "check-in",
    }  # fmt: skip
    said = text(mail) + str(mail.items())
    return next((name for mark, name in marks.items() if mark in said), "other")


def sent(api, ticket, kind):
    return [mail for mail in api.mails(ticket) if what(mail) == kind]


# 1 Storefronts


def test_a_change_of_settings_leaves_what_was_promised(api):
    ticket = api.opened()
    before = now(api, ticket)["promises"]
    put(api, **OFFICE, targets={"normal": TARGETS}, holidays=["2026-03-02"])
    assert now(api, ticket)["promises"] == before
    answered(api, ticket, "A note.", internal=True)
    assert now(api, ticket)["promises"] == before
    assert clock(api, ticket, "first_response")["allowed_minutes"] == 480
    passes(api, ticket, hours=8)
    assert "first_response/1/1" in told(api, ticket)
    later = api.opened(customer={"email": "new@customer.test"})
    assert clock(api, later, "first_response")["allowed_minutes"] == 30
    assert later["promises"]["first_response"]["due_at"] == "2026-03-03T08:30:00Z"


def test_other_targets_hold_in_a_season_and_a_kinds_own_before_all(api):
    day = api.world.now.date()
    season = {"from": f"{day - DAY}", "to": f"{day}", "targets": {"normal": TARGETS | {"first_response": "2 h"}}}
    kinds = {"repair": {"targets": {"normal": TARGETS | {"first_response": "3 h"}}}}
    put(api, targets={"normal": TARGETS}, seasons=[season], kinds=kinds)
    minutes = [
        clock(api, api.opened(kind=kind), "first_response")["allowed_minutes"] for kind in ("question", "repair")
    ]
    assert minutes == [120, 180]
    api.world.later(days=1)
    assert clock(api, api.opened(), "first_response")["allowed_minutes"] == 30


# 2 Clocks


def test_a_promise_explains_which_hours_counted(api):
    put(api, **OFFICE)
    api.world.now = MONDAY + timedelta(hours=3)  # 13:00 in Madrid, an hour before the siesta
    ticket = api.opened()
    api.world.later(hours=4)
    first = clock(api, ticket, "first_response")
    assert (first["state"], first["allowed_minutes"], first["spent_minutes"]) == ("due", 480, 120)
    assert first["intervals"] == [
        {"from": "2026-03-02T12:00:00Z", "to": "2026-03-02T13:00:00Z"},
        {"from": "2026-03-02T15:00:00Z", "to": "2026-03-02T16:00:00Z"},
    ]
    assert first["due_at"] == "2026-03-03T12:00:00Z"


def test_a_promise_is_due_met_paused_or_breached(api):
    ticket = api.opened()
    assert [clock(api, ticket, name)["state"] for name in ("first_response", "resolution")] == ["due", "due"]
    api.world.later(hours=1)
    answered(api, ticket)
    assert [clock(api, ticket, name)["state"] for name in ("first_response", "resolution")] == ["met", "paused"]
    writes(api, ticket)
    assert clock(api, ticket, "next_response")["state"] == "due"
    api.world.later(hours=8, minutes=1)
    late = clock(api, ticket, "next_response")
    assert (late["state"], late["cycle"]) == ("breached", 1)
    answered(api, ticket)
    assert clock(api, ticket, "next_response")["breached"] is True


def test_the_time_that_the_customer_takes_does_not_count(api):
    ticket = api.opened()
    api.world.later(hours=2)
    answered(api, ticket)
    api.world.later(days=3)
    writes(api, ticket)
    api.world.later(hours=1)
    resolution = clock(api, ticket, "resolution")
    assert resolution["spent_minutes"] == 180
    assert resolution["due_at"] == "2026-03-06T09:00:00Z"
    assert len(resolution["intervals"]) == 2


def test_after_a_reopening_the_first_answer_stays_and_the_solved_time_is_taken_out(api):
    ticket = api.opened()
    api.world.later(hours=1)
    answered(api, ticket)
    resolved(api, ticket)
    first = clock(api, ticket, "first_response")
    api.world.later(days=2)
    writes(api, ticket, "It is broken again.")
    assert clock(api, ticket, "first_response") == first
    assert clock(api, ticket, "next_response")["due_at"] == "2026-03-04T18:00:00Z"
    assert clock(api, ticket, "resolution")["due_at"] == "2026-03-05T09:00:00Z"


@pytest.mark.parametrize(
    ("at", "is_taken"),
    [
        ("2026-03-03T12:00:00+01:00", True),
        ("2026-03-03T09:00:00+01:00", True),
        ("2026-03-03T14:00:00+01:00", False),
        ("2026-03-03T15:00:00+01:00", False),
        ("2026-03-03T19:00:00+01:00", False),
        ("2026-03-07T12:00:00+01:00", False),
        ("2026-03-04T12:00:00+01:00", False),
        ("2026-04-06T09:00:00+02:00", True),
        ("2026-04-06T09:00:00+01:00", True),
        ("2026-04-06T08:30:00+02:00", False),
    ],
)
def test_a_date_is_promised_in_business_hours_only(api, at, is_taken):
    put(api, **OFFICE, holidays=["03-04"])
    ticket = api.opened()
    got = api.patch(place(ticket), {"promised_at": at})
    if is_taken:
        assert answered(api, ticket, promised_at=at)
        assert now(api, ticket)["status"] == "on_hold"
    else:
        faults = [got.json_body, answered(api, ticket, promised_at=at, status=422)]
        assert [each["errors"][0]["pointer"] for each in faults] == ["/promised_at"] * 2
        assert now(api, ticket)["status"] == "new"
    assert (now(api, ticket)["promised_at"] is not None) is is_taken


def test_a_promised_date_is_watched_and_told_once(api):
    ticket = api.opened()
    answered(api, ticket, promised_at="2026-03-03T12:00:00Z")
    passes(api, ticket, days=1, hours=2, minutes=59)
    assert not [word for word in told(api, ticket) if word.startswith("promised")]
    for _ in range(2):
        passes(api, ticket, minutes=1)
    assert [word for word in told(api, ticket) if word.startswith("promised")] == ["promised/2026-03-03T12:00:00Z"]
    assert says(api, ticket, "the promised date has come")


# 3 Escalation


def test_each_level_is_told_once_in_order_with_an_id_that_stays(api):
    ticket = api.opened()
    for _ in range(5):
        passes(api, ticket, hours=4)
        passes(api, ticket)
    assert told(api, ticket)[:5] == [
        *(f"first_response/1/{level}" for level in ("warning", 1, 2, 3)), "resolution/1/warning",
    ]  # fmt: skip
    answered(api, ticket)
    writes(api, ticket)
    passes(api, ticket, hours=8)
    answered(api, ticket)
    writes(api, ticket)
    passes(api, ticket, hours=6)
    said = told(api, ticket)
    assert len(said) == len(set(said))
    cycles = [word for word in said if word.startswith("next")]
    assert cycles == ["next_response/1/warning", "next_response/1/1", "next_response/2/warning"]


def test_clocks_keep_quiet_at_night_and_events_do_not(api):
    put(api, **OFFICE)
    api.world.now = MONDAY + timedelta(hours=8)  # 18:00 in Madrid, an hour before closing
    calm, urgent = api.opened(priority="high"), api.opened(priority="urgent")
    api.form(api.page(calm), supervisor="yes")
    for each in (calm, urgent):
        passes(api, each, hours=3)
        api.world.later(hours=-3)
    assert told(api, calm)[0].count("/") == 0
    assert [word for word in told(api, calm) if "response" in word] == [
        "first_response/1/warning",
        "first_response/1/1",
    ]
    assert "first_response/1/3" in told(api, urgent)
    passes(api, calm, hours=15, minutes=29)
    assert "first_response/1/2" not in told(api, calm)
    passes(api, calm, minutes=1)
    assert "first_response/1/2" in told(api, calm)


def test_an_urgent_claim_is_told_at_once_and_once(api):
    ticket = api.opened(kind="claim", priority="urgent")
    assert told(api, ticket) == ["urgent_claim"]
    calm = api.opened(kind="claim")
    assert told(api, calm) == []
    for _ in range(2):
        api.patch(place(calm), {"priority": "urgent"})
    assert told(api, calm) == ["urgent_claim"]
    assert says(api, calm, "Told the lead: an urgent claim.")


# 4 Silence, closing, reopening


@pytest.mark.parametrize(
    ("body", "awaits_reply", "mailed"),
    [
        ("Which colour?", None, ["reminder", "notice"]),
        ("Which colour?", False, []),
        ("It is on its way.", None, []),
        ("Tell us the colour.", True, ["reminder", "notice"]),
    ],
)
def test_silence_leads_to_a_reminder_a_notice_and_the_end(api, body, awaits_reply, mailed):
    ticket = api.opened()
    answered(api, ticket, body, **{} if awaits_reply is None else {"awaits_reply": awaits_reply})
    statuses = []
    for _ in range(8):
        statuses.append(passes(api, ticket, days=1)["status"])
        passes(api, ticket)
    assert statuses == ["pending"] * 6 + ["resolved"] * 2
    assert [what(mail) for mail in api.mails(ticket)[2:]] == mailed
    survey = now(api, ticket)["survey"]
    assert (survey["state"], survey["reason"]) == ("skipped", "it was resolved by silence")
    assert says(api, ticket, "Resolved by silence")
    assert sent(api, ticket, "survey") == []


def test_the_last_notice_says_until_when(api):
    ticket = api.opened()
    answered(api, ticket, "Which colour?")
    passes(api, ticket, days=3)
    passes(api, ticket, days=3)
    notice = text(sent(api, ticket, "notice")[0])
    assert "9 March" in notice
    assert "> Which colour?" in notice


@pytest.mark.parametrize("word", ["by the storefront", "by mail", "by the page"])
def test_any_word_of_the_customer_cancels_all_of_it(api, word):
    ticket = api.opened()
    answered(api, ticket, "Which colour?")
    passes(api, ticket, days=3)
    match word:
        case "by the storefront":
            writes(api, ticket, "Green.")
        case "by mail":
            api.world.receive(
                Customer().answer(api.mails(ticket)[-1], "Green.", sender="eva@customer.test"),
                to=str(api.mails(ticket)[-1]["Reply-To"]),
            )
        case _:
            api.form(api.page(ticket), body="Green.")
    assert now(api, ticket)["status"] == "open"
    assert passes(api, ticket, days=10)["status"] == "open"
    assert len(sent(api, ticket, "reminder") + sent(api, ticket, "notice")) == 1
    answered(api, ticket, "And which size?")
    passes(api, ticket, days=3)
    assert len(sent(api, ticket, "reminder")) == 2


@pytest.mark.parametrize("kind", ["claim", "return", "refund", "cancellation"])
def test_some_kinds_are_never_solved_by_silence(api, kind):
    ticket = api.opened(kind=kind)
    answered(api, ticket, "Do you have a photo?")
    assert passes(api, ticket, days=30)["status"] == "pending"
    passes(api, ticket, days=30)
    assert [word.partition("/")[0] for word in told(api, ticket)] == ["silent"]
    assert says(api, ticket, "Not resolved by silence")


def test_steps_of_silence_can_be_left_out_and_moved(api):
    put(api, silence={"reminder_after": None, "notice_after": "1 d", "resolve_after": None})
    ticket = api.opened()
    answered(api, ticket, "Which colour?")
    assert passes(api, ticket, days=30)["status"] == "pending"
    assert [what(mail) for mail in api.mails(ticket)[2:]] == ["notice"]
    assert "solved on" not in text(api.mails(ticket)[-1])


def test_nobody_is_forgotten_when_the_steps_change_in_between(api):
    ticket = api.opened()
    answered(api, ticket, "Which colour?")
    passes(api, ticket, days=3)
    passes(api, ticket, days=3)
    put(api, silence={"reminder_after": None, "notice_after": None})
    answered(api, ticket, "For us.", internal=True)
    assert passes(api, ticket, days=1)["status"] == "resolved"


def test_a_snooze_puts_silence_off_and_ends_on_its_day(api):
    ticket = api.opened()
    answered(api, ticket, "Which colour?")
    until = api.world.now + 10 * DAY
    snoozed = api.patch(place(ticket), {"snoozed_until": until.isoformat()}).json_body
    assert snoozed["status"] == "pending"
    assert passes(api, ticket, days=9, hours=23)["status"] == "pending"
    assert sent(api, ticket, "reminder") == []
    back = passes(api, ticket, hours=1)
    assert (back["status"], back["snoozed_until"]) == ("open", None)
    assert says(api, ticket, "the snooze ended")
    # and any word ends it sooner
    api.patch(place(ticket), {"snoozed_until": (api.world.now + DAY).isoformat()})
    writes(api, ticket)
    assert (now(api, ticket)["status"], now(api, ticket)["snoozed_until"]) == ("open", None)


@pytest.mark.parametrize(
    ("thanks_reopen", "word", "status"),
    [
        (True, "Thank you so much!", "open"),
        (False, "Thank you so much!", "resolved"),
        (False, "¡Muchas gracias!", "resolved"),
        (False, "Thanks, but it is still broken. Could you look?", "open"),
        (False, "It is broken.", "open"),
    ],
)
def test_thanks_open_a_solved_ticket_or_not_and_are_shown_either_way(api, thanks_reopen, word, status):
    put(api, thanks_reopen=thanks_reopen)
    ticket = api.opened()
    page = api.page(ticket)
    answered(api, ticket)
    resolved(api, ticket)
    writes(api, ticket, word)
    assert now(api, ticket)["status"] == status
    assert word in api.get(page, by=None).body.decode()
    assert says(api, ticket, "a word of thanks") is (status == "resolved")
    assert now(api, ticket)["survey"]["state"] == ("planned" if status == "resolved" else "skipped")


def test_what_is_solved_is_closed_after_a_while_and_a_late_word_opens_a_follower(api):
    put(api, close_after="2 d")
    ticket = api.opened()
    resolved(api, ticket)
    assert passes(api, ticket, days=1, hours=23)["status"] == "resolved"
    assert passes(api, ticket, hours=1)["status"] == "closed"
    assert says(api, ticket, "Closed:")
    assert api.post(place(ticket, "/reopen")).status_code == 409
    writes(api, ticket, "It broke again.")
    assert now(api, ticket)["status"] == "closed"
    found = api.get("/v1/tickets?customer=eva@customer.test").json_body["items"]
    (follower,) = [each for each in found if each["reference"] != ticket["reference"]]
    assert (follower["follow_up_of"], follower["status"]) == (ticket["reference"], "new")


# 5 Surveys


def asked(api, **more):
    """Return a ticket whose customer was asked, and the survey's path."""
    ticket = api.opened(**more)
    answered(api, ticket)
    resolved(api, ticket)
    passes(api, ticket, hours=24)
    return ticket, api.page(ticket, "surveys")


def test_a_survey_comes_when_the_storefront_says(api):
    put(api, survey={"after": "2 h"})
    ticket = api.opened()
    answered(api, ticket)
    resolved(api, ticket)
    assert passes(api, ticket, hours=1, minutes=59)["survey"]["state"] == "planned"
    assert passes(api, ticket, minutes=1)["survey"]["state"] == "sent"
    assert len(sent(api, ticket, "survey")) == 1


def test_two_tickets_solved_in_the_same_instant_bring_one_survey(api, monkeypatch):
    """Both workers read the customer before either writes."""
    one, two = api.opened(), api.opened(by="other", customer={"email": "EVA@customer.test"})
    for each in (one, two):
        answered(api, each)
        resolved(api, each)
    at, decide, met = api.world.later(hours=25), due.due.fire, []

    def slowly(ticket, *more):
        decided = decide(ticket, *more)
        if ticket.reference == one["reference"] and not met:
            met.append(ticket.reference)
            due.fire(api.world.desk, two["reference"], at)
        return decided

    monkeypatch.setattr(due.due, "fire", slowly)
    due.fire(api.world.desk, one["reference"], at)
    assert met
    states = [now(api, each)["survey"] for each in (one, two)]
    assert [survey["state"] for survey in states] == ["skipped", "sent"]
    assert "asked once in 30 days" in states[0]["reason"]
    assert says(api, one, "No survey: this customer was asked on 2026-03-03")
    assert len(sent(api, one, "survey") + sent(api, two, "survey")) == 1


def test_nobody_is_asked_twice_in_thirty_days_over_all_storefronts(api):
    asked(api)
    again = api.opened(by="other")
    for days, state in ((28, "skipped"), (31, "sent")):
        api.world.now = MONDAY + timedelta(days=days)
        answered(api, again)
        resolved(api, again)
        assert passes(api, again, hours=24)["survey"]["state"] == state
        api.post(place(again, "/reopen"))


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("nobody answered", "no human answered"),
        ("a kind without", "a compliment gets no survey"),
        ("no address", "there is no e-mail address to write to"),
        ("opened again", "the ticket became open before it was sent"),
        ("bounced", "it bounced"),
    ],
)
def test_a_survey_that_is_not_sent_says_why(api, how, reason):
    kind = {"kind": "compliment"} if how == "a kind without" else {}
    caller = {"customer": {"phone": "+34 1"}, "channel": "phone", "storefront": "demo"}
    ticket = api.opened("agent", **caller) if how == "no address" else api.opened(**kind)
    if how != "nobody answered":
        answered(api, ticket)
    resolved(api, ticket)
    if how == "opened again":
        writes(api, ticket)
    if how == "bounced":
        api.world.desk.table.suppress("eva@customer.test", api.world.now + 60 * DAY, "it bounced")
    survey = passes(api, ticket, hours=25)["survey"]
    assert (survey["state"], survey["reason"]) == ("skipped", reason)
    assert says(api, ticket, f"No survey: {reason}.")


def test_a_hundred_looks_record_nothing(api):
    ticket, page = asked(api)
    before = api.world.rows()
    for number in range(100):
        assert api.get(f"{page}?rating={number % 7}", by=None).status_code == 200
    assert api.world.rows() == before
    assert now(api, ticket)["rating"] is None


def test_a_reminder_comes_once_and_only_to_who_was_silent(api):
    put(api, survey={"reminder_after": "3 d"})
    silent, page = asked(api)
    rated, rated_page = asked(api, customer={"email": "ida@customer.test"})
    api.form(rated_page, rating="4")
    api.world.later(days=1, hours=23)
    for each in (silent, rated):
        passes(api, each)
    assert len(sent(api, silent, "survey")) == 1
    for _ in range(5):
        for each in (silent, rated):
            passes(api, each, days=1)
    assert [len(sent(api, each, "survey")) for each in (silent, rated)] == [2, 1]
    assert page.split("?")[0] in text(sent(api, silent, "survey")[-1])
    assert says(api, silent, "Reminded the customer of the survey, once.")


def test_nobody_is_reminded_of_a_survey_while_the_ticket_is_open_again(api):
    put(api, survey={"reminder_after": "3 d"})
    ticket, _ = asked(api)
    writes(api, ticket, "It is broken again.")
    passes(api, ticket, days=5)
    assert len(sent(api, ticket, "survey")) == 1


def test_a_survey_that_expired_is_gone_and_says_so(api):
    put(api, survey={"valid_for": "2 d"})
    ticket, page = asked(api)
    api.world.later(days=2, minutes=-1)
    assert api.form(page, rating="4").status_code == 200
    api.world.later(minutes=1)
    assert api.get(page, by=None).status_code == 410
    assert api.form(page, rating="1", comment="Bad").status_code == 410
    assert now(api, ticket)["rating"] == 4


def test_a_change_of_mind_is_kept_and_takes_back_what_the_bad_one_asked_for(api):
    ticket, page = asked(api)
    api.form(page, rating="1", solved="no", reason=["slow", "unclear"])
    bad = now(api, ticket)
    assert (bad["status"], bad["tags"], bad["survey"]["reasons"]) == ("resolved", ["bad-csat"], ["slow", "unclear"])
    assert bad["task"] == {"what": "call_back", "due_at": "2026-03-05T00:00:00Z"}
    api.form(page, rating="5", solved="yes")
    good = now(api, ticket)
    assert (good["rating"], good["tags"], good["task"]) == (5, [], None)
    events = api.get(place(ticket, "/events")).json_body["items"]
    assert [line["detail"]["rating"] for line in events if line["what"] == "rated"] == [1, 5]
    assert [word for word in told(api, ticket) if word.startswith("rating")] == ["rating/1/1"]


def test_a_bad_rating_leaves_a_task_for_the_next_working_day_that_is_watched(api):
    put(api, **OFFICE)
    ticket, page = asked(api)
    api.form(page, rating="2")
    assert now(api, ticket)["task"]["due_at"] == "2026-03-04T18:00:00Z"
    for _ in range(3):
        passes(api, ticket, days=1)
    overdue = [word for word in told(api, ticket) if word.startswith("task")]
    assert overdue == ["task/2026-03-04T18:00:00Z"]
    assert says(api, ticket, "a task was not done in time")


def test_a_late_bad_rating_with_a_comment_opens_a_follower(api):
    ticket, page = asked(api)
    passes(api, ticket, days=7)
    for _ in range(2):
        assert api.form(page, rating="1", comment="It fell apart.").status_code == 200
    assert now(api, ticket)["status"] == "closed"
    found = api.get("/v1/tickets?customer=eva@customer.test").json_body["items"]
    (follower,) = [each for each in found if each["reference"] != ticket["reference"]]
    assert follower["follow_up_of"] == ticket["reference"]
    assert api.get(place(follower, "/messages")).json_body["items"][0]["text"] == "It fell apart."
    assert says(api, ticket, follower["reference"])
    assert [word for word in told(api, ticket) if word.startswith("rating")] == ["rating/1/1"]


@pytest.mark.parametrize(
    ("form", "scale", "bad"), [("csat", range(1, 6), 2), ("ces", range(1, 8), 3), ("nps", range(11), 6)]
)
def test_each_form_has_its_scale_and_its_bad_end(api, form, scale, bad):
    put(api, survey={"form": form}, review_url="https://reviews.example/shop")
    ticket, page = asked(api)
    shown = api.get(page, by=None).body.decode()
    offered = [number for number in range(12) if f'name="rating" value="{number}"' in shown]
    assert offered == [*scale]
    assert "reviews.example" not in shown
    for wrong in (scale[0] - 1, scale[-1] + 1):
        assert api.form(page, rating=str(wrong)).status_code == 422
    for rating in scale:
        thanks = api.form(page, rating=str(rating)).body.decode()
        assert now(api, ticket)["rating"] == rating
        assert ("bad-csat" in now(api, ticket)["tags"]) is (rating <= bad)
        assert ("https://reviews.example/shop" in thanks) is (rating == scale[-1])


def test_a_survey_keeps_the_form_in_which_it_was_asked(api):
    ticket, page = asked(api)
    put(api, survey={"form": "nps"})
    assert api.form(page, rating="9").status_code == 422
    assert api.form(page, rating="5").status_code == 200
    assert now(api, ticket)["survey"]["form"] == "csat"


# 6 Check-ins


def test_a_kind_has_its_planned_message_after_a_resolution(api):
    ticket = api.opened(kind="repair")
    answered(api, ticket)
    assert resolved(api, ticket)["check_in"]["at"] == "2026-03-05T09:00:00Z"
    passes(api, ticket, days=2, hours=23)
    assert sent(api, ticket, "check-in") == []
    assert passes(api, ticket, hours=1)["check_in"] is None
    passes(api, ticket, days=30)
    assert len(sent(api, ticket, "check-in")) == 1
    assert says(api, ticket, "Sent the planned message.")


def test_what_is_open_again_gets_no_word_of_how_it_went(api):
    ticket = api.opened(kind="repair")
    answered(api, ticket)
    resolved(api, ticket)
    api.world.later(days=1)
    writes(api, ticket, "It is broken again.")
    passes(api, ticket, days=3)
    assert sent(api, ticket, "check-in") == []
    assert says(api, ticket, "No check-in: the ticket is open again.")
    answered(api, ticket)
    resolved(api, ticket)
    passes(api, ticket, days=3)
    assert len(sent(api, ticket, "check-in")) == 1


def test_a_second_resolution_plans_its_message_anew(api):
    ticket = api.opened(kind="repair")
    answered(api, ticket)
    resolved(api, ticket)
    api.world.later(days=1)
    writes(api, ticket, "It is broken again.")
    answered(api, ticket)
    api.world.later(days=1)
    assert resolved(api, ticket)["check_in"]["at"] == "2026-03-07T09:00:00Z"


def test_a_row_of_messages_ends_on_its_day(api):
    ticket = api.opened()
    row = {"at": "2026-03-10T09:00:00Z", "every_days": 30, "until": "2026-05-20T09:00:00Z", "message": "New filters?"}
    planned = api.ask("PUT", place(ticket, "/check-in"), row).json_body
    assert planned["check_in"] == row | {"message": "New filters?"}
    for _ in range(120):
        passes(api, ticket, days=1)
    mails = sent(api, ticket, "check-in")
    assert len(mails) == 3
    assert all("New filters?" in text(mail) for mail in mails)
    assert now(api, ticket)["check_in"] is None


def test_a_missed_row_is_not_made_up_for(api):
    ticket = api.opened()
    api.ask("PUT", place(ticket, "/check-in"), {"at": "2026-03-10T09:00:00Z", "every_days": 7})
    assert passes(api, ticket, days=40)["check_in"]["at"] == "2026-04-14T09:00:00Z"
    assert len(sent(api, ticket, "check-in")) == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/at"),
        ({"at": "2026-03-01T09:00:00Z"}, "/at"),
        ({"at": "tomorrow"}, "/at"),
        ({"at": "2026-04-01T09:00:00Z", "every_days": 0}, "/every_days"),
        ({"at": "2026-04-01T09:00:00Z", "every_days": 7, "until": "2026-03-30T09:00:00Z"}, "/until"),
        ({"at": "2026-04-01T09:00:00Z", "message": ""}, "/message"),
    ],
)
def test_a_planned_message_that_cannot_be_is_pointed_at(api, body, pointer):
    ticket = api.opened()
    got = api.ask("PUT", place(ticket, "/check-in"), body)
    assert (got.status_code, got.json_body["errors"][0]["pointer"]) == (422, pointer)
    assert now(api, ticket)["check_in"] is None


def test_a_planned_message_is_cancelled(api):
    ticket = api.opened()
    api.ask("PUT", place(ticket, "/check-in"), {"at": "2026-03-10T09:00:00Z"})
    assert api.ask("DELETE", place(ticket, "/check-in")).json_body["check_in"] is None
    passes(api, ticket, days=30)
    assert sent(api, ticket, "check-in") == []


def test_a_planned_message_waits_for_opening_time(api):
    put(api, **OFFICE)
    ticket = api.opened()
    api.ask("PUT", place(ticket, "/check-in"), {"at": "2026-03-07T22:00:00Z"})  # a Saturday night
    resolved(api, ticket)
    passes(api, ticket, days=6, hours=22, minutes=59)
    assert sent(api, ticket, "check-in") == []
    passes(api, ticket, minutes=1)  # Monday, 9 in Madrid
    assert len(sent(api, ticket, "check-in")) == 1


@pytest.mark.parametrize("click", ["the button", "one click"])
def test_a_customer_ends_planned_messages_with_one_post_and_no_get(api, click):
    ticket = api.opened()
    api.ask("PUT", place(ticket, "/check-in"), {"at": "2026-03-10T09:00:00Z", "every_days": 7})
    passes(api, ticket, days=8)
    (mail,) = sent(api, ticket, "check-in")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    page = str(mail["List-Unsubscribe"]).strip("<>").removeprefix("https://desk.test")
    assert page in text(mail)
    before = api.world.rows()
    for _ in range(3):
        assert api.get(page, by=None).status_code == 200
    assert api.world.rows() == before
    fields = {"List-Unsubscribe": "One-Click"} if click == "one click" else {}
    assert api.form(page, **fields).status_code == 200
    assert passes(api, ticket, days=7)["check_in"] is None
    assert says(api, ticket, "No check-in: the customer wants none.")
    other = api.opened(by="other")
    api.ask("PUT", place(other, "/check-in"), {"at": "2026-04-10T09:00:00Z"})
    passes(api, other, days=60)
    assert len(sent(api, ticket, "check-in") + sent(api, other, "check-in")) == 1
    assert api.form(page[:-1] + ("0" if page[-1] != "0" else "1")).status_code == 404


# 7 The morning digest


LEADS = {"teams": {"support": {"lead": "sue@demo.test"}, "care": {"lead": "carl@demo.test"}, "returns": {}}}


def digested(api, to):
    api.world.stream()
    return api.world.mails(to)


def test_each_lead_gets_his_teams_morning_at_opening_time_and_once(api):
    put(api, **OFFICE, **LEADS)
    question, claim = api.opened(subject="Red lamp"), api.opened(kind="claim", subject="Broken lamp")
    unhappy, page = asked(api, subject="Slow lamp", customer={"email": "ida@customer.test"})
    api.form(page, rating="1")
    api.world.sweep()
    assert len(digested(api, "sue@demo.test")) == 1  # Tuesday's, an hour late
    api.world.now = MONDAY + timedelta(days=2, hours=-1, minutes=-1)  # Wednesday, a minute before 9 in Madrid
    api.world.sweep()
    assert len(digested(api, "sue@demo.test")) == 1
    api.world.later(minutes=1)
    for _ in range(3):
        api.world.sweep()
        api.world.later(minutes=1)
    (_, sue), (_, carl) = digested(api, "sue@demo.test"), digested(api, "carl@demo.test")
    assert question["reference"] in text(sue)
    assert unhappy["reference"] in text(sue)
    assert claim["reference"] not in text(sue)
    assert claim["reference"] in text(carl)
    assert question["reference"] not in text(carl)
    api.world.now = MONDAY + timedelta(days=2, hours=23)
    api.world.sweep()
    assert len(digested(api, "sue@demo.test")) == 3


def test_no_digest_comes_on_a_day_off(api):
    put(api, **OFFICE, **LEADS, holidays=["2026-03-03"])
    for _ in range(8):
        api.world.later(days=1)
        api.world.sweep()
    days = [text(mail).splitlines()[2] for mail in digested(api, "sue@demo.test")]
    assert len(days) == 5  # Wednesday to Friday, Monday, Tuesday
    assert len(set(days)) == 5


def test_a_change_of_settings_before_opening_does_not_lose_the_morning(api):
    api.world.now = MONDAY + timedelta(hours=-4)
    put(api, **OFFICE, **LEADS)
    api.world.later(hours=3)  # Monday, 9 in Madrid
    api.world.sweep()
    assert len(digested(api, "sue@demo.test")) == 1


def test_two_workers_send_one_digest(api, monkeypatch):
    put(api, **LEADS)
    at, write, met = api.world.later(days=1), digests._digest, []

    def slowly(*more):
        if not met:
            met.append(True)
            assert digests.send_due(api.world.desk, "demo", at) == 2
        return write(*more)

    monkeypatch.setattr(digests, "_digest", slowly)
    assert digests.send_due(api.world.desk, "demo", at) == 0
    assert met
    assert len(digested(api, "sue@demo.test")) == 1
    assert digests.send_due(api.world.desk, "demo", at) == 0


@pytest.mark.parametrize("more", [{}, {"teams": {"care": {}}}, LEADS | {"digest": False}])
def test_without_leads_or_wish_there_is_no_digest(api, more):
    put(api, **LEADS)
    put(api, **more)
    for _ in range(3):
        api.world.later(days=1)
        api.world.sweep()
    assert digested(api, "demo.test") == []
    due_items = [row for row in api.world.rows() if row["pk"] == "DIGEST#demo" and "due_pk" in row]
    assert due_items == []


def test_what_was_promised_for_today_stands_in_the_digest_though_it_waits_for_others(api):
    put(api, **LEADS)
    ticket = api.opened()
    answered(api, ticket, promised_at="2026-03-03T15:00:00Z")
    api.world.now = datetime(2026, 3, 3, 0, 1, tzinfo=UTC)
    api.world.sweep()
    (mail,) = digested(api, "sue@demo.test")
    assert ticket["reference"] in text(mail)


# 8 Why


def test_every_decision_of_the_desk_is_a_line_that_a_person_can_read(api):
    ticket = api.opened(kind="claim", priority="urgent")
    answered(api, ticket, "Do you have a photo?")
    passes(api, ticket, days=3)
    passes(api, ticket, days=4)
    writes(api, ticket, "No.")
    passes(api, ticket, hours=1)
    answered(api, ticket)
    resolved(api, ticket)
    passes(api, ticket, days=7)
    said = why(api, ticket)
    for begins in (
        "Told the lead: an urgent claim.",
        "Paused: no promise runs while we wait for the customer.",
        "Reminded: the customer",
        "Not resolved by silence: a claim",
        "Told the lead: the customer is silent",
        "Opened again: the customer wrote.",
        "Going on: the promises run again.",
        "Told the lead: the promise of a next response is at risk.",
        "Told the lead: the promise of a next response is broken (level 1).",
        "Asked the customer how our help was.",
        "Closed: ",
    ):
        assert any(line.startswith(begins) for line in said), begins
    assert all(line[0].isupper() and line.endswith(".") for line in said)


def test_a_request_that_is_not_acknowledged_says_why(api):
    caller = {"customer": {"phone": "+34 1"}, "channel": "phone", "storefront": "demo"}
    ticket = api.opened("agent", **caller)
    assert why(api, ticket) == ["No acknowledgement: there is no e-mail address to write to."]
    answered(api, ticket)
    assert says(api, ticket, "Not mailed")
