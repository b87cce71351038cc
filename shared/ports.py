"""The whole outside world on one screen. Adapters implement these, fakes record them, handlers see nothing else.

Every method raises `Unavailable` when the API is down, over quota or too slow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import datetime

    from shared.analysis.evidence import Expectation, History, Probe
    from shared.backup.instance_backups import InstanceBackups
    from shared.backup.operations import Operation
    from shared.backup.stored import Stored
    from shared.connectivity.page import Page
    from shared.rollout.freezes import Freezes
    from shared.rollout.service import Revision, Service, TrafficTarget
    from shared.rollout.supply import Scan


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

    def ask(self, service: str, start: datetime, end: datetime) -> Callable[[], History]:
        """For requests and latencies of every revision between `start` and `end`; what it returns waits for them.

        The question goes off at once, and only the answer raises.
        """


class Ledger(Protocol):
    """The append-only record of everything, in Cloud Storage, and the environment's freeze beside it."""

    def append(self, key: str, entry: bytes) -> bool:
        """Writes the object `key` unless it exists; says whether it was new."""

    def read(self, key: str) -> bytes | None: ...

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        """Which of `keys` are written already."""

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Every key under `prefix`, in order."""

    def newest(self, prefix: str, after: str) -> str:
        """The last key under `prefix` that sorts after `after`, or ""."""

    def freeze(self) -> str:
        """Why the whole environment is frozen, in the words of all who hold it, or ""."""

    def set_freeze(self, holder: str, reason: str, at: datetime) -> Freezes | None:
        """Sets or, with "", lifts the holder's freeze of the environment, or everybody's ("*"); says what stands then.

        None when the holder asked for something later than `at`. Raises Conflict when somebody else wrote at the same
        moment.
        """


class Prober(Protocol):
    """HTTP requests of our own to a revision's tagged URL."""

    def probe(self, uri: str, revision: str, path: str, expected: Expectation | None = None) -> Probe:
        """Never raises for what the revision does; the outcome says it. expected: None takes any success."""

    def load(self, uri: str, path: str) -> Page:
        """The page at `path` with all it needs; never raises for what the revision does, the page says it."""


class Databases(Protocol):
    """Cloud SQL Admin. Whatever starts an operation returns its name at once and never waits for its end.

    At most one operation runs per instance: raises Conflict while another does, and NotFound without the instance.
    """

    def export(self, instance: str, database: str, uri: str) -> str:
        """The whole database as a dump, made by a machine of its own (offloaded). uri: "gs://bucket/object.sql.gz"."""

    def export_query(self, instance: str, database: str, query: str, uri: str) -> str:
        """The rows of one query as CSV, without a database connection of ours."""

    def load(self, instance: str, database: str, uri: str) -> str:
        """An export into a database that exists."""

    def create(self, instance: str, like: str) -> str:
        """A new instance of the version and size of `like`, without backups. Raises Conflict if the name is taken."""

    def admit(self, instance: str, bucket: str) -> None:
        """Lets the account that the instance was made with read and create objects of the bucket."""

    def create_database(self, instance: str, database: str) -> str: ...

    def delete(self, instance: str) -> str: ...

    def instances(self) -> frozenset[str]:
        """The names of all there are, those being made or deleted included."""

    def operation(self, name: str) -> Operation:
        """As it stands now. Raises NotFound."""

    def operations(self, instance: str) -> tuple[Operation, ...]:
        """The newest hundred, newest first."""

    def newest_backup(self, instance: str) -> datetime | None:
        """When the newest automated Cloud SQL backup (never an export) that was successful ended."""

    def backup_settings(self, instance: str) -> InstanceBackups:
        """Whether it makes backups by itself."""


class Objects(Protocol):
    """Large objects in Cloud Storage: read, and copied without coming here."""

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        """The stored bytes of exactly this generation, in order, a few megabytes at a time. Raises NotFound."""

    def find(self, bucket: str, key: str) -> Stored | None:
        """What is there under this name now."""

    def read(self, bucket: str, key: str) -> bytes:
        """All of a small object. Raises NotFound."""

    def sizes(self, bucket: str, keys: Iterable[str]) -> Mapping[str, int]:
        """The stored bytes of each of `keys` that is there."""

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str, generation: int | None = None) -> str:
        """The copy's crc32c (base64). One that is there already stays as it is.

        generation: None copies the newest. Raises NotFound without the object, or without that generation of it.
        """


class Artifacts(Protocol):
    """What is known of images besides their bytes: Container Analysis. reference: "host/project/…@sha256:…"."""

    def attested(self, reference: str, note: str) -> bool:
        """Whether an attestation of exactly this image hangs on the note "projects/P/notes/N"."""

    def scan(self, reference: str) -> Scan: ...
