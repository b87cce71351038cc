"""What stable lets expect, and how far its requests fail together, against the same written plainly."""

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.clustering import Clustering, thinned
from shared.analysis.comparison import Comparison
from shared.analysis.e_value import Tally, log_excess
from tests.analysis.plainly import TALLIES, Counted, correlation, faded, log_e

_ROWS = st.lists(
    st.integers(0, 200).flatmap(lambda requests: st.tuples(st.integers(0, requests), st.just(requests))), max_size=30
)


def criterion(tolerance: float = 0.0, clustering: float = 0.0, *, stretches: bool = False) -> Comparison:
    return Comparison((0.1, 0.5), tolerance=tolerance, prior=(0.5, 250.0), clustering=clustering, stretches=stretches)


@given(_ROWS)
def test_what_is_expected_of_stable_is_its_rate_of_late_beside_an_imagined_one(rows: list[Counted]) -> None:
    found = criterion()
    found.learn(rows[:7])
    found.learn(rows[7:])
    bad, requests = faded(rows, 120)
    assert found.expected == pytest.approx(min((bad + 0.5) / (requests + 250), 0.99))


def test_no_rate_is_expected_to_be_nothing_or_everything() -> None:
    spotless = Comparison((0.1,), tolerance=0.0, prior=(0.0, 250.0), clustering=0.0)
    assert spotless.expected == 1e-5
    spotless.learn([(1e7, 1e7)])
    assert spotless.expected == 0.99


@given(_ROWS)
def test_alone_twice_wilsons_upper_limit_is_borne_or_a_point_more(rows: list[Counted]) -> None:
    """Wilson's is the larger rate from which the seen one is 2.33 standard errors away."""
    found = criterion()
    found.learn(rows)
    bad, requests = faded(rows, 120)
    limit = 1.0
    if requests:
        seen, low, high = bad / requests, bad / requests, 1.0
        for _ in range(100):
            middle = (low + high) / 2
            near = (middle - seen) <= 2.33 * sqrt(middle * (1 - middle) / requests)
            low, high = (middle, high) if near else (low, middle)
        limit = low
    assert found.limit == pytest.approx(min(0.9, max(2 * limit, limit + 0.01)), rel=1e-6)


@pytest.mark.parametrize("tally", TALLIES)
@pytest.mark.parametrize("periods", [1, 2])
@pytest.mark.parametrize(("tolerance", "correlation"), [(0.0, 0.0), (0.03, 0.02)])
def test_each_alternative_is_a_part_of_the_way_from_what_is_tolerated_to_all(
    tally: Tally, periods: int, tolerance: float, correlation: float
) -> None:
    """A side's requests count as many as n / (1 + (n - 1) r), n being those of one period."""
    found = criterion(tolerance, correlation)
    correlation = max(correlation, 2e-4)
    rate = found.expected
    borne = rate + tolerance
    ours = max(1.0, 1 + (tally.canary / periods - 1) * correlation)
    theirs = max(1.0, 1 + (tally.stable / periods - 1) * correlation)
    fewer = Tally(tally.canary / ours, tally.canary_bad / ours, tally.stable / theirs, tally.stable_bad / theirs)
    whole = [log_e(tally, borne + part * (1 - borne), rate, tolerance) for part in (0.1, 0.5)]
    assert found.harm(tally, periods) == pytest.approx(
        [log_e(fewer, borne + part * (1 - borne), rate, tolerance) for part in (0.1, 0.5)], rel=1e-6, abs=1e-9
    )
    assert periods > 1 or found.harm(tally) == found.harm(tally, periods)
    assert found.harm(tally, periods, together=False) == pytest.approx(whole, rel=1e-6, abs=1e-9)
    assert found.safety(tally, (0.02, 0.3), periods) == pytest.approx(
        [log_e(fewer, rate, rate, margin) for margin in (0.02, 0.3)], rel=1e-6, abs=1e-9
    )


def test_alone_each_alternative_is_a_part_of_the_way_from_the_limit_to_all() -> None:
    found = criterion(clustering=0.1)
    found.learn([(1, 500)])
    limit = found.limit
    alone = [
        log_excess(8, 40, rate=limit + part * (1 - limit), limit=limit) for part in (0.1, 0.5)
    ]  # of independent ones
    assert found.harm_alone(Tally(40, 8, 0, 0), together=False) == pytest.approx(alone)
    factor = 1 + 39 * found.clustering.of_stretch
    assert found.harm_alone(Tally(40, 8, 0, 0)) == pytest.approx([value / factor for value in alone])


def test_a_walk_is_what_a_period_adds_and_what_a_bad_request_costs() -> None:
    found = criterion(clustering=0.01)
    found.learn([(4, 900)])
    rate, r = found.expected, found.clustering.correlation
    ours, theirs = 30 / (1 + 29 * r), 90 / (1 + 89 * r)
    walk = found.walk(30, 90, 0.05)
    none, one = (log_e(Tally(ours, bad, theirs, rate * theirs), rate, rate, 0.05) for bad in (0, 1))
    assert walk.climb == pytest.approx(none, rel=1e-6)
    assert walk.drop == pytest.approx(none - one, rel=1e-6)
    assert walk.events == pytest.approx(rate * ours)
    mean = walk.climb - walk.events * walk.drop
    assert found.safety_per_period(30, 90, 0.05) == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize(("periods", "risk"), [(10, 0.05), (20, 0.01)])
def test_the_smallest_margin_that_can_be_proved_adds_up_to_a_third_more_than_is_needed(
    periods: float, risk: float
) -> None:
    found = criterion()
    found.learn([(10, 3000)])
    margin = found.provable_margin(30, 90, periods=periods, risk=risk, least=0.001, most=0.5)
    assert found.safety_per_period(30, 90, margin) * periods == pytest.approx(1.3 * log(1 / risk), rel=1e-2)
    assert found.safety_per_period(30, 90, margin) * periods >= 1.3 * log(1 / risk)
    assert found.provable_margin(30, 90, periods=periods, risk=risk, least=margin + 0.01, most=0.5) == margin + 0.01
    assert found.provable_margin(30, 90, periods=periods, risk=risk, least=0.001, most=margin - 0.01) == margin - 0.01


# ---------------------------------------------------------------------------------------------- failing together


@given(_ROWS)
def test_the_correlation_is_what_neighbouring_periods_differ_by_beyond_chance(rows: list[Counted]) -> None:
    clustering = Clustering(0.005)
    clustering.learn(rows[:9])
    clustering.learn(rows[9:])
    expected, _ = correlation(rows, 0.005, 1, 1.0)
    assert clustering.correlation == pytest.approx(min(max(expected, 2e-4), 0.9))
    assert clustering.of_stretch == clustering.correlation


@given(_ROWS)
def test_what_a_stretch_shares_is_what_varies_more_ten_periods_apart(rows: list[Counted]) -> None:
    clustering = Clustering(0.005, far=True)
    for start in range(0, len(rows), 4):
        clustering.learn(rows[start : start + 4])
    near = clustering.correlation
    usual, scale = correlation(rows, 0.0, 10, 0.0)
    wary, _ = correlation(rows, 0.0, 10, -1.0)
    expected = near
    if scale and wary > near:
        expected = max(near, min(usual, 0.9)) + 9 * (wary - near)
    assert clustering.of_stretch == pytest.approx(expected)


@pytest.mark.parametrize(("requests", "factor"), [(0.5, 1.0), (1, 1.0), (2, 1 / 1.25), (101, 1 / 26)])
def test_so_many_requests_count_as_fewer_independent_ones(requests: float, factor: float) -> None:
    assert thinned(requests, 0.25) == pytest.approx(factor)
