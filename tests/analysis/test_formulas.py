"""Evidence, capital and time against the same written plainly."""

from math import ceil, comb, exp, factorial, inf, log, sqrt

import pytest

from shared.analysis.capital import Capital
from shared.analysis.comparison import Comparison
from shared.analysis.e_value import Tally, log_excess, log_harm, log_safety
from shared.analysis.lasting import Lasting
from shared.analysis.proof import Proof, Risk
from shared.analysis.waiting import Walk, slack, until
from tests.analysis.plainly import TALLIES, log_e


@pytest.mark.parametrize("tally", TALLIES)
@pytest.mark.parametrize("margin", [0.0, 0.01, 0.2])
@pytest.mark.parametrize(("canary", "stable"), [(0.3, 0.05), (0.9, 0.01), (0.26, 0.05)])
def test_the_evidence_of_harm_is_the_ratio_to_the_nearest_harmless_rates(
    tally: Tally, margin: float, canary: float, stable: float
) -> None:
    assert log_harm(tally, [canary], stable, margin) == pytest.approx(
        [log_e(tally, canary, stable, margin)], rel=1e-6, abs=1e-9
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


@pytest.mark.parametrize(
    ("tally", "rate", "margin"),
    [
        (Tally(1e6, 100, 1, 1), 1e-5, 1e-4),
        (Tally(1e6, 900, 1, 1), 1e-3, 1e-3),
        (Tally(1e4, 90, 100, 100), 0.01, 0.01),
        (Tally(9, 0, 1, 0), 0.1, 0.2),
        (Tally(0.5, 0, 0.5, 0), 0.1, 0.2),
    ],
)
def test_it_is_exact_however_few_requests_one_side_has(tally: Tally, rate: float, margin: float) -> None:
    assert log_safety(tally, rate=rate, margin=margin) == pytest.approx(log_e(tally, rate, rate, margin), abs=1e-5)
    [harm] = log_harm(tally, (3 * rate + margin,), rate, margin)
    assert harm == pytest.approx(log_e(tally, 3 * rate + margin, rate, margin), abs=1e-5)


@pytest.mark.parametrize("margin", [0.0, -0.1, 1.0])
def test_there_is_no_proof_of_safety_for_a_margin_of_nothing_or_of_everything(margin: float) -> None:
    assert log_safety(Tally(9, 1, 9, 1), rate=0.1, margin=margin) == 0.0


@pytest.mark.parametrize("below", [0.05, 0.0501, 0.06])
def test_an_alternative_that_is_harmless_proves_no_harm(below: float) -> None:
    assert log_harm(Tally(9, 9, 90, 0), [below], 0.04, 0.02) == [0.0]


@pytest.mark.parametrize("bad", range(4))
def test_an_excess_is_the_ratio_of_two_coins(bad: int) -> None:
    def chance(rate: float) -> float:
        return comb(3, bad) * rate**bad * (1 - rate) ** (3 - bad)

    assert exp(log_excess(bad, 3, rate=0.4, limit=0.1)) == pytest.approx(chance(0.4) / chance(0.1))


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


def test_a_part_that_has_passed_a_rollback_grows_by_all_that_it_may() -> None:
    capital = Capital((1.0,), 0.01)
    for value in (*(99.0,) * 8, *(0.0,) * 8, -1.0):
        capital.bet((value,))
    before = capital.total
    assert before > 1000 * capital.needed
    capital.bet((1.5,))
    assert capital.total == pytest.approx(before * exp(1.5), rel=1e-4)


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


def test_a_height_that_nothing_leads_to_is_never_reached() -> None:
    assert until(Walk(0.0, 2.0, 0.1), 3.0) == ((), ())
    assert until(Walk(0.5, 2.0, 0.1), 0.0, after=4.0) == ((4.0,), (1.0,))


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
    lasting.conclude([log(400.0), 1.0])
    assert lasting.stretches == needed + 1
    lasting.conclude([log(399.9), 1.0])
    assert (lasting.harmful, lasting.stretches) == (False, 0)


def test_a_stretch_is_ten_periods_added_up() -> None:
    lasting = Lasting()
    assert lasting.add(Tally(1, 2, 3, 4), 4) is None
    assert lasting.add(Tally(10, 20, 30, 40), 5) is None
    assert lasting.add(Tally(100, 200, 300, 400), 2) == Tally(111, 222, 333, 444)
    assert lasting.add(Tally(1, 1, 1, 1), 9) is None
    assert lasting.add(Tally(1, 1, 1, 1), 1) == Tally(2, 2, 2, 2)


def test_a_stretch_in_which_nothing_failed_ends_a_row_of_bad_ones_and_is_not_asked_about() -> None:
    lasting = Lasting()
    lasting.conclude([log(400.001), 0.0])
    assert lasting.add(Tally(30, 0, 300, 2), 9) is None
    assert lasting.stretches == 1
    assert lasting.add(Tally(3, 0, 30, 0), 1) is None
    assert lasting.stretches == 0
    assert lasting.add(Tally(9, 9, 90, 0), 10) == Tally(9, 9, 90, 0)


# --------------------------------------------------------------------------------------------- what a step proves


def asked(margin: float, widest: float) -> Proof:
    comparison = Comparison((0.1,), tolerance=0.0, prior=(0.5, 250.0), clustering=0.0)
    comparison.learn([(1, 500)])
    return Proof(comparison, margin, widest)


def test_what_two_questions_prove_is_the_mean_of_a_stake_on_each() -> None:
    """Of the sharp one 85 %, of the blunt one the rest, which begins to count when patience is lost."""
    proof = asked(0.02, 0.1)
    patient, later = Tally(50, 0, 150, 1), Tally(90, 2, 150, 0)
    assert (proof.log_e, proof.margin) == (log(0.85), 0.02)
    proof.weigh(patient, 1, patient=True)
    sharp = proof.comparison.safety(patient, (0.02,))[0]
    assert proof.log_e == pytest.approx(sharp + log(0.85))
    proof.weigh(later, 2, patient=False)
    first, blunt = proof.comparison.safety(later, (0.02, 0.1), 2)
    sharp += first
    assert exp(proof.log_e) == pytest.approx(0.85 * exp(sharp) + 0.15 * exp(blunt))
    assert (proof.margin, blunt > sharp) == (0.1, True)


def test_a_step_that_asks_for_the_widest_margin_has_one_question() -> None:
    proof, tally = asked(0.1, 0.1), Tally(50, 0, 150, 1)
    for patient in (True, False):
        proof.weigh(tally, 1, patient=patient)
    each = proof.comparison.safety(tally, (0.1,))[0]
    assert exp(proof.log_e) == pytest.approx(0.85 * exp(2 * each) + 0.15 * exp(each))
    assert len(proof.waits(30, 90, 3.0, 0, 1)) == 1


def test_the_wait_for_either_question_is_for_what_is_missing_of_its_stake() -> None:
    proof = asked(0.02, 0.1)
    proof.weigh(Tally(20, 0, 60, 1), 1, patient=False)
    sharp, blunt = proof.waits(30, 90, 4.0, 7, 2)
    walk = proof.comparison.walk
    assert sharp == until(walk(30, 90, 0.02), 4.0 - log(0.85) - proof.sharp, block=2)
    assert blunt == until(walk(30, 90, 0.1), 4.0 - log(0.15) - proof.blunt, block=2, after=7)
    assert sharp.periods != blunt.periods


@pytest.mark.parametrize(
    ("points", "next_share", "most"),
    [(3, 100, 0.03), (3, 50, 0.06), (3, 12, 0.25), (3, 11, 0.25), (40, 50, 0.4), (20, 50, 0.25)],
)
def test_acceptable_harm_of_everybody_is_more_of_a_part_and_at_most_a_quarter(
    points: float, next_share: int, most: float
) -> None:
    assert Risk(harm_points_max=points).harm_max(next_share) == pytest.approx(most)
