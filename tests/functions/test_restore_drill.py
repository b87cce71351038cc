"""Restored for real, compared row by row, and gone afterwards, whatever happened in between."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from functions.backup_verify.handler import handle as backup_verify
from functions.restore_drill.handler import handle
from shared.backup import catalogue
from shared.backup.dump import read_dump
from shared.backup.names import ExportName
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Database
from shared.errors import InvalidEvent, NotFound
from shared.events.message import Message
from tests.backup.dumps import GOOD, zipped
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import crc32c
from tests.functions.conftest import BACKUPS
from tests.functions.real_database import RealDatabase

NIGHT = datetime(2026, 11, 22, tzinfo=UTC)
BEGAN = NIGHT + timedelta(hours=3)
DRILL = "drill-chat-20261122030000"
REQUEST = Message(id="r", topic="drill-requests", published_at=BEGAN, data=b"{}")
TICK = Message(id="t", topic="drill-ticks", published_at=BEGAN, data=b"{}")
NAME = ExportName(instance="chat", database="app", night=NIGHT)
STEM = "drills/chat/20261122T030000Z"


@pytest.fixture
def cloud() -> FakeCloud:
    """A night with a verified export, kept and entered."""
    clock, content = FakeClock(BEGAN), zipped(GOOD)
    backups = replace(BACKUPS, known={})
    made = FakeCloud(
        environment=replace(environment(), backups=backups), clock=clock, databases=FakeDatabases(clock=clock)
    )
    enter(made, content)
    return made


def enter(cloud: FakeCloud, content: bytes, crc: str = "") -> None:
    entry = catalogue.Entry(
        name=NAME,
        bucket="landing",
        generation=7,
        crc32c=crc or crc32c(content),
        verified_at=NIGHT + timedelta(hours=2),
        report=read_dump([content]),
    )
    cloud.objects.contents["locked", NAME.key, 1] = content
    cloud.ledger.objects["catalogue/chat/app/20261122T000000Z-1-7.json"] = catalogue.encode(entry)


def end_all(
    cloud: FakeCloud, *, counts: str = "", tables: str = "0", problems: dict[OperationKind, str] | None = None
) -> None:
    """Every operation ends, and the queries among them write what they found."""
    for name, row in list(cloud.databases.rows.items()):
        if row.done:
            continue
        cloud.databases.end(name, (problems or {}).get(row.kind, ""))
        if row.kind is OperationKind.EXPORT:
            bucket, key = row.uri.removeprefix("gs://").split("/", 1)
            answer = tables if key.endswith("check_empty.csv") else counts or good_counts()
            cloud.objects.contents[bucket, key, 1] = answer.encode()


def good_counts() -> str:
    return "".join(f"rows,{table},{rows}\n" for table, rows in read_dump([zipped(GOOD)]).rows.items())


def run(cloud: FakeCloud, ticks: int = 12, **ending: object) -> list[str]:
    outcomes = [handle(REQUEST, cloud)]
    for _ in range(ticks):
        end_all(cloud, **ending)  # type: ignore[arg-type]
        cloud.clock.time += timedelta(minutes=5)
        outcomes.append(handle(TICK, cloud))
    return outcomes


def told(cloud: FakeCloud) -> list[tuple[str, str]]:
    rows = cloud.messages.on("rollout-events")
    return [(row.attributes["kind"], row.attributes["severity"]) for row in rows]


def test_a_drill_goes_one_step_with_each_message_and_leaves_nothing(cloud: FakeCloud) -> None:
    steps = [outcome.partition(":")[0] for outcome in run(cloud)]
    assert steps[:8] == ["create", "create_database", "check_empty", "import", "count", "passed", "delete", "idle"]
    assert cloud.databases.names == {"chat"}
    assert cloud.databases.admitted == {(DRILL, "drills")}
    assert told(cloud) == [("drill.passed", "info")]
    report = json.loads(cloud.ledger.objects[f"{STEM}-passed.json"])
    assert (
        report["rows_restored"]
        == report["rows_in_file"]
        == {
            "public.messages": 1000,
            "public.rooms": 20,
            "public.users": 200,
        }
    )
    assert "**It passed**: 1,220 rows in 3 tables" in cloud.ledger.objects[f"{STEM}-report.md"].decode()


def test_a_request_that_comes_again_starts_nothing(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    assert handle(REQUEST, cloud) == f"waiting: {DRILL}"
    run(cloud)
    assert handle(REQUEST, cloud).startswith("duplicate")
    created = [row for row in cloud.databases.rows.values() if row.kind is OperationKind.CREATE]
    assert len(created) == 1


def test_a_request_may_name_one_instance_and_must_name_one_that_is_configured(cloud: FakeCloud) -> None:
    assert handle(REQUEST._replace(attributes={"instance": "other"}), cloud).startswith("not_ours")
    assert handle(REQUEST._replace(attributes={"instance": "chat"}), cloud).startswith("create")


def test_an_old_request_and_one_during_a_drill_start_nothing(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    later = REQUEST._replace(published_at=BEGAN + timedelta(minutes=1))
    assert handle(later, cloud) == f"busy: {DRILL} is not over."
    cloud.clock.time = BEGAN + timedelta(days=1)
    assert handle(later, cloud).startswith("stale")


def test_without_a_verified_export_the_drill_has_failed(cloud: FakeCloud) -> None:
    cloud.ledger.objects.clear()
    assert handle(REQUEST, cloud).startswith("nothing_to_restore")
    assert told(cloud) == [("drill.failed", "page")]
    assert cloud.databases.names == {"chat"}


@pytest.mark.parametrize("kind", [OperationKind.CREATE_DATABASE, OperationKind.IMPORT, OperationKind.EXPORT])
def test_a_failed_step_is_reported_and_the_instance_goes_all_the_same(cloud: FakeCloud, kind: OperationKind) -> None:
    run(cloud, problems={kind: "no disk"})
    assert cloud.databases.names == {"chat"}
    assert told(cloud) == [("drill.failed", "page")]
    [problem] = json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"]
    assert problem.endswith("failed: no disk.")


def test_rows_that_are_not_those_of_the_file_fail_the_drill(cloud: FakeCloud) -> None:
    run(cloud, counts=good_counts().replace("public.messages,1000", "public.messages,999"))
    assert told(cloud) == [("drill.failed", "page")]
    [problem] = json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"]
    assert problem == "public.messages has 999 rows; the file has 1000."
    assert cloud.databases.names == {"chat"}


def test_nothing_is_restored_over_what_is_there_already(cloud: FakeCloud) -> None:
    run(cloud, tables="3")
    assert not [row for row in cloud.databases.rows.values() if row.kind is OperationKind.IMPORT]
    assert "was not empty" in json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"][0]
    assert cloud.databases.names == {"chat"}


@pytest.mark.parametrize(("kept", "problem"), [(b"other bytes", "is not the file"), (None, "is not in locked")])
def test_what_is_kept_must_be_what_was_verified(cloud: FakeCloud, kept: bytes | None, problem: str) -> None:
    del cloud.objects.contents["locked", NAME.key, 1]
    if kept is not None:
        cloud.objects.contents["locked", NAME.key, 1] = kept
    run(cloud)
    assert problem in json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"][0]
    assert cloud.databases.names == {"chat"}


def test_the_deadline_ends_a_drill_that_hangs(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    handle(TICK, cloud)
    cloud.clock.time += timedelta(hours=5)
    outcomes = [handle(TICK, cloud)]
    assert outcomes[0].startswith("failed")
    assert told(cloud)[0] == ("drill.failed", "page")
    cloud.databases.rows = {name: replace(row, done=True) for name, row in cloud.databases.rows.items()}
    handle(TICK, cloud)
    end_all(cloud)
    assert cloud.databases.names == {"chat"}


def test_an_instance_that_no_ledger_knows_is_swept_and_pages(cloud: FakeCloud) -> None:
    cloud.databases.names.add("drill-chat-20261101030000")
    assert handle(TICK, cloud) == "swept: drill-chat-20261101030000"
    assert told(cloud) == [("drill.leftover", "page")]
    end_all(cloud)
    assert cloud.databases.names == {"chat"}


def gone_after(cloud: FakeCloud, lists: int) -> None:
    """Somebody deletes the throw-away instances after they were listed so many times."""
    instances, left = cloud.databases.instances, [lists]

    def listed() -> frozenset[str]:
        seen, left[0] = instances(), left[0] - 1
        if left[0] == 0:
            cloud.databases.names = {"chat"}
        return seen

    cloud.databases.instances = listed  # type: ignore[method-assign]


@pytest.mark.parametrize(
    ("lists", "outcome"),
    [
        (1, f"gone: drill-chat-20261101030000; over: {DRILL}"),
        (2, f"swept: drill-chat-20261101030000; gone: {DRILL} before delete"),
    ],
)
def test_an_instance_that_goes_between_the_list_and_its_deletion_is_gone(
    cloud: FakeCloud, lists: int, outcome: str
) -> None:
    handle(REQUEST, cloud)
    end_all(cloud, problems={OperationKind.CREATE: "no quota"})
    assert handle(TICK, cloud).startswith("failed")
    cloud.databases.names.add("drill-chat-20261101030000")
    gone_after(cloud, lists)
    assert handle(TICK, cloud) == outcome
    assert handle(TICK, cloud).startswith("idle")


def test_an_instance_of_a_lost_drill_that_goes_meanwhile_is_gone(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    cloud.ledger.objects[f"{STEM}-started.json"] = b"{"
    gone_after(cloud, 2)
    assert handle(TICK, cloud) == f"gone: {DRILL} before delete"
    assert handle(TICK, cloud).startswith("idle")
    assert told(cloud) == [("drill.failed", "page")]


def test_an_instance_that_goes_in_mid_drill_fails_it_at_the_next_tick(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    gone_after(cloud, 2)
    assert handle(TICK, cloud) == f"gone: {DRILL} before create_database"
    assert handle(TICK, cloud).startswith("failed")
    assert told(cloud) == [("drill.failed", "page")]


def test_a_source_that_is_not_there_is_our_mistake(cloud: FakeCloud) -> None:
    cloud.databases.names = {"other"}
    with pytest.raises(NotFound):
        handle(REQUEST, cloud)


def test_a_young_instance_of_somebody_else_is_left_alone(cloud: FakeCloud) -> None:
    cloud.databases.names |= {"drill-chat-20261122023000", "chat-2"}
    assert handle(TICK, cloud).startswith("idle")


def test_another_operation_is_waited_for(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    cloud.databases.busy = True
    assert handle(TICK, cloud).startswith("refused: create_database")
    cloud.databases.busy = False
    assert handle(TICK, cloud).startswith("create_database")


def test_a_drill_that_is_due_and_did_not_pass_pages_with_the_checks(cloud: FakeCloud) -> None:
    check = Message(id="c", topic="backup-checks", published_at=BEGAN, data=b"{}")
    cloud.databases.backups["chat"] = BEGAN
    assert "drilled: chat/app" in backup_verify(check, cloud)
    cloud.clock.time = NIGHT + timedelta(days=10)
    assert "drill_missing: chat/app" in backup_verify(check, cloud)
    cloud.ledger.objects[f"drills/chat/{cloud.clock.time:%Y%m%dT%H%M%SZ}-passed.json"] = b"{}"
    assert "drilled: chat/app" in backup_verify(check, cloud)
    assert ("drill.missing", "page") in told(cloud)


def test_what_is_not_ours_is_refused_and_what_is_not_configured_is_said(cloud: FakeCloud) -> None:
    with pytest.raises(InvalidEvent, match="topic"):
        handle(TICK._replace(topic="gcr"), cloud)
    cloud.environment = environment()
    assert handle(TICK, cloud).startswith("not_configured")


def test_the_report_can_be_found_from_what_is_told(cloud: FakeCloud) -> None:
    run(cloud)
    [news] = cloud.messages.on("rollout-events")
    page = json.loads(news.data)["details"]["page"]
    assert page == f"gs://ledger/{STEM}-report.md"
    assert page.removeprefix("gs://ledger/") in cloud.ledger.objects


def test_a_drill_whose_beginning_is_damaged_ends_and_stops_neither_the_sweep_nor_the_next(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    cloud.ledger.objects[f"{STEM}-started.json"] = b"{"
    cloud.databases.names.add("drill-chat-20261101030000")
    outcome = handle(TICK, cloud)
    assert outcome == f"swept: drill-chat-20261101030000; delete: {DRILL}"
    end_all(cloud)
    assert cloud.databases.names == {"chat"}
    assert told(cloud) == [("drill.leftover", "page"), ("drill.failed", "page")]
    assert handle(TICK, cloud).startswith("idle")
    assert handle(REQUEST._replace(published_at=BEGAN + timedelta(minutes=9)), cloud).startswith("create")


def test_one_drill_that_cannot_be_asked_stops_neither_the_sweep_nor_another_drill(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = {"gone": ("app",), "chat": ("app",)}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known={}, instances=instances))
    cloud.databases.names |= {"gone", "drill-chat-20261101030000"}
    entry = cloud.ledger.objects["catalogue/chat/app/20261122T000000Z-1-7.json"]
    cloud.ledger.objects["catalogue/gone/app/20261122T000000Z-1-7.json"] = entry
    handle(REQUEST, cloud)
    end_all(cloud)
    real = cloud.databases.operations

    def operations(instance: str) -> tuple[Operation, ...]:
        if "gone" in instance:
            raise PermissionError("403")
        return real(instance)

    monkeypatch.setattr(cloud.databases, "operations", operations)
    with pytest.raises(PermissionError):
        handle(TICK, cloud)
    asked = {(row.kind, row.instance) for row in cloud.databases.rows.values() if not row.done}
    assert asked == {(OperationKind.DELETE, "drill-chat-20261101030000"), (OperationKind.CREATE_DATABASE, DRILL)}


@pytest.mark.parametrize(
    ("left", "source"),
    [
        ("drill-chat-eu-20261101030000", "chat-eu"),
        ("drill-chat-20261101030000", "chat"),
        ("drill-chat--1-20261101030000", "chat"),
        ("drill-former-20261101030000", "chat"),
    ],
)
def test_a_leftover_pages_for_the_instance_it_is_of_and_every_night_it_stays(
    cloud: FakeCloud, left: str, source: str
) -> None:
    instances = {"chat": ("app", "logs"), "chat-eu": ("app",)}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known={}, instances=instances))
    cloud.databases.names |= {"chat-eu", left}
    cloud.databases.busy = True
    keys = set()
    for _ in range(4):
        assert handle(TICK, cloud).startswith("refused")
        cloud.clock.pass_(timedelta(hours=12))
    for news in cloud.messages.on("rollout-events"):
        assert json.loads(news.data)["details"]["instance"] == source
        keys.add(json.loads(news.data)["key"])
    assert len(keys) == 2, "one for each day"


def test_a_quiet_database_passes(cloud: FakeCloud) -> None:
    known = {"chat/app": Database(newest_row="SELECT max(sent_at) FROM messages")}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known=known))
    quiet = (NIGHT - timedelta(hours=40)).timestamp()
    run(cloud, counts=f"{good_counts()}newest,,{quiet}\n")
    assert told(cloud) == [("drill.passed", "info")]
    body = json.loads(cloud.ledger.objects[f"{STEM}-passed.json"])
    assert (body["loss_seconds"], body["newest_row_age_seconds"]) == (3 * 3600, 40 * 3600)


SEED = """
CREATE TABLE users(id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE messages(id bigserial PRIMARY KEY, body text NOT NULL, sent_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE "Odd; 'name'"(id int);
CREATE TABLE parted(id int) PARTITION BY RANGE (id);
CREATE TABLE parted_one PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE EXTENSION pg_trgm;
INSERT INTO users(name) SELECT 'Ünïcode ' || g FROM generate_series(1, 50) g;
INSERT INTO messages(body, sent_at) SELECT E'\\\\.\\n' || g, now() - interval '1 hour' FROM generate_series(1, 500) g;
INSERT INTO parted VALUES (1), (2);
"""


@pytest.mark.no_cover
def test_a_real_export_is_restored_for_real_and_one_that_was_replaced_is_not(real: RealDatabase) -> None:
    real.admin.add_instance("chat", databases=("app",)).query(SEED, "app")
    assert real.night().startswith("verified")
    began = datetime.now(UTC).replace(microsecond=0)
    outcomes = real.drill(began)
    failed = real.cloud.ledger.read(f"drills/chat/{began:%Y%m%dT%H%M%SZ}-failed.json")
    assert outcomes[-3].startswith("passed"), failed
    assert real.cloud.databases.instances() == {"chat"}
    passed = f"drills/chat/{began:%Y%m%dT%H%M%SZ}-passed.json"
    report = json.loads(real.cloud.ledger.read(passed) or b"{}")
    assert report["rows_restored"] == report["rows_in_file"]
    assert report["rows_restored"]["public.messages"] == 500
    assert report["rows_restored"]["public.\"Odd; 'name'\""] == 0
    assert report["checks"] == {"bodies": True}
    assert 0 <= report["loss_seconds"] < 60
    assert 3590 < report["newest_row_age_seconds"] < 3720
    assert report["rows_at_source_before"] == report["rows_in_file"]
    assert set(report["steps_seconds"]) == {"create", "create_database", "import"}

    # The same night's catalogue, and a file that lost a row after it was read.
    real.admin.database("chat").query("DELETE FROM users WHERE id = 7", "app")
    fewer = gzip.compress(real.admin.database("chat").dump("app"))
    blob = real.client.bucket("locked").blob(next(iter(real.client.list_blobs("locked"))).name)
    blob.upload_from_string(fewer)
    later = began + timedelta(minutes=1)
    assert any(outcome.startswith("failed") for outcome in real.drill(later))
    failed = json.loads(real.cloud.ledger.read(f"drills/chat/{later:%Y%m%dT%H%M%SZ}-failed.json") or b"{}")
    assert "is not the file that was verified" in failed["problems"][0]
    assert real.cloud.databases.instances() == {"chat"}


USERS = "CREATE TABLE users(id int PRIMARY KEY); INSERT INTO users SELECT generate_series(1, 50);"
# It holds in a database that is there, and not while one is being filled: a real dump that no server takes back.
UNRESTORABLE = """
CREATE FUNCTION is_user(id int) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM users u WHERE u.id = $1)';
CREATE TABLE admins(id int CHECK (is_user(id)));
INSERT INTO admins VALUES (1);
"""


def drill_through(real: RealDatabase, began: datetime, *, after_import: str = "") -> list[str]:
    """The problems of the drill; after_import: SQL for the throw-away instance between the import and the count."""
    name = f"drill-chat-{began:%Y%m%d%H%M%S}"

    def meddle(outcome: str) -> None:
        if after_import and outcome.startswith("import: "):
            real.admin.database(name).query(after_import, "app")

    real.drill(began, after=meddle)
    assert real.cloud.databases.instances() == {"chat"}
    report = real.cloud.ledger.read(f"drills/chat/{began:%Y%m%dT%H%M%SZ}-failed.json")
    assert report is not None
    problems: list[str] = json.loads(report)["problems"]
    return problems


@pytest.mark.no_cover
def test_what_is_wrong_with_a_real_restore_is_told_for_what_it_is(real: RealDatabase) -> None:
    app = real.admin.add_instance("chat", databases=("app",))
    app.query(USERS, "app")
    known = {"chat/app": Database(checks={"nobody": "SELECT count(*) = 0 FROM users"})}
    real.cloud.environment = replace(real.cloud.environment, backups=replace(BACKUPS, known=known))
    assert real.night().startswith("verified")
    began = datetime.now(UTC).replace(microsecond=0)
    assert drill_through(real, began, after_import="DELETE FROM users WHERE id = 7") == [
        "public.users has 49 rows; the file has 50.",
        'The check "nobody" is not true.',
    ]
    app.query(UNRESTORABLE, "app")
    assert real.night().startswith("verified"), "the file is whole: only a restore shows that it cannot be had back"
    [problem] = drill_through(real, began + timedelta(minutes=1))
    assert problem.startswith("Import failed: ERROR_RDBMS")
    assert "users" in problem
