"""
A ticket's audit lines: what happened, by whom, and why. Where each lies, and how they are read.

    with a message     the line of the change that brought it, and those that had waited for it
    on the ticket      lines that wait for the next message
    by themselves      when too many wait

Ids of changes and messages grow with time, so each place is in order, and a place's id is not below those of its lines.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from chalicelib.adapters import codec, keys, rows
from chalicelib.adapters.rows import Row
from chalicelib.domain.change import Change
from chalicelib.domain.ticket import Message
from chalicelib.frozen import replace

_MOST, _CHARACTERS = 6, 1500
"""How many wait on a ticket for a message; deflated, so many leave it at one KB."""

Line = Mapping[str, Any]

Carried = tuple[str, list[Line]]
"""The id of what lines lie with, and the lines."""


def laid(change: Change) -> Change:
    """
    Return a change, and the one that follows it, with its line where it is to lie; by itself, where both the messages
    and the ticket have none.
    """
    if change.following:
        change = replace(change, following=laid(change.following))
    waiting = change.ticket.lines
    if change.messages:
        first, *others = change.messages
        carrying = replace(first, audit=change.line, lines=waiting)
        return replace(change, ticket=replace(change.ticket, lines=()), messages=(carrying, *others))
    lines = (*waiting, _with_id(change))
    few = len(lines) <= _MOST and len(json.dumps(lines)) <= _CHARACTERS
    return replace(change, ticket=replace(change.ticket, lines=lines if few or not waiting else ()))


def row(change: Change) -> Row | None:
    """Return the row of lines that lie by themselves from now on, if a change that is laid has such."""
    ticket = change.ticket
    if change.messages or ticket.lines or not change.before:
        return None
    lines = (*change.before.lines, _with_id(change))
    return rows.row(keys.event(ticket.reference, ticket.change), {"lines": lines})


def by_themselves(reference: str, *, after: str | None, limit: int) -> list[Carried]:
    """Return up to *limit* places of lines that lie by themselves; a desk of before kept each alone."""
    condition = Row.sk.between(*keys.after(keys.EVENTS, after))
    found = Row.query(keys.ticket(reference).pk, condition, consistent_read=True, limit=limit, page_size=limit)
    held = ((each.sk.removeprefix(keys.EVENTS), rows.value(dict, each)) for each in found)
    return [(key, value.get("lines") or [{"id": key, **value}]) for key, value in held]


def carried(messages: Iterable[Message]) -> list[Carried]:
    """Return the lines that lie with messages."""
    return [(said.id, [*said.lines, *([{"id": said.id, **said.audit}] if said.audit else [])]) for said in messages]


def merged(
    waiting: Iterable[Line], pages: Callable[[str | None], Iterable[list[Carried]]], *, after: str | None, limit: int
) -> list[dict[str, Any]]:
    """
    Return up to *limit* lines after the id *after*, oldest first.

    Args:
        waiting: Those on the ticket, read before all others: what leaves it meanwhile is found where it went.
        pages: Reads a page of each other place after an id, of *limit* entries while there are more.
        after: Of a line, or None for all.
        limit: Above 0.
    """
    found: dict[str, Line] = {}
    seen = after
    while len(found) < limit:
        read = list(pages(seen))
        # beyond the end of a full page may stand more
        seen = min((page[-1][0] for page in read if len(page) == limit), default=None)
        known = (lines for page in read for key, lines in page if seen is None or key <= seen)
        found |= {line["id"]: line for lines in known for line in lines}
        if seen is None:
            found |= {line["id"]: line for line in waiting}
            break
    wanted = (found[key] for key in sorted(found) if after is None or key > after)
    return [dict(line) for line in wanted][:limit]


def _with_id(change: Change) -> Line:
    """Return the line of a change as it lies where its id is not the key's."""
    line: Line = codec.plain({"id": change.ticket.change, **change.line})
    return line
