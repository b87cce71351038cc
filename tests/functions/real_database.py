"""Everything but the messages over the wire: a real database, real dumps, stored objects, the functions' handlers."""

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from functions.backup_verify.handler import handle as backup_verify
from functions.restore_drill.handler import handle as restore_drill
from functions.sql_backup.handler import handle as sql_backup
from scripts.local_cloud.sql.admin import SqlAdmin
from scripts.local_cloud.storage import FakeGcs
from shared.adapters.cloud_sql import CloudSql
from shared.adapters.objects import StorageObjects
from shared.adapters.storage import StorageLedger
from shared.backup.names import ExportName
from shared.events.message import Message
from tests.local_cloud.waiting import wait_until

DAY = timedelta(days=1)


class RealDatabase:
    """cloud: a `FakeCloud` whose databases, ledger and objects are real; each night is a day after the last."""

    def __init__(self, cloud: Any, admin: SqlAdmin, client: Client) -> None:
        self.cloud, self.admin, self.client = cloud, admin, client
        self._nights = itertools.count()

    def night(self) -> str:
        """One tick, the count and the export it leads to, and the notification of the object that is written."""
        self.cloud.clock.time = datetime.now(UTC).replace(microsecond=0)
        at = self.cloud.clock.time + next(self._nights) * DAY
        name = ExportName(instance="chat", database="app", night=at.replace(hour=0, minute=0, second=0))
        tick = Message(id="t", topic="backup-requests", published_at=at, data=b"{}")
        assert sql_backup(tick, self.cloud).startswith("counting")
        wait_until(self._settled, seconds=30)
        assert sql_backup(self._written(name.counts, at), self.cloud).startswith("started")
        wait_until(self._settled, seconds=30)
        return backup_verify(self._written(name.key, at), self.cloud)

    def drill(self, began: datetime, after: Callable[[str], None] = lambda _: None) -> list[str]:
        """The request and then ticks, each after what the last one started has ended, until nothing is left to do.

        after: what else happens once the step with this outcome has ended.
        """
        self.cloud.clock.time = began
        outcomes = [restore_drill(Message(id="r", topic="drill-requests", published_at=began, data=b"{}"), self.cloud)]
        while outcomes[-1] != "idle: no drill runs." and len(outcomes) < 20:
            wait_until(self._settled, seconds=60)
            after(outcomes[-1])
            tick = Message(id="k", topic="drill-ticks", published_at=began, data=b"{}")
            outcomes.append(restore_drill(tick, self.cloud))
        return outcomes

    def _written(self, key: str, at: datetime) -> Message:
        """What Cloud Storage tells of an object."""
        blob = self.client.bucket("landing").get_blob(key)
        assert blob is not None, f"{key}: {self.cloud.databases.operations('chat')}"
        body = {"bucket": "landing", "name": key, "size": str(blob.size), "crc32c": blob.crc32c}
        data = json.dumps({**body, "generation": str(blob.generation)}).encode()
        attributes = {"eventType": "OBJECT_FINALIZE", "objectId": key}
        return Message(id="m", topic="backup-objects", published_at=at, data=data, attributes=attributes)

    def _settled(self) -> bool:
        sql = self.cloud.databases
        return all(row.done for name in sql.instances() for row in sql.operations(name))


class Servers:
    """Storage with its buckets, and Cloud SQL beside it."""

    def __init__(self, directory: Path) -> None:
        self.storage = FakeGcs("landing", "locked", "drills", "ledger")
        self._directory = directory

    def start(self) -> None:
        self.storage.start()
        self.admin = SqlAdmin(self._directory, self.storage.url)
        self.admin.start()

    def connect(self, cloud: Any) -> None:
        """After STORAGE_EMULATOR_HOST names the storage."""
        self.client = Client(project="local", credentials=AnonymousCredentials())
        cloud.databases, cloud.ledger = CloudSql("demo", f"127.0.0.1:{self.admin.port}"), StorageLedger("ledger")
        cloud.objects = StorageObjects()
        self._parts = (cloud.databases, cloud.ledger, cloud.objects, self.client)

    def stop(self) -> None:
        for part in self._parts:
            part.close()
        self.admin.stop()
        self.storage.stop()
