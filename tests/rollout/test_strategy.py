"""The shares of a rollout, by how busy the service is."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.rollout.names import Phase
from shared.rollout.service import RevisionState
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


def test_the_quietest_service_that_is_measured_begins_by_its_traffic_too() -> None:
    assert Strategy().steps_for(1) == (50, 90)
    assert Strategy().steps_for(10) == (34, 90)
    assert Strategy().steps_for(100 / 3) == (10, 50, 90)


@pytest.mark.parametrize(
    ("time", "words"),
    [
        (timedelta(seconds=90), "90 s"),
        (timedelta(seconds=119), "119 s"),
        (timedelta(minutes=2), "2 min"),
        (timedelta(seconds=150), "2.5 min"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(hours=6), "6 h"),
    ],
)
def test_a_time_is_told_in_the_unit_that_people_use(time: timedelta, words: str) -> None:
    strategy = replace(cases.STRATEGY, prepare_deadline=time)
    record, now = cases.in_phase(Phase.PREPARING, strategy=strategy)
    late = cases.judged(record, now + time, canary_state=RevisionState.PENDING)
    told = cases.take(record, late, now + time, strategy).reason
    assert told == f"bbbbbbb was not ready within {words} and got no traffic."
