"""The judge on whole series: three answers, never a guess."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from shared.analysis.evidence import Histogram, History, Probe, ProbeOutcome, Sample
from shared.analysis.judge import Risk, judge
from shared.analysis.verdict import Health, Verdict

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOUNDS = tuple(10 * 2 ** (index / 2) for index in range(14))
PROBE = Probe(revision="canary", path="/", outcome=ProbeOutcome.PASSED, reason="status 200")


def latencies(dice: random.Random, count: int, factor: float) -> Histogram:
    totals = [0] * (len(BOUNDS) + 1)
    for _ in range(count):
        value = 80 * factor * dice.lognormvariate(0, 0.6)
        totals[next((index for index, bound in enumerate(BOUNDS) if value < bound), len(BOUNDS))] += 1
    return Histogram(bounds_ms=BOUNDS, counts=tuple(totals))


def sample(dice: random.Random, end: datetime, rate: float, bad: float, factor: float) -> Sample | None:
    count = sum(dice.random() < rate / 100 for _ in range(100))
    if not count:
        return None
    errors = sum(dice.random() < bad for _ in range(count))
    return Sample(
        end=end,
        requests_by_class={"2xx": count - errors, "5xx": errors},
        latency=latencies(dice, count, factor),
    )


def run(
    seed: int, *, minutes: int = 20, canary_bad: float = 0.01, stable_bad: float = 0.01, factor: float = 1.0,
    canary_rate: float = 20, share: int = 25,
) -> Verdict:  # fmt: skip
    """One look after `minutes` of a step: per minute about `canary_rate` canary and 60 stable requests."""
    dice = random.Random(seed)
    ends = [NOW - MINUTE * back for back in range(60 + minutes, -1, -1)]
    started = NOW - MINUTE * minutes
    stable_rate = 60.0 if share < 100 else 0.0
    sides = {
        "stable": [
            sample(dice, end, 60 if end <= started else stable_rate, stable_bad if end > started else 0.01, 1)
            for end in ends
        ],
        "canary": [sample(dice, end, canary_rate, canary_bad, factor) for end in ends if end > started],
    }
    history = History(
        sample_period=MINUTE,
        ingest_delay=2 * MINUTE,
        settled_until=NOW,
        samples={name: tuple(row for row in rows if row) for name, rows in sides.items()},
    )
    return judge(
        history,
        "canary",
        "stable",
        rollout_started=started,
        step_started=started,
        share=share,
        risk=Risk(),
        probes=(PROBE,),
    )


def test_a_good_release_is_found_healthy_and_never_blamed() -> None:
    verdicts = [run(seed) for seed in range(100)]
    assert sum(verdict.health is Health.UNHEALTHY for verdict in verdicts) <= 1
    assert sum(verdict.health is Health.HEALTHY for verdict in verdicts) >= 95


@pytest.mark.parametrize("bad", [0.2, 1.0])
def test_errors_are_found(bad: float) -> None:
    verdicts = [run(seed, canary_bad=bad) for seed in range(20)]
    assert all(verdict.health is Health.UNHEALTHY for verdict in verdicts)
    assert "errors rose" in verdicts[0].reason


def test_slowness_is_found() -> None:
    verdicts = [run(seed, factor=2.0, minutes=40) for seed in range(20)]
    assert all(verdict.health is Health.UNHEALTHY for verdict in verdicts)
    assert "answers slowed" in verdicts[0].reason


def test_too_few_requests_are_inconclusive_and_say_how_many_are_missing() -> None:
    verdict = run(1, minutes=4, canary_rate=2, share=2)
    assert verdict.health is Health.INCONCLUSIVE
    assert verdict.requests_needed > 0
    assert str(verdict.requests_needed) in verdict.reason


def test_between_sure_and_unsure_it_waits_and_says_the_odds() -> None:
    verdict = run(1, minutes=4, canary_bad=0.06)
    assert verdict.health is Health.INCONCLUSIVE
    assert "to 1 that it is worse: more requests must tell." in verdict.reason


def test_a_step_nobody_asked_the_canary_on_is_inconclusive() -> None:
    """Its earlier step was asked; on the new one stable alone has requests, too few to expect any of the canary."""
    ends = [NOW + MINUTE * number for number in range(1, 6)]
    history = History(
        sample_period=MINUTE,
        ingest_delay=MINUTE,
        settled_until=ends[-1],
        samples={
            "stable": tuple(Sample(end=end, requests_by_class={"2xx": 9}) for end in ends),
            "canary": (Sample(end=ends[0], requests_by_class={"2xx": 3}),),
        },
    )
    verdict = judge(
        history, "canary", "stable", rollout_started=NOW, step_started=ends[0], share=10, risk=Risk(), probes=()
    )
    assert (verdict.health, verdict.reason) == (Health.INCONCLUSIVE, "Nobody asked the canary on this step yet.")


def test_without_latencies_errors_alone_decide() -> None:
    ends = [NOW + MINUTE * number for number in range(-20, 21)]
    history = History(
        sample_period=MINUTE,
        ingest_delay=MINUTE,
        settled_until=ends[-1],
        samples={
            "stable": tuple(Sample(end=end, requests_by_class={"2xx": 50}) for end in ends),
            "canary": tuple(Sample(end=end, requests_by_class={"2xx": 50}) for end in ends if end > NOW),
        },
    )
    verdict = judge(history, "canary", "stable", rollout_started=NOW, step_started=NOW, share=50, risk=Risk())
    assert verdict.health is Health.HEALTHY
    assert verdict.canary_p90_ms is None
    assert "answered within" not in verdict.reason


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
        return judge(
            history, "canary", "stable", rollout_started=NOW, step_started=NOW, share=5, risk=Risk(), probes=probes
        ).health

    assert look(MINUTE, (PROBE,)) is Health.INCONCLUSIVE
    assert look(9 * MINUTE, (PROBE,)) is Health.ERROR
    assert look(9 * MINUTE, ()) is Health.INCONCLUSIVE


@pytest.mark.parametrize(("bad", "health"), [(0, Health.HEALTHY), (6, Health.UNHEALTHY)])
def test_a_first_deployment_is_judged_on_its_own(bad: int, health: Health) -> None:
    rows = (Sample(end=NOW + 3 * MINUTE, requests_by_class={"2xx": 10 - bad, "5xx": bad}),)
    history = History(
        sample_period=MINUTE, ingest_delay=MINUTE, settled_until=NOW + 3 * MINUTE, samples={"canary": rows}
    )
    found = judge(history, "canary", "", rollout_started=NOW, step_started=NOW, share=100, risk=Risk())
    assert found.health is health
