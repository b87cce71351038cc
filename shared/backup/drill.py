"""A drill, one step per message: what is next follows from what is there, so that a crash costs a repeat at most."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.backup.names import drill_started_at


class Step(StrEnum):
    """In order. An operation of Cloud SQL stands behind each but the last two."""

    CREATE = "create"
    CHECK_EMPTY = "check_empty"
    IMPORT = "import"
    COUNT = "count"
    DELETE = "delete"
    REPORT = "report"


@dataclass(frozen=True, slots=True, kw_only=True)
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


def next_step(drill: Drill, now: datetime) -> Step | None:
    """What to do now; None to wait for the operation that runs.

    A failure or the deadline leads straight to the deletion, and a report is written only when the instance is gone.
    """
    if Step.REPORT in drill.done:
        return None
    over = bool(drill.failure) or now - drill.started_at > drill.deadline
    if drill.running is not None and not (over and drill.running not in (Step.CREATE, Step.DELETE)):
        return None  # a deletion during a creation is refused by Cloud SQL, and one deletion is enough
    wanted = Step.REPORT if over else next(step for step in Step if step not in drill.done)
    return Step.DELETE if wanted is Step.REPORT and drill.instance_exists else wanted


def row_differences(in_file: Mapping[str, int], restored: Mapping[str, int]) -> tuple[str, ...]:
    """Every table whose rows in the file are not its rows in the database, one sentence each; equal is silence."""
    found = []
    for table in sorted(in_file.keys() | restored.keys()):
        wanted, there = in_file.get(table), restored.get(table)
        if wanted is None:
            found.append(f"{table} was restored and is not in the file.")
        elif there is None:
            found.append(f"{table} was not restored; the file has {wanted} rows of it.")
        elif wanted != there:
            found.append(f"{table} has {there} rows; the file has {wanted}.")
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
