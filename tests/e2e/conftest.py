"""What the second tier shares: two builds, served, and browsers, one on a slow line. Figures go to build/e2e."""

import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from scripts.lossy_line.line import ORIGIN, LossyLine
from scripts.lossy_line.namespaces import lacking
from tests.dockerfiles.node_service import clean_install
from tests.e2e import split
from tests.e2e.builds import two_builds
from tests.tools import required

RESULTS = Path(__file__).parents[2] / "build" / "e2e"
FLAGS = (
    "--no-sandbox",  # Chromium refuses to run as root with one
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def results() -> Path:
    RESULTS.mkdir(parents=True, exist_ok=True)
    return RESULTS


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[split.Split]:
    work = tmp_path_factory.mktemp("e2e")
    frontend = clean_install("frontend", work / "frontend")
    backend = clean_install("backend", work / "backend")
    with split.served(two_builds(frontend, work), backend, work) as running:
        yield running


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> str:
    return required("chromium", os.environ.get("CHROMIUM") or shutil.which("chromium"))


@pytest.fixture(scope="session")
def browser(playwright: Playwright, chromium: str) -> Iterator[Browser]:
    running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
    yield running
    running.close()


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LossyLine]:
    lacks = lacking()
    required(lacks, None if lacks else "here")
    with LossyLine(tmp_path_factory.mktemp("line") / "line.log") as running:
        yield running


@pytest.fixture(scope="session")
def far_browser(
    playwright: Playwright, chromium: str, line: LossyLine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Browser]:
    """At the client's end of the line. The page's address counts as safe, as with the certificate of production."""
    program = tmp_path_factory.mktemp("far") / "chromium"
    program.write_text(f'#!/bin/sh\nexec {shlex.join(line.at_the_client([chromium]))} "$@"\n')
    program.chmod(0o755)
    safe = f"--unsafely-treat-insecure-origin-as-secure={ORIGIN}"
    running = playwright.chromium.launch(executable_path=program, args=[*FLAGS, safe])
    yield running
    running.close()
