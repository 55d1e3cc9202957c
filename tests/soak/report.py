"""
What a play shows: figures for people, floors under which it proves nothing, and the bugs that must be seen.
"""

# ruff: noqa: T201  it talks to whom called it

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from tests.soak.bugs import BUGS, Bug
from tests.soak.checks import Findings, check
from tests.soak.play import Play


def played(**how) -> tuple[Play, Findings]:
    play = Play(progress=_progress if sys.stderr.isatty() or how["tickets"] > 500 else None, **how).run()
    return play, check(play)


def _progress(play: Play) -> None:
    done = f"{len(play.diary.steps)} tickets, {len(play.diary.mails)} mails, {play.dice.made} calls"
    line = f"day {(play.now - play.end).days + play.days + 1:4.0f} of {play.days:g}: {done}, {sum(play.dice.fired.values())} faults"
    end = "\r" if sys.stderr.isatty() else "\n"
    if end == "\r" or play.now.hour < 6:
        print(line, end=end, file=sys.stderr, flush=True)


def counts(play: Play, found: Findings) -> dict[str, int]:
    """Return what happened, by name."""
    steps = [
        (before, step) for each in play.diary.steps.values() for before, step in zip([None, *each], each, strict=False)
    ]
    mails = Counter(sent.what for sent in play.diary.sent.values())
    survey = Counter(
        state
        for before, step in steps
        if (state := (step.doc.get("survey") or {}).get("state")) and _survey_turned(before, step)
    )
    return {
        "tickets": len(play.diary.steps),
        "steps": len(steps),
        "words of people": sum(play.diary.said.values()),
        "mails taken by SES": len(play.diary.mails),
        **{f"{what} decided": number for what, number in sorted(mails.items())},
        "surveys planned": survey["planned"],
        "surveys skipped": survey["skipped"],
        **{
            f"promises: {level if level == 'warning' else f'level {level}'}": n
            for level, n in sorted(found.levels.items())
        },
        "resolved": sum(step.status == "resolved" != before.status for before, step in steps if before),
        "resolved by silence": sum(any("Resolved by silence" in why for why in step.why) for _, step in steps),
        "closed": sum(step.status == "closed" != before.status for before, step in steps if before),
        "reopened": sum(before.status == "resolved" and step.status == "open" for before, step in steps if before),
        "follow-ups": sum("follow_up_of" in each[0].doc for each in play.diary.steps.values()),
        "words of robots": sum(step.what == "recorded" for _, step in steps),
        "answers undeliverable": sum(step.what == "reply_undeliverable" for _, step in steps),
        "rated": sum(step.what == "rated" for _, step in steps),
        "rated badly": sum(play.diary.bad_ratings.values()),
        "opted out": len(play.diary.opted_out),
        "calls to AWS": play.dice.made,
        "faults fired": sum(play.dice.fired.values()),
        **dict(sorted(play.diary.counts.items())),
        "mails doubled because their events were held back": found.excused,
    }


def _survey_turned(before, step) -> bool:
    was = (before.doc.get("survey") or {}) if before else {}
    now = step.doc.get("survey") or {}
    return (was.get("cycle"), was.get("state")) != (now.get("cycle"), now.get("state"))


def figures(play: Play, found: Findings, took: float) -> Iterator[str]:
    for name, number in counts(play, found).items():
        yield f"{number:>10,}  {name}"
    for fault, number in sorted(play.dice.fired.items()):
        yield f"{number:>10,}  {fault}"
    late = sorted(found.late)
    if late:
        median, p99 = late[len(late) // 2], late[int(len(late) * 0.99)]
        yield f"promises told after they were due, in seconds: median {median:.0f}, p99 {p99:.0f}, most {late[-1]:.0f}"
    yield f"{took:.0f} s, {len(play.diary.steps) / took:.1f} tickets/s, {play.dice.made / took:,.0f} calls/s"


def reds(found: Findings) -> Iterator[str]:
    for name, wrong in found.wrong.items():
        if wrong:
            yield f"RED {name}: {len(wrong)}"
            yield from (f"    {one}" for one in wrong[:5])


FLOORS = {
    "tickets": 0.95, "mails taken by SES": 2, "surveys planned": 0.1, "surveys skipped": 0.1, "promises: warning": 0.3,
    "promises: level 1": 0.2, "promises: level 3": 0.1, "resolved": 0.25, "reopened": 0.02, "words of robots": 0.02,
    "silence-reminder decided": 0.05, "survey-invitation decided": 0.05,
}  # fmt: skip
"""How much of it must happen for each ticket, at least, in a play of a week or more."""

_EXCUSED_AT_MOST = 0.001


def floors_missed(play: Play, found: Findings) -> list[str]:
    """Return where too little happened for the checks to mean anything."""
    seen = counts(play, found)
    missed = [f"only {seen.get(n, 0)} {n}" for n, share in FLOORS.items() if seen.get(n, 0) < share * play.tickets]
    if play.faults and seen["faults fired"] < 0.8 * play.faults * play.dice.made:
        missed.append(f"only {seen['faults fired']} faults fired")
    if found.excused > 1 + _EXCUSED_AT_MOST * seen["mails taken by SES"]:
        missed.append(f"{found.excused} mails were doubled, and only late events excuse it")
    return missed


def seen(bug: Bug, seeds: Iterable[int] = (5, 6, 7)) -> list[str]:
    """Return what the check that should see a bug says, in the first play in which it sees it."""
    for seed in seeds:
        with bug.breaks():
            wrong = check(Play(seed=seed, **bug.play).run()).wrong[bug.seen_as]
        if wrong:
            return wrong
    return []


def bugs() -> int:
    missed = 0
    for bug in BUGS:
        began = time.process_time()
        wrong = seen(bug)
        missed += not wrong
        print(
            f"{'seen  ' if wrong else 'MISSED'} {bug.name} ({time.process_time() - began:.1f} s): {wrong[:1]}",
            flush=True,
        )
    return 1 if missed else 0
