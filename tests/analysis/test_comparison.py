"""One criterion: what it expects, tolerates, and can prove."""

from math import log

import pytest

from shared.analysis.comparison import Comparison
from shared.analysis.e_value import Tally

RISK = 0.05


def comparison(rate: float = 0.01, requests: int = 100_000, tolerance: float = 0.0) -> Comparison:
    found = Comparison((0.02, 0.5), tolerance=tolerance, prior=(0.5, 250.0), clustering=0.0)
    found.learn([(rate * requests, requests)], telling=[])
    return found


def test_stables_rate_is_expected_and_older_periods_fade() -> None:
    found = comparison(0.01)
    assert found.expected == pytest.approx(0.01, rel=0.01)
    for _ in range(240):
        found.learn([(50, 1000)])
    assert 0.02 < found.expected < 0.05


def test_every_alternative_has_its_own_evidence() -> None:
    little, much = comparison().harm(Tally(200, 6, 2000, 20))
    assert little > 0 > much
    little, much = comparison().harm(Tally(200, 150, 2000, 20))
    assert much > little > 0


def test_a_surplus_within_the_tolerance_is_no_harm() -> None:
    assert max(comparison(tolerance=0.05).harm(Tally(1000, 40, 1000, 10))) < 0


def test_there_is_nothing_to_bet_on_where_nothing_can_be_worse() -> None:
    assert comparison(0.99, tolerance=0.05).harm(Tally(9, 9, 9, 9)) == [0.0, 0.0]


def test_alone_the_limit_is_a_point_more_or_as_much_again() -> None:
    assert 0.0111 < comparison(0.001).limit < 0.0125
    assert 0.098 < comparison(0.05).limit < 0.11
    assert comparison(0.9).limit == 0.9
    little, _ = comparison(0.001).harm_alone(Tally(2000, 80, 0, 0))
    assert little > log(100)
    assert max(comparison(0.001).harm_alone(Tally(2000, 20, 0, 0))) < 0


def test_few_requests_before_make_the_limit_lenient() -> None:
    assert comparison(0.0, 100).limit > 2 * comparison(0.0, 10_000).limit
    assert Comparison((0.5,), tolerance=0, prior=(0.5, 250.0), clustering=0.0).limit == 0.9
    assert comparison(1.0, 20).limit == 0.9


def test_the_provable_margin_is_what_the_traffic_allows() -> None:
    def margin(canary: float, stable: float) -> float:
        return comparison().provable_margin(canary, stable, periods=15, risk=RISK, least=0.01, most=0.10)

    assert margin(1, 20) == 0.10
    assert margin(10_000, 10_000) == 0.01
    between = margin(20, 60)
    assert 0.01 < between < 0.10
    assert comparison().safety_per_period(20, 60, between) * 15 == pytest.approx(1.3 * log(1 / RISK), rel=0.01)
    assert comparison().provable_margin(9, 9, periods=15, risk=RISK, least=0.2, most=0.1) == 0.1


def test_requests_that_fail_together_count_less() -> None:
    clustered = Comparison((0.02, 0.5), tolerance=0.0, prior=(0.5, 250.0), clustering=0.2)
    clustered.learn([(1000, 100_000)], telling=[])
    tally = Tally(200, 30, 2000, 20)
    assert 0 < max(clustered.harm(tally)) < max(comparison().harm(tally)) / 5
    assert max(clustered.harm(tally, 50)) > 2 * max(clustered.harm(tally))


def test_a_way_to_be_worse_looks_at_neighbouring_periods_only_when_told_to() -> None:
    alone = Comparison((0.02,), tolerance=0.0, prior=(0.5, 250.0), clustering=0.01)
    stretched = Comparison((0.02,), tolerance=0.0, prior=(0.5, 250.0), clustering=0.01, stretches=True)
    for one in (alone, stretched):
        for _ in range(30):
            one.learn([(0, 100)] * 10 + [(30, 100)] * 10)
    assert alone.clustering.of_stretch == alone.clustering.correlation
    assert stretched.clustering.of_stretch > stretched.clustering.correlation
