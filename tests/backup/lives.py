"""The life of an environment's backups: nights, drills, an export on demand and one accepted, in memory."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from shared.backup.dump import read_dump
from shared.backup.names import ExportName
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups, Database
from shared.errors import Unavailable
from shared.events.message import Message
from tests.backup.crashing import Crash, Crashing
from tests.backup.dumps import GOOD, GOOD_TABLES, NINE, dump_text, zipped
from tests.backup.endings import WELL, Ending
from tests.backup.handlers import handler_of
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c

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
DELIVERIES_MAX = 50
WAITED_FOR = 12  # steps: claims of deliveries that died lapse in three each


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
        self.ending = ending
        self._strikes, self._overlaps, self._overtaken = strikes, overlaps, overtaken
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

    def live_shortly(self) -> None:
        """A night and a drill."""
        self.night(WHOLE)
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
        if self.ending.orphan:
            self.real.databases.names.add(self.ending.orphan)
        if self.ending.other_bytes:
            for place in [place for place in self.real.objects.contents if place[0] == "locked"]:
                self.real.objects.contents[place] = b"other bytes"
        began = self.real.clock.now()
        self.deliver("drill-requests", {})
        for step in range(18):
            self.real.databases.busy = step < self.ending.refused_steps
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
            if row.done or (hanging and row.kind is self.ending.hangs):
                continue
            ours = row.instance.startswith("drill-")
            problem = self.ending.fails.get(row.kind, "") if ours else ""
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


@cache
def counts_of(dump: bytes) -> bytes:
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([dump]).rows.items()).encode()
