"""Which of many objects are there and how long, over the wire; the fake of the handlers' tests answers alike."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.storage import Client

from scripts.local_cloud.storage import FakeGcs
from shared.adapters.objects import StorageObjects
from shared.adapters.storage import EMULATOR_VARIABLE
from shared.errors import NotFound
from shared.ports import Objects
from tests.fakes import FakeObjects

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
