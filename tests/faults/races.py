"""
Deliveries that meet: the same event twice, two workers on one item, two events that want the same thing.

What comes twice must end as the scenario in which it comes once.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from inspect import cleandoc as text

from chalicelib.handlers import events
from chalicelib.usecases import due, house
from tests.faults import scenarios
from tests.faults.scenarios import ACKNOWLEDGED, SCENARIOS, Play, Scenario
from tests.faults.stage import Delivery, Stage
from tests.world import DEMO

END = {scenario.name: scenario.then for scenario in SCENARIOS}


@dataclass(frozen=True, slots=True)
class Race:
    """What is given, what is delivered at once, and what must be seen then, whatever the order: `then`, or `also`."""

    name: str
    given: Play
    deliveries: Callable[[Stage], Sequence[Delivery]]
    then: str
    also: str = ""

    def __str__(self) -> str:
        return self.name

    @property
    def scenario(self) -> Scenario:
        """One delivery after the other."""
        return Scenario(self.name, self.given, self._in_turn, self.then)

    def _in_turn(self, stage: Stage) -> None:
        for delivery in self.deliveries(stage):
            stage.queue(delivery)


def twice(delivery: Callable[[Stage], Delivery], *, times: int = 2) -> Callable[[Stage], list[Delivery]]:
    return lambda stage: [delivery(stage) for _ in range(times)]


def bounced(stage: Stage) -> Delivery:
    return scenarios.feedback(stage, "Bounce")


def bounce_and_complaint(stage: Stage) -> list[Delivery]:
    return [scenarios.feedback(stage, kind) for kind in ("Complaint", "Bounce")]


def two_mails_came(stage: Stage) -> None:
    """Somebody new writes twice in the same second."""
    scenarios.a_mail_came(stage)
    also = scenarios.mail_from_eva("Also", "One more thing.")
    stage.facts["other mail"] = scenarios.incoming(stage, also, "incoming/2")


def two_mails_have_one_id(stage: Stage) -> None:
    scenarios.a_mail_came(stage)
    also = scenarios.mail_from_eva("Also", "One more thing.")
    also.replace_header("Message-ID", scenarios.mail_from_eva("Broken", "It is broken.")["Message-ID"])
    stage.facts["other mail"] = scenarios.incoming(stage, also, "incoming/2")


def another_had_its_id(stage: Stage) -> None:
    two_mails_have_one_id(stage)
    scenarios.mailed(stage, "other mail")()
    stage.settle()


def strayed_twice(stage: Stage) -> None:
    """Ana wrote to a wrong address, and then again."""
    scenarios.ana_wrote_to_a_wrong_address(stage)
    again = scenarios.mail_from_ana("It left today, I said.", scenarios.address(stage, "ana@shop.test"))
    stage.facts["other mail"] = scenarios.incoming(stage, again, "incoming/2")


def both_mails(stage: Stage) -> list[Delivery]:
    return [scenarios.mailed(stage, mail) for mail in ("mail", "other mail")]


def reply_and_mail(stage: Stage) -> list[Delivery]:
    """The agent answers while the customer writes."""
    return [scenarios.replying(stage, "Yes."), scenarios.mailed(stage)]


def stream_and_sweep(stage: Stage) -> list[Delivery]:
    ((pk, sk),) = stage.unbrought()
    stage.brought |= {(pk, sk)}
    named = {"ticket": pk.removeprefix("TICKET#"), "outbox": sk.removeprefix("OUTBOX#")}
    return [stage.new_item(pk, sk), stage.record(events.outbox_retry, json.dumps(named))]


def three_workers(stage: Stage) -> list[Delivery]:
    first, second = stream_and_sweep(stage)
    return [first, second, second]


def sending_and_feedback(stage: Stage) -> list[Delivery]:
    """SES tells of a mail while its sender still writes that it was sent."""

    def delivery() -> bool:
        if not stage.sky.mails:
            return True
        stage.told = 1
        return all(scenarios.feedback(stage, kind)() for kind in ("Send", "Delivery"))

    return [stream_and_sweep(stage)[0], delivery]


def a_day_later(given: Play, stage: Stage) -> None:
    given(stage)
    stage.later(hours=25)


def due_work(stage: Stage) -> Delivery:
    return stage.record(events.due_work, json.dumps({"shard": 0, "at": stage.now.isoformat()}))


def two_resolved(stage: Stage) -> None:
    """Two tickets of one customer, answered and resolved in the same minute."""
    for subject in ("My parcel", "My refund"):
        scenarios.opened(stage, subject)
        reference = json.loads(stage.answers[-1][1])["reference"]
        said = {"body": "Done.", "status": "resolved"}
        stage.client(stage.request("POST", f"/v1/tickets/{reference}/messages", said, by="ana"))
    stage.settle()


def both_surveys(stage: Stage) -> list[Delivery]:
    """Each ticket fires on a worker of its own, as on two shards."""
    references = [row["pk"].removeprefix("TICKET#") for row in stage.sky.rows() if row["sk"] == "TICKET"]
    return [lambda r=reference: due.fire(stage.desk, r, stage.now) is None for reference in references]


def same_subject(stage: Stage) -> None:
    """One customer has asked three times; two of the acknowledgements wait, and one is left for his subject."""
    scenarios.acknowledged(stage)
    for subject in ("Re: my parcel", "my parcel"):
        scenarios.opened(stage, subject)


def one_left(stage: Stage) -> None:
    """Two customers' acknowledgements wait, and one is left of the storefront's budget."""
    house.put_storefront(stage.desk, replace(DEMO, acknowledgements_per_hour=1))
    for name in ("eva", "ida"):
        said = {"customer": {"email": f"{name}@customer.test"}, "subject": f"For {name}", "body": "Where is it?"}
        stage.client(scenarios.opening(stage, said))


def both_acknowledgements(stage: Stage) -> list[Delivery]:
    found = sorted(stage.unbrought())
    stage.brought |= set(found)
    return [stage.new_item(*key) for key in found]


TWO_TICKETS = text("""
    ticket 'Also' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
      customer 'One more thing.'
      system ...; automatic; eva@customer.test delivered
      happened: opened
    ticket 'Broken' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
      customer 'It is broken.'; file photo.png
      system ...; automatic; eva@customer.test delivered
      happened: opened
    customer eva@customer.test
    mail to eva@customer.test: Re: [<number>] Also
    mail to eva@customer.test: Re: [<number>] Broken
    files/files: 1
""")
TWO_IDS = f"{TWO_TICKETS}\nmail id: 4\nmail/mail: 2"
ONE_ID = f"{TWO_TICKETS}\nmail id: 3\nmail/mail: 2\nreceipt mail: 1"

THREE_WORKERS = Race(
    "an acknowledgement by three workers",
    scenarios.opened,
    three_workers,
    ACKNOWLEDGED,
)
RACES = (
    Race(
        "the same request twice",
        scenarios.nothing,
        twice(scenarios.opening_once),
        END["opens by API"],
    ),
    Race(
        "the same request three times",
        scenarios.nothing,
        twice(scenarios.opening_once, times=3),
        END["opens by API"],
    ),
    Race(
        "the same answer twice",
        scenarios.acknowledged,
        twice(scenarios.replying),
        END["an agent replies"],
    ),
    Race(
        "the same message twice",
        scenarios.nothing,
        twice(scenarios.queued),
        END["opens by queue"],
    ),
    Race(
        "the same mail twice",
        scenarios.a_mail_came,
        twice(scenarios.mailed),
        END["opens by mail"],
    ),
    Race(
        "two mails of somebody new",
        two_mails_came,
        both_mails,
        TWO_IDS,
    ),
    Race(
        "two mails with one Message-ID",
        two_mails_have_one_id,
        both_mails,
        ONE_ID,
    ),
    Race(
        "the same mail twice, and another with its Message-ID before",
        another_had_its_id,
        twice(scenarios.mailed),
        ONE_ID,
    ),
    Race(
        "an answer and a reply",
        scenarios.a_reply_came,
        reply_and_mail,
        text("""
        ticket 'My parcel' open v4 normal; clocks first_response=met/0 next_response=runs/0 resolution=runs/0; timers next_response,resolution; waits yes
          agent 'It is on its way.'; eva@customer.test delivered
          agent 'Yes.'; eva@customer.test delivered
          customer 'But when?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, replied, customer_wrote
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 4
        mail/mail: 1
        receipt API: 2
        answered 201 My parcel: 1
    """),
        text("""
        ticket 'My parcel' pending v4 normal; clocks first_response=met/0 next_response=met/0 resolution=rests/0; timers silence
          agent 'It is on its way.'; eva@customer.test delivered
          agent 'Yes.'; eva@customer.test delivered
          customer 'But when?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, customer_wrote, replied
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 4
        mail/mail: 1
        receipt API: 2
        answered 201 My parcel: 1
    """),
    ),
    Race(
        "an acknowledgement by two workers",
        scenarios.opened,
        stream_and_sweep,
        ACKNOWLEDGED,
    ),
    Race(
        "an answer by two workers",
        scenarios.answered,
        stream_and_sweep,
        text("""
        ticket 'My parcel' pending v2 normal; clocks first_response=met/0 resolution=rests/0; timers silence
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        receipt API: 1
    """),
    ),
    Race(
        "an answer to a suppressed address by two workers",
        scenarios.suppressed,
        stream_and_sweep,
        END["an answer to a suppressed address"],
    ),
    Race(
        "sent, and told of at once",
        scenarios.opened,
        sending_and_feedback,
        ACKNOWLEDGED,
    ),
    Race(
        "a survey due, twice",
        partial(a_day_later, scenarios.resolved),
        twice(due_work),
        END["a survey is due"],
    ),
    Race(
        "two surveys due for one customer",
        partial(a_day_later, two_resolved),
        both_surveys,
        text("""
        ticket 'My parcel' resolved v3 normal; clocks first_response=met/0 resolution=met/0; timers close; survey 1 skipped
          agent 'Done.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, due
        ticket 'My refund' resolved v3 normal; clocks first_response=met/0 resolution=met/0; timers close; survey 1 sent
          agent 'Done.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, due
        customer eva@customer.test; surveyed
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My refund
        mail to eva@customer.test: Re: [<number>] My refund
        mail to eva@customer.test: [<number>] How was our help?
        mail id: 5
    """),
        text("""
        ticket 'My parcel' resolved v3 normal; clocks first_response=met/0 resolution=met/0; timers close; survey 1 sent
          agent 'Done.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, due
        ticket 'My refund' resolved v3 normal; clocks first_response=met/0 resolution=met/0; timers close; survey 1 skipped
          agent 'Done.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, due
        customer eva@customer.test; surveyed
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My refund
        mail to eva@customer.test: Re: [<number>] My refund
        mail to eva@customer.test: [<number>] How was our help?
        mail id: 5
    """),
    ),
    Race(
        "an agent's answer twice",
        scenarios.an_answer_of_ana_came,
        twice(scenarios.mailed),
        END["an agent answers by mail"],
    ),
    Race(
        "two mails of an agent to a wrong address",
        strayed_twice,
        both_mails,
        text("""
        ticket 'My parcel' open v4 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; assignee ana@shop.test; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          third_party 'It left today, I said.'; unverified
          third_party 'It left today.'; unverified
          happened: opened, updated, recorded, recorded
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to ana@shop.test: [<number>] Your mail has not gone to the customer
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 5
        mail/mail: 2
        receipt refusal: 1
    """),
    ),
    Race(
        "the same bounce twice",
        scenarios.delivered,
        twice(bounced),
        END["an answer bounces"],
    ),
    Race(
        "a bounce and a complaint",
        scenarios.delivered,
        bounce_and_complaint,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 resolution=runs/0; timers resolution
          agent 'It is on its way.'; eva@customer.test complained
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, reply_undeliverable
        customer eva@customer.test; this address complained about our mail
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        word 'My parcel' reply_undeliverable event
        mail id: 2
        receipt API: 1
        receipt bounce: 1
    """),
    ),
    Race(
        "the same rating twice",
        scenarios.surveyed,
        twice(scenarios.rating),
        END["a bad rating"],
    ),
    Race(
        "two acknowledgements for the last one of a subject",
        same_subject,
        both_acknowledgements,
        text("""
        ticket 'My parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        ticket 'Re: my parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        ticket 'my parcel' new v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          happened: opened, unacknowledged
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] my parcel
        mail id: 2
    """),
        text("""
        ticket 'My parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        ticket 'Re: my parcel' new v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          happened: opened, unacknowledged
        ticket 'my parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] my parcel
        mail id: 2
    """),
    ),
    Race(
        "two acknowledgements for the last one of a storefront",
        one_left,
        both_acknowledgements,
        text("""
        ticket 'For eva' new v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          happened: opened, unacknowledged
        ticket 'For ida' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; ida@customer.test delivered
          happened: opened
        customer eva@customer.test
        customer ida@customer.test
        mail to ida@customer.test: Re: [<number>] For ida
        mail id: 1
    """),
        text("""
        ticket 'For eva' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        ticket 'For ida' new v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          happened: opened, unacknowledged
        customer eva@customer.test
        customer ida@customer.test
        mail to eva@customer.test: Re: [<number>] For eva
        mail id: 1
    """),
    ),
)
