"""How strongly one block of requests speaks for or against harm, as the logarithm of an e-value.

An e-value is a non-negative number whose expectation is at most 1 when its null hypothesis is true. Betting one unit
against the null pays it back that many times, so a large value is hard to explain otherwise.

A block is a `Tally`: n_c canary requests of which x_c were bad (failed, or slow), and n_b and x_b of stable. Every
request is bad independently with its revision's probability, p_c or p_b, during the block. For an alternative
(t_c, t_b) chosen before the block is seen, and the null p_c <= p_b + m:

    (u, t) = argmin over u = t + m of  n_c KL(t_c || u) + n_b KL(t_b || t)
    e = (t_c/u)^x_c ((1-t_c)/(1-u))^(n_c-x_c) (t_b/t)^x_b ((1-t_b)/(1-t))^(n_b-x_b)

Why E[e] <= 1 for every pair in the null: (u, t) is the point of the null closest to the alternative, so its optimality
conditions say that the average over all requests of the expected likelihood ratio is at most 1 at any other point of
the null; a product of independent terms is at most their mean to the power of their number (AM-GM). This holds whatever
share of requests the canary got, and rates may drift from block to block, so values of successive blocks multiply.
Counts scaled down by one factor per side only lower the expectation (Jensen), so a wary judge may shrink them.

Source: Turner, Ly and Grünwald, Generic E-variables for exact sequential k-sample tests that allow for optional
stopping, Journal of Statistical Planning and Inference 230 (2024), arXiv 2106.02693; for the margin, Turner and
Grünwald, arXiv 2203.09785.
"""

from collections.abc import Sequence
from math import acos, copysign, cos, log, pi, sqrt

from shared.analysis.record import NamedTuple

_TINY = 1e-12  # from the ends of a bracket, where a logarithm would not exist
_THIRD_OF_A_TURN = 2 * pi / 3

Counts = tuple[float, float, float, float]  # a Tally without its names, which take longer to give than to read


class Tally(NamedTuple):
    """Requests of both revisions in one block, and how many of each were bad. A tuple because thousands are made."""

    canary: float
    canary_bad: float
    stable: float
    stable_bad: float


def log_harm(tally: Counts, canary_rates: Sequence[float], stable_rate: float, margin: float = 0.0) -> list[float]:
    """Evidence that the canary's rate exceeds stable's by more than `margin`; 0 when the block cannot tell.

    canary_rates, stable_rate: the alternatives, ascending, in (0, 1), chosen without looking at the block.
    """
    n_c, _, n_b, _ = tally
    if n_c <= 0 or n_b <= 0 or canary_rates[0] <= stable_rate + margin:
        return [0.0] * len(canary_rates)
    return _log_ratios(tally, canary_rates, stable_rate, margin)


def log_safety(tally: Counts, *, rate: float, margin: float) -> float:
    """Evidence that the canary's rate is less than stable's plus `margin`, betting that both are `rate`.

    The null is p_c >= p_b + margin. With a margin of 1 or more there is no such canary: 0, and nothing to prove.
    """
    n_c, _, n_b, _ = tally
    if n_c <= 0 or n_b <= 0 or not 0 < margin < 1:
        return 0.0
    return _log_ratios(tally, (rate,), rate, margin)[0]


def log_excess(bad: float, requests: float, *, rate: float, limit: float) -> float:
    """Evidence that a rate exceeds the fixed `limit`, betting that it is `rate`: the likelihood ratio at the limit."""
    return bad * log(rate / limit) + (requests - bad) * log((1 - rate) / (1 - limit))


def _log_ratios(tally: Counts, canary_rates: Sequence[float], t_b: float, margin: float) -> list[float]:
    n_c, x_c, n_b, x_b = tally
    both, good_c, good_b = n_c + n_b, n_c - x_c, n_b - x_b
    values = []
    for t_c in canary_rates:
        t = _closest(n_c, n_b, t_c, t_b, margin) if margin else (n_c * t_c + n_b * t_b) / both
        u = t + margin
        value = good_c * log((1 - t_c) / (1 - u)) + good_b * log((1 - t_b) / (1 - t))
        if x_c:
            value += x_c * log(t_c / u)
        if x_b:
            value += x_b * log(t_b / t)
        values.append(value)
    return values


def _closest(n_c: float, n_b: float, t_c: float, t_b: float, margin: float) -> float:
    """Stable's rate at the point of the line u = t + margin that is closest to the alternative.

    Setting the derivative to zero gives a cubic in t. It is negative at -margin, positive at 0, negative at
    the upper end of the bracket and positive at 1, so of its three real roots the wanted one is the middle.
    """
    d = margin
    a, c = t_c - d, n_c / (n_c + n_b)
    b, rest, shift = 1 - c, 1 - 2 * d, d * (1 - d)
    second = -c * (a + 1) - b * (rest + t_b)
    first = c * a + b * (t_b * rest - shift)
    constant = b * t_b * shift
    third = second / 3
    squared = third * third - first / 3
    radius = sqrt(squared)
    cosine = -(third * (2 * third * third - first) + constant) / (2 * squared * radius)
    angle = acos(cosine if -1 < cosine < 1 else copysign(1.0, cosine)) / 3
    t = 2 * radius * cos(angle - _THIRD_OF_A_TURN) - third
    # One Newton step gives back the digits that the cosine loses when two roots are near each other.
    t -= (((t + second) * t + first) * t + constant) / ((3 * t + 2 * second) * t + first)
    low, high = (t_b, a) if a > t_b else (max(a, _TINY), min(t_b, 1 - d - _TINY))
    return within(low, t, high)


def within(least: float, value: float, most: float) -> float:
    """What lies nearest to the value between the two: the comparisons alone, which are quicker than `min` and `max`."""
    if value < least:
        return least
    if value > most:
        return most
    return value
