"""A release that wants in: newer, older or the same again, known bad, or behind a pin."""

from dataclasses import replace

import pytest

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.decision import RequestDeploy
from shared.rollout.names import Phase
from shared.rollout.service import RevisionState
from shared.rollout.strategy import OnNewer
from shared.rollout.traffic import split
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    in_phase,
    judged,
    phase_of,
    request,
    take,
)

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


# --------------------------------------------------------------------------------------------- rule 11: sessions


def test_rule_11_session_affinity_is_warned_about() -> None:
    decision = take(STABLE, replace(request(), session_affinity=True), NOW)
    assert "Session affinity" in decision.reason
    assert decision.record.outbox[-1].severity is Severity.WARNING
