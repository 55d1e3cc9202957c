"""
A storefront's settings as people write them: one document, checked whole, with a pointer and a reason for each fault.

Durations are written with their unit: `30 min`, `8 h`, `3 d`. Hours are `{"monday": ["09:00-13:00", "15:00-18:00"]}`; left
out, the desk answers round the clock. Holidays are days, of one year (`2026-04-03`) or of every year (`12-25`).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chalicelib.domain import macros, schema
from chalicelib.domain.calendar import Calendar, Season, Shift
from chalicelib.domain.errors import Fault, Invalid
from chalicelib.domain.schema import Schema, named, nullable, one_of, record, several, text
from chalicelib.domain.storefront import (
    KINDS,
    Contact,
    Kind,
    KindPolicy,
    Macro,
    Priority,
    SeasonTargets,
    Silence,
    Storefront,
    SurveyForm,
    SurveyPolicy,
    Targets,
    Team,
    Voice,
)
from chalicelib.frozen import replace

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}
_DURATION = text(12, 1, pattern=r"^[0-9]{1,5} ?(min|h|d)$")
_SHIFT = text(11, 11, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")
_DAY = text(10, 10, pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_HOURS = named(several(_SHIFT, 6), *DAYS)
_TARGETS = record(
    ("first_response", "next_response", "resolution"),
    first_response=_DURATION, next_response=_DURATION, resolution=_DURATION,
)  # fmt: skip
_ALL_TARGETS = named(_TARGETS, *Priority)
_KIND = record(
    priority=one_of(*Priority),
    team=text(60, 1),
    asks_for=several(text(60, 1), 10),
    survey={"type": "boolean"},
    resolved_by_silence={"type": "boolean"},
    check_in_after=nullable(_DURATION),
    targets=_ALL_TARGETS,
)
_EMAIL = text(254, 3, format="email")
_LANGUAGE = text(12, 2, pattern="^[a-z]{2,3}$")
_ID, _LONGEST_ID = "^[a-z0-9-]+$", 60
_MACRO = record(
    ("text",),
    title=text(100, 1),
    technique=text(60, 1),
    text=named(text(4000, 1), pattern=_LANGUAGE["pattern"]),
)
_MOST_BYTES_OF_MACROS = 100_000  # a storefront is one item of the table, and each process reads it every minute
SETTINGS: Schema = record(
    ("name", "support_addresses"),
    id=text(_LONGEST_ID, 1, pattern=_ID),
    version={"type": "integer", "minimum": 1, "maximum": 2**31},
    name=text(100, 1),
    internal={"type": "boolean"},
    language=_LANGUAGE,
    languages=several(_LANGUAGE, 20),
    support_addresses=several(_EMAIL, 20),
    forms=several(_EMAIL, 50),
    colour=text(7, 7, pattern="^#[0-9a-fA-F]{6}$"),
    signature=text(1000),
    voice=named(record(greeting=text(100), hello=text(100), closing=text(100))),
    contact=record(telephone=text(40), address=text(200), opening_hours=text(200)),
    review_url=nullable(text(500, 8, pattern=r"^https://\S+$")),
    time_zone=text(60, 1),
    hours=nullable(_HOURS),
    holidays=several(text(10, 5, pattern=r"^([0-9]{4}-)?[0-9]{2}-[0-9]{2}$"), 200),
    seasons=several({**record(("from", "to"), hours=_HOURS, targets=_ALL_TARGETS, **{"from": _DAY, "to": _DAY})}, 20),
    targets=_ALL_TARGETS,
    kinds=named(_KIND, *Kind),
    silence=record(
        reminder_after=nullable(_DURATION), notice_after=nullable(_DURATION), resolve_after=nullable(_DURATION)
    ),
    close_after=_DURATION,
    thanks_reopen={"type": "boolean"},
    survey=record(
        form=one_of(*SurveyForm),
        after=_DURATION,
        valid_for=_DURATION,
        every=_DURATION,
        reminder_after=nullable(_DURATION),
        reasons=several(text(100, 1), 10),
    ),
    teams=named(record(lead=_EMAIL, on_call=_EMAIL)),
    macros=named(nullable(_MACRO), pattern="^[a-z0-9-]{1,60}$"),
    digest={"type": "boolean"},
    acknowledgements_per_hour={"type": "integer", "minimum": 1, "maximum": 1_000_000},
)


def storefront_from(document: Any, storefront_id: str | None = None) -> Storefront:  # noqa: ANN401 whatever was sent
    """
    Return the storefront that a document describes.

    Args:
        document: Settings, as JSON or YAML gives them.
        storefront_id: Where the document does not say it; both must agree.

    Raises:
        Invalid: With a pointer and a reason for each fault.
    """
    told: Mapping[str, Any] = schema.checked(document, SETTINGS)
    faults = tuple(_contradictions(told, storefront_id))
    if faults:
        raise Invalid(*faults)
    return Storefront(
        id=told.get("id") or storefront_id or "",
        name=told["name"],
        support_addresses=tuple(address.casefold() for address in told["support_addresses"]),
        calendar=_calendar(told),
        season_targets=tuple(
            SeasonTargets(_day(season["from"]), _day(season["to"]), _targets(season["targets"]))
            for season in told.get("seasons", ())
            if "targets" in season
        ),
        targets=_targets(told.get("targets", {})),
        kinds={Kind(kind): _kind(Kind(kind), said) for kind, said in told.get("kinds", {}).items()},
        voice={language: Voice(**said) for language, said in told.get("voice", {}).items()},
        contact=Contact(**told.get("contact", {})),
        silence=replace(Silence(), **_durations(told.get("silence", {}))),
        survey=_survey(told.get("survey", {})),
        teams={name: Team(**team) for name, team in told.get("teams", {}).items()},
        close_after=_duration(told.get("close_after", "7 d")),
        languages=tuple(told.get("languages", ())),
        macros={name: Macro(**macro) if macro else None for name, macro in told.get("macros", {}).items()},
        forms=tuple(address.casefold() for address in told.get("forms", ())),
        **{
            name: told[name]
            for name in (
                "internal",
                "language",
                "colour",
                "signature",
                "review_url",
                "thanks_reopen",
                "digest",
                "acknowledgements_per_hour",
            )
            if name in told
        },
    )


def document_of(storefront: Storefront) -> dict[str, Any]:
    """Return the settings of a storefront, all of them, as `storefront_from` reads them."""
    calendar = storefront.calendar
    return {
        "id": storefront.id,
        "name": storefront.name,
        "internal": storefront.internal,
        "language": storefront.language,
        "languages": list(storefront.languages),
        "support_addresses": list(storefront.support_addresses),
        "forms": list(storefront.forms),
        "colour": storefront.colour,
        "signature": storefront.signature,
        "voice": {language: _said(voice) for language, voice in storefront.voice.items()},
        "contact": {
            "telephone": storefront.contact.telephone,
            "address": storefront.contact.address,
            "opening_hours": storefront.contact.opening_hours,
        },
        "review_url": storefront.review_url,
        "time_zone": calendar.time_zone,
        "hours": _hours_document(calendar.shifts) if calendar.shifts else None,
        "holidays": list(calendar.holidays),
        "seasons": _season_documents(storefront),
        "targets": _targets_document(storefront.targets),
        "kinds": {kind.value: _kind_document(storefront.kind_policy(kind)) for kind in Kind},
        "silence": {
            "reminder_after": _written(storefront.silence.reminder_after),
            "notice_after": _written(storefront.silence.notice_after),
            "resolve_after": _written(storefront.silence.resolve_after),
        },
        "close_after": _written(storefront.close_after),
        "thanks_reopen": storefront.thanks_reopen,
        "survey": {
            "form": storefront.survey.form.value,
            "after": _written(storefront.survey.after),
            "valid_for": _written(storefront.survey.valid_for),
            "every": _written(storefront.survey.every),
            "reminder_after": _written(storefront.survey.reminder_after),
            "reasons": list(storefront.survey.reasons),
        },
        "teams": {
            name: {part: address for part, address in (("lead", team.lead), ("on_call", team.on_call)) if address}
            for name, team in storefront.teams.items()
        },
        "macros": {name: _said(macro) if macro else None for name, macro in storefront.macros.items()},
        "digest": storefront.digest,
        "acknowledgements_per_hour": storefront.acknowledgements_per_hour,
    }


def _contradictions(told: Mapping[str, Any], storefront_id: str | None) -> Iterator[Fault]:
    """Yield what is wrong although each field by itself is right."""
    if not (told.get("id") or storefront_id):
        yield Fault("/id", "is missing")
    if storefront_id and told.get("id", storefront_id) != storefront_id:
        yield Fault("/id", f"must be {storefront_id}")
    if storefront_id and not (re.fullmatch(_ID, storefront_id) and len(storefront_id) <= _LONGEST_ID):
        yield Fault("/id", f"does not have the form {_ID}, or is longer than {_LONGEST_ID} characters")
    if not told["support_addresses"]:
        yield Fault("/support_addresses", "needs one address at least: mails are sent from it")
    yield from _wrong_voices(told.get("voice", {}))
    yield from _wrong_macros(told.get("macros", {}), told.get("language", macros.FALLBACK))
    if not _is_zone(told.get("time_zone", "UTC")):
        yield Fault("/time_zone", "is not a time zone; they look like Europe/Madrid")
    if told.get("hours") is not None:
        yield from _wrong_hours(told["hours"], "/hours")
    for place, day in enumerate(told.get("holidays", ())):
        if not _is_day(day if len(day) > 5 else f"2024-{day}"):  # noqa: PLR2004 the length of 12-25
            yield Fault(f"/holidays/{place}", "is not a day of the calendar")
    for place, season in enumerate(told.get("seasons", ())):
        yield from _wrong_season(season, f"/seasons/{place}")
    silence = replace(Silence(), **_durations(told.get("silence", {})))
    order = [silence.reminder_after, silence.notice_after, silence.resolve_after]
    if (said := [after for after in order if after is not None]) != sorted(said):
        yield Fault("/silence", "must come in order: reminder, notice, resolve")


def _wrong_voices(voices: Mapping[str, Mapping[str, str]]) -> Iterator[Fault]:
    for language, voice in voices.items():
        if not re.fullmatch(_LANGUAGE["pattern"], language):
            yield Fault(f"/voice/{language}", "is not a language; they look like en or es")
        if "{name}" not in voice.get("greeting", "{name}"):
            yield Fault(f"/voice/{language}/greeting", "must hold {name}, where the customer's name goes")


def _wrong_macros(told: Mapping[str, Mapping[str, Any] | None], language: str) -> Iterator[Fault]:
    own = {name: macro["text"] for name, macro in told.items() if macro}
    for name, texts in own.items():
        if not (needed := {language, macros.FALLBACK}) & texts.keys():
            yield Fault(
                f"/macros/{name}/text", f"must hold one in {' or '.join(sorted(needed))}, for all other languages"
            )
        for spoken, words in texts.items():
            yield from (Fault(f"/macros/{name}/text/{spoken}", reason) for reason in macros.faults(words))
    if sum(len(words.encode()) for texts in own.values() for words in texts.values()) > _MOST_BYTES_OF_MACROS:
        yield Fault("/macros", f"hold more than {_MOST_BYTES_OF_MACROS // 1000} KB of text in all")


def _wrong_hours(hours: Mapping[str, list[str]], at: str) -> Iterator[Fault]:
    if not any(hours.values()):
        yield Fault(at, "holds no working time at all; leave it out for round the clock")
    for day, shifts in hours.items():
        parsed = sorted(shifts)
        for place, shift in enumerate(shifts):
            if shift[:5] >= shift[6:]:
                yield Fault(f"{at}/{day}/{place}", "must close after it opens, on the same day")
        if any(before[6:] > after[:5] for before, after in pairwise(parsed)):
            yield Fault(f"{at}/{day}", "has shifts that overlap")


def _wrong_season(season: Mapping[str, Any], at: str) -> Iterator[Fault]:
    wrong = [name for name in ("from", "to") if not _is_day(season[name])]
    yield from (Fault(f"{at}/{name}", "is not a day of the calendar") for name in wrong)
    if not wrong and season["from"] > season["to"]:
        yield Fault(f"{at}/to", "lies before from")
    if "hours" in season:
        yield from _wrong_hours(season["hours"], f"{at}/hours")


def _calendar(told: Mapping[str, Any]) -> Calendar:
    seasons = tuple(
        Season(_day(season["from"]), _day(season["to"]), _shifts(season["hours"]))
        for season in told.get("seasons", ())
        if "hours" in season
    )
    hours = _shifts(told.get("hours") or {})
    return Calendar(told.get("time_zone", "UTC"), hours, tuple(told.get("holidays", ())), seasons)


def _shifts(hours: Mapping[str, list[str]]) -> tuple[Shift, ...]:
    return tuple(
        Shift(
            DAYS.index(day),
            time.fromisoformat(shift[:5]),
            time() if shift[6:] == "24:00" else time.fromisoformat(shift[6:]),
        )
        for day in DAYS
        for shift in sorted(hours.get(day, ()))
    )


def _hours_document(shifts: tuple[Shift, ...]) -> dict[str, list[str]]:
    written: dict[str, list[str]] = {}
    for shift in shifts:
        closes = "24:00" if shift.closes == time() else f"{shift.closes:%H:%M}"
        written.setdefault(DAYS[shift.weekday], []).append(f"{shift.opens:%H:%M}-{closes}")
    return written


def _season_documents(storefront: Storefront) -> list[dict[str, Any]]:
    """Return the seasons as they are written: hours and targets of the same days are one."""
    written: list[dict[str, Any]] = [
        {"from": season.begins.isoformat(), "to": season.ends.isoformat(), "hours": _hours_document(season.shifts)}
        for season in storefront.calendar.seasons
    ]
    for other in storefront.season_targets:
        days = {"from": other.begins.isoformat(), "to": other.ends.isoformat()}
        targets = {"targets": _targets_document(other.targets)}
        same = next((s for s in written if days.items() <= s.items() and "targets" not in s), None)
        if same:
            same |= targets
        else:
            written.append(days | targets)
    return written


def _targets(told: Mapping[str, Mapping[str, str]]) -> dict[Priority, Targets]:
    return {Priority(priority): Targets(**_durations(each)) for priority, each in told.items()}  # type: ignore[arg-type]


def _targets_document(targets: Mapping[Priority, Targets]) -> dict[str, dict[str, str | None]]:
    return {
        priority.value: {
            "first_response": _written(each.first_response),
            "next_response": _written(each.next_response),
            "resolution": _written(each.resolution),
        }
        for priority, each in targets.items()
    }


def _said(each: Voice | Macro) -> dict[str, Any]:
    return {part: words for part, words in asdict(each).items() if words}


def _kind(kind: Kind, told: Mapping[str, Any]) -> KindPolicy:
    """Return a kind's policy: what is not said stays as the product has it."""
    changes = dict(told)
    if "priority" in changes:
        changes["priority"] = Priority(changes["priority"])
    if "asks_for" in changes:
        changes["asks_for"] = tuple(changes["asks_for"])
    if "check_in_after" in changes:
        changes |= _durations({"check_in_after": changes["check_in_after"]})
    if "targets" in changes:
        changes["targets"] = _targets(changes["targets"])
    return replace(KINDS[kind], **changes)


def _kind_document(policy: KindPolicy) -> dict[str, Any]:
    return {
        "priority": policy.priority.value,
        "team": policy.team,
        "asks_for": list(policy.asks_for),
        "survey": policy.survey,
        "resolved_by_silence": policy.resolved_by_silence,
        "check_in_after": _written(policy.check_in_after),
        "targets": _targets_document(policy.targets),
    }


def _survey(told: Mapping[str, Any]) -> SurveyPolicy:
    changes: dict[str, Any] = _durations({k: v for k, v in told.items() if k not in ("form", "reasons")})
    if "form" in told:
        changes["form"] = SurveyForm(told["form"])
    if "reasons" in told:
        changes["reasons"] = tuple(told["reasons"])
    return replace(SurveyPolicy(), **changes)


def _durations(told: Mapping[str, str | None]) -> dict[str, timedelta | None]:
    return {name: _duration(value) if value else None for name, value in told.items()}


def _duration(written: str) -> timedelta:
    number, unit = re.fullmatch(r"([0-9]+) ?(min|h|d)", written).groups()  # type: ignore[union-attr]
    return int(number) * _UNITS[unit]


def _written(duration: timedelta | None) -> str | None:
    if duration is None:
        return None
    unit = next(unit for unit in ("d", "h", "min") if duration % _UNITS[unit] == timedelta())
    return f"{duration // _UNITS[unit]} {unit}"


def _day(written: str) -> date:
    return date.fromisoformat(written)


def _is_day(written: str) -> bool:
    try:
        datetime.strptime(written, "%Y-%m-%d")  # noqa: DTZ007 a day has no zone
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
