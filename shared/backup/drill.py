"""A drill, one step per message: what is next follows from what is there, so that a crash costs a repeat at most."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from shared.backup.names import drill_started_at
from shared.backup.operations import Operation, OperationKind
from shared.values import value


class Step(StrEnum):
    """In order. An operation of Cloud SQL on the throw-away instance stands behind each but the report."""

    CREATE = "create"
    CREATE_DATABASE = "create_database"
    CHECK_EMPTY = "check_empty"
    IMPORT = "import"
    COUNT = "count"
    REPORT = "report"
    DELETE = "delete"


@value
class Drill:
    """What is known of a drill between two messages.

    done: steps that ended well; running: the step whose operation has not ended; failure: the first thing that went
    wrong, in words; instance_exists: as Cloud SQL lists it now.
    """

    started_at: datetime
    deadline: timedelta
    done: frozenset[Step] = frozenset()
    running: Step | None = None
    failure: str = ""
    instance_exists: bool = False

    def over(self, now: datetime) -> bool:
        """Whether nothing more is tried: it has failed, or its time is up."""
        return bool(self.failure) or now - self.started_at > self.deadline


def next_step(drill: Drill, now: datetime) -> Step | None:
    """What to do now; None to wait for the operation that runs, or when all is done.

    A failure or the deadline leads straight to the report. The instance goes after it and in every outcome: what the
    report is made of can be read only while the instance is there.
    """
    if Step.REPORT in drill.done:
        waits = drill.running in (Step.CREATE, Step.DELETE)  # Cloud SQL deletes nothing that is being made
        return Step.DELETE if drill.instance_exists and not waits else None
    if drill.over(now):
        return Step.REPORT
    if drill.running is not None:
        return None
    return next(step for step in Step if step not in drill.done)


def observe(
    operations: Sequence[Operation],
    *,
    started_at: datetime,
    deadline: timedelta,
    exports: Mapping[str, Step],
    reported: bool,
    instance_exists: bool,
) -> Drill:
    """The drill as its instance's operations tell it.

    exports: which step writes which object ("gs://…"). A step is done when one of its operations ended well, and has
    failed when one ended badly and none well: a repeat after a crash may fail on what the first one made.
    """
    by_step: dict[Step, list[Operation]] = {}
    for row in sorted(operations, key=lambda row: row.asked_at):
        step = exports.get(row.uri) if row.kind is OperationKind.EXPORT else _STEPS.get(row.kind)
        if step is not None:
            by_step.setdefault(step, []).append(row)
    done = {step for step, rows in by_step.items() if any(row.succeeded for row in rows)}
    running = [step for step, rows in by_step.items() if step not in done and not all(row.done for row in rows)]
    failed = [
        f"{step} failed: {rows[-1].problem}"
        for step, rows in by_step.items()
        if step not in done and step not in running and step is not Step.DELETE
    ]
    if not failed and Step.CREATE in done and not instance_exists:
        failed = ["the instance is gone before it was asked to go"]
    return Drill(
        started_at=started_at,
        deadline=deadline,
        done=frozenset(done | {Step.REPORT}) if reported else frozenset(done),
        running=running[0] if running else None,
        failure=failed[0] if failed else "",
        instance_exists=instance_exists,
    )


_STEPS = {
    OperationKind.CREATE: Step.CREATE,
    OperationKind.CREATE_DATABASE: Step.CREATE_DATABASE,
    OperationKind.IMPORT: Step.IMPORT,
    OperationKind.DELETE: Step.DELETE,
}


def durations(operations: Iterable[Operation]) -> dict[str, timedelta]:
    """How long each step of a recovery took: making the instance and the database, and the import."""
    taken: dict[str, timedelta] = {}
    for row in operations:
        step = _STEPS.get(row.kind)
        if step in (Step.CREATE, Step.CREATE_DATABASE, Step.IMPORT) and row.succeeded and row.ended_at is not None:
            taken[step.value] = row.ended_at - row.asked_at
    return {step.value: taken[step.value] for step in Step if step.value in taken}


def row_differences(
    in_file: Mapping[str, int], restored: Mapping[str, int], members: frozenset[str] = frozenset()
) -> tuple[str, ...]:
    """Every table whose rows in the file are not its rows in the database, one sentence each; equal is silence.

    members: tables of extensions, which are filled by their extension and hence not compared.
    """
    found = []
    for table in sorted((in_file.keys() | restored.keys()) - members):
        wanted, there = in_file.get(table), restored.get(table)
        if wanted is None:
            found.append(f"{table} was restored and is not in the file.")
        elif there is None:
            found.append(f"{table} was not restored; the file has {wanted} rows of it.")
        elif wanted != there:
            found.append(f"{table} has {there} rows; the file has {wanted}.")
    return tuple(found)


def behind_source(
    append_only: frozenset[str], counted: Mapping[str, int], restored: Mapping[str, int]
) -> tuple[str, ...]:
    """Every table that only grows and was restored with fewer rows than the source had before the export began."""
    found = []
    for table in sorted(append_only & counted.keys()):
        there, before = restored.get(table, 0), counted[table]
        if there < before:
            found.append(f"{table} was restored with {there} rows; the source had {before} before the export began.")
    return tuple(found)


def leftovers(instances: Iterable[str], now: datetime, lifetime: timedelta) -> tuple[str, ...]:
    """The throw-away instances that no drill can still be using; any other instance is never named.

    lifetime: longer than a drill's deadline, so that a running drill is left alone.
    """
    found = []
    for name in sorted(instances):
        started_at = drill_started_at(name)
        if started_at is not None and now - started_at > lifetime:
            found.append(name)
    return tuple(found)
