"""
How late timers are, when many are due: the sweep of each minute, its shards, and the workers of due_work, played by the clock.

What is played is `usecases/due.py`: an order for each busy shard, oldest orders first; a worker takes pages of a shard in
the order in which tickets are due, each page in no order, and after a few hundred tickets leaves the rest to a new order.
Workers come as AWS lets them: 5 at once, then 5 more each second, up to the setting.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.usecases.due import _IN_ONE_GO, _PAGE

SWEEP_EVERY = 60.0
WAITS, TAKEN, DONE = range(3)


@dataclass(frozen=True)
class Rush:
    """
    Timers due for each second, for how many minutes, and who works them off.

    The times of calls are in seconds: `ticket` a whole one, `read` a ticket that another worker has done, `page` a page
    of keys, `look` the sweep's look at a shard with its order, `cold` a worker's start. AWS Lambda's scaling of a queue's workers:
    AWS Lambda Developer Guide, "Configuring scaling behavior for SQS event source mappings".
    """

    per_second: float
    shards: int
    workers: int
    minutes: int = 5
    ticket: float = 0.043
    read: float = 0.005
    page: float = 0.010
    look: float = 0.015
    cold: float = 1.0
    at_first: int = 5
    more_each_second: float = 5.0
    seed: int = 1


@dataclass
class Played:
    """Seconds that each timer was late, the most workers at a time, and how often two met on one ticket."""

    late: list[float] = field(default_factory=list)
    most_workers: int = 0
    met: int = 0
    left: int = 0

    def late_by(self, share: float) -> float:
        """Return by how many seconds at most this share of the timers was late; what was never done is late for ever."""
        ordered = sorted(self.late)
        place = int(share * (len(ordered) + self.left))
        return ordered[place] if place < len(ordered) else float("inf")


class _Clock:
    def __init__(self, rush: Rush) -> None:
        self.rush, self.chance, self.played = rush, random.Random(rush.seed), Played()  # noqa: S311 it is a game
        self.now, self._count, self._tasks = 0.0, 0, list[tuple[float, int, Iterator[float]]]()
        self.due = [sorted(self._arrivals()) for _ in range(rush.shards)]
        self.state = [bytearray(len(each)) for each in self.due]
        self.first = [0] * rush.shards
        self.orders: deque[tuple[int, float]] = deque()
        self.working, self._began = 0, -1.0

    def _arrivals(self) -> Iterator[float]:
        mean, at = self.rush.shards / self.rush.per_second, 0.0
        while (at := at + self.chance.expovariate(1 / mean)) < self.rush.minutes * SWEEP_EVERY:
            yield at

    def play(self) -> Played:
        """Play until all is done, or ten minutes after the last was due."""
        self._start(self._sweeps())
        while self._tasks:
            self.now, _, task = heapq.heappop(self._tasks)
            if self.now > (self.rush.minutes + 10) * SWEEP_EVERY:
                break
            pause = next(task, None)
            if pause is not None:
                self._start(task, pause)
        self.played.left = sum(each.count(WAITS) + each.count(TAKEN) for each in self.state)
        return self.played

    def _start(self, task: Iterator[float], after: float = 0.0) -> None:
        self._count += 1
        heapq.heappush(self._tasks, (self.now + after, self._count, task))

    def _sweeps(self) -> Iterator[float]:
        minute = 0
        while self._any_left():
            minute += 1
            at = minute * SWEEP_EVERY
            yield max(0.0, at - self.now)
            for shard in range(self.rush.shards):
                yield self.rush.look
                if next(self._waiting(shard, at, 0), None) is not None:
                    self.orders.append((shard, at))
                    self._hire()

    def _any_left(self) -> bool:
        return any(next(self._waiting(shard, float("inf"), 0), None) is not None for shard in range(self.rush.shards))

    def _hire(self) -> None:
        """Start workers for what is ordered, as many as may run by now."""
        if self._began < 0:
            self._began = self.now
        allowed = min(self.rush.workers, self.rush.at_first + (self.now - self._began) * self.rush.more_each_second)
        while self.orders and self.working < int(allowed):
            self.working += 1
            cold = self.rush.cold if self.working > self.played.most_workers else 0.0
            self.played.most_workers = max(self.played.most_workers, self.working)
            self._start(self._work(), cold)
        if self.orders and allowed < self.rush.workers:
            self._start(self._later(), 1 / self.rush.more_each_second)

    def _later(self) -> Iterator[float]:
        self._hire()
        yield from ()

    def _work(self) -> Iterator[float]:
        while self.orders:
            shard, at = self.orders.popleft()
            yield from self._order(shard, at)
        self.working -= 1

    def _order(self, shard: int, at: float) -> Iterator[float]:
        handled, after = 0, 0
        while handled < _IN_ONE_GO:
            yield self.rush.page
            found = [place for place, _ in zip(self._waiting(shard, at, after), range(_PAGE), strict=False)]
            for place in self.chance.sample(found, len(found)):
                yield from self._ticket(shard, place)
            handled += len(found)
            if len(found) < _PAGE:
                return
            after = found[-1] + 1
        self.orders.append((shard, at))

    def _ticket(self, shard: int, place: int) -> Iterator[float]:
        state = self.state[shard]
        if state[place] == DONE:
            yield self.rush.read
        elif state[place] == TAKEN:
            self.played.met += 1
            yield self.rush.ticket + self.rush.read
        else:
            state[place] = TAKEN
            yield self.rush.ticket
            state[place] = DONE
            self.played.late.append(self.now - self.due[shard][place])

    def _waiting(self, shard: int, at: float, after: int) -> Iterator[int]:
        """Yield the places of what still stands in the index of a shard by *at*, from *after* on."""
        due, state, first = self.due[shard], self.state[shard], self.first[shard]
        while first < len(due) and state[first] == DONE:
            first += 1
        self.first[shard] = first
        for place in range(max(first, after), len(due)):
            if due[place] > at:
                return
            if state[place] != DONE:
                yield place


def played(rush: Rush) -> Played:
    return _Clock(rush).play()
