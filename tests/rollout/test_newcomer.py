"""Revisions that nobody announced, beside whatever else happens in the same reading."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.decision import RequestDeploy
from shared.rollout.facts import Gate
from shared.rollout.names import Phase
from shared.rollout.record import KnownBad
from shared.rollout.service import RevisionState
from shared.rollout.strategy import OnNewer
from tests.rollout.cases import (
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    digest,
    full_outbox,
    in_phase,
    judged,
    phase_of,
    request,
    take,
)

QUEUE = replace(STRATEGY, on_newer=OnNewer.QUEUE)
SECOND = timedelta(seconds=1)
APPEARED: dict[str, Any] = {"appeared": "web-00007-cfg", "appeared_image": f"{IMAGE}@{digest('a')}"}


def test_a_canary_proved_bad_is_blamed_although_a_revision_appears_in_the_same_reading() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    done = take(record, judged(record, now + MINUTE, Health.UNHEALTHY, **APPEARED), now + MINUTE).record
    assert phase_of(done) is Phase.ROLLED_BACK
    assert done.pin
    assert done.is_known_bad(digest("b"))


@pytest.mark.parametrize("state", [RevisionState.FAILED, RevisionState.MISSING])
def test_a_canary_that_is_gone_is_blamed_although_a_revision_appears_in_the_same_reading(state: RevisionState) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    done = take(record, judged(record, now + MINUTE, canary_state=state, **APPEARED), now + MINUTE).record
    assert phase_of(done) is Phase.ROLLED_BACK


def test_rule_9_a_revision_that_appears_queues_when_configured_and_the_canary_goes_on() -> None:
    record, now = in_phase(Phase.PROGRESSING, strategy=QUEUE)
    later = now + QUEUE.step_bake_time
    moved = take(record, judged(record, later, Health.HEALTHY, **APPEARED), later, QUEUE).record
    assert moved.active
    assert (moved.active.canary, moved.active.step) == ("web-00002-bbb", 1)
    resting, now = in_phase(Phase.PROMOTED, strategy=QUEUE)
    started = take(resting, judged(resting, now + MINUTE, **APPEARED), now + MINUTE, QUEUE).record
    assert started.active
    assert started.active.canary == "web-00007-cfg"


def test_rule_11_session_affinity_is_warned_about_for_a_revision_that_appears() -> None:
    decision = take(STABLE, judged(STABLE, NOW + MINUTE, session_affinity=True, **APPEARED), NOW + MINUTE)
    assert "Session affinity" in decision.reason
    assert decision.record.outbox[-1].severity is Severity.WARNING
    assert "Session affinity" not in take(STABLE, judged(STABLE, NOW + MINUTE, **APPEARED), NOW + MINUTE).reason


def test_a_revision_without_a_digest_does_not_stop_the_canary() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    later = now + STRATEGY.step_bake_time
    tagged = {"appeared": "web-00007-tag", "appeared_image": f"{IMAGE}:latest"}
    moved = take(record, judged(record, later, Health.HEALTHY, **tagged), later).record
    assert moved.active
    assert moved.active.step == 1


def test_a_release_that_waits_goes_on_waiting_behind_a_revision_that_appears() -> None:
    record = take(STABLE, replace(request(tag="v2-expand"), gate=Gate(waits="no export is young enough.")), NOW).record
    assert record.waiting
    reading = judged(record, NOW + MINUTE, gated="no export is young enough.", **APPEARED)
    started = take(record, reading, NOW + MINUTE).record
    assert started.active
    assert started.active.canary == "web-00007-cfg"
    assert started.waiting == record.waiting


def test_a_hold_ends_with_its_cause_although_a_revision_that_appeared_waits_for_that() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    now += MINUTE
    held = take(record, judged(record, now, Health.ERROR), now).record
    now += MINUTE
    waits = take(held, judged(held, now, Health.ERROR, **APPEARED), now)
    assert (waits.rule, waits.record.rollout) == ("revision_waits", held.rollout)
    late = now + STRATEGY.step_deadline
    asked = take(waits.record, judged(waits.record, late, Health.ERROR, **APPEARED), late)
    assert asked.rule == "rollout.still_held"
    now += MINUTE
    goes_on = take(waits.record, judged(waits.record, now, Health.INCONCLUSIVE, **APPEARED), now).record
    assert goes_on.active
    assert (goes_on.active.canary, goes_on.active.phase) == ("web-00002-bbb", Phase.PROGRESSING)
    now += MINUTE
    superseding = take(goes_on, judged(goes_on, now, Health.INCONCLUSIVE, **APPEARED), now).record
    assert superseding.active
    assert superseding.active.canary == "web-00007-cfg"


def test_what_ends_a_hold_and_shows_a_revision_does_both_at_once_and_nothing_when_it_comes_again() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    now += MINUTE
    held = take(record, judged(record, now, Health.ERROR), now).record
    now += MINUTE
    reading = judged(held, now, Health.INCONCLUSIVE, **APPEARED)
    now += SECOND
    goes_on = take(held, reading, now)
    assert goes_on.rule == "rollout.resumed"
    assert [item.kind for item in goes_on.record.outbox[-2:]] == ["revision.waiting", "rollout.resumed"]
    assert take(goes_on.record, reading, now).record == goes_on.record


def test_a_revision_that_is_refused_does_not_stop_the_canary_and_the_reading_twice_is_as_once() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    bad = KnownBad(digest=digest("a"), revision="web-00005-aaa", at=NOW, reason="It failed.")
    record, later = replace(record, known_bad=(bad,)), now + STRATEGY.step_bake_time
    reading = judged(record, later, Health.HEALTHY, **APPEARED)
    later += SECOND
    moved = take(record, reading, later).record
    assert moved.active
    assert moved.active.step == 1
    assert moved.refuses("web-00007-cfg")
    assert [item.kind for item in moved.outbox[-2:]] == ["revision.refused", "rollout.advanced"]
    assert take(moved, reading, later).record == moved


def test_a_revision_is_refused_once_beside_no_canary_too() -> None:
    bad = KnownBad(digest=digest("a"), revision="web-00005-aaa", at=NOW, reason="It failed.")
    record, now = replace(STABLE, known_bad=(bad,)), NOW + MINUTE
    reading = judged(record, now, **APPEARED)
    refused = take(record, reading, now)
    assert refused.rule == "revision_refused"
    again = take(refused.record, reading, now)
    assert (again.rule, again.record) == ("duplicate", refused.record)


def test_a_revision_waits_while_the_outbox_is_full() -> None:
    pinned = take(STABLE, command(Verb.FREEZE), NOW).record
    full = replace(STABLE, outbox=full_outbox(pinned))
    decision = take(full, judged(full, NOW + MINUTE, **APPEARED), NOW + MINUTE)
    assert (decision.rule, decision.record.active) == ("waits", None)


# ------------------------------------------------------------------------------------------ who waits in vain


def test_a_waiting_release_that_users_have_already_is_not_asked_for_again() -> None:
    record, now = in_phase(Phase.BAKING)
    record = take(record, request("a", now + MINUTE), now + MINUTE).record
    assert record.waiting, "while b bakes, a push of a could still be what comes next"
    record = take(record, command(Verb.ABORT, now + 2 * MINUTE), now + 2 * MINUTE).record
    now += 3 * MINUTE
    decision = take(record, judged(record, now), now)
    (asked,) = [effect for effect in decision.effects if isinstance(effect, RequestDeploy)]
    settled = take(decision.record, asked.request, now)
    assert settled.rule == "already_stable"
    assert settled.record.waiting is None
    later = now + MINUTE
    assert take(settled.record, judged(settled.record, later), later).effects == ()


def test_a_push_that_was_overtaken_leaves_the_waiting_one_alone() -> None:
    frozen = take(STABLE, command(Verb.FREEZE), NOW).record
    record = take(frozen, request("c", NOW + MINUTE), NOW + MINUTE).record
    assert take(record, request("b", NOW), NOW + MINUTE).rule == "stale"
    assert take(record, request("b", NOW), NOW + MINUTE).record.waiting == record.waiting


def test_a_waiting_release_that_is_known_bad_is_not_asked_for_again() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    record = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    again = request("b", now + 2 * MINUTE)
    waits = replace(record, pin=None, waiting=again.release)  # as an older record may have it
    refused = take(waits, again, now + 2 * MINUTE)
    assert (refused.rule, refused.record.waiting) == ("known_bad", None)
    told = take(replace(refused.record, waiting=again.release), again, now + 3 * MINUTE)
    assert (told.rule, told.record.waiting) == ("duplicate", None)


def test_a_request_that_comes_again_after_a_revision_that_appeared_starts_nothing() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert record.rollout
    asked = replace(request(), release=record.rollout.release)
    now += MINUTE
    superseding = take(record, judged(record, now, Health.INCONCLUSIVE, **APPEARED), now).record
    again = take(superseding, asked, now + MINUTE)
    assert (again.rule, again.record) == ("duplicate", superseding)
