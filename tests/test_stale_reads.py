"""
What is read at half the price may be a second old, and may not be there yet: nothing is lost by it, and nothing done twice.
"""

import pytest
from pynamodb.exceptions import PutError

from chalicelib.adapters import keys, rows
from chalicelib.domain.delivery import Feedback
from chalicelib.domain.opening import Intake
from chalicelib.domain.sending import Progress, State
from chalicelib.domain.ticket import Author, Channel, DeliveryState, Person, Role
from chalicelib.usecases import feedback, listing, sending, tickets
from chalicelib.usecases.listing import Asked
from chalicelib.usecases.uploads import Uploads
from tests.world import AGENT

EVA = Author(Role.CUSTOMER, "Eva", "eva@customer.test")


def opened(world):
    intake = Intake(Person(EVA.email, "Eva"), "My parcel", "Where is it?", Channel.API, "en")
    return tickets.open_ticket(world.desk, "demo", intake, Uploads("demo"), by=EVA, once=None).reference


@pytest.mark.usefixtures("nothing_yet")
def test_a_list_shows_a_ticket_that_only_its_index_knows_yet(world):
    number = opened(world)
    page = listing.page(world.desk, Asked(view="waiting"), storefront="demo", mine=None, cursor=None, limit=5)
    assert [ticket.reference for ticket in page.tickets] == [number]


@pytest.mark.usefixtures("nothing_yet")
def test_what_the_stream_brings_at_once_is_sent(world):
    number = opened(world)
    (unsent,) = world.desk.outbox.of_ticket(number)
    assert sending.send_out(world.desk, number, unsent.outgoing.id) is sending.Outcome.SENT


def test_what_ses_says_settles_an_item_as_it_is_and_not_as_it_was(world, monkeypatch):
    """Whoever claimed it had no answer, so this word is all that will ever settle it."""
    number = opened(world)
    (unsent,) = world.desk.outbox.of_ticket(number)
    get, before = rows.get, rows.get(keys.outbox(number, unsent.outgoing.id))
    assert world.desk.outbox.claim(unsent, Progress(State.SENDING, attempt=1, claimed_at=world.now))

    def as_it_was(key, *, consistent=True):
        return before if not consistent and key[1].startswith("OUTBOX#") else get(key, consistent=consistent)

    monkeypatch.setattr(rows, "get", as_it_was)
    word = Feedback(unsent.outgoing.id, number, "ses-1", EVA.email, DeliveryState.SENT, world.now)
    feedback._settle(world.desk, word)
    assert world.desk.outbox.of_ticket(number) == []


def test_a_put_whose_answer_is_lost_was_done_once_though_others_wrote_meanwhile(world, monkeypatch):
    number = opened(world)
    save, lost = rows.Row.save, []

    def without_an_answer(row, *given, **more):
        answer = save(row, *given, **more)
        if not lost:
            lost.append(row)
            tickets.update(world.desk, number, {"tags": ["later"]}, by=AGENT, if_match=None)
            raise PutError("no answer came")
        return answer

    monkeypatch.setattr(rows.Row, "save", without_an_answer)
    read = world.desk.table.ticket(number).version
    tickets.update(world.desk, number, {"priority": "high"}, by=AGENT, if_match=read)
    happened = tickets.events(world.desk, number, after=None, limit=10)
    assert [(line["version"], line["what"]) for line in happened] == [(1, "opened"), (2, "updated"), (3, "updated")]
    assert world.desk.table.ticket(number).priority == "high"
