"""Whole histories of two revisions, drawn from a seed."""

import random
from datetime import UTC, datetime, timedelta

from shared.analysis.evidence import Histogram, History, Probe, ProbeOutcome, Sample

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOUNDS = tuple(2 ** (index / 2) for index in range(22))  # 1 ms to 1.4 s
PASSED = Probe(revision="canary", path="/", outcome=ProbeOutcome.PASSED, reason="status 200", status=200)
FAILED = Probe(revision="canary", path="/", outcome=ProbeOutcome.FAILED, reason="status 503", status=503)


def latencies(dice: random.Random, count: int, usual_ms: float = 80.0) -> Histogram:
    totals = [0] * (len(BOUNDS) + 1)
    for _ in range(count):
        value = usual_ms * dice.lognormvariate(0, 0.6)
        totals[next((index for index, bound in enumerate(BOUNDS) if value < bound), len(BOUNDS))] += 1
    return Histogram(bounds_ms=BOUNDS, counts=tuple(totals))


def sample(end: datetime, count: int, bad: int = 0, *, dice: random.Random | None = None) -> Sample:
    latency = latencies(dice, count) if dice else Histogram()
    return Sample(end=end, requests_by_class={"2xx": count - bad, "5xx": bad}, latency=latency)


def history(settled_until: datetime = NOW, **samples: list[Sample]) -> History:
    return History(
        sample_period=MINUTE,
        ingest_delay=2 * MINUTE,
        settled_until=settled_until,
        samples={name: tuple(rows) for name, rows in samples.items()},
    )


def steady(
    count: int, bad: int = 0, *, minutes: int, until: datetime = NOW, dice: random.Random | None = None
) -> list[Sample]:
    """The same in every minute, oldest first."""
    return [sample(until - back * MINUTE, count, bad, dice=dice) for back in range(minutes - 1, -1, -1)]
