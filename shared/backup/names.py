"""What an export and a throw-away instance are called: from facts alone, so that a repeated message finds its own."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final, Self

from shared.values import value

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z")
_KEY: Final = re.compile(
    r"(?:exports|counts)/(?P<instance>[a-z][a-z0-9-]{0,96})/(?P<database>[A-Za-z0-9_-]{1,63})/"
    r"(?P<night>[0-9]{8}T[0-9]{6}Z)(?:-(?P<attempt>[2-9]))?\.(?:sql\.gz|csv)"
)
_DRILL: Final = re.compile(r"drill-(?P<label>[a-z][a-z0-9-]*)-(?P<stamp>\d{14})")
INSTANCE_LENGTH_MAX: Final = 98  # with the project; https://cloud.google.com/sql/docs/postgres/instance-settings
_DRILL_INSTANCE_LENGTH_MAX: Final = 50


def night_of(published_at: datetime, period: timedelta) -> datetime:
    """The start of the period a tick belongs to, in UTC: every redelivery of one tick names the same night.

    published_at carries a zone; period is above zero and counted from 1970-01-01T00:00Z.
    """
    if period <= timedelta():
        raise ValueError("the period must be above zero")
    return published_at.astimezone(UTC) - (published_at - _EPOCH) % period


def stamp(at: datetime) -> str:
    """A moment to the second as it stands in names, which sort by it: 20260302T010000Z. at: carries a zone."""
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def moment(stamp: str) -> datetime:
    """What `stamp` wrote, in UTC. Raises ValueError for anything else."""
    if not _STAMP.fullmatch(stamp):
        raise ValueError(f"{stamp!r} is no moment like 20260302T010000Z")
    return datetime.fromisoformat(stamp)


@value
class ExportName:
    """One database's export of one night. night: in UTC, on a whole second.

    An export that a person asks for has the second of the asking for its night. attempt: 2 is made by itself when the
    first was read and is broken.
    """

    instance: str
    database: str
    night: datetime
    attempt: int = 1

    @property
    def key(self) -> str:
        """The object's name; `.gz` makes Cloud SQL compress."""
        return f"exports/{self._stem}.sql.gz"

    @property
    def counts(self) -> str:
        """The object with the source's rows, counted before the export begins."""
        return f"counts/{self._stem}.csv"

    @property
    def mark(self) -> str:
        """Tells the exports of one database apart, and sorts as they were made."""
        return f"{stamp(self.night)}-{self.attempt}"

    @property
    def _stem(self) -> str:
        again = "" if self.attempt == 1 else f"-{self.attempt}"
        return f"{self.instance}/{self.database}/{stamp(self.night)}{again}"

    @classmethod
    def parse(cls, key: str) -> Self | None:
        """None when the object is no export of ours."""
        found = cls._named(key)
        return found if found is not None and found.key == key else None

    @classmethod
    def of_counts(cls, key: str) -> Self | None:
        """The export that the counts in this object come before, or None."""
        found = cls._named(key)
        return found if found is not None and found.counts == key else None

    @classmethod
    def _named(cls, key: str) -> Self | None:
        found = _KEY.fullmatch(key)
        if found is None:
            return None
        try:
            night = moment(found["night"])
        except ValueError:
            return None
        return cls(
            instance=found["instance"],
            database=found["database"],
            night=night,
            attempt=int(found["attempt"] or 1),
        )


def drill_instance(instance: str, started_at: datetime) -> str:
    """The throw-away instance of the drill that began then; the same drill always names the same one."""
    return f"drill-{_shortened(instance)}-{started_at.astimezone(UTC):%Y%m%d%H%M%S}"


def is_drill_of(name: str, label: str) -> bool:
    """Whether this throw-away instance was made for a drill of that label."""
    found = _DRILL.fullmatch(name)
    return found is not None and found["label"] == _shortened(label)


def drill_started_at(name: str) -> datetime | None:
    """When the drill that this instance belongs to began, or None for an instance that is not a drill's."""
    found = _DRILL.fullmatch(name)
    if found is None:
        return None
    try:
        return datetime.strptime(found["stamp"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _shortened(label: str) -> str:
    return label[:_DRILL_INSTANCE_LENGTH_MAX].rstrip("-")
