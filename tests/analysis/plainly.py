"""The judge's arithmetic written plainly: slow, and from the definitions that its docstrings cite."""

from collections.abc import Sequence
from math import log, sqrt

from shared.analysis.e_value import Tally

Counted = tuple[float, float]
TALLIES = [Tally(20, 3, 60, 1), Tally(7, 0, 300, 12), Tally(400, 9, 100, 0), Tally(5, 5, 5, 5), Tally(2.5, 1.5, 9, 0)]


def nearest(tally: Tally, canary: float, stable: float, margin: float) -> float:
    """Stable's rate where the divergence from an alternative is least, which is convex: where it no longer falls."""
    low, high = 0.0, 1.0 - margin
    for _ in range(200):
        rate = (low + high) / 2
        other = rate + margin
        rises = tally.canary * (other - canary) * rate * (1 - rate) + tally.stable * (rate - stable) * other * (
            1 - other
        )
        low, high = (low, rate) if rises > 0 else (rate, high)
    return low


def coins(tally: Tally, canary: float, stable: float) -> float:
    """The logarithm of the likelihood of what was seen, with these rates."""
    n_c, x_c, n_b, x_b = tally
    return x_c * log(canary) + (n_c - x_c) * log(1 - canary) + x_b * log(stable) + (n_b - x_b) * log(1 - stable)


def log_e(tally: Tally, canary: float, stable: float, margin: float) -> float:
    """The likelihood ratio between an alternative and the nearest rates that differ by the margin."""
    rate = nearest(tally, canary, stable, margin)
    return coins(tally, canary, stable) - coins(tally, rate + margin, rate)


def faded(rows: Sequence[Counted], half_life: float) -> Counted:
    """Both sums, where what is one half-life old counts half."""
    weights = [0.5 ** ((len(rows) - 1 - at) / half_life) for at in range(len(rows))]
    return (
        sum(weight * bad for weight, (bad, _) in zip(weights, rows, strict=True)),
        sum(weight * requests for weight, (_, requests) in zip(weights, rows, strict=True)),
    )


def correlation(rows: Sequence[Counted], prior: float, distance: int, beyond: float) -> tuple[float, float]:
    """Of requests in periods so far apart, and its standard error, both beside thirty periods' weight of the prior.

    The squared difference of two bad shares is expected to be p(1-p) (1/n + 1/m) by chance, and p(1-p) (2 - 1/n - 1/m)
    more where each period's requests fail all together; weighed by the inverse square of 1/n + 1/m.
    """
    pairs = [(rows[at - distance], rows[at]) for at in range(distance, len(rows))]
    telling = [(a, b) for a, b in pairs if a[1] > 0 and b[1] > 0 and a[0] + b[0] > 0]
    excess = scale = variance = 0.0
    for age, ((x, n), (y, m)) in enumerate(reversed(telling)):
        fade, weight = 0.5 ** (age / 360), 1 / (1 / n + 1 / m) ** 2
        p = (x + y) / (n + m)
        sampled = p * (1 - p) * (1 / n + 1 / m)
        unbiased = (n + m) / (n + m - 1) if n + m > 2 else n + m
        excess += fade * weight * ((x / n - y / m) ** 2 - sampled * unbiased)
        scale += fade * weight * p * (1 - p) * (2 - 1 / n - 1 / m)
        variance += fade * weight * (2 * (p * (1 - p)) ** 2 + sampled)
    return (max(0.0, excess + beyond * sqrt(variance)) + 30 * prior) / (scale + 30), scale
