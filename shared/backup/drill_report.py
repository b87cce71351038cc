"""What a drill proved, and as JSON."""

import json
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from typing import Final

from shared.backup.catalogue import Entry
from shared.backup.drill import behind_source, row_differences
from shared.backup.drill_record import DrillName
from shared.backup.objectives import Measured, Objectives, shortfalls
from shared.backup.restored import Restored
from shared.backup.spans import in_words
from shared.values import value

VERSION: Final = 1


@value
class DrillReport:
    """problems: one sentence each, none when it passed; restored: None when it did not come to counting."""

    name: DrillName
    export: Entry
    objectives: Objectives
    measured: Measured
    restored: Restored | None
    problems: tuple[str, ...] = ()
    checks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def newest_age(self) -> timedelta | None:
        """Of the newest row when the export was asked for: how quiet the database was, which is no loss."""
        newest = self.restored.newest if self.restored else None
        return None if newest is None else self.export.data_of - newest


def assess(
    name: DrillName,
    export: Entry,
    objectives: Objectives,
    restored: Restored | None,
    steps: Mapping[str, timedelta],
    failure: str,
    append_only: frozenset[str] = frozenset(),
) -> DrillReport:
    """failure: why the drill ended early, or ""; append_only: tables that never lose a row."""
    data_of = export.data_of.replace(microsecond=0)  # as the drill's own beginning
    measured = Measured(data_of=data_of, drilled_at=name.started_at, steps=steps)
    problems = [f"{failure[:1].upper()}{failure[1:]}."] if failure else []
    if restored is not None:
        problems += row_differences(export.report.rows, restored.rows, restored.members)
        problems += behind_source(append_only, export.source.rows if export.source else {}, restored.rows)
        problems += _newest_problems(restored.newest, export, name.started_at)
        problems += [f'The check "{check}" is not true.' for check, kept in sorted(restored.checks.items()) if not kept]
        problems += shortfalls(measured, objectives)
    return DrillReport(
        name=name,
        export=export,
        objectives=objectives,
        measured=measured,
        restored=restored,
        problems=tuple(problems),
        checks=restored.checks if restored else {},
    )


def _newest_problems(newest: datetime | None, export: Entry, drilled_at: datetime) -> list[str]:
    """The newest row is compared with the source's own, for nobody knows how new one must be."""
    wanted = export.source.newest if export.source else None
    if wanted is not None and (newest is None or newest < wanted):
        there = "no row" if newest is None else f"a newest row of {newest:%Y-%m-%d %H:%M:%S} UTC"
        return [f"It has {there}; the source had one of {wanted:%Y-%m-%d %H:%M:%S} UTC before the export began."]
    if newest is not None and newest.replace(microsecond=0) > drilled_at:
        return [f"The newest row is {in_words(newest - drilled_at)} younger than the drill: a clock is wrong."]
    return []


def encode(report: DrillReport) -> bytes:
    """JSON."""
    restored, source, newest_age = report.restored, report.export.source, report.newest_age
    body = {
        "v": VERSION,
        "passed": report.passed,
        "instance": report.name.instance,
        "database": report.name.database,
        "throw_away": report.name.throw_away,
        "started_at": report.name.started_at.isoformat(),
        "export": report.export.name.key,
        "crc32c": report.export.crc32c,
        "problems": list(report.problems),
        "rows_in_file": dict(report.export.report.rows),
        "rows_restored": dict(restored.rows) if restored else {},
        "rows_at_source_before": dict(source.rows) if source else {},
        "checks": dict(report.checks),
        "data_of": report.measured.data_of.isoformat(),
        "newest_row_age_seconds": None if newest_age is None else newest_age.total_seconds(),
        "loss_seconds": report.measured.loss.total_seconds(),
        "loss_seconds_max": report.objectives.recovery_point.total_seconds(),
        "recovery_seconds_max": report.objectives.recovery_time.total_seconds(),
        "recovery_seconds": report.measured.recovery.total_seconds(),
        "steps_seconds": {step: taken.total_seconds() for step, taken in report.measured.steps.items()},
    }
    return json.dumps(body, indent=1).encode()


def encode_lost(name: DrillName, problem: str) -> bytes:
    """JSON of a drill of which nothing is known but its name."""
    body = {
        "v": VERSION,
        "passed": False,
        "instance": name.instance,
        "database": name.database,
        "throw_away": name.throw_away,
        "started_at": name.started_at.isoformat(),
        "problems": [problem],
    }
    return json.dumps(body, indent=1).encode()
