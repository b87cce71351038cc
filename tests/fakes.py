"""One recording fake per port: they keep what was asked of them, and behave like the real thing where it matters."""

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import google_crc32c

from shared.analysis.evidence import Expectation, History, Probe, ProbeOutcome
from shared.backup.instance_backups import InstanceBackups
from shared.backup.operations import Operation, OperationKind
from shared.backup.stored import Stored
from shared.config.environment import Environment, ManagedService
from shared.connectivity.page import Kind, Page, Resource
from shared.errors import Conflict, NotFound, Unavailable
from shared.rollout.freezes import Freezes
from shared.rollout.service import Revision, RevisionState, Service, TrafficTarget
from shared.rollout.supply import Scan, ScanState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
IMAGE = "africa-south1-docker.pkg.dev/demo/apps/web"


def environment(**service: object) -> Environment:
    return Environment(
        name="dev",
        project="demo",
        region="africa-south1",
        ledger_bucket="ledger",
        services={"web": ManagedService(name="web", image=IMAGE, **service)},  # type: ignore[arg-type]
    )


@dataclass
class FakeClock:
    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def pass_(self, span: timedelta) -> None:
        self.time += span


@dataclass
class Write:
    service: str
    kind: str
    image: str
    traffic: tuple[TrafficTarget, ...]


class FakeServices:
    """Cloud Run: etags, revisions that become ready later, LATEST followed, tags addressable."""

    def __init__(self) -> None:
        self.rows: dict[str, Service] = {}
        self.revisions: dict[str, Revision] = {}
        self.writes: list[Write] = []
        self.reads = 0
        self.conflicts = 0

    def add(self, name: str, image: str, *, revision: str = "", record: str = "") -> None:
        revision = revision or f"{name}-00001-aaa"
        self.revisions[revision] = Revision(name=revision, image=image, state=RevisionState.READY)
        self.rows[name] = Service(
            name=name,
            etag="0",
            uri=f"https://{name}.example",
            record=record,
            image=image,
            rollout_id="",
            traffic=(TrafficTarget(revision=None, percent=100),),
            serving={revision: 100},
            latest_created=revision,
            latest_ready=revision,
        )

    def get(self, service: str) -> Service:
        self.reads += 1
        if service not in self.rows:
            raise NotFound(service)
        return self.rows[service]

    def get_revision(self, service: str, revision: str) -> Revision:
        return self.revisions.get(revision) or Revision(name=revision, image="", state=RevisionState.MISSING)

    def start(
        self, service: Service, *, record: str, image: str, rollout_id: str, traffic: Iterable[TrafficTarget]
    ) -> None:
        self._check(service)
        name = f"{service.name}-{len(self.revisions) + 1:05d}-can"
        self.revisions[name] = Revision(name=name, image=image, state=RevisionState.PENDING, rollout_id=rollout_id)
        row = replace(self.rows[service.name], latest_created=name, image=image, rollout_id=rollout_id)
        self._write(row, record, tuple(traffic), "start")

    def move(self, service: Service, *, record: str, traffic: Iterable[TrafficTarget]) -> None:
        self._check(service)
        self._write(self.rows[service.name], record, tuple(traffic), "move")

    def become_ready(self, revision: str) -> None:
        self.revisions[revision] = replace(self.revisions[revision], state=RevisionState.READY)
        for row in self.rows.values():
            if row.latest_created == revision:
                self.rows[row.name] = _routed(replace(row, latest_ready=revision))

    def fail(self, revision: str, message: str) -> None:
        self.revisions[revision] = replace(self.revisions[revision], state=RevisionState.FAILED, message=message)

    def percents(self, name: str) -> dict[str | None, int]:
        return {row.revision: row.percent for row in self.rows[name].traffic if row.percent}

    def _check(self, service: Service) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict("lost the race")
        if service.etag != self.rows[service.name].etag:
            raise Conflict("stale etag")

    def _write(self, row: Service, record: str, traffic: tuple[TrafficTarget, ...], kind: str) -> None:
        self.writes.append(Write(row.name, kind, row.image, traffic))
        self.rows[row.name] = _routed(replace(row, etag=str(int(row.etag) + 1), record=record, traffic=traffic))


def _routed(row: Service) -> Service:
    """The status follows the traffic block at once."""
    tagged = {target.tag: target.revision or row.latest_ready for target in row.traffic if target.tag}
    return replace(row, tag_uris={tag: f"https://{tag}---{row.uri}" for tag in tagged}, tagged=tagged)


@dataclass
class Published:
    topic: str
    data: bytes
    attributes: Mapping[str, str]


@dataclass
class FakeMessages:
    published: list[Published] = field(default_factory=list)
    down: bool = False

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> None:
        """Refuses what Pub/Sub refuses: https://cloud.google.com/pubsub/quotas#resource_limits."""
        if self.down:
            raise Unavailable("Pub/Sub is down")
        assert len(data) <= 10_000_000
        for name, value in attributes.items():
            assert 0 < len(name.encode()) <= 256
            assert len(value.encode()) <= 1024
        self.published.append(Published(topic, data, attributes))

    def on(self, topic: str) -> list[Published]:
        return [item for item in self.published if item.topic == topic]


@dataclass
class FakeMetrics:
    answer: History = field(
        default_factory=lambda: History(
            sample_period=timedelta(minutes=1), ingest_delay=timedelta(minutes=2), settled_until=NOW
        )
    )
    down: bool = False
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def history(self, service: str, start: datetime, end: datetime) -> History:
        self.asked.append((service, start, end))
        if self.down:
            raise Unavailable("Monitoring is down")
        return self.answer


@dataclass
class FakeLedger:
    objects: dict[str, bytes] = field(default_factory=dict)
    freezes: Freezes = field(default_factory=Freezes)

    @property
    def frozen(self) -> str:
        return self.freezes.reason

    def append(self, key: str, entry: bytes) -> bool:
        new = key not in self.objects
        self.objects.setdefault(key, entry)
        return new

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(self.objects) & frozenset(keys)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(sorted(key for key in self.objects if key.startswith(prefix)))

    def newest(self, prefix: str, after: str) -> str:
        return max((key for key in self.objects if key.startswith(prefix) and key > after), default="")

    def freeze(self) -> str:
        return self.frozen

    def set_freeze(self, holder: str, reason: str, at: datetime) -> Freezes | None:
        after = self.freezes.with_wish(holder, reason, at)
        self.freezes = after or self.freezes
        return after


@dataclass
class FakeProber:
    """failing: revisions whose probes fail; statuses: with which, 0 for no answer. pages: by tagged URL and route, a
    light one where none is told.
    """

    failing: set[str] = field(default_factory=set)
    pages: dict[tuple[str, str], Page] = field(default_factory=dict)
    probed: list[tuple[str, str, str]] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    loaded: list[tuple[str, str]] = field(default_factory=list)

    def load(self, uri: str, path: str) -> Page:
        self.loaded.append((uri, path))
        html = Resource(Kind.HTML, path, 200, bytes_received=4_000, content_bytes=3_700, encoding="gzip")
        return self.pages.get((uri, path), Page(path, ttfb_ms=30.0, resources=(html,)))

    def probe(self, uri: str, revision: str, path: str, expected: Expectation | None = None) -> Probe:
        self.probed.append((uri, revision, path))
        status = self.statuses.get(revision, 500 if revision in self.failing else 200)
        failed = status != 200
        return Probe(
            revision=revision,
            path=path,
            outcome=ProbeOutcome.FAILED if failed else ProbeOutcome.PASSED,
            reason=f"status {status}",
            status=status,
        )


@dataclass
class FakeDatabases:
    """Cloud SQL: one operation per instance, beside which an export may run; `end` ends one, well or not.

    busy: what collides with everything, as somebody else's operation may.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    names: set[str] = field(default_factory=lambda: {"chat"})
    rows: dict[str, Operation] = field(default_factory=dict)
    backups: dict[str, datetime] = field(default_factory=dict)
    settings: InstanceBackups = field(
        default_factory=lambda: InstanceBackups(enabled=True, point_in_time=True, log_days=7)
    )
    busy: bool = False
    admitted: set[tuple[str, str]] = field(default_factory=set)

    def export(self, instance: str, database: str, uri: str) -> str:
        return self._begin(OperationKind.EXPORT, instance, uri)

    def export_query(self, instance: str, database: str, query: str, uri: str) -> str:
        return self._begin(OperationKind.EXPORT, instance, uri)

    def load(self, instance: str, database: str, uri: str) -> str:
        return self._begin(OperationKind.IMPORT, instance, uri)

    def create(self, instance: str, like: str) -> str:
        self._check(like)
        if instance in self.names:
            raise Conflict(f"{instance} already exists")
        self.names.add(instance)
        return self._begin(OperationKind.CREATE, instance)

    def admit(self, instance: str, bucket: str) -> None:
        self._check(instance)
        self.admitted.add((instance, bucket))

    def create_database(self, instance: str, database: str) -> str:
        return self._begin(OperationKind.CREATE_DATABASE, instance)

    def delete(self, instance: str) -> str:
        return self._begin(OperationKind.DELETE, instance)

    def instances(self) -> frozenset[str]:
        return frozenset(self.names)

    def operation(self, name: str) -> Operation:
        if name not in self.rows:
            raise NotFound(name)
        return self.rows[name]

    def operations(self, instance: str) -> tuple[Operation, ...]:
        return tuple(row for row in reversed(self.rows.values()) if row.instance == instance)

    def newest_backup(self, instance: str) -> datetime | None:
        self._check(instance)
        return self.backups.get(instance)

    def backup_settings(self, instance: str) -> InstanceBackups:
        self._check(instance)
        return self.settings

    def end(self, name: str, problem: str = "") -> None:
        row = self.rows[name] = replace(self.rows[name], done=True, problem=problem, ended_at=self.clock.now())
        if row.kind is OperationKind.DELETE and not problem:
            self.names.discard(row.instance)

    def _check(self, instance: str) -> None:
        if instance not in self.names:
            raise NotFound(instance)

    def _begin(self, kind: OperationKind, instance: str, uri: str = "") -> str:
        self._check(instance)
        running = [row for row in self.rows.values() if row.instance == instance and not row.done]
        exporting = [row for row in running if row.kind is OperationKind.EXPORT]
        if self.busy or (exporting if kind is OperationKind.EXPORT else len(running) > len(exporting)):
            raise Conflict("another operation was already in progress")
        name = f"operation-{len(self.rows) + 1}"
        self.rows[name] = Operation(name=name, kind=kind, instance=instance, asked_at=self.clock.now(), uri=uri)
        return name


def crc32c(content: bytes) -> str:
    """Base64, as Cloud Storage tells it."""
    return base64.b64encode(int(google_crc32c.value(content)).to_bytes(4, "big")).decode()


@dataclass
class FakeObjects:
    """contents: by bucket, key and generation."""

    contents: dict[tuple[str, str, int], bytes] = field(default_factory=dict)

    def pieces(self, bucket: str, key: str, generation: int, size: int) -> Iterator[bytes]:
        content = self.contents.get((bucket, key, generation))
        if content is None:
            raise NotFound(key)
        for start in range(0, size, 1000):
            yield content[start : min(start + 1000, size)]

    def find(self, bucket: str, key: str) -> Stored | None:
        for (where, name, generation), content in reversed(self.contents.items()):
            if (where, name) == (bucket, key):
                return Stored(generation=generation, size=len(content), crc32c=crc32c(content))
        return None

    def read(self, bucket: str, key: str) -> bytes:
        found = next((data for (b, k, _), data in self.contents.items() if (b, k) == (bucket, key)), None)
        if found is None:
            raise NotFound(key)
        return found

    def sizes(self, bucket: str, keys: Iterable[str]) -> Mapping[str, int]:
        stored = {key: len(data) for (b, key, _), data in self.contents.items() if b == bucket}
        return {key: stored[key] for key in keys if key in stored}

    def copy(self, bucket: str, key: str, to_bucket: str, to_key: str, generation: int | None = None) -> str:
        there = (to_bucket, to_key, 1)
        if there not in self.contents:
            found = {number: data for (b, k, number), data in self.contents.items() if (b, k) == (bucket, key)}
            wanted = max(found, default=0) if generation is None else generation
            if wanted not in found:
                raise NotFound(key)
            self.contents[there] = found[wanted]
        return crc32c(self.contents[there])


@dataclass
class FakeArtifacts:
    """attestations: (reference, note); scans: by reference, none begun where there is none."""

    attestations: set[tuple[str, str]] = field(default_factory=set)
    scans: dict[str, Scan] = field(default_factory=dict)
    down: bool = False

    def attested(self, reference: str, note: str) -> bool:
        self._check()
        return (reference, note) in self.attestations

    def scan(self, reference: str) -> Scan:
        self._check()
        return self.scans.get(reference, Scan(ScanState.NONE))

    def _check(self) -> None:
        if self.down:
            raise Unavailable("Container Analysis is down")


@dataclass
class FakeCloud:
    environment: Environment = field(default_factory=environment)
    clock: FakeClock = field(default_factory=FakeClock)
    services: FakeServices = field(default_factory=FakeServices)
    messages: FakeMessages = field(default_factory=FakeMessages)
    metrics: FakeMetrics = field(default_factory=FakeMetrics)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    prober: FakeProber = field(default_factory=FakeProber)
    databases: FakeDatabases = field(default_factory=FakeDatabases)
    objects: FakeObjects = field(default_factory=FakeObjects)
    artifacts: FakeArtifacts = field(default_factory=FakeArtifacts)
