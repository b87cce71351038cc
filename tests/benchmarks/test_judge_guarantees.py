"""The judge's guarantees on whole simulated rollouts with fixed dice: small, but a broken guarantee shows.

The full figures are in docs/reference/judge_benchmark.md; scripts/bench_judge measures them anew.
"""

import random
from dataclasses import replace
from itertools import islice
from math import log
from statistics import NormalDist

import numpy as np
import pytest

from benchmarks.judge.cells import DEFAULT, Maker, oracle, ours, pinned_at, run
from benchmarks.judge.cost import asked, history_of
from benchmarks.judge.limits import limit_requests
from benchmarks.judge.ours import MINUTE, STARTED, Ours, period
from benchmarks.judge.production import Production
from benchmarks.judge.remaining import calibration
from benchmarks.judge.rollout import BEFORE, Action, Look, Seen
from benchmarks.judge.scenarios import Clients, Scatter, Scenario
from benchmarks.judge.traffic import Minute, Traffic
from shared.analysis import capital
from shared.analysis.clustering import Clustering
from shared.analysis.criteria import failing
from shared.analysis.e_value import Tally
from shared.analysis.judge import EVIDENCE_MAX, judge
from shared.analysis.proof import Proof, Risk
from shared.analysis.trial import Standing, Trial
from shared.analysis.verdict import Health
from shared.analysis.words import e_value

SEED = 7
CLUSTERED = Scenario(rate=5.0, baseline=0.01, scatter=Scatter.BURST, burst=0.5)


def test_good_canaries_are_not_blamed_and_climb_in_time() -> None:
    blamed = 0
    for rate, most in ((0.3, 100), (1.0, 75), (5.0, 60), (20.0, 40)):
        for baseline in (0.0, 0.01):
            found = run(ours(), Scenario(rate=rate, baseline=baseline), 60, SEED)
            blamed += found.rolled_back
            assert found.full_at <= most
    assert blamed <= 2


@pytest.mark.parametrize(
    "scenario",
    [CLUSTERED, replace(CLUSTERED, scatter=Scatter.BETA, correlation=0.1), replace(CLUSTERED, daily=0.8)],
    ids=["bursts", "correlated", "daily cycle"],
)
def test_good_canaries_whose_errors_cluster_are_hardly_ever_blamed(scenario: Scenario) -> None:
    assert run(ours(), scenario, 60, SEED).rolled_back <= 2


@pytest.mark.parametrize("rate", [1.0, 20.0])
@pytest.mark.parametrize("outage", [(8, 38, 0.3), (70, 100, 0.3), (90, 120, 1.0)], ids=["beside", "at 100 %", "total"])
def test_an_outage_of_both_revisions_blames_nobody(rate: float, outage: tuple[int, int, float]) -> None:
    assert run(ours(), Scenario(rate=rate, outage=outage), 30, SEED).rolled_back == 0


@pytest.mark.parametrize(("rate", "minutes", "level"), [(5.0, 5, 0.2), (5.0, 1, 1.0), (1.0, 5, 0.1)])
def test_bad_minutes_that_pass_blame_nobody(rate: float, minutes: int, level: float) -> None:
    scenario = Scenario(rate=rate, scatter=Scatter.BURST, burst=level, burst_minutes=minutes)
    assert run(ours(), scenario, 60, SEED).rolled_back <= 1


def test_a_judge_that_waits_for_no_second_opinion_blames_bad_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capital, "_EPISODE", 0)
    monkeypatch.setattr(capital, "_CAP", 9.0)
    assert run(ours(), Scenario(rate=5.0, scatter=Scatter.BURST, burst=0.2, burst_minutes=5), 60, SEED).rolled_back > 3


def test_a_judge_that_asks_nobody_at_100_percent_blames_a_shared_outage() -> None:
    scenario = Scenario(rate=20.0, outage=(70, 100, 0.3), control=0)
    assert run(ours(), scenario, 20, SEED).rolled_back > 10


def test_a_judge_that_sees_no_shared_outage_blames_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Trial, "shared_outage", property(lambda _: False))
    scenario = Scenario(rate=1.0, outage=(70, 100, 0.3))
    assert run(ours(), scenario, 30, SEED).rolled_back > 0


def test_as_it_runs_in_production_nobody_good_is_blamed_and_everybody_bad_found() -> None:
    for scenario in (Scenario(rate=5.0, baseline=0.01, partial=0.1), Scenario(rate=5.0, dark=(12, 32))):
        found = run(Production, scenario, 2, SEED)
        assert (found.rolled_back, found.promoted) == (0, 2)
    for scenario in (Scenario(rate=5.0, added=0.1), Scenario(rate=5.0, added=1.0, onset=50)):
        assert run(Production, scenario, 2, SEED).rolled_back == 2


def test_harm_as_large_as_the_widest_margin_is_called_safe_within_the_risk() -> None:
    """Patience or none: both questions of a step share one risk."""
    dice, called_safe, rollouts = np.random.default_rng(SEED), 0, 300
    for _ in range(rollouts):
        proof = Proof(failing(), margin=0.03, margin_max=0.06)
        canary, stable = dice.binomial(60, 0.061, 120), dice.binomial(200, 0.001, 120)
        for block, (bad, other) in enumerate(zip(canary.tolist(), stable.tolist(), strict=True)):
            proof.weigh(Tally(60, bad, 200, other), 1, patient=block < 20)
            proof.comparison.learn([(other, 200)])
            if proof.log_e >= log(20):
                called_safe += 1
                break
    assert called_safe <= 0.05 * rollouts


@pytest.mark.parametrize(("added", "times"), [(0.02, 3.0), (0.10, 2.0), (1.0, 1.2)])
def test_bad_canaries_are_rolled_back_nearly_as_soon_as_the_oracle_would(added: float, times: float) -> None:
    for rate in (5.0, 20.0):
        scenario = Scenario(rate=rate, added=added)
        found, best = run(ours(), scenario, 60, SEED), run(oracle, scenario, 100, SEED)
        assert found.rate >= 0.95
        assert found.bad <= times * best.bad


def test_evidence_is_near_the_information_limit() -> None:
    for baseline, added in ((0.001, 0.02), (0.01, 0.10)):
        found = run(pinned_at(5), Scenario(baseline=baseline, added=added, delay=0), 60, SEED, pinned=True)
        assert found.requests <= 2.2 * limit_requests(baseline + added, baseline, 0.05, 0.01)


@pytest.mark.parametrize(("changes", "least", "most"), [({"slower": 2.0}, 0.95, 1.0), ({"cold": 0.03}, 0.0, 0.05)])
def test_slow_canaries_are_found_and_cold_starts_forgiven(changes: dict[str, float], least: float, most: float) -> None:
    found = run(ours(), replace(Scenario(rate=5.0), **changes), 40, SEED)  # type: ignore[arg-type]
    assert least <= found.rate <= most


def test_a_late_fault_is_found_while_baking() -> None:
    assert run(ours(), Scenario(rate=20.0, added=0.1, onset=50), 30, SEED).rate == 1.0


class _Peeking(Ours):
    """A test made for one look, at 1 %, asked every minute: two shares compared by their normal approximation."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario, DEFAULT)
        self._whole = np.zeros(4)

    def see(self, seen: Seen) -> None:
        super().see(seen)
        minute = seen.minute
        self._whole += (minute.canary, minute.canary_bad, minute.stable, minute.stable_bad)

    def decide(self, look: Look) -> Action:
        canary, bad, stable, stable_bad = self._whole.tolist()
        if canary and stable and bad + stable_bad:
            common = (bad + stable_bad) / (canary + stable)
            deviation = (common * (1 - common) * (1 / canary + 1 / stable)) ** 0.5
            if bad / canary - stable_bad / stable > NormalDist().inv_cdf(0.99) * deviation:
                return Action.ROLL_BACK
        found = super().decide(look)
        return Action.WAIT if found is Action.ROLL_BACK else found


def _blamed(make: Maker) -> int:
    """Of 60 good canaries; under the guarantee of 1 % more than two of them are blamed once in forty sets of dice."""
    return run(make, Scenario(rate=5.0, baseline=0.01), 60, SEED).rolled_back


@pytest.mark.parametrize(
    ("broken", "make"),
    [
        ("no", ours()),
        ("a risk of 30 %", ours(replace(DEFAULT, false_rollback_risk=0.3))),
        ("a threshold of 1", ours(replace(DEFAULT, false_rollback_risk=1 - 1e-9))),
        ("a fixed-sample test asked every minute", _Peeking),
    ],
)
def test_a_broken_guarantee_fails_the_check_that_the_judge_passes(broken: str, make: Maker) -> None:
    assert (_blamed(make) > 2) == (broken != "no")


def test_a_judge_that_trusts_every_request_is_seen_to_blame_the_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clustering, "of_stretch", property(lambda _: 0.0, lambda _, estimated: None))
    assert run(ours(), replace(CLUSTERED, scatter=Scatter.BETA, correlation=0.1), 60, SEED).rolled_back > 2


def test_a_timid_judge_is_seen_to_cost_users() -> None:
    timid, scenario = ours(replace(DEFAULT, false_rollback_risk=1e-9)), Scenario(rate=5.0, added=0.02)
    assert run(timid, scenario, 60, SEED).bad > 3 * run(oracle, scenario, 100, SEED).bad


def test_the_trial_of_the_benchmark_and_the_judge_agree_at_every_look() -> None:
    """Lost, repeated and reordered minutes included."""
    dice = np.random.default_rng(SEED)
    traffic, shuffle = Traffic(Scenario(rate=2.0, added=0.06, lost=0.1), dice), random.Random(SEED)
    before, during = list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE)), list(islice(traffic.minutes(0, 0.1), 60))
    trial = Trial(Risk(), MINUTE, STARTED)
    trial.begin_step(STARTED, 10, 25)
    for at, row in enumerate(before, start=-BEFORE):
        trial.weigh(period(at, row))
    said = set()
    for at, row in enumerate(during):
        trial.weigh(period(at, row))
        history = history_of(before, during[: at + 1])
        often = {name: [*rows, *shuffle.sample(rows, len(rows))] for name, rows in history.samples.items()}
        mixed = history._replace(samples={name: tuple(rows) for name, rows in often.items()})
        verdict = judge(asked(mixed, share=10, next_share=25))
        assert verdict.evidence_of_harm == pytest.approx(min(trial.capital.total, EVIDENCE_MAX))
        said.add(verdict.health)
    assert said == {Health.INCONCLUSIVE, Health.UNHEALTHY}


def test_the_trial_of_the_benchmark_and_the_judge_agree_over_two_steps_and_at_100_percent() -> None:
    traffic = Traffic(Scenario(rate=2.0, added=0.02), np.random.default_rng(SEED))
    before = list(islice(traffic.minutes(-BEFORE, 0.0), BEFORE))
    trial = Trial(Risk(), MINUTE, STARTED)
    for at, row in enumerate(before, start=-BEFORE):
        trial.weigh(period(at, row))
    during: list[Minute] = []
    for share, following in ((10, 50), (50, 100), (100, 100)):
        begun = len(during)
        trial.begin_step(STARTED + begun * MINUTE, share, following)
        for row in islice(traffic.minutes(begun, share / 100), 25):
            trial.weigh(period(len(during), row))
            during.append(row)
            question = asked(history_of(before, during), share=share, next_share=following)
            verdict = judge(question._replace(step_started=STARTED + begun * MINUTE))
            assert verdict.evidence_of_harm == pytest.approx(min(trial.capital.total, EVIDENCE_MAX))
            assert verdict.evidence_of_safety == pytest.approx(e_value(trial.log_safety))
            assert (verdict.health is Health.HEALTHY) == (trial.standing is Standing.SAFE)


def test_at_three_requests_a_minute_total_failure_is_found_and_nobody_good_is_blamed() -> None:
    assert run(ours(), Scenario(rate=0.05), 20, SEED).rolled_back == 0
    assert run(ours(), Scenario(rate=0.05, added=1.0), 20, SEED).rate == 1.0


def test_half_a_point_is_found_where_there_is_traffic_for_it() -> None:
    assert run(ours(), Scenario(rate=20.0, added=0.005), 20, SEED).rate >= 0.95


@pytest.mark.parametrize("idle", [(60, 20), (60, 50)])
def test_cold_starts_after_idle_times_blame_nobody(idle: tuple[int, int]) -> None:
    assert run(ours(), Scenario(rate=1.0, idle=idle, warm=15), 30, SEED).rolled_back == 0


def test_cold_starts_of_a_canary_with_less_traffic_blame_nobody() -> None:
    for clients in Clients:
        assert run(ours(), Scenario(rate=0.05, warm=2, clients=clients), 30, SEED).rolled_back == 0


def test_minutes_that_come_twice_or_later_than_stated_blame_nobody_and_hide_no_fault() -> None:
    for scenario in (Scenario(rate=5.0, repeated=True), Scenario(rate=5.0, late=0.2)):
        found = run(Production, scenario, 1, SEED)
        assert (found.rolled_back, found.promoted) == (0, 1)
    assert run(Production, Scenario(rate=5.0, late=0.2, added=0.1), 1, SEED).rolled_back == 1


def test_what_is_still_missing_is_told_without_a_lean_and_mostly_within_its_range() -> None:
    found = [calibration(rate, baseline, 6, SEED) for rate, baseline in ((0.3, 0.001), (1.0, 0.01))]
    assert all(0.7 <= row.ratio <= 1.4 for row in found)
    assert sum(row.within * row.looks for row in found) >= 0.75 * sum(row.looks for row in found) > 0
