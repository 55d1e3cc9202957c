"""
What can be wrong, as facts.

    DeskError
    ├── Invalid          the request says something it must not (one Fault for each place)
    ├── NotFound         there is no such thing, or not for this caller
    ├── IllegalMove      the life of a ticket does not know this move
    ├── Stale            the caller's If-Match is not the ticket's version any more
    ├── Unseen           the customer wrote something that the caller has not seen
    ├── Reused           an idempotency key was used for another request
    ├── Busy             too many writers at once: try again
    └── Gone             the link or survey is not valid any more
"""

from chalicelib.frozen import frozen


class DeskError(Exception):
    """Anything the desk refuses. Its text is meant for the caller."""


@frozen
class Fault:
    """One thing wrong with a request: where (a JSON pointer, RFC 6901) and why."""

    pointer: str
    detail: str


class Invalid(DeskError):
    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults))
        self.faults = faults


class NotFound(DeskError):
    def __init__(self, what: str) -> None:
        super().__init__(f"There is no such {what}.")


class IllegalMove(DeskError):
    pass


class Stale(DeskError):
    pass


class Unseen(DeskError):
    """The ticket has words of the customer after the message that the caller named."""

    def __init__(self, reference: str, seen: str) -> None:
        super().__init__("The customer wrote again. Read it, and send your reply with the newest seen_message_id.")
        self.reference, self.seen = reference, seen


class Reused(DeskError):
    pass


class Busy(DeskError):
    pass


class Gone(DeskError):
    pass
