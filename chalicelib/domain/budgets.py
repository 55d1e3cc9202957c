"""
How many automatic mails go out, whatever comes in. Signs in a mail tell most robots; these budgets stop the others.

| what | at most |
|---|---|
| acknowledgements to one address | 10 in 180 min |
| those for one subject, or for the same words in an answer | 2 in 180 min, counted from the last mail like it |
| those to an address that nobody has verified | 3 in 24 h |
| mails of one sender | 20 in an hour; above that he is held for an hour, and gets nothing automatic |
| acknowledgements of one storefront | 500 in an hour, or as many as it sets |
| mails to one agent | 60 in an hour |
| system mails on one ticket to one address | see system_mails |

What is refused is the automatic mail alone: the ticket opens, the mail is recorded, the clocks run, and the ticket says why.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, fields
from datetime import datetime, timedelta
from typing import Any

from chalicelib.frozen import frozen, replace

ACKNOWLEDGED_WITHIN = timedelta(minutes=180)
ACKNOWLEDGED_MOST = 10
ALIKE_MOST = 2
UNVERIFIED_WITHIN = timedelta(hours=24)
UNVERIFIED_MOST = 3
HELD_ABOVE = 20
HELD_FOR = timedelta(hours=1)
HOUR = timedelta(hours=1)
_TELLING = 6

TOLD_MOST = 60
"""Mails to one agent in an hour: one a minute is more than a person reads. Above that machines write, and he finds it at the desk."""

_AT_ONCE = timedelta(minutes=1)
_LONGEST_READ = 20_000
_KEPT_FOR_LIKENESS = 10
# Compiled when they are first asked for: who sends and who sweeps never asks.
_OUR_NUMBER = r"\bCL-[0-9A-Z]{5}-[0-9A-Z]{5}\b"
_ANSWERS = r"(?:\s*\[[^\]]{0,80}\])?\s*(?:re|aw|sv|vs|antw|rv|res|odp|ynt|fwd?|wg|tr|auto\w{0,12}|out of office)\b"

_PREFIXES = frozenset(("re", "aw", "sv", "vs", "antw", "rv", "res", "odp", "ynt", "fw", "fwd", "wg", "tr"))


@frozen
class Request:
    """
    What the budgets see of a request for help.

    `subject` and `words` are digests: of the subject without our number and "Re:", of the new words without figures and
    links. `answers` tells one that looks like an answer to a mail of ours.
    """

    subject: str
    words: str
    answers: bool
    verified: bool
    by_mail: bool


@frozen
class Acknowledged:
    """
    An acknowledgement that went out; `again_at` is when a request like it came last, `by` names it for whoever counts it
    again.
    """

    at: datetime
    subject: str
    words: str = ""
    verified: bool = True
    again_at: datetime | None = None
    by: str = ""


@frozen
class Flow:
    """The newest mails of a sender, one more than he may send in an hour, and until when he is held."""

    mails: tuple[datetime, ...] = ()
    held_until: datetime | None = None

    def counted(self, at: datetime) -> "Flow":
        mails = (*(mail for mail in self.mails if mail > at - HELD_FOR), at)[-HELD_ABOVE - 1 :]
        return Flow(mails, at + HELD_FOR if len(mails) > HELD_ABOVE else self.held_until)

    def held_at(self, at: datetime) -> bool:
        return self.held_until is not None and at < self.held_until


@frozen
class Ledger:
    """
    What an address was sent and what came in its name; those who only say that they are he are counted apart, so that
    a forger cannot have him held. `version` counts writes and guards them.
    """

    acknowledged: tuple[Acknowledged, ...] = ()
    verified: Flow = field(default_factory=Flow)
    unverified: Flow = field(default_factory=Flow)
    version: int = 0


def request_of(subject: str, text: str, quoted: str = "", *, verified: bool, by_mail: bool) -> Request:
    cites = bool(re.search(_OUR_NUMBER, f"{subject}\n{text[:_LONGEST_READ]}\n{quoted[:_LONGEST_READ]}", re.IGNORECASE))
    return Request(
        subject=_digest(_subject_words(subject)),
        words=_digest(_plain_words(text[:_LONGEST_READ])) if by_mail else "",
        answers=by_mail and (cites or bool(re.match(_ANSWERS, subject, re.IGNORECASE))),
        verified=verified,
        by_mail=by_mail,
    )


def told(request: Request) -> dict[str, Any]:
    """Return a request as an acknowledgement carries it until it is sent."""
    return {each.name: getattr(request, each.name) for each in fields(request)}


def request_told(counts: Mapping[str, Any]) -> Request:
    return Request(**{each.name: counts[each.name] for each in fields(Request)})


def heard(ledger: Ledger, request: Request, at: datetime) -> Ledger:
    """Return the ledger after a request: a mail counts for its sender, and what is like it is remembered for longer."""
    at = whole(at)
    noted = replace(ledger, acknowledged=tuple(
        replace(each, again_at=at) if _alike(each, request) and _lately(each, at) else each
        for each in _needed(ledger, at)
    ))  # fmt: skip
    if not request.by_mail:
        return noted
    if request.verified:
        return replace(noted, verified=ledger.verified.counted(at))
    return replace(noted, unverified=ledger.unverified.counted(at))


def held(ledger: Ledger, request: Request, at: datetime) -> str | None:
    """Return why a sender is held; None for one who is not."""
    flow = ledger.verified if request.verified else ledger.unverified
    if not flow.held_at(at):
        return None
    return (
        f"more than {HELD_ABOVE} mails of this sender came in an hour; held until {flow.held_until:%Y-%m-%d %H:%M} UTC"
    )


def refusal(ledger: Ledger, request: Request, at: datetime) -> str | None:
    """Return why a request that was heard gets no acknowledgement; None when it gets one."""
    sent = [each for each in ledger.acknowledged if each.at > at - ACKNOWLEDGED_WITHIN]
    alike = [each for each in ledger.acknowledged if each.verified is request.verified and _lately(each, at)]
    unverified = [e for e in ledger.acknowledged if not e.verified and e.at > at - UNVERIFIED_WITHIN]
    minutes = ACKNOWLEDGED_WITHIN // timedelta(minutes=1)
    if reason := held(ledger, request, at):
        return reason
    if len(sent) >= ACKNOWLEDGED_MOST:
        return f"{len(sent)} were sent to this address in {minutes} minutes"
    if sum(each.subject == request.subject for each in alike) >= ALIKE_MOST:
        return f"{ALIKE_MOST} were sent to this address for this subject, and it came again within {minutes} minutes"
    by_return = any(timedelta() < at - each.at < _AT_ONCE for each in sent)
    if request.words and (request.answers or by_return) and sum(e.words == request.words for e in alike) >= ALIKE_MOST:
        return f"{ALIKE_MOST} were sent to this address for these words, and they came again within {minutes} minutes"
    if not request.verified and len(unverified) >= UNVERIFIED_MOST:
        return f"{len(unverified)} were sent in 24 hours to this address, which nobody has verified"
    return None


def recorded(ledger: Ledger, request: Request, at: datetime) -> tuple[Ledger, str | None]:
    """Return the ledger after a mail that asks for no acknowledgement, and why its sender is held; None for one who is not."""
    now = heard(ledger, request, at)
    return now, held(now, request, at)


def answered(ledger: Ledger, request: Request, at: datetime, by: str) -> tuple[Ledger, str | None]:
    """
    Count an acknowledgement, once.

    Args:
        ledger: What its address was sent lately.
        request: What it answers.
        at: Now.
        by: Its id: whoever was interrupted counts again, and it counts once.

    Returns:
        The ledger afterwards, and why it is not to be sent after all; None when it is.
    """
    if any(each.by == by[-_TELLING:] for each in ledger.acknowledged):
        return ledger, None
    now = heard(ledger, request, at)
    refused = refusal(now, request, at)
    if refused:
        return now, refused
    sent = Acknowledged(whole(at), request.subject, request.words, request.verified, by=by[-_TELLING:])
    return replace(now, acknowledged=(*now.acknowledged, sent)), None


def reserved(minutes: Mapping[str, int], most: int, at: datetime) -> dict[str, int] | None:
    """
    Count one more mail of a storefront, or to an agent; None when *most* went out in the last hour.

    Args:
        minutes: How many were counted in each minute, as this function returned it before. A minute counts until the
            whole of it is an hour ago, so no hour holds more, wherever it begins.
        most: The budget for an hour.
        at: Now.
    """
    oldest = _minute(at - HOUR)
    kept = {minute: count for minute, count in minutes.items() if minute >= oldest}
    if sum(kept.values()) >= most:
        return None
    return {**kept, _minute(at): kept.get(_minute(at), 0) + 1}


def whole(at: datetime) -> datetime:
    """Return the second that *at* ends in: short to store, and never too early, so that no window ends too soon."""
    return at.replace(microsecond=0) + timedelta(seconds=bool(at.microsecond))


def _minute(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M}"


def _needed(ledger: Ledger, at: datetime) -> tuple[Acknowledged, ...]:
    """Return what a budget still asks for; of what is only remembered for its likeness, the newest."""
    budgeted = [
        e for e in ledger.acknowledged
        if e.at > at - ACKNOWLEDGED_WITHIN or (not e.verified and e.at > at - UNVERIFIED_WITHIN)
    ]  # fmt: skip
    others = [e for e in ledger.acknowledged if e not in budgeted and _lately(e, at)]
    return (*others[-_KEPT_FOR_LIKENESS:], *budgeted)


def _lately(each: Acknowledged, at: datetime) -> bool:
    return (each.again_at or each.at) > at - ACKNOWLEDGED_WITHIN


def _alike(each: Acknowledged, request: Request) -> bool:
    same_words = bool(request.words) and each.words == request.words
    return each.verified is request.verified and (each.subject == request.subject or same_words)


def _subject_words(subject: str) -> Iterator[str]:
    bare = re.sub(_OUR_NUMBER, " ", subject, flags=re.IGNORECASE).casefold()
    words = [word for word in re.findall(r"\w+", bare) if word not in _PREFIXES]
    yield from words or [bare.strip()]


def _plain_words(text: str) -> Iterator[str]:
    """Yield the words that stay the same when a robot puts in a number, a time, a link or an address."""
    for token in text.casefold().split():
        if not any(character.isdigit() for character in token) and "@" not in token and "://" not in token:
            yield from re.findall(r"\w+", token)


def _digest(words: Iterator[str]) -> str:
    """Return a digest of which words there are: a robot that quotes itself adds none. "" for none."""
    found = sorted(set(words))
    return hashlib.sha256(" ".join(found).encode()).hexdigest()[:12] if found else ""
