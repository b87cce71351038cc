"""The reference backend passes its own tests from a clean install, in memory and on a real PostgreSQL."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.tools import required

BACKEND = Path(__file__).parents[2] / "dockerfiles" / "reference" / "backend"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = required("npm", shutil.which("npm"))
    ignored = shutil.ignore_patterns("node_modules", "dist")
    copy = shutil.copytree(BACKEND, tmp_path_factory.mktemp("service") / "backend", ignore=ignored)
    environment = {**os.environ, "npm_config_update_notifier": "false"}
    done = subprocess.run([npm, "ci"], cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return copy


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    postgres = PostgreSQL(tmp_path_factory.mktemp("postgres") / "server.log")
    postgres.start()
    yield postgres
    postgres.stop()


def own_tests(service: Path, **environment: str) -> dict[str, int]:
    """How many passed and how many were skipped. Raises AssertionError when one failed."""
    node = required("node", shutil.which("node"))
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [node, "--test", "--test-reporter=tap"]
    done = subprocess.run(
        command, cwd=service, env=inherited | environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout
    return {name: int(count) for name, count in re.findall(r"^# (pass|skipped) (\d+)$", done.stdout, re.MULTILINE)}


@pytest.fixture(scope="module")
def in_memory(installed: Path) -> dict[str, int]:
    return own_tests(installed)


def test_its_own_tests_pass_in_memory(in_memory: dict[str, int]) -> None:
    assert in_memory["pass"] > 0


def test_on_postgresql_the_same_pass_and_those_that_need_it(
    installed: Path, in_memory: dict[str, int], database: PostgreSQL
) -> None:
    passed = own_tests(installed, DATABASE_URL=database.url())
    assert passed == {"pass": in_memory["pass"] + in_memory["skipped"], "skipped": 0}
    assert in_memory["skipped"] > 0


def test_its_lock_file_names_no_host() -> None:
    assert "resolved" not in (BACKEND / "package-lock.json").read_text()
