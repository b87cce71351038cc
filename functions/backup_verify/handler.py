"""An export is good only when it has been read; what pages is that no fresh good one exists."""

from dataclasses import replace
from typing import Final

from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.drill_record import DrillName, started_at
from shared.backup.dump import read_dump
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName, night_of
from shared.backup.nightly import Standing, look
from shared.backup.trend import Expectation, trend_faults
from shared.config.backups import Backups
from shared.errors import InvalidEvent, NotFound, Unavailable
from shared.events import object_written
from shared.events.ignored import Ignored
from shared.events.message import Message
from shared.events.object_written import ObjectWritten
from shared.rollout.announcement import Severity
from shared.runtime.backup_ledger import catalogue_folder, entries, newest_good, tell
from shared.runtime.cloud import Cloud
from shared.runtime.logs import log

_FAULTS_TOLD: Final = 2


def handle(message: Message, cloud: Cloud) -> str:
    """By topic: a new object is read, a check looks for what is missing."""
    backups = cloud.environment.backups
    if backups is None:
        return f"not_configured: {cloud.environment.name} has no databases to export."
    match message.topic:
        case "backup-objects":
            written = object_written.parse(message)
            return f"{written.rule}: {written.text}" if isinstance(written, Ignored) else _take(cloud, backups, written)
        case "backup-checks":
            found = [_check_export(cloud, backups, instance, database) for instance, database in backups.databases]
            found += [_check_backup(cloud, backups, instance) for instance in backups.instances]
            if backups.drill_bucket:
                found += [
                    _check_drill(cloud, backups, instance, position)
                    for instance, databases in backups.instances.items()
                    for position in range(len(databases))
                ]
            return "; ".join(found)
        case topic:
            raise InvalidEvent("topic", f'must be backup-objects or backup-checks, not "{topic}"')


def _take(cloud: Cloud, backups: Backups, written: ObjectWritten) -> str:
    """Reads the object unless it was read; entered last, so that a crash before it only keeps and tells twice."""
    name = ExportName.parse(written.key)
    if (
        written.bucket != backups.bucket
        or name is None
        or name.database not in backups.instances.get(name.instance, ())
    ):
        return f"not_ours: {written.key} is no export of a configured database."
    key = f"{catalogue_folder(name.instance, name.database)}{name.night:%Y%m%dT%H%M%SZ}-{written.generation}.json"
    if cloud.ledger.existing([key]):
        return f"duplicate: {written.key} was read already."
    standing = look(
        cloud.databases.operations(name.instance), f"gs://{written.bucket}/{written.key}", written.at, backups.patience
    ).standing
    if standing in (Standing.RUNNING, Standing.LATE):
        raise Unavailable(f"the operation that writes {written.key} has not ended")
    try:
        entry = _read(cloud, backups, name, written, exported=standing is Standing.WRITTEN)
    except NotFound:
        # Whatever took its place has a message of its own, and a night without an export is missed by the check.
        return f"gone: generation {written.generation} of {written.key} is not there any more."
    if entry.good and backups.locked_bucket:
        entry = _keep(cloud, backups.locked_bucket, entry)
    _tell_verdict(cloud, entry)
    cloud.ledger.append(key, catalogue.encode(entry))
    return f"{'verified' if entry.good else 'broken'}: {written.key}"


def _read(cloud: Cloud, backups: Backups, name: ExportName, written: ObjectWritten, *, exported: bool) -> Entry:
    earlier = [entry for entry in catalogue.good_entries(entries(cloud, name.instance, name.database))
               if entry.name.night < name.night]  # fmt: skip
    expected = Expectation(append_only=backups.append_only, retired=backups.retired, extensions=backups.extensions)
    report = read_dump(cloud.objects.pieces(written.bucket, written.key, written.generation, written.size))
    faults = [*report.faults, *trend_faults(report, [entry.report for entry in earlier], expected)]
    if not exported:
        text = "no operation of Cloud SQL that ended well wrote it"
        faults.insert(0, Fault(kind=FaultKind.NOT_EXPORTED, text=text))
    return Entry(
        name=name,
        bucket=written.bucket,
        generation=written.generation,
        crc32c=written.crc32c,
        verified_at=cloud.clock.now(),
        report=replace(report, faults=tuple(faults)),
    )


def _keep(cloud: Cloud, bucket: str, entry: Entry) -> Entry:
    """Copied to where nobody can delete it; a copy of other bytes than those that were read proves nothing."""
    if cloud.objects.copy(entry.bucket, entry.name.key, bucket, entry.name.key) == entry.crc32c:
        return entry
    fault = Fault(kind=FaultKind.COPY_DIFFERS, text=f"the copy in {bucket} is not what was read")
    return replace(entry, report=replace(entry.report, faults=(*entry.report.faults, fault)))


def _tell_verdict(cloud: Cloud, entry: Entry) -> None:
    name, report = entry.name, entry.report
    rows = sum(report.rows.values())
    if entry.good:
        text = f"The export {name.key} is whole: {rows} rows in {len(report.rows)} tables."
    else:
        text = f"The export {name.key} must not be relied on: {_in_short(report.faults)}."
    kind, severity = ("export.verified", Severity.INFO) if entry.good else ("export.broken", Severity.PAGE)
    log(kind, instance=name.instance, database=name.database, bytes=report.compressed_size, rows=rows)
    about = f"{name.instance}/{name.database}/{name.night:%Y%m%dT%H%M%SZ}-{entry.generation}"
    tell(cloud, about, kind, text, severity, instance=name.instance, database=name.database, object=name.key)


def _in_short(faults: tuple[Fault, ...]) -> str:
    """The outermost first, for the others may follow from it; the catalogue has them all."""
    told = "; ".join(fault.text for fault in faults[:_FAULTS_TOLD])
    more = len(faults) - _FAULTS_TOLD
    return f"{told}; and {more} more" if more > 0 else told


def _check_export(cloud: Cloud, backups: Backups, instance: str, database: str) -> str:
    """The dead man's switch: silence of everything before it pages too."""
    newest = newest_good(cloud, instance, database)
    now = cloud.clock.now()
    if catalogue.fresh(newest, now, backups.age_max):
        return f"fresh: {instance}/{database}"
    last = f"the last is of {newest.name.night:%Y-%m-%d %H:%M} UTC" if newest else "there never was one"
    text = f"{database} on {instance} has no verified export younger than {backups.age_max}; {last}."
    night = night_of(now, backups.period)
    tell(cloud, f"{instance}/{database}/{night:%Y%m%dT%H%M%SZ}", "export.missing", text, Severity.PAGE,
          instance=instance, database=database)  # fmt: skip
    return f"missing: {instance}/{database}"


def _check_backup(cloud: Cloud, backups: Backups, instance: str) -> str:
    """Cloud SQL's own backups, which a restore to a point in time starts from."""
    ended_at, now = cloud.databases.newest_backup(instance), cloud.clock.now()
    if ended_at is not None and now - ended_at <= backups.age_max:
        return f"backed_up: {instance}"
    last = f"the last ended {ended_at:%Y-%m-%d %H:%M} UTC" if ended_at else "there is none"
    text = f"{instance} has no Cloud SQL backup younger than {backups.age_max}; {last}."
    night = night_of(now, backups.period)
    tell(cloud, f"{instance}/{night:%Y%m%dT%H%M%SZ}", "backup.missing", text, Severity.PAGE, instance=instance)
    return f"backup_missing: {instance}"


def _check_drill(cloud: Cloud, backups: Backups, instance: str, position: int) -> str:
    """A backup that nobody restored is a hope. Counted from the first good export where no drill has passed yet."""
    database, now = backups.instances[instance][position], cloud.clock.now()
    any_drill = DrillName(instance=instance, database=database, position=position, started_at=now)
    passed = [started_at(key) for key in cloud.ledger.keys(any_drill.folder) if key.endswith("-passed.json")]
    good = catalogue.good_entries(entries(cloud, instance, database))
    since = max(passed) if passed else good[0].name.night if good else now
    if now - since <= backups.drill_age_max:
        return f"drilled: {instance}/{database}"
    last = f"the last began {max(passed):%Y-%m-%d %H:%M} UTC" if passed else "there never was one"
    text = f"No restore of {database} on {instance} has passed for {backups.drill_age_max}; {last}."
    night = night_of(now, backups.period)
    about = f"{instance}/{database}/{night:%Y%m%dT%H%M%SZ}"
    tell(cloud, about, "drill.missing", text, Severity.PAGE, instance=instance, database=database)
    return f"drill_missing: {instance}/{database}"
