"""Many rollouts of one scenario under one rule, and what they come to."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf, sqrt
from statistics import fmean, median
from zlib import crc32

import numpy as np

from benchmarks.judge.oracle import Oracle
from benchmarks.judge.ours import Ours
from benchmarks.judge.rollout import Action, Outcome, Rule, play
from benchmarks.judge.scenarios import Scenario
from shared.rollout.strategy import Strategy

DEFAULT = Strategy()
_Z = 1.96
Maker = Callable[[Scenario], Rule]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """rolled_back: how many of `rollouts`. bad: mean errors the canary served before it was rolled back; minutes and
    requests: the median until then, infinite when half were not; full_at: median minutes to 100 % of those that got
    there; harm: mean excess errors in six hours, of all; promoted: how many ended so; asked: in how many a person was.
    """

    rollouts: int
    rolled_back: int
    bad: float
    minutes: float
    requests: float
    full_at: float
    harm: float
    promoted: int = 0
    asked: int = 0

    @property
    def rate(self) -> float:
        return self.rolled_back / self.rollouts

    @property
    def lower(self) -> float:
        """Of the 95 % interval, as `upper_limit` is: what is certainly not less."""
        return 1 - upper_limit(self.rollouts - self.rolled_back, self.rollouts)


def run(make: Maker, scenario: Scenario, rollouts: int, seed: int, *, pinned: bool = False) -> Summary:
    """The same seed gives the same dice to every rule."""
    cell = crc32(repr(scenario).encode())
    return summary(
        [
            play(make(scenario), scenario, np.random.default_rng([seed, cell, index]), pinned=pinned)
            for index in range(rollouts)
        ]
    )


def summary(outcomes: list[Outcome]) -> Summary:
    back = [outcome for outcome in outcomes if outcome.action is Action.ROLL_BACK]
    full = [outcome.full_at for outcome in outcomes if outcome.full_at is not None]
    found = [(o.minutes, o.requests) if o.action is Action.ROLL_BACK else (inf, inf) for o in outcomes]
    return Summary(
        rollouts=len(outcomes),
        rolled_back=len(back),
        bad=fmean(outcome.bad for outcome in back) if back else 0.0,
        minutes=median(minutes for minutes, _ in found),
        requests=median(requests for _, requests in found),
        full_at=median(full) if full else inf,
        harm=fmean(outcome.harm for outcome in outcomes),
        promoted=sum(outcome.action is Action.ADVANCE for outcome in outcomes),
        asked=sum(outcome.asked for outcome in outcomes),
    )


def upper_limit(hits: int, of: int) -> float:
    """Of Wilson's 95 % interval."""
    share, z2 = hits / of, _Z * _Z
    spread = _Z * sqrt(share * (1 - share) / of + z2 / (4 * of * of))
    return (share + z2 / (2 * of) + spread) / (1 + z2 / of)


def ours(strategy: Strategy = DEFAULT) -> Maker:
    return lambda scenario: Ours(scenario, strategy)


def pinned_at(share: int, strategy: Strategy = DEFAULT) -> Maker:
    return lambda scenario: Ours(scenario, strategy, fixed=(share,))


def oracle(scenario: Scenario) -> Rule:
    """On the shares that ours takes."""
    shares = (*DEFAULT.steps_for(60 * scenario.rate), 100)
    return Oracle(scenario, shares, false_rollback=DEFAULT.false_rollback_risk, missed=DEFAULT.missed_harm_risk)
