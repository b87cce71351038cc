"""A night of ticks: one export per database, however often and in whatever order the ticks come."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.sql_backup.handler import handle
from shared.config.backups import Backups
from shared.errors import Unavailable
from shared.events.message import Message
from shared.runtime.ledger_keys import ledger_key
from tests.fakes import FakeClock, FakeCloud, FakeDatabases, environment

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
APP = "exports/chat/app/20261123T000000Z.sql.gz"
LOGS = "exports/chat/logs/20261123T000000Z.sql.gz"


def tick(minutes: int = 120) -> Message:
    at = NIGHT + timedelta(minutes=minutes)
    return Message(id=str(minutes), topic="backup-requests", published_at=at, attributes={"job": "sql-backup"})


@pytest.fixture
def cloud() -> FakeCloud:
    clock = FakeClock(NIGHT + timedelta(hours=2))
    backups = Backups(bucket="landing", instances={"chat": ("app", "logs")})
    return FakeCloud(
        environment=replace(environment(), backups=backups), clock=clock, databases=FakeDatabases(clock=clock)
    )


def kinds(cloud: FakeCloud) -> list[str]:
    return [item.attributes["kind"] for item in cloud.messages.on("rollout-events")]


def uris(cloud: FakeCloud) -> list[str]:
    return [row.uri for row in cloud.databases.rows.values()]


def test_one_export_runs_at_a_time_and_the_next_follows_it(cloud: FakeCloud) -> None:
    assert handle(tick(), cloud) == f"started: {APP} by operation operation-1; busy: {LOGS}"
    cloud.databases.end("operation-1")
    assert handle(tick(135), cloud) == f"written: {APP}; started: {LOGS} by operation operation-2"
    assert uris(cloud) == [f"gs://landing/{APP}", f"gs://landing/{LOGS}"]


def test_a_night_of_redelivered_ticks_makes_one_export_each(cloud: FakeCloud) -> None:
    for minutes in (120, 120, 135, 120, 1439):
        handle(tick(minutes), cloud)
        for name in list(cloud.databases.rows):
            cloud.databases.end(name)
    assert sorted(uris(cloud)) == [f"gs://landing/{APP}", f"gs://landing/{LOGS}"]
    assert kinds(cloud) == []


def test_an_operation_of_somebody_else_is_left_to_the_next_tick(cloud: FakeCloud) -> None:
    cloud.databases.busy = True
    assert handle(tick(), cloud).startswith(f"refused: {APP}")
    cloud.databases.busy = False
    assert handle(tick(135), cloud).startswith(f"started: {APP}")


def test_a_failed_export_is_told_and_tried_again_until_a_person_must_look(cloud: FakeCloud) -> None:
    cloud.environment = replace(cloud.environment, backups=Backups(bucket="landing", instances={"chat": ("app",)}))
    for attempt in (1, 2, 3):
        handle(tick(), cloud)
        cloud.databases.end(f"operation-{attempt}", problem="disk full")
        cloud.messages.published.clear()
    assert handle(tick(), cloud) == f"given_up: {APP}"
    assert len(cloud.databases.rows) == 3
    assert kinds(cloud) == ["export.failed"] * 3 + ["export.given_up"]
    assert cloud.messages.published[-1].attributes["severity"] == "page"
    assert "disk full" in json.loads(cloud.messages.published[-1].data)["text"]


def test_what_the_ledger_has_is_not_told_again(cloud: FakeCloud) -> None:
    handle(tick(), cloud)
    cloud.databases.end("operation-1", problem="disk full")
    handle(tick(135), cloud)
    [told] = cloud.messages.on("rollout-events")
    cloud.ledger.append(ledger_key(json.loads(told.data)["key"]), told.data)
    handle(tick(150), cloud)
    assert kinds(cloud) == ["export.failed"]


def test_an_export_that_runs_too_long_pages(cloud: FakeCloud) -> None:
    handle(tick(), cloud)
    cloud.clock.pass_(timedelta(hours=3))
    assert handle(tick(300), cloud).startswith(f"late: {APP}")
    assert kinds(cloud) == ["export.late"]


def test_an_environment_without_databases_says_so(cloud: FakeCloud) -> None:
    cloud.environment = environment()
    assert handle(tick(), cloud).startswith("not_configured")


@pytest.mark.parametrize("crash_at", ["operations", "export"])
@pytest.mark.parametrize("done_before", [False, True])
def test_a_crash_before_or_after_any_call_leaves_one_export(
    cloud: FakeCloud, crash_at: str, done_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = getattr(cloud.databases, crash_at)

    def crash(*arguments: str) -> None:
        if done_before:
            real(*arguments)
        raise Unavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(cloud.databases, crash_at, crash)
        with pytest.raises(Unavailable):
            handle(tick(), cloud)
    handle(tick(), cloud)
    assert uris(cloud) == [f"gs://landing/{APP}"]
