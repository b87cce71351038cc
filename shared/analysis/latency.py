"""Latencies are compared as counts: how many were slower than the bucket edge near one of stable's quantiles."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate
from operator import add

from shared.analysis.evidence import Histogram

_BELOW_QUANTILE_MAX = 0.15  # a coarse bucket's edge may cut this much lower than asked, never more


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """Their sum. Those with other bounds than the first one that has any are left out."""
    bounds: tuple[float, ...] = ()
    counts: list[int] = []
    for histogram in histograms:
        if not bounds and histogram.counts:
            bounds, counts = histogram.bounds_ms, list(histogram.counts)
        elif histogram.counts and histogram.bounds_ms == bounds:
            counts = list(map(add, counts, histogram.counts))
    return Histogram(bounds_ms=bounds, counts=tuple(counts))


def cut_ms(histogram: Histogram, quantile: float) -> float:
    """The bucket edge next to the quantile: the judge counts who is slower than this.

    histogram: not empty. An edge far below the quantile would leave no room to be slower, so it is not taken.
    """
    total = sum(histogram.counts)
    below = [count / total for count in accumulate(histogram.counts[:-1])]
    distance = {
        edge: abs(share - quantile)
        for edge, share in zip(histogram.bounds_ms, below, strict=True)
        if share >= quantile - _BELOW_QUANTILE_MAX
    }
    return min(distance, key=lambda edge: (distance[edge], edge)) if distance else histogram.bounds_ms[-1]


def slower(histogram: Histogram, edge_ms: float) -> int:
    """How many are certainly slower than the edge, whatever the bounds."""
    return sum(histogram.counts[bisect_left(histogram.bounds_ms, edge_ms) + 1 :])


def quantile_ms(histogram: Histogram, quantile: float) -> float | None:
    """The quantile, linear inside its bucket; the last edge when it lies beyond; None without any request."""
    wanted = quantile * sum(histogram.counts)
    if wanted <= 0 or not histogram.bounds_ms:
        return None
    low, below = 0.0, 0
    for high, count in zip(histogram.bounds_ms, histogram.counts, strict=False):
        if below + count >= wanted:
            return low + (high - low) * (wanted - below) / count
        low, below = high, below + count
    return low
