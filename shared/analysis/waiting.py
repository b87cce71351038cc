"""How long a proof will still take if the canary is as good as stable.

Evidence of safety climbs evenly with every request that is answered well, and falls by the same amount with each one
that is not. How many of those come is chance (Poisson), so the time until the evidence first reaches a height above is
a distribution, and an exact one: with `climb` and `drop` per period and per bad request, it is reached after k bad
requests at T_k = (distance + k drop) / climb, with the probability

    T_0/T_k e^(-events T_k) (events T_k)^k / k!

Source: Kendall's hitting-time identity for processes that jump in one direction only (Borovkov and Burq, Kendall's
identity for the first crossing time revisited, Electronic Communications in Probability 6, 2001). Stable has more
requests than the canary and its bad ones say less, so those are taken at their mean.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import ceil, exp, hypot, inf, lgamma, log, sqrt

from shared.analysis.record import NamedTuple

_FAR = 1e-4  # what is as unlikely as that is not looked at
_UNSEEN = 0.583
_Z = 1.645  # of a 90 % range
_BAD_MAX = 5000  # bad requests; more are days


class Walk(NamedTuple):
    """One proof's evidence per period: what it gains without a bad canary request, loses by each, and their number."""

    climb: float
    drop: float
    events: float


class Wait(NamedTuple):
    """When a height is reached for the first time: periods, and the chance that it is so by then."""

    periods: tuple[float, ...]
    chance: tuple[float, ...]

    def by(self, periods: float) -> float:
        at = bisect_right(self.periods, periods)
        return self.chance[at - 1] if at else 0.0


def until(walk: Walk, distance: float, *, block: float = 0.0, after: float = 0.0) -> Wait:
    """block: periods between two moments at which somebody looks; what is high between them only, nobody sees. A height
    further by 0.583 standard deviations of a block makes up for that (Siegmund, Sequential Analysis, 1985, chapter 10).
    after: periods before it begins to walk.
    """
    if distance <= 0:
        return Wait((after,), (1.0,))
    if walk.climb <= 0:
        return Wait((), ())
    distance += _UNSEEN * walk.drop * sqrt(walk.events * block)
    first, more = distance / walk.climb, walk.drop / walk.climb
    times, chances, known = [], [], 0.0
    for bad in range(_BAD_MAX):
        time = first + bad * more
        mean = walk.events * time
        chance = exp(log(first / time) - mean + (bad * log(mean) - lgamma(bad + 1) if bad else 0.0))
        times.append(after + time)
        chances.append(chance)
        known += chance
        if known > 1 - _FAR or not mean:
            break
    return Wait(tuple(times), tuple(accumulate(chances)))


def quantile(proofs: Sequence[Sequence[Wait]], share: float) -> float:
    """Periods until every proof has one of its ways done, with this probability; infinite when nobody can say."""
    times = sorted({time for ways in proofs for way in ways for time in way.periods})

    def done(time: float) -> float:
        chance = 1.0
        for ways in proofs:
            chance *= max(way.by(time) for way in ways)
        return chance

    at = bisect_left(times, share, key=done)
    return times[at] if at < len(times) else inf


def slack(factor: float, requests: float, seen: float) -> float:
    """How far a limit of a 90 % range lies from the median, as a factor of at least 1.

    factor: limit by median, for evenly paced requests. Their pace is chance too: `requests` are still to come, and how
    fast is known from those `seen`. Both are Poisson, so the logarithm of the time that they take has about the
    variance 1/requests + 1/seen; independent spreads add up in squares.
    """
    if factor == inf:
        return inf
    return exp(hypot(log(factor), _Z * sqrt(1 / requests + 1 / seen)))


def whole_blocks(periods: float, block: int, begun: int) -> float:
    """Evidence is weighed a block at a time, of which some periods have been seen already."""
    return max(1, ceil(periods / block) * block - begun) if periods < inf else inf
