"""The functions as Google would serve them: each zip unpacked alone, under functions-framework, in its own process.

A function sees its own files and the environment it is given here, nothing else of the repository or the machine.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.ports import free_port, listens
from scripts.local_cloud.topology import PUSH_CALLER

INHERITED = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ")
START_SECONDS_MAX = 90.0
LISTEN_CHECK_SECONDS = 0.05
LOG_TAIL_LINES = 15


class FunctionDidNotStart(RuntimeError):
    """A function ended before it listened, or took too long; the message ends with its last log lines."""


def environment_of(delivery: str, *, pubsub: str, storage: str, token_key: str) -> dict[str, str]:
    """What every function is given at deploy time. delivery: JSON; pubsub: "host:port"; storage: a URL."""
    return {
        "DELIVERY_ENVIRONMENT": delivery,
        "GOOGLE_CLOUD_PROJECT": PROJECT,
        "PUBSUB_EMULATOR_HOST": pubsub,
        "STORAGE_EMULATOR_HOST": storage,
        "PUSH_CALLER": PUSH_CALLER,
        "PUSH_TOKEN_KEY": token_key,
    }


class FunctionsHost:
    """Serves one zip per function.

    zips: path by function; environment: for all of them, PUSH_AUDIENCE aside; own_environment: what differs for one.
    """

    def __init__(
        self,
        zips: Mapping[str, Path],
        *,
        directory: Path,
        environment: Mapping[str, str],
        own_environment: Callable[[str], Mapping[str, str]] = lambda _: {},
    ) -> None:
        self._zips = dict(zips)
        self._directory = directory
        self._environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(environment)
        self._own_environment = own_environment
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ports: dict[str, int] = {}

    def start(self) -> None:
        """Returns when every function listens. Raises FunctionDidNotStart, with none of them left running."""
        try:
            for name, archive in self._zips.items():
                self._processes[name] = self._serve(name, archive)
            deadline = time.monotonic() + START_SECONDS_MAX
            for name in self._zips:
                self._wait(name, deadline)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Returns when all have ended."""
        stopping = [threading.Thread(target=child.stop, args=(process,)) for process in self._processes.values()]
        for thread in stopping:
            thread.start()
        for thread in stopping:
            thread.join()
        self._processes.clear()

    def crash(self, function: str) -> None:
        """Kills its process where it stands, as a lost machine would; returns when a new one listens in its place."""
        self.kill(function)
        self.revive(function)

    def kill(self, function: str) -> None:
        """Returns when its process is gone; nothing takes its place until `revive`."""
        process = self._processes[function]
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def revive(self, function: str) -> None:
        """A new process in place of the one that ended; returns when it listens."""
        self._processes[function] = self._run(function)
        self._wait(function, time.monotonic() + START_SECONDS_MAX)

    def uri(self, function: str) -> str:
        """The bare URL, which is also the audience of its callers' tokens."""
        return f"http://127.0.0.1:{self._ports[function]}"

    def uris(self) -> dict[str, str]:
        return {name: self.uri(name) for name in self._ports}

    def log(self, function: str) -> Path:
        return self._directory / f"{function}.log"

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: URL, process id and log of each function, and whether it runs."""
        return {
            name: {
                "uri": self.uri(name),
                "pid": process.pid,
                "running": process.poll() is None,
                "log": str(self.log(name)),
            }
            for name, process in self._processes.items()
        }

    def _serve(self, name: str, archive: Path) -> "subprocess.Popen[bytes]":
        home = self._directory / name
        if home.exists():
            shutil.rmtree(home)
        with zipfile.ZipFile(archive) as files:
            files.extractall(home)
        self._ports[name] = free_port()
        return self._run(name)

    def _run(self, name: str) -> "subprocess.Popen[bytes]":
        home = self._directory / name
        command = framework_command(name, self._ports[name])
        environment = {
            "HOME": str(home),
            "WORKERS": "1",
            "THREADS": "8",
            **self._environment,
            **self._own_environment(name),
            "PUSH_AUDIENCE": self.uri(name),
        }
        return child.spawn(command, environment=environment, log=self.log(name), cwd=home)

    def _wait(self, name: str, deadline: float) -> None:
        process, port = self._processes[name], self._ports[name]
        while not listens(port):
            if (status := process.poll()) is not None:
                raise FunctionDidNotStart(f"{name} ended with status {status}.\n{self._log_tail(name)}")
            if time.monotonic() > deadline:
                raise FunctionDidNotStart(f"{name} did not listen within {START_SECONDS_MAX:g} s.")
            time.sleep(LISTEN_CHECK_SECONDS)

    def _log_tail(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-LOG_TAIL_LINES:])


def framework_command(function: str, port: int) -> list[str]:
    """Serves `main.py` of the directory it is started in, as Google's own container does."""
    command = [sys.executable, "-m", "functions_framework", "--source", "main.py", "--target", function]
    return [*command, "--signature-type", "http", "--host", "127.0.0.1", "--port", str(port)]
