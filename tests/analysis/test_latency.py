"""Histograms: sums, cuts beside quantiles, and how many were slower."""

import pytest

from shared.analysis.evidence import Histogram
from shared.analysis.latency import Cuts, cut_ms, merged, quantile_ms, slower

BOUNDS = (10.0, 20.0, 40.0, 80.0)
USUAL = Histogram(bounds_ms=BOUNDS, counts=(10, 40, 40, 8, 2))


def test_histograms_of_other_bounds_are_left_out_of_a_sum() -> None:
    other = Histogram(bounds_ms=(5.0,), counts=(7, 7))
    assert merged([Histogram(), USUAL, other, USUAL]).counts == (20, 80, 80, 16, 4)
    assert merged([]) == Histogram()


@pytest.mark.parametrize(("quantile", "edge"), [(0.5, 20.0), (0.9, 40.0), (0.99, 80.0)])
def test_a_cut_is_the_edge_next_to_the_quantile(quantile: float, edge: float) -> None:
    assert cut_ms(USUAL, quantile) == edge


def test_a_cut_far_below_the_quantile_is_not_taken() -> None:
    coarse = Histogram(bounds_ms=(10.0, 20.0), counts=(60, 10, 30))
    assert cut_ms(coarse, 0.9) == 20.0
    assert cut_ms(Histogram(bounds_ms=(10.0,), counts=(3, 97)), 0.5) == 10.0
    assert cut_ms(Histogram(bounds_ms=(10.0, 20.0), counts=(35, 60, 5)), 0.5) == 10.0, "15 points below is near enough"
    assert cut_ms(Histogram(bounds_ms=(0.5, 2.0), counts=(50, 40, 10)), 0.5) == 0.5


@pytest.mark.parametrize(("least_ms", "edge"), [(0.0, 20.0), (40.0, 40.0), (41.0, 80.0), (999.0, 80.0)])
def test_a_cut_is_never_where_nobody_feels_the_difference(least_ms: float, edge: float) -> None:
    assert cut_ms(USUAL, 0.5, least_ms) == edge


def test_only_whole_buckets_above_the_edge_are_certainly_slower() -> None:
    assert slower(USUAL, 40.0) == 10
    assert slower(USUAL, 41.0) == 2
    assert slower(USUAL, 999.0) == 0


def test_cuts_count_every_histogram_by_its_own_bounds() -> None:
    cuts = Cuts([20.0, 40.0])
    assert cuts.counted(USUAL) == [100, 50, 10]
    assert cuts.counted(Histogram(bounds_ms=(30.0,), counts=(3, 4))) == [7, 4, 0]
    assert cuts.counted(Histogram()) == [0, 0, 0]
    assert cuts.counted(USUAL) == [100, slower(USUAL, 20.0), slower(USUAL, 40.0)]
    assert Cuts().counted(USUAL) == [100]


def test_a_quantile_is_linear_inside_its_bucket() -> None:
    assert quantile_ms(USUAL, 0.5) == pytest.approx(20.0)
    assert quantile_ms(USUAL, 0.7) == pytest.approx(30.0)
    assert quantile_ms(USUAL, 0.999) == 80.0
    assert quantile_ms(Histogram(), 0.5) is None
    assert quantile_ms(Histogram((10.0, 20.0, 40.0), (5, 0, 5, 0)), 0.5) == 10.0
