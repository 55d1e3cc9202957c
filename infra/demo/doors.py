"""
A ticket's journey through every door of the desk: the API, the page, mail, the queue, and time.
"""

import json
import secrets
from typing import Any

from infra.demo.stage import Demo, later, link
from infra.embedded.caller import eventually, header, mail


def by_api(demo: Demo) -> None:
    ada, key = demo.customer("ada"), {"Idempotency-Key": secrets.token_hex(8)}
    order = {"customer": {"email": ada, "name": "Ada", "language": "es"}, "subject": "Mi pedido", "body": "No llega."}
    opened = demo.call("POST", "/v1/tickets", order, wanted=201, headers=key).json
    again = demo.call("POST", "/v1/tickets", order, wanted=201, headers=key).json
    demo.expect(again == opened, "the same key and body: the same answer")
    demo.call("POST", "/v1/tickets", {**order, "body": "Otra cosa."}, wanted=422, headers=key)
    message = demo.letter(ada)
    demo.expect(opened["reference"] in message["text"] + message["subject"], "it says the number")
    demo.expect("Hola" in message["text"], "in the customer's language")
    demo.expect(link(message, "tickets"), "with the signed link")
    demo.expect("+" in header(message, "Reply-To"), "and a signed address to answer to")
    demo.call("POST", "/v1/tickets", b"{", wanted=400)
    demo.call("POST", "/v1/tickets", {**order, "priority": "soon"}, wanted=422)
    demo.call("POST", "/v1/tickets", order, wanted=401, key=None)
    demo.call("GET", f"/v1/tickets/{opened['reference']}", wanted=403, key="publishable_key")
    demo.call("GET", f"/v1/tickets/{opened['reference']}", wanted=404, key="other_storefront_key")
    photo = demo.desk.upload("photo.png", "image/png", bytes.fromhex("89504e470d0a1a0a"))
    with_photo = demo.open(demo.customer("bo"), attachments=[photo])
    file = demo.messages(with_photo["reference"])[0]["attachments"][0]
    demo.expect(file["name"] == "photo.png", "an attachment goes along")
    demo.expect(len(demo.desk.mails(ada)) == 1, "and one mail only was sent for two requests")


def by_page(demo: Demo) -> None:
    cleo = demo.customer("cleo")
    opened = demo.open(cleo)
    demo.call(
        "POST",
        f"/v1/tickets/{opened['reference']}/messages",
        {"body": "a thought", "internal": True},
        wanted=201,
        key="agent_key",
    )
    page = link(demo.letter(cleo), "tickets")
    shown = demo.call("GET", page, wanted=200, key=None).text
    demo.expect(
        opened["reference"] in shown and "It is late." in shown, "the page shows the number and the conversation"
    )
    demo.expect("a thought" not in shown and "<script" not in shown, "no note, and no script")
    demo.expect(demo.desk.form(page, body="It has come!").status == 303, "a reply from the page is taken")  # noqa: PLR2004
    demo.expect("It has come!" in demo.call("GET", page, wanted=200, key=None).text, "and shown")
    demo.call("GET", page[:-1] + ("0" if page[-1] != "0" else "1"), wanted=404, key=None)


def by_mail(demo: Demo) -> None:
    dora, support = demo.customer("dora"), demo.desk.run["support_address"]
    first = mail(f"Dora <{dora}>", support, "Broken lamp", "It came broken.")
    demo.send(first)
    ack = demo.letter(dora)
    demo.expect(header(ack, "In-Reply-To") == first["Message-ID"], "acknowledged in the customer's thread")
    (opened,) = demo.tickets_of(dora)
    demo.call("POST", f"/v1/tickets/{opened['reference']}/resolve", wanted=200, key="agent_key")
    answer = mail(dora, header(ack, "Reply-To"), "quite another subject", "Still broken.")
    demo.send(answer)
    eventually(lambda: demo.ticket(opened["reference"])["status"] == "open")
    demo.expect(True, "an answer to the signed address lands on the ticket and opens it again")
    demo.send(mail(dora, support, "Re: lamp", "By reference.", References=header(ack, "Message-ID")))
    eventually(lambda: len(demo.messages(opened["reference"])) >= 4)  # noqa: PLR2004
    demo.expect(True, "and so does one that refers to our mail")
    demo.send(first)
    demo.send(mail(demo.customer("eve"), support, f"Re: [{opened['reference']}]", "Let me in."))
    demo.letter(demo.customer("eve"))
    (own,) = demo.tickets_of(demo.customer("eve"))
    demo.expect(own["reference"] != opened["reference"], "a stranger who knows the number gets a ticket of his own")
    demo.expect(len(demo.tickets_of(dora)) == 1, "the same mail twice: once")
    before = len(demo.desk.mails(dora))
    demo.send(mail(dora, header(ack, "Reply-To"), "Out of office", "Away.", Auto_Submitted="auto-replied"), sender="")
    eventually(
        lambda: any(
            message["automatic"] and "Away." in (message["text"] or "")
            for message in demo.messages(opened["reference"])
        )
    )
    demo.expect(len(demo.desk.mails(dora)) == before, "an automatic answer is recorded and answered by nothing")


def by_queue(demo: Demo) -> None:
    def order(who: str, **more: str) -> dict[str, Any]:
        return {
            "storefront": "demo",
            "customer": {"email": demo.customer(who)},
            "subject": "Order",
            "body": "Hello",
            **more,
        }

    demo.desk.dead_letters()
    key = secrets.token_hex(8)
    demo.desk.queue(order("finn", idempotency_key=key))
    demo.desk.queue(order("finn", idempotency_key=key))
    demo.letter(demo.customer("finn"))
    demo.desk.queue(*[order(f"g{number}") for number in range(8)], "not JSON", {"storefront": "demo"})
    for number in range(8):
        demo.desk.next_mail(demo.customer(f"g{number}"))
    demo.expect(True, "of ten messages in a batch, eight open tickets")
    buried = eventually(demo.desk.dead_letters)
    while len(buried) < 2:  # noqa: PLR2004
        buried += eventually(demo.desk.dead_letters)
    for letter in buried:
        demo.show(f"dead letter {letter['body']}", letter["reason"])
    demo.expect(all(letter["reason"] for letter in buried), "and two are dead letters, with their reasons")
    demo.expect(len(demo.tickets_of(demo.customer("finn"))) == 1, "two messages with one idempotency_key: one ticket")


def by_agent(demo: Demo) -> None:
    hal = demo.customer("hal")
    place = f"/v1/tickets/{demo.open(hal)['reference']}"
    agent = {"key": "agent_key"}
    ack = demo.letter(hal)
    demo.expect(demo.tickets_of(hal), "an agent finds the ticket in a list")
    stale = demo.call("GET", place, wanted=200, **agent).headers["ETag"]
    demo.call("POST", f"{place}/messages", {"body": "Check the depot.", "internal": True}, wanted=201, **agent)
    changes = {"assignee": "robin", "priority": "high", "kind": "complaint", "tags": ["parcel"]}
    changed = demo.call("PATCH", place, changes, wanted=200, **agent).json
    demo.expect({name: changed[name] for name in changes} == changes, "assigned, more urgent, of another kind, tagged")
    demo.call("PATCH", place, {"priority": "low"}, wanted=412, headers={"If-Match": stale}, **agent)
    reply = {"body": "It arrives tomorrow.", "status": "pending", "awaits_reply": True}
    demo.call("POST", f"{place}/messages", reply, wanted=201, **agent)
    message = demo.letter(hal, 1)
    demo.expect(_thread(ack) & _thread(message), "the reply threads with the acknowledgement (they share a reference)")
    demo.expect(not any("depot" in m["text"] for m in demo.desk.mails(hal)), "the note went nowhere")
    demo.call("POST", f"{place}/resolve", wanted=200, **agent)
    demo.call("PATCH", place, {"status": "on_hold"}, wanted=409, **agent)
    demo.call("POST", f"{place}/reopen", wanted=200, **agent)


def _thread(message: dict[str, Any]) -> set[str]:
    return {*f"{header(message, 'References')} {header(message, 'Message-ID')}".split()}


def delivered(demo: Demo) -> None:
    ida = demo.customer("ida")
    arrived = demo.open(ida)["reference"]
    demo.reply(arrived)
    eventually(lambda: _state(demo, arrived, "agent") == "delivered")
    demo.expect(True, "a reply that has arrived says so")
    angry = f"complaint+{secrets.token_hex(3)}@simulator.amazonses.com"
    complained = demo.open(angry)["reference"]
    eventually(lambda: _state(demo, complained, "system") == "complained")
    demo.expect(True, "a complaint about a mail is on its ticket")
    gone = f"bounce+{secrets.token_hex(3)}@simulator.amazonses.com"
    forged = mail(gone, demo.desk.run["support_address"], "Hello", "Who answers?", X_Local_Verdicts="dmarc=FAIL")
    demo.send(forged)
    (ticket,) = eventually(lambda: demo.tickets_of(gone))
    demo.expect(not demo.desk.mails(gone), "a mail that is not its domain's is not acknowledged")
    demo.reply(ticket["reference"])
    eventually(lambda: _state(demo, ticket["reference"], "agent") == "bounced")
    eventually(lambda: demo.ticket(ticket["reference"])["status"] == "open")
    demo.expect(True, "a reply that came back says so, and opens the ticket again")
    demo.reply(ticket["reference"])
    eventually(lambda: (_delivery(demo, ticket["reference"], "agent") or {}).get("reason"))
    demo.expect(len(demo.desk.mails(gone)) == 1, "nothing more is sent to an address that is gone")


def _state(demo: Demo, reference: str, of: str) -> str | None:
    return (_delivery(demo, reference, of) or {}).get("state")


def _delivery(demo: Demo, reference: str, of: str) -> dict[str, Any] | None:
    """
    Return how the last message by an agent, or by the system, fared.
    """
    sent = [message for message in demo.messages(reference) if message["author"]["role"] == of and message["delivery"]]
    return sent[-1]["delivery"] if sent else None


def in_time(demo: Demo) -> None:
    joe = demo.customer("joe")
    opened = demo.open(joe)
    late = opened["promises"]["first_response"]["due_at"]
    demo.desk.play(later(late, minutes=1), opened["reference"])
    escalated = eventually(lambda: [e for e in demo.desk.escalations() if opened["reference"] in json.dumps(e)])
    demo.show("escalation", json.dumps(escalated[0]))
    demo.reply(opened["reference"])
    demo.letter(joe, 1)
    demo.call("POST", f"/v1/tickets/{opened['reference']}/resolve", wanted=200, key="agent_key")
    resolved = demo.ticket(opened["reference"])["resolved_at"]
    demo.desk.play(later(resolved, hours=24, minutes=1), opened["reference"])
    survey = link(demo.letter(joe, 2), "surveys")
    demo.call("GET", survey, wanted=200, key=None)
    demo.expect(demo.ticket(opened["reference"])["rating"] is None, "looking at the survey rates nothing")
    demo.expect(demo.desk.form(survey, rating="5", solved="yes").status == 200, "a POST does")  # noqa: PLR2004
    demo.expect(demo.ticket(opened["reference"])["rating"] == 5, "rated: 5")  # noqa: PLR2004
