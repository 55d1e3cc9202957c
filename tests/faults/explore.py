"""
All that can go wrong with a scenario, tried out one after the other, always from the same beginning.

Two deliveries at once are greenlets in one thread that change over before a call to AWS, so each order can be played
again. After each step it is asked whether this state was reached before: the same sky, and processes that were told
the same. Its future has been seen then, so all orders are covered without playing all of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from greenlet import GreenletExit, getcurrent, greenlet

from tests.faults.lab import LAB, Call, Fault
from tests.faults.picture import picture
from tests.faults.scenarios import Scenario
from tests.faults.stage import Delivery, Lost, Stage

Plan = Mapping[int, Fault]
_NEVER_WRITTEN = ("STOREFRONT", "KEY", "AGENT", "SIGNING", "ADDRESS#")


class Red(AssertionError):
    """What was seen is not what should be."""


@dataclass
class Tally:
    """
    What was tried; `reds` are the schedules that went wrong, and what was seen.

    `states` counts those that orders came through, `held` the pairs after which a mail is left to people: twice silence.
    """

    schedules: int = 0
    states: int = 0
    fired: int = 0
    calls: int = 0
    held: int = 0
    reds: dict[str, str] = field(default_factory=dict)

    def add(self, schedule: str, seen: str, *wanted: str) -> None:
        self.schedules += 1
        self.fired += len(LAB.fired)
        self.calls += len(LAB.calls)
        if seen not in wanted:
            self.reds[schedule] = difference(seen, wanted[0])

    def leave_out_the_held(self) -> None:
        """Count apart what is as decided: sent twice without a word from SES, a mail waits for people."""
        held = [schedule for schedule, seen in self.reds.items() if ": held" in seen]
        self.held += len(held)
        for schedule in held:
            del self.reds[schedule]

    def check(self) -> None:
        if self.reds:
            schedule, seen = next(iter(self.reds.items()))
            raise Red(f"{len(self.reds)} of {self.schedules} schedules went wrong. The first: {schedule}\n{seen}")


@dataclass
class Explorer:
    """A scenario up to where calls begin to fail."""

    scenario: Scenario
    start: Stage

    @classmethod
    def of(cls, scenario: Scenario, bare: Stage) -> "Explorer":
        play = bare.again()
        scenario.given(play)
        play.answers = ()
        return cls(scenario, play.saved())

    # Faults

    def play(self, plan: Plan) -> str:
        """Play once with faults; return what is seen in the end."""
        stage = self.start.again()
        try:
            with LAB.planned(plan):
                self.scenario.when(stage)
            stage.settle()
        except Lost as lost:
            return f"lost: {lost}"
        return picture(stage)

    def undisturbed(self) -> list[Call]:
        """Play without a fault; return the calls. What is seen must be what the scenario says, word for word."""
        seen = self.play({})
        if seen != self.scenario.then:
            raise Red(f"{self.scenario} without a fault:\n{difference(seen, self.scenario.then)}\n\n{seen}")
        return list(LAB.calls)

    def single_faults(self, *, until_red: bool = False) -> Tally:
        """Fail each call in each way, alone."""
        tally = Tally()
        for plan in plans(self.undisturbed()):
            self._try(plan, tally)
            if until_red and tally.reds:
                break
        return tally

    def pairs(self, *, every: int = 1) -> Iterator[Tally]:
        """Fail each two calls in each two ways, of which the second may be one that only the first brought about."""
        tally, number = Tally(), 0
        for first in list(plans(self.undisturbed())):
            self.play(first)
            for second in list(plans(LAB.calls, after=max(first))):
                number += 1
                if number % every == 0:
                    self._try({**first, **second}, tally)
                    tally.leave_out_the_held()
                    yield tally

    def _try(self, plan: Plan, tally: Tally) -> None:
        seen = self.play(plan)
        schedule = ", ".join(f"{fault} at call {k} {LAB.calls[k - 1]}" for k, fault in plan.items())
        if len(LAB.fired) != len(plan):
            raise Red(f"{self.scenario}: not every planned fault happened: {schedule}")
        tally.add(schedule, seen, self.scenario.then)

    # Orders

    def orders(
        self,
        deliveries: Callable[[Stage], Sequence[Delivery]],
        *also: str,
        until_red: bool = False,
        all_of_them: bool = False,
    ) -> Tally:
        """
        Let deliveries run at once, in every order of their calls; what failed comes again afterwards.

        Args:
            deliveries: What is delivered.
            also: What may be seen in the end, beside what the scenario says.
            until_red: End with the first that goes wrong.
            all_of_them: Play every order to its end, also where the future is known.
        """
        tally, seen, ahead = Tally(), set[int](), [()]
        while ahead and not (until_red and tally.reds):
            prefix: tuple[int, ...] = ahead.pop()
            stage = self.start.again()
            run = _Run(stage, deliveries(stage))
            choices = run.until_done(prefix, None if all_of_them else seen)
            for place in range(len(prefix), len(choices)):
                taken, possible = choices[place]
                ahead += [(*(c for c, _ in choices[:place]), other) for other in range(possible) if other != taken]
            if not run.pruned:
                tally.add("".join(run.order), self._ended(stage, run), self.scenario.then, *also)
        tally.states = len(seen)
        return tally

    def _ended(self, stage: Stage, run: "_Run") -> str:
        try:
            stage.begin()
            for delivery in run.unfinished():
                stage.queue(delivery)
            stage.settle()
        except Lost as lost:
            return f"lost: {lost}"
        return picture(stage)


def plans(calls: Sequence[Call], *, after: int = 0) -> Iterator[Plan]:
    """Yield every single fault of the calls after the first *after*."""
    for number, call in enumerate(calls, start=1):
        if number > after:
            yield from ({number: fault} for fault in Fault if call.can(fault))


def difference(seen: str, wanted: str) -> str:
    missing = [f"- {line}" for line in wanted.splitlines() if line not in seen.splitlines()]
    more = [f"+ {line}" for line in seen.splitlines() if line not in wanted.splitlines()]
    return "\n".join(missing + more) or f"the same lines, another number of them or another order:\n{seen}"


class _Run:
    """One order of some deliveries."""

    def __init__(self, stage: Stage, deliveries: Sequence[Delivery]) -> None:
        self.stage, self.deliveries = stage, deliveries
        self.names = [chr(ord("A") + n) for n in range(len(deliveries))]
        self.told = dict.fromkeys(self.names, 0)
        self.taken: dict[str, bool] = {}
        self.order: list[str] = []
        self.pruned = False

    def until_done(self, prefix: Sequence[int], seen: set[int] | None) -> list[tuple[int, int]]:
        """Play; return what was chosen at each step, and of how many. Beyond *prefix* it ends at what was seen."""
        alive = {n: greenlet(partial(self._live, n, d)) for n, d in zip(self.names, self.deliveries, strict=True)}
        self.main, choices, last = getcurrent(), list[tuple[int, int]](), ""
        LAB.before_each, LAB.after_each = self._stop, self._hear
        try:
            with LAB.planned({}):
                while alive:
                    if seen is not None and len(choices) >= len(prefix) and self._known(seen, alive):
                        self.pruned = True
                        break
                    possible = sorted(alive, key=lambda name: (name != last, name))
                    choice = prefix[len(choices)] if len(choices) < len(prefix) else 0
                    choices.append((choice, len(possible)))
                    last = possible[choice]
                    self.order.append(last)
                    alive[last].switch()
                    alive = {name: worker for name, worker in alive.items() if not worker.dead}
                LAB.before_each = LAB.after_each = None
                for worker in alive.values():
                    worker.throw(GreenletExit)
        finally:
            LAB.before_each = LAB.after_each = None
        return choices

    def unfinished(self) -> list[Delivery]:
        return [d for n, d in zip(self.names, self.deliveries, strict=True) if not self.taken.get(n)]

    def _live(self, name: str, delivery: Delivery) -> None:
        getcurrent().name = name
        self.stage.begin(name)
        self.taken[name] = delivery()

    def _known(self, seen: set[int], alive: Mapping[str, object]) -> bool:
        state = hash((self.stage.sky.fingerprint(), *self.told.items(), *alive))
        known = state in seen
        seen.add(state)
        return known

    def _stop(self, call: Call) -> None:
        """Change over, unless the call reads what nobody writes."""
        keys = [call.said.get("Key", {}).get("pk", {}).get("S", "")] if call.service == "dynamodb" else [""]
        if not keys[0].startswith(_NEVER_WRITTEN):
            self._note("is about to", call, "")
            self.main.switch()

    def _hear(self, call: Call, answer: object) -> None:
        self._note("was told", call, repr(answer))

    def _note(self, what: str, call: Call, answer: str) -> None:
        name = getcurrent().name
        self.told[name] = hash((self.told[name], what, str(call), answer))
