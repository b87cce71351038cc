"""The capital: what one block can do, what three can, and what a late fault still can."""

import random
from math import log

import pytest

from shared.analysis.capital import Capital
from shared.analysis.e_value import Tally, log_harm

RISK = 0.01


def test_two_blocks_are_never_enough_and_three_are() -> None:
    capital = Capital((0.5, 0.5), RISK)
    for _ in range(2):
        capital.bet((99.0, 99.0))
    assert capital.total < capital.needed
    capital.bet((99.0, 99.0))
    assert capital.total >= capital.needed


def test_one_block_is_enough_when_nothing_caps_it() -> None:
    capital = Capital((1.0,), RISK)
    capital.bet((500.0,), capped=False)
    assert capital.total >= capital.needed
    for _ in range(3):
        capital.bet((500.0,), capped=False)
    assert capital.total < float("inf")


def test_a_fault_after_days_of_good_requests_finds_money_left() -> None:
    capital = Capital((1.0,), RISK)
    for _ in range(200):
        capital.bet((-50.0,))
    for _ in range(12):
        capital.bet((3.0,))
    assert capital.total >= capital.needed


@pytest.mark.parametrize("minutes", [1, 3, 5])
def test_bad_minutes_of_a_canary_that_was_good_are_not_enough_however_bad(minutes: int) -> None:
    capital = Capital((0.25,) * 4, RISK)
    for _ in range(20):
        capital.bet((-0.05, -0.3, -1.0, -5.0))
    for _ in range(minutes):
        capital.bet((99.0,) * 4)
    assert capital.total < capital.needed
    for _ in range(12):
        capital.bet((99.0,) * 4)
    assert capital.total >= capital.needed


def test_a_part_that_has_long_passed_a_rollback_has_no_ceiling() -> None:
    capital = Capital((1.0,), RISK)
    for value in (*(99.0,) * 12, -99.0, *(99.0,) * 40, -5.0, 1.0):
        capital.bet((value,))
    assert capital.total > 1e6


def test_the_money_of_all_blocks_together_is_one() -> None:
    capital = Capital((0.25, 0.75), RISK)
    for _ in range(1000):
        capital.bet((0.0, 0.0))
    assert capital.total == pytest.approx(1.0)
    assert capital.richest == 1


@pytest.mark.no_cover
def test_a_good_canary_is_blamed_less_often_than_the_risk_allows() -> None:
    dice, blamed = random.Random(5), 0
    for _ in range(300):
        capital, highest = Capital((0.5, 0.5), 0.1), 0.0
        for _ in range(150):
            bad = sum(dice.random() < 0.1 for _ in range(10))
            other = sum(dice.random() < 0.1 for _ in range(20))
            tally = Tally(10, bad, 20, other)
            capital.bet(log_harm(tally, [0.2, 0.5], stable_rate=0.1))
            highest = max(highest, capital.total)
        blamed += highest >= capital.needed
    assert blamed <= 0.1 * 300


def test_the_capital_is_the_weighted_product_of_e_values() -> None:
    capital = Capital((0.4, 0.6), RISK)
    capital.bet((log(2), log(3)))
    drip = 0.15 / 240
    assert capital.total == pytest.approx(0.4 * (0.85 + drip) * 2 + 0.6 * (0.85 + drip) * 3)
