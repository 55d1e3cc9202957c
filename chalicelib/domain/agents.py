"""
Agents as mail knows them: when one is written to, and what of his answer goes to the customer.

| an agent is told when | setting |
|---|---|
| somebody else gives him a ticket | assigned |
| a colleague's note names him, by address (`@ana@shop.test`) or by name (`@Ana`) | named |
| the customer writes on a ticket that is his | customer_wrote |

One change writes to an agent once at most, for the first of these that holds, and never about what he did himself.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from chalicelib.domain.change import Change, Outgoing
from chalicelib.domain.signing import KeyRing, Purpose, read_reply_address
from chalicelib.domain.ticket import Category, Message, Role
from chalicelib.frozen import frozen

NOTIFICATION = "agent-notification"
REFUSAL = "agent-refusal"
TO_AGENTS = frozenset({NOTIFICATION, REFUSAL})
"""Mails that no ticket shows: they are for its agent alone."""

FORWARD = "@fwd"
"""What an agent writes on top of a mail that he passes on: who wrote it first is the customer."""

MARK = "##- Please write your reply above this line -##"
"""What a notification begins with. From here on an answer quotes us, whatever the mail program made of it."""


# Compiled when they are first asked for: who sends never asks.
_MARK = r"##-[\s>]*please[\s>]+write[\s>]+your[\s>]+reply[\s>]+above[\s>]+this"
_NOT_IN_ADDRESSES = r"[\s<>()\[\]\"',;:]+"


@frozen
class Agent:
    """Who may answer by mail. `address` is in lower case; `name` is shown to customers; the rest is what he wants to be told."""

    address: str
    name: str
    assigned: bool = True
    customer_wrote: bool = True
    named: bool = True


class Occasion(StrEnum):
    """What an agent is told of. Each is the name of its setting."""

    ASSIGNED = "assigned"
    NAMED = "named"
    CUSTOMER_WROTE = "customer_wrote"


class Trouble(StrEnum):
    """Why what an agent mailed is not an answer to the customer."""

    NO_ADDRESS = "no_address"
    CLOSED = "closed"
    EMPTY = "empty"
    QUOTES = "quotes"
    NO_ORIGINAL = "no_original"


def may_tell(change: Change) -> bool:
    """Tell whether a change may be one that agents are told of, before it is looked up who they are."""
    heard = change.ticket.assignee and any(map(_is_customers, change.messages))
    return bool(heard) or _newly_assigned(change) or any(map(_is_note, change.messages))


def told(change: Change, agents: Mapping[str, Agent]) -> Change:
    """Add the notifications that a change causes; they are written and sent with it."""
    found: dict[str, Outgoing] = {}
    for occasion, address, message_id in _occasions(change, agents):
        agent = agents.get(address.casefold())
        if agent is None or agent.address == change.act.by.email.casefold() or not getattr(agent, occasion):
            continue
        if agent.address not in found:
            data = {"occasion": occasion.value, "by": change.act.by.name, "name": agent.name, "message": message_id}
            found[agent.address] = Outgoing(
                change.act.new_id(), NOTIFICATION, change.act.at, to=agent.address, data=data
            )
    return change.sending(*found.values()) if found else change


def named_in(words: str, agents: Iterable[Agent]) -> tuple[str, ...]:
    """Return the addresses of those whom a note names: `@` and an address or a whole name, the longest that fits."""
    handles: dict[str, list[str]] = {}
    for agent in agents:
        for handle in filter(None, (agent.address, agent.name.casefold())):
            handles.setdefault(handle, []).append(agent.address)
    if not handles or "@" not in words:
        return ()
    longest_first = sorted(map(re.escape, handles), key=len, reverse=True)
    mention = re.compile(rf"(?<![\w@.+-])@({'|'.join(longest_first)})(?![\w@-]|\.\w)")
    found = (address for handle in mention.findall(words.casefold()) for address in handles[handle])
    return tuple(dict.fromkeys(found))


def words_of(text: str) -> str:
    """Return what an agent wrote above our mark."""
    mark = re.search(_MARK, text, re.IGNORECASE)
    return (text[: mark.start()].rstrip("> \t\n") if mark else text).strip()


def trouble(words: str, keys: KeyRing) -> Trouble | None:
    """
    Return why *words* cannot go to the customer, None when they can.

    A notification's own addresses stand in words that quote it: where one is left, there may be a note beside it.
    """
    if not words:
        return Trouble.EMPTY
    if words.partition("\n")[0].strip().casefold() == FORWARD:
        return Trouble.NO_ORIGINAL
    parts = (part for part in re.split(_NOT_IN_ADDRESSES, words) if "+" in part and "@" in part)
    if any(read_reply_address(keys, part, purpose) for part in parts for purpose in (Purpose.AGENT, Purpose.NOTE)):
        return Trouble.QUOTES
    return None


def _occasions(change: Change, agents: Mapping[str, Agent]) -> Iterator[tuple[Occasion, str, str | None]]:
    """Yield whom to tell of what, and of which message, the most telling first."""
    ticket = change.ticket
    if _newly_assigned(change):
        yield Occasion.ASSIGNED, ticket.assignee or "", ticket.last_customer_message
    for note in filter(_is_note, change.messages):
        for address in named_in(note.text, agents.values()):
            yield Occasion.NAMED, address, note.id
    if ticket.assignee and ticket.category is not Category.TERMINAL:
        for message in filter(_is_customers, change.messages):
            yield Occasion.CUSTOMER_WROTE, ticket.assignee, message.id


def _newly_assigned(change: Change) -> bool:
    before = change.before.assignee if change.before else None
    return bool(change.ticket.assignee) and change.ticket.assignee != before


def _is_customers(message: Message) -> bool:
    return message.author.role is Role.CUSTOMER and not message.automatic


def _is_note(message: Message) -> bool:
    return message.internal and message.author.role is Role.AGENT and "@" in message.text
