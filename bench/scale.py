"""
`make scale`: what ten million tickets a day ask of each partition, of each limit, and of the sweep. Nothing is sent anywhere.

    lives       real lives, played on moto and watched: which partition is written and read how much (bench/lives.py)
    partitions  some seconds of tickets at the peak, drawn over storefronts and agents, each put where the keys put it
    limits      how many tickets a day each setting carries as it is, and what it must be
    lateness    timers at ten times the mean, worked off by the clock (bench/lateness.py)

What nobody measured is an assumption: it stands in Mix and Taken, and is printed.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from math import ceil
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import tests.conftest  # noqa: F401 the environment of a desk in process
from bench import lives
from bench.lateness import Played, Rush, played
from bench.lives import Footprint, Place
from chalicelib.adapters import keys
from chalicelib.domain.reference import draw
from infra import cost, package

DAY = 86_400
GOAL_TICKETS = 10_000_000
PEAK = 5  # times the mean
PARTITION_WRITES, PARTITION_READS = 1000, 3000  # a second: Amazon DynamoDB Developer Guide, "Designing partition keys"
TABLE_WRITES, API_REQUESTS, INVOCATIONS = (
    40_000,
    10_000,
    1000,
)  # quotas of an account, all of which AWS raises on request
GOAL_SECONDS = 90
SECONDS_PLAYED = 20
FAR = 10  # times the goal: no limit that anybody needs to know of
TIMERS = 3  # of a ticket
ALARM_TIMES = 10  # times the mean, at which timers must still be in time
OWN = frozenset({"TICKET", "RECEIPT", "MAIL", "CUSTOMER"})
"""Items whose partition belongs to one ticket, mail or customer."""

ONCE_A_MINUTE = "FEEDBACK"
"""Each process looks at it once a minute, not for each ticket: the first look of a life is that one."""


@dataclass(frozen=True)
class Mix:
    """Who writes to whom: parts of all tickets. The largest storefront has its part, the others share the rest."""

    lives: Mapping[str, float] = field(
        default_factory=lambda: {"answered": 0.60, "assigned": 0.25, "late": 0.10, "spam": 0.05}
    )
    largest: float = 0.25
    storefronts: int = 1000
    agents: int = 100_000


@dataclass(frozen=True)
class Setting:
    """How much is set up for: the parameters of infra/resources.yaml, and the largest storefront's own budget of mails."""

    due_shards: int
    due_workers: int
    list_shards: int
    inbound_workers: int
    feedback_workers: int
    outbox_workers: int
    requests: int
    acknowledgements: int
    stream_shards: int

    @property
    def shards(self) -> keys.Shards:
        return keys.Shards(self.due_shards, {"s0": self.list_shards})


@dataclass(frozen=True)
class Taken:
    """Seconds that one takes, assumed: a request, a mail sent, a mail taken in, a word of SES about a mail, a timer."""

    request: float = 0.060
    mail_out: float = 0.120
    mail_in: float = 0.150
    feedback: float = 0.030
    timer: float = 0.043


LARGE = Setting(
    due_shards=256, due_workers=320, list_shards=4, inbound_workers=200, feedback_workers=200, outbox_workers=5,
    requests=9000, acknowledgements=2_000_000, stream_shards=90,
)  # fmt: skip


@cache
def usual() -> Setting:
    """Return what a stage has when nothing is set, read from the template; a new table has four partitions."""
    held = package.load_yaml(package.ROOT / "infra/resources.yaml")["Parameters"]
    number = {name: int(each["Default"]) for name, each in held.items() if each["Type"] == "Number"}
    return Setting(
        due_shards=number["DueShards"], due_workers=number["DueWorkers"], list_shards=1,
        inbound_workers=number["InboundWorkers"], feedback_workers=number["FeedbackWorkers"],
        outbox_workers=number["OutboxWorkers"], requests=number["RequestsPerSecond"], acknowledgements=500, stream_shards=4,
    )  # fmt: skip


@dataclass(frozen=True)
class Load:
    """Units a second, by partition that tickets share."""

    written: Counter[Place]
    read: Counter[Place]
    table_writes: float

    def hottest(self, of: str) -> tuple[Place, float]:
        return max(
            ((place, units) for place, units in self.written.items() if place.of == of), key=lambda found: found[1]
        )

    def indexes(self) -> list[str]:
        return sorted({place.of for place in self.written})


def loaded(
    footprints: Mapping[str, Footprint], mix: Mix, setting: Setting, *, tickets: int = GOAL_TICKETS,
    seconds: int = SECONDS_PLAYED, seed: int = 1,
) -> Load:  # fmt: skip
    """
    Return the units a second on each partition, at the peak of a day with so many *tickets*.

    The sweep's looks at its shards are the clock's, not a ticket's: they are left out of the reads.
    """
    chance = random.Random(seed)  # noqa: S311 it is a game
    number = round(tickets / DAY * PEAK * seconds)
    names, parts = zip(*mix.lives.items(), strict=True)
    written: Counter[Place] = Counter()
    read: Counter[Place] = Counter()
    own = 0.0
    for life in chance.choices(names, parts, k=number):
        ticket = _Drawn(str(draw(chance.choice)), _storefront(mix, chance), f"a{chance.randrange(mix.agents)}", setting)
        for place, units in _shared(footprints[life].written):
            written[ticket.stands(place)] += units
        for place, units in _shared(footprints[life].read):
            for one in ticket.is_read(place) if _kind(place) not in ("DUE", "UNSENT") else ():
                read[one] += units
        own += sum(units for place, units in footprints[life].written.items() if _kind(place) in OWN)
    for counted in (written, read):
        for place in counted:
            counted[place] /= seconds
    return Load(written, read, own / seconds)


@dataclass(frozen=True)
class _Drawn:
    """A ticket that is somewhere: where its life's entries stand, by the real keys."""

    reference: str
    storefront: str
    agent: str
    setting: Setting

    def stands(self, place: Place) -> Place:
        kind, pk = _kind(place), self._of_storefront(place)
        if kind in ("DUE", "UNSENT"):
            pk = getattr(keys, kind.lower())(keys.shard(self.reference, self.setting.due_shards))
        elif kind in ("QUEUE", "UNASSIGNED"):
            pk = self.setting.shards.one_of(self.storefront, pk, self.reference)
        elif kind == "ASSIGNEE":
            pk = keys.of_assignee(self.agent)
        elif kind == "BUDGET":
            pk = keys.budget(self.storefront, keys.shard(self.reference, ceil(self.setting.acknowledgements / 500))).pk
        return Place(place.of, pk)

    def is_read(self, place: Place) -> tuple[Place, ...]:
        """Return what is read: a list is read in all its partitions."""
        if _kind(place) not in ("QUEUE", "UNASSIGNED"):
            return (self.stands(place),)
        partitions = self.setting.shards.all_of(self.storefront, self._of_storefront(place))
        return tuple(Place(place.of, pk) for pk in partitions)

    def _of_storefront(self, place: Place) -> str:
        return place.pk.replace("#demo", f"#{self.storefront}")


def _kind(place: Place) -> str:
    return place.pk.partition("#")[0] if place.of == "table" or place.of != "customer" else "CUSTOMER"


def _shared(units: Mapping[Place, float]) -> Iterator[tuple[Place, float]]:
    """Yield what tickets share."""
    for place, number in units.items():
        kind = _kind(place)
        if kind in OWN:
            continue
        left = number - 1 if kind == ONCE_A_MINUTE else number
        if left > 0:
            yield place, left


def _storefront(mix: Mix, chance: random.Random) -> str:
    return "s0" if chance.random() < mix.largest else f"s{chance.randrange(1, mix.storefronts)}"


@dataclass(frozen=True)
class Limit:
    """What there is a limit to, the tickets a day that it carries, and what moves it."""

    what: str
    tickets: float
    remedy: str


def limits(footprints: Mapping[str, Footprint], load: Load, mix: Mix, setting: Setting, taken: Taken) -> list[Limit]:
    """Return what limits a desk that is set up so, in the order in which it is met. All but timers are met at the peak."""

    def of_a_ticket(call: str) -> float:
        return sum(part * footprints[life].calls[call] for life, part in mix.lives.items())

    mails_out, mails_in = of_a_ticket("SendRawEmail"), of_a_ticket("GetObject")
    requests = 5 + sum(cost.LOOKS.values())
    busy = requests * taken.request + mails_out * (taken.mail_out + 2 * taken.feedback) + mails_in * taken.mail_in
    busy += TIMERS * taken.timer
    a_day = DAY / PEAK
    found = [
        Limit("acknowledgements of the largest storefront", setting.acknowledgements / 3600 / mix.largest * a_day, "its setting acknowledgements_per_hour"),
        Limit("requests that API Gateway lets through", setting.requests / requests * a_day, "RequestsPerSecond, RequestsInABurst"),
        Limit("mails that the stream's workers send", setting.outbox_workers * setting.stream_shards / taken.mail_out / mails_out * a_day, "OutboxWorkers; the table's partitions"),
        Limit("mails taken in", setting.inbound_workers / taken.mail_in / mails_in * a_day, "InboundWorkers"),
        Limit("words of SES about mails", setting.feedback_workers / taken.feedback / mails_out / 2 * a_day, "FeedbackWorkers"),
        Limit("workers for timers, at ten times the mean", min(setting.due_workers, setting.due_shards) / taken.timer / TIMERS / ALARM_TIMES * DAY, "DueShards, DueWorkers"),
        Limit("functions that run at a time in an account", INVOCATIONS / busy * a_day, "a quota of Lambda"),
        Limit("requests of an account's APIs", API_REQUESTS / requests * a_day, "a quota of API Gateway"),
        Limit("write units of a table", TABLE_WRITES / (load.table_writes + sum(load.written.values())) * GOAL_TICKETS, "a quota of DynamoDB; warm throughput before the day"),
    ]  # fmt: skip
    for index in load.indexes():
        place, units = load.hottest(index)
        remedy = {
            "due": "DueShards",
            "queue": "ListShards",
            "assignee": "ListShards",
            "table": "acknowledgements_per_hour",
        }.get(index, "")
        found.append(Limit(f"writes of {place.pk}", PARTITION_WRITES / units * GOAL_TICKETS, remedy))
    place, units = load.read.most_common(1)[0]
    found.append(
        Limit(
            f"reads of {place.pk}", PARTITION_READS / units * GOAL_TICKETS, "ListShards" if place.of == "queue" else ""
        )
    )
    near = (limit for limit in found if limit.tickets <= FAR * GOAL_TICKETS)
    return sorted(near, key=lambda limit: limit.tickets)


def rush(setting: Setting, taken: Taken, tickets: float = GOAL_TICKETS) -> Rush:
    """Return the timers of a day with so many tickets, at ten times their mean."""
    return Rush(tickets * TIMERS / DAY * ALARM_TIMES, setting.due_shards, setting.due_workers, ticket=taken.timer)


def carried(setting: Setting, taken: Taken) -> float:
    """Return with how many tickets a day timers are still in time at ten times the mean, within five per cent."""
    whole = setting.due_shards / taken.timer / TIMERS / ALARM_TIMES * DAY  # one worker a shard, always busy
    low, high = whole / 4, whole * 2
    while high / low > 1.05:  # noqa: PLR2004
        middle = (low * high) ** 0.5
        in_time = played(rush(setting, taken, middle)).late_by(0.99) <= GOAL_SECONDS
        low, high = (middle, high) if in_time else (low, middle)
    return low


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument(
        "--largest", type=float, default=Mix.largest, help="the largest storefront's part of all tickets"
    )
    parser.add_argument("--due-shards", type=int, default=LARGE.due_shards)
    parser.add_argument("--due-workers", type=int, default=LARGE.due_workers)
    parser.add_argument("--list-shards", type=int, default=LARGE.list_shards)
    parser.add_argument("--timer", type=float, default=Taken.timer, metavar="SECONDS", help="what one due ticket takes")
    args = parser.parse_args()
    mix, taken = Mix(largest=args.largest), Taken(timer=args.timer)
    large = replace(LARGE, due_shards=args.due_shards, due_workers=args.due_workers, list_shards=args.list_shards)
    footprints = {name: lives.played(getattr(lives, name)) for name in mix.lives}
    loads = [("as it comes", usual()), ("set for it", large)]
    print("\n".join(told(footprints, mix)), flush=True)
    for name, setting in loads:
        load = loaded(footprints, mix, setting)
        print("\n".join(told_of_partitions(name, setting, load)), flush=True)
        print(f"Limits in the order in which they are met, {name}: tickets a day")
        for limit in limits(footprints, load, mix, setting, taken):
            print(f"  {limit.tickets:14,.0f}   {limit.what:52} {limit.remedy}".rstrip(), flush=True)
    done = played(rush(large, taken))
    print("\n".join(told_of_timers(done, large, taken)), flush=True)
    return 0 if done.late_by(0.99) <= GOAL_SECONDS and max(load.written.values()) <= PARTITION_WRITES else 1


def told(footprints: Mapping[str, Footprint], mix: Mix) -> Iterator[str]:
    parts = ", ".join(f"{part:.0%} {life}" for life, part in mix.lives.items())
    yield f"{GOAL_TICKETS:,} tickets a day, {GOAL_TICKETS / DAY * PEAK:.0f} a second at the peak: {parts};"
    yield f"{mix.largest:.0%} of them in the largest of {mix.storefronts} storefronts, {mix.agents:,} agents"
    for life, seen in footprints.items():
        most = max(units for place, units in seen.written.items() if _kind(place) in OWN)
        yield f"  {life:10} {sum(seen.written.values()):4g} write units, at most {most} of them on one partition of its own"


def told_of_partitions(name: str, setting: Setting, load: Load) -> Iterator[str]:
    shards = f"{setting.due_shards} due shards, {setting.list_shards} list shards"
    yield f"Hottest partitions at the peak, {name} ({shards}): write units a second, of {PARTITION_WRITES}"
    for index in load.indexes():
        place, units = load.hottest(index)
        yield f"  {index:10} {units:9.1f}   {place.pk}{'   TOO HOT' if units > PARTITION_WRITES else ''}"
    place, units = load.read.most_common(1)[0]
    hot = "   TOO HOT" if units > PARTITION_READS else ""
    yield f"  {'(reads)':10} {units:9.1f}   {place.pk}, of {PARTITION_READS}{hot}"


def told_of_timers(done: Played, setting: Setting, taken: Taken) -> Iterator[str]:
    due = rush(setting, taken)
    yield f"Timers at {ALARM_TIMES} times the mean: {due.per_second:.0f} a second for {due.minutes} minutes, {taken.timer * 1000:.0f} ms each"
    yield (
        f"  {setting.due_shards} shards, {setting.due_workers} workers: late by {done.late_by(0.5):.0f} s (p50), "
        f"{done.late_by(0.99):.0f} s (p99), {max(done.late):.0f} s (worst); {done.most_workers} worked at a time, "
        f"{done.met} of {len(done.late)} tickets met two, {done.left} were left"
    )
    for shards, workers in ((4, 10), (16, 20)):
        small = replace(setting, due_shards=shards, due_workers=workers)
        yield f"  {shards:3} shards, {workers:3} workers: in time up to {carried(small, taken):,.0f} tickets a day"


if __name__ == "__main__":
    sys.exit(main())
