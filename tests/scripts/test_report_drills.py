"""Whoever looks at a night's report sees the newest drill of every database, and whether it can be relied on."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.explanation.ledger import Folder
from scripts.report_drills import newest, report
from shared.backup import drill_page, drill_report
from shared.backup.catalogue import Entry
from shared.backup.drill_record import DrillName
from shared.backup.dump import DumpReport
from shared.backup.names import ExportName
from shared.backup.objectives import Objectives
from shared.backup.restored import Restored

SCRIPT = Path(__file__).parents[2] / "scripts" / "report_drills.py"
NIGHT = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHAT = DrillName(instance="chat", database="app", position=0, started_at=NIGHT + 3 * HOUR)


def drilled(ledger: Path, name: DrillName, failure: str = "") -> None:
    """Writes what restore_drill writes."""
    report = DumpReport(compressed_size=1, raw_size=2, rows={"public.messages": 5})
    export = Entry(
        name=ExportName(instance=name.instance, database=name.database, night=name.started_at - 3 * HOUR),
        bucket="landing",
        generation=7,
        crc32c="AAAAAA==",
        verified_at=name.started_at,
        report=report,
    )
    found = None if failure else Restored(rows=report.rows, newest=name.started_at - 2 * HOUR, checks={})
    steps = {"create": timedelta(minutes=9), "import": timedelta(minutes=70)}
    ended = drill_report.assess(
        name, export, Objectives(recovery_point=12 * HOUR, recovery_time=2 * HOUR), found, steps, failure
    )
    path = ledger / (name.passed if ended.passed else name.failed)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drill_report.encode(ended))
    (ledger / name.page).write_text(drill_page.page(ended))


def test_the_newest_drill_of_every_database_is_shown(tmp_path: Path) -> None:
    drilled(tmp_path, CHAT.at(NIGHT - timedelta(days=7)), "the import failed")
    drilled(tmp_path, CHAT)
    drilled(tmp_path, replace(CHAT, database="audit", position=1), "the instance was never made")
    drills = newest(Folder(tmp_path))
    assert list(report(drills, NIGHT, timedelta(days=8)))[2:] == [
        "| chat/app | 2026-11-22 03:00 | 1 h 19 min | 3 h | passed |",
        "| chat/audit | 2026-11-22 03:00 | unknown | unknown | FAILED: The instance was never made. |",
    ]


def test_a_drill_of_which_nothing_is_known_is_told_as_failed(tmp_path: Path) -> None:
    path = tmp_path / CHAT.failed
    path.parent.mkdir(parents=True)
    path.write_bytes(drill_report.encode_lost(CHAT, "Its beginning is damaged."))
    [_, _, row] = report(newest(Folder(tmp_path)), NIGHT, timedelta(days=8))
    assert row.endswith("| unknown | unknown | FAILED: Its beginning is damaged. |")


def test_a_drill_of_long_ago_is_told_as_one(tmp_path: Path) -> None:
    drilled(tmp_path, CHAT)
    [_, _, row] = report(newest(Folder(tmp_path)), NIGHT + timedelta(days=9), timedelta(days=8))
    assert "2026-11-22 03:00, TOO LONG AGO" in row


@pytest.mark.parametrize(
    ("age", "failure", "code"),
    [(timedelta(days=2), "", 0), (timedelta(days=9), "", 1), (timedelta(days=2), "no instance", 1), (None, "", 1)],
)
def test_the_exit_code_says_whether_a_restore_can_be_relied_on(
    tmp_path: Path, age: timedelta | None, failure: str, code: int
) -> None:
    if age is not None:
        drilled(tmp_path, CHAT.at((datetime.now(UTC) - age).replace(microsecond=0)), failure)
    done = subprocess.run([sys.executable, str(SCRIPT), str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert ("chat/app" in done.stdout) is (age is not None)
