"""The half of the local cloud that backups need: a real PostgreSQL behind Cloud SQL, buckets, and their functions."""

import json
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.local_cloud.assembly import Assembly, started
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.functions_host import FunctionsHost, environment_of
from scripts.local_cloud.pubsub.server import PubSub
from scripts.local_cloud.scheduler import Job, Scheduler
from scripts.local_cloud.settings import LEDGER_BUCKET, REPOSITORY, SERVICE
from scripts.local_cloud.sql.admin import SqlAdmin
from scripts.local_cloud.storage import FakeGcs, Notification
from scripts.local_cloud.topology import ROUTES, Topology
from scripts.package_functions import package

FUNCTIONS = ("sql_backup", "backup_verify", "restore_drill", "notify")
LANDING, LOCKED, DRILLS = f"{PROJECT}-exports", f"{PROJECT}-exports-locked", f"{PROJECT}-drills"
INSTANCE, DATABASE = "chat", "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupSettings:
    """drill_tick: how often a drill is taken one step on; claim: how long what a dead function claimed is let be."""

    drill_tick: timedelta = timedelta(seconds=1)
    drill_deadline: timedelta = timedelta(minutes=2)
    claim: timedelta = timedelta(seconds=8)
    append_only: tuple[str, ...] = ()
    newest_row: str = ""
    checks: Mapping[str, str] | None = None

    def delivery_environment(self) -> str:
        """The JSON of DELIVERY_ENVIRONMENT."""
        known = {
            "append_only": list(self.append_only),
            "newest_row": self.newest_row,
            "checks": dict(self.checks or {}),
        }
        backups = {
            "bucket": LANDING,
            "locked_bucket": LOCKED,
            "drill_bucket": DRILLS,
            "instances": {INSTANCE: [DATABASE]},
            "databases": {f"{INSTANCE}/{DATABASE}": known},
            "drill_deadline_seconds": self.drill_deadline.total_seconds(),
            "claim_seconds": self.claim.total_seconds(),
        }
        return json.dumps(
            {
                "name": "local",
                "project": PROJECT,
                "region": REGION,
                "ledger_bucket": LEDGER_BUCKET,
                "services": {SERVICE: {"image": REPOSITORY}},
                "backups": backups,
            }
        )


class LocalBackups(Assembly):
    """One instance with one database; exports, checks and drills are asked for on their topics."""

    def __init__(self, directory: Path, settings: BackupSettings) -> None:
        super().__init__(directory)
        self.settings = settings
        self.token_key = secrets.token_hex(32)

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """The message id."""
        return self._pubsub.publish(topic, data, attributes)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: what its parts say of themselves."""
        return {"functions": self.functions.snapshot(), "pubsub": self._pubsub.snapshot()}

    @property
    def pubsub_endpoint(self) -> str:
        return f"127.0.0.1:{self._pubsub.grpc_port}"

    def function_environment(self) -> dict[str, str]:
        """What every function is given at deploy time, its own PUSH_AUDIENCE aside."""
        delivery, storage = self.settings.delivery_environment(), self.storage.url
        environment = environment_of(delivery, pubsub=self.pubsub_endpoint, storage=storage, token_key=self.token_key)
        return environment | {"SQL_ENDPOINT": f"127.0.0.1:{self.sql.port}"}

    def own_environment(self, _function: str) -> Mapping[str, str]:
        """What differs for one function: nothing here."""
        return {}

    def _start(self, parts: ExitStack) -> None:
        self._pubsub = started(parts, PubSub(self.token_key.encode()))
        pubsub = self.pubsub_endpoint
        told = Notification(bucket=LANDING, project=PROJECT, topic="backup-objects", pubsub=pubsub)
        buckets = (LEDGER_BUCKET, LANDING, LOCKED, DRILLS)
        self.storage = started(parts, FakeGcs(*buckets, log=self.directory / "storage.log", notification=told))
        self.sql = started(parts, SqlAdmin(self.directory, self.storage.url))
        self.database = self.sql.add_instance(INSTANCE, databases=(DATABASE,))
        zips = {name: package(name).write(self.directory / "zips") for name in FUNCTIONS}
        host = FunctionsHost(
            zips,
            directory=self.directory / "functions",
            environment=self.function_environment(),
            own_environment=self.own_environment,
        )
        self.functions = started(parts, host)
        self.topology = Topology(pubsub)
        parts.callback(self.topology.close)
        uris = self.functions.uris()
        self.topology.create(uris, routes=[route for route in ROUTES if route.function in uris])
        tick = Job(name="drill-tick", topic="drill-ticks", period=self.settings.drill_tick)
        started(parts, Scheduler(self._pubsub, [tick]))
