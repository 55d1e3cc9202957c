"""
How much it carries: which partition a life writes, how tickets share them, and how late timers are.
"""

from collections import Counter

import pytest

from bench import lives, scale
from bench.lateness import Rush, played
from bench.lives import Footprint, Place
from infra import deploy, package
from infra.aws import Trouble


@pytest.fixture(scope="module")
def assigned():
    return lives.played(lives.assigned)


def of_life(written=None, read=None, **calls):
    return Footprint(Counter(written or {}), Counter(read or {}), Counter(calls))


def one_life(footprint, **mix):
    return {"one": footprint}, scale.Mix(lives={"one": 1.0}, **mix)


def test_each_write_of_a_life_is_counted_where_it_lands(assigned):
    shared = {place.pk: units for place, units in assigned.written.items() if place.of in ("queue", "assignee", "day")}
    assert shared == {
        "DAY#demo#2026-03-02": 1,
        "QUEUE#demo#open": 2,
        "QUEUE#demo#waiting_for_the_customer": 2,
        "QUEUE#demo#open/assigned": 2,
        "ASSIGNEE#ana@shop.test": 2,
    }
    own = {place.pk.partition("#")[0] for place in assigned.written if place.of == "table"}
    assert own == {"TICKET", "MAIL", "CUSTOMER", "BUDGET", "FEEDBACK"}


def test_feedback_meets_on_one_item_once_a_process(assigned):
    place = Place("table", "FEEDBACK")
    assert (assigned.read[place], assigned.written[place], assigned.calls["SendRawEmail"]) == (0.5, 1, 3)


def test_no_partition_is_too_hot_when_it_is_set_for_ten_million_tickets(assigned):
    for largest in (0.25, 1.0):
        footprints, mix = one_life(assigned, largest=largest)
        load = scale.loaded(footprints, mix, scale.LARGE, seconds=2)
        assert max(load.written.values()) < scale.PARTITION_WRITES
        assert max(load.read.values()) < scale.PARTITION_READS


def test_a_day_is_five_times_busier_at_its_peak_and_each_ticket_counts_once():
    footprints, mix = one_life(of_life({Place("day", "DAY#demo#2026-03-02"): 1}), largest=1.0)
    load = scale.loaded(footprints, mix, scale.usual(), tickets=86_400, seconds=200)
    assert load.written == {Place("day", "DAY#s0#2026-03-02"): 5}


def test_a_list_of_the_largest_storefront_is_written_in_one_of_its_partitions_and_read_in_all():
    place = Place("queue", "QUEUE#demo#open")
    footprints, mix = one_life(of_life({place: 6}, {place: 0.5}), largest=1.0)
    load = scale.loaded(footprints, mix, scale.LARGE, tickets=86_400, seconds=800)
    partitions = {"QUEUE#s0#open", *(f"QUEUE#s0#open#{n}" for n in range(1, scale.LARGE.list_shards))}
    assert {written.pk for written in load.written} == {read.pk for read in load.read} == partitions
    assert sum(load.written.values()) == pytest.approx(30)
    assert set(load.read.values()) == {2.5}
    assert max(load.written.values()) < 30 / len(partitions) * 1.15


def test_timers_are_spread_over_all_shards():
    footprints, mix = one_life(of_life({Place("due", "DUE#1"): 10}))
    few, many = (scale.loaded(footprints, mix, each, seconds=2) for each in (scale.usual(), scale.LARGE))
    assert len(few.written) == 4
    assert few.hottest("due")[1] > scale.PARTITION_WRITES > many.hottest("due")[1] * 10


def test_the_limit_that_is_met_first_comes_first():
    footprints, mix = one_life(
        of_life({Place("queue", "QUEUE#demo#open"): 6}, {Place("queue", "QUEUE#demo#open"): 1}, SendRawEmail=4, GetObject=2),
        largest=1.0,
    )  # fmt: skip
    load = scale.loaded(footprints, mix, scale.usual(), seconds=1)
    found = scale.limits(footprints, load, mix, scale.usual(), scale.Taken())
    assert [limit.tickets for limit in found] == sorted(limit.tickets for limit in found)
    assert (found[0].what, found[0].tickets) == ("acknowledgements of the largest storefront", 500 / 3600 * 86_400 / 5)
    carried = {limit.what: limit.tickets for limit in found}
    assert carried["writes of QUEUE#s0#open"] == pytest.approx(1000 / 6 * 86_400 / 5, rel=0.01)


PART = 32  # of the rush that ten million tickets make: as many fewer shards, workers and timers


def rush(shards, workers, **more):
    due = scale.rush(scale.LARGE, scale.Taken())
    return Rush(due.per_second / PART, shards, workers, minutes=3, at_first=1, more_each_second=5 / PART, **more)


def test_timers_at_ten_times_the_mean_are_in_time_and_none_is_lost_or_done_twice():
    done = played(rush(scale.LARGE.due_shards // PART, scale.LARGE.due_workers // PART))
    assert (len(done.late), done.left) == (19_452, 0)
    assert 60 < done.late_by(0.99) <= scale.GOAL_SECONDS
    assert done.most_workers <= scale.LARGE.due_workers // PART


def test_a_quarter_of_the_shards_and_workers_is_too_few():
    done = played(rush(scale.LARGE.due_shards // PART // 4, scale.LARGE.due_workers // PART // 4))
    assert done.late_by(0.99) > scale.GOAL_SECONDS


def test_what_is_never_done_is_late_for_ever():
    done = played(Rush(per_second=50, shards=1, workers=1, minutes=2, ticket=60.0))
    assert done.left > 0
    assert done.late_by(0.99) == float("inf")


def test_a_timer_waits_for_the_sweep_when_there_is_little_to_do():
    done = played(Rush(per_second=0.5, shards=4, workers=10, minutes=20))
    assert done.late_by(0.5) == pytest.approx(31, abs=4)
    assert max(done.late) < 65


def test_the_embedded_desk_differs_from_a_stage_in_its_workers_only():
    template = package.load_yaml(package.ROOT / "infra/resources.yaml")
    chosen = {name for name, _ in alternatives(template["Resources"])}
    assert chosen == {name for name in template["Parameters"] if name.endswith("Workers")}


def alternatives(value):
    """Yield (parameter, what the embedded AWS has instead) of every Fn::If that takes a parameter on AWS."""
    if isinstance(value, dict):
        condition, on_aws, embedded = value.get("Fn::If", (None, None, None))
        if condition == "OnAws" and isinstance(on_aws, dict) and "Ref" in on_aws:
            yield on_aws["Ref"], embedded
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from alternatives(each)


def test_a_deploy_sets_parameters_that_there_are():
    assert deploy.settings(["DueShards=16", "ListShards=shop=8,outlet=2"]) == {
        "DueShards": "16", "ListShards": "shop=8,outlet=2",
    }  # fmt: skip
    with pytest.raises(Trouble, match="There is no parameter DueShard"):
        deploy.settings(["DueShard=16"])
