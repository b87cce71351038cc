"""Latencies are compared as counts: how many were slower than the bucket edge near one of stable's quantiles."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import accumulate

from shared.analysis.evidence import Histogram

_BELOW_QUANTILE_MAX = 0.15  # a coarse bucket's edge may cut this much lower than asked, never more


def merged(histograms: Sequence[Histogram]) -> Histogram:
    """Their sum. Those with other bounds than the first one that has any are left out."""
    bounds = next((its_bounds for its_bounds, counts in histograms if counts), ())
    same = [counts for its_bounds, counts in histograms if counts and its_bounds == bounds]
    return Histogram(bounds_ms=bounds, counts=tuple(map(sum, zip(*same, strict=True))))


def cut_ms(histogram: Histogram, quantile: float, least_ms: float = 0.0) -> float:
    """The bucket edge next to the quantile: the judge counts who is slower than this.

    histogram: not empty. An edge far below the quantile would leave no room to be slower, so it is not taken, nor one
    below `least_ms`: nobody feels the difference.
    """
    total = sum(histogram.counts)
    below = [count / total for count in accumulate(histogram.counts[:-1])]
    distance = {
        edge: abs(share - quantile)
        for edge, share in zip(histogram.bounds_ms, below, strict=True)
        if share >= quantile - _BELOW_QUANTILE_MAX and edge >= least_ms
    }
    return min(distance, key=lambda edge: (distance[edge], edge)) if distance else histogram.bounds_ms[-1]


def slower(histogram: Histogram, edge_ms: float) -> int:
    """How many are certainly slower than the edge, whatever the bounds."""
    return sum(histogram.counts[_first_slower(histogram.bounds_ms, edge_ms) :])


class Cuts:
    """Ascending edges at which every histogram is cut. Where they fall is looked up once, while the bounds stay."""

    __slots__ = ("_bounds_ms", "_starts", "edges_ms")

    def __init__(self, edges_ms: Sequence[float] = ()) -> None:
        self.edges_ms = tuple(edges_ms)
        self._bounds_ms: tuple[float, ...] | None = None
        self._starts: list[int] = []

    def counted(self, histogram: Histogram) -> list[int]:
        """All requests, then those certainly slower than each edge."""
        bounds, counts = histogram
        if bounds != self._bounds_ms:
            self._bounds_ms = bounds
            self._starts = [_first_slower(bounds, edge) for edge in self.edges_ms]
        found = [sum(counts)]
        for start in self._starts:
            found.append(sum(counts[start:]))  # noqa: PERF401  # a comprehension costs more than its turns
        return found


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


def _first_slower(bounds_ms: Sequence[float], edge_ms: float) -> int:
    """The index of the first bucket that lies wholly beyond the edge."""
    return bisect_left(bounds_ms, edge_ms) + 1
