"""Which of many objects are there and how long, over the wire; the fake of the handlers' tests answers alike."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from scripts.local_cloud.gapic.http_gate import HttpGate
from scripts.local_cloud.gapic.wire import Call
from scripts.local_cloud.storage import FakeGcs
from shared.adapters.objects import StorageObjects
from shared.adapters.storage import EMULATOR_VARIABLE
from shared.errors import NotFound
from shared.ports import Objects
from shared.runtime.checksum import Checksum
from tests.fakes.objects import FakeObjects, crc32c

BUCKET = "assets"
STORED = {
    "_next/static/chunks/0a.js": 3,
    "_next/static/chunks/0a.js.map": 5,
    "_next/static/chunks/5c.js": 0,
    "_next/static/css/1f.css": 7,
    "top.txt": 2,
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGcs]:
    running = FakeGcs(BUCKET)
    running.start()
    monkeypatch.setenv(EMULATOR_VARIABLE, running.url)
    yield running
    running.stop()


def test_the_adapter_and_the_fake_tell_the_sizes_of_what_is_there(server: FakeGcs) -> None:
    bucket = Client(project="local", credentials=AnonymousCredentials()).bucket(BUCKET)
    fake = FakeObjects()
    for name, size in STORED.items():
        bucket.blob(name).upload_from_string(b"x" * size)
        fake.contents[BUCKET, name, 1] = b"x" * size
    adapter = StorageObjects()
    for port in (adapter, fake):
        asked: Objects = port
        assert asked.sizes(BUCKET, STORED) == STORED
        assert asked.sizes(BUCKET, ["_next/static/chunks/0a.js", "_next/static/chunks/9.js", "elsewhere/0a.js"]) == {
            "_next/static/chunks/0a.js": 3
        }
        assert asked.sizes(BUCKET, []) == {}
        with pytest.raises(NotFound):
            asked.read(BUCKET, "releases/none.json")
    adapter.close()


def test_the_adapter_and_the_fake_find_what_is_there_and_its_bytes_have_the_checksum_it_is_said_to_have(
    server: FakeGcs,
) -> None:
    content = bytes(range(256)) * 40
    blob = Client(project="local", credentials=AnonymousCredentials()).bucket(BUCKET).blob("dump.sql.gz")
    blob.upload_from_string(content)
    fake = FakeObjects({(BUCKET, "dump.sql.gz", int(blob.generation)): content})
    adapter = StorageObjects()
    for port in (adapter, fake):
        asked: Objects = port
        found = asked.find(BUCKET, "dump.sql.gz")
        assert found is not None
        assert (found.generation, found.size, found.crc32c) == (blob.generation, len(content), crc32c(content))
        checksum = Checksum()
        read = b"".join(checksum.of(asked.pieces(BUCKET, "dump.sql.gz", found.generation, found.size)))
        assert (read, checksum.crc32c) == (content, found.crc32c)
        assert asked.find(BUCKET, "none.sql.gz") is None
    adapter.close()


def test_while_a_piece_is_worked_on_the_next_is_on_its_way(server: FakeGcs, monkeypatch: pytest.MonkeyPatch) -> None:
    content = bytes(range(256)) * 30
    blob = Client(project="local", credentials=AnonymousCredentials()).bucket(BUCKET).blob("dump.sql.gz")
    blob.upload_from_string(content)
    asked = threading.Semaphore(0)

    def heard(_call: Call, answer: Callable[[], Any]) -> Any:
        asked.release()
        return answer()

    gate = HttpGate(server.url, heard)
    gate.start()
    monkeypatch.setenv(EMULATOR_VARIABLE, gate.url)
    monkeypatch.setattr("shared.adapters.objects.PIECE_SIZE", 2_000)
    adapter = StorageObjects()
    try:
        read = b""
        for number, piece in enumerate(adapter.pieces(BUCKET, "dump.sql.gz", int(blob.generation), len(content))):
            assert asked.acquire(timeout=30), f"piece {number} was not asked for"
            if number < 3:
                assert asked.acquire(timeout=30), f"piece {number + 1} waits until {number} is done with"
                asked.release()
            read += piece
        assert read == content
        with pytest.raises(NotFound):
            list(adapter.pieces(BUCKET, "dump.sql.gz", 1, len(content)))
    finally:
        adapter.close()
        gate.stop()
