"""One drill, one step: what to do next follows from the operations of its instance, and doing it twice is harmless."""

from shared.backup import drill_page, drill_record, drill_report, restored
from shared.backup.catalogue import Entry
from shared.backup.drill import Drill, Step, durations, next_step, observe
from shared.backup.drill_record import DrillName
from shared.backup.operations import Operation
from shared.backup.spans import in_words
from shared.config.backups import Backups
from shared.errors import Conflict, InvalidRecord, NotFound
from shared.runtime.backup_news import tell
from shared.runtime.cloud import Cloud


def news_key(name: DrillName) -> str:
    """What announcements of this drill are called by."""
    return f"drills/{name.throw_away}"


def advance(cloud: Cloud, backups: Backups, name: DrillName) -> str:
    """What was done, "step: instance".

    Looks in the order in which things come to be, and whether it was reported last: what another delivery does
    meanwhile never looks like an instance that is gone too early.
    """
    try:
        export = drill_record.decode_export(cloud.ledger.read(name.started) or b"")
    except InvalidRecord as error:
        return _give_up(cloud, name, error)
    operations = _operations(cloud, name)
    exists = name.throw_away in cloud.databases.instances()
    drill = observe(
        operations,
        started_at=name.started_at,
        deadline=backups.drill_deadline,
        exports={_uri(backups, name, step): step for step in (Step.CHECK_EMPTY, Step.COUNT)},
        reported=bool(cloud.ledger.existing([name.passed, name.failed])),
        instance_exists=exists,
    )
    step = next_step(drill, cloud.clock.now())
    if step is None:
        return f"waiting: {name.throw_away}" if exists or drill.running else f"over: {name.throw_away}"
    try:
        failure = _take(cloud, backups, name, export, step)
    except Conflict as error:
        return f"refused: {step} of {name.throw_away}: {error}"
    except NotFound:
        if step is Step.CREATE or name.throw_away in cloud.databases.instances():
            raise  # the source, a bucket or an answer is not there
        return f"gone: {name.throw_away} before {step}"
    if step is Step.REPORT or failure:
        return _report(cloud, backups, name, export, operations, failure or _why(drill, cloud))
    return f"{step}: {name.throw_away}"


def _take(cloud: Cloud, backups: Backups, name: DrillName, export: Entry, step: Step) -> str:
    """Why the drill has failed, or "" after an operation was started."""
    sql, instance, database = cloud.databases, name.throw_away, name.database
    match step:
        case Step.CREATE:
            sql.create(instance, name.instance)
        case Step.CREATE_DATABASE:
            sql.create_database(instance, database)
        case Step.CHECK_EMPTY:
            sql.admit(instance, backups.drill_bucket)
            sql.export_query(instance, database, restored.OBJECTS_QUERY, _uri(backups, name, step))
        case Step.IMPORT:
            return _import(cloud, backups, name, export)
        case Step.COUNT:
            known = backups.database(name.instance, database)
            asked = restored.query(export.report.rows, known.newest_row, known.checks)
            sql.export_query(instance, database, asked, _uri(backups, name, step))
        case Step.DELETE:
            sql.delete(instance)
        case Step.REPORT:
            pass
    return ""


def _import(cloud: Cloud, backups: Backups, name: DrillName, export: Entry) -> str:
    """From a copy of the kept file, whose bytes must be those that were verified."""
    there = cloud.objects.read(backups.drill_bucket, _key(name, Step.CHECK_EMPTY)).decode().strip()
    if there != "0":
        return f"the new instance was not empty, it had {there} tables, views and sequences"
    kept, copy = backups.locked_bucket or export.bucket, _key(name, Step.IMPORT)
    try:
        crc32c = cloud.objects.copy(kept, export.name.key, backups.drill_bucket, copy)
    except NotFound:
        return f"the verified export {export.name.key} is not in {kept}"
    if crc32c != export.crc32c:
        return f"the export {export.name.key} in {kept} is not the file that was verified"
    cloud.databases.load(name.throw_away, name.database, _uri(backups, name, Step.IMPORT))
    return ""


def _report(
    cloud: Cloud, backups: Backups, name: DrillName, export: Entry, operations: tuple[Operation, ...], failure: str
) -> str:
    """Told first and then entered, so that a crash in between tells twice; the last entry ends the drill."""
    found = None
    if not failure:
        found = restored.read(cloud.objects.read(backups.drill_bucket, _key(name, Step.COUNT)))
    known = backups.database(name.instance, name.database)
    steps = durations(operations)
    report = drill_report.assess(name, export, known.objectives, found, steps, failure, known.append_only)
    where = f"{name.database} on {name.instance}"
    if report.passed:
        kind = "drill.passed"
        rows = sum(report.restored.rows.values()) if report.restored else 0
        taken = in_words(report.measured.recovery)
        text = f"The export {export.name.key} of {where} was restored: {rows:,} rows, all there, in {taken}."
    else:
        kind = "drill.failed"
        text = f"The restore drill of {where} failed: {' '.join(report.problems)}"
    page = f"gs://{cloud.environment.ledger_bucket}/{name.page}"
    tell(cloud, news_key(name), kind, text, instance=name.instance, database=name.database, page=page)
    cloud.ledger.append(name.page, drill_page.page(report).encode())
    cloud.ledger.append(name.passed if report.passed else name.failed, drill_report.encode(report))
    return f"{'passed' if report.passed else 'failed'}: {name.throw_away}"


def _give_up(cloud: Cloud, name: DrillName, error: InvalidRecord) -> str:
    """A drill nobody knows the beginning of ends here, or no other of its database could ever begin."""
    if not cloud.ledger.existing([name.passed, name.failed]):
        text = f"The restore drill of {name.database} on {name.instance} cannot go on: {error}"
        tell(cloud, news_key(name), "drill.failed", text, instance=name.instance, database=name.database)
        cloud.ledger.append(name.failed, drill_report.encode_lost(name, str(error)))
    if name.throw_away not in cloud.databases.instances():
        return f"failed: {name.throw_away}"
    try:
        cloud.databases.delete(name.throw_away)
    except Conflict as conflict:
        return f"refused: {Step.DELETE} of {name.throw_away}: {conflict}"
    except NotFound:
        return f"gone: {name.throw_away} before {Step.DELETE}"
    return f"{Step.DELETE}: {name.throw_away}"


def _why(drill: Drill, cloud: Cloud) -> str:
    """Why there is a report and nothing to count, or "" when every step before it was taken."""
    if drill.failure or not drill.over(cloud.clock.now()):
        return drill.failure
    return f"it was not over after {in_words(drill.deadline)}"


def _operations(cloud: Cloud, name: DrillName) -> tuple[Operation, ...]:
    """None before the instance is asked for, and perhaps none after it is gone."""
    try:
        return cloud.databases.operations(name.throw_away)
    except NotFound:
        return ()


def _key(name: DrillName, step: Step) -> str:
    return f"{name.stem}-{step}.{'sql.gz' if step is Step.IMPORT else 'csv'}"


def _uri(backups: Backups, name: DrillName, step: Step) -> str:
    return f"gs://{backups.drill_bucket}/{_key(name, step)}"
