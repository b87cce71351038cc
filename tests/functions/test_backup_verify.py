"""No export is called good unread, none is read twice, and silence pages."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.backup_verify.handler import handle
from scripts.local_cloud.sql.spoiling import Spoiled
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups
from shared.errors import InvalidEvent, Unavailable
from shared.events.message import Message
from shared.runtime.ledger_keys import ledger_key
from tests.backup.dumps import GOOD, NINE, zipped
from tests.fakes import FakeClock, FakeCloud, FakeDatabases, crc32c, environment
from tests.functions.real_database import RealDatabase

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
BACKUPS = Backups(bucket="landing", instances={"chat": ("app",)}, append_only=frozenset({"public.messages"}))
CHECK = Message(id="c", topic="backup-checks", published_at=NIGHT, data=b"{}")


def key(night: datetime) -> str:
    return f"exports/chat/app/{night:%Y%m%dT%H%M%SZ}.sql.gz"


def finalized(name: str, size: int, *, generation: int = 7, bucket: str = "landing", **changes: Any) -> Message:
    body = {"bucket": bucket, "name": name, "generation": str(generation), "size": str(size), "crc32c": "AAAAAA=="}
    return Message(
        id="m",
        topic="backup-objects",
        published_at=NIGHT + timedelta(hours=3),
        data=json.dumps(body | changes).encode(),
        attributes={"eventType": "OBJECT_FINALIZE"},
    )


@pytest.fixture
def cloud() -> FakeCloud:
    clock = FakeClock(NIGHT + timedelta(hours=3))
    databases = FakeDatabases(clock=clock, backups={"chat": NIGHT + timedelta(hours=1)})
    return FakeCloud(environment=replace(environment(), backups=BACKUPS), clock=clock, databases=databases)


def export(cloud: FakeCloud, content: bytes, night: datetime = NIGHT, *, done: bool = True) -> Message:
    """As Cloud SQL leaves it: an operation, an object and its notification."""
    name = f"export-{night:%d}"
    cloud.databases.rows[name] = Operation(
        name=name,
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=night,
        done=done,
        uri=f"gs://landing/{key(night)}",
    )
    cloud.objects.contents["landing", key(night), 7] = content
    return finalized(key(night), len(content))


def told(cloud: FakeCloud) -> list[tuple[str, str]]:
    rows = cloud.messages.on("rollout-events")
    return [(row.attributes["kind"], row.attributes["severity"]) for row in rows]


def test_a_good_export_is_entered_and_told(cloud: FakeCloud) -> None:
    assert handle(export(cloud, zipped(GOOD)), cloud) == f"verified: {key(NIGHT)}"
    assert told(cloud) == [("export.verified", "info")]
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert (entry["good"], entry["generation"], entry["crc32c"]) == (True, 7, "AAAAAA==")
    assert entry["rows"] == {"public.messages": 1000, "public.rooms": 20, "public.users": 200}


@pytest.mark.parametrize("broken", NINE, ids=lambda broken: broken.name)
def test_a_broken_export_is_never_called_good_and_pages_with_its_reason(cloud: FakeCloud, broken: Spoiled) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - DAY), cloud)
    cloud.messages.published.clear()
    assert handle(export(cloud, broken.spoil(zipped(GOOD))), cloud) == f"broken: {key(NIGHT)}"
    assert told(cloud) == [("export.broken", "page")]
    entry = json.loads(cloud.ledger.objects[cloud.ledger.keys("catalogue/")[-1]])
    assert not entry["good"]
    assert broken.caught_as in [fault["kind"] for fault in entry["faults"]]


def test_a_good_export_is_kept_where_nobody_can_delete_it_and_a_broken_one_is_not(cloud: FakeCloud) -> None:
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, locked_bucket="locked"))
    for night, content in ((NIGHT - DAY, zipped(GOOD)), (NIGHT, zipped(GOOD)[:-9])):
        export(cloud, content, night)
        handle(finalized(key(night), len(content), crc32c=crc32c(content)), cloud)
    assert [place for place in cloud.objects.contents if place[0] == "locked"] == [("locked", key(NIGHT - DAY), 1)]


def test_a_copy_of_other_bytes_than_those_that_were_read_is_not_good(cloud: FakeCloud) -> None:
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, locked_bucket="locked"))
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents["locked", key(NIGHT), 1] = b"older"
    assert handle(message, cloud).startswith("broken")
    assert told(cloud) == [("export.broken", "page")]


def test_an_export_is_read_once_however_often_it_is_told_of(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    handle(message, cloud)
    assert handle(message, cloud).startswith("duplicate")
    assert len(told(cloud)) == 1


def test_an_object_whose_operation_still_runs_comes_again_later(cloud: FakeCloud) -> None:
    with pytest.raises(Unavailable, match="has not ended"):
        handle(export(cloud, zipped(GOOD), done=False), cloud)
    assert cloud.ledger.objects == {}


def test_an_object_put_there_by_another_hand_is_not_good(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.databases.rows.clear()
    assert handle(message, cloud).startswith("broken")
    assert told(cloud) == [("export.broken", "page")]


def test_nothing_is_entered_when_it_could_not_be_told(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.messages.down = True
    with pytest.raises(Unavailable):
        handle(message, cloud)
    assert cloud.ledger.objects == {}
    cloud.messages.down = False
    assert handle(message, cloud).startswith("verified")


@pytest.mark.parametrize(
    "message",
    [
        finalized("somebody/else.txt", 1),
        finalized(key(NIGHT), 1, bucket="another"),
        finalized("exports/chat/unknown/20261123T000000Z.sql.gz", 1),
    ],
)
def test_other_objects_are_left_alone(cloud: FakeCloud, message: Message) -> None:
    assert handle(message, cloud).startswith("not_ours")


def test_other_notifications_are_ignored_and_unreadable_ones_refused(cloud: FakeCloud) -> None:
    assert handle(CHECK._replace(topic="backup-objects", attributes={"eventType": "OBJECT_DELETE"}), cloud).startswith(
        "not_written"
    )
    with pytest.raises(InvalidEvent, match="size"):
        handle(finalized(key(NIGHT), -1), cloud)
    with pytest.raises(InvalidEvent, match="topic"):
        handle(CHECK._replace(topic="gcr"), cloud)


def test_a_fresh_verified_export_and_backup_are_silent(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD)), cloud)
    cloud.messages.published.clear()
    assert handle(CHECK, cloud) == "fresh: chat/app; backed_up: chat"
    assert told(cloud) == []


def test_the_absence_of_a_verified_export_pages_although_a_broken_one_is_fresh(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - 3 * DAY), cloud)
    handle(export(cloud, zipped("")), cloud)
    cloud.messages.published.clear()
    assert handle(CHECK, cloud) == "missing: chat/app; backed_up: chat"
    assert told(cloud) == [("export.missing", "page")]
    [news] = cloud.messages.on("rollout-events")
    assert "the last is of 2026-11-20 00:00 UTC" in json.loads(news.data)["text"]


def test_a_missing_cloud_sql_backup_pages_by_its_own_name_and_once_a_night(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD)), cloud)
    cloud.databases.backups.clear()
    cloud.messages.published.clear()
    handle(CHECK, cloud)
    [news] = cloud.messages.on("rollout-events")
    assert news.attributes["kind"] == "backup.missing"
    cloud.ledger.append(ledger_key(json.loads(news.data)["key"]), news.data)
    handle(CHECK, cloud)
    assert len(told(cloud)) == 1


def test_without_databases_there_is_nothing_to_do(cloud: FakeCloud) -> None:
    cloud.environment = environment()
    assert handle(CHECK, cloud).startswith("not_configured")


def test_nights_on_a_real_database_are_verified_and_a_spoilt_one_is_not(real: RealDatabase) -> None:
    app = real.admin.add_instance("chat", databases=("app",))
    app.query("CREATE TABLE messages(id bigserial PRIMARY KEY, body text, sent_at timestamptz DEFAULT now())", "app")
    more = "INSERT INTO messages(body) SELECT md5(g::text) FROM generate_series(1, 2000) g"
    app.query(more, "app")
    assert real.night().startswith("verified")
    app.query(more, "app")
    real.admin.spoil_next_export(lambda good: good[: len(good) // 2])
    assert real.night().startswith("broken")
    app.query("DELETE FROM messages WHERE id > 1900", "app")
    assert real.night().startswith("broken")
    app.query(more, "app")
    assert real.night().startswith("verified")
    assert [kind for kind, _ in told(real.cloud)] == [
        "export.verified",
        "export.broken",
        "export.broken",
        "export.verified",
    ]
    assert len(list(real.client.list_blobs("locked"))) == 2


def test_an_export_that_was_replaced_before_it_was_read_is_left_to_its_successor(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents.clear()
    assert handle(message, cloud).startswith("gone: generation")
    assert cloud.ledger.objects == {}
