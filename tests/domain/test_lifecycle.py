"""
The life of a ticket: the table of moves, and what makes each of them.
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from chalicelib.domain import budgets, due, lifecycle
from chalicelib.domain.errors import IllegalMove, Invalid, Unseen
from chalicelib.domain.lifecycle import Reply, customer_writes, reopen, reply, resolve, update
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.surveys import Rating, rate
from chalicelib.domain.ticket import SYSTEM, Author, Category, Channel, File, Person, Role, Status, SurveyState
from tests.domain.build import ANA, BUREAU, DEMO, EVA, START, act, answered, at, number, opened, ticket, words, written

NEW, OPEN, PENDING, ON_HOLD, RESOLVED, CLOSED, SPAM, MERGED = Status
GOES_TO = {
    NEW: {OPEN, PENDING, ON_HOLD, RESOLVED, SPAM, MERGED},
    OPEN: {PENDING, ON_HOLD, RESOLVED, SPAM, MERGED},
    PENDING: {OPEN, ON_HOLD, RESOLVED, SPAM, MERGED},
    ON_HOLD: {OPEN, PENDING, RESOLVED, MERGED},
    RESOLVED: {OPEN, CLOSED, MERGED},
    CLOSED: set(),
    SPAM: {OPEN},
    MERGED: set(),
}
LATER = START + timedelta(hours=2)
HARRY = Author(Role.THIRD_PARTY, "Harry", "harry@elsewhere.test")


@pytest.mark.parametrize("to", Status)
@pytest.mark.parametrize("status", Status)
def test_a_ticket_goes_only_where_its_life_leads(status, to):
    before = ticket(status)
    if to in GOES_TO[status] | {status}:
        assert update(before, {"status": to}, DEMO, act(LATER)).ticket.status is to
    else:
        with pytest.raises(IllegalMove) as refused:
            update(before, {"status": to}, DEMO, act(LATER))
        assert all(possible in str(refused.value) for possible in GOES_TO[status])


@pytest.mark.parametrize(
    ("status", "category"),
    [
        (NEW, "open"),
        (OPEN, "open"),
        (PENDING, "waiting_for_the_customer"),
        (ON_HOLD, "waiting_for_somebody_else"),
        (RESOLVED, "done"),
        (CLOSED, "terminal"),
        (SPAM, "terminal"),
        (MERGED, "terminal"),
    ],
)
def test_each_status_has_its_category(status, category):
    assert ticket(status).category is Category(category)


# Why tickets move


def assigned(of):
    return update(of, {"assignee": "ana@demo.test"}, DEMO, act(LATER)).ticket


def noted(of):
    return reply(of, Reply("Looks like a lost parcel.", internal=True), DEMO, act(LATER)).ticket


def promised(of):
    return answered(of, LATER, promised_at=LATER + timedelta(days=1))


def snoozed(of):
    return update(of, {"snoozed_until": LATER + timedelta(days=1)}, DEMO, act(LATER)).ticket


def woken(of):
    return due.fire(snoozed(of), None, DEMO, act(LATER + timedelta(days=1), SYSTEM)).ticket


def bounced(of):
    return lifecycle.bounced(of, "eva@customer.test", DEMO, act(LATER, SYSTEM)).ticket


def rated_badly(of):
    asked = due.fire(of, None, DEMO, act(START + timedelta(days=1), SYSTEM)).ticket
    return rate(
        asked, 1, Rating(1, comment="It is still broken."), DEMO, act(START + timedelta(days=2), EVA), number(),
    ).ticket  # fmt: skip


def left_for_a_week(of):
    return due.fire(of, None, DEMO, act(START + timedelta(days=7), SYSTEM)).ticket


def wrote(of):
    return written(of, LATER)


@pytest.mark.parametrize(
    ("status", "event", "becomes"),
    [
        (NEW, assigned, OPEN),
        (NEW, noted, OPEN),
        (NEW, answered, PENDING),
        (NEW, promised, ON_HOLD),
        (NEW, snoozed, PENDING),
        (NEW, wrote, NEW),
        (OPEN, answered, PENDING),
        (OPEN, noted, OPEN),
        (OPEN, wrote, OPEN),
        (PENDING, wrote, OPEN),
        (PENDING, woken, OPEN),
        (PENDING, bounced, OPEN),
        (PENDING, answered, PENDING),
        (ON_HOLD, wrote, OPEN),
        (ON_HOLD, woken, OPEN),
        (ON_HOLD, bounced, OPEN),
        (RESOLVED, wrote, OPEN),
        (RESOLVED, bounced, OPEN),
        (RESOLVED, rated_badly, OPEN),
        (RESOLVED, left_for_a_week, CLOSED),
        (CLOSED, bounced, CLOSED),
        (SPAM, bounced, SPAM),
        (SPAM, wrote, SPAM),
    ],
)
def test_events_move_a_ticket(status, event, becomes):
    assert event(ticket(status)).status is becomes


@pytest.mark.parametrize("status", [CLOSED, MERGED])
def test_what_is_over_cannot_be_opened_again_and_says_so(status):
    with pytest.raises(IllegalMove, match=status.value):
        reopen(ticket(status), DEMO, act(LATER))


def test_a_closed_ticket_points_to_a_new_one():
    with pytest.raises(IllegalMove, match="Open a new ticket"):
        resolve(ticket(CLOSED), DEMO, act(LATER))


@pytest.mark.parametrize("status", [CLOSED, SPAM, MERGED])
def test_nobody_answers_a_ticket_that_is_over(status):
    with pytest.raises(IllegalMove):
        reply(ticket(status), Reply("Hello?"), DEMO, act(LATER))


@pytest.mark.parametrize("message", [words(automatic=True), words(author=HARRY), words(author=SYSTEM, automatic=True)])
@pytest.mark.parametrize("status", Status)
def test_robots_and_third_parties_are_recorded_and_change_nothing(status, message):
    before = ticket(status)
    change = customer_writes(before, message, DEMO, act(LATER, message.author))
    assert change.messages == (message,)
    assert change.outgoing == ()
    same = replace(before, version=before.version + 1, change=change.ticket.change, updated_at=LATER)
    assert change.ticket == same


# Opening


@pytest.mark.parametrize(
    ("kind", "priority", "team", "missing"),
    [
        (Kind.QUESTION, "normal", "support", ()),
        (Kind.COMPLAINT, "high", "care", ()),
        (Kind.CLAIM, "high", "care", ("order_reference", "photo")),
        (Kind.COMPLIMENT, "low", "care", ()),
        (Kind.SUGGESTION, "low", "product", ()),
        (Kind.REPAIR, "normal", "technical", ("order_reference",)),
        (Kind.RETURN, "normal", "returns", ("order_reference",)),
        (Kind.REFUND, "high", "returns", ("order_reference",)),
        (Kind.CANCELLATION, "high", "returns", ("order_reference",)),
        (Kind.OTHER, "normal", "support", ()),
    ],
)
def test_a_kind_brings_its_priority_its_team_and_its_questions(kind, priority, team, missing):
    fresh = opened(kind=kind).ticket
    assert (fresh.priority, fresh.team, fresh.missing) == (priority, team, missing)


def test_what_is_given_is_not_asked_for():
    photo = File("broken.jpg", "image/jpeg", 9, "files/1")
    paper = File("bill.pdf", "application/pdf", 9, "files/2")
    assert opened(kind=Kind.CLAIM, order_reference="A-1").ticket.missing == ("photo",)
    assert opened(kind=Kind.CLAIM, files=(photo,)).ticket.missing == ("order_reference",)
    assert opened(kind=Kind.CLAIM, order_reference="A-1", files=(paper,)).ticket.missing == ("photo",)


def test_a_photo_that_comes_later_is_missed_no_more():
    claim = opened(kind=Kind.CLAIM, order_reference="A-1").ticket
    assert written(claim, files=(File("broken.jpg", "image/jpeg", 9, "files/1"),)).missing == ()


def test_a_priority_that_was_asked_for_counts_more_than_the_kinds():
    assert opened(kind=Kind.COMPLIMENT, priority=Priority.URGENT).ticket.priority is Priority.URGENT


def test_opening_acknowledges_with_the_promise_and_what_is_missing():
    (outgoing,) = opened(kind=Kind.RETURN).outgoing
    assert (outgoing.what, outgoing.to) == ("ticket-received", "eva@customer.test")
    request = budgets.request_of("My parcel", "Where is it?", verified=True, by_mail=False)
    assert outgoing.data == {
        "storefront": "demo",
        "promise_by": "2026-03-02T17:00:00Z",
        "counts": {
            "of": "eva@customer.test",
            "name": "Eva",
            "language": "en",
            "tier": "standard",
            **budgets.told(request),
        },
        "missing": ["order_reference"],
        "time_zone": "UTC",
    }


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"unanswered_because": "it is a bounce"}, "it is a bounce"),
        ({"spam": True}, "spam"),
        ({"customer": Person(phone="+49 30 1"), "channel": Channel.PHONE}, "no e-mail address"),
    ],
)
def test_no_acknowledgement_says_why(more, why):
    change = opened(**more)
    assert change.outgoing == ()
    assert why in change.why[0]


def test_spam_has_no_clocks_until_it_is_none():
    spam = ticket(SPAM)
    assert (spam.first_response, spam.resolution, spam.timers) == (None, None, {})
    rescued = reopen(spam, DEMO, act(LATER)).ticket
    assert rescued.first_response.due_at == LATER + timedelta(hours=8)
    assert rescued.waiting_since == LATER


# Answering


def test_an_answer_is_mailed_to_the_customer_and_meets_the_first_response():
    change = reply(ticket(), Reply("On its way."), DEMO, act(LATER))
    (outgoing,), (message,) = change.outgoing, change.messages
    assert (outgoing.id, outgoing.what, outgoing.to) == (message.id, "agent-reply", "eva@customer.test")
    assert message.delivery["eva@customer.test"].state == "queued"
    assert change.ticket.first_response.met_at == LATER
    assert change.ticket.waiting_since is None


def test_a_note_goes_nowhere_and_meets_nothing():
    change = reply(ticket(), Reply("Lost parcel?", internal=True), DEMO, act(LATER))
    assert change.outgoing == ()
    assert change.messages[0].internal
    assert change.ticket.first_response.met_at is None


def test_an_answer_without_an_address_says_that_it_was_not_mailed():
    by_phone = opened(customer=Person(phone="+49 30 1"), channel=Channel.PHONE).ticket
    change = reply(by_phone, Reply("Done."), DEMO, act(LATER))
    assert change.outgoing == ()
    assert "Not mailed" in change.why[0]


@pytest.mark.parametrize("status", [OPEN, PENDING, ON_HOLD, RESOLVED])
def test_an_answer_may_name_the_next_status(status):
    assert answered(ticket(), LATER, status=status).status is status


def test_an_answer_that_has_not_seen_the_newest_words_is_refused():
    first = ticket()
    second = written(first, LATER)
    with pytest.raises(Unseen):
        reply(second, Reply("Done.", seen_message_id=first.last_customer_message), DEMO, act(LATER))
    assert reply(second, Reply("Done.", seen_message_id=second.last_customer_message), DEMO, act(LATER)).messages


# Clocks


def test_the_next_response_runs_from_the_oldest_unanswered_message():
    waiting = written(written(ticket(PENDING), LATER), LATER + timedelta(hours=3))
    assert waiting.next_response.due_at == LATER + timedelta(hours=8)
    assert waiting.response_cycle == 1
    again = written(answered(waiting, LATER + timedelta(hours=4)), LATER + timedelta(hours=5))
    assert (again.response_cycle, again.next_response.due_at) == (2, LATER + timedelta(hours=13))


def test_nobody_waits_on_a_ticket_that_is_spam():
    spam = update(ticket(PENDING), {"status": SPAM}, DEMO, act(LATER)).ticket
    heard = written(spam, LATER)
    assert (heard.next_response, heard.waiting_since, heard.timers) == (None, None, {})


def test_words_before_the_first_answer_start_no_next_response():
    assert written(ticket(), LATER).next_response is None


@pytest.mark.parametrize(
    ("status", "runs"), [(OPEN, True), (ON_HOLD, True), (PENDING, False), (RESOLVED, False), (SPAM, False)]
)
def test_clocks_wait_while_the_customer_is_waited_for(status, runs):
    moved = ticket() if status is OPEN else update(ticket(), {"status": status}, DEMO, act(LATER)).ticket
    assert (moved.resolution.running_since is not None) is runs
    assert (moved.first_response.running_since is not None) is runs


def test_the_time_that_a_ticket_was_pending_is_taken_out():
    pending = answered(ticket(), START + timedelta(hours=1))
    back = written(pending, START + timedelta(hours=11))
    assert back.resolution.due_at == START + timedelta(hours=24 + 10)


def test_after_a_reopening_the_first_response_stays_and_the_next_one_starts():
    resolved = ticket(RESOLVED)
    for back in (reopen(resolved, DEMO, act(LATER)).ticket, written(resolved, LATER), bounced(resolved)):
        assert back.first_response == resolved.first_response
        assert back.next_response.due_at == LATER + timedelta(hours=8)
        assert back.resolution.due_at == LATER + timedelta(hours=24)
        assert back.resolved_at is None


def test_a_snooze_that_ends_lets_every_clock_go_on():
    back = woken(ticket())
    assert back.first_response.due_at == START + timedelta(days=1, hours=8)
    assert back.resolution.due_at == START + timedelta(days=2)


def test_another_priority_brings_other_promises():
    urgent = update(ticket(), {"priority": Priority.URGENT}, DEMO, act(START + timedelta(minutes=10))).ticket
    assert urgent.first_response.due_at == START + timedelta(minutes=30)


def test_an_urgent_ticket_runs_round_the_clock():
    friday = at("Fri 2025-03-07 18:00")
    assert ticket(when=friday, storefront=BUREAU).first_response.due_at == at("Mon 2025-03-10 17:00")
    urgent = ticket(when=friday, storefront=BUREAU, priority=Priority.URGENT)
    assert urgent.first_response.due_at == at("Fri 2025-03-07 18:30")


@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("promised_at", "Sat 2025-03-08 12:00"),
        ("promised_at", "Fri 2025-03-07 09:00"),
        ("snoozed_until", "Fri 2025-03-07 09:00"),
    ],
)
def test_a_date_lies_ahead_and_in_business_hours(name, when):
    friday = at("Fri 2025-03-07 10:00")
    with pytest.raises(Invalid) as refused:
        update(ticket(when=friday, storefront=BUREAU), {name: at(when)}, BUREAU, act(friday))
    assert refused.value.faults[0].pointer == f"/{name}"


# Surveys and the rest


def test_a_resolution_that_a_human_answered_plans_a_survey_and_a_closing():
    resolved = ticket(RESOLVED)
    assert resolved.survey.state is SurveyState.PLANNED
    assert resolved.timers == {"survey": START + timedelta(hours=24), "close": START + timedelta(days=7)}


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (ticket(), "no human answered"),
        (answered(opened(kind=Kind.COMPLIMENT).ticket), "a compliment gets no survey"),
        (answered(opened(customer=Person(phone="1"), channel=Channel.PHONE).ticket), "no e-mail address"),
    ],
)
def test_a_survey_that_is_not_sent_says_why(of, why):
    survey = resolve(of, DEMO, act(LATER)).ticket.survey
    assert survey.state is SurveyState.SKIPPED
    assert why in survey.reason


@pytest.mark.parametrize("event", [wrote, bounced, lambda of: update(of, {"status": MERGED}, DEMO, act(LATER)).ticket])
def test_a_survey_is_cancelled_when_the_resolution_is_none_any_more(event):
    survey = event(ticket(RESOLVED)).survey
    assert survey.state is SurveyState.SKIPPED
    assert "before it was sent" in survey.reason


def test_a_reply_that_cannot_be_delivered_is_told_to_the_lead():
    change = lifecycle.bounced(ticket(RESOLVED), "eva@customer.test", DEMO, act(LATER, SYSTEM))
    assert change.why[0] == "Opened again: the last reply could not be delivered."
    assert "Told the lead: a reply could not be delivered." in change.why
    assert change.outgoing[0].data["reason"] == "reply_undeliverable"
    assert "Opened again" not in lifecycle.bounced(ticket(CLOSED), "eva@customer.test", DEMO, act(LATER, SYSTEM)).why[0]


def test_a_customer_who_asks_for_a_supervisor_is_heard_at_once():
    (told,) = lifecycle.ask_supervisor(ticket(), DEMO, act(LATER, EVA)).outgoing
    assert (told.what, told.data["level"], told.data["reason"]) == ("escalation", "event", "supervisor_requested")


def test_who_is_on_copy_is_proposed_only_when_the_sender_is_known():
    assert opened(cc=("bob@customer.test",)).ticket.proposed == ("bob@customer.test",)
    assert opened(cc=("bob@customer.test",), authenticated=False).ticket.proposed == ()


def test_every_change_counts_once_and_names_itself():
    first = opened()
    second = resolve(first.ticket, DEMO, act(LATER))
    assert (first.ticket.version, second.ticket.version) == (1, 2)
    assert first.ticket.change != second.ticket.change
    assert second.ticket.updated_at == LATER


def test_asking_for_what_is_there_already_changes_nothing():
    before = ticket(OPEN)
    assert lifecycle.unchanged(update(before, {"assignee": "ana@demo.test", "status": OPEN}, DEMO, act(LATER, ANA)))
    assert lifecycle.unchanged(resolve(ticket(RESOLVED), DEMO, act(LATER)))
    assert not lifecycle.unchanged(update(before, {"tags": ("vip",)}, DEMO, act(LATER, ANA)))


def test_a_ticket_that_follows_another_names_it():
    assert opened(follow_up_of=number()).ticket.follow_up_of == number()
