"""
Where a mail is: events come in any order, and a state only rises.
"""

from itertools import permutations

import pytest

from chalicelib.domain.delivery import Feedback, risen, summary
from chalicelib.domain.ticket import Delivery, DeliveryState
from tests.domain.build import START

RISING = ("queued", "sending", "sent", "delayed", "delivered", "bounced", "complained")


def said(state, to="eva@customer.test"):
    return Feedback("1", "CL-1", "", to, DeliveryState(state), START)


def after(*states):
    delivery = {}
    for state in states:
        delivery = risen(delivery, said(state)) or delivery
    return delivery["eva@customer.test"].state


def test_states_rise_in_this_order():
    assert tuple(DeliveryState) == RISING


@pytest.mark.parametrize("later", range(7))
@pytest.mark.parametrize("earlier", range(7))
def test_a_later_state_is_never_taken_back(earlier, later):
    assert after(RISING[earlier], RISING[later]) == RISING[max(earlier, later)]


def test_the_order_of_events_makes_no_difference():
    assert {after(*order) for order in permutations(("sent", "delayed", "delivered", "bounced"))} == {"bounced"}


def test_the_same_event_twice_says_nothing_new():
    assert risen({"eva@customer.test": Delivery(DeliveryState.SENT, START)}, said("sent")) is None


def test_each_recipient_has_a_state_of_his_own_whatever_the_case():
    known = {"Eva@Customer.test": Delivery(DeliveryState.SENT, START)}
    states = risen(risen(known, said("delivered")), said("bounced", "bob@customer.test"))
    assert {to: delivery.state for to, delivery in states.items()} == {
        "Eva@Customer.test": "delivered",
        "bob@customer.test": "bounced",
    }


def test_a_message_shows_its_least_fortunate_recipient():
    states = {"a": Delivery(DeliveryState.DELIVERED, START), "b": Delivery(DeliveryState.BOUNCED, START, "550")}
    assert summary(states).reason == "550"
    assert summary({}) is None
