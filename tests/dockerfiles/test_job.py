"""The reference job, installed as its container is, deletes on a real PostgreSQL what is too old and nothing else."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.dockerfiles.node_service import REFERENCE

JOB = REFERENCE / "job"
OLD_ROWS = 2500  # more than two batches
SCHEMA = "CREATE TABLE messages (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, sent_at TIMESTAMPTZ NOT NULL);"
INSERT = "INSERT INTO messages (sent_at) SELECT now() - interval '{days} days' FROM generate_series(1, {rows});"


class Ended(NamedTuple):
    status: int
    said: dict[str, object]


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("job") / "packages"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", f"--target={target}"]
    done = subprocess.run([*command, "-r", JOB / "requirements.txt"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    postgres = PostgreSQL(tmp_path_factory.mktemp("postgres") / "server.log")
    postgres.start()
    postgres.query(SCHEMA)
    yield postgres
    postgres.stop()


def run(packages: Path, **environment: str) -> Ended:
    done = subprocess.run(
        [sys.executable, JOB / "main.py"],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(packages), **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    (line,) = done.stdout.splitlines()
    return Ended(done.returncode, json.loads(line))


def test_it_deletes_what_is_too_old_and_nothing_else(packages: Path, database: PostgreSQL) -> None:
    database.query(INSERT.format(days=31, rows=OLD_ROWS) + INSERT.format(days=29, rows=10))
    ended = run(packages, DATABASE_URL=database.url(), RETENTION_DAYS="30")
    assert (ended.status, ended.said["deleted"]) == (0, OLD_ROWS)
    assert database.query("SELECT count(*) FROM messages").strip() == "10"
    again = run(packages, DATABASE_URL=database.url(), RETENTION_DAYS="30")
    assert (again.status, again.said["deleted"]) == (0, 0)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "Can't create a connection"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "RETENTION_DAYS": "0"}, "must be 1 or more"),
    ],
)
def test_it_says_why_it_cannot_and_ends_with_1(packages: Path, environment: dict[str, str], why: str) -> None:
    ended = run(packages, **environment)
    assert (ended.status, ended.said["severity"]) == (1, "ERROR")
    assert why in str(ended.said["message"])


def test_its_requirements_are_pinned() -> None:
    lines = (JOB / "requirements.txt").read_text().splitlines()
    assert lines
    assert [line for line in lines if "==" not in line] == []
