"""The reference backend passes its own tests from a clean install, in memory and on a real PostgreSQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.dockerfiles.node_service import clean_install, names_no_host, own_tests


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_install("backend", tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    postgres = PostgreSQL(tmp_path_factory.mktemp("postgres") / "server.log")
    postgres.start()
    yield postgres
    postgres.stop()


@pytest.fixture(scope="module")
def in_memory(backend: Path) -> dict[str, int]:
    return own_tests(backend)


def test_its_own_tests_pass_in_memory(in_memory: dict[str, int]) -> None:
    assert in_memory["pass"] > 0


def test_on_postgresql_the_same_pass_and_those_that_need_it(
    backend: Path, in_memory: dict[str, int], database: PostgreSQL
) -> None:
    passed = own_tests(backend, DATABASE_URL=database.url())
    assert passed == {"pass": in_memory["pass"] + in_memory["skipped"], "skipped": 0}
    assert in_memory["skipped"] > 0


def test_its_lock_file_names_no_host() -> None:
    assert names_no_host("backend")
