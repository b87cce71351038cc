"""Every image, built once by its own Dockerfile on stand-in bases, and what was measured on the way."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.containers.bases import make_bases
from scripts.containers.engine import Engine, missing
from scripts.local_cloud.processes.ports import free_port
from scripts.local_cloud.sql.postgres import PostgreSQL
from tests.containers.subject import FIGURES, Images
from tests.tools import required

REPOSITORY = Path(__file__).parents[2]
STORE = REPOSITORY / "build" / "containers"


@pytest.fixture(scope="session")
def engine() -> Engine:
    lacking = missing()
    required(" and ".join(lacking), None if lacking else "")
    engine = Engine(STORE)
    began = time.monotonic()
    make_bases(engine, STORE / "bases")
    FIGURES.append(f"stand-in bases made in {time.monotonic() - began:.0f} s")
    return engine


@pytest.fixture(scope="session")
def images(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Images:
    """Built when first asked for, from a copy with things in it that do not belong into an image."""
    reference = tmp_path_factory.mktemp("context") / "reference"
    ignored = shutil.ignore_patterns("node_modules", "dist", ".next")
    shutil.copytree(REPOSITORY / "dockerfiles" / "reference", reference, ignore=ignored)
    return Images(engine, REPOSITORY / "dockerfiles", reference)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    postgres = PostgreSQL(tmp_path_factory.mktemp("postgres") / "server.log", connections=60, port=free_port())
    postgres.start()
    yield postgres
    postgres.stop()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("figures")
    for figure in FIGURES:
        terminalreporter.write_line(figure)
