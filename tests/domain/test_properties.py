"""
Whatever happens to a ticket, in whatever order: nothing is lost, no robot is answered, nobody is asked about what is not
solved, and no clock runs while the customer is waited for.
"""

from contextlib import suppress
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain import due, lifecycle, opening
from chalicelib.domain.change import Change
from chalicelib.domain.errors import DeskError
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.storefront import Kind, Priority
from chalicelib.domain.surveys import Rating, rate
from chalicelib.domain.ticket import SYSTEM, Author, Category, Person, Role, Status, SurveyState
from chalicelib.domain.timers import CLOCKS, planned
from tests.domain.build import ANA, BUREAU, DEMO, EVA, START, act, intake, number, words

HARRY = Author(Role.THIRD_PARTY, "Harry", "harry@elsewhere.test")
ROBOT = Author(Role.SYSTEM, "", "mailer-daemon@customer.test")
WAITING = (Category.WAITING_FOR_THE_CUSTOMER, Category.DONE, Category.TERMINAL)


# What can happen: each takes the ticket, its storefront and the time, and returns a change (or None, or refuses).


def customer_writes(ticket, front, now, _):
    return lifecycle.customer_writes(ticket, words(now), front, act(now, EVA))


def robot_writes(ticket, front, now, _):
    return lifecycle.customer_writes(ticket, words(now, author=ROBOT, automatic=True), front, act(now, ROBOT))


def stranger_writes(ticket, front, now, _):
    return lifecycle.customer_writes(ticket, words(now, author=HARRY, verified=False), front, act(now, HARRY))


def agent_answers(ticket, front, now, n):
    status = (None, Status.OPEN, Status.PENDING, Status.ON_HOLD, Status.RESOLVED)[n % 5]
    return lifecycle.reply(ticket, Reply("An answer.", status=status), front, act(now))


def agent_asks(ticket, front, now, n):
    return lifecycle.reply(ticket, Reply("Which one?", awaits_reply=(None, False)[n % 4 == 3]), front, act(now))


def agent_notes(ticket, front, now, _):
    return lifecycle.reply(ticket, Reply("A note.", internal=True), front, act(now))


def agent_moves(ticket, front, now, n):
    return lifecycle.update(ticket, {"status": list(Status)[n % 8]}, front, act(now))


def agent_reprioritises(ticket, front, now, n):
    return lifecycle.update(ticket, {"priority": list(Priority)[n % 4]}, front, act(now))


def agent_snoozes(ticket, front, now, n):
    return lifecycle.update(ticket, {"snoozed_until": now + timedelta(hours=1 + n)}, front, act(now))


def agent_resolves(ticket, front, now, _):
    return lifecycle.resolve(ticket, front, act(now))


def agent_reopens(ticket, front, now, _):
    return lifecycle.reopen(ticket, front, act(now))


def answer_bounces(ticket, front, now, _):
    return lifecycle.bounced(ticket, EVA.email, front, act(now, SYSTEM))


def customer_rates(ticket, front, now, n):
    given = Rating(1 + n % 5, comment="Because." * (n % 2))
    return rate(ticket, ticket.resolution_cycle, given, front, act(now, EVA), number())


def time_passes(ticket, front, now, _):
    return due.fire(ticket, None, front, act(now, SYSTEM))


EVENTS = (
    customer_writes, robot_writes, stranger_writes, agent_answers, agent_asks, agent_notes, agent_moves,
    agent_reprioritises,
    agent_snoozes, agent_resolves, agent_reopens, answer_bounces, customer_rates, time_passes,
)  # fmt: skip
WRITTEN = (customer_writes, robot_writes, stranger_writes, agent_answers, agent_asks, agent_notes)

steps = st.lists(
    st.tuples(st.sampled_from(EVENTS), st.integers(0, 39), st.sampled_from((0, 1, 7, 24, 25, 3 * 24, 7 * 24))),
    max_size=12,
)
lives = st.tuples(
    st.fixed_dictionaries({"kind": st.sampled_from(Kind), "spam": st.booleans(), "automatic": st.booleans()}),
    st.sampled_from((DEMO, BUREAU)),
    st.sampled_from((EVA.email, "")),
    steps,
)


def lived(life):
    """Yield (event, ticket before, change, now) for each thing that happened."""
    how, front, email, happened = life
    robot = {"unanswered_because": "it is automatic mail"} if how["automatic"] else {}
    asked = intake(customer=Person(email, phone="1"), **how, **robot)
    change = opening.open_ticket(asked, number(), front, act(START, EVA))
    yield None, None, change, START
    now, ticket = START, change.ticket
    for event, n, hours in happened:
        now += timedelta(hours=hours)
        with suppress(DeskError):
            change = event(ticket, front, now, n)
            if change is not None:
                assert isinstance(change, Change)
                yield event, ticket, change, now
                ticket = change.ticket


@settings(max_examples=150, deadline=None)
@given(lives)
def test_no_order_of_events_loses_a_message(life):
    ids = []
    for event, before, change, _ in lived(life):
        assert len(change.messages) == (event is None or event in WRITTEN)
        ids += [message.id for message in change.messages]
        assert change.ticket.reference == number()
        assert change.ticket.version == (before.version + 1 if before else 1)
    assert len(ids) == len(set(ids))


@settings(max_examples=150, deadline=None)
@given(lives)
def test_no_order_of_events_answers_a_robot(life):
    for event, _, change, _ in lived(life):
        if event in (robot_writes, stranger_writes):
            assert change.outgoing == ()
        if event is None and (life[0]["automatic"] or life[0]["spam"]):
            assert change.outgoing == ()
        mails = [out for out in change.outgoing if out.what != "escalation"]
        assert len(mails) == len({out.what for out in mails})
        assert all(out.to == EVA.email for out in mails)


@settings(max_examples=150, deadline=None)
@given(lives)
def test_no_order_of_events_surveys_what_is_not_resolved(life):
    asked_in = set()
    for event, before, change, _ in lived(life):
        if any(out.what == "survey-invitation" for out in change.outgoing):
            assert event is time_passes
            assert before.status is Status.RESOLVED
            assert before.answered_by_human
            assert before.resolution_cycle not in asked_in
            asked_in.add(before.resolution_cycle)
        survey = change.ticket.survey
        if change.ticket.category not in (Category.DONE, Category.TERMINAL):
            assert survey is None or survey.state is not SurveyState.PLANNED
        assert survey is None or survey.state is not SurveyState.SKIPPED or survey.reason


@settings(max_examples=150, deadline=None)
@given(lives)
def test_no_clock_runs_while_the_customer_is_waited_for(life):
    how = life[0]
    for _, _, change, now in lived(life):
        ticket = change.ticket
        clocks = [clock for clock in (getattr(ticket, name) for name in CLOCKS) if clock]
        running = [clock for clock in clocks if clock.running_since and not clock.met_at]
        if ticket.category in WAITING:
            assert running == []
        else:
            # and the other way round: who waits for us has a clock that runs
            assert ticket.resolution in running or (how["automatic"] and not clocks)
            assert all(clock in running or clock.met_at for clock in clocks)
        assert all(clock.spent >= timedelta() for clock in clocks)
        assert all(clock.running_since <= now for clock in running)


@settings(max_examples=150, deadline=None)
@given(lives)
def test_no_level_is_published_twice_and_nothing_due_stays_behind(life):
    said = set()
    for _, _, change, now in lived(life):
        for out in change.outgoing:
            if out.what == "escalation" and out.data["clock"] in CLOCKS:
                assert out.data["id"] not in said
                said.add(out.data["id"])
        if change.what == "due":
            assert all(when > now for when in change.ticket.timers.values())
        assert change.ticket.timers == planned(change.ticket, life[1])


@settings(max_examples=100, deadline=None)
@given(lives)
def test_silence_is_broken_step_by_step_and_only_while_it_lasts(life):
    said, since = [], None
    for event, before, change, _ in lived(life):
        if before is None or before.silence_since != since:
            said, since = [], before.silence_since if before else None
        steps = [out.what for out in change.outgoing if out.what.startswith("silence-")]
        if steps:
            assert event is time_passes
            assert before.status is Status.PENDING
            assert before.awaits_reply
            assert not before.snoozed_until or before.snoozed_until > since
        said += steps
        assert said in ([], ["silence-reminder"], ["silence-reminder", "silence-notice"])
        if event is time_passes and before.status is Status.PENDING and change.ticket.status is Status.RESOLVED:
            assert life[1].kind_policy(before.kind).resolved_by_silence
            assert change.ticket.survey.state is SurveyState.SKIPPED
            assert any("by silence" in line for line in change.why)


@settings(max_examples=100, deadline=None)
@given(lives)
def test_only_what_the_product_names_is_mailed(life):
    for event, before, change, _ in lived(life):
        for out in change.outgoing:
            match out.what:
                case "ticket-received":
                    assert event is None
                case "agent-reply":
                    assert event in (agent_answers, agent_asks)
                    assert change.act.by == ANA
                case "survey-invitation":
                    assert event is time_passes
                case "silence-reminder" | "silence-notice":
                    assert event is time_passes
                    assert before.status is Status.PENDING
                case "check-in":
                    assert event is time_passes
                    assert change.ticket.status in (Status.RESOLVED, Status.CLOSED)
                case _:
                    assert out.what == "escalation"
