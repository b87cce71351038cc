"""The whole outside world on one screen. Adapters implement these, fakes record them, handlers see nothing else.

Every method raises `Unavailable` when the API is down, over quota or too slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from shared.analysis.evidence import History, Probe
    from shared.rollout.service import Revision, Service, TrafficTarget


class Clock(Protocol):
    def now(self) -> datetime:
        """The time, in UTC."""


class Services(Protocol):
    """Cloud Run Admin v2. Both writes carry the etag that was read and return before reconciliation ends."""

    def get(self, service: str) -> Service:
        """Raises NotFound."""

    def get_revision(self, service: str, revision: str) -> Revision:
        """A missing revision is a `Revision` in state MISSING."""

    def start(
        self, service: Service, *, record: str, image: str, rollout_id: str, traffic: Iterable[TrafficTarget]
    ) -> None:
        """One write: new image, the template's rollout id, traffic and record. Raises Conflict on a stale etag."""

    def move(self, service: Service, *, record: str, traffic: Iterable[TrafficTarget]) -> None:
        """One write: traffic and record. Raises Conflict on a stale etag."""


class Messages(Protocol):
    """Pub/Sub publishing. Returns only when the service has the message."""

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> None: ...


class Metrics(Protocol):
    """Cloud Monitoring, read only."""

    def history(self, service: str, start: datetime, end: datetime) -> History:
        """Requests and latencies of every revision between `start` and `end`."""


class Ledger(Protocol):
    """The append-only record of everything, in Cloud Storage, and the environment's freeze beside it."""

    def append(self, key: str, entry: bytes) -> bool:
        """Writes the object `key` unless it exists; says whether it was new."""

    def read(self, key: str) -> bytes | None: ...

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        """Which of `keys` are written already."""

    def newest(self, prefix: str, after: str) -> str:
        """The last key under `prefix` that sorts after `after`, or ""."""

    def freeze(self) -> str:
        """Why the whole environment is frozen, or ""."""

    def set_freeze(self, reason: str, at: datetime) -> bool:
        """Writes or, with "", lifts the environment's freeze; False when one that was asked for later than `at` stands.

        Raises Conflict when somebody else did so at the same moment.
        """


class Prober(Protocol):
    """HTTP requests of our own to a revision's tagged URL."""

    def probe(self, uri: str, revision: str, path: str) -> Probe:
        """Never raises for what the revision does; the outcome says it."""
