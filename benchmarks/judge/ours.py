"""Our judge under the default strategy, fed minute by minute: the same Trial that `judge` builds anew at every look."""

from datetime import UTC, datetime, timedelta

from benchmarks.judge.rollout import BEFORE, Action, Look, Seen
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import Minute
from shared.analysis.periods import Period
from shared.analysis.proof import Risk
from shared.analysis.trial import Standing, Trial
from shared.rollout.strategy import Strategy

MINUTE = timedelta(minutes=1)
STARTED = datetime(2026, 1, 5, tzinfo=UTC)


def period(at: int, minute: Minute) -> Period:
    return Period(
        STARTED + (at + 1) * MINUTE,
        minute.canary,
        minute.canary,
        minute.canary_bad,
        0,
        minute.stable + minute.control,
        minute.stable_bad + minute.control_bad,
        minute.latency,
        minute.stable_latency,
    )


def risk_of(strategy: Strategy) -> Risk:
    return Risk(
        false_rollback_risk=strategy.false_rollback_risk,
        missed_harm_risk=strategy.missed_harm_risk,
        harm_points_max=strategy.harm_points_max,
        latency_points_max=strategy.latency_points_max,
        latency_ms_min=strategy.latency_ms_min,
        proof_time=strategy.proof_time,
    )


class Ours:
    """fixed: shares that replace the strategy's."""

    def __init__(self, scenario: Scenario, strategy: Strategy, *, fixed: tuple[int, ...] = ()) -> None:
        self._strategy = strategy
        self.shares = fixed or (*strategy.steps_for(60 * scenario.rate), 100)
        self.trial = Trial(risk_of(strategy), MINUTE, STARTED)
        self._step = -1
        self._enter(0, 0)

    def before(self, minutes: list[Minute]) -> None:
        for at, minute in enumerate(minutes, start=-BEFORE):
            self.trial.weigh(period(at, minute))

    def see(self, seen: Seen) -> None:
        self.trial.weigh(period(seen.at, seen.minute))

    def decide(self, look: Look) -> Action:
        now, step, waited = look
        if step != self._step:
            self._enter(step, now - waited)
        standing = self.trial.standing
        if standing is Standing.HARMFUL:
            return Action.ROLL_BACK
        last = self.shares[step] == 100
        needed = self._strategy.final_bake_time if last else self._strategy.step_bake_time
        if waited * MINUTE < needed:
            return Action.WAIT
        if standing is Standing.SAFE:
            return Action.ADVANCE
        deadline = self._strategy.step_deadline + (self._strategy.final_bake_time if last else timedelta())
        return Action.WAIT if waited * MINUTE < deadline else Action.ASK

    def _enter(self, step: int, at: int) -> None:
        self._step = step
        following = self.shares[min(step + 1, len(self.shares) - 1)]
        self.trial.begin_step(STARTED + at * MINUTE, self.shares[step], following)
