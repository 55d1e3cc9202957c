"""
Three storefronts as their shopkeepers write them: three time zones, several shifts, a holiday each, seasons, and two
changes of summer time (New York on 8 March, Madrid on 29 March) within thirty days from 2 March 2026.
"""

from typing import Any

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def _week(**hours: list[str]) -> dict[str, list[str]]:
    return {day: hours[day] for day in _DAYS if day in hours}


HUDSON: dict[str, Any] = {
    "id": "hudson",
    "name": "Hudson Outdoor",
    "support_addresses": ["help@hudson.test"],
    "time_zone": "America/New_York",
    "hours": _week(
        **{day: ["09:00-13:00", "14:00-18:00"] for day in _DAYS[:5]},
        saturday=["10:00-14:00"],
    ),
    "holidays": ["2026-03-17"],
    "seasons": [
        {"from": "2026-03-23", "to": "2026-03-29", "hours": _week(**{day: ["08:00-20:00"] for day in _DAYS[:6]})},
    ],
    "survey": {"reminder_after": "3 d"},
    "teams": {
        "support": {"lead": "lou@hudson.test"},
        "care": {"lead": "lou@hudson.test"},
        "returns": {"lead": "rae@hudson.test"},
    },
}
MADRID: dict[str, Any] = {
    "id": "madrid",
    "name": "Casa Madrid",
    "language": "es",
    "support_addresses": ["hola@madrid.test", "soporte@madrid.test"],
    "time_zone": "Europe/Madrid",
    "hours": _week(
        **{day: ["09:30-14:00", "16:30-20:00"] for day in _DAYS[:4]},
        friday=["09:00-15:00"],
    ),
    "holidays": ["2026-03-19", "04-03"],
    "seasons": [
        {
            "from": "2026-03-16",
            "to": "2026-03-22",
            "targets": {"normal": {"first_response": "4 h", "next_response": "4 h", "resolution": "16 h"}},
        },
    ],
    "targets": {"low": {"first_response": "12 h", "next_response": "12 h", "resolution": "36 h"}},
    "kinds": {
        "claim": {"targets": {"high": {"first_response": "30 min", "next_response": "1 h", "resolution": "6 h"}}},
        "repair": {"check_in_after": "2 d"},
    },
    "silence": {"reminder_after": "2 d", "notice_after": "4 d", "resolve_after": "5 d"},
    "teams": {"support": {"lead": "pilar@madrid.test"}},
}
TOKYO: dict[str, Any] = {
    "id": "tokyo",
    "name": "Tokyo Paper",
    "support_addresses": ["desk@tokyo.test"],
    "time_zone": "Asia/Tokyo",
    "hours": _week(
        tuesday=["10:00-19:00"],
        wednesday=["10:00-19:00"],
        thursday=["10:00-19:00"],
        friday=["10:00-15:00", "16:00-19:00", "22:00-24:00"],
        saturday=["00:00-02:00", "10:00-19:00"],
        sunday=["10:00-17:00"],
    ),
    "holidays": ["2026-03-20"],
    "thanks_reopen": False,
    "survey": {"after": "12 h"},
    "close_after": "7 d",
    "teams": {"support": {"lead": "mika@tokyo.test"}},
}
FRONTS: dict[str, dict[str, Any]] = {front["id"]: front for front in (HUDSON, MADRID, TOKYO)}
