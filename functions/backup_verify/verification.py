"""One object is read to its end, judged against the source and the nights before, kept if good, told and entered.

The verdict on a generation is given once. It is written down before anything follows from it: whoever goes on after a
crash finds it, although another night has been entered or the configuration changed meanwhile.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from shared.backup import catalogue, restored
from shared.backup.catalogue import Entry
from shared.backup.dump import read_dump
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.backup.nightly import Night, Standing, look
from shared.backup.source import Counted
from shared.backup.trend import Expectation, trend_faults
from shared.config.backups import Backups
from shared.errors import InvalidRecord, NotFound, Unavailable
from shared.events.object_written import ObjectWritten
from shared.runtime.backup_ledger import compared, entry_key, verdict_key
from shared.runtime.backup_news import tell
from shared.runtime.checksum import Checksum
from shared.runtime.cloud import Cloud
from shared.runtime.logs import log

READ_TIME_MAX: Final = timedelta(seconds=600)  # after which Pub/Sub gives a push up, whatever the function does
_READ_TIME_NEAR: Final = READ_TIME_MAX / 2
_COUNT_AGE_MAX: Final = timedelta(hours=1)  # beyond it, only what never loses rows is compared with the count
_FAULTS_TOLD: Final = 2


def take(cloud: Cloud, backups: Backups, written: ObjectWritten) -> str:
    """Reads the object unless it was read; entered last, so that a crash before it only keeps and tells twice.

    Raises Unavailable while the operation that writes it runs.
    """
    name = ExportName.parse(written.key)
    if written.bucket != backups.bucket or name is None or (name.instance, name.database) not in backups.databases:
        return f"not_ours: {written.key} is no export of a configured database."
    key = entry_key(name, written.generation)
    if cloud.ledger.existing([key]):
        return f"duplicate: {written.key} was read already."
    uri, counts = f"gs://{backups.bucket}/{name.key}", f"gs://{backups.bucket}/{name.counts}"
    night = look(cloud.databases.operations(name.instance), uri, counts, written.at, backups.patience)
    if night.standing in (Standing.RUNNING, Standing.LATE):
        raise Unavailable(f"the operation that writes {written.key} has not ended")
    try:
        entry = _judged(cloud, backups, name, written, night)
        if entry.good and backups.locked_bucket:
            entry = keep(cloud, backups.locked_bucket, entry)
    except NotFound:
        # Whatever took its place has a message of its own, and a night without an export is missed by the check.
        return f"gone: generation {written.generation} of {written.key} is not there any more."
    _tell_verdict(cloud, entry)
    cloud.ledger.append(key, catalogue.encode(entry))
    return f"{'verified' if entry.good else 'broken'}: {written.key}"


def _judged(cloud: Cloud, backups: Backups, name: ExportName, written: ObjectWritten, night: Night) -> Entry:
    """The first verdict on this generation, whoever gives it. Raises NotFound when there is nothing to read."""
    key = verdict_key(name, written.generation)
    earlier = cloud.ledger.read(key)
    if earlier is not None:
        return catalogue.decode(earlier)
    began = cloud.clock.now()
    entry = _read(cloud, backups, name, written, night)
    _tell_time(cloud, entry, cloud.clock.now() - began)
    if cloud.ledger.append(key, catalogue.encode(entry)):
        return entry
    return catalogue.decode(cloud.ledger.read(key) or b"")


def keep(cloud: Cloud, bucket: str, entry: Entry) -> Entry:
    """Copied to where nobody can delete it; a copy of other bytes than those that were read proves nothing.

    Raises NotFound when the generation that was read is gone.
    """
    key = entry.name.key
    if cloud.objects.copy(entry.bucket, key, bucket, key, entry.generation) == entry.crc32c:
        return entry
    fault = Fault(kind=FaultKind.COPY_DIFFERS, text=f"the copy in {bucket} is not what was read")
    return replace(entry, report=replace(entry.report, faults=(*entry.report.faults, fault)))


def _read(cloud: Cloud, backups: Backups, name: ExportName, written: ObjectWritten, night: Night) -> Entry:
    asked_at = night.written.asked_at if night.written else None
    source = _counted(cloud, backups, name, night)
    checksum = Checksum()
    pieces = cloud.objects.pieces(written.bucket, written.key, written.generation, written.size)
    report = read_dump(checksum.of(pieces))
    before = [row for row in compared(cloud, name.instance, name.database) if row.name.mark < name.mark]
    faults = [
        *report.faults,
        *trend_faults(report, catalogue.baseline(before), _expected(backups, name, source, asked_at)),
    ]
    if checksum.crc32c != written.crc32c:
        text = f"what was read has the checksum {checksum.crc32c}; Cloud Storage says {written.crc32c}"
        faults.insert(0, Fault(kind=FaultKind.READ_DIFFERS, text=text))
    if night.written is None:
        text = "no operation of Cloud SQL that ended well wrote it"
        faults.insert(0, Fault(kind=FaultKind.NOT_EXPORTED, text=text))
    return Entry(
        name=name,
        bucket=written.bucket,
        generation=written.generation,
        crc32c=written.crc32c,
        verified_at=cloud.clock.now(),
        report=replace(report, faults=tuple(faults)),
        asked_at=asked_at,
        source=source,
    )


def _counted(cloud: Cloud, backups: Backups, name: ExportName, night: Night) -> Counted | None:
    """What the source had before; None when the count failed, for an export without one is worth keeping too."""
    if night.counted is None:
        return None
    try:
        found = restored.read(cloud.objects.read(backups.bucket, name.counts))
    except (NotFound, InvalidRecord) as error:
        log("export.uncounted", "WARNING", instance=name.instance, database=name.database, reason=str(error))
        return None
    return Counted(at=night.counted.asked_at, rows=found.rows, newest=found.newest)


def _expected(backups: Backups, name: ExportName, source: Counted | None, asked_at: datetime | None) -> Expectation:
    known = backups.database(name.instance, name.database)
    return Expectation(
        append_only=known.append_only,
        volatile=known.volatile,
        retired=known.retired,
        extensions=known.extensions,
        rows_min=source.rows if source else {},
        counted_long_ago=bool(source and asked_at and asked_at - source.at > _COUNT_AGE_MAX),
    )


def _tell_time(cloud: Cloud, entry: Entry, taken: timedelta) -> None:
    """What each reading took is logged, and told when it nears what Pub/Sub grants."""
    name, size, seconds = entry.name, entry.report.compressed_size, taken.total_seconds()
    rows = sum(entry.report.rows.values())
    log("export.read", instance=name.instance, database=name.database, bytes=size, rows=rows, seconds=seconds)
    if taken > _READ_TIME_NEAR:
        text = (
            f"Reading {name.key} ({size} bytes) took {seconds:.0f} s; from {READ_TIME_MAX.total_seconds():.0f} s on "
            f"no export of {name.database} on {name.instance} can be verified."
        )
        tell(cloud, _about(entry), "export.slow", text, **_details(name))


def _tell_verdict(cloud: Cloud, entry: Entry) -> None:
    name, report = entry.name, entry.report
    if entry.good:
        rows = sum(report.rows.values())
        text = f"The export {name.key} is whole: {rows:,} rows in {len(report.rows)} tables."
    else:
        text = f"The export {name.key} must not be relied on: {_in_short(report.faults)}."
    tell(cloud, _about(entry), "export.verified" if entry.good else "export.broken", text, **_details(name))


def _about(entry: Entry) -> str:
    """One key per generation."""
    return f"{entry.name.instance}/{entry.name.database}/{entry.name.mark}-{entry.generation}"


def _details(name: ExportName) -> dict[str, str]:
    return {"instance": name.instance, "database": name.database, "object": name.key}


def _in_short(faults: tuple[Fault, ...]) -> str:
    """The outermost first, for the others may follow from it; the catalogue has them all."""
    told = "; ".join(fault.text for fault in faults[:_FAULTS_TOLD])
    more = len(faults) - _FAULTS_TOLD
    return f"{told}; and {more} more" if more > 0 else told
