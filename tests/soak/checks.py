"""
What must be true of a diary when all is over. Each check yields what it found wrong, in words.

Clocks are played again from what happened to a ticket (`Ladder`), with the working time of `hours`: not one line of the
desk's own reckoning is used.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from chalicelib.adapters import keys
from tests.documents import document
from tests.soak.diary import CLOCKS, RUNNING, Diary, Sent, Step, moment
from tests.soak.fronts import FRONTS
from tests.soak.hours import NEVER_BY_SILENCE, NO_SURVEY, after, hours_for, hours_of, openings_of, silence, target
from tests.soak.play import START, Play

LATE = timedelta(minutes=12)
"""How late something due may be with faults: each sweep that fails costs a minute."""

GRACE = timedelta(minutes=15)
"""How long a Send event may take before a send without an answer may be tried again."""

ONCE_IN = timedelta(days=30)
_ALIKE_MOST = 2
_LEVELS = ("warning", "1", "2", "3")
_CLOSES_AFTER = timedelta(days=7)


@dataclass
class Findings:
    """`wrong` by check; `late` are the seconds by which escalations were late; `excused` are doubled mails of the model."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    late: list[float] = field(default_factory=list)
    excused: int = 0
    levels: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def green(self) -> bool:
        return not any(self.wrong.values())


def check(play: Play) -> Findings:
    """Check everything."""
    found = Findings()
    diary = play.diary
    for name, wrong in (
        ("unexpected errors", iter(diary.unexpected)),
        ("a clock ran while waiting for the customer", iter(diary.ran_while_waiting)),
        ("words lost or doubled", _words(play)),
        ("mails lost or doubled", _mails(play, found)),
        ("the outbox is not empty", _outbox(play)),
        ("escalations not published", _words_of_topic(play)),
        ("dead letters", _dead_letters(play)),
        ("asked twice in 30 days", _asked(diary)),
        ("digests", _digests(play)),
    ):
        found.wrong[name] += wrong
    acknowledged: dict[str, list[datetime]] = defaultdict(list)
    for sent in diary.sent.values():
        if sent.what == "ticket-received":
            acknowledged[sent.to].append(sent.at)
    for reference, steps in diary.steps.items():
        for name, each in (
            ("promises", _promises(play, reference, steps, found)),
            ("promised dates and tasks", _dates(play, reference, steps)),
            ("silence", _silence(play, reference, steps)),
            ("surveys", _surveys(play, reference, steps)),
            ("closing", _closing(play, reference, steps)),
            ("acknowledgements", _acknowledged(reference, steps, acknowledged)),
            ("robots", _robots(reference, steps)),
            ("check-ins", _check_ins(play, reference, steps)),
            ("forgotten", _forgotten(play, reference, steps)),
        ):
            found.wrong[name] += each
    return found


# What people said


def _rows(play: Play, prefix: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for (pk, sk), item in play.store.tables["careline"].items():
        if sk.startswith(prefix):
            yield pk, item


def _words(play: Play) -> Iterator[str]:
    """Everything that was taken stands on exactly one ticket, once; what was refused at most once."""
    stands: dict[str, int] = defaultdict(int)
    for _, item in _rows(play, "MESSAGE#"):
        ours = play.diary.sent.get(item["sk"]["S"][8:])
        if ours and ours.what != "agent-reply":
            continue  # what we send by ourselves repeats words of people
        text = json.loads(document(item)).get("text", "")
        stands[text.split()[-1] if text else ""] += 1
    for token, taken in play.diary.said.items():
        if stands[token] > 1 or (taken and stands[token] != 1):
            yield f"{token} stands {stands[token]} times, taken: {taken}"


def _mails(play: Play, found: Findings) -> Iterator[str]:
    """Each mail that was decided went to SES once, or its message says why not."""
    went: dict[str, list[datetime]] = defaultdict(list)
    for outbox_id, _, at in play.diary.mails:
        went[outbox_id].append(at)
    held = {item["sk"]["S"][7:] for _, item in _rows(play, "OUTBOX#")}
    messages = {item["sk"]["S"][8:]: item for _, item in _rows(play, "MESSAGE#")}
    for sent in play.diary.sent.values():
        if sent.what == "escalation":
            continue
        times = went.get(sent.id, [])
        if len(times) > 1:
            told = play.diary.told_of.get(sent.id)
            # the second went out before any event of the first had been taken in: they were late, or held back
            if times[1] - times[0] >= GRACE and (told is None or told > times[1]):
                found.excused += 1
            else:
                yield f"{sent.what} of {sent.ticket} went out {len(times)} times: {times}, told of at {told}"
        if not times and sent.id not in held and not _unacknowledged(play, sent):
            said = json.loads(document(messages[sent.id])) if sent.id in messages else {}
            states = [d["state"] for d in said.get("delivery", {}).values()]
            if not said and _suppressed(play, sent):
                play.diary.counts["automatic mails not sent to suppressed addresses"] += 1
            elif "bounced" not in states:
                yield f"{sent.what} of {sent.ticket} never went out: {states}"
    for outbox_id in set(went) - set(play.diary.sent):
        yield f"{outbox_id} was mailed and never decided"


def _suppressed(play: Play, sent: Sent) -> bool:
    row = play.store.tables["careline"].get(tuple(keys.customer(sent.to)), {})
    return "suppressed_until" in row


def _outbox(play: Play) -> Iterator[str]:
    for pk, item in _rows(play, "OUTBOX#"):
        progress = json.loads(item["progress"]["S"])
        if progress["state"] == "held" and "without a word" in progress.get("reason", ""):
            play.diary.counts["mails held for people"] += 1
        else:
            yield f"{pk} {progress}"


def _words_of_topic(play: Play) -> Iterator[str]:
    said = {json.loads(word)["id"] for word in play.store.words}
    for sent in play.diary.sent.values():
        if sent.what == "escalation" and sent.data["id"] not in said:
            yield sent.data["id"]
    for rating in play.diary.bad_ratings:
        if rating not in said:
            yield f"{rating} was not told to anybody"


def _dead_letters(play: Play) -> Iterator[str]:
    for queue in ("IntakeDeadLetter", "DueDeadLetter"):
        yield from (f"{queue}: {body}" for body in play.store.bodies(queue))


# Promises


@dataclass
class Clock:
    """A clock as anybody could keep it with pencil and paper."""

    name: str
    cycle: int
    allowance: float
    spent: float = 0.0
    met: bool = False
    spoken: int = 0

    def threshold(self, level: str) -> float:
        ahead = max(self.allowance / 4, 900)
        return self.allowance + {"warning": -ahead, "1": 0, "2": self.allowance / 2, "3": self.allowance}[level]


@dataclass
class Ladder:
    """The clocks of one ticket, kept from what happened to it, and what they should have said."""

    front: str
    said: dict[str, Step]
    end: datetime
    clocks: dict[str, Clock] = field(default_factory=dict)
    cycle: int = 0
    reckoned: datetime = START

    def play(self, steps: list[Step], found: Findings) -> Iterator[str]:
        for number, step in enumerate(steps):
            self._turn(steps[number - 1] if number else None, step)
            if step.status in RUNNING:
                following = steps[number + 1] if number + 1 < len(steps) else None
                yield from self._run(step, following, found)
        yield from (f"said {key} at {at.seen_at} without a reason" for key, at in self.said.items())

    def _start(self, name: str, step: Step, cycle: int = 1) -> None:
        allowance = target(self.front, step.priority, step.kind, name, step.at)
        self.clocks[name] = Clock(name, cycle, allowance)

    def _turn(self, before: Step | None, step: Step) -> None:
        """Start, meet and change clocks as *step* asks."""
        if before is None:
            if "first_response" in step.doc:
                self._start("first_response", step)
                self._start("resolution", step)
            return
        if before.status == "spam" and step.status in RUNNING and "first_response" not in self.clocks:
            self._start("first_response", step)
            self._start("resolution", step)
        if step.priority != before.priority:
            for clock in self.clocks.values():
                if not clock.met:
                    clock.allowance = target(self.front, step.priority, step.kind, clock.name, step.at)
        if step.what == "replied":
            for name in ("first_response", "next_response"):
                if name in self.clocks:
                    self.clocks[name].met = True
        answered = before.doc.get("answered_by_human", False)
        opened_again = before.status == "resolved" and step.status in RUNNING
        waits = "next_response" not in self.clocks or self.clocks["next_response"].met
        wrote = step.what == "customer_wrote" and step.status in RUNNING and waits
        if answered and (opened_again or wrote):
            self.cycle += 1
            self._start("next_response", step, self.cycle)

    def _run(self, step: Step, following: Step | None, found: Findings) -> Iterator[str]:
        """
        Let the clocks run from one step to the next, which is where they speak, if they do.

        Steps count from when they were decided (`at`), which an order that came late puts before it was written. A clock
        that is over its time when its ticket wakes up, because other targets were set while it slept, speaks in that very step.
        """
        until = following.seen_at if following else self.end
        begins = max(step.at, self.reckoned)
        self.reckoned = max(begins, following.at if following else self.end)
        hours = hours_for(self.front, step.priority)
        for clock in self.clocks.values():
            if clock.met:
                continue
            while clock.spoken < len(_LEVELS):
                level = _LEVELS[clock.spoken]
                due = hours.opens(begins) if clock.threshold(level) <= clock.spent else hours.reached(
                    begins, clock.threshold(level) - clock.spent
                )  # fmt: skip
                key = f"{clock.name}/{clock.cycle}/{level}"
                speaks = self.said.get(key)
                if speaks is None or speaks not in (step, following):
                    if due + LATE < until:
                        yield f"{key} was due at {due} and nobody was told"
                    break
                del self.said[key]
                clock.spoken += 1
                found.levels[level] += 1
                found.late.append((speaks.seen_at - due).total_seconds())
                if not timedelta(seconds=-1) <= speaks.seen_at - due <= LATE:
                    yield f"{key} was due at {due} and told at {speaks.seen_at}"
            clock.spent += hours.between(begins, self.reckoned)


def _promises(play: Play, reference: str, steps: list[Step], found: Findings) -> Iterator[str]:
    said: dict[str, Step] = {}
    for step in steps:
        for sent in step.sent:
            if sent.what == "escalation" and sent.data["clock"] in CLOCKS:
                key = sent.data["id"].removeprefix(f"{reference}/")
                if key in said:
                    yield f"{reference} {key} was said twice"
                said[key] = step
    ladder = Ladder(steps[0].doc["storefront"], said, play.drained_at)
    yield from (f"{reference} {wrong}" for wrong in ladder.play(steps, found))


def _escalations(steps: list[Step]) -> Iterator[Sent]:
    return (sent for step in steps for sent in step.sent if sent.what == "escalation")


def _stretches(steps: list[Step], of: Any) -> Iterator[tuple[Any, datetime, datetime | None]]:
    """Yield (value, since, until) for each time in which something of a ticket stays as it is and is not None."""
    value, since = None, None
    for step in steps:
        now = of(step)
        if now == value:
            continue
        if value is not None:
            yield value, since, step.seen_at
        value, since = now, step.seen_at
    if value is not None:
        yield value, since, None


def _dates(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:
    """A promised date, or a task, that came and went was told to the lead at its minute."""
    told = {sent.data["id"]: sent.seen_at for sent in _escalations(steps)}

    def of(name: str) -> Any:
        def value(step: Step) -> Any:
            if step.status in ("resolved", "closed", "spam"):
                return None
            if name == "task":
                return (step.doc.get("task") or {}).get("due_at")
            return step.doc.get("promised_at")

        return value

    for name in ("promised", "task"):
        for text, since, until in _stretches(steps, of(name)):
            due = max(moment(text), since)
            at = told.get(f"{reference}/{name}/{text}")
            over = until or play.drained_at
            if over > due + LATE and (at is None or not timedelta() <= at - due <= LATE):
                yield f"{reference} {name} {text} was told at {at}"


# Silence, surveys, closing


def _silence(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:
    """
    Reminder, notice, resolution (or a word to the lead): each once, in order, at its minute.

    In place of a reminder there are words for people about who opted out, and about nobody else.
    """
    front = steps[0].doc["storefront"]
    opted_out = play.diary.opted_out.get(steps[0].doc["customer"].get("email", ""))

    def waiting(step: Step) -> Any:
        doc = step.doc
        if step.status != "pending" or doc.get("snoozed_until"):
            return None
        return doc.get("silence_since"), doc.get("awaits_reply", False), step.kind, bool(doc["customer"].get("email"))

    happened = [(sent.seen_at, sent.what) for step in steps for sent in step.sent if sent.what.startswith("silence-")]
    for step in steps:
        if any(why.startswith("No reminder: this customer wants no such messages") for why in step.why):
            happened.append((step.seen_at, "silence-reminder"))
            if opted_out is None or step.seen_at < opted_out:
                yield f"{reference} was not reminded at {step.seen_at}, and opted out at {opted_out}"
    happened += [(s.seen_at, "tell") for s in _escalations(steps) if s.data["reason"] == "customer_silent"]
    happened += [(s.seen_at, "resolve") for s in steps if any("Resolved by silence" in why for why in s.why)]
    explained = 0
    done: dict[str, int] = defaultdict(int)
    for (text, asks, kind, mailed), since, until in _stretches(steps, waiting):
        after_days = silence(front)
        over = until or play.drained_at
        wanted = [("silence-reminder", after_days[0]), ("silence-notice", after_days[1])] if asks and mailed else []
        wanted.append(("tell" if kind in NEVER_BY_SILENCE else "resolve", after_days[2]))
        # a change of kind while it waits keeps what was done
        for what, wait in wanted[done[text] :]:
            due = max(moment(text) + wait, since)
            seen = [at for at, name in happened if name == what and due <= at <= due + LATE and at <= over]
            if len(seen) == 1:
                explained += 1
                done[text] += 1
            elif seen or over > due + LATE:
                yield f"{reference} {what} was due at {due}, and happened {len(seen)} times"
    if explained != len(happened):
        yield f"{reference} {len(happened)} words of silence, of which {explained} were due: {happened}"


def _surveys(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:  # noqa: C901, PLR0912 one rule a line
    front = steps[0].doc["storefront"]
    wait = after(front, "after", "24 h") or timedelta()
    remind = after(front, "reminder_after", None)
    invited: list[Sent] = []
    for before, step in pairwise(steps):
        for sent in step.sent:
            if sent.what == "survey-invitation":
                invited.append(sent)
                if before.status != "resolved" or not before.doc.get("answered_by_human"):
                    yield f"{reference} was asked about while {before.status}"
                if step.kind in NO_SURVEY and not any(s.kind not in NO_SURVEY for s in steps):
                    yield f"{reference} was asked about, and is a {step.kind}"
        survey = step.doc.get("survey") or {}
        if survey.get("state") == "skipped" and not survey.get("reason"):
            yield f"{reference} has no survey and no reason"
        resolved = step.status == "resolved" and before.status != "resolved"
        if resolved and not survey:
            yield f"{reference} was resolved and nobody thought of a survey"
        by_silence = any("Resolved by silence" in why for why in step.why)
        if resolved and by_silence and survey.get("state") != "skipped":
            yield f"{reference} was resolved by silence and has a survey: {survey}"
    cycles = [sent.data["cycle"] for sent in invited]
    if len(cycles) != len(set(cycles)):
        yield f"{reference} was asked twice about one resolution"

    def planned(step: Step) -> Any:
        survey = step.doc.get("survey") or {}
        return (step.doc["resolved_at"],) if step.status == "resolved" and survey.get("state") == "planned" else None

    for (text,), _, until in _stretches(steps, planned):
        due = moment(text) + wait
        if (until or play.drained_at) > due + LATE:
            yield f"{reference} should have been asked at {due}, or told why not"
    for sent in invited:
        if not wait <= sent.seen_at - max(moment(s.doc["resolved_at"]) for s in steps if s.status == "resolved"
                                          and s.seen_at < sent.seen_at) <= wait + LATE:  # fmt: skip
            yield f"{reference} was asked at {sent.seen_at}"
    reminders = [s for step in steps for s in step.sent if s.what == "survey-reminder"]
    for sent in reminders:
        first = next((i for i in invited if i.data["cycle"] == sent.data["cycle"]), None)
        if remind is None or first is None or not remind <= sent.seen_at - first.seen_at <= remind + 2 * LATE:
            yield f"{reference} was reminded of a survey at {sent.seen_at}"
    if len({s.data["cycle"] for s in reminders}) != len(reminders):
        yield f"{reference} was reminded of one survey twice"


def _asked(diary: Diary) -> Iterator[str]:
    asked: dict[str, list[datetime]] = defaultdict(list)
    for sent in diary.sent.values():
        if sent.what == "survey-invitation":
            asked[sent.to.casefold()].append(sent.at)
    for to, times in asked.items():
        for one, other in pairwise(sorted(times)):
            if other - one < ONCE_IN:
                yield f"{to} was asked at {one} and at {other}"


def _closing(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:
    def resolved(step: Step) -> Any:
        return step.doc["resolved_at"] if step.status == "resolved" else None

    for text, _, until in _stretches(steps, resolved):
        due = moment(text) + _CLOSES_AFTER
        if (until or play.drained_at) > due + LATE:
            yield f"{reference} should have been closed at {due}"
    for before, step in pairwise(steps):
        if step.status == "closed" and before.status != "closed":
            due = moment(before.doc["resolved_at"]) + _CLOSES_AFTER
            if not timedelta() <= step.seen_at - due <= LATE:
                yield f"{reference} was closed at {step.seen_at} instead of {due}"
        if before.status == "closed" and step.status != "closed":
            yield f"{reference} was closed and became {step.status}"


def _acknowledged(reference: str, steps: list[Step], all_acks: dict[str, list[datetime]]) -> Iterator[str]:
    """Each ticket has one, or says why not: a machine wrote it, a stranger, or somebody who had two of them this day."""
    acks = [s for step in steps for s in step.sent if s.what == "ticket-received"]
    first = steps[0]
    unanswered = any(why.startswith("No acknowledgement") for why in first.why)
    if len(acks) + unanswered != 1:
        yield f"{reference} has {len(acks)} acknowledgements; {first.why}"
    email = first.doc["customer"].get("email", "")
    lately = [at for at in all_acks[email] if timedelta() <= first.at - at <= timedelta(days=1)]
    reasons = ("automatic", "spam", "DMARC")
    if unanswered and email and not any(reason in why for why in first.why for reason in reasons):
        yield f"{reference} was not acknowledged: {first.why}"
    for step in steps:
        spent = len(lately) >= _ALIKE_MOST and any("were sent to this address" in why for why in step.why)
        if step.what == "unacknowledged" and not spent:
            yield f"{reference} was not acknowledged after all: {step.why}"


def _unacknowledged(play: Play, sent: Sent) -> bool:
    """Tell whether a ticket says that its acknowledgement was taken out again."""
    return sent.what == "ticket-received" and any(
        step.what == "unacknowledged" for step in play.diary.steps[sent.ticket]
    )


def _robots(reference: str, steps: list[Step]) -> Iterator[str]:
    """A machine's words change nothing and are answered by nothing."""
    for before, step in pairwise(steps):
        if step.what == "recorded" and (step.sent or step.status != before.status):
            yield f"{reference} answered a robot at {step.at}: {before.status} {step.status} {step.sent}"


def _check_ins(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:
    sent = [s for step in steps for s in step.sent if s.what == "check-in"]
    hours = hours_of(steps[0].doc["storefront"])
    for one in sent:
        opted = play.diary.opted_out.get(one.to)
        if opted and opted < one.at:
            yield f"{reference} got a check-in after he had opted out"
        if hours.opens(one.at) - one.at > timedelta() and one.seen_at - hours.opens(one.at - LATE) > LATE:
            yield f"{reference} got a check-in in quiet hours, at {one.at}"

    def due(step: Step) -> Any:
        return (
            step.doc["check_in"]["at"] if step.doc.get("check_in") and step.status not in ("spam", "merged") else None
        )

    planned = list(_stretches(steps, due))
    if len(sent) > len(planned):
        yield f"{reference} got {len(sent)} check-ins of {len(planned)} planned"
    for text, since, until in planned:
        at = hours.opens(max(moment(text), since)) if until is None else hours.opens(moment(text))
        if (until or play.drained_at) > max(at, since) + LATE:
            yield f"{reference} should have got a check-in at {at}"


def _digests(play: Play) -> Iterator[str]:
    """Each lead gets one at the opening of each working day, from the second on."""
    got: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for sent in play.diary.sent.values():
        if sent.what == "digest":
            got[sent.data["storefront"], sent.to].append(sent.seen_at)
    for front, told in FRONTS.items():
        leads = {team["lead"] for team in told["teams"].values()}
        first = min(at for at in openings_of(front).values() if at > START - timedelta(hours=24))
        due = [at for at in openings_of(front).values() if first < at <= play.drained_at - LATE and at > START]
        for lead in leads:
            times = sorted(got[front, lead])
            for at in due:
                if _after_the_first_day(front, at) and len([t for t in times if at <= t <= at + LATE]) != 1:
                    yield f"{lead} should have got one digest at {at}"
            if len(times) > len(due) + 1:
                yield f"{lead} got {len(times)} digests on {len(due)} days"


def _after_the_first_day(front: str, at: datetime) -> bool:
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(FRONTS[front]["time_zone"])
    return at.astimezone(zone).date() > START.astimezone(zone).date()


def _forgotten(play: Play, reference: str, steps: list[Step]) -> Iterator[str]:
    """Who still waits has something that will happen, or the lead was told that nothing helped."""
    last = steps[-1]
    doc, timers = last.doc, last.doc.get("timers", {})
    if "failed_timers" in doc:
        yield f"{reference} has timers that failed"
    told_most = f"{reference}/resolution/1/3" in {s.data["id"] for s in _escalations(steps)}
    if last.status in RUNNING and "first_response" in doc and not (set(timers) & set(CLOCKS) or told_most):
        yield f"{reference} is {last.status} and nothing will happen"
    told_lead = any(s.data["reason"] == "customer_silent" for s in _escalations(steps))
    if last.status == "pending" and not ({"silence", "snooze"} & set(timers) or told_lead):
        yield f"{reference} is pending and nothing will happen"
    if last.status == "resolved" and "close" not in timers:
        yield f"{reference} is resolved and will not be closed"
    due = min((moment(at) for at in timers.values()), default=None)
    row = play.store.tables["careline"][f"TICKET#{reference}", "TICKET"]
    if due and "due_sk" not in row:
        yield f"{reference} is due at {due} and no sweep can find it"
    if due and due < play.drained_at - LATE:
        yield f"{reference} was due at {due} and nothing happened"
