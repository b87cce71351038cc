"""What a drill set out to do, and what it showed: both are entered once and never changed."""

import json
from datetime import datetime
from typing import Final, Self

from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.names import drill_instance, moment, stamp
from shared.errors import InvalidRecord
from shared.values import value

VERSION: Final = 1


@value
class DrillName:
    """One drill of one database. position: of the database among its instance's; started_at: on a whole second."""

    instance: str
    database: str
    position: int
    started_at: datetime

    @property
    def label(self) -> str:
        """Tells the databases of an instance apart where their names may not stand."""
        return self.instance if self.position == 0 else f"{self.instance}--{self.position}"

    @property
    def throw_away(self) -> str:
        """The instance that is made for it; the same drill always names the same one."""
        return drill_instance(self.label, self.started_at)

    @property
    def folder(self) -> str:
        """Where the drills of this database stand in the ledger."""
        return f"drills/{self.label}/"

    @property
    def stem(self) -> str:
        """What the names of everything this drill writes begin with, in the ledger and in the drill bucket."""
        return f"{self.folder}{stamp(self.started_at)}"

    @property
    def started(self) -> str:
        return f"{self.stem}-started.json"

    @property
    def passed(self) -> str:
        return f"{self.stem}-passed.json"

    @property
    def failed(self) -> str:
        return f"{self.stem}-failed.json"

    @property
    def page(self) -> str:
        return f"{self.stem}-report.md"

    def at(self, started_at: datetime) -> Self:
        """Another drill of the same database."""
        return type(self)(instance=self.instance, database=self.database, position=self.position, started_at=started_at)


def started_at(key: str) -> datetime:
    """When the drill began that wrote this key. Raises InvalidRecord."""
    try:
        return moment(key.rpartition("/")[2].partition("-")[0])
    except ValueError as error:
        raise InvalidRecord(f"{key} names no drill") from error


def encode_export(entry: Entry) -> bytes:
    """The content of `started`: the one export this drill restores, whatever is verified meanwhile."""
    return json.dumps({"v": VERSION, "export": json.loads(catalogue.encode(entry))}).encode()


def decode_export(data: bytes) -> Entry:
    """Raises InvalidRecord."""
    try:
        export = json.loads(data)["export"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRecord(f"the drill's beginning cannot be read: {type(error).__name__}: {error}") from error
    return catalogue.decode(json.dumps(export).encode())
