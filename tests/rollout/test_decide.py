"""Every phase and every rule of the rollout, one row each."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.decision import Publish, RequestDeploy, Start
from shared.rollout.names import HoldCause, Phase
from shared.rollout.observations import TrafficEdited, TrafficRestored
from shared.rollout.record import OUTBOX_MAX, Record
from shared.rollout.service import RevisionState, TrafficTarget
from shared.rollout.strategy import OnNewer
from shared.rollout.table import TRANSITIONS, Cause, after
from shared.rollout.traffic import split, targets
from tests.rollout.cases import (
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    in_phase,
    incident,
    judged,
    probe,
    request,
    take,
    verdict,
)

CANARY = "web-00002-bbb"
ACTIVE = [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING, Phase.BAKING]


def phase_of(record: Record) -> Phase:
    assert record.rollout
    return record.rollout.phase


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


# ------------------------------------------------------------------------------ rule 1: three answers, a deadline


def test_rule_1_missing_evidence_holds_at_the_deadline_and_pages() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    before = now + STRATEGY.step_deadline - MINUTE
    assert take(record, judged(record, before, Health.INCONCLUSIVE), before).effects == ()
    late = now + STRATEGY.step_deadline
    held = take(record, judged(record, late, Health.INCONCLUSIVE), late).record
    assert held.active
    assert held.active.hold
    assert held.active.hold.cause is HoldCause.DEADLINE
    assert held.outbox[-1].severity is Severity.PAGE
    assert split(held, STRATEGY) == split(record, STRATEGY)


def test_rule_1_a_held_rollout_pages_again_after_every_deadline() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    now += STRATEGY.step_deadline
    held = take(record, judged(record, now, Health.INCONCLUSIVE), now).record
    soon = now + MINUTE
    assert take(held, judged(held, soon, Health.INCONCLUSIVE), soon).effects == ()
    later = now + STRATEGY.step_deadline
    reminded = take(held, judged(held, later, Health.INCONCLUSIVE), later)
    assert reminded.rule == "rollout.still_held"
    assert reminded.record.outbox[-1].severity is Severity.PAGE


def test_rule_1_evidence_that_arrives_late_ends_the_hold() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    now += STRATEGY.step_deadline
    held = take(record, judged(record, now, Health.INCONCLUSIVE), now).record
    assert phase_of(take(held, judged(held, now + MINUTE, Health.HEALTHY), now + MINUTE).record) is Phase.PROGRESSING


def test_a_reading_without_a_verdict_moves_nothing() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert take(record, judged(record, now + MINUTE), now + MINUTE).effects == ()


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


# ------------------------------------------------------------------------------ rule 2: probes are not traffic


def test_rule_2_passing_probes_alone_bring_a_canary_no_further_than_its_first_share() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.step_bake_time
    nobody = verdict(Health.INCONCLUSIVE)._replace(canary_requests=0)
    assert take(record, judged(record, later, verdict=nobody, probes=(probe(), probe())), later).effects == ()


# ----------------------------------------------------------------------------------- rule 3: metrics outage


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING])
def test_rule_3_a_metrics_outage_holds_pages_and_ends_by_itself(phase: Phase) -> None:
    record, now = in_phase(phase)
    held = take(record, judged(record, now + MINUTE, Health.ERROR), now + MINUTE).record
    assert phase_of(held) is Phase.HELD
    assert held.outbox[-1].severity is Severity.PAGE
    assert split(held, STRATEGY) == split(record, STRATEGY)
    still = take(held, judged(held, now + 2 * MINUTE, Health.ERROR), now + 2 * MINUTE)
    assert still.effects == ()
    back = take(held, judged(held, now + 2 * MINUTE, Health.INCONCLUSIVE), now + 2 * MINUTE).record
    assert phase_of(back) is phase


# --------------------------------------------------------------------------------------------- rule 4: alerts


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING, Phase.PROMOTED])
def test_rule_4_a_young_open_incident_about_this_release_rolls_back_once(phase: Phase) -> None:
    record, now = in_phase(phase)
    fact = incident(now + MINUTE, revision=CANARY)
    done = take(record, fact, now + MINUTE)
    assert phase_of(done.record) is Phase.ROLLED_BACK
    assert done.record.stable == "web-00001-aaa"
    again = take(done.record, fact, now + 2 * MINUTE)
    assert (again.rule, again.effects) == ("duplicate", ())


@pytest.mark.parametrize(
    ("why", "changes"),
    [
        ("its policy does not", {"policy_rolls_back": False}),
        ("it is about", {"revision": "web-00001-aaa"}),
        ("before this release", {"at": NOW - MINUTE}),
        ("too old", {"at": None}),
    ],
)
def test_rule_4_an_incident_that_may_not_act_is_told_and_moves_nothing(why: str, changes: dict[str, object]) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.alert_age_max + 2 * MINUTE
    if changes.get("at", 0) is None:
        changes = {"at": now + MINUTE}
    fact = replace(incident(later), **changes)  # type: ignore[arg-type]
    decision = take(record, fact, later)
    assert decision.rule == "incident_noted"
    assert why in decision.reason
    assert split(decision.record, STRATEGY) == split(record, STRATEGY)


def test_rule_4_no_incident_acts_before_users_were_met_or_after_the_action_window() -> None:
    record, now = in_phase(Phase.PREPARING)
    assert take(record, incident(now + MINUTE), now + MINUTE).rule == "incident_noted"
    record, now = in_phase(Phase.PROMOTED)
    late = now + STRATEGY.action_window + MINUTE
    assert "too long ago" in take(record, incident(late), late).reason


def test_rule_4_a_closed_incident_makes_its_late_open_a_duplicate() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    closed = take(record, incident(now + MINUTE, open=False), now + MINUTE).record
    assert take(closed, incident(now + MINUTE), now + MINUTE).rule == "duplicate"
    assert take(closed, incident(now + MINUTE, open=False), now + MINUTE).rule == "duplicate"


def test_an_incident_that_closes_after_it_acted_is_told() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    acted = take(record, incident(now + MINUTE), now + MINUTE).record
    closed = take(acted, incident(now + 2 * MINUTE, open=False), now + 2 * MINUTE)
    assert closed.rule == "closed"
    assert len(set(closed.record.acted)) == len(closed.record.acted), "each message is remembered once"


# ------------------------------------------------------------------------------------- rule 5: shared outage


def test_rule_5_a_shared_outage_holds_and_ends_by_itself() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    sick = judged(record, now + MINUTE, verdict=verdict(Health.INCONCLUSIVE, shared_outage=True))
    held = take(record, sick, now + MINUTE).record
    assert held.active
    assert held.active.hold
    assert held.active.hold.cause is HoldCause.SHARED_OUTAGE
    still = judged(held, now + 2 * MINUTE, verdict=verdict(Health.INCONCLUSIVE, shared_outage=True))
    assert take(held, still, now + 2 * MINUTE).effects == ()
    well = judged(held, now + 2 * MINUTE, Health.INCONCLUSIVE)
    assert phase_of(take(held, well, now + 2 * MINUTE).record) is Phase.PROGRESSING


def test_harm_rolls_back_out_of_a_hold() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(record, command(Verb.PAUSE, now), now).record
    done = take(held, judged(held, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    assert phase_of(done) is Phase.ROLLED_BACK


# --------------------------------------------------------------------------------------- rule 6: the way back


def test_rule_6_the_verified_target_is_kept_in_the_record() -> None:
    record, now = in_phase(Phase.PROMOTED)
    moved = take(record, judged(record, now, target="web-00000-old"), now).record
    assert moved.target == "web-00000-old"
    done = take(moved, command(Verb.ROLLBACK, now), now).record
    assert done.stable == "web-00000-old"


def test_rule_6_without_a_good_revision_the_rollout_stops_and_pages_rather_than_bounce() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    lost = judged(record, now + MINUTE, Health.INCONCLUSIVE, target="")
    held = take(record, lost, now + MINUTE).record
    assert held.active
    assert held.active.hold
    assert held.active.hold.cause is HoldCause.NO_TARGET
    sick = judged(held, now + 2 * MINUTE, Health.UNHEALTHY, target="")
    assert take(held, sick, now + 2 * MINUTE).effects == ()
    found = judged(held, now + 3 * MINUTE, Health.INCONCLUSIVE, target="web-00001-aaa")
    assert phase_of(take(held, found, now + 3 * MINUTE).record) is Phase.PROGRESSING
    sick = judged(held, now + 3 * MINUTE, Health.UNHEALTHY, target="web-00001-aaa")
    assert phase_of(take(held, sick, now + 3 * MINUTE).record) is Phase.ROLLED_BACK


def test_rule_6_no_first_share_without_a_way_back() -> None:
    record, now = in_phase(Phase.PREPARING)
    held = take(record, judged(record, now + MINUTE, target=""), now + MINUTE).record
    assert phase_of(held) is Phase.HELD
    assert split(held, STRATEGY) == {"web-00001-aaa": 100}


def test_rule_6_a_rollback_without_any_good_revision_pages_and_moves_nothing() -> None:
    record, now = in_phase(Phase.PROMOTED)
    record = replace(record, target="")
    decision = take(record, incident(now + MINUTE), now + MINUTE)
    assert decision.rule == "rollback.impossible"
    assert split(decision.record, STRATEGY) == {CANARY: 100}
    record, now = in_phase(Phase.PROGRESSING)
    decision = take(replace(record, target=""), incident(now + MINUTE), now + MINUTE)
    assert phase_of(decision.record) is Phase.HELD
    again = take(decision.record, incident(now + MINUTE, "0.other"), now + MINUTE)
    assert (again.rule, again.reason) == ("no_target", "HighErrorRate opened: 5xx above 5 %")


def test_a_person_who_rolls_back_where_nothing_is_left_to_return_to_is_answered_every_time() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(replace(record, target=""), command(Verb.ROLLBACK, now), now)
    assert held.rule == "rollout.held"
    again = take(held.record, command(Verb.ROLLBACK, now, "r2"), now)
    assert again.rule == "refused"
    assert again.record.outbox[-1].text == (
        "rollback refused (amina: a reason.): no good revision is known to return to: a person must choose one."
    )
    assert phase_of(again.record) is Phase.HELD


# ---------------------------------------------------------------------- rule 7: pin, known bad, refused re-push


def test_rule_7_a_known_bad_digest_is_refused_on_every_re_push_and_told_once_each() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    bad = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    push = request("b", now + 2 * MINUTE)
    refused = take(bad, push, now + 2 * MINUTE)
    assert refused.rule == "known_bad"
    assert refused.record.outbox[-1].kind == "deploy.refused"
    assert take(refused.record, push, now + 3 * MINUTE).effects == ()
    assert take(refused.record, request("b", now + 4 * MINUTE), now + 4 * MINUTE).rule == "known_bad"


def test_rule_7_after_a_rollback_newer_releases_wait_until_the_pin_is_released() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    now += 2 * MINUTE
    waiting = take(pinned, request("c", now), now)
    assert waiting.rule == "waits"
    assert take(waiting.record, request("c", now), now).rule == "duplicate"
    assert take(waiting.record, judged(waiting.record, now), now).effects == ()
    released = take(waiting.record, command(Verb.RELEASE_PIN, now), now)
    asked = [effect for effect in released.effects if isinstance(effect, RequestDeploy)]
    assert [effect.request.release.digest for effect in asked] == [digest("c")]
    started = take(released.record, asked[0].request, now).record
    assert phase_of(started) is Phase.PREPARING
    assert started.waiting is None


def test_rule_7_a_released_pin_whose_request_was_lost_is_asked_again_by_the_next_tick() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    record = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    now += 2 * MINUTE
    record = take(record, request("c", now), now).record
    record = take(record, command(Verb.RELEASE_PIN, now), now).record
    decision = take(record, judged(record, now), now)
    assert any(isinstance(effect, RequestDeploy) for effect in decision.effects)


# ------------------------------------------------------------------------- rule 8: rollback outranks everything


@pytest.mark.parametrize("phase", [*ACTIVE, Phase.PROMOTED])
def test_rule_8_an_operators_rollback_is_legal_everywhere(phase: Phase) -> None:
    record, now = in_phase(phase)
    done = take(record, command(Verb.ROLLBACK, now), now).record
    assert phase_of(done) is Phase.ROLLED_BACK
    assert split(done, STRATEGY) == {"web-00001-aaa": 100}
    assert done.is_known_bad(digest("b"))


def test_rule_8_a_rollback_ignores_freeze_and_pause() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    record = take(record, command(Verb.FREEZE, now, "f"), now).record
    record = take(record, command(Verb.PAUSE, now, "p"), now).record
    assert phase_of(take(record, command(Verb.ROLLBACK, now), now).record) is Phase.ROLLED_BACK


@pytest.mark.parametrize("end", [Verb.ROLLBACK, Verb.ABORT])
def test_an_ended_rollout_cannot_be_rolled_back_or_aborted_again(end: Verb) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    ended = take(record, command(end, now), now).record
    assert take(ended, command(Verb.ROLLBACK, now, "r2"), now).rule == "refused"
    assert take(ended, command(Verb.ABORT, now, "r3"), now).rule == "refused"


def test_an_abort_returns_traffic_without_blame_or_pin() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    done = take(record, command(Verb.ABORT, now), now).record
    assert phase_of(done) is Phase.ABORTED
    assert (done.pin, done.is_known_bad(digest("b"))) == (None, None)
    assert split(done, STRATEGY) == {"web-00001-aaa": 100}


# ------------------------------------------------------------------------- rule 9: superseding, older, duplicate


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING])
def test_rule_9_a_newer_push_supersedes_the_canary(phase: Phase) -> None:
    record, now = in_phase(phase)
    decision = take(record, request("c", now), now)
    assert phase_of(decision.record) is Phase.PREPARING
    assert decision.record.rollout
    assert decision.record.rollout.release.digest == digest("c")
    assert [item.kind for item in decision.record.outbox[-2:]] == ["rollout.superseded", "rollout.started"]
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}


def test_rule_9_a_newer_push_queues_when_configured() -> None:
    strategy = replace(STRATEGY, on_newer=OnNewer.QUEUE)
    record, now = in_phase(Phase.PROGRESSING, strategy=strategy)
    assert take(record, request("c", now), now, strategy).rule == "waits"


def test_rule_9_a_newer_push_waits_for_a_baking_or_paused_release() -> None:
    record, now = in_phase(Phase.BAKING)
    assert take(record, request("c", now), now).rule == "waits"
    record, now = in_phase(Phase.PROGRESSING)
    paused = take(record, command(Verb.PAUSE, now), now).record
    assert take(paused, request("c", now), now).rule == "waits"


def test_rule_9_an_older_push_never_undoes_a_newer_one() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert take(record, request("c", NOW - MINUTE), now).rule == "stale"


def test_the_same_push_again_is_a_duplicate_while_it_runs_and_after() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert take(record, request("b"), now).rule == "duplicate"
    record, now = in_phase(Phase.PROMOTED)
    assert take(record, request("b"), now).rule == "duplicate"
    assert take(record, request("b", now + MINUTE), now + MINUTE).rule == "already_stable"


def test_a_failed_release_may_be_pushed_again_later() -> None:
    record, now = in_phase(Phase.PREPARING)
    fact = judged(record, now + MINUTE, canary_state=RevisionState.FAILED, probes=())
    failed = take(record, fact, now + MINUTE).record
    assert take(failed, request("b", NOW), now + 2 * MINUTE).rule == "duplicate"
    assert take(failed, request("b", now + MINUTE), now + 2 * MINUTE).rule == "duplicate", "as old as its end"
    assert take(failed, request("b", now + 2 * MINUTE), now + 2 * MINUTE).rule == "start"


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


# ----------------------------------------------------------------------------------- rule 10: first deployment

PLACEHOLDER = Record(service="web", stable="web-00001-hello", placeholder=True)


def test_rule_10_a_first_deployment_has_no_canary_only_probes() -> None:
    record = take(PLACEHOLDER, request(), NOW).record
    assert "first deployment" in record.outbox[-1].text
    assert split(record, STRATEGY) == {"web-00001-hello": 100}
    record = take(record, judged(record, NOW + MINUTE), NOW + MINUTE).record
    assert split(record, STRATEGY) == {CANARY: 100}
    later = NOW + MINUTE + STRATEGY.final_bake_time
    record = take(record, judged(record, later, Health.HEALTHY), later).record
    assert (phase_of(record), record.stable, record.placeholder) == (Phase.PROMOTED, CANARY, False)


def test_rule_10_a_sick_first_deployment_has_nowhere_to_go_and_pages() -> None:
    record = take(PLACEHOLDER, request(), NOW).record
    record = take(record, judged(record, NOW + MINUTE), NOW + MINUTE).record
    later = NOW + 2 * MINUTE
    record = take(record, judged(record, later, Health.UNHEALTHY), later).record
    assert record.active
    assert record.active.hold
    assert record.active.hold.cause is HoldCause.NO_TARGET


# --------------------------------------------------------------------------------------- rules 11, 12: traffic


def test_rule_11_session_affinity_is_warned_about() -> None:
    decision = take(STABLE, replace(request(), session_affinity=True), NOW)
    assert "Session affinity" in decision.reason
    assert decision.record.outbox[-1].severity is Severity.WARNING


def test_rule_12_foreign_tags_survive_every_change() -> None:
    record, _ = in_phase(Phase.PROGRESSING)
    current = (TrafficTarget(revision="web-00000-old", tag="demo"), TrafficTarget(revision=CANARY, tag="canary"))
    rows = targets(record, STRATEGY, current)
    assert TrafficTarget(revision="web-00000-old", tag="demo") in rows
    assert sum(row.percent for row in rows) == 100
    assert [row for row in rows if row.tag == "canary"] == [TrafficTarget(revision=CANARY, tag="canary")]


# ----------------------------------------------------------------------- rules 14, 15: sockets, and leaving us


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.PROMOTED])
def test_rule_14_the_revision_that_lost_its_traffic_is_kept_while_sockets_are_open_on_it(phase: Phase) -> None:
    """A socket lasts up to an hour on the revision it was opened on; a tag keeps that one from being retired."""
    record, _ = in_phase(phase)
    rows = targets(record, STRATEGY, ())
    assert {row.revision: row.percent for row in rows if row.percent} == {CANARY: 100}
    assert "web-00001-aaa" in {row.revision for row in rows if row.tag}


@pytest.mark.parametrize("phase", [*ACTIVE, Phase.PROMOTED])
def test_rule_15_what_is_written_serves_without_us(phase: Phase) -> None:
    """Percents by name that sum to 100: users stay where they are when we are removed in the middle."""
    record, _ = in_phase(phase)
    serving = [row for row in targets(record, STRATEGY, (TrafficTarget(revision=None, percent=100),)) if row.percent]
    assert sum(row.percent for row in serving) == 100
    assert all(row.revision for row in serving)


# --------------------------------------------------------------------------------------------- rule 13: freezes


def test_rule_13_a_freeze_stops_starts_and_steps_and_ends_by_itself() -> None:
    frozen = take(STABLE, command(Verb.FREEZE), NOW).record
    assert take(frozen, request(), NOW).rule == "waits"
    assert take(STABLE, replace(request(), frozen="the night"), NOW).rule == "waits"
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.step_bake_time
    held = take(record, judged(record, later, Health.HEALTHY, frozen="the night"), later).record
    assert phase_of(held) is Phase.HELD
    still = judged(held, later + MINUTE, Health.HEALTHY, frozen="the night")
    assert take(held, still, later + MINUTE).effects == ()
    thawed = take(held, judged(held, later + MINUTE, Health.HEALTHY), later + MINUTE).record
    assert phase_of(thawed) is Phase.PROGRESSING


def test_rule_13_a_frozen_canary_gets_no_first_share() -> None:
    record, now = in_phase(Phase.PREPARING)
    held = take(record, judged(record, now + MINUTE, frozen="the night"), now + MINUTE).record
    assert phase_of(held) is Phase.HELD
    assert split(held, STRATEGY) == {"web-00001-aaa": 100}


def test_rule_13_unfreezing_lets_a_waiting_release_go() -> None:
    record = take(STABLE, command(Verb.FREEZE), NOW).record
    record = take(record, request(), NOW).record
    assert take(record, command(Verb.PROMOTE, NOW, "r2"), NOW).rule == "refused"
    record = take(record, command(Verb.UNFREEZE, NOW, "r3"), NOW).record
    decision = take(record, judged(record, NOW), NOW)
    assert decision.rule == "released"
    assert take(record, command(Verb.UNFREEZE, NOW, "r4"), NOW).rule == "refused"


# -------------------------------------------------------------------------------- traffic edited by a person


EDITED = (TrafficTarget(revision="web-00001-aaa", percent=70), TrafficTarget(revision=CANARY, percent=30))


def edit(record: Record, minutes: int = 1) -> Record:
    at = NOW + minutes * MINUTE
    return take(record, TrafficEdited(service="web", at=at, traffic=EDITED), at).record


def test_traffic_edited_by_hand_is_told_once_and_left_alone() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited = edit(record)
    assert edited.outbox[-1].severity is Severity.PAGE
    assert take(edited, TrafficEdited(service="web", at=now, traffic=EDITED), now).effects == ()
    assert targets(edited, STRATEGY, EDITED) == EDITED
    assert take(edited, judged(edited, now + MINUTE, Health.UNHEALTHY), now + MINUTE).rule == "traffic_edited"
    assert "person" in take(edited, incident(now + MINUTE), now + MINUTE).reason
    assert take(edited, request("c", now), now).rule == "waits"
    assert take(edited, command(Verb.PROMOTE, now), now).rule == "refused"


def test_traffic_put_back_by_hand_lets_the_rollout_go_on() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    restored = take(edit(record), TrafficRestored(service="web", at=now), now).record
    assert restored.edited == ""
    assert take(restored, TrafficRestored(service="web", at=now), now).effects == ()


def test_a_person_may_resume_or_roll_back_from_a_hand_made_split() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited = edit(record)
    resumed = take(edited, command(Verb.RESUME, now), now).record
    assert (resumed.edited, phase_of(resumed)) == ("", Phase.PROGRESSING)
    rolled_back = take(edited, command(Verb.ROLLBACK, now), now).record
    assert (rolled_back.edited, phase_of(rolled_back)) == ("", Phase.ROLLED_BACK)
    at_rest = take(edit(STABLE), command(Verb.ROLLBACK, now), now)
    assert (at_rest.rule, at_rest.record.edited) == ("traffic.restored", "")


def test_an_order_from_before_a_hand_made_split_does_not_undo_it() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    edited, late = edit(record, minutes=9), NOW + 10 * MINUTE
    taken_back = take(edited, command(Verb.ROLLBACK, now), late).record
    assert (phase_of(taken_back), taken_back.edited) == (Phase.ROLLED_BACK, edited.edited)
    assert taken_back.pin
    assert "stays as it is" in taken_back.outbox[-1].text
    assert targets(taken_back, STRATEGY, EDITED) == EDITED
    aborted = take(edited, command(Verb.ABORT, now), late).record
    assert (phase_of(aborted), aborted.edited) == (Phase.ABORTED, edited.edited)
    for before, verb in ((edited, Verb.RESUME), (edit(STABLE, minutes=9), Verb.ROLLBACK)):
        answered = take(before, command(verb, now), late)
        assert (answered.rule, answered.record.edited) == ("refused", before.edited)
        assert "moved by hand after it was sent" in answered.reason
    just = take(edited, command(Verb.ROLLBACK, NOW + 6 * MINUTE), late).record
    assert just.edited == "", "three minutes before it was found is as good as then"
    at_once = take(edited, command(Verb.ROLLBACK, NOW + 8 * MINUTE), late).record
    assert at_once.edited == "", "it may have been sent because of what was seen"


# ------------------------------------------------------------------------------------ config-only revisions


APPEARED: dict[str, Any] = {"appeared": "web-00004-cfg", "appeared_image": f"{IMAGE}@{digest('a')}"}


def appear(record: Record, minutes: int = 1, letter: str = "a", name: str = "web-00003-cfg") -> object:
    return judged(record, NOW + minutes * MINUTE, appeared=name, appeared_image=f"{IMAGE}@{digest(letter)}")


def test_a_changed_variable_goes_through_a_rollout_like_code() -> None:
    decision = take(STABLE, appear(STABLE), NOW + MINUTE)
    assert decision.rule == "revision_appeared"
    assert decision.record.active
    assert decision.record.active.canary == "web-00003-cfg"
    assert split(decision.record, STRATEGY) == {"web-00001-aaa": 100}
    push = request("c", NOW)
    assert take(decision.record, push, NOW + 2 * MINUTE).rule == "start"


def test_a_bad_configuration_is_remembered_by_revision_not_by_the_good_digest() -> None:
    record = take(STABLE, appear(STABLE), NOW + MINUTE).record
    at = NOW + 2 * MINUTE
    record = take(record, judged(record, at, canary="web-00003-cfg"), at).record
    record = take(record, judged(record, at + MINUTE, Health.UNHEALTHY), at + MINUTE).record
    assert record.is_known_bad("", "web-00003-cfg")
    assert not record.is_known_bad(digest("a"))
    assert record.knows("web-00003-cfg")


def test_a_new_revision_supersedes_a_canary_but_not_a_bake() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    fact = judged(record, now + MINUTE, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    superseding = take(record, fact, now + MINUTE).record
    assert superseding.active
    assert superseding.active.canary == "web-00003-cfg"
    record, now = in_phase(Phase.BAKING)
    fact = judged(record, now + MINUTE, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    assert take(record, fact, now + MINUTE).effects == ()


def test_a_revision_with_a_known_bad_image_is_refused_for_good() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, command(Verb.ROLLBACK, now), now).record
    fact = judged(pinned, now, appeared="web-00004-cfg", appeared_image=f"{IMAGE}@{digest('b')}")
    refused = take(pinned, fact, now)
    assert refused.rule == "revision_refused"
    assert refused.record.refuses("web-00004-cfg")


@pytest.mark.parametrize(
    ("stopping", "starting"),
    [(Verb.FREEZE, Verb.UNFREEZE), (Verb.PAUSE, Verb.RESUME), (Verb.ROLLBACK, Verb.RELEASE_PIN)],
)
def test_a_revision_that_appears_while_nothing_may_start_waits_and_starts_then(stopping: Verb, starting: Verb) -> None:
    record, now = (STABLE, NOW) if stopping is Verb.FREEZE else in_phase(Phase.PROGRESSING)
    stopped = take(record, command(stopping, now, "stop"), now).record
    now += MINUTE

    waits = take(stopped, judged(stopped, now, **APPEARED), now)
    assert (waits.rule, waits.record.rollout) == ("revision_waits", stopped.rollout)
    assert waits.record.outbox[-1].kind == "revision.waiting"
    assert not waits.record.refuses("web-00004-cfg")
    again = take(waits.record, judged(waits.record, now + MINUTE, **APPEARED), now + MINUTE)
    assert (again.rule, again.write) == ("waits" if stopping is Verb.PAUSE else "duplicate", None), "told once"
    allowed = take(waits.record, command(starting, now + 2 * MINUTE, "go"), now + 2 * MINUTE).record
    now += 3 * MINUTE
    started = take(allowed, judged(allowed, now, **APPEARED), now).record
    assert started.active
    assert started.active.canary == "web-00004-cfg"


def test_a_revision_that_appears_while_the_environment_is_frozen_waits() -> None:
    reading = judged(STABLE, NOW, frozen="the night", appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('a')}")
    assert take(STABLE, reading, NOW).rule == "revision_waits"


def test_a_known_revision_or_one_without_a_digest_needs_no_rollout() -> None:
    assert take(STABLE, appear(STABLE, name="web-00001-aaa"), NOW + MINUTE).effects == ()
    fact = judged(STABLE, NOW, appeared="web-00009-tag", appeared_image=f"{IMAGE}:latest")
    assert take(STABLE, fact, NOW).effects == ()


# ---------------------------------------------------------------------------------------------- commands


def test_every_command_acts_once_and_an_overtaken_one_not_at_all() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    paused = take(record, command(Verb.PAUSE, now, "p"), now).record
    assert take(paused, command(Verb.PAUSE, now, "p"), now).rule == "duplicate"
    assert take(paused, command(Verb.PAUSE, now, "p2"), now).rule == "refused"
    assert take(paused, command(Verb.RESUME, now - MINUTE / 2, "old"), now).rule == "stale"
    resumed = take(paused, command(Verb.RESUME, now, "r"), now).record
    assert phase_of(resumed) is Phase.PROGRESSING
    assert take(resumed, command(Verb.ROLLBACK, NOW - MINUTE, "older"), now).rule == "stale"


def test_a_pause_takes_over_another_hold_and_keeps_its_phase() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    held = take(record, judged(record, now + MINUTE, Health.ERROR), now + MINUTE).record
    paused = take(held, command(Verb.PAUSE, now + MINUTE), now + MINUTE).record
    assert paused.active
    assert paused.active.hold
    assert (paused.active.hold.cause, paused.active.hold.phase) == (HoldCause.PAUSED, Phase.PROGRESSING)
    seen = judged(paused, now + 2 * MINUTE, Health.HEALTHY)
    assert take(paused, seen, now + 2 * MINUTE).effects == ()


def test_promote_goes_to_100_percent_first_and_ends_the_bake_the_second_time() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    baking = take(record, command(Verb.PROMOTE, now, "p1"), now).record
    assert split(baking, STRATEGY) == {CANARY: 100}
    assert phase_of(take(baking, command(Verb.PROMOTE, now, "p2"), now).record) is Phase.PROMOTED


@pytest.mark.parametrize("verb", [Verb.PAUSE, Verb.RESUME, Verb.PROMOTE, Verb.ABORT, Verb.ROLLBACK, Verb.RELEASE_PIN])
def test_a_command_without_its_object_is_answered_and_moves_nothing(verb: Verb) -> None:
    decision = take(STABLE, command(verb), NOW)
    assert decision.rule == "refused"
    assert decision.record.outbox[-1].kind == "command.refused"
    assert split(decision.record, STRATEGY) == split(STABLE, STRATEGY)


@pytest.mark.parametrize(
    ("typed", "told"), [("it lags ", "it lags."), ("it lags.", "it lags."), ("why not?", "why not?")]
)
def test_a_persons_reason_is_told_as_a_sentence(typed: str, told: str) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    rolled_back = take(record, replace(command(Verb.ROLLBACK, now), why=typed), now).record
    assert rolled_back.outbox[-1].text.startswith(f"amina rolled back: {told} All traffic is on")


def test_promote_is_refused_before_users_were_met() -> None:
    record, now = in_phase(Phase.VERIFYING)
    assert take(record, command(Verb.PROMOTE, now), now).rule == "refused"


def test_releasing_a_pin_with_nothing_waiting_only_releases_it() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    pinned = take(record, command(Verb.ROLLBACK, now, "r1"), now).record
    released = take(pinned, command(Verb.RELEASE_PIN, now, "r2"), now)
    assert released.record.pin is None
    assert not any(isinstance(effect, RequestDeploy) for effect in released.effects)


def test_resume_does_not_lift_a_freeze() -> None:
    record, now = in_phase(Phase.PREPARING)
    held = take(record, judged(record, now + MINUTE, frozen="the night"), now + MINUTE).record
    assert take(held, command(Verb.RESUME, now + MINUTE), now + MINUTE).rule == "refused"


# -------------------------------------------------------------------------------------------- the outbox


def test_an_announcement_stays_until_the_ledger_has_it_and_is_told_again_after_its_grace() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    strategy = replace(STRATEGY, announce_grace=MINUTE)
    late = now + 2 * MINUTE
    again = take(record, judged(record, late), late, strategy)
    assert [effect for effect in again.effects if isinstance(effect, Publish)] == [
        Publish(announcement=item) for item in record.outbox
    ]
    assert again.write is None
    keys = tuple(item.key for item in record.outbox)
    heard = take(record, judged(record, late, announced=keys), late, strategy).record
    assert heard.outbox == ()


def test_what_nobody_heard_is_told_again_while_a_revision_that_appeared_waits_for_that() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    full = replace(STABLE, outbox=tuple(replace(record.outbox[0], key=f"web/{n}") for n in range(OUTBOX_MAX)))
    late = now + 2 * MINUTE
    fact = judged(full, late, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('a')}")
    decision = take(full, fact, late, replace(STRATEGY, announce_grace=MINUTE))
    assert decision.rule == "waits"
    assert decision.effects == tuple(Publish(announcement=item) for item in full.outbox)


def test_a_full_outbox_stops_everything_but_a_rollback() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    full = replace(record, outbox=tuple(replace(record.outbox[0], key=f"web/{n}") for n in range(OUTBOX_MAX)))
    later = now + STRATEGY.step_bake_time
    assert split(take(full, judged(full, later, Health.HEALTHY), later).record, STRATEGY) == split(full, STRATEGY)
    assert phase_of(take(full, judged(full, later, Health.UNHEALTHY), later).record) is Phase.ROLLED_BACK
    resting = replace(STABLE, outbox=full.outbox)
    assert take(resting, request(), NOW).rule == "waits"


# --------------------------------------------------------------------------------------------- the table


def test_terminal_phases_are_left_only_by_taking_a_promotion_back() -> None:
    for phase in (Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED):
        assert TRANSITIONS[phase] == {}
    assert set(TRANSITIONS[Phase.PROMOTED]) == {Cause.ALERT, Cause.ROLLBACK_COMMAND}


@pytest.mark.parametrize("phase", [*ACTIVE, Phase.HELD, Phase.PROMOTED])
def test_a_persons_rollback_is_in_every_row_that_can_have_users(phase: Phase) -> None:
    assert after(phase, Cause.ROLLBACK_COMMAND) is Phase.ROLLED_BACK
