"""Kayenta's Mann-Whitney comparison of two series, as its Scala source computes it.

The confidence limits of the shift are the roots of a step function; where on a step the search stops matters, so the
search is the same as in R's wilcox.test: Brent's and Dekker's, with an absolute tolerance of 1e-4.
"""

import math

import numpy as np
from numpy.typing import NDArray

_Z = 2.3263478740408408  # of a two-sided 98 % interval
_EFFECT = 0.25  # of the estimated shift
_TOLERANCE = 1e-4
_EPSILON = 2.220446049250313e-16

Floats = NDArray[np.float64]


def is_higher(canary: list[float], stable: list[float]) -> bool:
    """Whether Kayenta calls the canary High: the lower limit of the shift exceeds a quarter of its estimate."""
    x, y = np.array(canary), np.sort(np.array(stable))
    if np.array_equal(np.sort(x), y):
        return False
    if np.ptp(x) == 0 and np.ptp(y) == 0:
        return bool(x[0] > y[0])  # Kayenta adds noise to break the tie; the answer is this
    low, middle = _root(x, y, _Z), _root(x, y, 0.0)
    if math.isnan(low) or math.isnan(middle) or low <= _EFFECT * abs(middle):
        return False
    return x.mean() == 0 or y.mean() == 0 or bool(x.mean() / y.mean() >= 1)


def _statistic(shift: float, x: Floats, y: Floats, quantile: float) -> float:
    """The z value of x - shift against sorted y, corrected for continuity and ties, less the quantile."""
    moved = x - shift
    below, upto = np.searchsorted(y, moved, "left"), np.searchsorted(y, moved, "right")
    n, m = len(x), len(y)
    distance = float((below + 0.5 * (upto - below)).sum()) - n * m / 2
    _, ties = np.unique(np.concatenate([moved, y]), return_counts=True)
    whole = n + m
    variance = n * m / 12 * (whole + 1 - float((ties**3 - ties).sum()) / (whole * (whole - 1)))
    if variance <= 0:
        return math.nan
    return float((distance - 0.5 * np.sign(distance)) / math.sqrt(variance) - quantile)


def _root(x: Floats, y: Floats, quantile: float) -> float:
    low, high = float(x.min() - y.max()), float(x.max() - y.min())
    at_low, at_high = _statistic(low, x, y, quantile), _statistic(high, x, y, quantile)
    if math.isnan(at_low) or math.isnan(at_high):
        return math.nan
    if quantile and at_low <= 0:
        return low
    if quantile and at_high >= 0:
        return high
    return _brent(x, y, quantile, (low, at_low), (high, at_high))


def _brent(x: Floats, y: Floats, quantile: float, start: tuple[float, float], end: tuple[float, float]) -> float:
    (a, fa), (b, fb) = start, end
    c, fc = a, fa
    if fa == 0:
        return a
    for _ in range(1000):
        step = b - a
        if abs(fc) < abs(fb):
            a, b, c, fa, fb, fc = b, c, b, fb, fc, fb
        near = 2 * _EPSILON * abs(b) + _TOLERANCE / 2
        new = (c - b) / 2
        if abs(new) <= near or fb == 0:
            return b
        if abs(step) >= near and abs(fa) > abs(fb):
            p, q = _interpolated(a, b, c, fa, fb, fc)
            if p < 0.75 * (c - b) * q - abs(near * q) / 2 and p < abs(step * q / 2):
                new = p / q
        if abs(new) < near:
            new = math.copysign(near, new)
        a, fa = b, fb
        b += new
        fb = _statistic(b, x, y, quantile)
        if (fb > 0) == (fc > 0) and fb != 0:
            c, fc = a, fa
    return b


def _interpolated(a: float, b: float, c: float, fa: float, fb: float, fc: float) -> tuple[float, float]:
    """Linear or inverse quadratic: numerator and denominator of the next step, the numerator not negative."""
    if a == c:
        ratio = fb / fa
        p, q = (c - b) * ratio, 1 - ratio
    else:
        q, first, second = fa / fc, fb / fc, fb / fa
        p = second * ((c - b) * q * (q - first) - (b - a) * (first - 1))
        q = (q - 1) * (first - 1) * (second - 1)
    return (p, -q) if p > 0 else (-p, q)
