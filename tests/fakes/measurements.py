"""What is read of the revisions: their metrics, and answers to our own requests."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.analysis.evidence import Expectation, History, Probe, ProbeOutcome
from shared.connectivity.page import Kind, Page, Resource
from shared.errors import Unavailable
from tests.fakes.clock import NOW


@dataclass
class FakeMetrics:
    answer: History = field(
        default_factory=lambda: History(
            sample_period=timedelta(minutes=1), ingest_delay=timedelta(minutes=2), settled_until=NOW
        )
    )
    down: bool = False
    asked: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def ask(self, service: str, start: datetime, end: datetime) -> Callable[[], History]:
        self.asked.append((service, start, end))
        return self._answer

    def _answer(self) -> History:
        if self.down:
            raise Unavailable("Monitoring is down")
        return self.answer


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
