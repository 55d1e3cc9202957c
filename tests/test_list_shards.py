"""
A storefront with more tickets than one partition takes: its lists lie in several, and read as one.
"""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from chalicelib import wiring
from chalicelib.adapters import keys, rows
from chalicelib.config import config
from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.storefront import Kind, Team
from chalicelib.domain.ticket import Author, Channel, Person, Role
from chalicelib.usecases import digests, house, listing, tickets
from chalicelib.usecases.listing import Asked
from chalicelib.usecases.uploads import Uploads
from tests.world import AGENT, DEMO, running

SEED = 1  # with which ten tickets get into each of three shards: by chance alone one time in twenty misses one


@pytest.fixture
def world():
    with running() as world:
        drawn = Random(SEED)
        world.desk = replace(world.desk, choose=drawn.choice)
        sharded(world, demo=3)
        yield world


def sharded(world, **shards):
    """Join the desk anew with so many shards; its tickets get their numbers, and so their shards, by the same chance."""
    joined = wiring.joined(replace(config(), list_shards=shards), lambda: world.now)
    world.desk = replace(joined, choose=world.desk.choose)


def opened(world, count, storefront="demo", **more):
    """Open tickets a minute apart, and return their numbers in that order."""
    return [opened_one(world, f"c{number}@{storefront}.test", storefront, **more) for number in range(count)]


def opened_one(world, address, storefront, **more):
    world.later(minutes=1)
    intake = Intake(Person(address, "Eva"), "Where is my parcel?", "It is late.", Channel.API, "en", **more)
    author = Author(Role.CUSTOMER, "Eva", address)
    return tickets.open_ticket(world.desk, storefront, intake, Uploads(storefront), by=author, once=None).reference


def paged(world, asked, limit=2):
    """Read all pages of a list; each shows no more than asked for."""
    found, cursor = [], None
    while True:
        page = listing.page(world.desk, asked, storefront=None, mine=None, cursor=cursor, limit=limit)
        assert len(page.tickets) <= limit
        found += [ticket.reference for ticket in page.tickets]
        if page.next_cursor is None:
            return found
        cursor = page.next_cursor


def partitions(world, index):
    return {row[f"{index}_pk"] for row in world.rows("TICKET") if f"{index}_pk" in row}


def test_the_lists_of_a_large_storefront_are_spread_and_those_of_others_are_not(world):
    opened(world, 10)
    opened(world, 3, "other")
    assert partitions(world, "queue") == {
        "QUEUE#demo#open", "QUEUE#demo#open#1", "QUEUE#demo#open#2", "QUEUE#other#open",
    }  # fmt: skip
    for number in paged(world, Asked(view="unassigned")):
        tickets.update(world.desk, number, {"assignee": "ana@shop.test"}, by=AGENT, if_match=None)
    assert partitions(world, "queue") == {
        "QUEUE#demo#open/assigned", "QUEUE#demo#open/assigned#1", "QUEUE#demo#open/assigned#2",
        "QUEUE#other#open/assigned",
    }  # fmt: skip
    assert partitions(world, "assignee") == {"ASSIGNEE#ana@shop.test"}


def test_pages_of_a_spread_list_show_each_ticket_once_and_in_order(world):
    in_order = [*opened(world, 6), *opened(world, 1, "other"), *opened(world, 2)]
    for asked in (Asked(view="waiting"), Asked(view="unassigned"), Asked(status="new")):
        for limit in (1, 4):
            assert paged(world, asked, limit) == in_order


def test_a_ticket_that_moves_leaves_the_spread_list_it_stood_in(world):
    numbers = opened(world, 6)
    world.later(minutes=1)
    for number in numbers[:4]:
        tickets.reply(
            world.desk, number, Reply("Which size?"), Uploads("agents"), by=AGENT, once=None,
        )  # fmt: skip
    assert paged(world, Asked(view="waiting")) == numbers[4:]
    assert sorted(paged(world, Asked(view="pending"))) == sorted(numbers[:4])


def test_more_partitions_from_now_on_lose_no_ticket_of_before(world):
    sharded(world)
    before = opened(world, 6)
    sharded(world, demo=4)
    numbers = [*before, *opened(world, 6)]
    assert paged(world, Asked(view="waiting")) == numbers
    tickets.update(world.desk, before[0], {"priority": "high"}, by=AGENT, if_match=None)
    assert sorted(paged(world, Asked(view="waiting"))) == sorted(numbers)


def test_the_digest_and_new_promises_look_at_all_partitions(world):
    house.put_storefront(world.desk, replace(DEMO, teams={"care": Team(lead="lead@demo.test")}))
    numbers = opened(world, 6, kind=Kind.CLAIM)
    assert {ticket.reference for ticket in listing.unfinished(world.desk, "demo")} == set(numbers)
    assert digests.send_due(world.desk, "demo", world.now + timedelta(days=1)) == 1
    (digest,) = (row["data"] for row in world.rows("OUTBOX#") if row["pk"] == "TICKET#DIGEST-demo")
    assert [number for number in numbers if number not in digest] == []


def test_the_setting_names_storefronts(monkeypatch):
    monkeypatch.setenv("CARELINE_LIST_SHARDS", "shop=8, outlet=2")
    assert config.__wrapped__().list_shards == {"shop": 8, "outlet": 2}
    monkeypatch.delenv("CARELINE_LIST_SHARDS")
    assert config.__wrapped__().list_shards == {}


def test_tickets_stored_by_a_desk_of_before_are_in_the_lists_they_belong_to(world):
    """It kept all open tickets in one partition, and those that nobody has in another index once more."""
    sharded(world)
    mine, nobodys = opened(world, 2)
    tickets.update(world.desk, mine, {"assignee": "ana@shop.test"}, by=AGENT, if_match=None)
    for number in (mine, nobodys):
        rows.Row(*keys.ticket(number)).update([rows.Row.queue_pk.set("QUEUE#demo#open")])
    rows.Row(*keys.ticket(nobodys)).update([rows.Row.assignee_pk.set("UNASSIGNED#demo"), rows.Row.assignee_sk.set("x")])
    assert sorted(paged(world, Asked(view="waiting"))) == sorted([mine, nobodys])
    assert paged(world, Asked(view="unassigned")) == [nobodys]
