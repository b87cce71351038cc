"""The local cloud's data plane: revisions as processes behind the traffic splitter, and what it measured."""

import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from scripts.local_cloud.data_plane.containers import Container
from scripts.local_cloud.data_plane.measurements import Measurement, by_class
from scripts.local_cloud.processes.conversation import Conversation

KEPT_MEASUREMENTS = 200_000


class LocalDataPlane:
    """Implements contracts.DataPlane and measurements.MeasurementSource."""

    def __init__(
        self,
        work: Path,
        *,
        sample_period_seconds: float = 1.0,
        startup_deadline_seconds: float = 10.0,
        grace_seconds: float = 10.0,
    ) -> None:
        self._work = work
        self._sample_period_seconds = sample_period_seconds
        self._startup_deadline_seconds = startup_deadline_seconds
        self._grace_seconds = grace_seconds
        self._lock = threading.Lock()
        self._containers: dict[tuple[str, str], Container] = {}
        self._ending: list[Container] = []
        self._routes: dict[str, tuple[dict[str, int], dict[str, str]]] = {}
        self._measurements: deque[Measurement] = deque(maxlen=KEPT_MEASUREMENTS)
        self._collecting = threading.Lock()
        self._splitter: Conversation | None = None

    def start(self) -> None:
        self._splitter = Conversation(
            "scripts.local_cloud.data_plane.splitter",
            [str(self._sample_period_seconds)],
            log=self._work / "splitter.log",
        )
        self._ask("state")

    def stop(self) -> None:
        """Ends every revision and the splitter; returns when all are gone."""
        with self._lock:
            containers = [*self._containers.values(), *self._ending]
            self._containers.clear()
            self._ending.clear()
        for container in containers:
            container.stop()
        for container in containers:
            container.join()
        if self._splitter is not None:
            self._splitter.close()
            self._splitter = None

    def start_revision(
        self,
        service: str,
        revision: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_ready: Callable[[], None],
        on_failed: Callable[[str], None],
    ) -> None:
        """Starts the process with PORT and Cloud Run's K_ variables set. Starting it twice is one start."""
        announced = threading.Event()

        def listening(port: int) -> None:
            with self._lock:  # a stopped revision must not get its place back
                current = self._containers.get((service, revision)) is container
                if current:
                    self._ask("instance", service=service, revision=revision, port=port)
            if current and not announced.is_set():
                announced.set()
                on_ready()

        def gone() -> None:
            with self._lock:
                if self._containers.get((service, revision)) is container:
                    self._ask("instance", service=service, revision=revision, port=None, coming=True)

        container = Container(
            command=command,
            environment={
                "K_SERVICE": service,
                "K_REVISION": revision,
                "K_CONFIGURATION": service,
                **environment,
            },
            log=self._work / f"{revision}.log",
            deadline_seconds=self._startup_deadline_seconds,
            grace_seconds=self._grace_seconds,
            on_listening=listening,
            on_gone=gone,
            on_failed=on_failed,
        )
        with self._lock:
            if (service, revision) in self._containers:
                return
            self._containers[service, revision] = container
        container.start()

    def stop_revision(self, service: str, revision: str) -> None:
        """New requests no longer reach it; those under way have the grace to finish. Returns at once."""
        with self._lock:
            container = self._containers.pop((service, revision), None)
            if container is None:
                return
            self._ending.append(container)
            self._ask("instance", service=service, revision=revision, port=None)
        container.stop()

    def kill_revision(self, service: str, revision: str) -> None:
        """Kills its process where it stands, as one that crashes; another takes its place by itself."""
        with suppress(ProcessLookupError):
            os.killpg(self._containers[service, revision].pid, signal.SIGKILL)

    def route(self, service: str, percents: Mapping[str, int], tags: Mapping[str, str]) -> None:
        """From its return on, new requests follow these percents (by revision) and tags (to a revision)."""
        with self._lock:
            self._ask("route", service=service, percents=dict(percents), tags=dict(tags))
            self._routes[service] = (dict(percents), dict(tags))

    def service_uri(self, service: str) -> str:
        return f"http://127.0.0.1:{self._ask('listen', service=service, tag='')}"

    def tag_uri(self, service: str, tag: str) -> str:
        return f"http://127.0.0.1:{self._ask('listen', service=service, tag=tag)}"

    def measurements(self) -> Iterable[Measurement]:
        """Of every sampling period that has ended, oldest first; a period without requests is not there."""
        with self._collecting:
            self._measurements.extend(Measurement.from_json(raw) for raw in self._ask("collect"))
            return tuple(self._measurements)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: processes, routes, requests by service, revision and class, dropped, open WebSockets.

        dropped: requests the splitter itself answered 502, 503 or 504, and WebSockets whose container vanished.
        unserved: those of them that no container took a byte of.
        """
        state = self._ask("state")
        with self._lock:
            containers = dict(self._containers)
            routes = dict(self._routes)
        requests: dict[str, dict[str, dict[str, int]]] = {}
        for service, revision, codes in state["totals"]:
            counts = by_class({int(code): count for code, count in codes.items()})
            requests.setdefault(service, {})[revision] = counts
        web_sockets: dict[str, dict[str, int]] = {}
        for service, revision, count in state["web_sockets"]:
            web_sockets.setdefault(service, {})[revision] = count
        return {
            "processes": [
                {
                    "service": service,
                    "revision": revision,
                    "pid": container.pid,
                    "port": container.port,
                    "state": container.state.value,
                    "restarts": container.restarts,
                }
                for (service, revision), container in containers.items()
            ],
            "routes": {
                service: {
                    "uri": self.service_uri(service),
                    "percents": percents,
                    "tags": tags,
                    "tag_uris": {tag: self.tag_uri(service, tag) for tag in tags},
                }
                for service, (percents, tags) in routes.items()
            },
            "requests": requests,
            "web_sockets": web_sockets,
            "dropped": state["dropped"],
            "unserved": state["unserved"],
        }

    def _ask(self, question: str, **details: Any) -> Any:
        if self._splitter is None:
            raise RuntimeError("the data plane is not running: call start() first")
        return self._splitter.ask({"ask": question, **details})
