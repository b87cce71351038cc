"""Nights and drills on a real PostgreSQL while calls to Cloud SQL and storage fail and functions die in them.

The real client libraries and the packaged functions. Each fault strikes in a call, not by chance; rounds go on until
every fault has struck.
"""

import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from scripts.demonstration.news import News
from scripts.local_cloud.assembly import started
from scripts.local_cloud.backups import DATABASE, INSTANCE, LANDING, LOCKED, BackupSettings, LocalBackups
from scripts.local_cloud.gapic.http_gate import HttpGate
from scripts.local_cloud.gapic.wire import Call
from scripts.local_cloud.leaks import leaks
from scripts.local_cloud.settings import LEDGER_BUCKET
from scripts.local_cloud.topology import KEPT
from shared.backup import catalogue
from shared.rollout.announcement import Announcement
from tests.chaos.spoiling import READS, WRITES, Fault, Spoiler

SEED = 4
ROUNDS_MAX = 6
PATIENCE_SECONDS = 60.0
CHAT = "siri ya moyo 7f3a"  # what somebody wrote, and nobody may read in a log
SPOILED = {
    "sql read": READS,
    "sql write": WRITES,
    # A piece of a file is waited for longer than a test lasts, so nothing of storage comes late here.
    "storage read": (Fault.REFUSED, Fault.THROTTLED),
    "storage write": (Fault.REFUSED, Fault.THROTTLED, Fault.LOST),
}
KILLS = (
    ("sql_backup", "sql write"),
    ("backup_verify", "storage write"),
    ("backup_verify", "storage read"),
    ("restore_drill", "sql write"),
)
SEEDING = f"""
CREATE TABLE messages(id bigserial PRIMARY KEY, body text NOT NULL, sent_at timestamptz NOT NULL DEFAULT now());
INSERT INTO messages(body) SELECT '{CHAT} ' || n FROM generate_series(1, 500) n;
"""


class SpoiledBackups(LocalBackups):
    """Each function reaches Cloud SQL and storage through gates of its own; nobody else is spoiled."""

    def __init__(self, directory: Path) -> None:
        settings = BackupSettings(append_only=("public.messages",), newest_row="SELECT max(sent_at) FROM messages")
        super().__init__(directory, settings)
        self.spoiler = Spoiler(SEED, KILLS, self._kill, SPOILED)
        self._gates: dict[str, dict[str, str]] = {}
        self._held = ExitStack()
        self._revivals: list[threading.Thread] = []

    def own_environment(self, function: str) -> dict[str, str]:
        if function == "notify":
            return {}
        if function not in self._gates:
            storage = started(self._held, HttpGate(self.storage.url, self._through(function, "storage")))
            sql = started(self._held, HttpGate(f"http://127.0.0.1:{self.sql.port}", self._through(function, "sql")))
            endpoint = sql.url.removeprefix("http://")
            self._gates[function] = {"STORAGE_EMULATOR_HOST": storage.url, "SQL_ENDPOINT": endpoint}
        return self._gates[function]

    def __exit__(self, *error: object) -> None:
        self.settle()
        super().__exit__(*error)  # type: ignore[arg-type]
        self._held.close()

    def settle(self) -> None:
        """Every killed function has a new process."""
        while self._revivals:
            self._revivals.pop().join()

    def _through(self, function: str, server: str) -> Callable[[Call, Callable[[], Any]], Any]:
        def intercept(call: Call, answer: Callable[[], Any]) -> Any:
            what = f"{server} {'read' if call.method in ('get', 'head') else 'write'}"
            return self.spoiler.spoil(function, dataclasses.replace(call, method=what), answer)

        return intercept

    def _kill(self, function: str) -> None:
        self.functions.kill(function)

        def revive() -> None:
            self.functions.revive(function)
            self.spoiler.revived(function)

        revival = threading.Thread(target=revive)
        self._revivals.append(revival)
        revival.start()


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[SpoiledBackups]:
    with SpoiledBackups(tmp_path / "cloud") as running:
        yield running


class Witness:
    """A context manager: hears every announcement, and reads the buckets over a line that nothing breaks."""

    def __init__(self, cloud: SpoiledBackups) -> None:
        self._cloud = cloud
        options = {"api_endpoint": cloud.storage.url}
        self.storage = Client(project="local", credentials=AnonymousCredentials(), client_options=options)
        self.news = News(cloud.topology, lambda _: None)

    def __enter__(self) -> Self:
        self.news.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.news.stop()
        self.storage.close()

    def ask(self, topic: str, attributes: dict[str, str], *kinds: str) -> Announcement:
        """What is told of what was asked for; asked twice, for Pub/Sub may deliver a message twice."""
        heard = self.news.heard
        for _ in range(2):
            self._cloud.publish(topic, b"{}", attributes)
        return self.news.wait_for(kinds, within=PATIENCE_SECONDS, after=heard)

    def names(self, bucket: str, prefix: str) -> list[str]:
        return [blob.name for blob in self.storage.list_blobs(bucket, prefix=prefix)]

    def until(self, true: Callable[[], bool], what: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not true():
            assert time.monotonic() < deadline, f"not after {PATIENCE_SECONDS:.0f} s: {what()}"
            time.sleep(0.1)

    def instances(self) -> set[str]:
        return {row["name"] for row in self._cloud.sql.list_instances({}, None)["items"]}

    def owed(self) -> dict[str, int]:
        """Messages that no function has taken yet, by subscription."""
        rows = self._cloud.snapshot()["pubsub"]["subscriptions"]
        backlogs = {row["name"].rpartition("/")[2]: int(row["backlog"]) for row in rows}
        return {
            name: left
            for name, left in backlogs.items()
            if left and not name.startswith(("demonstration-", "restore-drill-ticks"))
        }


@pytest.mark.timeout(400)
def test_exports_and_drills_end_as_they_should_whatever_becomes_of_calls_and_whoever_dies_in_one(
    cloud: SpoiledBackups,
) -> None:
    cloud.database.query(SEEDING, DATABASE)
    spoiler, drills = cloud.spoiler, 0
    with Witness(cloud) as witness:
        spoiler.begin()
        night = witness.ask("backup-requests", {"job": "export"}, "export.verified", "export.broken")
        assert night.kind == "export.verified", night.text
        while spoiler.left and drills < ROUNDS_MAX:
            asked = witness.ask("backup-requests", {"again": INSTANCE}, "export.verified", "export.broken")
            assert asked.kind == "export.verified", asked.text
            drill = witness.ask("drill-requests", {"instance": INSTANCE}, "drill.passed", "drill.failed")
            assert drill.kind == "drill.passed", drill.text
            witness.until(lambda: witness.instances() == {INSTANCE}, witness.instances)
            drills += 1
        assert spoiler.left == {}
        cloud.settle()
        witness.until(lambda: not witness.owed(), witness.owed)
        told = witness.news.announced()
        operations = cloud.sql.list_operations({"maxResults": 10_000}, None)["items"]
        check_exports(witness, operations)
        check_drills(witness, operations, drills)
    assert spoiler.not_in_mid_turn == []
    assert {item.kind for item in told} == {"export.verified", "drill.passed"}
    assert leaks(cloud.directory, (CHAT, cloud.token_key)) == []


def check_exports(witness: Witness, operations: list[dict[str, Any]]) -> None:
    """One count and one export of each name, each kept and entered, and nothing else."""
    sources = [
        row["exportContext"]["uri"] for row in operations if row["targetId"] == INSTANCE and "exportContext" in row
    ]
    made = Counter(sources)
    assert set(made.values()) == {1}, made
    keys = [uri.removeprefix(f"gs://{LANDING}/") for uri in made]
    exports = {key for key in keys if key.startswith("exports/")}
    assert {key.replace("exports/", "counts/").replace(".sql.gz", ".csv") for key in exports} == set(keys) - exports
    assert set(witness.names(LOCKED, "")) == exports
    entered = [catalogue.decode(content(witness, key)) for key in witness.names(LEDGER_BUCKET, "catalogue/")]
    assert {entry.name.key for entry in entered if entry.good} == exports
    assert len(entered) == len(exports)


def check_drills(witness: Witness, operations: list[dict[str, Any]], drills: int) -> None:
    """Each made one instance, which is gone, and has one report."""
    ended = Counter(key.rpartition("-")[2] for key in witness.names(LEDGER_BUCKET, "drills/"))
    assert ended == {"started.json": drills, "passed.json": drills, "report.md": drills}
    made = Counter(row["targetId"] for row in operations if row["operationType"] == "CREATE")
    assert (len(made), set(made.values())) == (drills, {1})
    for key in witness.names(LEDGER_BUCKET, "drills/"):
        if key.endswith("passed.json"):
            report = json.loads(content(witness, key))
            assert report["rows_restored"] == report["rows_in_file"] == {"public.messages": 500}
    assert [name for name in KEPT if name in witness.owed()] == []


def content(witness: Witness, key: str) -> bytes:
    return bytes(witness.storage.bucket(LEDGER_BUCKET).blob(key).download_as_bytes())
