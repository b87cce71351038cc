"""The watchdog: what is missing, late, failed or unread, found by looking and not by being told."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from shared.backup import catalogue
from shared.backup.drill_record import DrillName, started_at
from shared.backup.names import ExportName, night_of
from shared.backup.nightly import ATTEMPTS_MAX, Night, Standing, look
from shared.backup.operations import Operation, OperationKind
from shared.backup.spans import in_words
from shared.config.backups import Backups
from shared.events.object_written import ObjectWritten
from shared.runtime.backup_ledger import entries_of, newest_good, oldest_good
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud
from shared.runtime.one_by_one import one_by_one

from .verification import READ_TIME_MAX, take

_NIGHTS_LOOKED_AT: Final = 2
_UNREAD_MAX: Final = 2 * READ_TIME_MAX  # an export that is not in the catalogue so long after its end is not being read


def check_export(cloud: Cloud, backups: Backups, instance: str, database: str) -> str:
    """The dead man's switch: silence of everything before it pages too."""
    age_max, now = backups.database(instance, database).age_max, cloud.clock.now()
    newest = newest_good(cloud, instance, database)
    if catalogue.fresh(newest, now, age_max):
        return f"fresh: {instance}/{database}"
    last = f"the last is of {newest.name.night:%Y-%m-%d %H:%M} UTC" if newest else "there never was one"
    text = f"{database} on {instance} has no verified export younger than {in_words(age_max)}; {last}."
    about = f"{instance}/{database}/{_night(backups, now)}"
    tell(cloud, about, "export.missing", text, instance=instance, database=database)
    return f"missing: {instance}/{database}"


def check_exporting(cloud: Cloud, backups: Backups, instance: str, database: str) -> str:
    """Exports of tonight and of last night, whoever asked for them; "" when they are all as they should be."""
    now = cloud.clock.now()
    operations = cloud.databases.operations(instance)
    since = night_of(now, backups.period) - (_NIGHTS_LOOKED_AT - 1) * backups.period
    names = _names(operations, backups, since)
    ours = [name for name in names if (name.instance, name.database) == (instance, database)]
    return "; ".join(one_by_one(_Looked(cloud, backups, name, operations, now).tell for name in ours))


def check_backup(cloud: Cloud, backups: Backups, instance: str) -> str:
    """Cloud SQL's own backups, which a restore to a point in time starts from."""
    known = [backups.database(instance, name) for name in backups.instances[instance]]
    age_max, log_days = min(row.age_max for row in known), max(row.log_days for row in known)
    now = cloud.clock.now()
    about, outcome = f"{instance}/{_night(backups, now)}", f"backed_up: {instance}"
    for shortcoming in cloud.databases.backup_settings(instance).shortcomings(log_days):
        text = f"{instance} cannot be restored to a point in time: {shortcoming}."
        tell(cloud, about, "backup.disabled", text, instance=instance)
        outcome = f"backup_disabled: {instance}"
    ended_at = cloud.databases.newest_backup(instance)
    if ended_at is not None and now - ended_at <= age_max:
        return outcome
    last = f"the last ended {ended_at:%Y-%m-%d %H:%M} UTC" if ended_at else "there is none"
    text = f"{instance} has no automated Cloud SQL backup younger than {in_words(age_max)}; {last}."
    tell(cloud, about, "backup.missing", text, instance=instance)
    return f"backup_missing: {instance}"


def check_drill(cloud: Cloud, backups: Backups, instance: str, database: str) -> str:
    """A backup that nobody restored is a hope. Counted from the first good export where no drill has passed yet."""
    position, now = backups.instances[instance].index(database), cloud.clock.now()
    any_drill = DrillName(instance=instance, database=database, position=position, started_at=now)
    passed = [started_at(key) for key in cloud.ledger.keys(any_drill.folder) if key.endswith("-passed.json")]
    first = None if passed else oldest_good(cloud, instance, database)
    since = max(passed) if passed else first.name.night if first else now
    if now - since <= backups.drill_age_max:
        return f"drilled: {instance}/{database}"
    last = f"the last began {max(passed):%Y-%m-%d %H:%M} UTC" if passed else "there never was one"
    text = f"No restore of {database} on {instance} has passed for {in_words(backups.drill_age_max)}; {last}."
    about = f"{instance}/{database}/{_night(backups, now)}"
    tell(cloud, about, "drill.missing", text, instance=instance, database=database)
    return f"drill_missing: {instance}/{database}"


class _Looked:
    """One export as its operations tell it."""

    def __init__(
        self, cloud: Cloud, backups: Backups, name: ExportName, operations: tuple[Operation, ...], now: datetime
    ) -> None:
        self._cloud, self._backups, self._name, self._now = cloud, backups, name, now
        uri, counts = f"gs://{backups.bucket}/{name.key}", f"gs://{backups.bucket}/{name.counts}"
        self._night = look(operations, uri, counts, now, backups.patience)

    def tell(self) -> str:
        """What is wrong with it is told once, and what was written and never read is read now."""
        night, name = self._night, self._name
        where = f"The export of {name.database} on {name.instance}"
        for operation in night.failed:
            self._say("export.failed", operation.name, f"{where} failed: {operation.problem}")
        if night.written is not None:
            return self._read(night.written.ended_at or night.written.asked_at)
        if night.standing is Standing.LATE:
            self._say("export.late", "late", f"{where} still runs after {in_words(self._backups.patience)}.")
            return f"late: {name.key}"
        if night.failed and self._given_up(night):
            times, last = len(night.failed), night.failed[-1]
            self._say(
                "export.given_up", "given_up", f"{where} failed {times} times, and nothing followed: {last.problem}"
            )
            return f"given_up: {name.key}"
        return f"{night.standing}: {name.key}" if night.failed else ""

    def _given_up(self, night: Night) -> bool:
        """Nothing comes after the last tick of a night: a failure that nobody repeated is its end."""
        last = night.failed[-1]
        alone = (
            self._now - (last.ended_at or last.asked_at) > self._backups.patience
            and night.standing is not Standing.RUNNING
        )
        return alone or len(night.failed) >= ATTEMPTS_MAX

    def _read(self, ended_at: datetime) -> str:
        """A lost notification leaves a good file unread."""
        name, now = self._name, self._now
        if now - ended_at <= _UNREAD_MAX or entries_of(self._cloud, name):
            return ""
        stored = self._cloud.objects.find(self._backups.bucket, name.key)
        if stored is None:
            self._say(
                "export.lost", "lost", f"{name.key} was written by an operation that ended well, and is not there."
            )
            return f"lost: {name.key}"
        written = ObjectWritten(
            bucket=self._backups.bucket,
            key=name.key,
            generation=stored.generation,
            size=stored.size,
            crc32c=stored.crc32c,
            at=now,
        )
        return f"unread: {take(self._cloud, self._backups, written)}"

    def _say(self, kind: str, about: str, text: str) -> None:
        """By the same keys as sql_backup, so that people hear it once."""
        name = self._name
        key = f"{name.instance}/{name.database}/{name.mark}-{about}"
        tell(self._cloud, key, kind, text, instance=name.instance, database=name.database, object=name.key)


def _names(operations: Iterable[Operation], backups: Backups, since: datetime) -> list[ExportName]:
    """The exports that these operations write, of the nights from `since` on."""
    prefix = f"gs://{backups.bucket}/"
    keys = {
        row.uri.removeprefix(prefix)
        for row in operations
        if row.kind is OperationKind.EXPORT and row.uri.startswith(prefix)
    }
    names = [name for key in sorted(keys) if (name := ExportName.parse(key)) is not None]
    return [name for name in names if name.night >= since]


def _night(backups: Backups, now: datetime) -> str:
    """What is told of a whole night is told once in it."""
    return f"{night_of(now, backups.period):%Y%m%dT%H%M%SZ}"
