"""The tutorial is true: its commands are run on a local cloud, in order, and print what the page says."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_cloud.waiting import wait_until

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "tutorial" / "first_delivery.md"
SECONDS_MAX = 240.0  # a machine may be busy with other tests
BLOCK = re.compile(r"^```(sh terminal|sh|text)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def as_here(command: str, directory: Path) -> str:
    """With the Python of these tests, and a work directory that nobody else's local cloud uses."""
    command = command.replace("-m scripts.local_cloud", f"-m scripts.local_cloud --directory {directory}")
    return command.replace(".venv/bin/python", sys.executable)


def pattern(text: str) -> str:
    """The lines in this order, whatever stands between them and for "…"."""
    lines = [re.escape(line).replace("…", ".*?").replace("\\ ", r"\s+") for line in text.splitlines()]
    return ".*?".join(lines)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """The directory of a local cloud that was started as the page says."""
    [command] = [text for kind, text in BLOCK.findall(PAGE.read_text()) if kind == "sh terminal"]
    directory, output = tmp_path / "cloud", tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            as_here(command.strip(), directory).split(),
            cwd=REPOSITORY,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: "The local cloud runs" in output.read_text() or process.poll() is not None,
            seconds=SECONDS_MAX,
            shown=output.read_text,
        )
        assert process.poll() is None, output.read_text()
        yield directory
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS_MAX) == 130
    finally:
        process.kill()
        process.wait()


def test_the_tutorial_runs_as_it_is_written(cloud: Path) -> None:
    said, ran, compared = "", 0, 0
    for kind, text in BLOCK.findall(PAGE.read_text()):
        if kind == "sh" and "scripts/demo --help" not in text:
            shell = ["bash", "-euo", "pipefail", "-c", as_here(text, cloud)]
            done = subprocess.run(shell, cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS_MAX)
            assert done.returncode == 0, f"{text}{done.stdout}{done.stderr}"
            said, ran = done.stdout, ran + 1
        elif kind == "text":
            assert re.search(pattern(text), said, re.DOTALL), f"the page says:\n{text}\nand it said:\n{said}"
            compared += 1
    assert (ran, compared) == (6, 5)
