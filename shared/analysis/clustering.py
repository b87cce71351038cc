"""How far requests of one period fail together instead of independently, as the stable revision shows it.

The tests count requests as independent. An instance that dies takes its requests with it, so a period's n requests
tell only as much as n / (1 + (n - 1) r) independent ones, r being their intra-period correlation (the design effect of
Kish, Survey Sampling, 1965). r is estimated from the differences of adjacent periods of stable: there, slow drift
cancels and only what varies from period to period remains.
"""

from math import sqrt

_HALF_LIFE = 360.0  # periods
_FADE = 0.5 ** (1 / _HALF_LIFE)
_PRIOR_WEIGHT = 30.0  # of the prior, in the estimate's own weights: about one busy period
_LEAST, _MOST = 2e-4, 0.9


class Clustering:
    """The correlation r, from periods already judged. One standard error is added: the estimate is meant to be wary."""

    __slots__ = ("_excess", "_last", "_prior", "_scale", "_variance")

    def __init__(self, prior: float) -> None:
        self._prior = prior
        self._excess = self._scale = self._variance = 0.0
        self._last = (0.0, 0.0)

    def learn(self, bad: float, requests: float) -> None:
        """One more period of stable. A period without a request tells nothing and breaks the chain."""
        last_bad, last = self._last
        self._last = (bad, requests)
        if requests <= 0 or last <= 0 or not (bad or last_bad):
            return  # nothing to compare, or nothing bad in either
        both = requests + last
        usual = (bad + last_bad) / both
        spread = usual * (1 - usual)
        noise = 1 / requests + 1 / last
        weight = 1 / (noise * noise)
        difference = bad / requests - last_bad / last
        unbiased = both / (both - 1) if both > 2 else both
        self._excess = self._excess * _FADE + weight * (difference * difference - spread * noise * unbiased)
        self._scale = self._scale * _FADE + weight * spread * (2 - noise)
        self._variance = self._variance * _FADE + 2 * spread * spread * weight + spread * noise * weight

    @property
    def correlation(self) -> float:
        shown = self._excess + sqrt(self._variance)
        wary = (shown if shown > 0 else 0.0) + _PRIOR_WEIGHT * self._prior
        correlation = wary / (self._scale + _PRIOR_WEIGHT)
        return _LEAST if correlation < _LEAST else min(correlation, _MOST)

    def skip(self) -> None:
        """A period in which both revisions failed: what they share is no clustering on one of them."""
        self._last = (0.0, 0.0)


def thinned(requests: float, correlation: float) -> float:
    """The factor by which so many requests of one period must be scaled down to count as independent."""
    return 1.0 if requests <= 1 else 1 / (1 + (requests - 1) * correlation)
