"""Child processes that never outlive their parent, not even when the parent is killed.

On Linux the kernel kills the child when its parent goes (prctl PR_SET_PDEATHSIG); elsewhere the parent's `stop`
is all there is. Every child leads a process group, so that what it started dies with it.
"""

import contextlib
import ctypes
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
CANNOT_EXECUTE = 127


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    cwd: Path | None = None,
    pipes: bool = False,
) -> "subprocess.Popen[bytes]":
    """Starts `command` with exactly this environment; it writes to `log` and dies with this process.

    pipes: its standard input and output are pipes of ours, and only its errors go to the log.
    """
    launcher = [sys.executable, "-I", "-S", str(Path(__file__)), str(os.getpid()), "--", *command]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return _starter.call(
            lambda: subprocess.Popen(
                launcher,
                stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipes else output,
                stderr=output,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
            )
        )


def stop(process: "subprocess.Popen[bytes]", *, grace_seconds: float = 5.0) -> int:
    """SIGTERM, then after the grace SIGKILL to the whole group; returns the exit status."""
    if process.poll() is None:
        process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(grace_seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


class _Starter:
    """One thread that lives as long as the process and forks every child.

    The kernel's "parent" in PR_SET_PDEATHSIG is the thread that forked: a child started by a
    worker thread would be killed as soon as that worker ends.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def call(self, start: "Callable[[], subprocess.Popen[bytes]]") -> "subprocess.Popen[bytes]":
        with self._lock:
            if self._thread is None or not self._thread.is_alive():  # not alive: this process is itself a fork
                self._thread = threading.Thread(target=self._run, name="child-starter", daemon=True)
                self._thread.start()
        started: list[subprocess.Popen[bytes]] = []
        failed: list[OSError] = []
        done = threading.Event()

        def attempt() -> None:
            try:
                started.append(start())
            except OSError as error:
                failed.append(error)
            finally:
                done.set()

        self._calls.put(attempt)
        done.wait()
        if failed:
            raise failed[0]
        return started[0]

    def _run(self) -> None:
        while True:
            self._calls.get()()


_starter = _Starter()


def main(arguments: Sequence[str]) -> None:
    """Becomes the command after "--", tied to the parent whose id is the first argument."""
    parent, separator, *command = arguments
    assert separator == "--"
    assert command
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the kernel was told to watch it
        sys.exit(CANNOT_EXECUTE)
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"cannot execute {command[0]}: {error}", file=sys.stderr)
        sys.exit(CANNOT_EXECUTE)


if __name__ == "__main__":
    main(sys.argv[1:])
