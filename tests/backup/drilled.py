"""A drill, the export it restored, and what it found."""

from datetime import UTC, datetime, timedelta

from shared.backup.catalogue import Entry
from shared.backup.drill_record import DrillName
from shared.backup.dump import DumpReport
from shared.backup.names import ExportName
from shared.backup.objectives import Objectives
from shared.backup.restored import Restored
from shared.backup.source import Counted

NIGHT = datetime(2026, 11, 22, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAME = DrillName(instance="chat", database="app", position=0, started_at=NIGHT + 3 * HOUR)
EXPORT = Entry(
    name=ExportName(instance="chat", database="app", night=NIGHT),
    bucket="landing",
    generation=7,
    crc32c="AAAAAA==",
    verified_at=NIGHT + HOUR,
    report=DumpReport(compressed_size=1, raw_size=2, rows={"public.messages": 5, 'public."it\'s"': 1}),
    asked_at=NIGHT + HOUR,
    source=Counted(at=NIGHT + HOUR, rows={"public.messages": 5}, newest=NIGHT - 40 * HOUR),
)
GOOD = Restored(rows=EXPORT.report.rows, newest=NIGHT - 40 * HOUR, checks={"bodies": True})
OBJECTIVES = Objectives(recovery_point=12 * HOUR, recovery_time=HOUR)
KEPT = frozenset({"public.messages"})
STEPS = {"create": 4 * HOUR / 12, "import": HOUR / 12}
