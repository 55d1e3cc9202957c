"""
Ready answers: a text with placeholders, and what becomes of it for one ticket.

| written | comes out as |
|---|---|
| `{agent_name|One of us}` | the value, or the words after the bar when there is none |
| `your order {order_reference|}.` | without a value it goes, and so do the comma and the blank before it: `your order.` |
| `{reference}` | the value; only what every ticket has may do without a fallback |

Braces are for placeholders and for nothing else. That is the whole language: no conditions, no loops, no attributes, so
that whoever may write a macro can do nothing but write. A value is never read for placeholders.
"""

import re
from collections.abc import Iterator, Mapping

from chalicelib.domain.storefront import Macro
from chalicelib.frozen import frozen, replace

FALLBACK = "en"
PLACEHOLDERS: tuple[str, ...] = (
    "greeting", "closing", "customer_name", "agent_name", "storefront_name", "reference", "subject", "order_reference",
    "promised_date", "telephone", "address", "opening_hours", "support_address", "review_url",
)  # fmt: skip
ALWAYS_KNOWN = frozenset({"storefront_name", "reference", "support_address"})
_PLACEHOLDER = re.compile(r"(?P<before>,? ?)\{(?P<name>[^{}|]*)(?:\|(?P<fallback>[^{}]*))?\}")
_GREETS = {"greeting": "customer_name"}  # a greeting that calls nobody by name fell back as well


@frozen
class Filled:
    """A text for a customer. `missing` names the placeholders that had no value, in the order of the text."""

    text: str
    missing: tuple[str, ...]


def filled(text: str, values: Mapping[str, str]) -> Filled:
    """
    Return *text* with each placeholder's value as it is, or its fallback.

    Args:
        text: A macro's text. One that `faults` would refuse comes out as well: what is unknown has no value.
        values: By placeholder. What is left out or blank has no value.
    """
    missing: dict[str, None] = {}

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        for needed in (name, _GREETS.get(name, name)):
            if not values.get(needed, "").strip():
                missing[needed] = None
        said = (found["fallback"] or "") if name in missing else values[name]
        return found["before"] + said if said else ""

    return Filled(_PLACEHOLDER.sub(put, text), tuple(missing))


def faults(text: str) -> Iterator[str]:
    """Yield the reasons for which *text* cannot be a macro's."""
    for found in _PLACEHOLDER.finditer(text):
        name = found["name"]
        if name not in PLACEHOLDERS:
            yield f"holds {{{name}}}, which is no placeholder; they are: {', '.join(PLACEHOLDERS)}"
        elif found["fallback"] is None and name not in ALWAYS_KNOWN:
            yield f"must say what stands for {{{name}}} when it is not known: {{{name}|other words}}, or {{{name}|}}"
    if re.search("[{}]", _PLACEHOLDER.sub("", text)):
        yield "holds a brace that belongs to no placeholder"


def placeholders(text: str) -> frozenset[str]:
    return frozenset(found["name"] for found in _PLACEHOLDER.finditer(text))


def language_of(macro: Macro, *wanted: str) -> str:
    """Return the first of the languages *wanted* that a macro has, else English, else any that it has."""
    return next((language for language in (*wanted, FALLBACK) if language in macro.text), next(iter(macro.text)))


def joined(shipped: Mapping[str, Macro], own: Mapping[str, Macro | None]) -> dict[str, Macro]:
    """
    Return the macros of a storefront by name: its own take the place of those that are shipped, or come after them.

    One that it took away (None) is not there. An own one without a title or a technique keeps that of the shipped one.
    """
    kept = {name: macro for name, macro in shipped.items() if own.get(name, macro)}
    return kept | {name: _titled(name, macro, shipped.get(name)) for name, macro in own.items() if macro}


def _titled(name: str, macro: Macro, shipped: Macro | None) -> Macro:
    title = macro.title or (shipped.title if shipped else name.replace("-", " ").capitalize())
    return replace(macro, title=title, technique=macro.technique or (shipped.technique if shipped else ""))
