"""A release's way from its push to its promotion, and what ends it on the way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.decision import Start
from shared.rollout.names import Phase
from shared.rollout.service import RevisionState
from shared.rollout.traffic import split
from tests.rollout.cases import (
    CANARY,
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    digest,
    in_phase,
    judged,
    phase_of,
    probe,
    request,
    take,
    verdict,
)

# ------------------------------------------------------------------------------------------------ the good way


def test_a_push_starts_a_canary_at_0_percent() -> None:
    decision = take(STABLE, request(), NOW)
    assert phase_of(decision.record) is Phase.PREPARING
    assert decision.write == Start(image=f"{IMAGE}@{digest('b')}", rollout_id="web-bbbbbbb-20261123120000")
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}
    assert decision.record.sequence == STABLE.sequence + 1


def test_a_ready_revision_with_passing_probes_gets_its_first_share_in_one_reading() -> None:
    record, now = in_phase(Phase.PREPARING)
    after_reading = take(record, judged(record, now + MINUTE), now + MINUTE).record
    assert phase_of(after_reading) is Phase.PROGRESSING
    assert split(after_reading, STRATEGY) == {"web-00001-aaa": 95, CANARY: 5}


def test_a_good_release_climbs_every_step_bakes_and_is_promoted() -> None:
    record, now = in_phase(Phase.PREPARING)
    shares = []
    while record.active:
        now += STRATEGY.final_bake_time
        record = take(record, judged(record, now, Health.HEALTHY), now).record
        shares.append(split(record, STRATEGY).get(CANARY, 0))
    assert shares == [5, 50, 90, 100, 100]
    assert phase_of(record) is Phase.PROMOTED
    assert (record.stable, record.target, record.good[0]) == (CANARY, "web-00001-aaa", CANARY)


def test_a_step_is_not_left_before_its_bake_time() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    soon = now + STRATEGY.step_bake_time - timedelta(seconds=1)
    assert take(record, judged(record, soon, Health.HEALTHY), soon).effects == ()


def test_the_bake_at_100_percent_lasts_its_whole_time() -> None:
    record, now = in_phase(Phase.BAKING)
    soon = now + STRATEGY.final_bake_time - timedelta(seconds=1)
    assert take(record, judged(record, soon, Health.HEALTHY), soon).effects == ()


def test_probes_that_have_not_run_yet_leave_the_release_verifying() -> None:
    record, now = in_phase(Phase.VERIFYING)
    assert take(record, judged(record, now + MINUTE, probes=()), now + MINUTE).effects == ()


# -------------------------------------------------------------------------------------------- never any traffic


def test_a_revision_that_never_starts_fails_without_traffic() -> None:
    record, now = in_phase(Phase.PREPARING)
    fact = judged(record, now + MINUTE, canary_state=RevisionState.FAILED, canary_message="exit 1", probes=())
    decision = take(record, fact, now + MINUTE)
    assert phase_of(decision.record) is Phase.FAILED
    assert "exit 1" in decision.reason
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}
    assert CANARY in decision.record.retired


def test_a_revision_that_is_not_ready_in_time_fails() -> None:
    record, now = in_phase(Phase.PREPARING)
    late = now + STRATEGY.prepare_deadline
    fact = judged(record, late, canary_state=RevisionState.PENDING, probes=())
    assert phase_of(take(record, fact, late).record) is Phase.FAILED
    early = late - timedelta(seconds=1)
    fact = judged(record, early, canary_state=RevisionState.PENDING, probes=())
    assert take(record, fact, early).effects == ()


@pytest.mark.parametrize(
    ("deadline", "words"), [(timedelta(seconds=90), "90 s"), (MINUTE * 10, "10 min"), (MINUTE * 180, "3 h")]
)
def test_a_deadline_is_said_in_words(deadline: timedelta, words: str) -> None:
    strategy = replace(STRATEGY, prepare_deadline=deadline)
    record, now = in_phase(Phase.PREPARING)
    fact = judged(record, now + deadline, canary_state=RevisionState.PENDING, probes=())
    assert f"within {words} " in take(record, fact, now + deadline, strategy).reason


@pytest.mark.parametrize("probes", [(), (probe(ProbeOutcome.FAILED),)])
def test_probes_that_do_not_pass_in_time_roll_back_before_any_user_is_met(probes: tuple[object, ...]) -> None:
    record, now = in_phase(Phase.VERIFYING)
    early = now + STRATEGY.verify_deadline - timedelta(seconds=1)
    assert take(record, judged(record, early, probes=probes), early).effects == ()
    late = now + STRATEGY.verify_deadline
    done = take(record, judged(record, late, probes=probes), late).record
    assert phase_of(done) is Phase.ROLLED_BACK
    assert done.is_known_bad(digest("b"))
    assert split(done, STRATEGY) == {"web-00001-aaa": 100}


# ------------------------------------------------------------------------------------------ judged on its share


def test_a_reading_without_a_verdict_moves_nothing() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert take(record, judged(record, now + MINUTE), now + MINUTE).effects == ()


def test_rule_2_passing_probes_alone_bring_a_canary_no_further_than_its_first_share() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.step_bake_time
    nobody = verdict(Health.INCONCLUSIVE)._replace(canary_requests=0)
    assert take(record, judged(record, later, verdict=nobody, probes=(probe(), probe())), later).effects == ()


def test_an_unhealthy_verdict_rolls_back_pins_and_remembers_the_digest() -> None:
    record, now = in_phase(Phase.PROGRESSING, step=1)
    done = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    assert phase_of(done) is Phase.ROLLED_BACK
    assert split(done, STRATEGY) == {"web-00001-aaa": 100}
    assert done.pin
    assert done.is_known_bad(digest("b"))


@pytest.mark.parametrize("state", [RevisionState.FAILED, RevisionState.MISSING])
def test_a_canary_that_stops_being_ready_is_rolled_back(state: RevisionState) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    fact = judged(record, now + MINUTE, canary_state=state, probes=())
    assert phase_of(take(record, fact, now + MINUTE).record) is Phase.ROLLED_BACK


@pytest.mark.parametrize("change", ["rollout_id", "step", "at", "age"])
def test_a_verdict_about_something_else_or_too_old_moves_nothing(change: str) -> None:
    record, now = in_phase(Phase.PROGRESSING, step=1)
    later = now + STRATEGY.verdict_age_max
    changes: dict[str, object] = {
        "rollout_id": {"rollout_id": "web-other"},
        "step": {"step": 0},
        "at": {"at": now - MINUTE},
        "age": {"at": now},
    }[change]  # type: ignore[assignment]
    fact = judged(record, later, Health.UNHEALTHY)._replace(**changes)  # type: ignore[arg-type]
    decision = take(record, fact, later + timedelta(seconds=1) if change == "age" else later)
    assert (decision.rule, decision.effects) == ("stale", ())
