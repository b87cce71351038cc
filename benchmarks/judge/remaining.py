"""How well the judge tells how long a step will still take."""

import re
from itertools import islice
from math import inf, nan
from statistics import median
from typing import NamedTuple

import numpy as np

from benchmarks.judge.cost import asked, history_of
from benchmarks.judge.rollout import BEFORE
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Traffic
from shared.analysis.judge import judge
from shared.analysis.verdict import Health

_FROM, _EVERY, _UNTIL = 3, 2, 300  # minutes of a step at which somebody looks
_SHARE, _NEXT = 25, 50
_MINUTES = {"s": 1 / 60, "min": 1.0, "h": 60.0}


class Calibration(NamedTuple):
    """Over all looks at steps of good canaries. ratio: minutes taken by minutes said, the median; within: the share of
    looks whose printed range held what it took; longest: the highest tenth of the ratio.
    """

    looks: int
    ratio: float
    within: float
    longest: float


def calibration(rate: float, baseline: float, rollouts: int, seed: int) -> Calibration:
    ratios: list[float] = []
    within = 0
    for index in range(rollouts):
        for said, taken in _looks(Scenario(rate=rate, baseline=baseline), np.random.default_rng([seed, index])):
            minutes, (soonest, latest) = said
            ratios.append(taken / minutes)
            within += soonest <= taken <= latest
    if not ratios:
        return Calibration(0, nan, nan, nan)
    ratios.sort()
    return Calibration(len(ratios), median(ratios), within / len(ratios), ratios[int(0.9 * len(ratios))])


def _looks(scenario: Scenario, dice: np.random.Generator) -> list[tuple[tuple[float, tuple[float, float]], int]]:
    """What each look said, and the minutes it really took; endless where the simulation ended first."""
    traffic = Traffic(scenario, dice)
    before = list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE))
    during = list(islice(traffic.minutes(0, _SHARE / 100), _UNTIL))
    said: list[tuple[int, tuple[float, tuple[float, float]]]] = []
    for minute in range(_FROM, _UNTIL):
        verdict = judge(asked(history_of(before, during[:minute]), share=_SHARE, next_share=_NEXT))
        if verdict.health is Health.HEALTHY:
            return [(told, minute - at) for at, told in said]
        if verdict.minutes_needed and minute % _EVERY:
            said.append((minute, (verdict.minutes_needed, printed(verdict.reason))))
    return [(told, _UNTIL) for _, told in said]


def printed(reason: str) -> tuple[float, float]:
    """The range in a verdict's sentence, in minutes; to half of what a rounded figure's last digit is worth."""
    found = re.search(r"requests?, (\d+)(?: (s|min|h))?(?: to (\d+) (s|min|h)| or more)? at this rate", reason)
    assert found, reason
    low, unit, high, other = found.groups()
    least = (int(low) - 0.5) * _MINUTES[unit or other]
    if " or more at this rate" in reason:
        return least, inf
    return least, (int(high or low) + 0.5) * _MINUTES[other or unit]
