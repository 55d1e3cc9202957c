"""
The doors of ready answers.
"""

from typing import Any

from chalice.app import Response

from chalicelib.domain.reference import parse
from chalicelib.domain.storefront import Macro
from chalicelib.handlers.door import Call, json_response
from chalicelib.handlers.tickets import main_language, storefront_of
from chalicelib.usecases import macros
from chalicelib.usecases.macros import Draft


def list_macros(call: Call) -> Response:
    storefront = storefront_of(call, call.query.get("storefront"))
    found = macros.of_storefront(call.desk, storefront)
    return json_response({"items": [_listed(name, macro) for name, macro in found.items()], "next_cursor": None})


def draft(call: Call, reference: str, name: str) -> Response:
    number, language = parse(reference), main_language(call.body.get("language", "")) or None
    drafted = macros.draft(call.desk, number, name, by=call.who.author, language=language)
    call.facts["ticket"] = number
    return json_response(_drafted(drafted))


def _listed(name: str, macro: Macro) -> dict[str, Any]:
    return {
        "name": name,
        "title": macro.title,
        "technique": macro.technique or None,
        "languages": sorted(macro.text),
    }


def _drafted(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "technique": draft.technique or None,
        "language": draft.language,
        "text": draft.text,
        "missing": list(draft.missing),
    }
