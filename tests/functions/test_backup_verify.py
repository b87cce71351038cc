"""No export is called good unread, none is read twice, and silence pages."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.backup_verify.handler import handle
from scripts.local_cloud.sql.spoiling import Spoiled
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups, Database
from shared.errors import InvalidEvent, Unavailable
from shared.events.message import Message
from tests.backup.dumps import GOOD, GOOD_TABLES, NINE, dump_text, zipped
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c
from tests.functions.real_database import RealDatabase

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
KNOWN = Database(append_only=frozenset({"public.messages"}))
BACKUPS = Backups(bucket="landing", instances={"chat": ("app",)}, known={"chat/app": KNOWN})
CHECK = Message(id="c", topic="backup-checks", published_at=NIGHT, data=b"{}")


def key(night: datetime) -> str:
    return f"exports/chat/app/{night:%Y%m%dT%H%M%SZ}.sql.gz"


def finalized(name: str, content: bytes, *, bucket: str = "landing", **changes: Any) -> Message:
    size, checksum = str(len(content)), crc32c(content)
    body = {"bucket": bucket, "name": name, "generation": "7", "size": size, "crc32c": checksum}
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
    return finalized(key(night), content)


TWICE_AS_MANY = zipped(dump_text({**GOOD_TABLES, "public.messages": [*GOOD_TABLES["public.messages"]] * 2}))


def lock(cloud: FakeCloud) -> None:
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, locked_bucket="locked"))


@contextmanager
def dying_before(cloud: FakeCloud, folder: str) -> Iterator[None]:
    """Inside, the function dies before it enters anything into that folder of the ledger."""
    real = cloud.ledger.append

    def append(name: str, entry: bytes) -> bool:
        if name.startswith(folder):
            raise Unavailable("gone")
        return real(name, entry)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cloud.ledger, "append", append)
        yield


def told(cloud: FakeCloud) -> list[tuple[str, str]]:
    rows = cloud.messages.on("rollout-events")
    return [(row.attributes["kind"], row.attributes["severity"]) for row in rows]


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


def test_what_took_an_exports_place_after_it_was_read_is_not_locked_in_its_name(cloud: FakeCloud) -> None:
    lock(cloud)
    message, real = export(cloud, zipped(GOOD)), cloud.objects.pieces

    def replaced(bucket: str, name: str, generation: int, size: int) -> Iterator[bytes]:
        yield from real(bucket, name, generation, size)
        cloud.objects.contents[bucket, name, 8] = b"unread"
        del cloud.objects.contents[bucket, name, 7]

    cloud.objects.pieces = replaced  # type: ignore[method-assign, assignment]
    assert handle(message, cloud).startswith("gone")
    assert [place for place in cloud.objects.contents if place[0] == "locked"] == []
    assert told(cloud) == []


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
    assert cloud.ledger.keys("catalogue/") == ()
    cloud.messages.down = False
    assert handle(message, cloud).startswith("verified")


def test_a_verdict_that_was_told_stands_although_the_night_before_is_entered_after_it(cloud: FakeCloud) -> None:
    """The night before has twice the messages: whoever judged again would call this one broken."""
    lock(cloud)
    before, message = export(cloud, TWICE_AS_MANY, NIGHT - DAY), export(cloud, zipped(GOOD))
    with dying_before(cloud, "catalogue/"), pytest.raises(Unavailable):
        handle(message, cloud)
    assert handle(before, cloud).startswith("verified")
    assert handle(message, cloud).startswith("verified")
    assert told(cloud) == [("export.verified", "info")] * 3, "twice of one, by one key"
    assert {name for bucket, name, _ in cloud.objects.contents if bucket == "locked"} == {key(NIGHT), key(NIGHT - DAY)}


def test_of_two_that_read_at_the_same_time_the_first_verdict_stands(cloud: FakeCloud) -> None:
    before, message = export(cloud, TWICE_AS_MANY, NIGHT - DAY), export(cloud, zipped(GOOD))
    real = cloud.objects.pieces

    def overtaken(bucket: str, name: str, generation: int, size: int) -> Iterator[bytes]:
        cloud.objects.pieces = real  # type: ignore[method-assign]
        yield from real(bucket, name, generation, size)
        handle(message, cloud)
        handle(before, cloud)

    cloud.objects.pieces = overtaken  # type: ignore[method-assign, assignment]
    assert handle(message, cloud).startswith("verified")
    assert ("export.broken", "page") not in told(cloud)


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


def test_an_export_that_was_replaced_before_it_was_read_is_left_to_its_successor(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents.clear()
    assert handle(message, cloud).startswith("gone: generation")
    assert cloud.ledger.objects == {}


def test_bytes_that_changed_on_the_way_are_not_good_however_whole_they_look(cloud: FakeCloud) -> None:
    message = export(cloud, zipped(GOOD))
    cloud.objects.contents["landing", key(NIGHT), 7] = zipped(GOOD.replace("User 7", "User 8"))
    body = {**json.loads(message.data), "size": str(len(cloud.objects.contents["landing", key(NIGHT), 7]))}
    assert handle(message._replace(data=json.dumps(body).encode()), cloud).startswith("broken")
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert [fault["kind"] for fault in entry["faults"]] == ["read_differs"]


def count(cloud: FakeCloud, answer: str, ago: timedelta = timedelta(minutes=10)) -> None:
    """What the source had so long before the night's export."""
    counts = f"counts/chat/app/{NIGHT:%Y%m%dT%H%M%SZ}.csv"
    cloud.databases.rows["count"] = Operation(
        name="count",
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=NIGHT - ago,
        done=True,
        uri=f"gs://landing/{counts}",
    )
    cloud.objects.contents["landing", counts, 1] = answer.encode()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ("rows,public.messages,1000\n", "verified"),
        ("rows,public.messages,1001\n", "broken"),
        ("rows,public.rooms,39\n", "broken"),
        ("rows,public.never_seen,0\n", "broken"),
        ("not,a\n", "verified"),
    ],
)
def test_the_first_night_is_compared_with_what_the_source_had(cloud: FakeCloud, answer: str, outcome: str) -> None:
    count(cloud, answer)
    assert handle(export(cloud, zipped(GOOD)), cloud).startswith(outcome)


def test_what_the_source_had_is_entered_with_the_export(cloud: FakeCloud) -> None:
    count(cloud, "rows,public.messages,990\nnewest,,86400\n")
    handle(export(cloud, zipped(GOOD)), cloud)
    [entry] = (json.loads(cloud.ledger.objects[name]) for name in cloud.ledger.keys("catalogue/"))
    assert entry["source"] == {
        "at": (NIGHT - timedelta(minutes=10)).isoformat(),
        "rows": {"public.messages": 990},
        "newest": "1970-01-02T00:00:00+00:00",
    }


def test_a_count_of_hours_ago_says_nothing_of_what_may_be_deleted(cloud: FakeCloud) -> None:
    count(cloud, "rows,public.rooms,500\n", ago=timedelta(hours=3))
    assert handle(export(cloud, zipped(GOOD)), cloud).startswith("verified")


def test_two_databases_are_held_to_what_is_known_of_each(cloud: FakeCloud) -> None:
    known = {"chat/app": KNOWN, "chat/logs": Database(retired=frozenset({"public.rooms"}))}
    backups = replace(BACKUPS, instances={"chat": ("app", "logs")}, known=known)
    cloud.environment = replace(cloud.environment, backups=backups)
    outcomes: dict[str, list[str]] = {}
    for database in ("app", "logs"):
        fewer = {name: rows[:-1] for name, rows in GOOD_TABLES.items() if name != "public.rooms"}
        for night, text in ((NIGHT - DAY, GOOD), (NIGHT, dump_text(fewer))):
            name = key(night).replace("/app/", f"/{database}/")
            row = Operation(name=name, kind=OperationKind.EXPORT, instance="chat", asked_at=night, done=True,
                            uri=f"gs://landing/{name}")  # fmt: skip
            cloud.databases.rows[name] = row
            cloud.objects.contents["landing", name, 7] = zipped(text)
            handle(finalized(name, zipped(text)), cloud)
        last = json.loads(cloud.ledger.objects[cloud.ledger.keys(f"catalogue/chat/{database}/")[-1]])
        outcomes[database] = [fault["kind"] for fault in last["faults"]]
    assert outcomes == {"app": ["rows_lost", "table_missing"], "logs": []}


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
