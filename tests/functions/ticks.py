"""A night of ticks in memory."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from functions.sql_backup.handler import handle
from shared.backup.names import ExportName
from shared.config.backups import Backups
from shared.events.message import Message
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
APP = "exports/chat/app/20261123T000000Z.sql.gz"
AGAIN = "exports/chat/app/20261123T000000Z-2.sql.gz"
LOGS = "exports/chat/logs/20261123T000000Z.sql.gz"
APP_COUNTS, LOGS_COUNTS = "counts/chat/app/20261123T000000Z.csv", "counts/chat/logs/20261123T000000Z.csv"
NAME = ExportName(instance="chat", database="app", night=NIGHT)


def tick(minutes: int = 120, **attributes: str) -> Message:
    at = NIGHT + timedelta(minutes=minutes)
    return Message(id=str(minutes), topic="backup-requests", published_at=at, attributes={"job": "x", **attributes})


def counted(key: str = APP_COUNTS, bucket: str = "landing") -> Message:
    body = {"bucket": bucket, "name": key, "generation": "7", "size": "9", "crc32c": "AAAAAA=="}
    at = NIGHT + timedelta(minutes=125)
    data, attributes = json.dumps(body).encode(), {"eventType": "OBJECT_FINALIZE", "objectId": key}
    return Message(id="o", topic="backup-objects", published_at=at, data=data, attributes=attributes)


def cloud_at_night() -> FakeCloud:
    clock = FakeClock(NIGHT + timedelta(hours=2))
    backups = Backups(bucket="landing", instances={"chat": ("app",)})
    return FakeCloud(
        environment=replace(environment(), backups=backups), clock=clock, databases=FakeDatabases(clock=clock)
    )


def configure(cloud: FakeCloud, instances: dict[str, tuple[str, ...]]) -> None:
    cloud.environment = replace(cloud.environment, backups=Backups(bucket="landing", instances=instances))
    cloud.databases.names = set(instances)


def uris(cloud: FakeCloud) -> list[str]:
    return [row.uri.removeprefix("gs://landing/") for row in cloud.databases.rows.values()]


def end_all(cloud: FakeCloud, problem: str = "") -> None:
    for name, row in list(cloud.databases.rows.items()):
        if not row.done:
            cloud.databases.end(name, problem)


def count(cloud: FakeCloud) -> None:
    """The source is counted, and what follows is up to the next message."""
    handle(tick(), cloud)
    end_all(cloud)
