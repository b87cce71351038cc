"""Everything a turn can reach, in memory: metrics, ledger, probes, publishing, and what is down at the moment."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from shared.analysis.evidence import Expectation, Histogram, History, Probe, ProbeOutcome, Sample
from shared.config.environment import Environment
from shared.connectivity.page import Kind as PageKind
from shared.connectivity.page import Page, Resource
from shared.rollout.freezes import Freezes
from shared.rollout.service import RevisionState
from tests.fakes.databases import FakeDatabases
from tests.fakes.objects import FakeObjects
from tests.simulation.deployment import CloudRun
from tests.simulation.faults import Fault, Faults
from tests.simulation.releases import Kind
from tests.simulation.timeline import Timeline
from tests.simulation.versions import Version

if TYPE_CHECKING:
    from tests.simulation.turns import Turn

MINUTE = timedelta(minutes=1)
INGEST_DELAY = 2 * MINUTE
GAP_MINUTES = (2.0, 6.0)
REQUESTS_PER_MINUTE = 240
BOUNDS_MS = (50.0, 100.0, 200.0, 400.0, 800.0)
FAST, SLOWED = (0.30, 0.50, 0.15, 0.04, 0.01, 0.0), (0.02, 0.08, 0.20, 0.40, 0.25, 0.05)
ERROR_SHARE = {Kind.BAD: 0.35, Kind.MIXED: 0.07}
_LAST = "\uffff"  # after every key that goes on


@dataclass
class Surroundings:
    """What a turn finds.

    down: what every call of a port raises now, by the port's name; throttled: until which second its writes are
    refused; races: lost ones for an etag; acting: whose call is taking effect;
    version: of our code, which the next delivery meets.
    """

    timeline: Timeline
    random: Random
    faults: Faults
    environment: Environment
    services: CloudRun
    messages: "Publishing"
    metrics: "Metrics"
    ledger: "Ledger"
    prober: "Prober"
    objects: FakeObjects = field(default_factory=FakeObjects)
    databases: FakeDatabases = field(default_factory=FakeDatabases)
    down: dict[str, type[Exception]] = field(default_factory=dict)
    throttled: dict[str, float] = field(default_factory=dict)
    races: int = 0
    version: Callable[[], Version] = lambda: Version.THIS
    acting: "Turn | None" = None


class Publishing:
    """send: puts one message on its way."""

    def __init__(self) -> None:
        self.send: Callable[[str, bytes, Mapping[str, str]], None] = lambda topic, data, attributes: None

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str], ordering_key: str = "") -> None:
        self.send(topic, data, attributes)


class Ledger:
    """Objects that are created once and never changed, and the environment's freeze."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self._in_order: list[str] = []
        self.freezes = Freezes()

    @property
    def frozen(self) -> str:
        return self.freezes.reason if self.freezes.wishes else ""

    @property
    def announcements(self) -> dict[str, bytes]:
        """Without the evidence that is kept beside them."""
        return {key: entry for key, entry in self.objects.items() if key.startswith("services/")}

    def append(self, key: str, entry: bytes) -> bool:
        if key in self.objects:
            return False
        self.objects[key] = entry
        insort(self._in_order, key)
        return True

    def read(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def existing(self, keys: Iterable[str]) -> frozenset[str]:
        return frozenset(key for key in keys if key in self.objects)

    def keys(self, prefix: str) -> tuple[str, ...]:
        return tuple(self._in_order[bisect_left(self._in_order, prefix) : bisect_left(self._in_order, prefix + _LAST)])

    def newest(self, prefix: str, after: str) -> str:
        below = bisect_left(self._in_order, prefix + _LAST)
        newest = self._in_order[below - 1] if below else ""
        return newest if newest.startswith(prefix) and newest > after else ""

    def freeze(self) -> str:
        return self.frozen

    def set_freeze(self, holder: str, reason: str, at: datetime) -> Freezes | None:
        after = self.freezes.with_wish(holder, reason, at)
        self.freezes = after or self.freezes
        return after


class Prober:
    """silent: revisions that answer nothing at the moment, whatever they are; answered: those that ever did."""

    def __init__(self, run: CloudRun) -> None:
        self.silent: set[str] = set()
        self.answered: set[str] = set()
        self._run = run

    def load(self, uri: str, path: str) -> Page:
        """uri: of a tag, which ends in the revision's name."""
        heavy = self._run.kind(uri.partition("---")[2]) is Kind.HEAVY
        size = 2_000_000 if heavy else 4_000
        html = Resource(PageKind.HTML, path, 200, bytes_received=size, content_bytes=size - 300, encoding="gzip")
        return Page(path, ttfb_ms=30.0, resources=(html,))

    def probe(self, uri: str, revision: str, path: str, expected: Expectation | None = None) -> Probe:
        """Of whatever the address leads to, whoever was meant."""
        asked, revision = revision, uri.partition("---")[2]
        state = self._run.revisions[revision].state
        healthy = state is RevisionState.READY and self._run.kind(revision) is not Kind.FAILS_PROBES
        passed = healthy and revision not in self.silent
        if passed:
            self.answered.add(revision)
        return Probe(
            revision=asked,
            path=path,
            outcome=ProbeOutcome.PASSED if passed else ProbeOutcome.FAILED,
            reason="status 200" if passed else "status 503",
            status=200 if passed else 503,
        )


class Metrics:
    """Counted each minute from the split that was really served; a minute is visible two minutes later.

    failing: services whose every revision fails just now, a shared dependency's outage; gaps: of minutes that were
    never written, by revision.
    """

    def __init__(self, timeline: Timeline, random: Random, run: CloudRun, faults: Faults) -> None:
        self.failing: set[str] = set()
        self.gaps: dict[str, tuple[datetime, datetime]] = {}
        self._faults = faults
        self._timeline = timeline
        self._random = random
        self._run = run
        self._samples: dict[str, dict[str, list[Sample]]] = {}

    def count(self) -> None:
        """One minute of requests of every service."""
        for name, service in self._run.services.items():
            for revision, percent in service.serving.items():
                samples = self._samples.setdefault(name, {}).setdefault(revision, [])
                samples.append(self._sample(name, revision, percent))

    def history(self, service: str, start: datetime, end: datetime) -> History:
        settled = self._timeline.now - INGEST_DELAY
        if self._faults.strikes(Fault.METRICS_GAP):
            self._lose_minutes(service)
        samples = {
            revision: tuple(
                sample for sample in rows if start < sample.end <= settled and not self.lacks(revision, sample.end)
            )
            for revision, rows in self._samples.get(service, {}).items()
        }
        return History(sample_period=MINUTE, ingest_delay=INGEST_DELAY, settled_until=settled, samples=samples)

    def lacks(self, revision: str, at: datetime) -> bool:
        """Whether this minute of the revision was never written."""
        since, until = self.gaps.get(revision, (at, at))
        return since <= at < until

    def _lose_minutes(self, service: str) -> None:
        """Of one revision with users, from now on."""
        served = sorted(self._run.services[service].serving)
        revision = served[int(self._random.random() * len(served))]
        self.gaps[revision] = (self._timeline.now, self._timeline.now + self._random.uniform(*GAP_MINUTES) * MINUTE)

    def _sample(self, service: str, revision: str, percent: int) -> Sample:
        kind = self._run.kind(revision)
        requests = round(REQUESTS_PER_MINUTE * percent / 100 * self._random.uniform(0.8, 1.2))
        share = 0.6 if service in self.failing else ERROR_SHARE.get(kind, 0.002)
        errors = sum(self._random.random() < share for _ in range(requests))
        shape = SLOWED if kind is Kind.SLOW else FAST
        counts = tuple(round(requests * part) for part in shape)
        return Sample(
            end=self._timeline.now,
            requests_by_class={"2xx": requests - errors, "5xx": errors},
            latency=Histogram(bounds_ms=BOUNDS_MS, counts=counts),
        )
