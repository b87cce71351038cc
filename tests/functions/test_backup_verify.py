"""No export is called good unread, and none is read twice."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from functions.backup_verify.handler import handle
from scripts.local_cloud.sql.spoiling import Spoiled
from shared.errors import InvalidEvent, Unavailable
from shared.events.message import Message
from tests.backup.dumps import GOOD, NINE, zipped
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.objects import crc32c
from tests.functions.announcements import told
from tests.functions.exports import CHECK, DAY, NIGHT, cloud_at_night, export, finalized, key, lock
from tests.functions.real_database import RealDatabase


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


def test_a_good_export_is_entered_and_told(cloud: FakeCloud) -> None:
    assert handle(export(cloud, zipped(GOOD)), cloud) == f"verified: {key(NIGHT)}"
    assert told(cloud) == [("export.verified", "info")]
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert (entry["good"], entry["generation"], entry["crc32c"]) == (True, 7, crc32c(zipped(GOOD)))
    assert entry["asked_at"] == NIGHT.isoformat()
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
    lock(cloud)
    for night, content in ((NIGHT - DAY, zipped(GOOD)), (NIGHT, zipped(GOOD)[:-9])):
        handle(export(cloud, content, night), cloud)
    assert [place for place in cloud.objects.contents if place[0] == "locked"] == [("locked", key(NIGHT - DAY), 1)]


def test_a_copy_of_other_bytes_than_those_that_were_read_is_not_good(cloud: FakeCloud) -> None:
    lock(cloud)
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


@pytest.mark.parametrize(
    "message",
    [
        finalized("somebody/else.txt", b"x"),
        finalized(key(NIGHT), b"x", bucket="another"),
        finalized("exports/chat/unknown/20261123T000000Z.sql.gz", b"x"),
    ],
)
def test_other_objects_are_left_alone(cloud: FakeCloud, message: Message) -> None:
    assert handle(message, cloud).startswith("not_ours")


def test_other_notifications_are_ignored_and_unreadable_ones_refused(cloud: FakeCloud) -> None:
    assert handle(CHECK._replace(topic="backup-objects", attributes={"eventType": "OBJECT_DELETE"}), cloud).startswith(
        "not_written"
    )
    with pytest.raises(InvalidEvent, match="size"):
        handle(finalized(key(NIGHT), b"", size="-1"), cloud)
    with pytest.raises(InvalidEvent, match="topic"):
        handle(CHECK._replace(topic="gcr"), cloud)


def test_without_databases_there_is_nothing_to_do(cloud: FakeCloud) -> None:
    cloud.environment = environment()
    assert handle(CHECK, cloud).startswith("not_configured")


def test_a_damaged_entry_of_the_catalogue_is_told_and_keeps_no_later_night_from_being_read(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - 2 * DAY), cloud)
    cloud.ledger.objects["catalogue/chat/app/20261122T000000Z-1-7.json"] = b"{"
    cloud.messages.published.clear()
    assert handle(export(cloud, zipped(GOOD)), cloud).startswith("verified")
    assert ("export.entry_damaged", "warning") in told(cloud)


def test_reading_that_takes_half_of_what_it_may_pages_before_it_takes_all(cloud: FakeCloud) -> None:
    message, real = export(cloud, zipped(GOOD)), cloud.objects.pieces

    def slowly(bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        cloud.clock.pass_(timedelta(seconds=301))
        yield from real(bucket, key, generation, size)

    cloud.objects.pieces = slowly  # type: ignore[method-assign]
    assert handle(message, cloud).startswith("verified")
    assert told(cloud) == [("export.slow", "page"), ("export.verified", "info")]


@pytest.mark.no_cover
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
