"""
What goes out, whatever comes in: `python -m tests.mail.loops` plays it in numbers and prints what it came to.

| play | bound |
|---|---|
| six robots that answer everything | 3 automatic mails to each |
| forged senders who all name one victim | 3 acknowledgements, and nothing of theirs in them |
| strangers who all write within an hour | the storefront's 500 acknowledgements; every ticket opens and says why it was not acknowledged |
| line ends and headers in every field that reaches a header | the headers that were meant, and no others; nothing that cannot be sent |
| scanners that follow every link in every mail | not one write |
"""

import argparse
import email
import email.policy
import html
import re
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any

TIMES = 10_000
MOST_TO_A_ROBOT = MOST_TO_A_VICTIM = 3
_REPORTED = 100
_KINDS = 7
_VICTIM = "vera@customer.test"
_LINK = re.compile(r"https://desk\.test/[^\s\"'<>)]*")
_HEADERS = {
    "automatic": ("from", "to", "reply-to", "subject", "in-reply-to", "references", "auto-submitted", "precedence",
                  "x-auto-response-suppress", "x-careline-loop", "mime-version", "content-type"),
    "by people": ("from", "to", "reply-to", "subject", "in-reply-to", "references", "mime-version", "content-type"),
}  # fmt: skip
_STAMPS = ("x-ses-configuration-set", "x-ses-message-tags")
_HOSTILE = (
    "\r\n", "\n", "\r", "\r\n\r\n", "\n ", "\x0b", "\x0c", "\x00", "\x85", "\u2028", "\u2029", "\ud800", "\x1b[2J", "=?utf-8?q?=0D=0ABcc:_x?=",
    "=?utf-8?b?DQpCY2M6IHhAZXZpbC50ZXN0?=", "\r\nBcc: x@evil.test", "\nSubject: other", "\r\nContent-Type: text/html\r\n\r\n<b>", "%0d%0aBcc:x@evil.test",
    '"', "\\", "<", ">", "<x@evil.test>", ",", ";", ":", "(", ")", "@", "{{ 7 * 7 }}", "{name}", "%s", "\u202e", "\u200b", "ñ", "日本", "🙂", "a" * 990,
    " ", "\t", "=", "?=", "--=_", "X-SES-MESSAGE-TAGS: ticket=x",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a play came to: a line for people, and whether its bound holds."""

    line: str
    holds: bool


Told = Callable[[int], None]
Play = Callable[[int, Told], Outcome]


def robots(name: str, rounds: int, told: Told) -> Outcome:
    from tests.mail import robots as known
    from tests.mail.played import playing

    robot = next(each for each in known.ROBOTS if each.name == name)
    with playing() as played:
        got = known.play(played, robot, rounds, told)
    return Outcome(f"{name}: {rounds:,} rounds, {got} automatic mails to it", got <= MOST_TO_A_ROBOT)


def forged(times: int, told: Told) -> Outcome:
    """Have *times* mails and requests come in the name of one victim, a second apart, each with a word that no other mail has."""
    from chalicelib.domain.ticket import Author, Channel, Role
    from chalicelib.handlers.tickets import intake_from
    from chalicelib.usecases import tickets
    from chalicelib.usecases.uploads import Uploads
    from tests.mail.played import SUPPORT, playing

    doubts: tuple[dict[str, str], ...] = (
        {"dmarc": "FAIL", "spf": "FAIL"}, {"dmarc": "GRAY", "spf": "FAIL"}, {"dmarc": "ABSENT", "spf": "ABSENT", "dkim": "ABSENT"},
    )  # fmt: skip
    with playing() as played:
        for number in range(times):
            word = f"zqx{number}zqx"
            if number % 4 == 3:
                body = {"customer": {"email": _VICTIM, "name": word}, "subject": word, "body": word,
                        "order_reference": word, "tags": [word]}  # fmt: skip
                intake = intake_from(body, channel=Channel.API, by_hand=False, authenticated=False)
                tickets.open_ticket(
                    played.desk, "demo", intake, Uploads("demo"), by=Author(Role.CUSTOMER, word), once=None
                )
            else:
                variant = _VICTIM.replace("@", f"+{number}@") if number % 3 else _VICTIM
                headers = {"From": f"{word} <{variant}>", "To": f"{word} <{SUPPORT}>", "Subject": word,
                           "In-Reply-To": f"<{word}@evil.test>", "References": f"<{word}.r@evil.test>"}  # fmt: skip
                played.receive(headers, f"{word} https://evil.test/{word}", number=word, verdicts=doubts[number % 4])
            played.sent_raw()
            played.later(1)
            told(number)
        got, theirs = len(played.mails), sum(_all_text(raw).count("zqx") for raw in played.mails)
        opened = len(played.tickets())
    line = f"forged: {times:,} in one name, {opened:,} tickets, {got} acknowledgements to the victim, {theirs} words of theirs"
    return Outcome(line, got <= MOST_TO_A_VICTIM and theirs == 0 and opened == times)


def _all_text(raw: bytes) -> str:
    """Return a mail as it is on the wire, and decoded: its headers and all of its parts."""
    read = email.message_from_bytes(raw, policy=email.policy.default)
    parts = [part.get_content() for part in read.walk() if not part.is_multipart()]
    return "\n".join([raw.decode("latin-1"), *(str(value) for value in read.values()), *parts])


def crowd(times: int, told: Told) -> Outcome:
    """Have *times* customers write to one storefront within an hour; its budget is a twentieth of them."""
    from chalicelib.usecases import house
    from tests.mail.played import playing
    from tests.world import DEMO

    budget = times // 20
    with playing() as played:
        house.put_storefront(played.desk, replace(DEMO, acknowledgements_per_hour=budget))
        for number in range(times):
            played.receive(
                {"From": f"c{number}@customer.test", "To": "support@demo.test", "Subject": "Hello"}, "?", number=number
            )
            played.sent_raw()
            played.later(3500 / times)
            told(number)
        got, refused = len(played.automatic), sum("in an hour" in why for why in played.whys())
        opened, unsent = len(played.tickets()), len(played.unsent())
    line = f"a crowd: {times:,} in an hour, {opened:,} tickets, {got} acknowledgements, {refused:,} tickets that say why not"
    return Outcome(line, got == budget and refused == times - got and opened == times and not unsent)


def injections(times: int, told: Told) -> Outcome:
    """Put what ends a header into every field that reaches one, *times* mails in all."""
    from chalicelib.domain.errors import Invalid
    from tests.mail.played import playing

    chance, wrong, refused = Random(5), [], 0
    with playing() as played:
        number = 0
        while len(played.mails) < times:
            number += 1
            before = len(played.mails)
            try:
                address = _inject(played, chance, number)
            except Invalid:
                refused += 1
                continue
            played.later(3600)
            wrong += [said for raw in played.mails[before:] if (said := _wrong_headers(raw, address))]
            told(len(played.mails))
        unsent = len(played.unsent())
    line = f"injections: {len(played.mails):,} mails, {len(wrong)} with other headers, {unsent} that could not be sent, {refused:,} refused at the door"
    return Outcome("\n  ".join([line, *wrong[:5]]), not wrong and not unsent)


def _inject(played: Any, chance: Random, number: int) -> str:
    """Open a ticket through one of two doors, and answer it, with hostile words wherever words go; return whose it is."""
    from chalicelib.domain.addresses import is_sendable
    from chalicelib.domain.lifecycle import Reply
    from chalicelib.domain.ticket import Author, Channel, Role
    from chalicelib.handlers import schema
    from chalicelib.handlers.tickets import intake_from
    from chalicelib.usecases import house, tickets
    from chalicelib.usecases.uploads import Uploads
    from tests.mail.played import SUPPORT
    from tests.world import DEMO

    def words() -> str:
        return "".join(chance.choice(_HOSTILE if chance.random() < 0.6 else ("Eva", "parcel ", "x")) for _ in range(6))

    if number % 50 == 1:
        shop = replace(DEMO, name=words(), signature=words(), acknowledgements_per_hour=1_000_000)
        house.put_storefront(played.desk, shop)
    address = f"eva{number}@customer.test" + (words() if chance.random() < 0.1 else "")
    if number % 2:
        body = {"customer": {"email": address, "name": words()[:200]}, "subject": words(), "body": words(),
                "order_reference": words()[:100], "tags": [words()[:50]]}  # fmt: skip
        checked = schema.checked(_jsonable(body), schema.OPEN_TICKET)
        intake = intake_from(checked, channel=Channel.API, by_hand=False, authenticated=True)
        by = Author(Role.CUSTOMER, words())
        reference = tickets.open_ticket(played.desk, "demo", intake, Uploads("demo"), by=by, once=None).reference
    else:
        headers = {"From": f"{words()} <{address}>", "To": f"{words()} <support@demo.test>", "Subject": words(),
                   "Cc": words(), "Reply-To": words(), "Message-ID": f"<{words()}{number}@customer.test>", "X-Priority": words()}  # fmt: skip
        reference = played.receive(headers, words(), number=number, to=SUPPORT).reference
    asker = str(played.desk.table.ticket(reference).customer.email)
    if is_sendable(asker):
        agent = Author(Role.AGENT, words(), "ana@shop.test")
        tickets.reply(played.desk, reference, Reply(words()), Uploads("agents"), by=agent, once=None)
    played.sent_raw()
    return asker


def _jsonable(body: Any) -> Any:
    """Return what a request can carry: text without halves of characters."""
    if isinstance(body, str):
        return body.encode("utf-8", "replace").decode() or "x"
    if isinstance(body, dict):
        return {name: _jsonable(value) for name, value in body.items()}
    return [_jsonable(value) for value in body]


def _wrong_headers(raw: bytes, address: str) -> str | None:
    """Return what is not as meant in the headers of a mail to *address*."""
    head = raw.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
    lines = head.split("\r\n")
    if re.search(r"[\r\n\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\ufffd", head.replace("\r\n", "")):
        return f"{address}: a control character, or not ASCII"
    if any(len(line) > 998 for line in lines):
        return f"{address}: a line that is too long"
    names = tuple(line.partition(":")[0].lower() for line in lines if not line.startswith((" ", "\t")))
    meant = _HEADERS["automatic" if "x-careline-loop" in names else "by people"]
    expected = tuple(name for name in (*_STAMPS, *meant) if name != "in-reply-to" or "in-reply-to" in names)
    if names != expected:
        return f"{address}: {names}"
    to = email.message_from_string(head, policy=email.policy.default)["To"]
    local, _, domain = address.partition("@")
    if [a.addr_spec for a in to.addresses] != [f"{local}@{domain.encode('idna').decode()}"]:
        return f"{address}: to {to}"
    return None


def scanners(times: int, told: Told) -> Outcome:
    """Follow every link in every kind of mail, *times* visits in all, and see whether anything was written."""
    from tests.mail.played import playing

    with playing() as played:
        _live(played)
        kinds = len(played.kinds - {"escalation"})
        links = sorted({link for raw in played.mails for link in _links(raw)})
        before = {name: dict(table) for name, table in played.store.tables.items()}, dict(played.store.objects)
        for number in range(times):
            played.visit(("GET", "HEAD")[number // len(links) % 2], links[number % len(links)])
            told(number)
        after = {name: dict(table) for name, table in played.store.tables.items()}, dict(played.store.objects)
        same = before == after and not played.store.mails and not played.fresh
        one_click = sum("/opt-outs/" in link for link in links)
    written = "nothing written" if same else "SOMETHING WRITTEN"
    line = f"scanners: {times:,} visits of {len(links)} links in {kinds} kinds of mail, {written}"
    return Outcome(line, same and kinds == _KINDS and one_click > 0)


def _live(played: Any) -> None:
    """Have a mail of each kind sent to a customer."""
    from chalicelib.domain.lifecycle import Reply
    from chalicelib.domain.storefront import SurveyPolicy
    from chalicelib.domain.ticket import CheckIn, Status
    from chalicelib.usecases import house, tickets
    from chalicelib.usecases.uploads import Uploads
    from tests.world import AGENT, DEMO

    desk = played.desk
    house.put_storefront(desk, replace(DEMO, survey=SurveyPolicy(reminder_after=timedelta(days=3))))
    written = {"From": "Eva <eva@customer.test>", "To": "support@demo.test", "Subject": "My parcel"}
    reference = played.receive(written, "Where is it?", number=1).reference
    agent = partial(tickets.reply, desk, reference, uploads=Uploads("agents"), by=AGENT, once=None)
    tickets.plan_check_in(desk, reference, CheckIn(played.now + timedelta(days=5)), by=AGENT, if_match=None)
    agent(Reply("Which colour do you like?"))
    played.sent_raw()
    for _ in range(3):
        played.sweep(days=3)
    agent(Reply("Now it is solved.", status=Status.OPEN))
    tickets.resolve(desk, reference, by=AGENT, if_match=None)
    played.sweep(hours=25)
    played.sweep(days=4)


def _links(raw: bytes) -> Iterator[str]:
    read = email.message_from_bytes(raw, policy=email.policy.default)
    for name in ("List-Unsubscribe", "Reply-To"):
        yield from _LINK.findall(str(read[name] or ""))
    for part in read.walk():
        if not part.is_multipart():
            yield from _LINK.findall(html.unescape(part.get_content()))


def plays() -> dict[str, Play]:
    """Return all plays by name."""
    names = ("ourselves", "a second Careline", "a vacation note", "a mailing list", "a bouncer", "a polite desk")
    others: dict[str, Play] = {"forged": forged, "crowd": crowd, "injections": injections, "scanners": scanners}
    return {name: partial(robots, name) for name in names} | others


_done: Any = None


def _share(counter: Any) -> None:
    global _done  # noqa: PLW0603 a worker's own link to the count of all
    _done = counter


def _work(name: str, times: int) -> Outcome:
    _environment()

    def told(number: int) -> None:
        if number % _REPORTED == 0:
            with _done.get_lock():
                _done.value += _REPORTED

    return plays()[name](times, told)


def _environment() -> None:
    import os

    from tests.environment import IN_PROCESS

    os.environ |= IN_PROCESS


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mail.loops", description="Play robots, forgers, crowds, injections and scanners."
    )
    parser.add_argument("--times", type=int, default=TIMES, help="rounds of each play (default: %(default)s)")
    parser.add_argument("--only", choices=tuple(plays()), help="one play")
    parser.add_argument("--workers", type=int, default=2, help="processes (default: %(default)s)")
    args = parser.parse_args()
    names = [args.only] if args.only else list(plays())
    began, counter = time.monotonic(), get_context().Value("q", 0)
    with ProcessPoolExecutor(args.workers, initializer=_share, initargs=(counter,)) as pool:
        waiting = {pool.submit(_work, name, args.times) for name in names}
        found: list[Outcome] = []
        while waiting:
            time.sleep(0.5)
            for ended in {each for each in waiting if each.done()}:
                waiting.discard(ended)
                found.append(ended.result())
                sys.stdout.write(f"\r{'' if found[-1].holds else 'BROKEN  '}{found[-1].line}\n")
            share = min(1.0, counter.value / (args.times * len(names)))
            sys.stdout.write(f"\r{share:4.0%}  {time.monotonic() - began:5.0f} s  {len(waiting)} plays left ")
            sys.stdout.flush()
    broken = sum(not outcome.holds for outcome in found)
    sys.stdout.write(f"\r{len(found)} plays, {broken} bounds broken\n")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
