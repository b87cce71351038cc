"""The e-values by exact enumeration: their expectation under every null is at most one."""

from math import comb, exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.e_value import Tally, log_excess, log_harm, log_safety

rates = st.floats(0.001, 0.95)
counts = st.integers(1, 7)


def chance(bad: int, requests: int, rate: float) -> float:
    return comb(requests, bad) * rate**bad * (1 - rate) ** (requests - bad)


@given(
    canary=counts,
    stable=counts,
    t_c=rates,
    t_b=rates,
    p_b=st.floats(0, 1),
    below=st.floats(0, 1),
    margin=st.sampled_from([0.0, 0.02, 0.3]),
)
def test_harm_is_never_expected_of_a_canary_within_the_margin(
    canary: int, stable: int, t_c: float, t_b: float, p_b: float, below: float, margin: float
) -> None:
    p_c = min(1.0, (p_b + margin) * below)
    expected = sum(
        chance(x_c, canary, p_c)
        * chance(x_b, stable, p_b)
        * exp(log_harm(Tally(canary, x_c, stable, x_b), [t_c], stable_rate=t_b, margin=margin)[0])
        for x_c in range(canary + 1)
        for x_b in range(stable + 1)
    )
    assert expected <= 1 + 1e-6


@given(
    canary=counts,
    stable=counts,
    rate=rates,
    p_b=st.floats(0, 1),
    above=st.floats(0, 1),
    margin=st.sampled_from([0.005, 0.1, 0.5, 0.95]),
)
def test_safety_is_never_expected_of_a_canary_beyond_the_margin(
    canary: int, stable: int, rate: float, p_b: float, above: float, margin: float
) -> None:
    p_b *= 1 - margin
    p_c = p_b + margin + above * (1 - margin - p_b)
    expected = sum(
        chance(x_c, canary, p_c)
        * chance(x_b, stable, p_b)
        * exp(log_safety(Tally(canary, x_c, stable, x_b), rate=rate, margin=margin))
        for x_c in range(canary + 1)
        for x_b in range(stable + 1)
    )
    assert expected <= 1 + 1e-6


@given(requests=counts, rate=rates, limit=rates, below=st.floats(0, 1))
def test_an_excess_is_never_expected_below_the_limit(requests: int, rate: float, limit: float, below: float) -> None:
    rate = max(rate, limit)
    expected = sum(
        chance(bad, requests, limit * below) * exp(log_excess(bad, requests, rate=rate, limit=limit))
        for bad in range(requests + 1)
    )
    assert expected <= 1 + 1e-9


@given(ours=st.floats(0.05, 1), theirs=st.floats(0.05, 1))
def test_scaling_a_side_down_only_lowers_the_expectation(ours: float, theirs: float) -> None:
    expected = sum(
        chance(x_c, 5, 0.2)
        * chance(x_b, 6, 0.2)
        * exp(log_harm(Tally(5 * ours, x_c * ours, 6 * theirs, x_b * theirs), [0.5], stable_rate=0.1)[0])
        for x_c in range(6)
        for x_b in range(7)
    )
    assert expected <= 1 + 1e-9


def test_errors_split_like_traffic_tell_nothing_and_a_surplus_tells_much() -> None:
    [same] = log_harm(Tally(100, 1, 900, 9), [0.05], stable_rate=0.01)
    [worse] = log_harm(Tally(100, 10, 900, 9), [0.05], stable_rate=0.01)
    assert same < 0 < log(100) < worse


@pytest.mark.parametrize(
    "tally", [Tally(0, 0, 9, 1), Tally(9, 1, 0, 0)], ids=["the canary had no request", "stable had none"]
)
def test_one_side_alone_tells_nothing(tally: Tally) -> None:
    assert log_harm(tally, [0.5], stable_rate=0.1) == [0]
    assert log_safety(tally, rate=0.1, margin=0.1) == 0


def test_an_alternative_within_the_null_and_a_margin_of_everything_tell_nothing() -> None:
    assert log_harm(Tally(9, 9, 9, 0), [0.1], stable_rate=0.1) == [0]
    assert log_safety(Tally(9, 0, 9, 0), rate=0.1, margin=1.0) == 0
