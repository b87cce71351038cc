"""Google's distributions as histograms: bucket bounds from any of its three bucket options.

https://cloud.google.com/monitoring/api/ref_v3/rest/v3/TypedValue#Distribution
"""

from typing import Any

from shared.analysis.evidence import Histogram


def bounds_of(options: Any) -> tuple[float, ...]:
    """The upper bound of every bucket but the last, from a `google.api.Distribution.BucketOptions`."""
    kind = options.WhichOneof("options")
    if kind == "exponential_buckets":
        rule = options.exponential_buckets
        return tuple(rule.scale * rule.growth_factor**power for power in range(rule.num_finite_buckets + 1))
    if kind == "linear_buckets":
        rule = options.linear_buckets
        return tuple(rule.offset + rule.width * step for step in range(rule.num_finite_buckets + 1))
    return tuple(options.explicit_buckets.bounds)


class Latencies:
    """The sum of distributions, whose buckets may differ: a count stays under the upper bound it was read with."""

    def __init__(self) -> None:
        self._counts: dict[float, int] = {}

    def add(self, distribution: Any) -> None:
        bounds = bounds_of(distribution.bucket_options)
        for bound in bounds:
            self._counts.setdefault(bound, 0)
        for bucket, count in enumerate(distribution.bucket_counts):  # empty buckets at the end are left out
            bound = bounds[bucket] if bucket < len(bounds) else float("inf")
            self._counts[bound] = self._counts.get(bound, 0) + count

    def histogram(self) -> Histogram:
        overflow = self._counts.get(float("inf"), 0)
        bounds = tuple(sorted(bound for bound in self._counts if bound != float("inf")))
        return Histogram(bounds_ms=bounds, counts=(*(self._counts[bound] for bound in bounds), overflow))
