"""Backups that are proved: a real PostgreSQL is counted, exported, read, restored and compared; then broken files come.

Every step is asked for as Cloud Scheduler or an operator would ask, and answered by the packaged functions.
"""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from scripts.demonstration.chats import CHECKS, ROWS, SEED, WRITTEN
from scripts.demonstration.news import News
from scripts.demonstration.outcome import Different
from scripts.demonstration.proofs import Proof
from scripts.demonstration.screen import PlainScreen
from scripts.local_cloud.backups import DATABASE, INSTANCE, LANDING, LOCKED, BackupSettings, LocalBackups
from scripts.local_cloud.leaks import leaks
from scripts.local_cloud.settings import LEDGER_BUCKET
from scripts.local_cloud.sql.spoiling import Spoiled, nine
from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.names import ExportName, drill_instance
from shared.rollout.announcement import Announcement
from shared.runtime.backup_ledger import entry_prefix

LOST = 100
EXPORT_SECONDS_MAX, DRILL_SECONDS_MAX, LOOK_SECONDS_MAX = 30.0, 90.0, 30.0
Found = TypeVar("Found")
_NIGHT = ("export.verified", "export.broken")


class BackupDemonstration:
    """A context manager that ends all it started."""

    def __init__(self, directory: Path, screen: PlainScreen) -> None:
        settings = BackupSettings(
            append_only=("public.messages",), newest_row="SELECT max(sent_at) FROM messages", checks=CHECKS
        )
        self.cloud = LocalBackups(directory, settings)
        self._screen = screen
        self._parts = ExitStack()
        self._last_asked = datetime.fromtimestamp(0, UTC)

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            self._screen.said("starting PostgreSQL, Cloud SQL's API, storage, Pub/Sub and the functions")
            parts.enter_context(self.cloud)
            options = {"api_endpoint": self.cloud.storage.url}
            self._storage = Client(project="local", credentials=AnonymousCredentials(), client_options=options)
            parts.callback(self._storage.close)
            self._news = News(self.cloud.topology, self._screen.decided)
            parts.callback(self._news.stop)
            self._news.start()
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.said("ending everything that was started")
        self._parts.__exit__(kind, error, trace)

    def play(self) -> list[Proof]:
        steps: list[tuple[str, Callable[[], tuple[str, str]]]] = [
            ("seed a database", self._seed),
            ("the night's tick, three times", self._repeat),
            ("the next tick", self._mend),
            ("an export on demand", self._export),
            ("restore drill", self._drill),
            ("a forgotten instance", self._sweep),
            ("Cloud SQL's own backups switched off", self._switch_off),
            ("a table dropped on purpose", self._accept),
            *((broken.name, lambda broken=broken: self._break(broken)) for broken in nine("public.messages", LOST)),
            ("a good night afterwards", self._export),
            ("every log", self._read_the_logs),
        ]
        return [self._prove(what, step) for what, step in steps]

    def _prove(self, what: str, step: Callable[[], tuple[str, str]]) -> Proof:
        self._screen.said(f"=== {what}")
        began = time.monotonic()
        try:
            (outcome, shown), different = step(), ""
        except Different as error:
            outcome, shown, different = "different", "", str(error)
        return Proof(what=what, outcome=outcome, shown=shown, seconds=time.monotonic() - began, different=different)

    def _seed(self) -> tuple[str, str]:
        self.cloud.database.query(SEED, DATABASE)
        version = self.cloud.database.query("SHOW server_version", DATABASE).strip()
        return "seeded", f"PostgreSQL {version}: {ROWS:,} messages, 500 users, 40 rooms"

    def _export(self) -> tuple[str, str]:
        news = self._night()
        _expect(news.kind == "export.verified", news.text)
        key = news.details["object"]
        landed, kept = (self._storage.bucket(bucket).get_blob(key) for bucket in (LANDING, LOCKED))
        _expect(landed is not None and kept is not None and landed.crc32c == kept.crc32c, f"{key} was not kept")
        return "verified", f"{news.text} {landed.size / 1024:,.0f} KiB, and the same bytes in {LOCKED}."

    def _repeat(self) -> tuple[str, str]:
        """A scheduler that ticks twice, a message that comes twice: still one export of the night. Its file is cut."""
        self.cloud.sql.spoil_next_export(lambda good: good[: len(good) // 2])
        heard = self._news.heard
        for _ in range(3):
            self._tick()
        news = self._news.wait_for(_NIGHT, within=EXPORT_SECONDS_MAX, after=heard)
        _expect(news.kind == "export.broken", news.text)
        self._entry(news.details["object"])
        _expect(len(self._dumps()) == 1, f"{len(self._dumps())} exports were made of one night")
        return "one export, broken", "three messages of one night led to one count and one export; its file was cut"

    def _mend(self) -> tuple[str, str]:
        heard = self._news.heard
        self._tick()
        news = self._news.wait_for(_NIGHT, within=EXPORT_SECONDS_MAX, after=heard)
        _expect(news.kind == "export.verified", news.text)
        first, second = self._dumps()
        _expect(second == first.replace(".sql.gz", "-2.sql.gz"), f"{second} is not the night's second export")
        return "exported again", f"nobody asked: {news.text}"

    def _drill(self) -> tuple[str, str]:
        heard = self._news.heard
        self.cloud.publish("drill-requests", b"{}", {"instance": INSTANCE})
        news = self._news.wait_for(("drill.passed", "drill.failed"), within=DRILL_SECONDS_MAX, after=heard)
        _expect(news.kind == "drill.passed", news.text)
        self._until_only(INSTANCE)
        [row] = [json.loads(blob.download_as_bytes()) for blob in self._storage.list_blobs(LEDGER_BUCKET)
                 if blob.name.startswith("drills/") and blob.name.endswith("-passed.json")]  # fmt: skip
        rows, wanted = sum(row["rows_restored"].values()), sum(row["rows_in_file"].values())
        _expect(row["rows_restored"] == row["rows_in_file"], f"{rows} rows restored, {wanted} in the file")
        _expect(all(row["checks"].values()), f"checks: {row['checks']}")
        figures = f"RPO {row['loss_seconds']:.1f} s, RTO {row['recovery_seconds']:.1f} s"
        return "passed", f"{rows:,} of {wanted:,} rows restored into {row['throw_away']}; {figures}; it is deleted"

    def _sweep(self) -> tuple[str, str]:
        left = drill_instance(INSTANCE, datetime.now(UTC) - timedelta(days=3))
        heard = self._news.heard
        self.cloud.sql.add_instance(left)
        self._news.wait_for("drill.leftover", within=EXPORT_SECONDS_MAX, after=heard)
        self._until_only(INSTANCE)
        return "swept", f"{left} was found, told as a page and deleted"

    def _switch_off(self) -> tuple[str, str]:
        self.cloud.sql.set_backups(INSTANCE, enabled=False)
        heard = self._news.heard
        self.cloud.publish("backup-checks", b"{}", {"job": "backup-check"})
        news = self._news.wait_for("backup.disabled", within=LOOK_SECONDS_MAX, after=heard)
        self.cloud.sql.set_backups(INSTANCE, enabled=True)
        return "told as a page", news.text

    def _accept(self) -> tuple[str, str]:
        """Broken, until a person says that it was meant; from then on it is what later ones are compared with."""
        self.cloud.database.query("DROP TABLE drafts", DATABASE)
        news = self._night()
        _expect(news.kind == "export.broken", news.text)
        key = news.details["object"]
        self._entry(key)
        heard = self._news.heard
        word = {"key": key, "by": "ada@example.com", "why": "drafts were given up"}
        self.cloud.publish("backup-acceptances", json.dumps(word).encode(), {})
        accepted = self._news.wait_for("export.accepted", within=LOOK_SECONDS_MAX, after=heard)
        prefix = entry_prefix(_name(key))
        self._until(lambda: len(list(self._storage.list_blobs(LEDGER_BUCKET, prefix=prefix))) == 2, "not entered")
        after = self._night()
        _expect(after.kind == "export.verified", after.text)
        return "accepted, then quiet", accepted.text

    def _break(self, broken: Spoiled) -> tuple[str, str]:
        self.cloud.sql.spoil_next_export(broken.spoil)
        news = self._night()
        _expect(news.kind == "export.broken", f"a broken export was called good: {news.text}")
        key = news.details["object"]
        _expect(self._storage.bucket(LOCKED).get_blob(key) is None, f"{key} was kept as if it were good")
        kinds = [fault.kind for fault in self._entry(key).report.faults]
        _expect(broken.caught_as in kinds, f"{broken.caught_as} was expected among {', '.join(kinds)}")
        return f"caught: {broken.caught_as}", news.text.partition("must not be relied on: ")[2]

    def _read_the_logs(self) -> tuple[str, str]:
        """Neither what people wrote nor a key or token of ours is in any."""
        found = leaks(self.cloud.directory, (*WRITTEN, self.cloud.token_key))
        _expect(not found, "; ".join(found[:3]))
        logs = list(self.cloud.directory.rglob("*.log"))
        return "nothing leaked", f"no line of {len(logs)} logs has a message, a name, a key or a token in it"

    def _tick(self) -> None:
        self.cloud.publish("backup-requests", b"{}", {"job": "export"})

    def _night(self) -> Announcement:
        """An export on demand, named after a second of its own, and what became of it."""
        while datetime.now(UTC).replace(microsecond=0) <= self._last_asked:
            threading.Event().wait(0.1)
        self._last_asked = datetime.now(UTC).replace(microsecond=0)
        heard = self._news.heard
        self.cloud.publish("backup-requests", b"{}", {"again": INSTANCE})
        return self._news.wait_for(_NIGHT, within=EXPORT_SECONDS_MAX, after=heard)

    def _dumps(self) -> list[str]:
        """The objects that exports were asked for, in order."""
        rows = self.cloud.sql.list_operations({"instance": INSTANCE}, None)["items"]
        uris = [row["exportContext"]["uri"] for row in reversed(rows) if row["operationType"] == "EXPORT"]
        return [uri for uri in uris if uri.endswith(".sql.gz")]

    def _entry(self, key: str) -> Entry:
        """What backup_verify enters of an export after it told. Raises Different."""
        prefix = entry_prefix(_name(key))
        found = self._until(lambda: list(self._storage.list_blobs(LEDGER_BUCKET, prefix=prefix)), f"no {prefix}")
        return catalogue.decode(found[0].download_as_bytes())

    def _until_only(self, instance: str) -> None:
        """Until no throw-away instance is left. Raises Different."""

        def names() -> set[str]:
            return {row["name"] for row in self.cloud.sql.list_instances({}, None)["items"]}

        self._until(lambda: names() == {instance}, "a throw-away instance is left")

    def _until(self, look: Callable[[], Found], otherwise: str) -> Found:
        """What is found as soon as it is there. Raises Different."""
        deadline = time.monotonic() + LOOK_SECONDS_MAX
        while not (found := look()):
            if time.monotonic() > deadline:
                raise Different(f"{otherwise} after {LOOK_SECONDS_MAX:.0f} s")
            threading.Event().wait(0.1)
        return found


def _name(key: str) -> ExportName:
    name = ExportName.parse(key)
    assert name is not None
    return name


def _expect(true: bool, otherwise: str) -> None:
    if not true:
        raise Different(otherwise)
