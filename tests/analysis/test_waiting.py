"""When evidence first reaches a height: the formula against walks that are drawn."""

import random
from math import inf

import pytest

from shared.analysis.waiting import Walk, quantile, slack, until, whole_blocks
from shared.analysis.words import spans

WALK = Walk(climb=0.5, drop=2.0, events=0.1)


def drawn(dice: random.Random, distance: float) -> float:
    """The first time at which a walk that falls at random moments is as high as that."""
    time, height = 0.0, 0.0
    while True:
        falls_in = dice.expovariate(WALK.events)
        if height + WALK.climb * falls_in >= distance:
            return time + (distance - height) / WALK.climb
        time, height = time + falls_in, height + WALK.climb * falls_in - WALK.drop


@pytest.mark.parametrize("share", [0.25, 0.5, 0.8])
def test_the_chance_is_that_of_walks_that_are_drawn(share: float) -> None:
    dice = random.Random(3)
    wait = until(WALK, 3.0)
    found = sorted(drawn(dice, 3.0) for _ in range(4000))
    time = quantile([[wait]], share)
    assert sum(each <= time + 1e-9 for each in found) / 4000 == pytest.approx(wait.by(time), abs=0.02)
    assert wait.by(time) >= share
    assert wait.by(5.9) == 0.0


def test_what_is_proved_already_takes_no_time_and_what_never_climbs_for_ever() -> None:
    assert quantile([[until(WALK, 0.0)]], 0.9) == 0.0
    assert quantile([[until(Walk(0.0, 1.0, 0.1), 1.0)]], 0.5) == inf
    assert quantile([[until(Walk(0.5, 20.0, 0.1), 3.0)]], 0.9) == inf


def test_every_proof_must_be_done_and_one_way_is_enough() -> None:
    certain = Walk(0.5, 1.0, 0.0)
    short, long = until(certain, 2.0), until(certain, 5.0)
    assert quantile([[short], [long]], 0.5) == 10.0
    assert quantile([[short, long]], 0.5) == 4.0
    assert quantile([[long, until(certain, 2.0, after=3.0)]], 0.5) == 7.0
    assert quantile([], 0.5) == inf


@pytest.mark.parametrize(("periods", "block", "begun", "found"), [(3.2, 1, 0, 4), (3.2, 3, 2, 4), (0.0, 1, 0, 1)])
def test_evidence_comes_by_the_block(periods: float, block: int, begun: int, found: float) -> None:
    assert whole_blocks(periods, block, begun) == found
    assert whole_blocks(inf, block, begun) == inf


def test_few_requests_make_any_range_wide() -> None:
    assert 1.0 < slack(1.0, 1000, 1000) < 1.1 < slack(1.0, 10, 1000)
    assert slack(2.0, 1e9, 1e9) == pytest.approx(slack(0.5, 1e9, 1e9)) == pytest.approx(2.0)
    assert slack(inf, 9, 9) == inf


@pytest.mark.parametrize(
    ("soonest", "latest", "told"),
    [(20, 60, "20 to 60 min"), (25, 25, "25 min"), (0.7, 3, "42 s to 3 min"), (60, 300, "60 min to 5 h"),
     (9, inf, "9 min or more")],
)  # fmt: skip
def test_a_range_is_told_in_the_units_that_fit(soonest: float, latest: float, told: str) -> None:
    assert spans(soonest, latest) == told
