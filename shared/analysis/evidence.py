"""What the judge may look at: requests of canary and baseline over the same sampling periods.

Tuples with names throughout this package: there are hundreds in every look, and each class of them costs a cold start
a seventh of what a dataclass does.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from shared.analysis.record import NamedTuple


class Histogram(NamedTuple):
    """Latencies in Cloud Monitoring's own buckets.

    bounds_ms: ascending upper bounds of all buckets but the last; counts has one entry more.
    """

    bounds_ms: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


class Sample(NamedTuple):
    """One sampling period of one revision: requests that ended in it, by response class.

    end: when the period ended; requests_by_class: "2xx" -> count, with two statuses apart from the other "4xx": "499",
    a client that hung up, and "429", one told to come back later. failed_starts: instances whose start-up probe gave
    up. A period that is not there is unknown, never zero.
    """

    end: datetime
    requests_by_class: Mapping[str, int] = MappingProxyType({})
    latency: Histogram = Histogram()
    failed_starts: int = 0


class History(NamedTuple):
    """Every sample of a service by revision name, with the metrics' own clock.

    sample_period, ingest_delay: from the metric's descriptor. Periods ending after
    `settled_until` may still grow and are not in `samples`.
    """

    sample_period: timedelta
    ingest_delay: timedelta
    settled_until: datetime
    samples: Mapping[str, tuple[Sample, ...]] = MappingProxyType({})


class ProbeOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


class Expectation(NamedTuple):
    """What an answer to a probe must be, beside a success that is not empty.

    contains: a text of its body; ms_max: from the request to the last byte.
    """

    contains: str = ""
    ms_max: float = 5000.0


class Probe(NamedTuple):
    """One request of ours to a tagged URL; it also appears in the metrics, some minutes later."""

    revision: str
    path: str
    outcome: ProbeOutcome
    reason: str
    status: int = 0
    latency_ms: float = 0.0
    bytes_received: int = 0
