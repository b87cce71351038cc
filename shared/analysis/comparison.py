"""One way in which a canary can be worse: bad requests of both revisions, block by block, and what stable lets expect.

"Bad" is "failed" for the errors, and "slower than this edge" for each of stable's latency quantiles.
"""

from collections.abc import Sequence
from math import log, sqrt

from shared.analysis.clustering import Clustering, Counted, thinned
from shared.analysis.e_value import Counts, Tally, log_excess, log_harm, log_safety, within
from shared.analysis.waiting import Walk

_HALF_LIFE = 120.0  # periods; what stable does now says more than what it did last night
_FADE = 0.5 ** (1 / _HALF_LIFE)
_RATE_MIN, _RATE_MAX = 1e-5, 0.99
_ALONE_MARGIN_MIN = 0.01
_UPPER_LIMIT_Z = 2.33  # 99 %
_LUCK = 1.3  # evidence grows unevenly: plan for this much more than is needed
_HALVINGS = 14  # of the bracket of the smallest provable margin; to a hundredth of a point


class Comparison:
    """The canary's rate of bad requests against stable's.

    effects: the alternatives bet on, as shares of the way from the tolerated rate to all bad; tolerance: how far above
    stable's rate is no harm; prior: bad ones and all of imagined earlier requests of stable; clustering: their assumed
    correlation, until stable has shown it; stretches: whether neighbouring periods may go bad together.

    expected: stable's rate as its past requests predict it.
    """

    __slots__ = ("_bad", "_effects", "_prior", "_requests", "_tolerance", "clustering", "expected")

    def __init__(
        self,
        effects: tuple[float, ...],
        *,
        tolerance: float,
        prior: tuple[float, float],
        clustering: float,
        stretches: bool = False,
    ) -> None:
        self._effects = effects
        self._tolerance = tolerance
        self._prior = prior
        self._bad = self._requests = 0.0
        self.clustering = Clustering(clustering, far=stretches)
        self.expected = 0.0
        self.learn([])

    def learn(self, periods: Sequence[Counted], telling: Sequence[Counted] | None = None) -> None:
        """What stable did in some periods, after the block that holds them was judged.

        telling: the same for the clustering, with NOTHING where both revisions failed; by default all of it.
        """
        of_bad, of_all = self._bad, self._requests
        for bad, requests in periods:
            of_bad = of_bad * _FADE + bad
            of_all = of_all * _FADE + requests
        self._bad, self._requests = of_bad, of_all
        bad, requests = self._prior
        self.expected = within(_RATE_MIN, (of_bad + bad) / (of_all + requests), _RATE_MAX)
        self.clustering.learn(periods if telling is None else telling)

    @property
    def limit(self) -> float:
        """What is tolerated of a canary that has no control left: stable's rate plus one point, or as much again.

        Stable's rate is Wilson's upper limit of what was seen, so that few requests before do not make it strict.
        """
        bad, requests, z = self._bad, self._requests, _UPPER_LIMIT_Z
        spread = z * sqrt(bad * (requests - bad) / requests + z * z / 4) if requests > bad else z * z / 2
        rate = (bad + z * z / 2 + spread) / (requests + z * z)
        return min(rate + max(_ALONE_MARGIN_MIN, rate), 0.9)

    def harm(self, tally: Tally, periods: int = 1, *, together: bool = True) -> list[float]:
        """Evidence of harm in a block of so many periods, as logarithms, one for each alternative.

        together: whether requests may fail together, as stable's do.
        """
        counts = _independent(tally, periods, self.clustering.of_stretch) if together else tally
        floor = self.expected + self._tolerance
        rates = [floor + effect * (1 - floor) for effect in self._effects]
        return log_harm(counts, rates, self.expected, self._tolerance)

    def harm_alone(self, tally: Tally, *, together: bool = True) -> list[float]:
        """Evidence that the canary exceeds the limit that stable's history sets; stable has no traffic."""
        limit, factor = self.limit, thinned(tally.canary, self.clustering.of_stretch) if together else 1.0
        bad, requests = tally.canary_bad * factor, tally.canary * factor
        return [log_excess(bad, requests, rate=limit + effect * (1 - limit), limit=limit) for effect in self._effects]

    def safety(self, tally: Tally, margins: Sequence[float], periods: int = 1) -> list[float]:
        """Evidence, as logarithms, that the canary's rate is below stable's plus each margin."""
        independent, rate = _independent(tally, periods, self.clustering.correlation), self.expected
        return [log_safety(independent, rate=rate, margin=margin) for margin in margins]

    def safety_per_period(self, canary: float, stable: float, margin: float) -> float:
        """What a period with so many requests adds on average if the canary is as good as stable."""
        rate = self.expected
        return self.safety(Tally(canary, rate * canary, stable, rate * stable), [margin])[0]

    def walk(self, canary: float, stable: float, margin: float) -> Walk:
        """How a period with so many requests moves the evidence of safety if the canary is as good as stable."""
        rate, correlation = self.expected, self.clustering.correlation
        ours, theirs = canary * thinned(canary, correlation), stable * thinned(stable, correlation)
        without, with_one = (
            log_safety(Tally(ours, bad, theirs, rate * theirs), rate=rate, margin=margin) for bad in (0.0, 1.0)
        )
        return Walk(without, without - with_one, rate * ours)

    def provable_margin(
        self, canary: float, stable: float, *, periods: float, risk: float, least: float, most: float
    ) -> float:
        """The smallest margin in [least, most] that so many periods of such traffic can be expected to prove."""
        needed = _LUCK * log(1 / risk) / periods
        if least >= most or self.safety_per_period(canary, stable, most) < needed:
            return most
        if self.safety_per_period(canary, stable, least) >= needed:
            return least
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            if self.safety_per_period(canary, stable, middle) >= needed:
                most = middle
            else:
                least = middle
        return most


def _independent(tally: Counts, periods: int, correlation: float) -> Counts:
    """As many requests as would tell the same if none had failed together."""
    canary, canary_bad, stable, stable_bad = tally
    ours, theirs = thinned(canary / periods, correlation), thinned(stable / periods, correlation)
    return canary * ours, canary_bad * ours, stable * theirs, stable_bad * theirs
