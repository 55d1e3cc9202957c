"""
Lists of tickets, a page at a time: read keys from an index, then those tickets, then drop what moved meanwhile.

A cursor is the sort key of the last ticket that was looked at. It says nothing of partitions, which come from who asks
and for what; so nobody reads with it what he may not see.
"""

import heapq
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, date, timedelta

from chalicelib.adapters import keys, rows
from chalicelib.adapters.table import Table
from chalicelib.domain.errors import Fault, Invalid
from chalicelib.domain.ticket import Category, Ticket
from chalicelib.frozen import frozen

_ROUNDS = 4
_DAYS_A_PAGE = 31


@frozen
class Listing:
    """Where to look: partitions of an index, merged by their sort keys."""

    index: str
    partitions: tuple[str, ...]
    newest_first: bool = False


@frozen
class Page:
    tickets: tuple[Ticket, ...]
    next_cursor: str | None


def queue(table: Table, storefronts: Iterable[str], category: Category) -> Listing:
    """Return what stands in a category, longest first; a large storefront's lies in several partitions."""
    whose = (False, True) if category is Category.OPEN else (False,)
    partitions = ((front, keys.queue(front, category, assigned=each)) for front in storefronts for each in whose)
    return _spread(table, partitions)


def unassigned(table: Table, storefronts: Iterable[str]) -> Listing:
    return _spread(table, ((front, keys.queue(front, Category.OPEN)) for front in storefronts))


def page(table: Table, listing: Listing, *, cursor: str | None, limit: int, keep: Callable[[Ticket], bool]) -> Page:
    """Return one page of the tickets of *listing* that *keep* lets through; it may be short and have a next one."""
    after = opened(cursor)
    kept: list[Ticket] = []
    for _ in range(_ROUNDS):
        found = _keys(listing, after, limit)
        for sort_key, ticket in _read(table, found):
            after = sort_key
            if _still_in(listing, ticket, table.shards) and keep(ticket):
                kept.append(ticket)
            if len(kept) == limit:
                return Page(tuple(kept), sealed(after))
        if len(found) < limit:
            return Page(tuple(kept), None)
        after = found[-1][0]
    return Page(tuple(kept), sealed(after) if after else None)


def by_day(
    table: Table,
    storefronts: Iterable[str],
    since: date,
    *,
    cursor: str | None,
    limit: int,
    keep: Callable[[Ticket], bool],
) -> Page:
    """Return one page of all tickets, newest first, day by day back to *since*."""
    after = opened(cursor)
    newest = date.fromisoformat(after[:10]) if after else table.clock().astimezone(UTC).date()
    kept: list[Ticket] = []
    day = newest
    while day >= since and day > newest - timedelta(days=_DAYS_A_PAGE):
        partitions = tuple(keys.day(storefront, day.isoformat()) for storefront in storefronts)
        listing = Listing("by_day", partitions, newest_first=True)
        found = page(table, listing, cursor=sealed(after) if after else None, limit=limit - len(kept), keep=keep)
        kept += found.tickets
        if found.next_cursor:
            return Page(tuple(kept), found.next_cursor)
        day -= timedelta(days=1)
    return Page(tuple(kept), sealed(f"{day + timedelta(days=1)}T") if day >= since else None)


def sealed(sort_key: str) -> str:
    return urlsafe_b64encode(sort_key.encode()).decode().rstrip("=")


def opened(cursor: str | None) -> str | None:
    if not cursor:
        return None
    try:
        sort_key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        date.fromisoformat(sort_key[:10])
    except ValueError:
        raise Invalid(Fault("/cursor", "is not a cursor of this API")) from None
    return sort_key


def _spread(table: Table, partitions: Iterable[tuple[str, str]]) -> Listing:
    return Listing("by_queue", tuple(one for front, pk in partitions for one in table.shards.all_of(front, pk)))


def _keys(listing: Listing, after: str | None, limit: int) -> list[tuple[str, str]]:
    """Return (sort key, number) of the next *limit* tickets over all partitions."""
    each = [_partition(listing, pk, after, limit) for pk in listing.partitions]
    merged = heapq.merge(*each, key=lambda found: found[0], reverse=listing.newest_first)
    return [found for _, found in zip(range(limit), merged, strict=False)]


def _partition(listing: Listing, pk: str, after: str | None, limit: int) -> list[tuple[str, str]]:
    found = rows.page(listing.index, pk, after=after, limit=limit, newest_first=listing.newest_first)
    return [(rows.sort_key(listing.index, held), held.pk.removeprefix("TICKET#")) for held in found]


def _read(table: Table, found: list[tuple[str, str]]) -> Iterator[tuple[str, Ticket]]:
    tickets = {
        str(ticket.reference): ticket for ticket in table.tickets((number for _, number in found), consistent=False)
    }
    return ((sort_key, tickets[number]) for sort_key, number in found if number in tickets)


def _still_in(listing: Listing, ticket: Ticket, shards: keys.Shards) -> bool:
    """Tell whether a ticket, as it is now, stands where the index (which lags) said it does."""
    place = keys.index(ticket, shards).get(listing.index)
    return place is not None and place.pk in listing.partitions
