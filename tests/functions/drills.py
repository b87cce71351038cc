"""A drill in memory: the export it restores, and what Cloud SQL answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.restore_drill.handler import handle
from shared.backup import catalogue
from shared.backup.dump import read_dump
from shared.backup.names import ExportName
from shared.backup.operations import OperationKind
from shared.events.message import Message
from tests.backup.dumps import GOOD, zipped
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c
from tests.functions.conftest import BACKUPS

NIGHT = datetime(2026, 11, 22, tzinfo=UTC)
BEGAN = NIGHT + timedelta(hours=3)
DRILL = "drill-chat-20261122030000"
REQUEST = Message(id="r", topic="drill-requests", published_at=BEGAN, data=b"{}")
TICK = Message(id="t", topic="drill-ticks", published_at=BEGAN, data=b"{}")
NAME = ExportName(instance="chat", database="app", night=NIGHT)
STEM = "drills/chat/20261122T030000Z"


def cloud_with_an_export() -> FakeCloud:
    """A night with a verified export, kept and entered."""
    clock, content = FakeClock(BEGAN), zipped(GOOD)
    backups = replace(BACKUPS, known={})
    made = FakeCloud(
        environment=replace(environment(), backups=backups), clock=clock, databases=FakeDatabases(clock=clock)
    )
    enter(made, content)
    return made


def enter(cloud: FakeCloud, content: bytes) -> None:
    entry = catalogue.Entry(
        name=NAME,
        bucket="landing",
        generation=7,
        crc32c=crc32c(content),
        verified_at=NIGHT + timedelta(hours=2),
        report=read_dump([content]),
    )
    cloud.objects.contents["locked", NAME.key, 1] = content
    cloud.ledger.objects["catalogue/chat/app/20261122T000000Z-1-7.json"] = catalogue.encode(entry)


def end_all(
    cloud: FakeCloud, *, counts: str = "", tables: str = "0", problems: dict[OperationKind, str] | None = None
) -> None:
    """Every operation ends, and the queries among them write what they found."""
    for name, row in list(cloud.databases.rows.items()):
        if row.done:
            continue
        cloud.databases.end(name, (problems or {}).get(row.kind, ""))
        if row.kind is OperationKind.EXPORT:
            bucket, key = row.uri.removeprefix("gs://").split("/", 1)
            answer = tables if key.endswith("check_empty.csv") else counts or good_counts()
            cloud.objects.contents[bucket, key, 1] = answer.encode()


def good_counts() -> str:
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([zipped(GOOD)]).rows.items())


def run(cloud: FakeCloud, ticks: int = 12, **ending: object) -> list[str]:
    outcomes = [handle(REQUEST, cloud)]
    for _ in range(ticks):
        end_all(cloud, **ending)  # type: ignore[arg-type]
        cloud.clock.time += timedelta(minutes=5)
        outcomes.append(handle(TICK, cloud))
    return outcomes


def gone_after(cloud: FakeCloud, lists: int) -> None:
    """Somebody deletes the throw-away instances after they were listed so many times."""
    instances, left = cloud.databases.instances, [lists]

    def listed() -> frozenset[str]:
        seen, left[0] = instances(), left[0] - 1
        if left[0] == 0:
            cloud.databases.names = {"chat"}
        return seen

    cloud.databases.instances = listed  # type: ignore[method-assign]
