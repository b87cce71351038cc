"""Revisions as processes: each gets a PORT, must listen on it in time, and is replaced when it dies later."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.conversation import REPOSITORY
from scripts.local_cloud.processes.ports import free_port, listens

PROBE_EVERY_SECONDS = 0.03
RESTART_DELAY_SECONDS = 1.0
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ")  # a container sees nothing else of this machine


class ContainerState(StrEnum):
    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


class Container:
    """The one instance of a revision.

    on_listening(port): it answers on this port from now on; again after each replacement.
    on_gone(): it ended by itself after it had been ready, and a replacement is on its way.
    on_failed(message): it never listened; final. All are called from the container's own thread.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        environment: Mapping[str, str],
        log: Path,
        deadline_seconds: float,
        grace_seconds: float,
        on_listening: Callable[[int], None],
        on_gone: Callable[[], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self._command = [sys.executable if word == "{python}" else word for word in command]
        self._environment = {name: os.environ[name] for name in INHERITED if name in os.environ} | dict(environment)
        self._log = log
        self._deadline_seconds = deadline_seconds
        self._grace_seconds = grace_seconds
        self._on_listening = on_listening
        self._on_gone = on_gone
        self._on_failed = on_failed
        self._stopping = threading.Event()
        self.state = ContainerState.STARTING
        self.port = 0
        self.pid = 0
        self.restarts = 0
        self._thread = threading.Thread(target=self._live, name=f"container-{log.stem}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begins to end it: SIGTERM, and SIGKILL after the grace. Returns at once."""
        self._stopping.set()

    def join(self) -> None:
        """Waits until it has ended."""
        self._thread.join()

    def _live(self) -> None:
        ready_before = False
        while not self._stopping.is_set():
            try:
                process, problem = self._start()
            except OSError as error:
                self._fail(f"The user-provided container could not be started: {error}.")
                return
            if problem and not ready_before:
                child.stop(process, grace_seconds=0)
                self._fail(problem)
                return
            if not problem and not self._stopping.is_set():
                ready_before = True
                self.state = ContainerState.READY
                self._on_listening(self.port)
                self._watch(process)
            child.stop(process, grace_seconds=0 if problem else self._grace_seconds)
            if self._stopping.is_set():
                break
            self.state = ContainerState.STARTING
            self.restarts += 1
            self._on_gone()
            self._stopping.wait(RESTART_DELAY_SECONDS)
        self.state = ContainerState.STOPPED

    def _start(self) -> "tuple[subprocess.Popen[bytes], str]":
        """The process, and why it does not listen ("" when it does)."""
        self.port = free_port()
        process = child.spawn(
            self._command, environment={**self._environment, "PORT": str(self.port)}, log=self._log, cwd=REPOSITORY
        )
        self.pid = process.pid
        deadline = time.monotonic() + self._deadline_seconds
        where = f"the port defined by the PORT={self.port} environment variable"
        while time.monotonic() < deadline and not self._stopping.is_set():
            if (status := process.poll()) is not None:
                return (
                    process,
                    f"The user-provided container exited with status {status} before it listened on {where}.",
                )
            if listens(self.port):
                return process, ""
            self._stopping.wait(PROBE_EVERY_SECONDS)
        return process, (
            f"The user-provided container failed to start and listen on {where}"
            f" within the allocated timeout of {self._deadline_seconds:g} s."
        )

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None and not self._stopping.wait(PROBE_EVERY_SECONDS):
            pass

    def _fail(self, message: str) -> None:
        if self._stopping.is_set():
            self.state = ContainerState.STOPPED
            return
        self.state = ContainerState.FAILED
        self._on_failed(message)
