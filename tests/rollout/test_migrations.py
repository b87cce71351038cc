"""A release that migrates waits for a backup; one that earlier releases cannot follow is never taken back."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.analysis.verdict import Health
from shared.rollout import codec
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.decision import RequestDeploy
from shared.rollout.facts import Gate
from shared.rollout.names import HoldCause, Migration, Phase
from shared.rollout.record import Record
from shared.rollout.restoration import restore
from shared.rollout.traffic import split
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    in_phase,
    incident,
    judged,
    release,
    request,
    take,
)

CANARY = "web-00002-bbb"
CONTRACT = "v7-contract"
UNSAVED = "its tag declares a migration, and there is no verified export."


@pytest.mark.parametrize(
    ("tag", "migration"),
    [
        ("", Migration.NONE),
        ("v7", Migration.NONE),
        ("expand", Migration.EXPAND),
        ("production-20261124-v7-expand", Migration.EXPAND),
        (CONTRACT, Migration.CONTRACT),
        ("v7-contracts", Migration.NONE),
        ("contract-v7", Migration.NONE),
    ],
)
def test_the_end_of_a_tag_declares_a_migration(tag: str, migration: Migration) -> None:
    assert release(tag=tag).migration is migration


def test_what_is_declared_survives_in_the_record() -> None:
    record = take(STABLE, request(tag=CONTRACT), NOW).record
    assert codec.decode(codec.encode(record)) == record
    assert record.rollout
    assert record.rollout.release.migration is Migration.CONTRACT


def test_without_a_backup_a_release_that_migrates_waits_and_starts_when_there_is_one() -> None:
    waits = take(STABLE, replace(request(tag=CONTRACT), gate=Gate(waits=UNSAVED)), NOW)
    assert (waits.rule, waits.reason) == ("waits", f"bbbbbbb waits: {UNSAVED}")
    assert waits.record.waiting == release(tag=CONTRACT)
    assert waits.record.rollout is None
    assert [item.kind for item in waits.record.outbox] == ["deploy.waiting"]
    still = take(waits.record, judged(waits.record, NOW + MINUTE, gated=UNSAVED), NOW + MINUTE)
    assert still.rule == "at_rest"
    assert not any(isinstance(effect, RequestDeploy) for effect in still.effects)
    saved = take(waits.record, judged(waits.record, NOW + MINUTE), NOW + MINUTE)
    assert saved.rule == "released"
    (asked,) = [effect for effect in saved.effects if isinstance(effect, RequestDeploy)]
    started = take(saved.record, asked.request, NOW + MINUTE).record
    assert started.rollout
    assert started.rollout.phase is Phase.PREPARING


@pytest.mark.parametrize("phase", [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING])
@pytest.mark.parametrize("tag", [CONTRACT, "v7-expand"])
def test_while_stable_serves_users_on_the_same_database_every_release_goes_back(phase: Phase, tag: str) -> None:
    record, now = in_phase(phase, tag=tag)
    back = take(record, command(Verb.ROLLBACK, now), now).record
    assert back.rollout
    assert back.rollout.phase is Phase.ROLLED_BACK
    assert split(back, STRATEGY) == {"web-00001-aaa": 100}


@pytest.mark.parametrize("phase", [Phase.BAKING, Phase.PROMOTED])
def test_a_release_that_only_adds_goes_back_from_everywhere(phase: Phase) -> None:
    record, now = in_phase(phase, tag="v7-expand")
    assert split(take(record, incident(now), now).record, STRATEGY) == {"web-00001-aaa": 100}


def _held(record: Record) -> None:
    assert record.active
    assert record.active.hold
    assert record.active.hold.cause is HoldCause.MIGRATION
    assert split(record, STRATEGY) == {CANARY: 100}
    told = record.outbox[-1]
    assert (told.kind, told.severity) == ("rollout.held", Severity.PAGE)
    assert "Roll forward" in told.text
    assert "restore the database" in told.text


def test_at_100_percent_nothing_takes_back_what_earlier_releases_cannot_follow() -> None:
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    _held(take(record, incident(now), now).record)
    _held(take(record, command(Verb.ROLLBACK, now), now).record)
    sick = take(record, judged(record, now + MINUTE, Health.UNHEALTHY), now + MINUTE).record
    _held(sick)
    assert take(sick, judged(sick, now + 2 * MINUTE, Health.UNHEALTHY), now + 2 * MINUTE).effects == ()
    well = judged(sick, now + 3 * MINUTE, Health.HEALTHY)
    assert take(sick, well, now + 3 * MINUTE).effects == (), "only a person knows whether it may stay"


def test_without_a_way_back_it_bakes_on_and_is_promoted() -> None:
    """Nobody looks for a target any more: that there is none must not hold it."""
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    assert record.return_candidates() == ()
    record = take(record, judged(record, now + MINUTE, Health.HEALTHY, target=""), now + MINUTE).record
    later = now + STRATEGY.final_bake_time
    promoted = take(record, judged(record, later, Health.HEALTHY, target=""), later).record
    assert promoted.rollout
    assert promoted.rollout.phase is Phase.PROMOTED


def test_a_held_migration_is_told_again_until_a_person_acts() -> None:
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    held = take(record, incident(now), now).record
    later = now + STRATEGY.step_deadline
    again = take(held, judged(held, later, Health.UNHEALTHY), later)
    assert again.rule == "rollout.still_held"


@pytest.mark.parametrize("verb", [Verb.ROLLBACK, Verb.ABORT])
def test_a_command_that_cannot_be_followed_is_answered_with_what_can_be_done(verb: Verb) -> None:
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    held = take(record, incident(now), now).record
    refused = take(held, command(verb, now), now)
    assert refused.rule == "refused"
    assert "promote this one, and a fixed release starts when it is pushed" in refused.reason
    assert split(refused.record, STRATEGY) == {CANARY: 100}


def test_rolling_forward_is_a_push_and_a_promotion() -> None:
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    held = take(record, incident(now), now).record
    waits = take(held, request("f", now), now).record
    assert waits.waiting
    promoted = take(waits, command(Verb.PROMOTE, now), now).record
    assert promoted.rollout
    assert promoted.rollout.phase is Phase.PROMOTED
    assert (promoted.stable, promoted.target, promoted.good) == (CANARY, "", (CANARY,))
    assert promoted.return_candidates() == ()
    assert promoted.knows("web-00000-old"), "a revision left behind is not taken for a new one"
    released = take(promoted, judged(promoted, now + MINUTE), now + MINUTE)
    (asked,) = [effect for effect in released.effects if isinstance(effect, RequestDeploy)]
    fixed = take(released.record, asked.request, now + MINUTE).record
    assert fixed.rollout
    assert (fixed.rollout.stable, fixed.return_candidates()) == (CANARY, (CANARY,))


def test_after_its_promotion_an_alert_pages_with_what_can_be_done_and_moves_nothing() -> None:
    record, now = in_phase(Phase.PROMOTED, tag=CONTRACT)
    decision = take(record, incident(now), now)
    assert decision.rule == "rollback.refused"
    assert "Roll forward (a fixed release starts when it is pushed)" in decision.reason
    assert decision.record.outbox[-1].severity is Severity.PAGE
    assert split(decision.record, STRATEGY) == {CANARY: 100}
    assert decision.record.pin is None


def test_a_pause_of_the_bake_changes_nothing_of_that() -> None:
    record, now = in_phase(Phase.BAKING, tag=CONTRACT)
    paused = take(record, command(Verb.PAUSE, now), now).record
    _held(take(paused, command(Verb.ROLLBACK, now, "r2"), now).record)
    promoted = take(paused, command(Verb.PROMOTE, now, "r3"), now).record
    assert promoted.rollout
    assert promoted.rollout.phase is Phase.PROMOTED


def test_a_first_deployment_has_no_earlier_release_to_break() -> None:
    empty = Record(service="web", placeholder=True)
    record = take(empty, request(tag=CONTRACT), NOW).record
    record = take(record, judged(record, NOW + MINUTE), NOW + MINUTE).record
    assert record.rollout
    assert record.rollout.phase is Phase.BAKING
    assert not record.rollout.irreversible


@pytest.mark.parametrize("verb", [Verb.ROLLBACK, Verb.ABORT])
def test_what_was_taken_back_on_an_older_record_stays_where_the_newest_one_cannot_go_back(verb: Verb) -> None:
    older, now = in_phase(Phase.PROGRESSING, tag=CONTRACT)
    newest, later = in_phase(Phase.BAKING, tag=CONTRACT)
    found = take(older, command(verb, now), now).record
    restored = restore(found, newest, later + timedelta(minutes=1)).record
    assert restored.active
    assert split(restored, STRATEGY) == {CANARY: 100}
