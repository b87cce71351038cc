"""The evidence of a rollout: weighed minute by minute or all at once, it is the same."""

import random
from datetime import timedelta

import pytest

from shared.analysis.criteria import failing
from shared.analysis.periods import Period, side_by_side
from shared.analysis.proof import Risk
from shared.analysis.trial import Standing, Trial
from tests.analysis.worlds import MINUTE, NOW, history, latencies

RISK = Risk()


def series(seed: int, *, minutes: int, share: float, bad: float = 0.01, total: int = 80) -> list[Period]:
    """An hour of stable alone, then both."""
    dice, rows = random.Random(seed), []
    for minute in range(-60, minutes):
        ours = sum(dice.random() < share for _ in range(total)) if minute >= 0 else 0
        theirs = total - ours
        errors = sum(dice.random() < bad for _ in range(ours))
        stable_errors = sum(dice.random() < 0.01 for _ in range(theirs))
        rows.append(
            Period(NOW + (minute + 1) * MINUTE, ours, ours, errors, 0, theirs, stable_errors,
                   latencies(dice, ours), latencies(dice, theirs))
        )  # fmt: skip
    return rows


def trial(share: int = 25, next_share: int = 50, risk: Risk = RISK) -> Trial:
    found = Trial(risk, MINUTE, NOW)
    found.begin_step(NOW, share, next_share)
    return found


def test_a_step_that_began_later_is_judged_as_if_all_were_read_anew() -> None:
    rows, later = series(1, minutes=50, share=0.25), NOW + 20 * MINUTE
    live = trial(25, 50)
    for row in rows[: 60 + 18]:
        live.weigh(row)
    live.begin_step(later, 25, 90)
    for row in rows[60 + 18 :]:
        live.weigh(row)
    anew = Trial(RISK, MINUTE, NOW)
    anew.begin_step(later, 25, 90)
    for row in rows:
        anew.weigh(row)
    assert live.capital.owned == anew.capital.owned
    assert live.log_safety == anew.log_safety
    assert live.standing is anew.standing


def test_what_was_before_may_be_remembered_at_once_or_minute_by_minute() -> None:
    rows = series(1, minutes=12, share=0.25)
    by_minute, at_once = trial(), trial()
    at_once.remember(rows[:60])
    for row in rows[:60]:
        by_minute.weigh(row)
    for row in rows[60:]:
        by_minute.weigh(row)
        at_once.weigh(row)
    assert at_once.capital.owned == by_minute.capital.owned
    assert at_once.log_safety == by_minute.log_safety


def test_requests_before_the_step_prove_nothing_about_it() -> None:
    live = trial()
    for row in series(2, minutes=60, share=0.25):
        live.weigh(row)
    assert live.standing is Standing.SAFE
    live.begin_step(NOW + 60 * MINUTE, 50, 90)
    assert (live.standing, live.log_safety) == (Standing.UNPROVED, 0.0)


def test_quiet_minutes_are_gathered_until_both_sides_have_a_request() -> None:
    live = trial()
    for minute in range(1, 31):
        canary, stable = int(minute % 3 == 0), int(minute % 2 == 0)
        live.weigh(Period(NOW + minute * MINUTE, canary, canary, 0, 0, stable, 0))
    assert live.capital.blocks == 10


def test_blocks_grow_with_the_rollout_so_that_a_look_stays_cheap_and_no_longer_than_eight_periods() -> None:
    live, blocks = trial(), {}
    for minute in range(1, 721):
        live.weigh(Period(NOW + minute * MINUTE, 10, 10, 0, 0, 90, 0))
        blocks[minute] = live.capital.blocks
    assert [blocks[minute] for minute in (26, 26 + 52, 26 + 52 + 104, 720)] == [26, 52, 78, 78 + (720 - 182) // 8]


def asked(share: int, next_share: int, total: int, risk: Risk = RISK) -> float:
    """The margin of a step on a service with so many requests a minute."""
    live = trial(share, next_share, risk)
    for row in series(3, minutes=3, share=share / 100, total=total):
        live.weigh(row)
    assert live.step.errors is not None
    return live.step.errors.margin


@pytest.mark.no_cover
def test_a_busier_service_must_prove_less_harm() -> None:
    assert asked(25, 100, 4) == 0.03
    assert 0.005 <= asked(25, 100, 4000) < asked(25, 100, 1000) < 0.03


@pytest.mark.parametrize(("next_share", "margin"), [(100, 0.03), (90, 0.03 / 0.9), (50, 0.06), (20, 0.15), (6, 0.25)])
def test_the_acceptable_harm_is_of_the_whole_service(next_share: int, margin: float) -> None:
    assert asked(5, next_share, 4) == pytest.approx(margin)


def test_no_small_share_asks_for_less_than_a_person_allows_everywhere() -> None:
    assert asked(5, 20, 4, Risk(harm_points_max=40)) == 0.40


def test_a_step_that_waited_long_asks_only_about_the_largest_acceptable_harm() -> None:
    live = trial(risk=Risk(proof_time=5 * MINUTE))
    rows = series(4, minutes=40, share=0.25, total=600)
    for row in rows[:70]:
        live.weigh(row)
    assert live.step.errors is not None
    assert live.step.errors.margin < 0.06
    for row in rows[70:]:
        live.weigh(row)
    assert live.step.errors.margin == 0.06


def test_what_both_do_as_usual_is_learned_as_clustering_too() -> None:
    dice, live, known = random.Random(4), trial(), failing()
    for minute in range(-60, 20):
        theirs = dice.randrange(4, 30)
        ours = (20, 5) if minute >= 0 else (0, 0)
        live.weigh(Period(NOW + (minute + 1) * MINUTE, ours[0], ours[0], ours[1], 0, 80, theirs))
        known.learn([(theirs, 80)])
    assert live.errors.expected == known.expected
    assert live.errors.clustering.of_stretch == known.clustering.of_stretch


def test_a_step_that_begins_inside_an_open_block_has_proved_nothing() -> None:
    live = trial(25, 50)
    for row in series(6, minutes=30, share=0.25, total=400):
        live.weigh(row)
    quiet = Period(NOW + 31 * MINUTE, 5, 5, 0, 0, 0, 0)
    live.weigh(quiet)  # stable has no request: the block stays open
    live.begin_step(NOW + 31 * MINUTE, 50, 90)
    live.weigh(quiet._replace(end=NOW + 32 * MINUTE))
    assert live.step.errors is None
    assert live.standing is Standing.UNPROVED


def test_latency_is_judged_from_when_stables_is_known() -> None:
    dice, live = random.Random(9), trial()
    for minute in range(1, 9):
        assert live.slowness.unknown == (minute in range(2, 7))
        assert bool(live.slowness.comparisons) == (minute > 6)
        row = Period(NOW + minute * MINUTE, 2, 2, 0, 0, 10, 0, latencies(dice, 2), latencies(dice, 10))
        live.weigh(row)


def test_proofs_switched_off_leave_nothing_to_prove() -> None:
    live = trial(risk=Risk(harm_points_max=100, latency_points_max=100))
    for row in series(5, minutes=2, share=0.25):
        live.weigh(row)
    assert live.standing is Standing.SAFE


@pytest.mark.parametrize("errors", [True, False], ids=["with errors before", "without any minute before"])
def test_stable_failing_as_never_before_is_a_shared_outage(errors: bool) -> None:
    live = trial()
    assert not live.shared_outage
    for row in series(6, minutes=10, share=0.25) if errors else []:
        live.weigh(row)
    for minute in range(11, 14):
        live.weigh(Period(NOW + minute * MINUTE, 20, 20, 6, 0, 60, 18))
    assert live.standing is Standing.SHARED_OUTAGE
    assert live.errors.clustering.correlation < 0.1


def test_a_canary_that_lost_its_control_is_judged_against_history_alone() -> None:
    live = trial()
    for row in series(7, minutes=10, share=0.25):
        live.weigh(row)
    live.begin_step(NOW + 10 * MINUTE, 100, 100)
    standings = [live.standing]
    live.weigh(Period(NOW + 11 * MINUTE, 0, 0, 0, 0, 0, 0))
    live.weigh(Period(NOW + 12 * MINUTE, 80, 80, 1, 0, 0, 0))
    standings.append(live.standing)
    for minute in range(13, 26):
        live.weigh(Period(NOW + minute * MINUTE, 80, 80, 15, 0, 0, 0))
    standings.append(live.standing)
    assert standings == [Standing.UNPROVED, Standing.SAFE, Standing.HARMFUL]
    assert live.blamed_cut is None


def test_a_stable_with_hardly_any_traffic_still_shows_a_shared_outage() -> None:
    live = trial(90, 100)
    for row in series(7, minutes=10, share=0.9):
        live.weigh(row)
    for minute in range(11, 20):
        live.weigh(Period(NOW + minute * MINUTE, 40, 40, 40, 0, minute % 2, minute % 2))
        assert live.standing is not Standing.HARMFUL


def test_some_evidence_of_harm_is_a_doubt() -> None:
    live, rows = trial(), series(8, minutes=30, share=0.25)
    seen = set()
    for row in rows[:60]:
        live.weigh(row)
    for row in rows[60:]:
        live.weigh(row._replace(errors=row.exposed // 6))
        seen.add(live.standing)
    assert {Standing.DOUBTFUL, Standing.HARMFUL} <= seen


def test_probes_prove_nothing() -> None:
    def proved(probes: int) -> float:
        live = trial(risk=Risk(proof_time=timedelta(hours=5)))
        for row in series(9, minutes=10, share=0.1):
            live.weigh(row._replace(users=row.exposed - probes if row.exposed else 0, probes=probes))
        return live.log_safety

    assert proved(5) < proved(0)


def test_side_by_side_of_nothing_is_nothing() -> None:
    assert side_by_side(history(), "canary", "stable") == []


def test_what_is_missing_is_counted_in_whole_blocks_and_never_nothing() -> None:
    live = trial()
    for row in series(3, minutes=4, share=0.25, total=80):
        live.weigh(row)
    soonest, usual, latest = live.periods_needed(20, 60, (0.05, 0.5, 0.95))
    assert 1 <= soonest < usual <= latest < float("inf")
    assert all(periods == int(periods) for periods in (soonest, usual, latest))


def test_a_canary_that_nobody_asked_for_long_is_not_blamed_for_waking_slowly() -> None:
    """Nor is it excused for anything but its first requests."""

    def harm(gap: int) -> float:
        live, dice = trial(), random.Random(11)
        rows = series(11, minutes=8, share=0.25, total=80)
        for row in rows:
            live.weigh(row)
        slow = latencies(dice, 20, 2000.0)
        end = rows[-1].end + gap * MINUTE
        live.weigh(Period(end, 20, 20, 0, 0, 60, 0, slow, latencies(dice, 60)))
        return live.capital.total

    assert harm(1) > harm(11)
