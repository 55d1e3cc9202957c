"""
The pages for customers: a ticket, a survey. They work without JavaScript; a GET changes nothing.
"""

import secrets
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from chalice.app import Response

from chalicelib.adapters import templates
from chalicelib.adapters.templates import voice
from chalicelib.domain.errors import Fault, Gone, Invalid, NotFound
from chalicelib.domain.signing import Claim, Purpose, read_link_token, recipient_digest
from chalicelib.domain.storefront import SCALES, Storefront, SurveyForm
from chalicelib.domain.surveys import Rating
from chalicelib.domain.ticket import Author, DeliveryState, Message, Role, Status, Survey, Ticket
from chalicelib.handlers.door import Call
from chalicelib.handlers.problems import Problem
from chalicelib.handlers.wire import html_of
from chalicelib.usecases import surveys, tickets, uploads
from chalicelib.usecases.tickets import Once
from chalicelib.usecases.uploads import Uploads

_NOTICES = frozenset({"sent", "uploaded", "asked-supervisor", "closed", "empty"})
_MOST_FILES = 5
_MOST_REASONS = 10
_LONGEST_STAR = 2
_MOST_MESSAGES = 200
_MOST_CHARACTERS = 50_000
_FALLBACK_VOICE = {"name": "", "colour": "#1f5fa8", "signature": "", "support_address": "", "time_zone": "UTC"}


def ticket(call: Call, token: str) -> Response:
    seen, storefront = _opened(call, token)
    attached = _attached(call, seen)
    upload = uploads.offer_on_page(
        call.desk, seen.storefront, f"{_own_address(call, token)}?uploaded=", tuple(file["id"] for file in attached),
    )  # fmt: skip
    notice = "uploaded" if attached else call.query.get("notice")
    found = tickets.newest_messages(call.desk, seen.reference, _MOST_MESSAGES)
    context = {
        "storefront": voice(storefront),
        "ticket": _ticket(seen, storefront),
        "messages": [_message(call, m, _own_address(call, token)) for m in found if _is_shown(m)],
        "upload": upload,
        "attached": attached,
        "once": secrets.token_hex(16),
        "notice": notice if notice in _NOTICES else None,
    }
    return _html(templates.page("ticket", seen.language, context), posts_to=upload["url"])


def message(call: Call, token: str, message: str) -> Response:
    """
    Show a mail as it was sent, in a frame where nothing runs; pictures of other servers come when they are asked for.
    """
    from chalicelib.mail.clean import has_remote_pictures, with_remote_pictures

    seen, storefront = _opened(call, token)
    found = tickets.message(call.desk, seen.reference, message)
    markup = html_of(found, call.desk.files.link) if _is_shown(found) else None
    if markup is None:
        raise NotFound("message")
    asked = call.query.get("pictures") == "yes"
    page = _own_address(call, token)
    shown = _message(call, found, page)
    context = {
        "storefront": voice(storefront),
        "message": shown,
        "subject": found.subject or seen.subject,
        "markup": with_remote_pictures(markup) if asked else markup,
        "back": f"{page}#{found.id}",
        "pictures": None if asked or not has_remote_pictures(markup) else "?pictures=yes",
    }
    carried = {_origin(file["url"]) for file in shown["attachments"] if file["url"]}
    pictures = ("data:", *sorted(carried), *(("https:", "http:") if asked else ()))
    return _html(templates.page("message", seen.language, context), pictures=pictures)


def write(call: Call, token: str) -> Response:
    """Record what was sent and go back to the page, so that a reload sends nothing again."""
    seen, _ = _opened(call, token)
    claim = read_link_token(call.desk.keys(), Purpose.PAGE, token)
    by = _visitor(seen, claim)
    if _first(call.body, "supervisor") == "yes":
        tickets.ask_supervisor(call.desk, seen.reference, by=by)
        return _back(call, token, "asked-supervisor")
    body = _first(call.body, "body").strip()
    if not body:
        return _back(call, token, "empty")
    named = Uploads(seen.storefront, tuple(call.body.get("attachment", ())[:_MOST_FILES]))
    key = _first(call.body, "once")
    once = Once(f"PAGE#{seen.reference}", key, "") if key else None
    tickets.write(call.desk, seen.reference, body, named, by=by, once=once)
    return _back(call, token, "closed" if seen.status is Status.CLOSED else "sent")


def survey(call: Call, token: str) -> Response:
    claim = read_link_token(call.desk.keys(), Purpose.SURVEY, token)
    try:
        rated, found = surveys.show(call.desk, claim)
    except Gone:
        return _survey_page(call, call.desk.table.ticket(claim.reference), None, "expired", HTTPStatus.GONE)
    chosen = call.query.get("rating", "")
    scale = SCALES[found.form]
    preselected = (
        int(chosen) if chosen.isdecimal() and len(chosen) <= _LONGEST_STAR and int(chosen) in scale else found.rating
    )
    return _survey_page(call, rated, found, "open", rating=preselected)


def rate(call: Call, token: str) -> Response:
    claim = read_link_token(call.desk.keys(), Purpose.SURVEY, token)
    try:
        given = _rating(call.body)
        rated = surveys.rate(call.desk, claim, given)
    except Gone:
        return _survey_page(call, call.desk.table.ticket(claim.reference), None, "expired", HTTPStatus.GONE)
    except Invalid:
        rated, found = surveys.show(call.desk, claim)
        return _survey_page(call, rated, found, "open", HTTPStatus.UNPROCESSABLE_ENTITY, notice="rating")
    return _survey_page(call, rated, rated.survey, "thanks", rating=given.rating)


def opt_out(call: Call, token: str) -> Response:
    seen = _linked(call, Purpose.OPT_OUT, token)
    return _opt_out_page(call, seen, "ask")


def opted_out(call: Call, token: str) -> Response:
    """Record that the customer wants no more planned messages; also the one click of mail programs (RFC 8058)."""
    seen = _linked(call, Purpose.OPT_OUT, token)
    call.desk.table.opt_out(seen.customer.email)
    return _opt_out_page(call, seen, "done")


def _opt_out_page(call: Call, seen: Ticket, state: str) -> Response:
    storefront = call.desk.house.storefront(seen.storefront)
    return _html(templates.page("opt-out", seen.language, {"storefront": voice(storefront), "state": state}))


def docs(call: Call) -> Response:
    from chalicelib.handlers.openapi import described

    api = described(call.desk.config.public_url)
    return _html(templates.page("docs", "en", {"openapi": api, "storefront": _FALLBACK_VOICE}))


def problem_page(problem: Problem, accepts: str) -> Response:
    """Return a problem as a page, in the language that the browser asks for first."""
    name = "not-found" if problem.status == HTTPStatus.NOT_FOUND else "problem"
    context = {"storefront": _FALLBACK_VOICE, "status": problem.status}
    language = accepts.partition(",")[0].partition(";")[0].strip() or "en"
    return _html(templates.page(name, language, context), problem.status, **problem.headers)


def _opened(call: Call, token: str) -> tuple[Ticket, Storefront]:
    """Return what a signed link opens; for a tampered or foreign one there is nothing, and no word about why."""
    seen = _linked(call, Purpose.PAGE, token)
    return seen, call.desk.house.storefront(seen.storefront)


def _linked(call: Call, purpose: Purpose, token: str) -> Ticket:
    claim = read_link_token(call.desk.keys(), purpose, token)
    seen = tickets.read(call.desk, claim.reference)
    surveys.check_claim(seen, claim)
    call.facts["ticket"] = seen.reference
    return seen


def _visitor(seen: Ticket, claim: Claim) -> Author:
    address = next(a for a in (seen.customer.email, *seen.participants) if recipient_digest(a) == claim.recipient)
    name = seen.customer.name if address == seen.customer.email else ""
    return Author(Role.CUSTOMER, name, address)


def _attached(call: Call, seen: Ticket) -> list[dict[str, str]]:
    """Return the uploads that the address names and that have arrived, to be sent with the next message."""
    named = [upload_id for upload_id in call.query.get("uploaded", "").split(",") if upload_id][:_MOST_FILES]
    found = ((upload_id, call.desk.files.find_upload(seen.storefront, upload_id)) for upload_id in named)
    return [{"id": upload_id, "name": file.name} for upload_id, file in found if file]


def _ticket(seen: Ticket, storefront: Storefront) -> dict[str, Any]:
    clock = seen.next_response or seen.first_response
    waits = clock is not None and clock.met_at is None and clock.running_since is not None
    promise = {"by": clock.due_at, "time_zone": storefront.calendar.time_zone} if clock and waits else None
    return {
        "reference": seen.reference,
        "status": seen.status.value,
        "category": seen.category.value,
        "subject": seen.subject,
        "created_at": seen.created_at,
        "promise": promise,
        "missing": seen.missing,
    }


def _is_shown(message: Message) -> bool:
    return not message.internal and not message.automatic and message.author.role in (Role.CUSTOMER, Role.AGENT)


def _message(call: Call, message: Message, page: str) -> dict[str, Any]:
    lost = any(d.state is DeliveryState.BOUNCED for d in message.delivery.values())
    return {
        "id": message.id,
        "author_role": message.author.role.value,
        "author_name": message.author.name,
        "created_at": message.created_at,
        "text": message.text,
        "quoted_text": message.quoted_text,
        "attachments": [{"name": f.name, "size": f.size, "url": call.desk.files.link(f) or ""} for f in message.files],
        "undelivered": lost,
        "as_sent": f"{page}/messages/{message.id}" if message.html_key else None,
    }


def _survey_page(
    call: Call,
    rated: Ticket,
    found: Survey | None,
    state: str,
    status: int = 200,
    *,
    rating: int | None = None,
    notice: str | None = None,
) -> Response:
    storefront = call.desk.house.storefront(rated.storefront)
    form = found.form if found else storefront.survey.form
    context = {
        "storefront": voice(storefront),
        "reference": rated.reference,
        "state": state,
        "notice": notice,
        "rating": rating,
        "solved": found.solved if found else None,
        "agent": found.agent if found else None,
        "comment": found.comment if found else "",
        "expires_on": found.expires_at if found else None,
        "review_url": storefront.review_url if found and rating == max(SCALES[found.form]) else None,
        "form": form.value,
        "scale": tuple(SCALES[form]),
        "reasons": storefront.survey.reasons,
        "chosen_reasons": found.reasons if found else (),
    }
    return _html(templates.page("survey", rated.language, context), status)


def _rating(form: Mapping[str, list[str]]) -> Rating:
    return Rating(
        rating=_star(form, "rating", needed=True) or 0,
        solved={"yes": True, "no": False}.get(_first(form, "solved")),
        agent=_agent_star(form),
        comment=_first(form, "comment").strip()[:_MOST_CHARACTERS],
        reasons=tuple(reason[:100] for reason in form.get("reason", ())[:_MOST_REASONS]),
    )


def _agent_star(form: Mapping[str, list[str]]) -> int | None:
    given = _star(form, "agent")
    if given is not None and given not in SCALES[SurveyForm.CSAT]:
        raise Invalid(Fault("/agent", "must be on the scale"))
    return given


def _star(form: Mapping[str, list[str]], name: str, *, needed: bool = False) -> int | None:
    held = _first(form, name)
    if held.isdecimal() and len(held) <= _LONGEST_STAR:
        return int(held)
    if held or needed:
        raise Invalid(Fault(f"/{name}", "must be on the scale"))
    return None


def _first(form: Mapping[str, list[str]], name: str) -> str:
    return form.get(name, [""])[0]


def _own_address(call: Call, token: str) -> str:
    return f"{call.desk.config.public_url}/tickets/{token}"


def _back(call: Call, token: str, notice: str) -> Response:
    return Response("", status_code=303, headers={"Location": f"{_own_address(call, token)}?notice={notice}"})


def _origin(url: str) -> str:
    target = urlsplit(url)
    return f"{target.scheme}://{target.netloc}"


def _html(
    page: str, status: int = 200, posts_to: str | None = None, pictures: Iterable[str] = ("'none'",), **headers: str
) -> Response:
    """Return a page that runs nothing, is kept nowhere, and tells no other site where it was."""
    forms = f"'self' {_origin(posts_to)}" if posts_to else "'self'"
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src {' '.join(pictures)}; base-uri 'none'; form-action {forms}; "
        "frame-ancestors 'none'"
    )
    standard = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(page, status_code=status, headers={**standard, **headers})
