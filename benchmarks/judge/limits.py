"""How few canary requests can be enough, whatever the test: the information limit."""

from math import log


def limit_requests(canary: float, stable: float, share: float, risk: float) -> float:
    """Canary requests until log(1/risk) nats can be expected, for known rates but an unknown common one.

    share: of traffic, so that (1 - share) / share stable requests come with each of the canary's. The divergence to the
    nearest point of "no worse" is what any test that is valid there can gain on average (Wald's inequality).
    """
    ratio = (1 - share) / share
    common = share * canary + (1 - share) * stable
    return log(1 / risk) / (divergence(canary, common) + ratio * divergence(stable, common))


def divergence(p: float, q: float) -> float:
    """Of Kullback and Leibler, between two Bernoulli rates, in nats."""
    head = p * log(p / q) if p > 0 else 0.0
    return head + ((1 - p) * log((1 - p) / (1 - q)) if p < 1 else 0.0)
