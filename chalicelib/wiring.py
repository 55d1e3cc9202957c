"""
The desk: what use cases work with, joined once for each process.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

from chalicelib.adapters import ids, keys, settings
from chalicelib.adapters.files import Files
from chalicelib.adapters.house import House
from chalicelib.adapters.outbox import Outbox
from chalicelib.adapters.table import Table
from chalicelib.config import Config, config
from chalicelib.domain.change import Act
from chalicelib.domain.signing import KeyRing
from chalicelib.domain.ticket import Author
from chalicelib.frozen import frozen


@frozen
class Desk:
    config: Config
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    choose: Callable[[str], str]
    table: Table
    outbox: Outbox
    house: House
    files: Files
    keys: Callable[[], KeyRing]

    def act(self, by: Author, at: datetime | None = None) -> Act:
        """Return an act of *by*, now unless *at* says when."""
        return Act(at or self.clock(), by, self.new_id)


def joined(settings_of: Config, clock: Callable[[], datetime], new_id: Callable[[], str] = ids.new_id) -> Desk:
    return Desk(
        config=settings_of,
        clock=clock,
        new_id=new_id,
        choose=ids.choose,
        table=Table(keys.Shards(settings_of.due_shards, settings_of.list_shards), clock),
        outbox=Outbox(settings_of.due_shards, new_id),
        house=House(),
        files=Files(settings_of.mail_bucket, settings_of.files_bucket),
        keys=cache(lambda: settings.signing_keys(settings_of.settings_table)),
    )


@cache
def desk() -> Desk:
    return joined(config(), lambda: datetime.now(UTC))
