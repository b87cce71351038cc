"""What the judge may look at: requests of canary and baseline over the same sampling periods."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """Latencies in Cloud Monitoring's own buckets.

    bounds_ms: ascending upper bounds of all buckets but the last; counts has one entry more.
    """

    bounds_ms: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sampling period of one revision: requests that ended in it, by response class.

    end: when the period ended; requests_by_class: "2xx" -> count; a period that is not there is
    unknown, never zero.
    """

    end: datetime
    requests_by_class: Mapping[str, int] = field(default_factory=dict)
    latency: Histogram = field(default_factory=Histogram)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Every sample of a service by revision name, with the metrics' own clock.

    sample_period, ingest_delay: from the metric's descriptor. Periods ending after
    `settled_until` may still grow and are not in `samples`.
    """

    sample_period: timedelta
    ingest_delay: timedelta
    settled_until: datetime
    samples: Mapping[str, tuple[Sample, ...]] = field(default_factory=dict)


class ProbeOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One request of ours to a tagged URL; it also appears in the metrics, where it is subtracted."""

    revision: str
    path: str
    outcome: ProbeOutcome
    reason: str
    status: int = 0
    latency_ms: float = 0.0
    bytes_received: int = 0
