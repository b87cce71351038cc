"""`python -m scripts.local_cloud` as a person uses it: started, asked, played with, and ended, however it ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.local_cloud.control import ask
from scripts.local_cloud.processes.conversation import REPOSITORY
from tests.local_cloud.waiting import wait_until

SECONDS_MAX = 180.0  # a machine may be busy with other tests; what takes as long as this never comes


class Running:
    """One started from the command line, in a directory of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "cloud"
        self._output = directory / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                self._command(), cwd=REPOSITORY, stdout=output, stderr=output, start_new_session=True
            )

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "scripts.local_cloud", "--directory", str(self._directory), *words]

    @property
    def output(self) -> str:
        return self._output.read_text()

    def ask(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            self._command(*words), cwd=REPOSITORY, capture_output=True, text=True, timeout=SECONDS_MAX
        )

    def status(self) -> Any:
        """Asked from here: a command for every look would keep a busy machine from getting anywhere."""
        return ask(self._directory, "status")

    def wait_until(self, condition: Callable[[Any], bool]) -> None:
        """Until the service is as `condition` has it; fails at once when the local cloud has ended."""

        def reached() -> bool:
            assert self.process.poll() is None, self.output
            return condition(self.status()["service"])

        wait_until(reached, seconds=SECONDS_MAX, shown=lambda: f"{self.status()} {self.output}")

    def pids(self) -> set[int]:
        """All that it started, and what they started."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended meanwhile
            children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
        found, open_ones = set(), [self.process.pid]
        while open_ones:
            for pid in children.get(open_ones.pop(), ()):
                found.add(pid)
                open_ones.append(pid)
        return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    try:
        wait_until(
            lambda: "The local cloud runs" in running.output or running.process.poll() is not None,
            seconds=SECONDS_MAX,
        )
        assert running.process.poll() is None, running.output
        yield running
    finally:
        running.process.kill()
        running.process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")
def test_it_tells_its_state_takes_wishes_and_leaves_nothing_behind_on_ctrl_c(running: Running) -> None:
    first = running.ask("push", "v2", "--latency-ms", "20")
    assert (first.returncode, first.stdout[:9]) == (0, "pushed v2")
    running.wait_until(lambda service: service["rollout"] != "")  # in our care, so it can be commanded
    paused = running.ask("command", "freeze", "--why", "a test")
    assert (paused.returncode, paused.stdout[:11]) == (0, "freeze sent")
    running.wait_until(lambda service: service["frozen"] != "")
    assert (
        json.loads(running.ask("status", "--json").stdout)["service"]["frozen"] == running.status()["service"]["frozen"]
    )
    shown = running.ask("status").stdout
    for name in ("Revisions", "Functions", "Subscriptions", "Endpoints", "frozen: operator@example.org froze web"):
        assert name in shown
    assert len(running.pids()) > len(running.status()["functions"])
    started = running.pids()
    os.killpg(running.process.pid, signal.SIGINT)
    assert running.process.wait(timeout=SECONDS_MAX) == 130
    wait_until(lambda: not any(alive(pid) for pid in started), seconds=SECONDS_MAX)
    refused = running.ask("status")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "no local cloud" in refused.stderr.lower()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel ends the children of a killed parent on Linux alone")
def test_it_leaves_nothing_behind_when_it_is_killed(running: Running) -> None:
    started = running.pids()
    assert started
    running.process.kill()
    running.process.wait()
    wait_until(lambda: not any(alive(pid) for pid in started), seconds=SECONDS_MAX)
