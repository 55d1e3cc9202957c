"""
What happens at the desk, once each: what is given, what happens, and what must be seen when all has come to rest.

`when` is where calls to AWS fail. Afterwards everything comes to rest undisturbed, and `then` must be seen: the same
text, whatever failed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from inspect import cleandoc as text

from chalicelib.adapters import codec
from chalicelib.domain.access import Scope
from chalicelib.domain.signing import Purpose, reply_address
from chalicelib.domain.ticket import Ticket
from chalicelib.handlers import events
from chalicelib.usecases import house, letters
from tests.faults.sky import Stored
from tests.faults.stage import Delivery, Stage

EVA = {"email": "eva@customer.test", "name": "Eva"}
PARCEL = {"customer": EVA, "subject": "My parcel", "body": "Where is it?"}
UPLOAD = "01JZZZZZZZZZZZZZZZZZZZZZZZ"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)

Play = Callable[[Stage], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    given: Play
    when: Play
    then: str

    def __str__(self) -> str:
        return self.name


# What comes to the desk


def ticket(stage: Stage) -> Ticket:
    """Return the only ticket, without a call to AWS."""
    (found,) = (row for row in stage.sky.rows() if row["sk"] == "TICKET")
    return codec.loads(Ticket, found["data"])


def path(stage: Stage) -> str:
    return f"/v1/tickets/{ticket(stage).reference}"


def opening(stage: Stage, said: Mapping[str, object] = PARCEL, **headers: str) -> Delivery:
    return stage.request("POST", "/v1/tickets", said, by="shop", **headers)


def opening_once(stage: Stage, said: Mapping[str, object] = PARCEL) -> Delivery:
    return opening(stage, said, Idempotency_Key="k1")


def writing(stage: Stage, by: str, body: str, **more: object) -> Delivery:
    return stage.request("POST", f"{path(stage)}/messages", {"body": body, **more}, by=by, Idempotency_Key=body)


def replying(stage: Stage, body: str = "It is on its way.", **more: object) -> Delivery:
    return writing(stage, "ana", body, **more)


def changing(stage: Stage, by: str, **said: object) -> Delivery:
    return stage.request("PATCH", path(stage), said, by=by)


def resolving(stage: Stage) -> Delivery:
    return stage.request("POST", f"{path(stage)}/resolve", by="ana")


def rating(stage: Stage) -> Delivery:
    return stage.form(stage.facts["survey"], rating="1", comment="Too late.")


def queued(stage: Stage) -> Delivery:
    said = (
        '{"storefront": "demo", "customer": {"email": "eva@customer.test"}, "subject": "My parcel", "body": "Where?"}'
    )
    return stage.record(events.intake_queue, said)


def mailed(stage: Stage, mail: str = "mail") -> Delivery:
    return stage.published(events.inbound_mail, stage.facts[mail])


def feedback(stage: Stage, kind: str) -> Delivery:
    """Return what SES says of the last mail."""
    return stage.said_by_ses(kind, stage.sky.mails[-1])


# Mails


def mail_from_eva(subject: str, words: str, to: str = "support@demo.test", *, file: bool = False) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Eva <eva@customer.test>", to, subject
    mail["Message-ID"], mail["Date"] = f"<{len(words)}@customer.test>", "Mon, 02 Mar 2026 09:00:00 +0000"
    mail.set_content(words)
    if file:
        mail.add_attachment(PNG, maintype="image", subtype="png", filename="photo.png")
    return mail


def mail_from_ana(words: str, to: str, subject: str = "Re: My parcel", *, file: bool = False) -> EmailMessage:
    mail = mail_from_eva(subject, words, to, file=file)
    mail.replace_header("From", "Ana <ana@shop.test>")
    return mail


def address(stage: Stage, of: str, purpose: Purpose = Purpose.REPLY) -> str:
    """Return the address to which *of* writes on the ticket."""
    now = ticket(stage)
    return reply_address(stage.desk.keys(), "support@demo.test", now.reference, of, now.epoch, purpose)


def incoming(stage: Stage, mail: EmailMessage, key: str = "incoming/1") -> dict[str, object]:
    """Store a mail as SES does; return its notification."""
    stage.sky.store("careline-mail", key, Stored(mail.as_bytes()))
    return {
        "mail": {"source": "eva@customer.test", "destination": [mail["To"]]},
        "receipt": {"recipients": [mail["To"]], "action": {"objectKey": key}}
        | {f"{name}Verdict": {"status": "PASS"} for name in ("spf", "dkim", "dmarc", "spam", "virus")},
    }


# Givens


def nothing(_: Stage) -> None:
    pass


def opened(stage: Stage, subject: str = "My parcel") -> None:
    """A ticket whose acknowledgement still lies in the outbox."""
    stage.client(opening(stage, PARCEL | {"subject": subject}))


def acknowledged(stage: Stage) -> None:
    opened(stage)
    stage.settle()


def answered(stage: Stage) -> None:
    """A ticket with an answer that still lies in the outbox."""
    acknowledged(stage)
    agent_replies(stage)


def delivered(stage: Stage) -> None:
    answered(stage)
    stage.settle()


def resolved(stage: Stage) -> None:
    delivered(stage)
    is_resolved(stage)


def surveyed(stage: Stage) -> None:
    """A ticket whose customer has just been asked how it was."""
    resolved(stage)
    survey_is_due(stage)
    stage.settle()
    stage.facts["survey"] = letters.survey_url(stage.desk, ticket(stage), 1).removeprefix("https://desk.test")


def page_open(stage: Stage) -> None:
    """The customer looks at the page of an answered ticket."""
    delivered(stage)
    url = letters.page_url(stage.desk, ticket(stage), EVA["email"])
    stage.facts["page"] = url.removeprefix("https://desk.test")


def suppressed(stage: Stage) -> None:
    """A ticket with an answer to an address to which mail has bounced meanwhile."""
    answered(stage)
    stage.desk.table.suppress(EVA["email"], stage.now.replace(year=2030), "mail to this address bounced")


def uploaded(stage: Stage) -> None:
    stage.sky.store("careline-files", f"uploads/demo/{UPLOAD}", Stored(PNG, "image/png", {"name": "photo.png"}))


def uploaded_by_agent(stage: Stage) -> None:
    acknowledged(stage)
    stage.sky.store("careline-files", f"uploads/agents/{UPLOAD}", Stored(PNG, "image/png", {"name": "label.png"}))
    stage.client(replying(stage, "Print this label.", attachments=[UPLOAD]))


def lead_is_there(stage: Stage) -> None:
    """A ticket, and somebody else than Ana who may give it to her."""
    acknowledged(stage)
    stage.facts["lea"] = house.create_key(stage.desk, Scope.AGENT, name="Lea", email="lea@shop.test")


def ana_was_told(stage: Stage) -> None:
    lead_is_there(stage)
    is_given_to_ana(stage)
    stage.settle()


def a_mail_came(stage: Stage) -> None:
    stage.facts["mail"] = incoming(stage, mail_from_eva("Broken", "It is broken.", file=True))


def a_long_mail_came(stage: Stage) -> None:
    stage.facts["mail"] = incoming(stage, mail_from_eva("Long", "It is a long story. " * 5000))


def a_reply_came(stage: Stage) -> None:
    delivered(stage)
    to = address(stage, EVA["email"])
    stage.facts["mail"] = incoming(stage, mail_from_eva("Re: My parcel", "But when?", to))


def an_answer_of_ana_came(stage: Stage) -> None:
    ana_was_told(stage)
    to = address(stage, "ana@shop.test", Purpose.AGENT)
    stage.facts["mail"] = incoming(stage, mail_from_ana("It left today.", to, file=True))


def a_note_of_ana_came(stage: Stage) -> None:
    ana_was_told(stage)
    to = address(stage, "ana@shop.test", Purpose.NOTE)
    stage.facts["mail"] = incoming(stage, mail_from_ana("He rang. @Lea?", to))


def ana_wrote_to_a_wrong_address(stage: Stage) -> None:
    ana_was_told(stage)
    stage.facts["mail"] = incoming(stage, mail_from_ana("It left today.", address(stage, "ana@shop.test")))


def ana_passed_a_mail_on(stage: Stage) -> None:
    forwarded = "@fwd\nHe rang.\n\nFrom: Eva <eva@customer.test>\nSubject: My lamp\n\nIt is dark.\n"
    stage.facts["mail"] = incoming(stage, mail_from_ana(forwarded, "support@demo.test", "Fwd: My lamp"))


# What happens


def opens_by_api(stage: Stage) -> None:
    stage.client(opening_once(stage))


def opens_with_upload(stage: Stage) -> None:
    stage.client(opening_once(stage, PARCEL | {"attachments": [UPLOAD]}))


def opens_by_queue(stage: Stage) -> None:
    stage.queue(queued(stage))


def is_buried(stage: Stage) -> None:
    stage.queue(stage.record(events.intake_queue, '{"storefront": "demo"}'))


def is_given_to_ana(stage: Stage) -> None:
    stage.client(changing(stage, "lea", assignee="ana@shop.test"))


def mail_arrives(stage: Stage) -> None:
    stage.queue(mailed(stage))


def mail_is_reconciled(stage: Stage) -> None:
    when = "2100-01-01T00:00:00Z"  # files bear the time of the machine

    def delivery() -> bool:
        events.reconcile({"time": when})
        return not any(key.startswith("incoming/") for _, key in stage.sky.files())

    stage.insist(delivery, times=5, minutes=15)


def agent_replies(stage: Stage) -> None:
    stage.client(replying(stage))


def note_is_left(stage: Stage) -> None:
    stage.client(writing(stage, "ana", "She called.", internal=True))


def customer_writes(stage: Stage) -> None:
    stage.client(writing(stage, "shop", "Hello?"))


def customer_writes_on_page(stage: Stage) -> None:
    stage.client(stage.form(stage.facts["page"], body="Hello?", once="abc"))


def is_changed(stage: Stage) -> None:
    stage.client(changing(stage, "ana", priority="high", assignee="ana@shop.test", tags=["parcel"]))


def is_resolved(stage: Stage) -> None:
    stage.client(resolving(stage))


def is_sent(stage: Stage) -> None:
    stage.settle()


def is_swept(stage: Stage) -> None:
    """The stream's record was lost: only the sweep brings what lies in the outbox."""
    stage.brought = frozenset(stage.unbrought())
    stage.settle()


def is_sent_silently(stage: Stage) -> None:
    """SES's events are late: they come when the sweep has long looked for them."""
    stage.silent = True
    stage.stream()
    stage.tell()
    for _ in range(2):
        stage.later(minutes=16)
        stage.sweep()
        stage.tell()
    stage.silent = False


def promise_breaks(stage: Stage) -> None:
    stage.later(hours=9)
    stage.sweep()


def survey_is_due(stage: Stage) -> None:
    stage.later(hours=25)
    stage.sweep()


def week_passes(stage: Stage) -> None:
    stage.later(days=8)
    stage.sweep()


def is_rated(stage: Stage) -> None:
    stage.client(rating(stage))


def bounces(stage: Stage) -> None:
    stage.queue(feedback(stage, "Bounce"))


def is_complained_of(stage: Stage) -> None:
    stage.queue(feedback(stage, "Complaint"))


ACKNOWLEDGED = text("""
    ticket 'My parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
      customer 'Where is it?'
      system ...; automatic; eva@customer.test delivered
      happened: opened
    customer eva@customer.test
    mail to eva@customer.test: Re: [<number>] My parcel
    mail id: 1
""")
SCENARIOS = (
    Scenario(
        "opens by API",
        nothing,
        opens_by_api,
        f"{ACKNOWLEDGED}\nreceipt API: 1\nanswered 201 My parcel: 1",
    ),
    Scenario(
        "opens with an upload",
        uploaded,
        opens_with_upload,
        text("""
        ticket 'My parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'; file photo.png
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        files/files: 1
        files/uploads: 1
        mail id: 1
        receipt API: 1
        answered 201 My parcel: 1
    """),
    ),
    Scenario(
        "opens by queue",
        nothing,
        opens_by_queue,
        text("""
        ticket 'My parcel' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where?'
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 1
        receipt QUEUE: 1
    """),
    ),
    Scenario(
        "an unreadable message is buried",
        nothing,
        is_buried,
        text("""
        word '/customer: is missing; /subject: is missing; /body: is missing' dead_letter event
        IntakeDeadLetter: 1
    """),
    ),
    Scenario(
        "opens by mail",
        a_mail_came,
        mail_arrives,
        text("""
        ticket 'Broken' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'It is broken.'; file photo.png
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] Broken
        files/files: 1
        mail id: 2
        mail/mail: 1
    """),
    ),
    Scenario(
        "opens by a long mail",
        a_long_mail_came,
        mail_arrives,
        text("""
        ticket 'Long' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'It is a long story. It is a long story. '; body in S3
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] Long
        files/files: 1
        mail id: 2
        mail/mail: 1
    """),
    ),
    Scenario(
        "a lost notification is reconciled",
        a_mail_came,
        mail_is_reconciled,
        text("""
        ticket 'Broken' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes; unverified yes
          customer 'It is broken.'; unverified; file photo.png
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: [<number>] We have received your message
        files/files: 1
        mail id: 2
        mail/mail: 1
    """),
    ),
    Scenario(
        "a reply by mail opens again",
        a_reply_came,
        mail_arrives,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 next_response=runs/0 resolution=runs/0; timers next_response,resolution; waits yes
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'But when?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, customer_wrote
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 3
        mail/mail: 1
        receipt API: 1
    """),
    ),
    Scenario(
        "a ticket is given to an agent",
        lead_is_there,
        is_given_to_ana,
        text("""
        ticket 'My parcel' open v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; assignee ana@shop.test; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, updated
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        answered 200 My parcel: 1
    """),
    ),
    Scenario(
        "the customer writes on an agent's ticket",
        ana_was_told,
        customer_writes,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; assignee ana@shop.test; waits yes
          customer 'Hello?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, updated, customer_wrote
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 3
        receipt API: 1
        answered 201 My parcel: 1
    """),
    ),
    Scenario(
        "an agent answers by mail",
        an_answer_of_ana_came,
        mail_arrives,
        text("""
        ticket 'My parcel' pending v3 normal; clocks first_response=met/0 resolution=rests/0; timers silence; assignee ana@shop.test
          agent 'It left today.'; file photo.png; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, updated, replied
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel; file photo.png
        files/files: 1
        mail id: 4
        mail/mail: 1
    """),
    ),
    Scenario(
        "an agent leaves a note by mail",
        a_note_of_ana_came,
        mail_arrives,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; assignee ana@shop.test; waits yes
          agent 'He rang. @Lea?'; internal
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, updated, noted
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to lea@shop.test: Re: [<number>] My parcel
        mail id: 4
        mail/mail: 1
    """),
    ),
    Scenario(
        "an agent answers to a wrong address",
        ana_wrote_to_a_wrong_address,
        mail_arrives,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; assignee ana@shop.test; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          third_party 'It left today.'; unverified
          happened: opened, updated, recorded
        customer eva@customer.test
        mail to ana@shop.test: Re: [<number>] My parcel
        mail to ana@shop.test: [<number>] Your mail has not gone to the customer
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 4
        mail/mail: 1
        receipt refusal: 1
    """),
    ),
    Scenario(
        "an agent passes a mail on",
        ana_passed_a_mail_on,
        mail_arrives,
        text("""
        ticket 'My lamp' new v1 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes; unverified yes
          agent '@fwd\\nHe rang.'; internal
          customer 'It is dark.'; unverified
          system ...; automatic; eva@customer.test delivered
          happened: opened
        customer eva@customer.test
        mail to eva@customer.test: [<number>] We have received your message
        mail id: 1
        mail/mail: 1
        receipt mail: 1
    """),
    ),
    Scenario(
        "an agent replies",
        acknowledged,
        agent_replies,
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
        answered 201 My parcel: 1
    """),
    ),
    Scenario(
        "a note",
        acknowledged,
        note_is_left,
        text("""
        ticket 'My parcel' open v2 normal; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; waits yes
          agent 'She called.'; internal
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, noted
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 1
        receipt API: 1
        answered 201 My parcel: 1
    """),
    ),
    Scenario(
        "the customer writes",
        delivered,
        customer_writes,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 next_response=runs/0 resolution=runs/0; timers next_response,resolution; waits yes
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Hello?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, customer_wrote
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        receipt API: 2
        answered 201 My parcel: 1
    """),
    ),
    Scenario(
        "the customer writes on the page",
        page_open,
        customer_writes_on_page,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 next_response=runs/0 resolution=runs/0; timers next_response,resolution; waits yes
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Hello?'
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, customer_wrote
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        receipt API: 1
        receipt PAGE: 1
        answered 303 page: 1
    """),
    ),
    Scenario(
        "a change",
        acknowledged,
        is_changed,
        text("""
        ticket 'My parcel' open v2 high; clocks first_response=runs/0 resolution=runs/0; timers first_response,resolution; tags parcel; assignee ana@shop.test; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, updated
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 1
        answered 200 My parcel: 1
    """),
    ),
    Scenario(
        "resolved without a key",
        delivered,
        is_resolved,
        text("""
        ticket 'My parcel' resolved v3 normal; clocks first_response=met/0 resolution=met/0; timers close,survey; survey 1 planned
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, resolved
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        receipt API: 1
        answered 200 My parcel: 1
    """),
    ),
    Scenario(
        "an acknowledgement is sent",
        opened,
        is_sent,
        ACKNOWLEDGED,
    ),
    Scenario(
        "an acknowledgement is sent, SES silent",
        opened,
        is_sent_silently,
        ACKNOWLEDGED,
    ),
    Scenario(
        "an acknowledgement is sent by the sweep",
        opened,
        is_swept,
        ACKNOWLEDGED,
    ),
    Scenario(
        "an answer with a file is sent",
        uploaded_by_agent,
        is_sent,
        text("""
        ticket 'My parcel' pending v2 normal; clocks first_response=met/0 resolution=rests/0; timers silence
          agent 'Print this label.'; file label.png; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel; file label.png
        files/files: 1
        files/uploads: 1
        mail id: 2
        receipt API: 1
    """),
    ),
    Scenario(
        "an answer to a suppressed address",
        suppressed,
        is_sent,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 resolution=runs/0; timers resolution
          agent 'It is on its way.'; eva@customer.test bounced
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, reply_undeliverable
        customer eva@customer.test; mail to this address bounced
        mail to eva@customer.test: Re: [<number>] My parcel
        word 'My parcel' reply_undeliverable event
        mail id: 1
        receipt API: 1
        receipt bounce: 1
    """),
    ),
    Scenario(
        "a promise breaks",
        acknowledged,
        promise_breaks,
        text("""
        ticket 'My parcel' new v2 normal; clocks first_response=runs/2 resolution=runs/0; timers first_response,resolution; waits yes
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, due
        customer eva@customer.test
        mail to eva@customer.test: Re: [<number>] My parcel
        word 'My parcel' promise_at_risk warning
        word 'My parcel' promise_broken 1
        mail id: 1
    """),
    ),
    Scenario(
        "a survey is due",
        resolved,
        survey_is_due,
        text("""
        ticket 'My parcel' resolved v4 normal; clocks first_response=met/0 resolution=met/0; timers close; survey 1 sent
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, resolved, due
        customer eva@customer.test; surveyed
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: [<number>] How was our help?
        mail id: 3
        receipt API: 1
    """),
    ),
    Scenario(
        "a bad rating",
        surveyed,
        is_rated,
        text("""
        ticket 'My parcel' open v5 normal; clocks first_response=met/0 next_response=runs/0 resolution=runs/0; timers next_response,resolution,task; survey 1 sent rated 1 'Too late.'; tags bad-csat
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, resolved, due, rated
        customer eva@customer.test; surveyed
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: [<number>] How was our help?
        word 'My parcel' bad_rating event
        mail id: 3
        receipt API: 1
        answered 200 page: 1
    """),
    ),
    Scenario(
        "a week passes",
        resolved,
        week_passes,
        text("""
        ticket 'My parcel' closed v4 normal; clocks first_response=met/0 resolution=met/0; survey 1 sent
          agent 'It is on its way.'; eva@customer.test delivered
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, resolved, due
        customer eva@customer.test; surveyed
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: [<number>] How was our help?
        mail id: 3
        receipt API: 1
    """),
    ),
    Scenario(
        "an answer bounces",
        delivered,
        bounces,
        text("""
        ticket 'My parcel' open v3 normal; clocks first_response=met/0 resolution=runs/0; timers resolution
          agent 'It is on its way.'; eva@customer.test bounced
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied, reply_undeliverable
        customer eva@customer.test; mail to this address bounced
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        word 'My parcel' reply_undeliverable event
        mail id: 2
        receipt API: 1
        receipt bounce: 1
    """),
    ),
    Scenario(
        "a complaint",
        delivered,
        is_complained_of,
        text("""
        ticket 'My parcel' pending v2 normal; clocks first_response=met/0 resolution=rests/0; timers silence
          agent 'It is on its way.'; eva@customer.test complained
          customer 'Where is it?'
          system ...; automatic; eva@customer.test delivered
          happened: opened, replied
        customer eva@customer.test; this address complained about our mail
        mail to eva@customer.test: Re: [<number>] My parcel
        mail to eva@customer.test: Re: [<number>] My parcel
        mail id: 2
        receipt API: 1
    """),
    ),
)
