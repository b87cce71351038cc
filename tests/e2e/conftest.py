"""What the second tier shares: two builds, served, and a real browser. Figures and pictures go to build/e2e."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

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
def browser() -> Iterator[Browser]:
    chromium = required("chromium", os.environ.get("CHROMIUM") or shutil.which("chromium"))
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        yield running
        running.close()
