"""The e-value of one block: how many times more likely the counts are if the canary differs than if it does not.

For every pair of rates that the null allows its expectation is at most 1, whatever the split of traffic was and however
the rates drift between blocks; so a product over blocks reaches 1/alpha with probability at most alpha, at whichever
minute one looks (Ville's inequality). The construction is that of Turner, Ly and Grünwald, "Generic E-variables for
exact sequential k-sample tests that allow for optional stopping", Journal of Statistical Planning and Inference, 2024:
the ratio of an alternative to the null point nearest to it in Kullback-Leibler divergence.
"""

from math import log

TINY = 1e-12
HALVINGS = 40  # of the bracket of the nearest null; the last is far below rounding


def log_e_harm(
    *,
    canary_bad: float,
    canary: float,
    stable_bad: float,
    stable: float,
    worse: float,
    usual: float,
    margin: float = 0.0,
) -> float:
    """Evidence, in nats, that the canary's bad share is above the stable's plus `margin`.

    canary_bad of canary and stable_bad of stable requests were bad; usual: the stable's rate predicted from earlier
    blocks only; worse: the alternative's rate for the canary. 0 when a side is empty or the alternative is no harm.
    """
    if worse <= usual + margin:
        return 0.0
    return _log_ratio(canary_bad, canary, stable_bad, stable, worse, usual, margin)


def log_e_safety(
    *, canary_bad: float, canary: float, stable_bad: float, stable: float, usual: float, margin: float
) -> float:
    """Evidence, in nats, that the canary's bad share is below the stable's plus `margin`: it is equal."""
    return _log_ratio(canary_bad, canary, stable_bad, stable, usual, usual, margin)


def log_e_absolute(*, bad: float, requests: float, worse: float, bound: float) -> float:
    """Evidence, in nats, that a bad share is above a fixed `bound`; for a canary that has no control left."""
    if worse <= bound or requests <= 0:
        return 0.0
    return bad * log(worse / bound) + (requests - bad) * log((1 - worse) / (1 - bound))


def _log_ratio(
    canary_bad: float, canary: float, stable_bad: float, stable: float, canary_rate: float, usual: float, margin: float
) -> float:
    if canary <= 0 or stable <= 0:
        return 0.0
    null = _nearest_null(canary, stable, canary_rate, usual, margin)
    null_canary = _inside(null + margin)
    null = _inside(null)
    return (
        canary_bad * log(canary_rate / null_canary)
        + (canary - canary_bad) * log((1 - canary_rate) / (1 - null_canary))
        + stable_bad * log(usual / null)
        + (stable - stable_bad) * log((1 - usual) / (1 - null))
    )


def _nearest_null(canary: float, stable: float, canary_rate: float, usual: float, margin: float) -> float:
    """The stable rate t that minimises canary KL(canary_rate, t + margin) + stable KL(usual, t)."""
    if margin == 0.0:
        return (canary * canary_rate + stable * usual) / (canary + stable)
    low, high = sorted((usual, canary_rate - margin))
    low, high = max(low, TINY), min(high, 1 - margin - TINY)
    for _ in range(HALVINGS):
        t = (low + high) / 2
        u = t + margin
        # The derivative's sign, without its positive denominators.
        if canary * (canary_rate - u) * t * (1 - t) + stable * (usual - t) * u * (1 - u) > 0:
            low = t
        else:
            high = t
    return (low + high) / 2


def _inside(rate: float) -> float:
    return min(max(rate, TINY), 1 - TINY)
