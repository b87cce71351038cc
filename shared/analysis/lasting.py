"""Harm that stays, where stable's requests are known to fail together.

There every request counts for little, because the canary's may fail together as well. But trouble that is nobody's
release passes: one bad stretch of time after another, each beyond chance beside stable's same minutes, becomes as
unlikely as the share of such stretches among stable's own, to the power of their number.
"""

from collections.abc import Sequence
from math import ceil, log

from shared.analysis.e_value import Tally
from shared.analysis.past import STRETCH

_EACH = 200.0  # to 1, as if requests failed independently: so much must each stretch show
_CHANCE = 0.001  # that as many stretches of a good canary are bad one after another
_STRADDLED = 1  # trouble that begins late in a stretch ends in the next


class Lasting:
    """Counts a canary's bad stretches in a row, since its first traffic. known: stable's bad ones, and all of them."""

    __slots__ = ("_needed", "_periods", "_tallies", "stretches")

    def __init__(self, known: tuple[int, int] = (0, 0)) -> None:
        bad, all_of_them = known
        usual = (bad + 1) / (all_of_them + 2)  # Laplace's rule of succession
        self._needed = ceil(log(_CHANCE) / log(usual)) + _STRADDLED
        self._tallies: list[Tally] = []
        self._periods = 0
        self.stretches = 0

    def add(self, tally: Tally, periods: int) -> Tally | None:
        """One more block of so many periods; the whole stretch when it is complete and there are odds to take of it.

        Where nothing failed there are none: it is a good one.
        """
        self._tallies.append(tally)
        self._periods += periods
        if self._periods < STRETCH:
            return None
        complete = Tally(*map(sum, zip(*self._tallies, strict=True)))
        self._tallies, self._periods = [], 0
        if not complete.canary_bad:
            self.stretches = 0
            return None
        return complete

    def conclude(self, log_e_values: Sequence[float]) -> None:
        """A complete stretch: the evidence of harm in it, one for each alternative. Their mean is an e-value."""
        beyond_chance = max(log_e_values) >= log(_EACH * len(log_e_values))
        self.stretches = self.stretches + 1 if beyond_chance else 0

    @property
    def harmful(self) -> bool:
        """Too often in a row to be what stable does as well."""
        return self.stretches >= self._needed
