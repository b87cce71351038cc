"""What a rollout needs for its next move, and what happens while nobody can tell."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.analysis.evidence import Probe, ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Record
from shared.rollout.service import RevisionState
from shared.rollout.traffic import split
from tests.rollout.cases import MINUTE, STRATEGY, command, full_outbox, in_phase, judged, probe, request, take, verdict


def held_for(record: Record, cause: HoldCause) -> None:
    assert record.active
    assert record.active.hold
    assert record.active.hold.cause is cause
    assert record.outbox[-1].severity is Severity.PAGE


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING])
def test_a_canary_that_is_neither_ready_nor_failed_has_a_deadline_that_pages(phase: Phase) -> None:
    record, now = in_phase(phase)
    late = now + STRATEGY.step_deadline + (STRATEGY.final_bake_time if phase is Phase.BAKING else timedelta())
    early = late - timedelta(seconds=1)
    assert take(record, judged(record, early, canary_state=RevisionState.PENDING), early).effects == ()
    asked = take(record, judged(record, late, canary_state=RevisionState.PENDING), late)
    held_for(asked.record, HoldCause.DEADLINE)
    assert "Its revision is pending." in asked.reason


def test_rule_1_the_bake_does_not_end_on_a_doubt() -> None:
    record, now = in_phase(Phase.BAKING)
    over = now + STRATEGY.final_bake_time
    doubtful = judged(record, over, Health.INCONCLUSIVE)
    assert take(record, doubtful, over).effects == ()
    late = over + STRATEGY.step_deadline
    held = take(record, judged(record, late, Health.INCONCLUSIVE), late).record
    held_for(held, HoldCause.DEADLINE)
    assert split(held, STRATEGY) == split(record, STRATEGY)


def test_rule_1_a_bake_that_no_user_came_to_waits_for_the_first_one() -> None:
    record, now = in_phase(Phase.BAKING)
    over = now + STRATEGY.final_bake_time
    nobody = judged(record, over, verdict=verdict(Health.INCONCLUSIVE)._replace(canary_requests=0))
    assert take(record, nobody, over).effects == ()
    soon = over + MINUTE
    done = take(record, judged(record, soon, Health.HEALTHY), soon).record
    assert done.rollout
    assert done.rollout.phase is Phase.PROMOTED


def test_the_bake_does_not_end_while_a_probe_fails() -> None:
    record, now = in_phase(Phase.BAKING)
    over = now + STRATEGY.final_bake_time
    failing = judged(record, over, Health.HEALTHY, probes=(probe(), probe(ProbeOutcome.FAILED)))
    assert take(record, failing, over).effects == ()


@pytest.mark.parametrize("state", [RevisionState.FAILED, RevisionState.MISSING])
@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING])
def test_a_held_canary_that_stops_being_ready_is_rolled_back(phase: Phase, state: RevisionState) -> None:
    record, now = in_phase(phase)
    held = take(record, command(Verb.PAUSE, now), now).record
    dead = judged(held, now + MINUTE, canary_state=state, canary_message="out of memory", probes=())
    done = take(held, dead, now + MINUTE)
    assert done.record.rollout
    assert done.record.rollout.phase is Phase.ROLLED_BACK
    assert split(done.record, STRATEGY) == {"web-00001-aaa": 100}
    assert done.record.is_known_bad(record.active.release.digest if record.active else "")


def test_a_start_that_fails_under_a_pause_ends_the_rollout() -> None:
    record, now = in_phase(Phase.PREPARING)
    paused = take(record, command(Verb.PAUSE, now), now).record
    pending = judged(paused, now + MINUTE, canary_state=RevisionState.PENDING, probes=())
    assert take(paused, pending, now + MINUTE).effects == ()
    broken = judged(paused, now + MINUTE, canary_state=RevisionState.FAILED, canary_message="exit 1", probes=())
    done = take(paused, broken, now + MINUTE)
    assert done.record.rollout
    assert done.record.rollout.phase is Phase.FAILED
    assert "exit 1" in done.reason


def test_a_sick_canary_without_a_way_back_is_paged_again_and_again() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(record, judged(record, now + MINUTE, Health.INCONCLUSIVE, target=""), now + MINUTE).record
    later = now + MINUTE + STRATEGY.step_deadline
    again = take(held, judged(held, later, Health.UNHEALTHY, target=""), later)
    assert again.rule == "rollout.still_held"


@pytest.mark.parametrize("phase", [Phase.VERIFYING, Phase.PROGRESSING, Phase.BAKING])
def test_a_full_outbox_stops_a_good_release_and_pages_go_on_top(phase: Phase) -> None:
    record, now = in_phase(phase)
    full = replace(record, outbox=full_outbox(record))
    later = now + STRATEGY.final_bake_time
    stopped = take(full, judged(full, later, Health.HEALTHY), later).record
    assert stopped.rollout
    assert stopped.rollout.phase is phase
    assert split(stopped, STRATEGY) == split(record, STRATEGY)
    if phase is not Phase.VERIFYING:
        held = take(full, judged(full, later, Health.ERROR), later).record
        held_for(held, HoldCause.METRICS_OUTAGE)
        seen = judged(held, later + MINUTE, Health.INCONCLUSIVE)
        assert take(held, seen, later + MINUTE).effects == (), "no news that comes and goes with the metrics"


@pytest.mark.parametrize("target", ["", "web-00000-old"])
def test_a_canary_that_no_user_met_leaves_users_where_they_are_whatever_else_answers(target: str) -> None:
    record, now = in_phase(Phase.VERIFYING)
    late = now + STRATEGY.verify_deadline
    done = take(replace(record, target=target), judged(record, late, probes=(), target=target), late).record
    assert done.rollout
    assert (done.rollout.phase, done.stable, done.stable_release) == (
        Phase.ROLLED_BACK,
        record.stable,
        record.stable_release,
    )


def test_after_a_return_to_an_older_revision_the_release_it_passed_over_may_be_pushed_again() -> None:
    """Nobody recorded what the older one runs, and it is not that release, which stopped answering."""
    record, now = in_phase(Phase.PROGRESSING)
    passed_over, older = record.stable_release, "web-00000-old"
    assert passed_over
    record = replace(record, target=older)
    done = take(record, judged(record, now, Health.UNHEALTHY), now).record
    assert (done.stable, done.stable_release) == (older, None)
    unpinned = take(done, command(Verb.RELEASE_PIN, now), now).record
    later = now + MINUTE
    again = take(unpinned, request("a", later), later)
    assert again.record.active
    assert again.record.active.release.digest == passed_over.digest


@pytest.mark.parametrize(
    ("message", "probes", "said"),
    [
        ("", (), "Its revision is ready. Promote"),
        ("it starts slowly", (), "Its revision is ready. it starts slowly Promote"),
        ("it starts slowly", (probe(),), "Its revision is ready. Promote"),
    ],
)
def test_what_cloud_run_says_of_a_canary_is_told_where_nothing_else_is_known(
    message: str, probes: tuple[Probe, ...], said: str
) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    late = now + STRATEGY.step_deadline
    asked = take(record, judged(record, late, canary_message=message, probes=probes), late)
    assert said in asked.reason


def test_a_reading_of_another_revision_never_renames_the_canary() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert record.rollout
    kept = take(record, judged(record, now, canary="web-00009-new"), now).record
    assert kept.rollout
    assert kept.rollout.canary == record.rollout.canary


def test_a_release_that_is_paused_before_it_is_ready_is_asked_about_again() -> None:
    record, now = in_phase(Phase.PREPARING)
    paused = take(record, command(Verb.PAUSE, now), now).record
    late = now + STRATEGY.step_deadline
    told = take(paused, judged(paused, late, canary="", canary_state=RevisionState.PENDING), late).record.outbox[-1]
    assert (told.kind, told.severity) == ("rollout.still_held", Severity.PAGE)
