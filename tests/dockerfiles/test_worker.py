"""The reference worker passes its own tests from a clean install, on what the backend's migrations make."""

from pathlib import Path

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.dockerfiles.node_service import clean_install, names_no_host, own_tests


def test_its_own_tests_pass_on_postgresql(tmp_path: Path) -> None:
    worker = clean_install("worker", tmp_path)
    database = PostgreSQL(tmp_path / "server.log")
    database.start()
    try:
        passed = own_tests(worker, DATABASE_URL=database.url())
    finally:
        database.stop()
    assert passed["skipped"] == 0
    assert passed["pass"] > 0


def test_its_lock_file_names_no_host() -> None:
    assert names_no_host("worker")
