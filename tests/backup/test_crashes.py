"""A good night and a bad one, a drill, and a week later a good night and a drill: with a crash at every call.

Whatever crashes is delivered again, as Pub/Sub does. Everything is in memory, and the same every time.
"""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import pytest

from functions.backup_verify.handler import handle as backup_verify
from functions.notify.handler import handle as notify
from functions.restore_drill.handler import handle as restore_drill
from functions.sql_backup.handler import handle as sql_backup
from shared.backup import catalogue
from shared.backup.dump import read_dump
from shared.backup.operations import OperationKind
from shared.config.backups import Backups
from shared.errors import Unavailable
from shared.events.message import Message
from tests.backup.dumps import GOOD, NINE, zipped
from tests.fakes import FakeClock, FakeCloud, FakeDatabases, crc32c, environment

MONDAY = datetime(2026, 11, 23, 1, tzinfo=UTC)
DAY, STEP = timedelta(days=1), timedelta(minutes=5)
BACKUPS = Backups(
    bucket="landing",
    locked_bucket="locked",
    drill_bucket="drills",
    instances={"chat": ("app",)},
    append_only=frozenset({"public.messages"}),
)
BROKEN = NINE[1].spoil(zipped(GOOD))
PORTS = ("messages", "ledger", "databases", "objects")
HANDLERS = {
    "backup-requests": sql_backup,
    "backup-objects": backup_verify,
    "backup-checks": backup_verify,
    "drill-requests": restore_drill,
    "drill-ticks": restore_drill,
    "rollout-events": notify,
}
DELIVERIES_MAX = 50


class Crash(RuntimeError):
    """The process is gone; nothing it had in memory is left."""


class Crashing:
    """A port whose every call asks `strikes` twice, before and after: whether the process dies here."""

    def __init__(self, port: Any, strikes: Callable[[], bool]) -> None:
        self._port, self._strikes = port, strikes

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._port, name)

        def call(*arguments: Any, **named: Any) -> Any:
            if self._strikes():
                raise Crash(f"before {name}")
            answer = method(*arguments, **named)
            if self._strikes():
                raise Crash(f"after {name}")
            return answer

        return call


class Life:
    """strikes: at which of the moments around calls the function dies."""

    def __init__(self, strikes: Callable[[int], bool]) -> None:
        self.moments = 0
        self._strikes = strikes
        clock = FakeClock(MONDAY)
        self.real = FakeCloud(
            environment=replace(environment(), backups=BACKUPS),
            clock=clock,
            databases=FakeDatabases(clock=clock),
        )
        self.seen = FakeCloud(environment=self.real.environment, clock=clock)
        for port in PORTS:
            setattr(self.seen, port, Crashing(getattr(self.real, port), self._moment))
        self._waiting: list[Message] = []
        self._told = 0

    def live(self) -> None:
        self.night(zipped(GOOD))
        self.real.clock.time += DAY
        self.night(BROKEN)
        self.drill()
        self.real.clock.time += 7 * DAY
        self.night(zipped(GOOD))
        self.drill()

    def night(self, content: bytes) -> None:
        """Two ticks, each twice, and what the export writes."""
        self.real.databases.backups["chat"] = self.real.clock.now()
        for _ in range(2):
            self.deliver("backup-requests", {})
            self.deliver("backup-requests", {})
            self._end_operations(content)
            self.real.clock.time += STEP
            self._deliver_waiting()
        self.deliver("backup-checks", {})

    def drill(self) -> None:
        """A request, and ticks until well after the deadline of a drill that hangs."""
        self.deliver("drill-requests", {})
        for _ in range(12):
            self._end_operations(b"")
            self.real.clock.time += STEP
            self.deliver("drill-ticks", {})
            self._deliver_waiting()

    def deliver(self, topic: str, body: dict[str, Any], **attributes: str) -> None:
        message = Message(
            id=f"m{self.moments}",
            topic=topic,
            published_at=self.real.clock.now(),
            data=json.dumps(body).encode(),
            attributes=attributes,
        )
        self._handle(message)
        published = self.real.messages.published
        while self._told < len(published):
            news = published[self._told]
            self._told += 1
            self._handle(message._replace(topic=news.topic, data=news.data, attributes=news.attributes))

    def _handle(self, message: Message) -> None:
        for _ in range(DELIVERIES_MAX):
            try:
                HANDLERS[message.topic](message, self.seen)
            except Crash:
                continue
            except Unavailable:
                self._waiting.append(message)
            return
        pytest.fail(f"{message.topic} never came to an end")

    def _deliver_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._handle(message)

    def _end_operations(self, content: bytes) -> None:
        """Every operation ends well; exports write, and a dump's object is told before its operation is done."""
        for name, row in list(self.real.databases.rows.items()):
            if row.done:
                continue
            bucket, _, key = row.uri.removeprefix("gs://").partition("/")
            if row.kind is OperationKind.EXPORT and bucket == "landing":
                self.real.objects.contents[bucket, key, 7] = content
                body = {"bucket": bucket, "name": key, "generation": "7", "size": str(len(content))}
                self.deliver("backup-objects", {**body, "crc32c": crc32c(content)}, eventType="OBJECT_FINALIZE")
            elif row.kind is OperationKind.EXPORT:
                answer = b"0" if key.endswith("check_empty.csv") else good_counts()
                self.real.objects.contents[bucket, key, 1] = answer
            self.real.databases.end(name)

    def _moment(self) -> bool:
        self.moments += 1
        return self._strikes(self.moments)

    def check(self) -> None:
        """What no crash may change."""
        dumps = Counter(
            row.uri
            for row in self.real.databases.rows.values()
            if row.kind is OperationKind.EXPORT and row.uri.startswith("gs://landing/")
        )
        assert sorted(dumps.values()) == [1, 1, 1], "two exports of one night"
        made = Counter(row.instance for row in self.real.databases.rows.values() if row.kind is OperationKind.CREATE)
        assert set(made.values()) == {1}, "an instance was made twice"
        assert self.real.databases.names == {"chat"}, "an orphan instance"
        entries = [catalogue.decode(self.real.ledger.objects[key]) for key in self.real.ledger.keys("catalogue/")]
        assert [entry.good for entry in entries] == [True, False, True], "a bad dump called good, or a good one lost"
        assert kept(self.real) == {entries[0].name.key, entries[2].name.key}, "a bad dump kept as a good one"
        ended = [key.rpartition("-")[2] for key in self.real.ledger.keys("drills/")]
        assert Counter(ended) == {"started.json": 2, "passed.json": 2, "report.md": 2}
        assert Counter(announced(self.real)) == {"export.verified": 2, "export.broken": 1, "drill.passed": 2}


def announced(cloud: FakeCloud) -> list[str]:
    """The kind of each announcement; what was told twice has one key and counts once."""
    rows = [json.loads(row.data) for row in cloud.messages.on("rollout-events")]
    return list({row["key"]: row["kind"] for row in rows}.values())


def kept(cloud: FakeCloud) -> set[str]:
    return {key for bucket, key, _ in cloud.objects.contents if bucket == "locked"}


@cache
def good_counts() -> bytes:
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([zipped(GOOD)]).rows.items()).encode()


def undisturbed() -> int:
    """How many moments there are around calls."""
    life = Life(lambda _: False)
    life.live()
    life.check()
    return life.moments


def test_a_crash_at_any_call_changes_nothing_in_the_end() -> None:
    for moment in range(1, undisturbed() + 1):
        life = Life(lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live()
        life.check()


@pytest.mark.parametrize("seed", range(60))
def test_many_crashes_change_nothing_in_the_end(seed: int) -> None:
    dice = Random(seed)
    life = Life(lambda _: dice.random() < 0.04)
    life.live()
    life.check()
