"""What pg_dump really writes of generated databases is called whole, night after night, and nothing of it is missed."""

import gzip
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.local_cloud.sql.postgres import PostgreSQL
from shared.backup import restored
from shared.backup.drill import row_differences
from shared.backup.dump import DumpReport, read_dump
from shared.backup.faults import FaultKind
from shared.backup.trend import Expectation, trend_faults
from tests.backup.dumps import pieces
from tests.backup.generated_databases import Generated

pytestmark = pytest.mark.no_cover

_FOREIGN = "CREATE EXTENSION file_fdw; CREATE SERVER f FOREIGN DATA WRAPPER file_fdw;"
SEEDS = range(36)
NIGHTS = 4


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    running = PostgreSQL(tmp_path_factory.mktemp("pg") / "log")
    running.start()
    yield running
    running.stop()


def dumped(server: PostgreSQL, database: str) -> DumpReport:
    return read_dump(pieces(gzip.compress(server.dump(database), 1), 7001))


def counted(server: PostgreSQL, database: str) -> dict[str, int]:
    return dict(restored.read(server.csv(restored.source_query(""), database)).rows)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_real_dump_is_whole_and_has_every_row_night_after_night(server: PostgreSQL, seed: int) -> None:
    database, generated, nights = f"g{seed}", Generated(seed), list[DumpReport]()
    server.query(f"CREATE DATABASE {database}")
    server.query(generated.create, database)
    for _ in range(NIGHTS if seed % 3 == 0 else 1):
        rows = counted(server, database)
        report = dumped(server, database)
        assert report.faults == ()
        assert report.rows == rows
        expected = Expectation(rows_min=rows, append_only=frozenset(rows) if not nights else frozenset())
        assert trend_faults(report, nights, expected) == ()
        nights.append(report)
        server.query(generated.grow(), database)
    server.query(f"DROP DATABASE {database}")


def test_a_real_dump_is_restored_into_a_database_that_was_empty_and_compared(server: PostgreSQL) -> None:
    server.query("CREATE DATABASE source")
    server.query("CREATE DATABASE target")
    assert server.csv(restored.OBJECTS_QUERY, "target") == b"0\n"
    server.query(Generated(3).create, "source")
    report = dumped(server, "source")
    server.restore(server.dump("source"), "target")
    found = restored.read(server.csv(restored.query(report.rows, "", {}), "target"))
    assert row_differences(report.rows, found.rows, found.members) == ()


@pytest.mark.parametrize(
    "made",
    [
        "CREATE TABLE t()",
        "CREATE TABLE p(a int) PARTITION BY RANGE (a)",
        "CREATE VIEW v AS SELECT 1 AS a",
        "CREATE MATERIALIZED VIEW m AS SELECT 1 AS a",
        "CREATE SEQUENCE s",
        f"{_FOREIGN} CREATE FOREIGN TABLE f(a int) SERVER f OPTIONS (filename '/dev/null')",
    ],
)
def test_whatever_may_be_in_a_database_makes_it_not_empty(server: PostgreSQL, made: str) -> None:
    server.query("DROP DATABASE IF EXISTS used")
    server.query("CREATE DATABASE used")
    server.query(made, "used")
    assert server.csv(restored.OBJECTS_QUERY, "used") == b"1\n"


_CONTROL = "default_version = '1.0'\nrelocatable = true\n"
_SCRIPT = """
CREATE TABLE known_places(id int, name text, own boolean DEFAULT true);
INSERT INTO known_places SELECT g, 'place', false FROM generate_series(1, 8500) g;
SELECT pg_catalog.pg_extension_config_dump('known_places', 'WHERE own');
"""


def test_a_table_that_an_extension_fills_by_itself_is_no_difference(server: PostgreSQL) -> None:
    with tempfile.TemporaryDirectory() as made:
        extension = Path(made) / "extension"
        extension.mkdir()
        (extension / "places.control").write_text(_CONTROL)
        (extension / "places--1.0.sql").write_text(_SCRIPT)
        Path(made).chmod(0o755)  # the server is somebody else
        server.query(f"ALTER SYSTEM SET extension_control_path = '$system:{made}'")
        server.query("SELECT pg_reload_conf()")
        server.query("CREATE DATABASE before_")
        server.query("CREATE DATABASE after_")
        server.query("CREATE EXTENSION places; INSERT INTO known_places VALUES (9001, 'ours');", "before_")
        server.query("CREATE TABLE users AS SELECT g AS id FROM generate_series(1, 5) g", "before_")
        report = dumped(server, "before_")
        server.restore(server.dump("before_"), "after_")
        found = restored.read(server.csv(restored.query(report.rows, "", {}), "after_"))
    assert report.rows == {"public.known_places": 1, "public.users": 5}
    assert row_differences(report.rows, found.rows, found.members) == ()
    assert found.members == {"public.known_places"}


def test_a_table_that_was_emptied_between_count_and_export_is_told_on_the_first_night(server: PostgreSQL) -> None:
    server.query("CREATE DATABASE first")
    server.query("CREATE TABLE settings AS SELECT g AS id FROM generate_series(1, 99) g", "first")
    rows = counted(server, "first")
    server.query("DELETE FROM settings", "first")
    faults = trend_faults(dumped(server, "first"), [], replace(Expectation(), rows_min=rows))
    assert [fault.kind for fault in faults] == [FaultKind.BEHIND_SOURCE]
