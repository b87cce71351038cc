"""Exports in memory, as Cloud SQL leaves them."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups, Database
from shared.events.message import Message
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
KNOWN = Database(append_only=frozenset({"public.messages"}))
BACKUPS = Backups(bucket="landing", instances={"chat": ("app",)}, known={"chat/app": KNOWN})
CHECK = Message(id="c", topic="backup-checks", published_at=NIGHT, data=b"{}")


def key(night: datetime) -> str:
    return f"exports/chat/app/{night:%Y%m%dT%H%M%SZ}.sql.gz"


def finalized(name: str, content: bytes, *, bucket: str = "landing", **changes: Any) -> Message:
    size, checksum = str(len(content)), crc32c(content)
    body = {"bucket": bucket, "name": name, "generation": "7", "size": size, "crc32c": checksum}
    return Message(
        id="m",
        topic="backup-objects",
        published_at=NIGHT + timedelta(hours=3),
        data=json.dumps(body | changes).encode(),
        attributes={"eventType": "OBJECT_FINALIZE"},
    )


def cloud_at_night() -> FakeCloud:
    """An instance with its own backup of tonight, and no export yet."""
    clock = FakeClock(NIGHT + timedelta(hours=3))
    databases = FakeDatabases(clock=clock, backups={"chat": NIGHT + timedelta(hours=1)})
    return FakeCloud(environment=replace(environment(), backups=BACKUPS), clock=clock, databases=databases)


def export(cloud: FakeCloud, content: bytes, night: datetime = NIGHT, *, done: bool = True) -> Message:
    """As Cloud SQL leaves it: an operation, an object and its notification."""
    name = f"export-{night:%d}"
    cloud.databases.rows[name] = Operation(
        name=name,
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=night,
        done=done,
        uri=f"gs://landing/{key(night)}",
    )
    cloud.objects.contents["landing", key(night), 7] = content
    return finalized(key(night), content)


def lock(cloud: FakeCloud) -> None:
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, locked_bucket="locked"))
