"""How well the judge tells how long a step will still take."""

from itertools import islice
from math import nan
from statistics import quantiles

import numpy as np

from benchmarks.judge.cost import asked, history_of
from benchmarks.judge.rollout import BEFORE
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Traffic
from shared.analysis.judge import judge
from shared.analysis.verdict import Health

_FROM, _EVERY, _UNTIL = 3, 1, 240  # minutes of a step at which somebody looks
_SHARE, _NEXT = 25, 50


def said_against_taken(rate: float, baseline: float, rollouts: int, seed: int) -> tuple[float, float, float]:
    """Minutes taken by minutes said, of a good canary: the lowest tenth, the median and the highest tenth."""
    ratios: list[float] = []
    for index in range(rollouts):
        traffic = Traffic(Scenario(rate=rate, baseline=baseline), np.random.default_rng([seed, index]))
        before = list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE))
        during = list(islice(traffic.minutes(0, _SHARE / 100), _UNTIL))
        said: list[tuple[int, float]] = []
        for minute in range(_FROM, _UNTIL, _EVERY):
            verdict = judge(asked(history_of(before, during[:minute]), share=_SHARE, next_share=_NEXT))
            if verdict.health is Health.HEALTHY:
                ratios += [(minute - at) / minutes for at, minutes in said]
                break
            if verdict.minutes_needed:
                said.append((minute, verdict.minutes_needed))
    if len(ratios) < 2:
        return nan, nan, nan
    tenths = quantiles(ratios, n=10)
    return tenths[0], tenths[4], tenths[8]
