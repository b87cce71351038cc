"""One simulated rollout under one rule: what the rule decided, when, and what users paid for it."""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import NamedTuple, Protocol

import numpy as np

from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import NO_LATENCY, Minute, Traffic

BEFORE = 360  # minutes of stable alone that everybody may look at
HARM_MINUTES = 360


class Action(Enum):
    WAIT = "wait"
    ADVANCE = "advance"
    ROLL_BACK = "roll back"
    ASK = "ask"  # a person, who may take his time


class Seen(NamedTuple):
    """A minute as the metrics show it. at: its number; step: the one it was served in."""

    at: int
    step: int
    minute: Minute


class Look(NamedTuple):
    """One tick. now: the minute that begins; waited: minutes on this step."""

    now: int
    step: int
    waited: int


class Rule(Protocol):
    """One rule on one rollout. shares: the canary's percents, 100 last."""

    @property
    def shares(self) -> tuple[int, ...]: ...

    def before(self, minutes: list[Minute]) -> None:
        """Stable alone, before the rollout."""

    def see(self, seen: Seen) -> None:
        """Every minute once, in order, when the metrics show it."""

    def decide(self, look: Look) -> Action:
        """To advance from the last step is to be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it. minutes: to `action`, WAIT meaning the horizon; full_at: to 100 %, None if never.

    bad, requests: the canary's until then. harm: errors above stable's rate in six hours; a canary that was made
    stable goes on. asked: whether a person was.
    """

    action: Action
    minutes: int
    full_at: int | None
    bad: int
    requests: int
    harm: float
    asked: bool


def play(rule: Rule, scenario: Scenario, dice: np.random.Generator, *, pinned: bool = False) -> Outcome:
    """pinned: the share stays at the first one, whatever the rule says."""
    traffic = Traffic(scenario, dice)
    shares = rule.shares
    rule.before(list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE)))
    step = began = bad = requests = 0
    harm, asked, full_at = 0.0, False, 0 if shares[0] == 100 else None
    served, switched = traffic.minutes(0, shares[0] / 100), 0
    unseen: deque[Seen] = deque()
    for minute in range(scenario.horizon):
        if minute == switched and minute:
            served = traffic.minutes(minute, shares[step] / 100)
        row = next(served)
        bad, requests = bad + row.canary_bad, requests + row.canary
        if minute < HARM_MINUTES:
            harm += row.canary * row.excess
        unseen.append(Seen(minute, step, _sampled(row, scenario.lost, dice)))
        if len(unseen) > scenario.delay:
            rule.see(unseen.popleft())
        now = minute + 1
        action = rule.decide(Look(now, step, now - began))
        asked = asked or action is Action.ASK
        if action is Action.ROLL_BACK:
            return Outcome(
                action=action, minutes=now, full_at=full_at, bad=bad, requests=requests, harm=harm, asked=asked
            )
        if action is Action.ADVANCE and not pinned:
            if step == len(shares) - 1:
                harm += 60 * scenario.rate * max(0, HARM_MINUTES - now) * row.excess
                return Outcome(
                    action=action, minutes=now, full_at=full_at, bad=bad, requests=requests, harm=harm, asked=asked
                )
            step, began, switched = step + 1, now, now + scenario.switch
            full_at = now if shares[step] == 100 and full_at is None else full_at
    return Outcome(
        action=Action.WAIT,
        minutes=scenario.horizon,
        full_at=full_at,
        bad=bad,
        requests=requests,
        harm=harm,
        asked=asked,
    )


def _sampled(row: Minute, lost: float, dice: np.random.Generator) -> Minute:
    """What reaches the metrics: a lost sample counts nothing."""
    if lost and dice.random() < lost:
        row = row._replace(canary=0, canary_bad=0, latency=NO_LATENCY)
    if lost and dice.random() < lost:
        row = row._replace(stable=0, stable_bad=0, stable_latency=NO_LATENCY)
    return row
