"""
What is there in the end, as text that a person can read and a test can compare: no ids, no times.
"""

import email
import json
import re
from collections import Counter
from email.utils import parseaddr
from functools import cache
from typing import Any

from chalicelib.adapters import codec
from chalicelib.domain.change import Outgoing
from chalicelib.domain.promises import Clock
from chalicelib.domain.sending import Progress
from chalicelib.domain.ticket import Customer, Message, Ticket
from tests.documents import audit_lines
from tests.faults.stage import Stage

_NUMBER = re.compile(r"CL-[0-9A-Z]{5}-[0-9A-Z]{5}")


def picture(stage: Stage) -> str:
    rows = stage.sky.rows()
    tickets = [codec.loads(Ticket, row["data"]) for row in rows if row["sk"] == "TICKET"]
    lines = [line for ticket in sorted(tickets, key=lambda t: t.subject) for line in _ticket(ticket, rows)]
    lines += [_customer(row) for row in rows if row["sk"] == "CUSTOMER"]
    lines += sorted(_mail(raw) for raw, _ in stage.sky.mails)
    lines += sorted(_word(data) for data in {json.loads(w)["id"]: json.loads(w) for w in stage.sky.words}.values())
    lines += _counted(rows, stage)
    different = Counter((status, subject) for status, subject, _ in {_answer(*answer) for answer in stage.answers})
    lines += sorted(f"answered {status} {subject}: {count}" for (status, subject), count in different.items())
    return "\n".join(lines)


def _ticket(ticket: Ticket, rows: list[dict[str, Any]]) -> list[str]:
    own = [row for row in rows if row["pk"] == f"TICKET#{ticket.reference}"]
    clocks = {name: getattr(ticket, name) for name in ("first_response", "next_response", "resolution")}
    about = {
        "clocks": " ".join(f"{name}={_clock(clock)}" for name, clock in clocks.items() if clock),
        "timers": ",".join(sorted(ticket.timers)),
        "survey": _survey(ticket),
        "tags": ",".join(ticket.tags),
        "assignee": ticket.assignee,
        "waits": "yes" if ticket.waiting_since else None,
        "unverified": None if ticket.authenticated else "yes",
    }
    said = "; ".join(f"{name} {value}" for name, value in about.items() if value)
    lines = [f"ticket {ticket.subject!r} {ticket.status} v{ticket.version} {ticket.priority}; {said}"]
    lines += sorted(_message(codec.loads(Message, row["data"])) for row in own if row["sk"].startswith("MESSAGE#"))
    happened = [change["what"] for change in sorted(audit_lines(own), key=lambda change: change["version"])]
    lines.append(f"  happened: {', '.join(happened)}")
    return lines + [_unsent(row) for row in own if row["sk"].startswith("OUTBOX#")]


def _clock(clock: Clock) -> str:
    state = "met" if clock.met_at else "runs" if clock.running_since else "rests"
    return f"{state}/{clock.spoken}"


def _survey(ticket: Ticket) -> str:
    if not ticket.survey:
        return ""
    rated = f" rated {ticket.survey.rating} {ticket.survey.comment!r}" if ticket.survey.rating else ""
    return f"{ticket.survey.cycle} {ticket.survey.state}{rated}"


def _message(message: Message) -> str:
    marks = [name for name in ("internal", "automatic") if getattr(message, name)]
    marks += [] if message.verified else ["unverified"]
    marks += [f"file {file.name}" for file in message.files] + (["body in S3"] if message.body_key else [])
    marks += [f"{address} {delivery.state}" for address, delivery in message.delivery.items()]
    said = "..." if message.automatic else repr(message.text[:40])
    return f"  {message.author.role} {said}{''.join(f'; {mark}' for mark in marks)}"


def _unsent(row: dict[str, Any]) -> str:
    what, progress = codec.loads(Outgoing, row["data"]).what, codec.loads(Progress, row["progress"])
    return f"  unsent {what}: {progress.state}"


def _customer(row: dict[str, Any]) -> str:
    marks = ["surveyed"] if "surveyed_at" in row else []
    marks += [row["suppressed_because"]] if "suppressed_because" in row else []
    return f"customer {codec.loads(Customer, row['data']).address}{''.join(f'; {mark}' for mark in marks)}"


@cache
def _mail(raw: bytes) -> str:
    mail = email.message_from_bytes(raw)
    files = "".join(f"; file {part.get_filename()}" for part in mail.walk() if part.get_filename())
    return f"mail to {parseaddr(mail['To'])[1]}: {_NUMBER.sub('<number>', mail['Subject'])}{files}"


def _word(data: dict[str, Any]) -> str:
    return f"word {data['subject']!r} {data['reason']} {data['level']}"


def _answer(status: int, body: str) -> tuple[int, str, str]:
    """Return what tells an answer from another: the same ticket or message is the same answer."""
    about = json.loads(body) if body.startswith("{") else {}
    return status, about.get("subject", "page"), about.get("reference") or about.get("id", "")


def _counted(rows: list[dict[str, Any]], stage: Stage) -> list[str]:
    held = Counter(
        f"receipt {row['pk'].split('#')[1]}" if row["sk"] == "RECEIPT" else "mail id"
        for row in rows
        if row["sk"] in ("RECEIPT", "MAIL")
    )
    kept = Counter(f"{bucket.removeprefix('careline-')}/{key.partition('/')[0]}" for bucket, key in stage.sky.files())
    buried = Counter({queue: len(set(stage.sky.bodies(queue))) for queue in ("IntakeDeadLetter", "DueDeadLetter")})
    counts = sorted((+(held + kept + buried)).items())
    return [f"{name}: {count}" for name, count in counts]
