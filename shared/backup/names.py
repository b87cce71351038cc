"""What an export and a throw-away instance are called: from facts alone, so that a repeated message finds its own."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Self

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_KEY: Final = re.compile(
    r"exports/(?P<instance>[a-z][a-z0-9-]{0,96})/(?P<database>[A-Za-z0-9_-]{1,63})/(?P<night>\d{8}T\d{6}Z)\.sql\.gz"
)
_DRILL: Final = re.compile(r"drill-(?P<instance>[a-z][a-z0-9-]*)-(?P<stamp>\d{14})")
INSTANCE_LENGTH_MAX: Final = 98  # with the project; https://cloud.google.com/sql/docs/postgres/instance-settings
_DRILL_INSTANCE_LENGTH_MAX: Final = 50


def night_of(published_at: datetime, period: timedelta) -> datetime:
    """The start of the period a tick belongs to, in UTC: every redelivery of one tick names the same night.

    published_at carries a zone; period is above zero and counted from 1970-01-01T00:00Z.
    """
    if period <= timedelta():
        raise ValueError("the period must be above zero")
    return published_at.astimezone(UTC) - (published_at - _EPOCH) % period


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportName:
    """One database's export of one night. night: in UTC, on a whole second."""

    instance: str
    database: str
    night: datetime

    @property
    def key(self) -> str:
        """The object's name; `.gz` makes Cloud SQL compress, and names sort as the nights do."""
        return f"{export_prefix(self.instance, self.database)}{self.night.astimezone(UTC):{_STAMP}}.sql.gz"

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """None when the object is no export of ours."""
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        try:
            night = datetime.strptime(found["night"], _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(instance=found["instance"], database=found["database"], night=night)


def export_prefix(instance: str, database: str) -> str:
    """Where the exports of one database lie."""
    return f"exports/{instance}/{database}/"


def drill_instance(instance: str, started_at: datetime) -> str:
    """The throw-away instance of the drill that began then; the same drill always names the same one."""
    return f"drill-{instance[:_DRILL_INSTANCE_LENGTH_MAX].rstrip('-')}-{started_at.astimezone(UTC):%Y%m%d%H%M%S}"


def drill_started_at(name: str) -> datetime | None:
    """When the drill that this instance belongs to began, or None for an instance that is not a drill's."""
    found = _DRILL.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found["stamp"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
