"""Google's distributions as histograms: bucket bounds from any of its three bucket options.

https://cloud.google.com/monitoring/api/ref_v3/rest/v3/TypedValue#Distribution
"""

from functools import lru_cache
from math import inf
from typing import Any

from shared.analysis.evidence import Histogram

_RULES_KEPT = 8  # all of Cloud Run's latencies share one


def bounds_of(options: Any) -> tuple[float, ...]:
    """The upper bound of every bucket but the last, from a `google.api.Distribution.BucketOptions`."""
    kind = options.WhichOneof("options")
    if kind == "exponential_buckets":
        rule = options.exponential_buckets
        return _exponential(rule.scale, rule.growth_factor, rule.num_finite_buckets)
    if kind == "linear_buckets":
        rule = options.linear_buckets
        return tuple(rule.offset + rule.width * step for step in range(rule.num_finite_buckets + 1))
    return tuple(options.explicit_buckets.bounds)


@lru_cache(_RULES_KEPT)
def _exponential(scale: float, growth: float, finite: int) -> tuple[float, ...]:
    return tuple(scale * growth**power for power in range(finite + 1))


class Latencies:
    """The sum of distributions, whose buckets may differ: a count stays under the upper bound it was read with."""

    def __init__(self) -> None:
        self._counts: dict[tuple[float, ...], list[int]] = {}  # by the bounds of their buckets

    def add(self, distribution: Any) -> None:
        bounds = bounds_of(distribution.bucket_options)
        counts = self._counts.get(bounds)
        if counts is None:
            counts = self._counts[bounds] = [0] * (len(bounds) + 1)
        for bucket, count in enumerate(distribution.bucket_counts):  # empty buckets at the end are left out
            counts[min(bucket, len(bounds))] += count

    def histogram(self) -> Histogram:
        if len(self._counts) == 1:
            ((bounds, counts),) = self._counts.items()
            return Histogram(bounds_ms=bounds, counts=tuple(counts))
        total: dict[float, int] = {}
        for bounds, counts in self._counts.items():
            for bound, count in zip((*bounds, inf), counts, strict=True):
                total[bound] = total.get(bound, 0) + count
        overflow = total.pop(inf, 0)
        in_order = sorted(total)
        return Histogram(bounds_ms=tuple(in_order), counts=(*(total[bound] for bound in in_order), overflow))
