"""Cloud SQL and its buckets in memory: operations that take their time, fail or hang, and dumps that are broken."""

import json
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from random import Random
from typing import Any

from shared.backup.dump import read_dump
from shared.backup.operations import OperationKind
from shared.backup.stored import Stored
from tests.backup.dumps import GOOD_TABLES, NINE, dump_text, zipped
from tests.fakes.clock import FakeClock
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import FakeObjects, crc32c
from tests.simulation.faults import Faults
from tests.simulation.promised import Broken
from tests.simulation.timeline import Timeline

SOURCE, LANDING, LOCKED, DRILLS = "chat", "landing", "locked", "drills"
TABLES = {name: rows[:150] for name, rows in GOOD_TABLES.items()}  # a broken one lacks a hundred rows
WHOLE = zipped(dump_text(TABLES))
BROKEN = tuple(way.spoil(WHOLE) for way in NINE)
BROKEN_SHARE, LOST_SHARE, FAILED_SHARE, HANGS_SHARE = 0.25, 0.08, 0.08, 0.03
OPERATION_SECONDS, HANGS_SECONDS = (20.0, 400.0), 2 * 3600.0
NOTICE_SECONDS = (1.0, 20.0)


class Objects(FakeObjects):
    """read_whole: every generation, by bucket, key and number, that somebody has read to its last byte."""

    def __init__(self) -> None:
        super().__init__()
        self.read_whole: set[tuple[str, str, int]] = set()

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        read = 0
        for piece in super().pieces(bucket, key, generation, size):
            read += len(piece)
            yield piece
        if read == len(self.contents[bucket, key, generation]):
            self.read_whole.add((bucket, key, generation))

    def find(self, bucket: str, key: str) -> Stored | None:
        newest = max((number for where, name, number in self.contents if (where, name) == (bucket, key)), default=0)
        if not newest:
            return None
        content = self.contents[bucket, key, newest]
        return Stored(generation=newest, size=len(content), crc32c=crc32c(content))

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str, generation: int | None = None) -> str:
        found = self.find(bucket, key)
        copied = found.generation if found and generation is None else generation
        if to_bucket == LOCKED and (bucket, key, copied) not in self.read_whole:
            raise Broken("l", "No copy is locked unread.", f"{key}, generation {copied}")
        return super().copy(bucket, key, to_bucket, to_key, generation)


class _Clock(FakeClock):
    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline

    def now(self) -> datetime:
        return self._timeline.now


class Databases(FakeDatabases):
    """Every operation ends by itself, well or not; an export writes its object first, and is told of it."""

    def __init__(self, timeline: Timeline, random: Random, faults: Faults, objects: Objects) -> None:
        super().__init__(clock=_Clock(timeline))
        self.publish: Any = None
        self._timeline, self._random, self._faults, self._objects = timeline, random, faults, objects

    def _begin(self, kind: OperationKind, instance: str, uri: str = "") -> str:
        name = super()._begin(kind, instance, uri)
        chance, calm = self._random.random(), self._faults.over
        seconds = self._random.uniform(*OPERATION_SECONDS)
        if chance < HANGS_SHARE and not calm:
            seconds = HANGS_SECONDS
        problem = "no disk" if HANGS_SHARE <= chance < HANGS_SHARE + FAILED_SHARE and not calm else ""
        self._timeline.after(seconds, lambda: self._end(name, kind, uri, problem))
        return name

    def _end(self, name: str, kind: OperationKind, uri: str, problem: str) -> None:
        if kind is OperationKind.EXPORT and not problem:
            self._write(uri)
        self._timeline.after(self._random.uniform(*NOTICE_SECONDS), lambda: self.end(name, problem))

    def _write(self, uri: str) -> None:
        bucket, _, key = uri.removeprefix("gs://").partition("/")
        content, generation = self._content(bucket, key), len(self._objects.contents) + 1
        self._objects.contents[bucket, key, generation] = content
        if bucket != LANDING or (self._random.random() < LOST_SHARE and not self._faults.over):
            return
        body = {"bucket": bucket, "name": key, "generation": str(generation), "size": str(len(content))}
        body["crc32c"] = crc32c(content)
        attributes = {"eventType": "OBJECT_FINALIZE", "objectId": key}
        self.publish("backup-objects", json.dumps(body).encode(), attributes)

    def _content(self, bucket: str, key: str) -> bytes:
        if bucket == LANDING and key.startswith("exports/"):
            broken = self._random.random() < BROKEN_SHARE and not self._faults.over
            return self._random.choice(BROKEN) if broken else WHOLE
        if key.endswith("check_empty.csv"):
            return b"0"
        return counts(WHOLE)


@cache
def counts(dump: bytes) -> bytes:
    """What counting its tables answers."""
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([dump]).rows.items()).encode()
