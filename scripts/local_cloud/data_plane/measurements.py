"""What a revision did in one sampling period: requests by response code, latencies in exponential buckets."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

GROWTH = math.sqrt(2)
FINITE_BUCKETS = 40  # from 1 ms to about 17 minutes
BUCKETS = FINITE_BUCKETS + 2  # and the two open ends


def bucket_of(latency_ms: float) -> int:
    """0 below 1 ms, then GROWTH^(i-1) <= latency < GROWTH^i, and the last holds everything above."""
    if latency_ms < 1:
        return 0
    return min(int(math.log(latency_ms, GROWTH)) + 1, BUCKETS - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latencies:
    """A distribution of latencies in ms; sum_of_squares is of the values, not of the deviations."""

    count: int = 0
    sum_ms: float = 0.0
    sum_of_squares: float = 0.0
    buckets: tuple[int, ...] = (0,) * BUCKETS

    def __add__(self, other: "Latencies") -> "Latencies":
        return Latencies(
            count=self.count + other.count,
            sum_ms=self.sum_ms + other.sum_ms,
            sum_of_squares=self.sum_of_squares + other.sum_of_squares,
            buckets=tuple(map(sum, zip(self.buckets, other.buckets, strict=True))),
        )

    @property
    def mean_ms(self) -> float:
        return self.sum_ms / self.count if self.count else 0.0

    @property
    def squared_deviation(self) -> float:
        return max(0.0, self.sum_of_squares - self.sum_ms * self.mean_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """One revision in one sampling period that ended at `end` (Unix seconds).

    requests: by response code. latencies: by response code, of those whose duration says something:
    WebSockets are counted and not timed.
    """

    service: str
    revision: str
    end: float
    requests: Mapping[int, int] = field(default_factory=dict)
    latencies: Mapping[int, Latencies] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "service": self.service,
            "revision": self.revision,
            "end": self.end,
            "requests": self.requests,
            "latencies": {
                code: [one.count, one.sum_ms, one.sum_of_squares, one.buckets] for code, one in self.latencies.items()
            },
        }

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Measurement":
        return cls(
            service=raw["service"],
            revision=raw["revision"],
            end=raw["end"],
            requests={int(code): count for code, count in raw["requests"].items()},
            latencies={
                int(code): Latencies(count=row[0], sum_ms=row[1], sum_of_squares=row[2], buckets=tuple(row[3]))
                for code, row in raw["latencies"].items()
            },
        )


def response_class(code: int) -> str:
    return f"{code // 100}xx"


def by_class(requests: Mapping[int, int]) -> dict[str, int]:
    """{200: 3, 204: 1} is {"2xx": 4}."""
    counts: dict[str, int] = {}
    for code, count in requests.items():
        counts[response_class(code)] = counts.get(response_class(code), 0) + count
    return counts


class MeasurementSource(Protocol):
    def measurements(self) -> Iterable[Measurement]:
        """Of every sampling period that has ended, oldest first; a period without requests is not there."""


class _Tally:
    """The period under way, of one revision: plain numbers that grow."""

    __slots__ = ("latencies", "requests")

    def __init__(self) -> None:
        self.requests: dict[int, int] = {}
        self.latencies: dict[int, tuple[list[float], list[int]]] = {}

    def add(self, code: int, latency_ms: float | None) -> None:
        self.requests[code] = self.requests.get(code, 0) + 1
        if latency_ms is None:
            return
        sums, buckets = self.latencies.setdefault(code, ([0, 0.0, 0.0], [0] * BUCKETS))
        sums[0] += 1
        sums[1] += latency_ms
        sums[2] += latency_ms * latency_ms
        buckets[bucket_of(latency_ms)] += 1

    def measurement(self, service: str, revision: str, end: float) -> Measurement:
        return Measurement(
            service=service,
            revision=revision,
            end=end,
            requests=dict(self.requests),
            latencies={
                code: Latencies(
                    count=int(sums[0]), sum_ms=sums[1], sum_of_squares=sums[2], buckets=tuple(map(int, buckets))
                )
                for code, (sums, buckets) in self.latencies.items()
            },
        )


class Meter:
    """Counts ended requests into sampling periods that begin at whole multiples of the period's length."""

    def __init__(self, period_seconds: float) -> None:
        self.period_seconds = period_seconds
        self.totals: dict[tuple[str, str], dict[int, int]] = {}
        self._tallies: dict[tuple[int, str, str], _Tally] = {}

    def add(self, now: float, service: str, revision: str, code: int, latency_ms: float | None) -> None:
        """One request ended at `now` (Unix seconds); latency None: counted and not timed."""
        key = (math.floor(now / self.period_seconds), service, revision)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally()
        tally.add(code, latency_ms)
        totals = self.totals.setdefault((service, revision), {})
        totals[code] = totals.get(code, 0) + 1

    def collect(self, now: float) -> list[Measurement]:
        """Hands out every period that has ended, once, oldest first."""
        current = math.floor(now / self.period_seconds)
        ended = sorted(key for key in self._tallies if key[0] < current)
        return [self._tallies.pop(key).measurement(key[1], key[2], (key[0] + 1) * self.period_seconds) for key in ended]
