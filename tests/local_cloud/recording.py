"""A data plane that runs nothing and keeps what it was told; readiness is the test's to give."""

from collections.abc import Callable, Mapping, Sequence


class RecordingDataPlane:
    """Implements contracts.DataPlane."""

    def __init__(self) -> None:
        self.started: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {}
        self.stopped: list[str] = []
        self.routes: list[tuple[Mapping[str, int], Mapping[str, str]]] = []
        self._ready: dict[str, Callable[[], None]] = {}
        self._failed: dict[str, Callable[[str], None]] = {}

    def start_revision(
        self,
        service: str,
        revision: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_ready: Callable[[], None],
        on_failed: Callable[[str], None],
    ) -> None:
        self.started[revision] = (command, environment)
        self._ready[revision] = on_ready
        self._failed[revision] = on_failed

    def stop_revision(self, service: str, revision: str) -> None:
        self.stopped.append(revision)

    def route(self, service: str, percents: Mapping[str, int], tags: Mapping[str, str]) -> None:
        self.routes.append((dict(percents), dict(tags)))

    def service_uri(self, service: str) -> str:
        return f"https://{service}.example"

    def tag_uri(self, service: str, tag: str) -> str:
        return f"https://{tag}---{service}.example"

    def ready(self, revision: str) -> None:
        self._ready[revision]()

    def fail(self, revision: str, problem: str) -> None:
        self._failed[revision](problem)


class RecordingPublisher:
    """Implements contracts.Publisher."""

    def __init__(self) -> None:
        self.published: list[tuple[str, bytes, Mapping[str, str]]] = []

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        self.published.append((topic, data, attributes))
        return str(len(self.published))
