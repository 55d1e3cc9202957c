"""
Two deliveries at once, in every order of their calls to AWS; what is seen in the end is the same in all.
"""

from math import comb

import pytest

from tests.faults.explore import Explorer
from tests.faults.races import RACES


@pytest.mark.parametrize("race", RACES, ids=str)
def test_in_whatever_order_two_deliveries_meet_the_end_is_the_same(race, bare):
    explorer = Explorer.of(race.scenario, bare)
    explorer.undisturbed()
    tally = explorer.orders(race.deliveries, *filter(None, [race.also]))
    tally.check()
    assert tally.schedules >= 2
    assert tally.states > tally.schedules


def test_orders_that_are_left_out_end_no_other_way(bare):
    race = next(race for race in RACES if race.name == "the same message twice")
    tally = Explorer.of(race.scenario, bare).orders(race.deliveries, all_of_them=True)
    tally.check()
    assert tally.schedules >= comb(4, 2)
