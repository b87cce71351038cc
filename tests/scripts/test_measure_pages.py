"""`scripts/measure_pages`: figures, limits and a picture of pages that are really served."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from scripts.pages.picture import draw
from shared.connectivity.budget import Budget
from shared.connectivity.page import Kind, Page, Resource
from tests.adapters.test_pages import _Site
from tests.adapters.test_probes import Served

REPOSITORY = Path(__file__).parents[2]


class _Lighter(_Site):
    """The same site before it grew: every page is a greeting."""

    def do_GET(self) -> None:  # noqa: N802
        self._answer(200, b"<p>hello</p>")


@pytest.fixture
def site() -> Iterator[str]:
    server = Served(_Site)
    yield f"http://{server.address}"
    server.stop()


def measure(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "scripts.pages", *arguments]
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)


def test_a_page_within_its_budget_passes_and_says_its_figures(site: str) -> None:
    done = measure(site, "--route", "/plain")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "/plain"
    assert "requests                1  of 10" in done.stdout
    assert done.stdout.splitlines()[-1] == "Every budget holds."


def test_a_broken_limit_fails_and_is_named(site: str) -> None:
    done = measure(site, "--route", "/", "--route", "/broken")
    assert done.returncode == 1
    assert "broken  needs https://cdn.example/tracker.js and so another connection" in done.stdout
    assert "broken  could not be loaded: status 500" in done.stdout
    assert done.stdout.splitlines()[-1] == "Broken limits: 2."


def test_another_release_shows_what_grew(site: str) -> None:
    lighter = Served(_Lighter)
    try:
        done = measure(site, "--route", "/needs-missing", "--against", f"http://{lighter.address}")
    finally:
        lighter.stop()
    assert "  grown   grew by " in done.stdout
    assert "Broken limits: 1." in done.stdout


def test_a_services_own_budgets_are_those_of_its_environment(site: str) -> None:
    done = measure(site, "--service", "frontend", "--environment", "dev")
    assert done.stdout.splitlines()[0] == "/"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://127.0.0.1"], "must be an origin"),
        (["http://127.0.0.1:1", "--service", "backend"], "backend has no connectivity budgets in production"),
        (["http://127.0.0.1:1", "--service", "frontend", "--environment", "moon"], "must be one of dev, "),
    ],
)
def test_a_wrong_call_says_so(arguments: list[str], said: str) -> None:
    done = measure(*arguments)
    assert done.returncode != 0
    assert said in done.stderr


def test_figures_and_picture_are_written_and_stay_the_same(site: str, tmp_path: Path) -> None:
    figures, picture = tmp_path / "pages.json", tmp_path / "pages.svg"
    measure(site, "--json", str(figures), "--picture", str(picture))
    facts = json.loads(figures.read_text())["/"]
    assert facts["requests"] == 7
    assert facts["bytes"] == sum(row["bytes_received"] for row in facts["resources"])
    assert set(facts["load_seconds"]) == {"slow 4G", "3G", "slow 3G", "2G"}
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")


def test_what_a_browser_took_is_drawn_beside_what_is_computed(tmp_path: Path) -> None:
    page = Page("/", resources=(Resource(Kind.HTML, "/", 200, 4_000),))
    drawn = []
    for measured in ({}, {"/": {"2G": 41.5}}, {"/": {"2G": 41.5}}):
        draw({"/": page}, {"/": Budget()}, tmp_path / "pages.svg", measured)
        drawn.append((tmp_path / "pages.svg").read_text())
    assert [("41.5" in text, "Chromium on such a line" in text) for text in drawn[:2]] == [(False, False), (True, True)]
    assert drawn[1] == drawn[2]
