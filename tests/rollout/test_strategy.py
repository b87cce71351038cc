"""The shares of a rollout, by how busy the service is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.rollout.names import Phase
from shared.rollout.strategy import Strategy
from shared.rollout.traffic import split, steps_of
from tests.rollout import cases


@pytest.mark.parametrize(
    ("requests_per_second", "steps"),
    [
        (20, (1, 5, 25, 50, 90)),
        (5, (2, 25, 50, 90)),
        (1, (6, 25, 50, 90)),
        (0.3, (19, 50, 90)),
        (0.05, (50, 90)),
        (0, (5, 25, 50, 90)),
    ],
)
def test_the_first_share_brings_ten_requests_in_three_minutes(
    requests_per_second: float, steps: tuple[int, ...]
) -> None:
    assert Strategy().steps_for(60 * requests_per_second) == steps


def test_a_person_may_want_the_steps_as_written() -> None:
    strategy = Strategy(steps=(10, 50), first_share_by_traffic=False)
    assert strategy.steps_for(9999) == (10, 50)


def test_the_first_share_is_never_above_the_last_step() -> None:
    assert Strategy(steps=(3,)).steps_for(0.1) == (3,)


def test_a_rollout_keeps_the_shares_it_began_with() -> None:
    record, now = cases.in_phase(Phase.VERIFYING)
    busy = cases.judged(record, now, requests_per_minute=1200.0)
    after = cases.take(record, busy, now).record
    assert after.rollout is not None
    assert after.rollout.steps == (1, 5, 50, 90)
    changed = replace(cases.STRATEGY, steps=(33, 66), step_bake_time=timedelta(hours=1))
    assert steps_of(after.rollout, changed) == (1, 5, 50, 90)
    assert split(after, changed)[after.rollout.canary] == 1
