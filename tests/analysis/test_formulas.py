"""The judge's arithmetic against the same written plainly: slow, from the definitions that its docstrings cite."""

from collections.abc import Sequence
from math import ceil, comb, exp, factorial, inf, log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.analysis.capital import Capital
from shared.analysis.clustering import Clustering, thinned
from shared.analysis.comparison import Comparison
from shared.analysis.e_value import Tally, log_excess, log_harm, log_safety
from shared.analysis.lasting import Lasting
from shared.analysis.waiting import Walk, slack, until

Counted = tuple[float, float]
TALLIES = [Tally(20, 3, 60, 1), Tally(7, 0, 300, 12), Tally(400, 9, 100, 0), Tally(5, 5, 5, 5), Tally(2.5, 1.5, 9, 0)]
_ROWS = st.lists(
    st.integers(0, 200).flatmap(lambda requests: st.tuples(st.integers(0, requests), st.just(requests))), max_size=30
)


def nearest(tally: Tally, canary: float, stable: float, margin: float) -> float:
    """Stable's rate where the divergence from an alternative is least, which is convex: where it no longer falls."""
    low, high = 0.0, 1.0 - margin
    for _ in range(200):
        rate = (low + high) / 2
        other = rate + margin
        rises = tally.canary * (other - canary) * rate * (1 - rate) + tally.stable * (rate - stable) * other * (
            1 - other
        )
        low, high = (low, rate) if rises > 0 else (rate, high)
    return low


def coins(tally: Tally, canary: float, stable: float) -> float:
    """The logarithm of the likelihood of what was seen, with these rates."""
    n_c, x_c, n_b, x_b = tally
    return x_c * log(canary) + (n_c - x_c) * log(1 - canary) + x_b * log(stable) + (n_b - x_b) * log(1 - stable)


def log_e(tally: Tally, canary: float, stable: float, margin: float) -> float:
    """The likelihood ratio between an alternative and the nearest rates that differ by the margin."""
    rate = nearest(tally, canary, stable, margin)
    return coins(tally, canary, stable) - coins(tally, rate + margin, rate)


@pytest.mark.parametrize("tally", TALLIES)
@pytest.mark.parametrize("margin", [0.0, 0.01, 0.2])
@pytest.mark.parametrize(("canary", "stable"), [(0.3, 0.05), (0.9, 0.01), (0.26, 0.05)])
def test_the_evidence_of_harm_is_the_ratio_to_the_nearest_harmless_rates(
    tally: Tally, margin: float, canary: float, stable: float
) -> None:
    assert log_harm(tally, canary, stable, margin) == pytest.approx(
        log_e(tally, canary, stable, margin), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("tally", TALLIES)
@pytest.mark.parametrize("margin", [0.01, 0.2, 0.6, 0.95])
@pytest.mark.parametrize("rate", [0.001, 0.02, 0.5])
def test_the_evidence_of_safety_is_the_ratio_to_the_nearest_harmful_rates(
    tally: Tally, margin: float, rate: float
) -> None:
    assert log_safety(tally, rate=rate, margin=margin) == pytest.approx(
        log_e(tally, rate, rate, margin), rel=1e-6, abs=1e-9
    )


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0])
def test_there_is_no_proof_of_safety_for_a_margin_of_nothing_or_of_everything(margin: float) -> None:
    assert log_safety(Tally(9, 1, 9, 1), rate=0.1, margin=margin) == 0.0


@pytest.mark.parametrize("below", [0.05, 0.0501, 0.06])
def test_an_alternative_that_is_harmless_proves_no_harm(below: float) -> None:
    assert log_harm(Tally(9, 9, 90, 0), below, 0.04, 0.02) == 0.0


@pytest.mark.parametrize("bad", range(4))
def test_an_excess_is_the_ratio_of_two_coins(bad: int) -> None:
    def chance(rate: float) -> float:
        return comb(3, bad) * rate**bad * (1 - rate) ** (3 - bad)

    assert exp(log_excess(bad, 3, rate=0.4, limit=0.1)) == pytest.approx(chance(0.4) / chance(0.1))


# ------------------------------------------------------------------------------------------------ one criterion


def criterion(tolerance: float = 0.0, clustering: float = 0.0, *, stretches: bool = False) -> Comparison:
    return Comparison((0.1, 0.5), tolerance=tolerance, prior=(0.5, 250.0), clustering=clustering, stretches=stretches)


def faded(rows: Sequence[Counted], half_life: float) -> Counted:
    """Both sums, where what is one half-life old counts half."""
    weights = [0.5 ** ((len(rows) - 1 - at) / half_life) for at in range(len(rows))]
    return (
        sum(weight * bad for weight, (bad, _) in zip(weights, rows, strict=True)),
        sum(weight * requests for weight, (_, requests) in zip(weights, rows, strict=True)),
    )


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


def correlation(rows: Sequence[Counted], prior: float, distance: int, beyond: float) -> tuple[float, float]:
    """Of requests in periods so far apart, and its standard error, both beside thirty periods' weight of the prior.

    The squared difference of two bad shares is expected to be p(1-p) (1/n + 1/m) by chance, and p(1-p) (2 - 1/n - 1/m)
    more where each period's requests fail all together; weighed by the inverse square of 1/n + 1/m.
    """
    pairs = [(rows[at - distance], rows[at]) for at in range(distance, len(rows))]
    telling = [(a, b) for a, b in pairs if a[1] > 0 and b[1] > 0 and a[0] + b[0] > 0]
    excess = scale = variance = 0.0
    for age, ((x, n), (y, m)) in enumerate(reversed(telling)):
        fade, weight = 0.5 ** (age / 360), 1 / (1 / n + 1 / m) ** 2
        p = (x + y) / (n + m)
        sampled = p * (1 - p) * (1 / n + 1 / m)
        unbiased = (n + m) / (n + m - 1) if n + m > 2 else n + m
        excess += fade * weight * ((x / n - y / m) ** 2 - sampled * unbiased)
        scale += fade * weight * p * (1 - p) * (2 - 1 / n - 1 / m)
        variance += fade * weight * (2 * (p * (1 - p)) ** 2 + sampled)
    return (max(0.0, excess + beyond * sqrt(variance)) + 30 * prior) / (scale + 30), scale


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


# ------------------------------------------------------------------------------------------------- the capital


def test_each_block_multiplies_each_part_by_what_it_may_at_most_and_a_little_comes_in() -> None:
    """The cap is 42 % of the way from a part's first money to a rollback, so that three blocks must agree."""
    capital, money = Capital((0.25, 0.75), 0.01), [0.25 * 0.85, 0.75 * 0.85]
    caps = [0.42 * log(100 / own) for own in money]
    for values in ((0.5, -0.5), (9.0, 1.0), (1.0, 9.0), (-3.0, -0.1)):
        capital.bet(values)
        for part, (value, weight) in enumerate(zip(values, (0.25, 0.75), strict=True)):
            money[part] = (money[part] + weight * 0.15 / 240) * exp(min(value, caps[part]))
        assert capital.owned == pytest.approx(money)
    assert (capital.blocks, capital.needed, capital.richest) == (4, 100, 1)


def test_money_comes_in_for_240_blocks() -> None:
    capital = Capital((1.0,), 0.01)
    for _ in range(239):
        capital.bet((0.0,))
    assert capital.total == pytest.approx(1 - 0.15 / 240)
    for _ in range(3):
        capital.bet((0.0,))
    assert capital.total == pytest.approx(1.0)


def test_what_begins_to_grow_late_may_go_half_the_way_at_once_and_all_of_it_after_eight_blocks() -> None:
    capital = Capital((0.5, 0.5), 0.01)
    own, drip, cap = 0.5 * 0.85, 0.5 * 0.15 / 240, 0.42 * log(100 / (0.5 * 0.85))
    for _ in range(13):
        capital.bet((-0.05, -0.05))
        own = (own + drip) * exp(-0.05)
    low, bound = own, 0
    for block in range(9):
        capital.bet((99.0, -9.0))
        low += drip
        own = (own + drip) * exp(cap)
        ceiling = low * (50 / low) ** (0.5 + 0.5 * block / 8)  # each of two parts needs half of a rollback
        if block < 8 and own > ceiling:
            own, bound = ceiling, bound + 1
        assert capital.owned[0] == pytest.approx(own)
    assert bound >= 6


def test_what_begins_to_grow_in_the_first_twelve_blocks_is_only_capped() -> None:
    def after(quiet: int) -> float:
        capital = Capital((1.0,), 0.01)
        for _ in range(quiet):
            capital.bet((0.0,))
        for _ in range(2):
            capital.bet((99.0,))
        return capital.total

    twice_capped = exp(2 * 0.42 * log(100 / 0.85))
    assert after(10) == pytest.approx(twice_capped * (0.85 + 11 * 0.15 / 240), rel=0.001)
    assert after(11) < twice_capped / 2


# ------------------------------------------------------------------------------------- how long, and for how long


@pytest.mark.parametrize("after", [0.0, 7.0])
@pytest.mark.parametrize("block", [0.0, 3.0])
def test_a_height_is_reached_as_kendalls_identity_says(after: float, block: float) -> None:
    climb, drop, events, height = 0.5, 2.0, 0.1, 3.0
    wait = until(Walk(climb, drop, events), height, block=block, after=after)
    height += 0.583 * drop * sqrt(events * block)
    chance = 0.0
    for bad in range(12):
        time = (height + bad * drop) / climb
        chance += height / climb / time * exp(-events * time) * (events * time) ** bad / factorial(bad)
        assert wait.periods[bad] == pytest.approx(after + time)
        assert wait.by(after + time + 1e-9) == pytest.approx(chance)
    assert wait.chance[-1] > 1 - 1e-4 >= wait.chance[-2]


def test_a_range_is_wider_by_the_spread_of_what_is_seen_and_of_what_is_to_come() -> None:
    assert slack(2.0, 40, 10) == pytest.approx(exp(sqrt(log(2) ** 2 + 1.645**2 * (1 / 40 + 1 / 10))))
    assert slack(inf, 40, 10) == inf


@pytest.mark.parametrize(("bad", "of"), [(0, 12), (3, 12), (6, 6)])
def test_so_many_bad_stretches_in_a_row_are_one_in_a_thousand(bad: int, of: int) -> None:
    usual, lasting = (bad + 1) / (of + 2), Lasting((bad, of))
    needed = ceil(log(0.001) / log(usual)) + 1
    for _ in range(needed - 1):
        lasting.conclude([0.0, log(400.001)])
        assert not lasting.harmful
    lasting.conclude([log(400.001), 0.0])
    assert (lasting.harmful, lasting.stretches) == (True, needed)
    lasting.conclude([log(399.9), 1.0])
    assert (lasting.harmful, lasting.stretches) == (False, 0)


def test_a_stretch_is_ten_periods_added_up() -> None:
    lasting = Lasting()
    assert lasting.add(Tally(1, 2, 3, 4), 4) is None
    assert lasting.add(Tally(10, 20, 30, 40), 5) is None
    assert lasting.add(Tally(100, 200, 300, 400), 2) == Tally(111, 222, 333, 444)
    assert lasting.add(Tally(1, 1, 1, 1), 9) is None
    assert lasting.add(Tally(1, 1, 1, 1), 1) == Tally(2, 2, 2, 2)
