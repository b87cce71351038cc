"""The reference frontend, built from a clean install of its lock file and served as its container does, is light."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from scripts.local_cloud.processes.ports import free_port
from shared.adapters.probes import HttpProber
from shared.connectivity.budget import Budget
from shared.connectivity.gate import in_words, problems
from tests.dockerfiles.load import Load
from tests.local_cloud.waiting import wait_until
from tests.tools import required

FRONTEND = Path(__file__).parents[2] / "dockerfiles" / "reference" / "frontend"
RELEASE = "5f2a9c1"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What dockerfiles/nextjs.Dockerfile puts into the image."""
    npm = required("npm", shutil.which("npm"))
    copy = tmp_path_factory.mktemp("frontend") / "app"
    shutil.copytree(FRONTEND, copy, ignore=shutil.ignore_patterns("node_modules", ".next"))
    environment = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1", "DEPLOYMENT_ID": RELEASE}
    for command in (["ci", "--ignore-scripts"], ["test"], ["run", "build"]):
        done = subprocess.run([npm, *command], cwd=copy, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
    image = copy / ".next" / "standalone"
    shutil.copytree(copy / ".next" / "static", image / ".next" / "static")
    shutil.copytree(copy / "public", image / "public")
    return image


class Served(NamedTuple):
    port: int
    uri: str
    process: "subprocess.Popen[bytes]"


@contextmanager
def served(image: Path, **environment: str) -> Iterator[Served]:
    port = free_port()
    settings = {"PATH": os.environ["PATH"], "NODE_ENV": "production", "HOSTNAME": "127.0.0.1", "PORT": str(port)}
    node = required("node", shutil.which("node"))
    process = subprocess.Popen([node, "server.js"], cwd=image, env={**settings, **environment})
    uri = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _live(uri), seconds=30)
        yield Served(port, uri, process)
    finally:
        process.kill()
        process.wait()


def _live(uri: str) -> bool:
    try:
        return requests.get(f"{uri}/health/live", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


@pytest.fixture(scope="module")
def frontend(built: Path) -> Iterator[Served]:
    with served(built, K_REVISION="frontend-00007-abc") as running:
        yield running


def test_it_is_live_and_ready_and_says_its_revision(frontend: Served) -> None:
    assert requests.get(f"{frontend.uri}/health/live", timeout=5).json() == {"live": True}
    assert requests.get(f"{frontend.uri}/health/ready", timeout=5).json() == {"ready": True}
    page = requests.get(frontend.uri, timeout=5)
    assert page.headers["x-revision"] == "frontend-00007-abc"
    assert "x-powered-by" not in page.headers
    assert RELEASE in page.text


def test_its_first_load_fits_a_slow_line(frontend: Served) -> None:
    """As health_verify measures it, by the budget of a route that has no other."""
    page = HttpProber().load(frontend.uri, "/")
    assert problems(page, Budget()) == [], in_words(page)


def test_it_takes_no_image_library_along(built: Path) -> None:
    """Next traces sharp although nothing is to be processed: 20 MB and 94 files that nobody reads."""
    modules = built / "node_modules"
    assert (modules / "next").is_dir()
    assert [name for name in ("sharp", "@img") if (modules / name).exists()] == []


def test_its_page_asks_nobody_else(frontend: Served) -> None:
    assert re.findall(r'(?:src|href)="(?:https?:)?//', requests.get(frontend.uri, timeout=5).text) == []


def test_its_chunks_carry_the_release(frontend: Served) -> None:
    page = requests.get(frontend.uri, timeout=5).text
    scripts = re.findall(r'src="(/_next/static/chunks/[^"]+)"', page)
    assert scripts
    assert all(f"dpl={RELEASE}" in script for script in scripts)


def test_a_release_told_to_misbehave_does_so_on_pages_and_not_on_probes(built: Path) -> None:
    with served(built, FAULT_ERROR_RATE="1") as bad:
        assert requests.get(bad.uri, timeout=5).status_code == 500
        assert requests.get(f"{bad.uri}/health/ready", timeout=5).status_code == 200


def test_it_ends_on_sigterm_and_fails_no_request_of_clients_that_keep_their_connections(built: Path) -> None:
    """As a load balancer keeps them: Next's own way waits for them until it is killed."""
    with served(built, KEEP_ALIVE_TIMEOUT="620000", FAULT_LATENCY_MS="50") as running:
        with Load(running.port, ("/", "/health/live")) as load:
            load.sigterm()
            running.process.send_signal(signal.SIGTERM)
            assert running.process.wait(timeout=10) == 0
        assert load.tally.failed == []
        assert load.tally.after_sigterm > 0


def test_its_lock_file_names_no_host() -> None:
    assert "resolved" not in (FRONTEND / "package-lock.json").read_text()
