"""The oracle: Wald's sequential probability ratio test, told both true error rates. Nobody can have it.

Wald, Sequential Tests of Statistical Hypotheses, Annals of Mathematical Statistics 16 (1945).
"""

from math import log

from benchmarks.judge.rollout import Action, Look, Seen
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Minute

_STEP_MINUTES = 5


class Oracle:
    """Climbs the same shares as ours, with the same risks."""

    def __init__(self, scenario: Scenario, shares: tuple[int, ...], *, false_rollback: float, missed: float) -> None:
        self.shares = shares
        usual = max(scenario.baseline, 1e-6)
        canary = min(usual + max(scenario.added, 1e-6), 1 - 1e-6)
        self._bad, self._good = log(canary / usual), log((1 - canary) / (1 - usual))
        self._harmful, self._safe = log(1 / false_rollback), log(missed)
        self._all = self._here = 0.0
        self._step = 0

    def before(self, minutes: list[Minute]) -> None: ...

    def see(self, seen: Seen) -> None:
        _, step, minute = seen
        gain = minute.canary_bad * self._bad + (minute.canary - minute.canary_bad) * self._good
        self._all += gain
        if step > self._step:
            self._step, self._here = step, 0.0
        self._here += gain

    def decide(self, look: Look) -> Action:
        if self._all >= self._harmful:
            return Action.ROLL_BACK
        if self._step == look.step and self._here <= self._safe and look.waited >= _STEP_MINUTES:
            return Action.ADVANCE
        return Action.WAIT
