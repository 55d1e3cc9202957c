"""
The one table, and the only place where its keys are built.

| item | pk | sk | written by |
|---|---|---|---|
| ticket | `TICKET#<number>` | `TICKET` | every change, guarded by its version |
| message | `TICKET#<number>` | `MESSAGE#<ulid>` | the change that brought it; its delivery state later |
| audit and why | `TICKET#<number>` | `EVENT#<ulid>` | a change that brings no message, when too many lines wait. A message holds the line of the change that brought it; others wait on the ticket and go with the next. A line also proves that its change was written |
| outbox | `TICKET#<number>` | `OUTBOX#<ulid>` | the change that wants something sent; gone when it is sent |
| receipt | `RECEIPT#<scope>#<hash>` | `RECEIPT` | the first of equal inputs; `expires_at`. A mail's only where its Message-ID is none, or another mail's |
| mail id | `MAIL#<hash of Message-ID>` | `MAIL` | the first mail that carries it, whose identity it holds, or the one that was sent with it |
| customer | `CUSTOMER#<hash of address>` | `CUSTOMER` | an acknowledgement, which makes him known; a mail of his, a survey, a suppression |
| acknowledgements of an hour | `BUDGET#<storefront>#<shard>` | `BUDGET` | each acknowledgement before it is sent; `expires_at` |
| mails to an agent in an hour | `BUDGET#<address>#0` | `BUDGET` | each of them before it is sent; `expires_at` |
| storefront | `STOREFRONT` | `<id>` | ops |
| support address, or its domain | `ADDRESS#<address>` | `ADDRESS` | ops |
| a storefront's next digest | `DIGEST#<storefront>` | `DIGEST` | settings, and each digest |
| a digest's mails | `TICKET#DIGEST-<storefront>` | `OUTBOX#<ulid>` | the digest; gone when they are sent |
| API key | `KEY` | `<id>` | ops; holds a hash only |
| agent | `AGENT` | `<address>` | ops, and an agent's first key |
| event flow | `FEEDBACK` | `FEEDBACK` | mail_feedback, at most once a minute |

Indexes are sparse and hold keys only. A list reads one page of keys, then those tickets.

| index | pk | sk | answers |
|---|---|---|---|
| by_queue | `QUEUE#<storefront>#<category>`, that of open ones with somebody to answer `...#<category>/assigned`; spread | waiting or moved since | what waits, longest first; what nobody has |
| by_customer | `CUSTOMER#<storefront>#<hash>` | created | whose is it |
| by_assignee | `ASSIGNEE#<agent>` | waiting or moved since | whose turn is it |
| by_view | `SPAM#<storefront>`, `BAD_RATING#<storefront>` | moved or rated | what needs a look |
| by_risk | `RISK#<storefront>` | due | which promise breaks next |
| by_day | `DAY#<storefront>#<day>` | created | what came in |
| by_due_time | `DUE#<shard>`, `UNSENT#<shard>` | due | which timer fires, what is not sent yet |

A partition takes 1,000 write units a second (Amazon DynamoDB Developer Guide, "Designing partition keys"). What is spread lies in
one partition, and in others that end in `#1`, `#2` for a storefront that has more; which one, the ticket's number tells.
"""

import hashlib
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from chalicelib.adapters.codec import written
from chalicelib.domain.ticket import FINISHED, Category, Person, Status, Ticket
from chalicelib.domain.timers import CLOCKS

RECEIPT_DAYS = {"mail": 90, "QUEUE": 90, "bounce": 90}
_RECEIPT_DAYS_OTHERWISE = 1
MESSAGES, EVENTS = "MESSAGE#", "EVENT#"


class Key(NamedTuple):
    pk: str
    sk: str


class Shards(NamedTuple):
    """Over how many partitions timers are spread, and the lists of those storefronts that need more than one."""

    due: int
    lists: Mapping[str, int]

    def all_of(self, storefront_id: str, pk: str) -> tuple[str, ...]:
        """Return the partitions over which a list of a storefront is spread."""
        return (pk, *(f"{pk}#{number}" for number in range(1, self.lists.get(storefront_id, 1))))

    def one_of(self, storefront_id: str, pk: str, reference: str) -> str:
        """Return in which of them a ticket stands."""
        partitions = self.all_of(storefront_id, pk)
        return partitions[shard(reference, len(partitions))]


def ticket(reference: str) -> Key:
    return Key(f"TICKET#{reference}", "TICKET")


def message(reference: str, message_id: str) -> Key:
    return Key(f"TICKET#{reference}", f"{MESSAGES}{message_id}")


def event(reference: str, change: str) -> Key:
    return Key(f"TICKET#{reference}", f"{EVENTS}{change}")


def after(kind: str, seen: str | None) -> tuple[str, str]:
    """Return between which sort keys a ticket's MESSAGES or EVENTS after an id stand; all of them, without one."""
    return f"{kind}{seen}\x01" if seen else kind, f"{kind}~"


def outbox(reference: str, outbox_id: str) -> Key:
    return Key(f"TICKET#{reference}", f"OUTBOX#{outbox_id}")


def receipt(scope: str, key: str) -> Key:
    return Key(f"RECEIPT#{scope}#{digest(key)}", "RECEIPT")


def receipt_days(scope: str) -> int:
    """Return how long a repeat of the same input is known: a mail's longer than any redrive."""
    return RECEIPT_DAYS.get(scope.partition("#")[0], _RECEIPT_DAYS_OTHERWISE)


def mail(message_id: str) -> Key:
    return Key(f"MAIL#{digest(message_id.casefold())}", "MAIL")


def customer(address: str) -> Key:
    return Key(f"CUSTOMER#{digest(address.strip().casefold())}", "CUSTOMER")


def storefront(storefront_id: str) -> Key:
    return Key("STOREFRONT", storefront_id)


def address(support_address: str) -> Key:
    return Key(f"ADDRESS#{support_address.strip().casefold()}", "ADDRESS")


def api_key(key_id: str) -> Key:
    return Key("KEY", key_id)


def agent(address: str) -> Key:
    return Key("AGENT", address)


def digest_of(storefront_id: str) -> Key:
    return Key(f"DIGEST#{storefront_id}", "DIGEST")


def budget(of: str, shard: int) -> Key:
    """Return where a storefront's or an agent's mails of an hour are counted; an address has an @, which no storefront's id has."""
    return Key(f"BUDGET#{of}#{shard}", "BUDGET")


FEEDBACK = Key("FEEDBACK", "FEEDBACK")


def queue(storefront_id: str, category: Category, *, assigned: bool = False) -> str:
    """Return where the tickets of a category stand; of the open ones those that somebody has lie apart."""
    apart = "/assigned" if assigned and category is Category.OPEN else ""
    return f"QUEUE#{storefront_id}#{category.value}{apart}"


def of_customer(storefront_id: str, who: str) -> str:
    return f"CUSTOMER#{storefront_id}#{digest(who.strip().casefold())}"


def of_assignee(agent: str) -> str:
    return f"ASSIGNEE#{agent}"


def spam(storefront_id: str) -> str:
    return f"SPAM#{storefront_id}"


def bad_rating(storefront_id: str) -> str:
    return f"BAD_RATING#{storefront_id}"


def risk(storefront_id: str) -> str:
    return f"RISK#{storefront_id}"


def day(storefront_id: str, of: str) -> str:
    return f"DAY#{storefront_id}#{of}"


def due(shard: int) -> str:
    return f"DUE#{shard}"


def unsent(shard: int) -> str:
    return f"UNSENT#{shard}"


def shard(reference: str, shards: int) -> int:
    return zlib.crc32(reference.encode()) % shards


def moment(at: datetime) -> str:
    """Return a time as sort keys hold it: of one width, so that text sorts as time does."""
    return written(at.replace(microsecond=at.microsecond // 1000 * 1000))[:19] + f".{at.microsecond // 1000:03d}Z"


def at_moment(at: datetime, unique: str) -> str:
    return f"{moment(at)}#{unique}"


def index(of: Ticket, shards: Shards) -> dict[str, Key]:
    """Return where a ticket stands in the indexes: `{index: key}`, without those that it is not in."""
    ref, front = of.reference, of.storefront
    since = at_moment(of.waiting_since or of.moved_at or of.created_at, ref)
    keys = {
        "by_day": Key(day(front, written(of.created_at)[:10]), at_moment(of.created_at, ref)),
        "by_customer": Key(of_customer(front, contact(of.customer)), at_moment(of.created_at, ref)),
    }
    if of.due_at:
        keys["by_due_time"] = Key(due(shard(ref, shards.due)), at_moment(of.due_at, ref))
    if of.category not in FINISHED:
        partition = queue(front, of.category, assigned=of.assignee is not None)
        keys["by_queue"] = Key(shards.one_of(front, partition, ref), since)
        if of.assignee:
            keys["by_assignee"] = Key(of_assignee(of.assignee), since)
    if of.status is Status.SPAM:
        keys["by_view"] = Key(spam(front), since)
    elif of.survey and of.survey.is_bad and of.survey.rated_at:
        keys["by_view"] = Key(bad_rating(front), at_moment(of.survey.rated_at, ref))
    at_risk = [
        c.due_at for c in (getattr(of, name) for name in CLOCKS) if c and c.spoken and c.running_since and not c.met_at
    ]
    if at_risk:
        keys["by_risk"] = Key(risk(front), at_moment(min(at_risk), ref))
    return keys


def contact(person: Person) -> str:
    return person.email or person.phone or person.handle


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
