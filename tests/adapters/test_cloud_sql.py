"""Cloud SQL Admin over the wire: Google's client against real PostgreSQL servers."""

import gzip
import itertools
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest

from scripts.local_cloud.gapic.http_gate import HttpGate
from scripts.local_cloud.gapic.wire import Call, Fail
from scripts.local_cloud.sql.admin import SqlAdmin
from scripts.local_cloud.sql.objects import Objects
from scripts.local_cloud.storage import FakeGcs
from shared.adapters.cloud_sql import CloudSql
from shared.backup.dump import read_dump
from shared.backup.instance_backups import InstanceBackups
from shared.backup.operations import Operation, OperationKind
from shared.errors import Conflict, NotFound, Throttled, Unavailable
from tests.local_cloud.waiting import wait_until

NUMBERS = itertools.count()
SEED = """
CREATE TABLE users(id bigserial PRIMARY KEY, name text NOT NULL);
CREATE TABLE messages(id bigserial PRIMARY KEY, body text NOT NULL, sent_at timestamptz NOT NULL DEFAULT now());
CREATE FUNCTION shout() RETURNS text LANGUAGE sql AS $$ SELECT 'COPY public.x (id) FROM stdin;' $$;
INSERT INTO users(name) SELECT 'Ünïcode ' || g FROM generate_series(1, 50) g;
INSERT INTO messages(body) SELECT E'-- PostgreSQL database dump complete\\n' || g FROM generate_series(1, 500) g;
"""


@pytest.fixture(scope="module")
def storage() -> Iterator[FakeGcs]:
    running = FakeGcs("landing")
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def admin(storage: FakeGcs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SqlAdmin]:
    running = SqlAdmin(tmp_path_factory.mktemp("sql"), storage.url)
    running.start()
    try:
        running.add_instance("chat", databases=("app",)).query(SEED, "app")
        yield running
    finally:
        running.stop()


@pytest.fixture
def sql(admin: SqlAdmin) -> Iterator[CloudSql]:
    made = CloudSql("demo", f"127.0.0.1:{admin.port}")
    yield made
    admin.release()
    made.close()


def uri() -> str:
    return f"gs://landing/exports/{next(NUMBERS)}.sql.gz"


def ended(sql: CloudSql, name: str) -> Operation:
    wait_until(lambda: sql.operation(name).done, seconds=30)
    return sql.operation(name)


def test_an_export_returns_at_once_and_writes_a_whole_dump(sql: CloudSql, admin: SqlAdmin, storage: FakeGcs) -> None:
    where = uri()
    admin.hold()
    name = sql.export("chat", "app", where)
    assert not sql.operation(name).done
    admin.release()
    operation = ended(sql, name)
    assert operation.succeeded
    assert (operation.kind, operation.instance, operation.uri) == (OperationKind.EXPORT, "chat", where)
    report = read_dump([Objects(storage.url).read(where)])
    assert (report.faults, report.rows) == ((), {"public.messages": 500, "public.users": 50})


def test_an_object_that_exists_fails_the_operation_and_stays_as_it_is(sql: CloudSql, storage: FakeGcs) -> None:
    where = uri()
    Objects(storage.url).write(where, b"the first")
    operation = ended(sql, sql.export("chat", "app", where))
    assert operation.done
    assert not operation.succeeded
    assert "exists already" in operation.problem
    assert Objects(storage.url).read(where) == b"the first"


def test_a_second_export_is_refused_while_one_runs_and_another_operation_is_not(sql: CloudSql, admin: SqlAdmin) -> None:
    admin.hold()
    first = sql.export("chat", "app", uri())
    with pytest.raises(Conflict, match="already in progress"):
        sql.export("chat", "app", uri())
    beside = sql.create_database("chat", f"other{next(NUMBERS)}")
    with pytest.raises(Conflict):
        sql.create_database("chat", f"other{next(NUMBERS)}")
    admin.release()
    assert ended(sql, first).succeeded
    assert ended(sql, beside).succeeded


def test_an_export_is_found_again_among_the_operations_of_its_instance(sql: CloudSql) -> None:
    where = uri()
    name = sql.export("chat", "app", where)
    ended(sql, name)
    assert [row.name for row in sql.operations("chat") if row.uri == where] == [name]
    assert sql.operations("nobody") == ()


def test_an_export_is_restored_into_an_instance_that_is_made_for_it_and_deleted(
    sql: CloudSql, storage: FakeGcs
) -> None:
    where, rows = uri(), f"gs://landing/counts/{next(NUMBERS)}.csv"
    assert ended(sql, sql.export("chat", "app", where)).succeeded
    assert ended(sql, sql.create("drill-chat-20261123020000", "chat")).succeeded
    assert sql.instances() == {"chat", "drill-chat-20261123020000"}
    with pytest.raises(Conflict, match="already exists"):
        sql.create("drill-chat-20261123020000", "chat")
    assert ended(sql, sql.create_database("drill-chat-20261123020000", "app")).succeeded
    refused = ended(sql, sql.load("drill-chat-20261123020000", "app", where))
    assert "required permissions" in refused.problem
    sql.admit("drill-chat-20261123020000", "landing")
    sql.admit("drill-chat-20261123020000", "landing")
    assert ended(sql, sql.load("drill-chat-20261123020000", "app", where)).succeeded
    count = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM messages)"
    assert ended(sql, sql.export_query("drill-chat-20261123020000", "app", count, rows)).succeeded
    assert Objects(storage.url).read(rows) == b"50,500\n"
    assert ended(sql, sql.delete("drill-chat-20261123020000")).succeeded
    assert sql.instances() == {"chat"}


def test_a_damaged_export_is_restored_not_at_all(sql: CloudSql, admin: SqlAdmin) -> None:
    where, database = uri(), f"half{next(NUMBERS)}"
    admin.spoil_next_export(lambda good: gzip.compress(gzip.decompress(good)[:-6000]))
    assert ended(sql, sql.export("chat", "app", where)).succeeded
    assert ended(sql, sql.create_database("chat", database)).succeeded
    assert not ended(sql, sql.load("chat", database, where)).succeeded
    assert admin.database("chat").query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database) == "0\n"


def test_an_import_of_nothing_fails(sql: CloudSql) -> None:
    operation = ended(sql, sql.load("chat", "app", uri()))
    assert "cannot be read" in operation.problem


def test_what_is_not_there_is_not_found(sql: CloudSql) -> None:
    with pytest.raises(NotFound):
        sql.export("nobody", "app", uri())
    with pytest.raises(NotFound):
        sql.operation("no-such-operation")
    with pytest.raises(NotFound):
        sql.create("drill-x-20261123020000", "nobody")


def test_a_cloud_sql_backup_counts_only_when_it_succeeded_and_nobody_asked_for_it(
    sql: CloudSql, admin: SqlAdmin
) -> None:
    assert sql.newest_backup("chat") is None
    night = datetime(2026, 11, 23, 2, 45, tzinfo=UTC)
    admin.add_backup("chat", night)
    admin.add_backup("chat", night - timedelta(days=1))
    admin.add_backup("chat", night + timedelta(days=1), status="FAILED")
    admin.add_backup("chat", night + timedelta(hours=9), kind="ON_DEMAND")
    assert sql.newest_backup("chat") == night


def test_whether_an_instance_makes_backups_by_itself_is_read(sql: CloudSql, admin: SqlAdmin) -> None:
    assert sql.backup_settings("chat") == InstanceBackups(enabled=True, point_in_time=True, log_days=7)
    admin.set_backups("chat", enabled=False, pointInTimeRecoveryEnabled=False, transactionLogRetentionDays=3)
    try:
        assert sql.backup_settings("chat") == InstanceBackups(enabled=False, point_in_time=False, log_days=3)
    finally:
        admin.set_backups("chat", enabled=True, pointInTimeRecoveryEnabled=True, transactionLogRetentionDays=7)
    with pytest.raises(NotFound):
        sql.backup_settings("nobody")


def test_a_server_that_does_not_answer_is_unavailable() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        unreachable = CloudSql("demo", f"127.0.0.1:{deaf.getsockname()[1]}")
        with pytest.raises(Unavailable, match="Cloud SQL"):
            unreachable.export("chat", "app", uri())
        unreachable.close()


@pytest.mark.parametrize(
    ("code", "meant"),
    [(grpc.StatusCode.RESOURCE_EXHAUSTED, Throttled), (grpc.StatusCode.UNAVAILABLE, Unavailable)],
)
def test_a_quota_that_is_used_up_is_told_apart_from_what_may_have_been_done(
    admin: SqlAdmin, code: grpc.StatusCode, meant: type[Unavailable]
) -> None:
    def refuse(_call: Call, _answer: Callable[[], Any]) -> Any:
        raise Fail(code, "not now")

    gate = HttpGate(f"http://127.0.0.1:{admin.port}", refuse)
    gate.start()
    refused = CloudSql("demo", gate.url.removeprefix("http://"))
    try:
        with pytest.raises(Unavailable, match="not now") as caught:
            refused.export("chat", "app", uri())
    finally:
        refused.close()
        gate.stop()
    assert type(caught.value) is meant


def test_the_server_never_runs_as_root(admin: SqlAdmin) -> None:
    owner = admin.database("chat").query("SELECT pg_read_file('/proc/self/status')")
    [uids] = [line.split()[1:] for line in owner.splitlines() if line.startswith("Uid:")]
    assert "0" not in uids
