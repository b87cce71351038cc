"""How far requests fail together instead of independently, as the stable revision shows it.

The tests count requests as independent. An instance that dies takes its requests with it, so a period's n requests
tell only as much as n / (1 + (n - 1) r) independent ones, r being their intra-period correlation (the design effect of
Kish, Survey Sampling, 1965). r is estimated from the differences of adjacent periods of stable: there, slow drift
cancels and only what varies from period to period remains. A bad quarter of an hour cancels there as well, so errors
are also compared with the period ten before: what varies more at that distance is what neighbouring periods share, and
a request then speaks for the whole stretch instead of its own period.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from math import sqrt

from shared.analysis.e_value import within
from shared.analysis.past import STRETCH

Counted = tuple[float, float]  # bad requests of a period, and all of them
NOTHING: Counted = (0.0, 0.0)

_HALF_LIFE = 360.0  # periods
_FADE = 0.5 ** (1 / _HALF_LIFE)
_PRIOR_WEIGHT = 30.0  # of the prior, in the estimate's own weights: about one busy period
_LEAST, _MOST = 2e-4, 0.9


class _Spread:
    """What the bad shares of two periods at one distance differ by beyond chance, over what full correlation would."""

    __slots__ = ("excess", "scale", "variance")

    def __init__(self) -> None:
        self.excess = self.scale = self.variance = 0.0

    def learn(self, pairs: Iterable[tuple[Counted, Counted]]) -> None:
        """Each period with an earlier one. Nothing to compare, or nothing bad in either, tells nothing."""
        excess, scale, variance = self.excess, self.scale, self.variance
        for (last_bad, last), (bad, requests) in pairs:
            both_bad = bad + last_bad
            if not both_bad or not requests or not last:
                continue
            both = requests + last
            usual = both_bad / both
            surplus = bad - usual * requests
            weight = requests * last / both  # half the harmonic mean: of so many requests a difference tells
            by_chance = weight * usual * (1.0 - usual)
            excess = excess * _FADE + surplus * surplus - by_chance * (both / (both - 1.0))
            scale = scale * _FADE + by_chance * (2.0 * weight - 1.0)
            variance = variance * _FADE + by_chance * (2.0 * by_chance + 1.0)
        self.excess, self.scale, self.variance = excess, scale, variance


class Clustering:
    """The correlation r, from periods already judged. One standard error is added: the estimate is meant to be wary.

    far: whether neighbouring periods may share their trouble. correlation: within one period. of_stretch: as large as
    it must be within one period to make up for what its neighbours share with it.
    """

    __slots__ = ("_far", "_near", "_past", "_prior", "correlation", "of_stretch")

    def __init__(self, prior: float, *, far: bool = False) -> None:
        self._prior = prior
        self._near = _Spread()
        self._far = _Spread() if far else None
        self._past: Sequence[Counted] = [NOTHING]
        self.correlation = self.of_stretch = prior

    def learn(self, periods: Sequence[Counted]) -> None:
        """More periods of stable, in order. NOTHING breaks the chain: a period without a request, and one in which
        both revisions failed, for what they share is no clustering on one of them.
        """
        self._near.learn(pairwise([self._past[-1], *periods]))
        self.correlation = self.of_stretch = self._within_a_period()
        if self._far is None:
            self._past = periods[-1:] or self._past
            return
        rows = [*self._past, *periods]
        at = max(len(self._past), STRETCH)
        self._far.learn(zip(rows[at - STRETCH :], rows[at:], strict=False))
        self._past = rows[-STRETCH:]
        self.of_stretch = self._with_neighbours(self._far)

    def _within_a_period(self) -> float:
        near = self._near
        wary = max(0.0, near.excess + sqrt(near.variance)) + _PRIOR_WEIGHT * self._prior
        return within(_LEAST, wary / (near.scale + _PRIOR_WEIGHT), _MOST)

    def _with_neighbours(self, far: _Spread) -> float:
        """Only what stands out by a standard error counts as shared, for most services share nothing."""
        near, scale = self.correlation, far.scale + _PRIOR_WEIGHT
        shared = (far.excess - sqrt(far.variance)) / scale - near
        return max(near, min(far.excess / scale, _MOST)) + (STRETCH - 1) * shared if shared > 0 else near


def thinned(requests: float, correlation: float) -> float:
    """The factor by which so many requests of one period must be scaled down to count as independent."""
    return 1.0 if requests <= 1 else 1 / (1 + (requests - 1) * correlation)
