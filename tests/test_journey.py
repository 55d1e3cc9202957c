"""
A ticket's way through the desk, in process.
"""

from datetime import timedelta
from email.message import EmailMessage

from chalicelib.domain.lifecycle import Reply
from chalicelib.domain.opening import Intake
from chalicelib.domain.ticket import Author, Channel, Person, Role, Status
from chalicelib.usecases import tickets
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads
from tests.world import AGENT

CUSTOMER = Author(Role.CUSTOMER, "Eva", "eva@customer.test")


def opened(world, body="Where is my parcel?", key=None, **more):
    intake = Intake(Person("eva@customer.test", "Eva"), "My parcel", body, Channel.API, "en", **more)
    once = Once("API#k", key, body) if key else None
    return tickets.open_ticket(world.desk, "demo", intake, Uploads("demo"), by=CUSTOMER, once=once)


def test_an_opened_ticket_is_acknowledged_once(world):
    ticket = opened(world)
    world.settle()
    world.settle()
    (mail,) = world.mails("eva@customer.test")
    assert ticket.reference in mail["Subject"]
    assert mail["Auto-Submitted"] == "auto-replied"
    assert world.rows("OUTBOX#") == []
    (_, acknowledgement) = tickets.messages(world.desk, ticket.reference, after=None, limit=50)
    assert acknowledgement.automatic
    assert acknowledgement.delivery["eva@customer.test"].state == "delivered"


def test_the_same_key_gives_the_same_ticket(world):
    first, second = opened(world, key="a"), opened(world, key="a")
    assert first == second
    assert len(world.rows("TICKET")) == 1


def test_an_answer_goes_out_and_a_reply_opens_the_ticket_again(world):
    ticket = opened(world)
    world.settle()
    tickets.reply(world.desk, ticket.reference, Reply("It is on its way."), Uploads("agents"), by=AGENT, once=None)
    assert tickets.read(world.desk, ticket.reference).status is Status.PENDING
    world.settle()
    answer = world.mails("eva@customer.test")[-1]
    back = EmailMessage()
    back["From"], back["To"], back["Subject"] = "Eva <eva@customer.test>", answer["Reply-To"], "something else"
    back["Message-ID"] = "<1@customer.test>"
    back.set_content("Thanks, but when?")
    taken = world.receive(back, to=str(answer["Reply-To"]))
    assert taken.reference == ticket.reference
    assert tickets.read(world.desk, ticket.reference).status is Status.OPEN
    assert world.receive(back).reference is None


def test_the_survey_goes_out_a_day_after_resolving(world):
    ticket = opened(world)
    tickets.reply(world.desk, ticket.reference, Reply("Done."), Uploads("agents"), by=AGENT, once=None)
    tickets.resolve(world.desk, ticket.reference, by=AGENT, if_match=None)
    world.settle()
    world.sweep(world.now + timedelta(hours=23))
    assert len(world.mails()) == 2
    world.sweep(world.now + timedelta(hours=25))
    world.settle()
    assert "/surveys/" in world.mails()[-1].get_body(("plain",)).get_content()


def test_a_broken_promise_is_published(world):
    ticket = opened(world)
    world.sweep(world.now + timedelta(hours=9))
    world.settle()
    assert [(e["clock"], e["level"]) for e in world.escalations()] == [
        ("first_response", "warning"),
        ("first_response", 1),
    ]
    assert world.escalations()[0]["ticket"] == ticket.reference
