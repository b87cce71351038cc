"""A good night, one that is broken and made again, drills, an export on demand and one accepted: a crash at every call.

Whatever crashes is delivered again, as Pub/Sub does. Everything is in memory, and the same every time. Then the same
with what Cloud SQL may do besides: refuse, fail, hang; and with two deliveries of one message that overlap.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
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
from shared.backup.names import ExportName
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups, Database
from shared.errors import Unavailable
from shared.events.message import Message
from tests.backup.dumps import GOOD, GOOD_TABLES, NINE, dump_text, zipped
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c

pytestmark = pytest.mark.no_cover

MONDAY = datetime(2026, 11, 23, 1, tzinfo=UTC)
DAY, STEP = timedelta(days=1), timedelta(minutes=5)
DEADLINE = timedelta(minutes=45)
BACKUPS = Backups(
    bucket="landing",
    locked_bucket="locked",
    drill_bucket="drills",
    drill_deadline=DEADLINE,
    instances={"chat": ("app",)},
    known={"chat/app": Database(append_only=frozenset({"public.messages"}))},
)
WHOLE = zipped(GOOD)
BROKEN = NINE[1].spoil(WHOLE)
SHRUNK = zipped(dump_text({name: rows for name, rows in GOOD_TABLES.items() if name != "public.rooms"}))
PORTS = ("messages", "ledger", "databases", "objects")
HANDLERS = {
    "backup-requests": sql_backup,
    "backup-counts": sql_backup,
    "backup-objects": backup_verify,
    "backup-checks": backup_verify,
    "backup-acceptances": backup_verify,
    "drill-requests": restore_drill,
    "drill-ticks": restore_drill,
    "rollout-events": notify,
}
DELIVERIES_MAX = 50
WAITED_FOR = 12  # steps: claims of deliveries that died lapse in three each


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


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a drill's operations end, by kind; hangs: one that ends long after the drill's deadline."""

    fails: Mapping[OperationKind, str] = field(default_factory=dict)
    hangs: OperationKind | None = None
    refused_steps: int = 0
    orphan: str = ""
    other_bytes: bool = False
    passes: bool = False


WELL = Ending(passes=True)
ENDINGS = {
    "well": WELL,
    "create fails": Ending(fails={OperationKind.CREATE: "no quota"}),
    "the database is not made": Ending(fails={OperationKind.CREATE_DATABASE: "no name"}),
    "the import fails": Ending(fails={OperationKind.IMPORT: "no such extension"}),
    "the count fails": Ending(fails={OperationKind.EXPORT: "no disk"}),
    "the creation hangs": Ending(hangs=OperationKind.CREATE),
    "the import hangs": Ending(hangs=OperationKind.IMPORT),
    "every call is refused for a while": Ending(refused_steps=4, passes=True),
    "an orphan is there": Ending(orphan="drill-chat-20260101030000", passes=True),
    "the kept file is another one": Ending(other_bytes=True),
}


class Life:
    """strikes: at which of the moments around calls the function dies; overlaps: at which its message comes again;
    overtaken: at which it does so until all is done.
    """

    def __init__(
        self,
        strikes: Callable[[int], bool] = lambda _: False,
        overlaps: Callable[[int], bool] = lambda _: False,
        ending: Ending = WELL,
        overtaken: Callable[[int], bool] = lambda _: False,
    ) -> None:
        self.moments = 0
        self._strikes, self._overlaps, self._overtaken, self._ending = strikes, overlaps, overtaken, ending
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
        self._current: Message | None = None

    def live(self) -> None:
        self.night(WHOLE)
        self.real.clock.time += DAY
        self.night(BROKEN, WHOLE)
        self.drill()
        self.again(SHRUNK)
        self.accept()
        self.real.clock.time += 7 * DAY
        self.night(SHRUNK)
        self.drill()

    def night(self, *contents: bytes) -> None:
        """Ticks, each twice, and what the attempts at an export write; more of them where deliveries died."""
        self.real.databases.backups["chat"] = self.real.clock.now()
        wanted = len(self.dumps()) + len(contents)
        for _ in self._steps(3 * len(contents), wanted):
            self.deliver("backup-requests", {})
            self.deliver("backup-requests", {})
            self._go_on(contents)
        self.deliver("backup-checks", {})

    def again(self, content: bytes) -> None:
        """A person asks for one more export, and the request comes twice."""
        request = self._message("backup-requests", {}, again="chat")
        self._handle(request)
        self._handle(request)
        for _ in self._steps(3, len(self.dumps()) + 1):
            self._go_on((content,))

    def _steps(self, usual: int, dumps: int) -> Iterator[int]:
        """More than usual where deliveries died and left claims, until so many exports have ended and were read."""
        for step in range(usual + WAITED_FOR):
            ended = [row for row in self.dumps() if row.done]
            if step < usual or self._waiting or len(ended) < dumps:
                yield step

    def accept(self) -> None:
        """Of what is smaller on purpose, twice."""
        [key] = {row.uri.removeprefix("gs://landing/") for row in self.dumps() if "T000000Z" not in row.uri}
        for _ in range(2):
            self.deliver("backup-acceptances", {"key": key, "by": "ada", "why": "rooms were dropped"})

    def drill(self) -> None:
        """A request, and ticks until well after the deadline of a drill that hangs."""
        if self._ending.orphan:
            self.real.databases.names.add(self._ending.orphan)
        if self._ending.other_bytes:
            for place in [place for place in self.real.objects.contents if place[0] == "locked"]:
                self.real.objects.contents[place] = b"other bytes"
        began = self.real.clock.now()
        self.deliver("drill-requests", {})
        for step in range(18):
            self.real.databases.busy = step < self._ending.refused_steps
            self._end_operations((), hanging=self.real.clock.now() - began < DEADLINE + 2 * STEP)
            self.real.clock.time += STEP
            self.deliver("drill-ticks", {})
            self._deliver_waiting()

    def dumps(self) -> list[Operation]:
        rows = [row for row in self.real.databases.rows.values() if row.kind is OperationKind.EXPORT]
        return [row for row in rows if row.uri.startswith("gs://landing/exports/")]

    def counts(self) -> list[Operation]:
        return [row for row in self.real.databases.rows.values() if row.uri.startswith("gs://landing/counts/")]

    def deliver(self, topic: str, body: dict[str, Any], **attributes: str) -> None:
        self._handle(self._message(topic, body, **attributes))
        published = self.real.messages.published
        while self._told < len(published):
            news = published[self._told]
            self._told += 1
            self._handle(self._message(news.topic, json.loads(news.data), **news.attributes))

    def _message(self, topic: str, body: dict[str, Any], **attributes: str) -> Message:
        return Message(
            id=f"m{self.moments}",
            topic=topic,
            published_at=self.real.clock.now(),
            data=json.dumps(body).encode(),
            attributes=attributes,
        )

    def _handle(self, message: Message) -> None:
        self._current = message
        for _ in range(DELIVERIES_MAX):
            try:
                handler_of(message)(message, self.seen)
            except Crash:
                continue
            except Unavailable:
                self._waiting.append(message)
            return
        pytest.fail(f"{message.topic} never came to an end")

    def _go_on(self, contents: tuple[bytes, ...]) -> None:
        """What runs ends, and what waited comes again."""
        self._end_operations(contents)
        self.real.clock.time += STEP
        self._deliver_waiting()

    def _deliver_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._handle(message)

    def _end_operations(self, contents: tuple[bytes, ...], *, hanging: bool = False) -> None:
        """Exports write, and their object is told before the operation is done."""
        for name, row in list(self.real.databases.rows.items()):
            if row.done or (hanging and row.kind is self._ending.hangs):
                continue
            ours = row.instance.startswith("drill-")
            problem = self._ending.fails.get(row.kind, "") if ours else ""
            if row.kind is OperationKind.EXPORT and not problem:
                self._write(row.uri, contents)
            self.real.databases.end(name, problem)

    def _write(self, uri: str, contents: tuple[bytes, ...]) -> None:
        bucket, _, key = uri.removeprefix("gs://").partition("/")
        if bucket != "landing":
            answer = b"0" if key.endswith("check_empty.csv") else self._counts()
            self.real.objects.contents[bucket, key, 1] = answer
            return
        name = ExportName.parse(key)
        content = b"rows,public.users,200\n" if name is None else contents[name.attempt - 1]
        self.real.objects.contents[bucket, key, 7] = content
        body = {"bucket": bucket, "name": key, "generation": "7", "size": str(len(content)), "crc32c": crc32c(content)}
        self.deliver("backup-objects", body, eventType="OBJECT_FINALIZE", objectId=key)

    def _counts(self) -> bytes:
        """What an instance answers into which the newest drill's copy was imported."""
        copies = [
            content for (_, key, _), content in self.real.objects.contents.items() if key.endswith("import.sql.gz")
        ]
        return counts_of(copies[-1])

    def _moment(self) -> bool:
        self.moments += 1
        if self._overlaps(self.moments) and self._current is not None:
            with suppress(Unavailable):  # the delivery that is under way decides what becomes of it
                handler_of(self._current)(self._current, self.real)
        if self._overtaken(self.moments) and self._current is not None:
            self._overtake(self._current)
        return self._strikes(self.moments)

    def _overtake(self, message: Message) -> None:
        """The same message comes again and again, and everything it starts is over before this call is made."""
        for _ in range(3):
            with suppress(Unavailable):
                handler_of(message)(message, self.real)
            self._end_operations((WHOLE, WHOLE))
        self._current = message

    def check_exports(self, entries: list[bool], locked: int) -> None:
        made = Counter(row.uri for row in self.dumps())
        assert sorted(made.values()) == [1] * len(entries), "two exports of one name"
        folder = [key for key in self.real.ledger.keys("catalogue/") if not key.endswith("accepted.json")]
        found = [catalogue.decode(self.real.ledger.objects[key]) for key in folder]
        assert [entry.good for entry in found] == entries, "a bad dump called good, or a good one lost"
        assert len({key for bucket, key, _ in self.real.objects.contents if bucket == "locked"}) == locked

    def check_drills(self, drills: int) -> None:
        made = Counter(row.instance for row in self.real.databases.rows.values() if row.kind is OperationKind.CREATE)
        assert set(made.values()) == {1}, "an instance was made twice"
        assert self.real.databases.names == {"chat"}, "an orphan instance"
        ended = Counter(key.rpartition("-")[2] for key in self.real.ledger.keys("drills/"))
        outcome = "passed" if self._ending.passes else "failed"
        assert ended == {"started.json": drills, f"{outcome}.json": drills, "report.md": drills}

    def check(self) -> None:
        """What no crash may change."""
        self.check_exports([True, False, True, False, True], locked=4)
        self.check_drills(2)
        assert announced(self.real) == {
            "export.verified": 3,
            "export.broken": 2,
            "export.accepted": 1,
            "drill.passed": 2,
        }

    def live_shortly(self) -> None:
        """A night and a drill."""
        self.night(WHOLE)
        self.drill()

    def check_shortly(self) -> None:
        self.check_exports([True], locked=1)
        self.check_drills(1)
        told = announced(self.real)
        drill = "drill.passed" if self._ending.passes else "drill.failed"
        leftover = {"drill.leftover"} if self._ending.orphan else set()
        assert {kind for kind in told if kind.startswith("drill.")} == {drill} | leftover
        assert told[drill] == 1


def handler_of(message: Message) -> Callable[[Message, Any], str]:
    """As the subscriptions' filters say."""
    counts = message.attributes.get("objectId", "").startswith("counts/")
    return sql_backup if counts else HANDLERS[message.topic]


def announced(cloud: FakeCloud) -> Counter[str]:
    """Announcements by kind; what was told twice has one key and counts once."""
    rows = [json.loads(row.data) for row in cloud.messages.on("rollout-events")]
    return Counter({row["key"]: row["kind"] for row in rows}.values())


@cache
def counts_of(dump: bytes) -> bytes:
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([dump]).rows.items()).encode()


@cache
def undisturbed() -> int:
    """How many moments there are around calls."""
    life = Life()
    life.live()
    life.check()
    return life.moments


@cache
def undisturbed_shortly(ending: str) -> int:
    life = Life(ending=ENDINGS[ending])
    life.live_shortly()
    life.check_shortly()
    return life.moments


def test_a_crash_at_any_call_changes_nothing_in_the_end() -> None:
    for moment in range(1, undisturbed() + 1):
        life = Life(lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live()
        life.check()


def test_a_second_delivery_that_overlaps_the_first_at_any_call_changes_nothing_in_the_end() -> None:
    for moment in range(1, undisturbed() + 1):
        life = Life(overlaps=lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live()
        life.check()


def test_a_delivery_that_stands_still_at_any_call_while_others_do_its_work_repeats_none_of_it() -> None:
    for moment in range(1, undisturbed_shortly("well") + 1):
        life = Life(overtaken=lambda now, moment=moment: now == moment)  # type: ignore[misc]
        life.live_shortly()
        life.check_shortly()
        assert len({row.uri for row in life.counts()}) == len(life.counts())


@pytest.mark.parametrize("ending", ENDINGS)
def test_however_a_drill_ends_a_crash_at_any_call_leaves_no_instance_and_one_verdict(ending: str) -> None:
    for moment in range(1, undisturbed_shortly(ending) + 1):
        life = Life(lambda now, moment=moment: now == moment, ending=ENDINGS[ending])  # type: ignore[misc]
        life.live_shortly()
        life.check_shortly()


@pytest.mark.parametrize("seed", range(60))
def test_many_crashes_change_nothing_in_the_end(seed: int) -> None:
    dice = Random(seed)
    life = Life(lambda _: dice.random() < 0.04)
    life.live()
    life.check()
