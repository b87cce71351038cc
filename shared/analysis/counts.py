"""The history as counts per period: canary beside stable, bad beside all, slow beside fast."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.analysis.evidence import Histogram, History, Sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests of one revision in one period. bad: 5xx; a client that hung up (499) is a 4xx and not our fault."""

    requests: int = 0
    bad: int = 0
    latency: Histogram = field(default_factory=Histogram)

    def slower_than(self, cut_ms: float) -> tuple[int, int]:
        """How many requests were in buckets above `cut_ms`, and how many had a latency at all."""
        slow = sum(
            count
            for index, count in enumerate(self.latency.counts)
            if index and self.latency.bounds_ms[index - 1] >= cut_ms
        )
        return slow, sum(self.latency.counts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """One sampling period, both sides. A side without a sample counts nothing."""

    end: datetime
    canary: Counts = field(default_factory=Counts)
    stable: Counts = field(default_factory=Counts)


def periods(history: History, canary: str, stable: str, probes_per_period: int) -> list[Period]:
    """Every settled period in order, our own probes of the canary taken out of its successes."""
    ours = {sample.end: counts(sample, probes_per_period) for sample in history.samples.get(canary, ())}
    theirs = {sample.end: counts(sample, 0) for sample in history.samples.get(stable, ())}
    ends = sorted(end for end in {*ours, *theirs} if end <= history.settled_until)
    return [Period(end=end, canary=ours.get(end, Counts()), stable=theirs.get(end, Counts())) for end in ends]


def counts(sample: Sample, probes: int) -> Counts:
    """One sample's counts without at most `probes` of its successes."""
    requests = sum(sample.requests_by_class.values())
    bad = sample.requests_by_class.get("5xx", 0)
    own = min(probes, sample.requests_by_class.get("2xx", 0))
    return Counts(requests=requests - own, bad=bad, latency=sample.latency)


def percentile_ms(sides: Iterable[Counts], share: float) -> float | None:
    """The upper bound of the bucket in which the `share` quantile lies, None without latencies."""
    totals: dict[float, int] = {}
    for side in sides:
        bounds = (*side.latency.bounds_ms, float("inf"))
        for bound, count in zip(bounds, side.latency.counts, strict=False):
            totals[bound] = totals.get(bound, 0) + count
    whole, seen = sum(totals.values()), 0
    for bound in sorted(totals):
        seen += totals[bound]
        if whole and seen >= share * whole:
            return bound
    return None
