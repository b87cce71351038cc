"""What a bettor against the canary owns: the evidence of harm over a whole rollout."""

from collections.abc import Sequence
from math import exp, log

_AT_ONCE = 0.85  # of the capital; the rest arrives block by block, so that a fault that begins late is found too
_DRIPS = 240  # blocks, half a day of them
_CAP = 0.42  # of the logarithm needed, from one block: three different blocks must agree
_EARLY = 12  # blocks in which a canary that is bad from its first request may be found at once
_EPISODE = 8  # blocks: trouble that comes and goes within them is no release's
_IN_ONE_BLOCK = 0.5  # of the way to a rollback that evidence may make at once; all of it when it lasted an episode
_LOG_E_MAX = 300.0  # two of them multiply without overflow
_MOST = 1e150


class Capital:
    """One unit of money spread over alternatives by weight; each block multiplies each part by its e-value.

    While the null is true its expectation never grows above 1, so by Ville's inequality the chance that it *ever*
    reaches 1/risk is at most `risk`, however often one looks. Taking min(e, cap) only lowers it. The cap is for what
    the proof does not cover: requests that fail together because one instance died. So is the ceiling on a part that
    begins to grow after the rollout's first blocks: a bad five minutes of a good canary look exactly like a fault that
    began five minutes ago, and only time tells them apart. A canary bad from its first request does not wait for it.
    """

    __slots__ = ("_caps", "_drips", "_grown", "_low", "_reach", "blocks", "needed", "owned")

    def __init__(self, weights: Sequence[float], risk: float) -> None:
        assert sum(weights) <= 1 + 1e-9
        self.needed = 1 / risk
        self.owned = [weight * _AT_ONCE for weight in weights]
        self._caps = [_CAP * log(self.needed / own) for own in self.owned]
        self._drips = [weight * (1 - _AT_ONCE) / _DRIPS for weight in weights]
        self.blocks = 0
        self._low = list(self.owned)  # of each part, since when it grows
        self._grown = [0] * len(self.owned)  # for so many blocks
        self._reach = self.needed / len(self.owned)

    def bet(self, log_e_values: Sequence[float], *, capped: bool = True) -> None:
        """One block, in the order of the weights."""
        drips = self._drips if self.blocks < _DRIPS else [0.0] * len(self._drips)
        self.blocks += 1
        caps = self._caps if capped else [_LOG_E_MAX] * len(self._caps)
        wary = capped and self.blocks > _EARLY
        parts = zip(self.owned, self._low, log_e_values, caps, drips, strict=True)
        for part, (owned, lowest, value, cap, drip) in enumerate(parts):
            low = lowest + drip
            own = (owned + drip) * (exp(value) if value < cap else exp(cap))
            if own <= low:
                self.owned[part] = self._low[part] = own
                self._grown[part] = 0
                continue
            self._grown[part] += 1
            most = self._ceiling(low, self._grown[part]) if wary and self._grown[part] <= _EPISODE else _MOST
            self.owned[part], self._low[part] = min(own, most), low

    def _ceiling(self, low: float, blocks: int) -> float:
        """How far a part may have grown from `low` in so many blocks: ever more of the way, as a logarithm."""
        way = _IN_ONE_BLOCK + (1 - _IN_ONE_BLOCK) * (blocks - 1) / _EPISODE
        return low * (self._reach / low) ** way if low < self._reach else _MOST

    @property
    def total(self) -> float:
        """An e-value; `needed` and more rolls back."""
        return sum(self.owned)

    @property
    def richest(self) -> int:
        """The alternative that explains the requests best."""
        return max(range(len(self.owned)), key=self.owned.__getitem__)
