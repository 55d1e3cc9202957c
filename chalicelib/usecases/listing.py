"""
Finding tickets: a view, a customer, a status, an assignee, a number. Whatever it is, one page costs the same.
"""

from collections.abc import Callable, Iterator

from chalicelib.adapters import keys, lists
from chalicelib.adapters.lists import Listing, Page
from chalicelib.domain.errors import Fault, Invalid, NotFound
from chalicelib.domain.reference import parse
from chalicelib.domain.ticket import CATEGORIES, FINISHED, Category, Status, Ticket
from chalicelib.frozen import frozen
from chalicelib.wiring import Desk

_MANY = 100
VIEWS = ("mine", "unassigned", "waiting", "at_risk", "pending", "bad_ratings", "spam", "all")


@frozen
class Asked:
    view: str = "all"
    customer: str | None = None
    status: str | None = None
    assignee: str | None = None
    q: str | None = None


def page(desk: Desk, asked: Asked, *, storefront: str | None, mine: str | None, cursor: str | None, limit: int) -> Page:
    """
    Return one page of what was asked for.

    Args:
        desk: The desk.
        asked: What to look for; all of it must hold.
        storefront: The only storefront whose tickets are seen; None for all.
        mine: The agent whose view `mine` is; None when nobody is.
        cursor: Where the last page ended.
        limit: How many tickets at most.

    Raises:
        Invalid: A view, a status or a cursor that does not exist.
    """
    if asked.view not in VIEWS or (asked.view == "mine" and mine is None):
        raise Invalid(Fault("/view", f"must be one of: {', '.join(VIEWS)}"))
    status = _status(asked.status)
    fronts = (storefront,) if storefront else tuple(s.id for s in desk.house.storefronts())

    def keep(ticket: Ticket) -> bool:
        return (
            ticket.storefront in fronts
            and (status is None or ticket.status is status)
            and (asked.assignee is None or ticket.assignee == asked.assignee)
            and (asked.customer is None or asked.customer.casefold() == keys.contact(ticket.customer).casefold())
            and (asked.view in ("all", "spam") or _in_view(ticket, asked.view, mine))
        )

    if asked.q:
        return _looked_up(desk, asked.q.strip(), fronts, keep, cursor=cursor, limit=limit)
    listing = _listing(desk, asked, status, fronts, mine)
    if listing:
        return lists.page(desk.table, listing, cursor=cursor, limit=limit, keep=keep)
    since = min((s.created_at for s in desk.house.storefronts() if s.created_at), default=desk.clock()).date()
    return lists.by_day(desk.table, fronts, since, cursor=cursor, limit=limit, keep=keep)


def unfinished(desk: Desk, storefront: str) -> Iterator[Ticket]:
    """Yield every ticket of a storefront that is neither solved nor at its end, however many there are."""
    unfinished = (c for c in Category if c not in FINISHED)
    for listing in (lists.queue(desk.table, (storefront,), category) for category in unfinished):
        found = Page((), None)
        while True:
            found = lists.page(desk.table, listing, cursor=found.next_cursor, limit=_MANY, keep=lambda _: True)
            yield from found.tickets
            if found.next_cursor is None:
                break


def _listing(
    desk: Desk, asked: Asked, status: Status | None, fronts: tuple[str, ...], mine: str | None
) -> Listing | None:
    """Return the narrowest index for a question; None when only the days themselves will do."""
    if asked.customer:
        return Listing("by_customer", tuple(keys.of_customer(f, asked.customer) for f in fronts), newest_first=True)
    match asked.view:
        case "mine":
            return Listing("by_assignee", (keys.of_assignee(mine or ""),))
        case "unassigned":
            return lists.unassigned(desk.table, fronts)
        case "waiting":
            return lists.queue(desk.table, fronts, Category.OPEN)
        case "at_risk":
            return Listing("by_risk", tuple(keys.risk(f) for f in fronts))
        case "pending":
            return lists.queue(desk.table, fronts, Category.WAITING_FOR_THE_CUSTOMER)
        case "bad_ratings":
            return Listing("by_view", tuple(keys.bad_rating(f) for f in fronts), newest_first=True)
        case "spam":
            return Listing("by_view", tuple(keys.spam(f) for f in fronts), newest_first=True)
    if status and CATEGORIES[status] not in FINISHED:
        return lists.queue(desk.table, fronts, CATEGORIES[status])
    if asked.assignee and (status is None or CATEGORIES[status] not in FINISHED):
        return Listing("by_assignee", (keys.of_assignee(asked.assignee),))
    return None


def _in_view(ticket: Ticket, view: str, mine: str | None) -> bool:
    match view:
        case "mine":
            return ticket.assignee == mine
        case "unassigned":
            return ticket.assignee is None and ticket.category is Category.OPEN
        case "waiting":
            return ticket.category is Category.OPEN
        case "pending":
            return ticket.status is Status.PENDING
        case _:
            return True


def _looked_up(
    desk: Desk, q: str, fronts: tuple[str, ...], keep: Callable[[Ticket], bool], *, cursor: str | None, limit: int
) -> Page:
    """Find a number or an address; words come later."""
    if "@" in q:
        partitions = tuple(keys.of_customer(front, q) for front in fronts)
        listing = Listing("by_customer", partitions, newest_first=True)
        return lists.page(desk.table, listing, cursor=cursor, limit=limit, keep=keep)
    try:
        found = desk.table.tickets([parse(q)])
    except NotFound:
        found = []
    return Page(tuple(ticket for ticket in found if keep(ticket)), None)


def _status(text: str | None) -> Status | None:
    if text is None:
        return None
    try:
        return Status(text)
    except ValueError:
        raise Invalid(Fault("/status", f"must be one of: {', '.join(Status)}")) from None
