"""What stable went through before the rollout: outages of everything, and bursts of its own."""

import random

import pytest

from shared.analysis.evidence import Sample
from shared.analysis.judge import judge
from shared.analysis.lasting import Lasting
from shared.analysis.past import bad_stretches, without_outages
from shared.analysis.periods import Period
from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict
from tests.analysis.worlds import MINUTE, NOW, PASSED, history, sample

BEFORE = 120
OUTAGE = dict.fromkeys(range(40, 50), 1.0)
BURSTS = dict.fromkeys((20, 21, 60, 61, 100, 101), 0.8)


def look(
    minutes: int, *, trouble: dict[int, float], canary_bad: float = 0.0, share: int = 10, busy: int = 100
) -> Verdict:
    """So many minutes into a step; `trouble` is stable's failing share in minutes of the two hours before it."""
    dice = random.Random(7)
    ours: list[Sample] = []
    theirs: list[Sample] = []
    for minute in range(BEFORE + minutes):
        end = NOW + (minute + 1 - BEFORE) * MINUTE
        requests = busy * share // 100 if minute >= BEFORE else 0
        failed = sum(dice.random() < canary_bad for _ in range(requests))
        theirs.append(sample(end, busy - requests, int(trouble.get(minute, 0.0) * (busy - requests)), dice=dice))
        if requests:
            ours.append(sample(end, requests, failed, dice=dice))
    question = Question(
        history=history(NOW + minutes * MINUTE, canary=ours, stable=theirs),
        canary="canary",
        stable="stable",
        rollout_started=NOW,
        step_started=NOW,
        share=share,
        next_share=50 if share < 100 else 100,
        probes=(PASSED,),
    )
    return judge(question)


@pytest.mark.parametrize("canary_bad", [0.0, 0.3])
def test_after_an_outage_a_release_is_judged_as_on_any_day(canary_bad: float) -> None:
    minutes = 4 if canary_bad else 40
    spared = look(minutes, trouble={}, canary_bad=canary_bad)
    assert spared.health is (Health.UNHEALTHY if canary_bad else Health.HEALTHY)
    assert look(minutes, trouble=OUTAGE, canary_bad=canary_bad).health is spared.health


def test_where_stable_bursts_a_canary_that_stays_bad_is_told_by_its_staying_so() -> None:
    early = look(30, trouble=BURSTS, canary_bad=0.3)
    assert early.health is Health.INCONCLUSIVE
    late = look(80, trouble=BURSTS, canary_bad=0.3)
    assert late.health is Health.UNHEALTHY
    assert late.reason.endswith("beyond chance in each 10 of the last 70 minutes, and stable's bursts end sooner.")


def test_at_100_percent_too() -> None:
    late = look(80, trouble=BURSTS, canary_bad=0.3, share=100)
    assert late.health is Health.UNHEALTHY
    assert "stable's bursts end sooner" in late.reason


def test_where_stable_bursts_a_good_canary_is_never_blamed() -> None:
    assert look(90, trouble=BURSTS).health is Health.HEALTHY


def minutes_of(*failing: float, requests: int = 10) -> list[Period]:
    return [
        Period(NOW + index * MINUTE, stable_requests=requests, stable_errors=round(share * requests))
        for index, share in enumerate(failing)
    ]


def kept(*failing: float, requests: int = 10) -> list[bool]:
    return [period is not None for period in without_outages(minutes_of(*failing, requests=requests))]


def test_an_outage_and_its_partial_minutes_are_left_out() -> None:
    assert kept(0, 0, 0, 0.3, 0.5, 1, 0.9, 0.1, 0, 0, 0, 0, 0) == [True] * 3 + [False] * 5 + [True] * 5


def test_an_outage_up_to_the_rollout_is_left_out() -> None:
    assert kept(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1) == [True] * 7 + [False] * 4


def test_an_outage_at_the_very_beginning_is_left_out() -> None:
    assert kept(1, 1, 1, 0, 0, 0, 0, 0, 0) == [False] * 4 + [True] * 5


@pytest.mark.parametrize(
    "failing", [(0, 0, 0, 0, 0, 1, 1, 0, 0, 0), (0, 0, 0, 0, 0, 0.4, 0.4, 0.4, 0, 0, 0, 0, 0)], ids=["short", "partial"]
)
def test_less_is_a_burst(failing: tuple[float, ...]) -> None:
    assert all(kept(*failing))


def test_few_failures_are_no_outage() -> None:
    assert all(kept(0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, requests=2))


def test_two_outages_are_left_out() -> None:
    assert kept(1, 1, 1, *[0] * 12, 1, 1, 1) == [False] * 4 + [True] * 10 + [False] * 4


def test_what_fails_most_of_the_time_is_usual() -> None:
    assert all(kept(1, 1, 1, 1, 0, 0))
    assert all(kept(1, 1, 1, 0, 0, 0, 0, 0)), "and half of it"


def test_stretches_that_stand_out_are_counted() -> None:
    assert bad_stretches(minutes_of(*[0] * 10, *[0.5, *[0] * 9], *[0] * 10)) == (1, 3)
    assert bad_stretches(minutes_of(*[0.1] * 30)) == (0, 3)
    assert bad_stretches([]) == (0, 0)


@pytest.mark.parametrize(
    ("failed", "bad"),
    [
        ((0, 0, 0, 1), 0),
        ((0, 0, 0, 2), 1),
        ((0, 1, 4, 6), 1),
        ((0, 1, 4, 5), 0),
        ((0, 1, 2, 6, 9), 2),
        ((0, 1, 2, 4, 9), 1),
    ],
)
def test_a_stretch_stands_out_by_a_point_and_twice_the_usual_one(failed: tuple[int, ...], bad: int) -> None:
    """Of a hundred requests each, in ten minutes."""
    past = minutes_of(*(share for count in failed for share in (count / 10, *[0] * 9)))
    assert bad_stretches(past) == (bad, len(failed))


def test_two_failures_of_two_hundred_are_no_more_than_a_point() -> None:
    assert bad_stretches(minutes_of(0.1, *[0] * 29, requests=20)) == (0, 3)
    assert bad_stretches(minutes_of(0.15, *[0] * 29, requests=20)) == (1, 3)


def test_where_nobody_asks_no_stretch_is_bad() -> None:
    assert bad_stretches(minutes_of(*[0] * 10, requests=0)) == (0, 0)


@pytest.mark.parametrize(("known", "needed"), [((0, 12), 4), ((1, 12), 5), ((3, 12), 7), ((0, 0), 11)])
def test_the_more_stretches_of_stable_are_bad_the_more_of_the_canary_must_be(
    known: tuple[int, int], needed: int
) -> None:
    lasting = Lasting(known)
    for _ in range(needed - 1):
        lasting.conclude([9.0])
    assert not lasting.harmful
    lasting.conclude([9.0])
    assert lasting.harmful


def test_one_stretch_within_chance_begins_anew() -> None:
    lasting = Lasting((0, 12))
    for log_e in (9.0, 9.0, 9.0, 1.0, 9.0):
        lasting.conclude([log_e])
    assert (lasting.stretches, lasting.harmful) == (1, False)
