"""
The stage of the demo: somebody who asks the desk, shows what came back, and insists on what was promised.
"""

import json
import re
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from infra.embedded.caller import Answer, Caller, eventually

SHOWN = 110


class Surprise(Exception):
    """
    What came back was not what the desk promises.
    """


class Demo:
    """
    Somebody at a desk; `kept` counts the promises that were.
    """

    def __init__(self, desk: Caller) -> None:
        self.desk = desk
        self.kept = 0
        self._tag = secrets.token_hex(3)
        self._known: set[str] = set()

    def knows(self, storefront: str) -> bool:
        """
        Tell whether this was asked before of a storefront.
        """
        known = storefront in self._known
        self._known.add(storefront)
        return known

    def customer(self, name: str) -> str:
        return f"{name}.{self._tag}@example.com"

    def call(self, method: str, url: str, body: object = None, *, wanted: int, **how: Any) -> Answer:  # noqa: ANN401
        """
        Ask the desk, show what was asked and what came back, and insist on a status.
        """
        answer = self.desk.call(method, url, body, **how)
        self.show(f"{method} {url}", f"{answer.status} {_told(answer)}")
        if answer.status != wanted:
            raise Surprise(f"{method} {url} gave {answer.status}, not {wanted}: {answer.text[:500]}")
        return answer

    def open(self, email: str, *, wanted: int = 201, **more: Any) -> Any:  # noqa: ANN401
        ticket = {"customer": {"email": email}, "subject": "Where is my parcel?", "body": "It is late.", **more}
        return self.call("POST", "/v1/tickets", ticket, wanted=wanted).json

    def agent(self, method: str, url: str, body: object = None, *, wanted: int = 200, **how: Any) -> Any:  # noqa: ANN401
        """
        Ask as an agent, and return what came back.
        """
        return self.call(method, url, body, wanted=wanted, key="agent_key", **how).json

    def reply(self, reference: str, body: str = "Here you are.", **more: Any) -> Any:  # noqa: ANN401
        words = {"body": body, "status": "pending", **more}
        return self.agent("POST", f"/v1/tickets/{reference}/messages", words, wanted=201)

    def write(self, reference: str, body: str) -> Any:  # noqa: ANN401
        """
        Write as the customer, through his storefront.
        """
        return self.call("POST", f"/v1/tickets/{reference}/messages", {"body": body}, wanted=201).json

    def resolve(self, reference: str) -> Any:  # noqa: ANN401
        return self.agent("POST", f"/v1/tickets/{reference}/resolve")

    def play(self, at: str, reference: str, **by: float) -> None:
        """
        Let time pass for one ticket, up to a while after *at*.
        """
        self.desk.play(later(at, **by), reference)
        self.show(f"{reference}, {_in_words(by)} later", _state(self.ticket(reference)))

    def why(self, reference: str) -> list[str]:
        lines = self.desk.call("GET", f"/v1/tickets/{reference}/events", key="agent_key").json["items"]
        return [why for line in lines for why in line.get("why", ())]

    def told(self, reference: str, count: int) -> list[dict[str, Any]]:
        """
        Wait until the lead was told *count* times of a ticket, and return what.
        """

        def published() -> list[dict[str, Any]]:
            words = [escalation["message"] for escalation in self.desk.escalations()]
            found = [word for word in words if word["ticket"] == reference]
            return found if len(found) >= count else []

        found = eventually(published)
        for word in found[-1:]:
            self.show("escalation", json.dumps({name: word[name] for name in ("id", "level", "reason")}))
        return found

    def letter(self, to: str, seen: int = 0) -> dict[str, Any]:
        message = self.desk.next_mail(to, seen)
        self.show(f"mail to {message['to']}", message["subject"])
        return message

    def messages(self, reference: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.desk.call("GET", f"/v1/tickets/{reference}/messages", key="agent_key").json[
            "items"
        ]
        return found

    def ticket(self, reference: str) -> dict[str, Any]:
        found: dict[str, Any] = self.desk.call("GET", f"/v1/tickets/{reference}", key="agent_key").json
        return found

    def tickets_of(self, customer: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.desk.call(
            "GET", f"/v1/tickets?customer={quote(customer)}", key="agent_key"
        ).json["items"]
        return found

    def send(self, written: Any, **how: str) -> None:  # noqa: ANN401
        self.desk.send(written, **how)
        self.show(f"mail to {written['To']}", written["Subject"])

    def show(self, what: str, came: str) -> None:
        print(f"   {what}\n     {' '.join(came.split())[:SHOWN]}", flush=True)

    def expect(self, holds: object, words: str) -> None:
        if not holds:
            raise Surprise(f"not so: {words}")
        self.kept += 1
        print(f"   ✓ {words}", flush=True)


def _told(answer: Answer) -> str:
    kind = answer.headers.get_content_type()
    if not kind.endswith("json"):
        return answer.headers.get("Location", kind)
    told = answer.json
    names = ("reference", "status", "title", "detail", "id", "text")
    return ", ".join(f"{name}: {told[name]}" for name in names if told.get(name) is not None) or json.dumps(told)


def link(message: dict[str, Any], kind: str) -> str:
    """
    Return the signed link of a mail to a page of one *kind*.
    """
    found = re.search(rf"http\S+/{kind}/[^\s?>\"]+", message["text"])
    if not found:
        raise Surprise(f"the mail {message['subject']!r} has no link to {kind}")
    return found[0]


def _in_words(by: dict[str, float]) -> str:
    return ", ".join(f"{number:g} {unit}" for unit, number in by.items())


def _state(ticket: dict[str, Any]) -> str:
    survey = ticket["survey"] or {}
    return f"status: {ticket['status']}, survey: {survey.get('state')}, next: {ticket['next_at']}"


def later(at: str, **by: float) -> str:
    return (datetime.fromisoformat(at) + timedelta(**by)).isoformat()
