"""What each function finds when its message comes: a state in which it does all it can do, put back before every start.

The subscriptions are deleted once a scene is set, so that nothing but the function under the clock takes a message.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Protocol

from google.api_core.exceptions import NotFound
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from benchmarks.messages import OnTrial, Sent, mattering
from benchmarks.reaction import Reactions
from benchmarks.verdicts_told import ToldVerdicts, whole
from scripts.local_cloud.backups import DATABASE, DRILLS, INSTANCE, LANDING, LOCKED, LocalBackups
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import LEDGER_BUCKET, SERVICE, sample
from scripts.local_cloud.topology import ROUTES, Topology, subscription_path
from shared.adapters.cloud_run import CloudRun
from shared.adapters.probes import HttpProber
from shared.rollout import codec
from shared.rollout.names import Phase
from shared.rollout.service import Service, TrafficTarget
from shared.rollout.traffic import CANARY_TAG
from shared.runtime.backup_ledger import catalogue_folder

NEW_DIGEST = "sha256:" + "d" * 64  # an image nobody pushed: its revision is made, and no container starts
PATIENCE_SECONDS = 60.0
MANY_PER_SECOND = 150.0  # until a canary is proved good
SEED = """
CREATE TABLE messages(id bigserial PRIMARY KEY, body text NOT NULL);
INSERT INTO messages(body) SELECT md5(n::text) FROM generate_series(1, 2000) n;
"""


class Scene(Protocol):
    """functions: those it can set the scene for."""

    @property
    def functions(self) -> tuple[str, ...]: ...
    def environment(self) -> dict[str, str]: ...
    def set(self, function: str) -> Sent:
        """Puts the state back and says what to send."""

    def check(self, function: str) -> None:
        """After its answer: raises ValueError when it did less than it is timed for and the answer does not say so."""


class Deliveries:
    """A service with a promoted release, and the same service with a canary that users have met."""

    functions = (
        "image_pushed",
        "build_finished",
        "canary_deploy",
        "health_verify",
        "traffic_shift",
        "auto_rollback",
        "rollout_command",
        "notify",
    )

    def __init__(self, cloud: LocalCloud) -> None:
        self._cloud = cloud
        self._run = CloudRun(PROJECT, REGION, cloud.run_endpoint)
        self._pubsub = Topology(cloud.endpoints()["pubsub"])
        reactions = Reactions(cloud)
        try:
            reactions.first_deployment()
            self._stable = self._kept()
            self._told = ToldVerdicts(self._pubsub)
            users = cloud.drive_traffic(requests_per_second=MANY_PER_SECOND, web_sockets=0)
            cloud.push("v1", sample("--version", "v1"))
            _until(lambda: self._phase() is Phase.PROGRESSING, "a canary has users")
            _mute(self._pubsub, but="health-verify")
            _until(lambda: whole(self._told.newest()), "the canary is found healthy")
            _mute(self._pubsub)
            users.stop()
            self._canary = self._kept()
        finally:
            reactions.close()
        record = codec.decode(self._canary[0])
        assert record.rollout is not None
        # As if no canary had been: the ledger must know nothing newer, or the record would be restored first.
        self._stable = _numbered(self._stable[0], record.sequence), self._stable[1]
        self._trial = OnTrial(
            canary=record.rollout.canary,
            target=record.target,
            rollout_id=record.rollout.id,
            sequence=record.sequence,
            step=record.rollout.step,
        )

    def environment(self) -> dict[str, str]:
        return self._cloud.function_environment()

    def set(self, function: str) -> Sent:
        record, traffic = self._stable if function == "canary_deploy" else self._canary
        service = self._read()
        if (service.record, service.traffic) != (record, traffic):
            self._run.move(service, record=record, traffic=traffic)
            _until(lambda: self._read().serving == _percents(traffic), "the scene is set")
        if function == "health_verify":
            self._ask_canary()
        return mattering(NEW_DIGEST, self._trial)[function]

    def check(self, function: str) -> None:
        if function == "health_verify" and not whole(judged := self._told.newest()):
            raise ValueError(f"health_verify did less than to probe, to read the metrics and to judge: {judged}")
        if function == "canary_deploy" and (told := self._told_of_service()) != ["rollout.started"]:
            raise ValueError(f"canary_deploy did something else than to start a canary: {', '.join(told)}")

    def close(self) -> None:
        self._run.close()
        self._pubsub.close()

    def _ask_canary(self) -> None:
        """As every tick does in a rollout; of metrics that fell silent nobody judges. Returns when they show it."""
        HttpProber().probe(self._read().tag_uris[CANARY_TAG], self._trial.canary, "/")
        settings = self._cloud.settings
        time.sleep((settings.sample_period + settings.ingest_delay).total_seconds())

    def _read(self) -> Service:
        return self._run.get(SERVICE)

    def _told_of_service(self) -> list[str]:
        return [announcement.kind for announcement in codec.decode(self._read().record).outbox]

    def _phase(self) -> Phase | None:
        rollout = codec.decode(self._read().record).rollout
        return rollout.phase if rollout else None

    def _kept(self) -> tuple[str, tuple[TrafficTarget, ...]]:
        """The record as the next write leaves it, without what was told already, and the split."""
        service = self._read()
        return _numbered(service.record, codec.decode(service.record).sequence + 1), service.traffic


class Backups:
    """A database with one export that was verified: the next night to export, that export to read, a drill to start."""

    functions = ("sql_backup", "backup_verify", "restore_drill")

    def __init__(self, cloud: LocalBackups) -> None:
        self._cloud = cloud
        options = {"api_endpoint": cloud.storage.url}
        self._storage = Client(project=PROJECT, credentials=AnonymousCredentials(), client_options=options)
        cloud.database.query(SEED, DATABASE)
        cloud.publish("backup-requests", b"{}", {})
        _until(lambda: self._names(catalogue_folder(INSTANCE, DATABASE)), "an export is verified")
        pubsub = Topology(cloud.pubsub_endpoint)
        _mute(pubsub)
        pubsub.close()
        [self._entry] = self._names(catalogue_folder(INSTANCE, DATABASE))
        self._verified = self._ledger.blob(self._entry).download_as_bytes()
        [export] = self._storage.list_blobs(LANDING, prefix="exports/")
        _until(self._idle, "no operation runs")
        self._operations = cloud.sql.swap_operations({})
        self._written = {
            "bucket": LANDING,
            "name": export.name,
            "generation": str(export.generation),
            "size": str(export.size),
            "crc32c": export.crc32c,
        }

    def environment(self) -> dict[str, str]:
        return self._cloud.function_environment()

    def set(self, function: str) -> Sent:
        _until(self._idle, "no operation runs")
        self._undo_drills()
        self._cloud.sql.swap_operations({} if function == "sql_backup" else dict(self._operations))
        for bucket in (LEDGER_BUCKET, LOCKED, DRILLS):  # what an earlier start entered, claimed or copied
            for blob in self._storage.list_blobs(bucket):
                blob.delete()
        if function == "backup_verify":
            body, attributes = json.dumps(self._written).encode(), {"eventType": "OBJECT_FINALIZE"}
            return Sent(topic="backup-objects", data=body, attributes=attributes, rules=("verified: ",))
        self._ledger.blob(self._entry).upload_from_string(self._verified)
        if function == "restore_drill":
            return Sent(topic="drill-requests", data=b"{}", rules=("create: ",))
        return Sent(topic="backup-requests", data=b"{}", rules=("counting: ",))

    def check(self, function: str) -> None:
        """Each says in its answer what it did last."""

    def close(self) -> None:
        self._storage.close()

    @property
    def _ledger(self) -> Any:
        return self._storage.bucket(LEDGER_BUCKET)

    def _names(self, prefix: str) -> list[str]:
        return sorted(blob.name for blob in self._storage.list_blobs(LEDGER_BUCKET, prefix=prefix))

    def _idle(self) -> bool:
        return all(row["status"] == "DONE" for row in self._cloud.sql.list_operations({}, None)["items"])

    def _undo_drills(self) -> None:
        for row in self._cloud.sql.list_instances({}, None)["items"]:
            if row["name"] != INSTANCE:
                self._cloud.sql.delete_instance({"instance": row["name"]}, None)
                _until(self._idle, "the throw-away instance is gone")


def _mute(topology: Topology, *, but: str = "") -> None:
    """No message reaches the functions that run all the time, except by the subscription `but`."""
    for route in ROUTES:
        if route.subscription == but:
            continue
        try:
            topology.subscriber.delete_subscription(subscription=subscription_path(route.subscription))
        except NotFound:
            continue  # of the other cloud's


def _numbered(record: str, sequence: int) -> str:
    """The record under another number, without what was told already."""
    return codec.encode(replace(codec.decode(record), outbox=(), sequence=sequence))


def _percents(traffic: tuple[TrafficTarget, ...]) -> Mapping[str, int]:
    return {row.revision: row.percent for row in traffic if row.percent and row.revision}


def _until(true: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {PATIENCE_SECONDS:g} s, at {datetime.now(UTC):%H:%M:%S}")
        time.sleep(0.02)
