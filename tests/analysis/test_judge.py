"""The judge on whole series: three answers, never a guess."""

import random
from datetime import datetime, timedelta

import pytest

from shared.analysis.evidence import History, Probe, Sample
from shared.analysis.judge import judge
from shared.analysis.verdict import Health, Verdict
from shared.analysis.words import span
from tests.analysis.asking import look, question
from tests.analysis.worlds import MINUTE, NOW, history, latencies, steady
from tests.analysis.worlds import PASSED as PROBE


def drawn(dice: random.Random, end: datetime, rate: float, bad: float, usual_ms: float) -> Sample | None:
    count = sum(dice.random() < rate / 100 for _ in range(100))
    if not count:
        return None
    errors = sum(dice.random() < bad for _ in range(count))
    return Sample(
        end=end,
        requests_by_class={"2xx": count - errors, "5xx": errors},
        latency=latencies(dice, count, usual_ms),
    )


def run(
    seed: int, *, minutes: int = 20, canary_bad: float = 0.01, stable_bad: float = 0.01, factor: float = 1.0,
    canary_rate: float = 20, share: int = 25, usual_ms: float = 80.0,
) -> Verdict:  # fmt: skip
    """One look after `minutes` of a step: per minute about `canary_rate` canary and 60 stable requests."""
    dice = random.Random(seed)
    ends = [NOW - MINUTE * back for back in range(60 + minutes, -1, -1)]
    started = NOW - MINUTE * minutes
    stable_rate = 60.0 if share < 100 else 0.0
    sides = {
        "stable": [
            drawn(dice, end, 60 if end <= started else stable_rate, stable_bad if end > started else 0.01, usual_ms)
            for end in ends
        ],
        "canary": [drawn(dice, end, canary_rate, canary_bad, factor * usual_ms) for end in ends if end > started],
    }
    history = History(
        sample_period=MINUTE,
        ingest_delay=2 * MINUTE,
        settled_until=NOW,
        samples={name: tuple(row for row in rows if row) for name, rows in sides.items()},
    )
    return judge(question(history, started=started, share=share, probes=(PROBE,)))


@pytest.mark.no_cover
def test_a_good_release_is_found_healthy_and_never_blamed() -> None:
    verdicts = [run(seed, minutes=50) for seed in range(100)]
    assert sum(verdict.health is Health.UNHEALTHY for verdict in verdicts) <= 1
    assert sum(verdict.health is Health.HEALTHY for verdict in verdicts) >= 95


@pytest.mark.no_cover
@pytest.mark.parametrize("bad", [0.2, 1.0])
def test_errors_are_found(bad: float) -> None:
    verdicts = [run(seed, canary_bad=bad) for seed in range(20)]
    assert all(verdict.health is Health.UNHEALTHY for verdict in verdicts)
    assert "errors rose" in verdicts[0].reason


@pytest.mark.no_cover
def test_slowness_is_found() -> None:
    verdicts = [run(seed, factor=2.0, minutes=40) for seed in range(20)]
    assert all(verdict.health is Health.UNHEALTHY for verdict in verdicts)
    assert "answers slowed" in verdicts[0].reason


@pytest.mark.no_cover
def test_slower_by_less_than_anybody_feels_is_healthy() -> None:
    """Stable's median is 1 ms and the canary's 4: a cold cache on a quiet machine, not a slow release."""
    verdicts = [run(seed, factor=4.0, usual_ms=1.0, minutes=50) for seed in range(20)]
    assert all(verdict.health is Health.HEALTHY for verdict in verdicts)
    slow = run(1, factor=100.0, usual_ms=1.0, minutes=20)
    assert slow.health is Health.UNHEALTHY
    assert "(stable's p50 is 1 ms)" in slow.reason


def test_what_is_still_unproved_about_latency_is_told_in_slow_requests() -> None:
    verdict = run(1, factor=1.2, minutes=10, canary_bad=0.0, stable_bad=0.0)
    assert verdict.health is Health.INCONCLUSIVE
    assert "canary requests took longer than" in verdict.reason
    assert f"needs about {verdict.requests_needed:,} more requests" in verdict.reason


def test_what_speaks_for_slowness_is_told_in_slow_requests_when_it_is_too_little() -> None:
    verdict = run(1, factor=1.3, minutes=8, canary_bad=0.0, stable_bad=0.0)
    assert verdict.health is Health.INCONCLUSIVE
    assert "canary requests took longer than" in verdict.reason
    assert verdict.reason.endswith("to 1 that answers slowed: too little to roll back.")


def test_too_few_requests_are_inconclusive_and_say_how_many_are_missing() -> None:
    verdict = run(1, minutes=4, canary_rate=2, share=2)
    assert verdict.health is Health.INCONCLUSIVE
    assert verdict.requests_needed > 0
    assert str(verdict.requests_needed) in verdict.reason


def test_a_shared_outage_is_not_the_canarys() -> None:
    verdict = run(3, canary_bad=0.3, stable_bad=0.3)
    assert (verdict.health, verdict.shared_outage) == (Health.INCONCLUSIVE, True)


def test_an_unroutable_canary_is_unhealthy() -> None:
    verdict = run(4, canary_rate=0.3, share=50)
    assert verdict.health is Health.UNHEALTHY
    assert "unroutable" in verdict.reason


def test_at_100_percent_only_harm_speaks() -> None:
    assert run(5, share=100).health is Health.HEALTHY
    assert run(5, share=100, canary_bad=0.3).health is Health.UNHEALTHY


def test_silence_is_told_apart() -> None:
    def look(settled: timedelta, probes: tuple[Probe, ...]) -> Health:
        history = History(sample_period=MINUTE, ingest_delay=MINUTE, settled_until=NOW + settled)
        return judge(question(history, probes=probes)).health

    assert look(MINUTE, (PROBE,)) is Health.INCONCLUSIVE
    assert look(9 * MINUTE, (PROBE,)) is Health.ERROR
    assert look(9 * MINUTE, ()) is Health.INCONCLUSIVE


@pytest.mark.parametrize(("bad", "health"), [(0, Health.HEALTHY), (6, Health.UNHEALTHY)])
def test_a_first_deployment_is_judged_on_its_own(bad: int, health: Health) -> None:
    rows = (Sample(end=NOW + 3 * MINUTE, requests_by_class={"2xx": 10 - bad, "5xx": bad}),)
    history = History(
        sample_period=MINUTE, ingest_delay=MINUTE, settled_until=NOW + 3 * MINUTE, samples={"canary": rows}
    )
    found = judge(question(history, share=100, stable=""))
    assert found.health is health


def test_before_the_first_settled_period_the_verdict_says_until_when_it_sees() -> None:
    verdict = look(history(stable=steady(20, minutes=70)), minutes=0)
    assert "settled yet, only what was until 12:00:00 UTC" in verdict.reason


def test_requests_and_minutes_that_are_missing_are_told() -> None:
    verdict = look(history(stable=steady(27, minutes=70), canary=steady(3, minutes=9)))
    assert verdict.health is Health.INCONCLUSIVE
    assert " min at this rate" in verdict.reason
    assert verdict.minutes_needed == pytest.approx(verdict.requests_needed * 10 / 27, abs=0.4)


def test_where_nobody_can_know_the_verdict_says_so() -> None:
    found = history(stable=steady(1, minutes=1500), canary=[*steady(1, minutes=1, until=NOW - 600 * MINUTE)])
    verdict = look(found, minutes=1200, share=1)
    assert (verdict.requests_needed, verdict.minutes_needed) == (0, 0.0)
    assert "too little traffic to know within a day; a person must decide" in verdict.reason


def test_unknown_latencies_of_stable_are_named() -> None:
    dice = random.Random(1)
    found = history(stable=steady(2, minutes=8, dice=dice), canary=steady(2, minutes=8, dice=dice))
    assert "latencies are not known yet" in look(found).reason


def test_some_evidence_of_harm_neither_climbs_nor_rolls_back() -> None:
    found = history(stable=steady(75, 1, minutes=70), canary=steady(26, 1, minutes=9)[:4])
    doubtful = found._replace(samples={**found.samples, "canary": tuple(steady(25, 2, minutes=4))})
    verdict = look(doubtful)
    assert verdict.health is Health.INCONCLUSIVE
    assert "too little to roll back" in verdict.reason


def test_at_100_percent_doubt_and_silence_are_inconclusive() -> None:
    before = steady(100, minutes=70, until=NOW - 10 * MINUTE)
    assert look(history(stable=before), share=100).health is Health.INCONCLUSIVE
    verdict = look(history(stable=before, canary=steady(100, 5, minutes=2)), share=100)
    assert verdict.health is Health.INCONCLUSIVE
    assert "too little to roll back" in verdict.reason


def test_without_any_sample_of_stable_nothing_is_compared() -> None:
    assert "no user's request reached the canary yet" in look(history()).reason.lower()
    verdict = look(history(canary=steady(50, minutes=9)))
    assert (verdict.health, verdict.evidence_of_harm) == (Health.INCONCLUSIVE, 0.0)
    assert "stable has no requests" in verdict.reason


def test_without_any_sample_of_stable_the_whole_rollout_is_told_and_not_the_step_alone() -> None:
    asked = question(history(canary=steady(50, minutes=9)), started=NOW - 10 * MINUTE)
    assert judge(asked._replace(step_started=NOW - 3 * MINUTE)).canary_requests == 450


def test_a_first_deployment_that_no_user_met_at_100_percent_says_that_nobody_did() -> None:
    """Two readings in one minute before it: their probes look like a user's."""
    rows = [*steady(2, minutes=1, until=NOW - 10 * MINUTE), *steady(1, minutes=10)]
    asked = question(history(canary=rows), started=NOW - 12 * MINUTE, share=100, probes=(PROBE,))
    verdict = judge(asked._replace(step_started=NOW - 10 * MINUTE))
    assert (verdict.health, verdict.canary_requests) == (Health.INCONCLUSIVE, 0)
    assert "no user's request reached the canary yet" in verdict.reason.lower()


def test_odds_are_told_in_round_numbers() -> None:
    dead = look(history(stable=steady(75, minutes=70), canary=steady(25, 25, minutes=9)))
    assert "odds over a million to 1 that errors rose" in dead.reason
    assert len(dead.reason) < 140


def test_a_step_without_stable_compares_nothing() -> None:
    found = history(stable=steady(50, minutes=60, until=NOW - 10 * MINUTE), canary=steady(50, minutes=9))
    assert "450 users' requests on the canary, 0 on stable" in look(found).reason


@pytest.mark.parametrize(("minutes", "told"), [(0.5, "30 s"), (25, "25 min"), (600, "10 h")])
def test_spans_are_told_in_the_unit_that_fits(minutes: float, told: str) -> None:
    assert span(minutes) == told
