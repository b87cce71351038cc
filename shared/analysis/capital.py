"""What a bettor against the canary owns: the evidence of harm over a whole rollout."""

from collections.abc import Sequence
from math import exp, log

_AT_ONCE = 0.85  # of the capital; the rest arrives block by block, so that a fault that begins late is found too
_DRIPS = 240  # blocks, half a day of them
_CAP = 0.34  # of the logarithm needed, from one block: three different blocks must agree
_LOG_E_MAX = 300.0  # two of them multiply without overflow


class Capital:
    """One unit of money spread over alternatives by weight; each block multiplies each part by its e-value.

    While the null is true its expectation never grows above 1, so by Ville's inequality the chance that it *ever*
    reaches 1/risk is at most `risk`, however often one looks. Taking min(e, cap) only lowers it. The cap is for what
    the proof does not cover: requests that fail together because one instance died.
    """

    __slots__ = ("_caps", "_drips", "blocks", "needed", "owned")

    def __init__(self, weights: Sequence[float], risk: float) -> None:
        assert sum(weights) <= 1 + 1e-9
        self.needed = 1 / risk
        self.owned = [weight * _AT_ONCE for weight in weights]
        self._caps = [_CAP * log(self.needed / own) for own in self.owned]
        self._drips = [weight * (1 - _AT_ONCE) / _DRIPS for weight in weights]
        self.blocks = 0

    def bet(self, log_e_values: Sequence[float], *, capped: bool = True) -> None:
        """One block, in the order of the weights."""
        if self.blocks < _DRIPS:
            self.owned = [own + drip for own, drip in zip(self.owned, self._drips, strict=True)]
        self.blocks += 1
        caps = self._caps if capped else [_LOG_E_MAX] * len(self._caps)
        self.owned = [
            min(own * exp(min(cap, value)), 1e150)
            for own, value, cap in zip(self.owned, log_e_values, caps, strict=True)
        ]

    @property
    def total(self) -> float:
        """An e-value; `needed` and more rolls back."""
        return sum(self.owned)

    @property
    def richest(self) -> int:
        """The alternative that explains the requests best."""
        return max(range(len(self.owned)), key=self.owned.__getitem__)
