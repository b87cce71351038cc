"""What a drill proved, for machines and for people."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from shared.backup.catalogue import Entry
from shared.backup.drill import row_differences
from shared.backup.drill_record import DrillName
from shared.backup.objectives import Measured, Objectives, shortfalls
from shared.backup.restored import Restored

VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
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


def assess(
    name: DrillName,
    export: Entry,
    objectives: Objectives,
    restored: Restored | None,
    steps: Mapping[str, timedelta],
    failure: str,
) -> DrillReport:
    """failure: why the drill ended early, or "". Without a newest row, the data is of the night of the export."""
    newest = restored.newest if restored else None
    measured = Measured(data_of=newest or export.name.night, drilled_at=name.started_at, steps=steps)
    problems = [f"{failure[:1].upper()}{failure[1:]}."] if failure else []
    if restored is not None:
        problems += row_differences(export.report.rows, restored.rows)
        problems += [f"The check {check} is not true." for check, kept in sorted(restored.checks.items()) if not kept]
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


def encode(report: DrillReport) -> bytes:
    """JSON."""
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
        "rows_restored": dict(report.restored.rows) if report.restored else {},
        "checks": dict(report.checks),
        "data_of": report.measured.data_of.isoformat(),
        "loss_seconds": report.measured.loss.total_seconds(),
        "recovery_seconds": report.measured.recovery.total_seconds(),
        "steps_seconds": {step: taken.total_seconds() for step, taken in report.measured.steps.items()},
    }
    return json.dumps(body, indent=1).encode()


def page(report: DrillReport) -> str:
    """The same in Markdown."""
    name, measured, objectives = report.name, report.measured, report.objectives
    lines = [
        f"# Restore drill of {name.database} on {name.instance}, {name.started_at:%Y-%m-%d %H:%M} UTC",
        "",
        "It passed." if report.passed else "It failed:",
        "",
        *(f"- {problem}" for problem in report.problems),
        *([""] if report.problems else []),
        f"It is about the export {report.export.name.key} and the throw-away instance {name.throw_away}.",
        "",
        "| what | measured | promised |",
        "|---|---|---|",
        f"| would have been lost (RPO) | {in_words(measured.loss)} | {in_words(objectives.recovery_point)} |",
        f"| took to restore (RTO) | {in_words(measured.recovery)} | {in_words(objectives.recovery_time)} |",
        *(f"| of it: {step} | {in_words(taken)} | |" for step, taken in measured.steps.items()),
    ]
    if report.restored is not None:
        in_file, rows = report.export.report.rows, report.restored.rows
        lines += ["", "| table | rows in the file | rows restored |", "|---|---|---|"]
        for table in sorted(in_file.keys() | rows.keys()):
            lines.append(f"| {table} | {in_file.get(table, 'none')} | {rows.get(table, 'none')} |")
    if report.checks:
        lines += ["", "| check | |", "|---|---|"]
        lines += [f"| {check} | {'true' if kept else 'NOT TRUE'} |" for check, kept in sorted(report.checks.items())]
    return "\n".join(lines) + "\n"


def in_words(span: timedelta) -> str:
    """Without fractions where it is long: "0.8 s", "0:23:10"."""
    if abs(span) < timedelta(minutes=1):
        return f"{span.total_seconds():.1f} s"
    return str(timedelta(seconds=round(span.total_seconds())))
