"""
The desk's policies in time, for each storefront: what happens when nobody is watching.

Two storefronts are the demo's own: a garden shop in Madrid, with hours, seasons and teams, which asks whether its customers
would recommend it, and a desk for colleagues, which asks how easy it was. Each run writes the same settings again.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from infra.demo.stage import Demo, later, link
from infra.embedded.caller import eventually, header

MADRID = ZoneInfo("Europe/Madrid")
NEXT_YEAR = datetime.now(MADRID).year + 1
LEAD = "lead.garden@example.com"
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday")
GARDEN: dict[str, Any] = {
    "name": "Garden",
    "support_addresses": ["garden@demo.test"],
    "time_zone": "Europe/Madrid",
    "hours": {day: ["09:00-14:00", "16:00-19:00"] for day in WEEK} | {"saturday": ["10:00-14:00"]},
    "holidays": ["12-25"],
    "seasons": [
        {"from": f"{NEXT_YEAR}-07-01", "to": f"{NEXT_YEAR}-08-31", "hours": {day: ["08:00-15:00"] for day in WEEK}},
    ],
    "targets": {"low": {"first_response": "2 d", "next_response": "2 d", "resolution": "5 d"}},
    "thanks_reopen": False,
    "survey": {"form": "nps"},
    "teams": {"care": {"lead": LEAD}},
}
STAFF: dict[str, Any] = {
    "name": "Staff",
    "support_addresses": ["staff@demo.test"],
    "internal": True,
    "survey": {"form": "ces"},
    "digest": False,
}
MANY = 100
GIFT = f"{NEXT_YEAR}-12-25T10:00:00+01:00"


def storefronts(demo: Demo) -> None:
    place, admin = "/v1/storefronts/garden", {"key": "admin_key"}
    written = demo.call("PUT", place, GARDEN, wanted=200, **admin)
    again = demo.call("GET", place, wanted=200, **admin)
    demo.expect(again.json["silence"]["reminder_after"] == "3 d", "what was left out is there with its default")
    demo.expect(again.headers["ETag"] == written.headers["ETag"], f"settings have a version: {written.headers['ETag']}")
    kept = demo.call("PUT", place, again.json, wanted=200, headers={"If-Match": again.headers["ETag"]}, **admin)
    demo.expect(kept.json["hours"] == GARDEN["hours"], "what was read can be written back")
    demo.call("PUT", place, GARDEN, wanted=412, headers={"If-Match": again.headers["ETag"]}, **admin)
    wrong = GARDEN | {"time_zone": "Spain", "hours": {"monday": ["19:00-09:00"]}, "holidays": ["02-30"], "colour": 7}
    for document in (wrong, wrong | {"colour": "#000000"}):
        faults = demo.call("PUT", place, document, wanted=422, **admin).json["errors"]
        demo.show("what is wrong", "; ".join(f"{fault['pointer']} {fault['detail']}" for fault in faults))
    pointers = {fault["pointer"] for fault in faults}
    demo.expect(pointers == {"/time_zone", "/hours/monday/0", "/holidays/0"}, "each fault has its place and its reason")
    demo.call("GET", place, wanted=403, key="agent_key")


def clocks(demo: Demo) -> None:
    opened = _in_garden(demo, demo.customer("noa"))
    number, due = opened["reference"], _local(opened["promises"]["first_response"]["due_at"])
    hours = "09:00" <= f"{due:%H:%M}" <= "14:00" or "16:00" <= f"{due:%H:%M}" <= "19:00"
    demo.expect(hours and due.weekday() < 6, f"8 working hours end when the garden is open: {due:%a %H:%M}")  # noqa: PLR2004
    low = _local(_in_garden(demo, demo.customer("noa"), priority="low")["promises"]["first_response"]["due_at"])
    demo.expect(low > due, "another priority, another promise, as the garden has set it")
    for refused in (GIFT, _at("06-09", 15), _at("07-09", 16)):
        demo.agent("PATCH", f"/v1/tickets/{number}", {"promised_at": refused}, wanted=422)
    demo.expect(True, "a date is not promised on a holiday, at siesta, or after the hours of the summer")
    promised = _at("06-09", 16)
    demo.agent("PATCH", f"/v1/tickets/{number}", {"promised_at": promised})
    demo.reply(number)
    first, resolution = _explained(demo, number)
    demo.expect((first["state"], resolution["state"]) == ("met", "paused"), "answered: one is met, and the other waits")
    demo.agent("POST", f"/v1/tickets/{number}/reopen")
    first, resolution = _explained(demo, number)
    demo.expect(resolution["state"] == "due" and first["state"] == "met", "opened again, it goes on")


def _explained(demo: Demo, number: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = demo.agent("GET", f"/v1/tickets/{number}/promises")["items"]
    for clock in found:
        spent = f"{clock['spent_minutes']:g} of {clock['allowed_minutes']:g} min"
        demo.show(f"{clock['clock']}: {clock['state']}", f"{spent}, due {clock['due_at']}, ran {clock['intervals']}")
    return found


def escalation(demo: Demo) -> None:
    pia = demo.customer("pia")
    opened = demo.open(pia, kind="claim", priority="urgent")
    number, start = opened["reference"], opened["created_at"]
    demo.told(number, 1)
    for minutes in (16, 31, 46, 61, 61):
        demo.play(start, number, minutes=minutes)
    said = [word["id"].removeprefix(f"{number}/") for word in demo.told(number, 5)]
    ladder = [f"first_response/1/{level}" for level in ("warning", 1, 2, 3)]
    demo.expect(said == ["urgent_claim", *ladder], f"once each, in order, with ids that stay: {', '.join(said)}")
    page = link(demo.letter(pia), "tickets")
    demo.desk.form(page, supervisor="yes")
    demo.expect(demo.told(number, 6)[-1]["reason"] == "supervisor_requested", "a customer asks for a supervisor")
    night = _in_garden(demo, demo.customer("pia"))
    due = night["promises"]["first_response"]["due_at"]
    demo.play(night["created_at"], night["reference"], minutes=1)
    told = _local(demo.ticket(night["reference"])["next_at"])
    demo.expect(
        told < _local(due), f"a garden's promise speaks in its hours: {told:%a %H:%M}, before {_local(due):%a %H:%M}"
    )


def silence(demo: Demo) -> None:
    rob = demo.customer("rob")
    number = demo.open(rob)["reference"]
    demo.reply(number, "Which colour do you like?")
    asked = demo.ticket(number)["updated_at"]
    for days, words in ((3, "a reminder"), (6, "a last notice")):
        demo.play(asked, number, days=days, minutes=1)
        demo.letter(rob, 1 + days // 3)
        demo.expect(len(demo.desk.mails(rob)) == 2 + days // 3, words)
    demo.play(asked, number, days=7, minutes=1)
    survey = demo.ticket(number)["survey"]
    demo.expect(survey["state"] == "skipped", f"solved by silence, and no survey: {survey['reason']}")
    claim = demo.open(rob, kind="claim")["reference"]
    demo.reply(claim, "Could you send us a photo?")
    demo.play(demo.ticket(claim)["updated_at"], claim, days=7, minutes=1)
    demo.expect(demo.ticket(claim)["status"] == "pending", "a claim never is: the lead is told")
    demo.expect(demo.told(claim, 1)[-1]["reason"] == "customer_silent", "that the customer is silent")
    _thanks(demo)
    number = demo.open(demo.customer("sam"))["reference"]
    until = later(datetime.now(UTC).isoformat(), days=2)
    demo.agent("PATCH", f"/v1/tickets/{number}", {"snoozed_until": until})
    demo.play(until, number, minutes=1)
    demo.expect(demo.ticket(number)["status"] == "open", "what was put off until a day is back on that day")
    demo.resolve(number)
    demo.play(demo.ticket(number)["resolved_at"], number, days=7, minutes=1)
    demo.expect(demo.ticket(number)["status"] == "closed", "solved for a week: closed")
    demo.agent("POST", f"/v1/tickets/{number}/reopen", wanted=409)
    demo.write(number, "It broke again.")
    follower = next(t for t in demo.tickets_of(demo.customer("sam")) if t["reference"] != number)
    demo.expect(follower["follow_up_of"] == number, f"a late word opens {follower['reference']}, which follows it")


def _thanks(demo: Demo) -> None:
    number = demo.open(demo.customer("tom"))["reference"]
    demo.resolve(number)
    demo.write(number, "Thank you!")
    demo.expect(demo.ticket(number)["status"] == "open", "thanks open a ticket again")
    tom = demo.customer("tim")
    quiet = _in_garden(demo, tom)["reference"]
    demo.resolve(quiet)
    page = link(demo.letter(tom), "tickets")
    demo.desk.form(page, body="Thank you!")
    demo.expect(demo.ticket(quiet)["status"] == "resolved", "where the storefront says so, they do not")
    demo.expect("Thank you!" in demo.call("GET", page, wanted=200, key=None).text, "and are shown all the same")


def surveys(demo: Demo) -> None:
    uma = demo.customer("uma")
    one, two = demo.open(uma)["reference"], _in_garden(demo, uma)["reference"]
    asked = _surveyed(demo, uma, one)
    _resolved_and_a_day_later(demo, two)
    skipped = demo.ticket(two)["survey"]
    demo.expect(skipped["state"] == "skipped", f"asked once over two storefronts: {skipped['reason']}")
    before = demo.desk.call("GET", f"/v1/tickets/{one}", key="agent_key").body
    for number in range(MANY):
        demo.desk.call("GET", f"{asked}?rating={number % 6}", key=None)
    demo.expect(
        demo.desk.call("GET", f"/v1/tickets/{one}", key="agent_key").body == before, f"{MANY} GETs record nothing"
    )
    demo.desk.form(asked, rating="1", reason=["slow", "unclear"], comment="Nobody called.")
    rated = demo.ticket(one)
    demo.show("rated 1", f"status: {rated['status']}, tags: {rated['tags']}, task: {rated['task']}")
    demo.expect(rated["survey"]["reasons"] == ["slow", "unclear"], "a bad rating, with its reasons")
    demo.expect(demo.told(one, 1)[-1]["reason"] == "bad_rating", "is told to the lead")
    demo.expect(
        (rated["status"], rated["task"]["what"]) == ("open", "call_back"), "opens the ticket, and leaves a task"
    )
    demo.desk.form(asked, rating="5")
    demo.expect(demo.ticket(one)["rating"] == 5, "a customer may change his mind")  # noqa: PLR2004
    _late(demo)
    for name, storefront, scale in (("wim", "garden", range(11)), ("xia", "staff", range(1, 8))):
        page = _surveyed(demo, demo.customer(name), _in_garden(demo, demo.customer(name), storefront)["reference"])
        statuses = [demo.desk.form(page, rating=str(rating)).status for rating in (scale[-1] + 1, scale[-1])]
        demo.expect(statuses == [422, 200], f"{storefront} asks on another scale: {scale[0]} to {scale[-1]}")


def _late(demo: Demo) -> None:
    vic = demo.customer("vic")
    number = demo.open(vic)["reference"]
    page = _surveyed(demo, vic, number)
    demo.play(demo.ticket(number)["resolved_at"], number, days=7, minutes=1)
    demo.desk.form(page, rating="2", comment="It fell apart.")
    demo.expect(demo.ticket(number)["status"] == "closed", "a closed ticket stays closed")
    follower = next(t for t in demo.tickets_of(vic) if t["reference"] != number)
    demo.expect(follower["follow_up_of"] == number, f"and {follower['reference']} follows it, for the bad rating")


def _surveyed(demo: Demo, customer: str, number: str) -> str:
    """
    Have a ticket answered and solved, let a day pass, and return the survey's link.
    """
    _resolved_and_a_day_later(demo, number)
    found = eventually(
        lambda: [mail for mail in demo.desk.mails(customer) if "/surveys/" in mail["text"] and number in mail["text"]]
    )
    demo.show(f"mail to {found[0]['to']}", found[0]["subject"])
    return link(found[0], "surveys")


def _resolved_and_a_day_later(demo: Demo, number: str) -> None:
    demo.reply(number)
    demo.resolve(number)
    demo.play(demo.ticket(number)["resolved_at"], number, hours=24, minutes=1)


def check_ins(demo: Demo) -> None:
    yan = demo.customer("yan")
    number = demo.open(yan, kind="repair")["reference"]
    demo.reply(number)
    resolved = demo.resolve(number)["resolved_at"]
    demo.letter(yan, 1)
    demo.play(resolved, number, days=3, minutes=1)
    found = [demo.letter(yan, place) for place in (2, 3)]
    message = next(one for one in found if header(one, "List-Unsubscribe"))
    demo.show("List-Unsubscribe", header(message, "List-Unsubscribe"))
    demo.expect(
        header(message, "List-Unsubscribe-Post"), "three days after a repair: a word, with one click to end them"
    )
    start, place = later(datetime.now(UTC).isoformat(), days=10), f"/v1/tickets/{number}/check-in"
    row = {"at": start, "every_days": 30, "until": later(start, days=70), "message": "Time for new filters."}
    demo.agent("PUT", place, row)
    demo.play(start, number, minutes=1)
    demo.expect("Time for new filters." in demo.letter(yan, 4)["text"], "and one every 30 days, in an agent's words")
    following = demo.ticket(number)["check_in"]["at"]
    demo.expect(_local(following) - _local(start) == timedelta(days=30), f"the next on {following[:10]}")
    stop = header(message, "List-Unsubscribe").strip("<>")
    demo.call("GET", stop, wanted=200, key=None)
    demo.expect(demo.ticket(number)["check_in"], "looking at the button ends nothing")
    demo.desk.form(stop, **{"List-Unsubscribe": "One-Click"})
    demo.play(following, number, minutes=1)
    demo.expect(demo.ticket(number)["check_in"] is None, "a click does")
    demo.expect(len(demo.desk.mails(yan)) == 5, f"nothing more came: {demo.why(number)[-1]}")  # noqa: PLR2004


def digest(demo: Demo) -> None:
    claim = _in_garden(demo, demo.customer("zoe"), kind="claim", subject="Broken spade")
    demo.call(
        "PUT", "/v1/storefronts/garden", GARDEN, wanted=200, key="admin_key"
    )  # its next digest is due from now on
    before, in_days = len(demo.desk.mails(LEAD)), later(datetime.now(UTC).isoformat(), days=4)
    told = [demo.desk.play(in_days, storefront="garden").splitlines()[0] for _ in range(2)]
    message = demo.letter(LEAD, before)
    demo.expect(claim["reference"] in message["text"], "at opening time the lead is told of the claim that waits")
    demo.expect(told == ["garden: 1 leads are told", "garden: 0 leads are told"], "once a day")
    demo.expect(len(demo.desk.mails(LEAD)) == before + 1, "in one mail")
    demo.resolve(claim["reference"])


def why(demo: Demo) -> None:
    ben = demo.customer("ben")
    number = demo.open(ben, kind="compliment")["reference"]
    demo.reply(number)
    demo.write(number, "You are welcome.")
    demo.resolve(number)
    by_phone = {
        "customer": {"phone": "+34 910 000 000"},
        "subject": "Opening hours",
        "body": "By phone.",
        "channel": "phone",
    }
    called = demo.agent("POST", "/v1/tickets", by_phone | {"storefront": "demo"}, wanted=201)["reference"]
    said = [*demo.why(number), *demo.why(called)]
    for line in dict.fromkeys(said):
        demo.show("why", line)
    for start in ("Paused", "Opened again", "Going on", "No survey: a compliment", "No acknowledgement"):
        demo.expect(any(line.startswith(start) for line in said), f"it says why: {start}")


def _in_garden(demo: Demo, customer: str, storefront: str = "garden", **more: Any) -> Any:  # noqa: ANN401
    settings = GARDEN if storefront == "garden" else STAFF
    if not demo.knows(storefront):
        demo.call("PUT", f"/v1/storefronts/{storefront}", settings, wanted=200, key="admin_key")
    ticket = {"customer": {"email": customer}, "subject": "Which soil?", "body": "For roses.", "storefront": storefront}
    return demo.agent("POST", "/v1/tickets", ticket | more, wanted=201)


def _local(at: str) -> datetime:
    return datetime.fromisoformat(at).astimezone(MADRID)


def _at(day: str, hour: int) -> str:
    """
    Return a time in Madrid on the first weekday from a day of next year on.
    """
    at = datetime.fromisoformat(f"{NEXT_YEAR}-{day}").replace(hour=hour, minute=30, tzinfo=MADRID)
    while at.weekday() > 4:  # noqa: PLR2004 Friday
        at += timedelta(days=1)
    return at.isoformat()
