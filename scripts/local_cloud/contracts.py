"""What the local cloud's parts ask of each other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

PROJECT = "pushnchat-local"
REGION = "africa-south1"
PARENT = f"projects/{PROJECT}/locations/{REGION}"  # of its services


class DataPlane(Protocol):
    """Runs revisions as processes and shares real requests among them."""

    def start_revision(
        self,
        service: str,
        revision: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_ready: Callable[[], None],
        on_failed: Callable[[str], None],
    ) -> None:
        """Starts the process with PORT set; calls back, from another thread, once it listens, or never will."""

    def stop_revision(self, service: str, revision: str) -> None: ...

    def route(self, service: str, percents: Mapping[str, int], tags: Mapping[str, str]) -> None:
        """From its return on, new requests follow these percents (by revision) and tags (to a revision)."""

    def service_uri(self, service: str) -> str: ...

    def tag_uri(self, service: str, tag: str) -> str: ...


class Images(Protocol):
    """A registry whose images name a process to run."""

    def command(self, reference: str) -> Sequence[str] | None:
        """The command of `repository@sha256:…` (or `:tag`), or None when there is no such image."""


class Publisher(Protocol):
    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        """Publishes to a topic by its short name in PROJECT; returns the message id."""


class MessageService(Publisher, Protocol):
    """A Pub/Sub on loopback."""

    grpc_port: int
    rest_port: int

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def snapshot(self) -> dict[str, Any]: ...
