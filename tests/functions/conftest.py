"""A real database behind the backup functions."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared.adapters.storage import EMULATOR_VARIABLE
from shared.config.backups import Backups, Database
from tests.fakes.cloud import FakeCloud, environment
from tests.functions.real_database import RealDatabase, Servers

BACKUPS = Backups(
    bucket="landing",
    locked_bucket="locked",
    drill_bucket="drills",
    instances={"chat": ("app",)},
    known={
        "chat/app": Database(
            append_only=frozenset({"public.messages"}),
            newest_row="SELECT max(sent_at) FROM messages",
            checks={"bodies": "SELECT count(*) = count(body) FROM messages"},
        )
    },
)


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RealDatabase]:
    servers, cloud = Servers(tmp_path), FakeCloud(environment=replace(environment(), backups=BACKUPS))
    servers.start()
    monkeypatch.setenv(EMULATOR_VARIABLE, servers.storage.url)
    servers.connect(cloud)
    try:
        yield RealDatabase(cloud, servers.admin, servers.client)
    finally:
        servers.stop()
