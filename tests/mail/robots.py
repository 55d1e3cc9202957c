"""
Robots that answer whatever we send them, for as long as somebody lets them.

| robot | what it answers with |
|---|---|
| ourselves | our own mail, as it was |
| a second Careline | what another storefront's desk does by itself, with whatever marks it puts on |
| a vacation note | the same words, no header that tells, to the address that we write from |
| a mailing list | our mail, reflected to the list |
| a bouncer | our mail quoted in plain words, from another address, with no header that tells |
| a polite desk | a receipt with a number that is new each time, no header that tells |

All but the first two leave out our reply address, our number and our thread, so their mail finds no ticket by itself.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message

from tests.mail.played import SUPPORT, Played, text_of

OTHER_DESK = "support@other.test"
_TAG = re.compile(r"\[CL-[^\]]*\]\s*")

Answer = Callable[[Message, int], tuple[dict[str, str], str]]
"""From a mail of ours and a number that is new: the headers of the answer, and its words."""


@dataclass(frozen=True, slots=True)
class Robot:
    name: str
    address: str
    answer: Answer

    @property
    def domain(self) -> str:
        return self.address.partition("@")[2]


def _bare(ours: Message) -> str:
    return _TAG.sub("", str(ours["Subject"]))


def _ourselves(ours: Message, _: int) -> tuple[dict[str, str], str]:
    kept = {name: str(value) for name, value in ours.items() if name.lower() not in ("content-type", "to", "reply-to")}
    return {**kept, "To": str(ours["Reply-To"] or SUPPORT)}, text_of(ours)


def _vacation(ours: Message, _: int) -> tuple[dict[str, str], str]:
    words = {"From": "Vera <vera@vacation.test>", "Subject": f"Out of office: {_bare(ours)}"}
    return words, "I am away until Monday and read no mail."


def _list(ours: Message, number: int) -> tuple[dict[str, str], str]:
    marks = {"From": "vera@list.test", "List-Id": "<friends.list.test>", "Precedence": "list"}
    return marks | {"Subject": f"[friends] {_bare(ours)} ({number})"}, text_of(ours)


def _bouncer(ours: Message, _: int) -> tuple[dict[str, str], str]:
    words = {"From": "Delivery <returned@bouncer.test>", "Subject": f"Returned: {_bare(ours)}"}
    return words, f"We could not bring this to its reader:\n\n{text_of(ours)}"


def _polite(ours: Message, number: int) -> tuple[dict[str, str], str]:
    words = {"From": "Help <help@polite.test>", "Subject": f"[#{number}] Re: {_bare(ours)}"}
    return words, f"Thank you for writing to us! We have received your request {number} and answer soon."


ROBOTS = (
    Robot("ourselves", "vera@mirror.test", _ourselves),
    Robot("a second Careline", OTHER_DESK, _ourselves),
    Robot("a vacation note", "vera@vacation.test", _vacation),
    Robot("a mailing list", "vera@list.test", _list),
    Robot("a bouncer", "vera@bouncer.test", _bouncer),
    Robot("a polite desk", "help@polite.test", _polite),
)


def play(played: Played, robot: Robot, rounds: int, told: Callable[[int], None] = lambda _: None) -> int:
    """
    Let a robot answer for *rounds* rounds, 5 s to 20 min apart; return how many automatic mails it got.

    Somebody with the robot's address writes first. In a round the robot answers whatever it got; when it got nothing, it
    sends its last answer once more, as new.
    """
    first = {"From": f"Vera <{robot.address}>", "To": SUPPORT, "Subject": "My parcel"}
    played.receive(first, "Where is it?", number=0)
    last: Message | None = None
    for number in range(1, rounds + 1):
        played.later(played.chance.choice((5, 20, 50, 240, 600, 1200)))
        fresh = [mail for mail in played.sent() if robot.domain in str(mail["To"])]
        for mail in fresh or ([last] if last else []):
            last = mail
            _answered(played, robot, mail, number)
        if last is None:
            played.receive(first, "Where is it?", number=number)
        told(number)
    return sum(robot.domain in to for to in played.automatic)


def _answered(played: Played, robot: Robot, ours: Message, number: int) -> None:
    if robot.address == OTHER_DESK:
        # our mail reaches the other desk, which does what it does; what that is comes back to us
        headers = {name: str(v) for name, v in ours.items() if name.lower() not in ("content-type", "to")}
        played.receive({**headers, "To": OTHER_DESK}, text_of(ours), number=number)
        for theirs in played.sent():
            if SUPPORT in str(theirs["To"]):
                known = {name: str(v) for name, v in theirs.items() if name.lower() != "content-type"}
                played.receive(known, text_of(theirs), number=number)
        if number % 2:
            person = {"From": OTHER_DESK, "To": SUPPORT, "Subject": "A parcel of your customer"}
            played.receive(person, "Would you look?", number=number)
        return
    headers, words = robot.answer(ours, number)
    played.receive({"To": SUPPORT, **headers}, words, number=number)
