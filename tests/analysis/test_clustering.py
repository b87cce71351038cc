"""The correlation of a period's requests, from what stable did."""

import random

import pytest

from shared.analysis.clustering import NOTHING, Clustering, thinned

PRIOR = 0.005


def learned(rate_of: list[float], requests: int = 200, seed: int = 3) -> Clustering:
    dice, clustering = random.Random(seed), Clustering(PRIOR)
    for rate in rate_of:
        clustering.learn([(sum(dice.random() < rate for _ in range(requests)), requests)])
    return clustering


def test_independent_failures_show_hardly_any() -> None:
    assert learned([0.02] * 300).correlation < 0.003


def test_bursts_show_much() -> None:
    dice = random.Random(1)
    assert learned([0.5 if dice.random() < 0.03 else 0.0 for _ in range(300)]).correlation > 0.2


def test_slow_drift_is_no_clustering() -> None:
    assert learned([0.01 + 0.04 * minute / 300 for minute in range(300)]).correlation < 0.004


def test_nothing_seen_is_the_prior_and_nothing_bad_says_nothing() -> None:
    clustering = Clustering(PRIOR)
    assert clustering.correlation == PRIOR
    for requests in (100, 0, 100):
        clustering.learn([(0, requests)])
    assert clustering.correlation == PRIOR


def test_a_failure_of_both_revisions_is_left_out() -> None:
    clustering = learned([0.02] * 100)
    before = clustering.correlation
    clustering.learn([NOTHING, (100, 200)])
    assert clustering.correlation == before


@pytest.mark.parametrize(("requests", "correlation", "factor"), [(1, 0.9, 1.0), (0, 0.5, 1.0), (101, 0.01, 0.5)])
def test_requests_are_thinned_by_the_design_effect(requests: int, correlation: float, factor: float) -> None:
    assert thinned(requests, correlation) == pytest.approx(factor)


def test_bad_quarters_of_an_hour_show_only_at_a_distance() -> None:
    dice, clustering = random.Random(2), Clustering(PRIOR, far=True)
    assert clustering.of_stretch == PRIOR
    for _ in range(30):
        rate = 0.3 if dice.random() < 0.1 else 0.0
        for _ in range(10):
            clustering.learn([(sum(dice.random() < rate for _ in range(100)), 100)])
    assert clustering.of_stretch > 5 * clustering.correlation > 0


def test_independent_failures_show_nothing_at_a_distance_either() -> None:
    dice, clustering = random.Random(4), Clustering(PRIOR, far=True)
    for _ in range(400):
        clustering.learn([(sum(dice.random() < 0.02 for _ in range(200)), 200)])
    assert clustering.of_stretch < 0.006


def test_periods_may_come_one_by_one_or_all_at_once() -> None:
    dice = random.Random(6)
    rows = [(float(dice.randrange(9)), 100.0) for _ in range(60)]
    whole, single = Clustering(PRIOR, far=True), Clustering(PRIOR, far=True)
    whole.learn(rows[:25])
    whole.learn(rows[25:])
    for row in rows:
        single.learn([row])
    assert (whole.correlation, whole.of_stretch) == (single.correlation, single.of_stretch)


def test_neighbours_share_nothing_where_nobody_asks() -> None:
    clustering = Clustering(PRIOR)
    for _ in range(30):
        clustering.learn([(0, 100)] * 10 + [(30, 100)] * 10)
    assert clustering.of_stretch == clustering.correlation
