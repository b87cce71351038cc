"""The frontend's container, and the files of its release that go to the assets bucket."""

import filecmp
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.containers.subject import FIGURES, REVISION, Container, Images, ended_under_load, running, until_live


@pytest.fixture(scope="module")
def frontend(images: Images) -> Iterator[Container]:
    with running(images.engine, images.of("frontend"), {"K_REVISION": "frontend-00007-abc"}) as one:
        until_live(one)
        yield one


def test_it_is_live_and_ready_and_serves_its_page(frontend: Container) -> None:
    assert requests.get(f"{frontend.uri}/health/live", timeout=5).json() == {"live": True}
    assert requests.get(f"{frontend.uri}/health/ready", timeout=5).json() == {"ready": True}
    page = requests.get(frontend.uri, timeout=5)
    assert (page.status_code, page.headers["x-revision"]) == (200, "frontend-00007-abc")
    assert f"dpl={REVISION}" in page.text


def test_the_stage_of_assets_is_the_static_files_of_the_image(images: Images, tmp_path: Path) -> None:
    images.assets("frontend", tmp_path)
    released = tmp_path / "_next" / "static"
    with images.engine.files(images.of("frontend")) as root:
        served = root / "app" / ".next" / "static"
        names = sorted(str(path.relative_to(served)) for path in served.rglob("*") if path.is_file())
        assert names == sorted(str(path.relative_to(released)) for path in released.rglob("*") if path.is_file())
        assert names
        equal, different, odd = filecmp.cmpfiles(served, released, names, shallow=False)
    assert (sorted(equal), different, odd) == (names, [], [])


def test_sigterm_fails_no_request(images: Images) -> None:
    with running(images.engine, images.of("frontend"), {"FAULT_LATENCY_MS": "100"}) as one:
        until_live(one)
        ending = ended_under_load(one, "/", "/health/live")
    FIGURES.append(f"frontend: {ending}")
    assert ending.tally.failed == []
    assert ending.tally.after_sigterm > 0
    assert ending.status in (0, 143)  # Next ends itself by the signal
    assert ending.seconds < 10
