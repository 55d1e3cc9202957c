"""
Why a conditional write was refused. Nothing was written then.

    Conflict
    ├── Repeated      the receipt is there: this input was taken before
    ├── Outrun        somebody else was quicker, or a number is taken: read and decide again
    └── Asked         this customer was surveyed meanwhile: decide again, knowing it
"""

from chalicelib.domain.change import Receipt


class Conflict(Exception):
    pass


class Repeated(Conflict):
    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.scope)
        self.receipt = receipt


class Outrun(Conflict):
    pass


class Asked(Conflict):
    pass
