"""What was taken back on an old copy of the record stays taken back when the newest one is restored."""

from dataclasses import replace
from datetime import datetime

import pytest

from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Pin, Record
from shared.rollout.restoration import restore
from shared.rollout.traffic import split
from tests.rollout.cases import MINUTE, NOW, STABLE, STRATEGY, command, in_phase, request, take


def taken_back(found: Record, verb: Verb, at: datetime) -> Record:
    return take(found, command(verb, at, "on-the-old-copy"), at).record


@pytest.mark.parametrize("phase", [Phase.PROGRESSING, Phase.BAKING, Phase.PROMOTED])
@pytest.mark.parametrize(
    ("verb", "active", "promoted"),
    [
        (Verb.ROLLBACK, Phase.ROLLED_BACK, Phase.ROLLED_BACK),
        (Verb.ABORT, Phase.ABORTED, Phase.ROLLED_BACK),
    ],
)
def test_the_same_rollout_is_taken_back_on_the_newest_record_too(
    phase: Phase, verb: Verb, active: Phase, promoted: Phase
) -> None:
    old, _ = in_phase(Phase.PROGRESSING)
    newest, now = in_phase(phase)
    newest = replace(newest, sequence=newest.sequence + 1)
    now += MINUTE
    decision = restore(taken_back(old, verb, now), newest, now + MINUTE)
    rollout = decision.record.rollout
    assert rollout
    assert rollout.phase is (promoted if phase is Phase.PROMOTED else active)
    assert split(decision.record, STRATEGY) == {STABLE.stable: 100}
    assert decision.record.sequence == newest.sequence + 1


def test_a_rollback_finds_its_target_even_where_the_newest_record_had_none() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = replace(old, sequence=old.sequence + 3, target="")
    decision = restore(taken_back(old, Verb.ROLLBACK, now + MINUTE), newest, now + 2 * MINUTE)
    assert decision.record.rollout
    assert decision.record.rollout.phase is Phase.ROLLED_BACK
    assert not decision.record.rollout.hold
    assert decision.record.stable == STABLE.stable


def test_a_release_that_is_blamed_on_both_records_is_blamed_once() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    found = taken_back(old, Verb.ROLLBACK, now + MINUTE)
    decision = restore(found, replace(old, sequence=old.sequence + 3), now + 2 * MINUTE)
    (blamed,) = decision.record.known_bad
    assert (blamed.digest, blamed.revision, blamed.at) == (
        found.known_bad[0].digest,
        found.known_bad[0].revision,
        now + 2 * MINUTE,
    )
    once_more = restore(found, replace(decision.record, sequence=decision.record.sequence + 3), now + 5 * MINUTE)
    assert once_more.record.known_bad == (blamed,), "what is blamed later already is not blamed for then"


def test_a_rollback_on_the_old_copy_undoes_the_split_that_was_made_by_hand_on_the_newest() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = replace(old, sequence=old.sequence + 3, edited="web-00002-bbb 100 %", edited_at=now)
    decision = restore(taken_back(old, Verb.ROLLBACK, now + MINUTE), newest, now + 2 * MINUTE)
    assert (decision.record.edited, decision.record.edited_at) == ("", None)


def test_a_rollback_of_what_became_stable_takes_the_ground_from_the_release_beside_it() -> None:
    old, _ = in_phase(Phase.BAKING)
    newest, now = in_phase(Phase.PROMOTED)
    now += MINUTE
    newest = take(newest, request("c", now), now).record
    found = taken_back(old, Verb.ROLLBACK, now + MINUTE)
    decision = restore(found, newest, now + 2 * MINUTE)
    assert decision.record.rollout
    assert decision.record.rollout.phase is Phase.ABORTED
    assert split(decision.record, STRATEGY) == {STABLE.stable: 100}
    assert decision.record.pin == found.pin
    assert "web-00002-bbb" not in decision.record.good
    at_rest = restore(found, replace(newest, rollout=None), now + 2 * MINUTE)
    assert split(at_rest.record, STRATEGY) == {STABLE.stable: 100}


def test_a_rollback_of_what_became_stable_is_not_undone_by_the_same_image_on_trial_beside_it() -> None:
    """Found by simulation: the same digest was pushed again when its first rollout was taken back."""
    old, _ = in_phase(Phase.BAKING)
    newest, now = in_phase(Phase.PROMOTED)
    again, rollout = now + MINUTE, newest.rollout
    assert rollout
    newest = take(newest, request("c", again), again).record
    assert newest.rollout
    newest = replace(newest, rollout=replace(newest.rollout, release=rollout.release))
    decision = restore(taken_back(old, Verb.ROLLBACK, again + MINUTE), newest, again + 2 * MINUTE)
    assert split(decision.record, STRATEGY) == {STABLE.stable: 100}
    assert decision.record.active is None
    assert decision.record.pin


def test_a_rollback_of_an_older_rollout_pins_and_lets_the_newer_stable_be() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = replace(STABLE, sequence=40, stable="web-00009-new", good=("web-00009-new",))
    decision = restore(taken_back(old, Verb.ROLLBACK, now + MINUTE), newest, now + 2 * MINUTE)
    assert split(decision.record, STRATEGY) == {"web-00009-new": 100}
    assert decision.record.pin
    assert decision.record.is_known_bad("", "web-00002-bbb")


def test_a_rollback_takes_the_same_image_back_from_a_later_rollout_too() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = replace(old, sequence=old.sequence + 3, rollout=replace(old.rollout, id="web-again"))  # type: ignore[type-var]
    decision = restore(taken_back(old, Verb.ROLLBACK, now + MINUTE), newest, now + 2 * MINUTE)
    assert decision.record.rollout
    assert (decision.record.rollout.id, decision.record.rollout.phase) == ("web-again", Phase.ROLLED_BACK)


def test_an_abort_of_what_ended_already_changes_nothing() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = taken_back(old, Verb.ROLLBACK, now + MINUTE)
    newest = replace(newest, sequence=newest.sequence + 5)
    decision = restore(taken_back(old, Verb.ABORT, now + 2 * MINUTE), newest, now + 3 * MINUTE)
    assert decision.record.rollout == newest.rollout


def test_a_pin_the_newest_record_knows_of_and_a_person_released_stays_released() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    pinned = taken_back(old, Verb.ROLLBACK, now + MINUTE)
    released = take(pinned, command(Verb.RELEASE_PIN, now + 2 * MINUTE, "release"), now + 2 * MINUTE).record
    decision = restore(pinned, replace(released, sequence=released.sequence + 1), now + 3 * MINUTE)
    assert decision.record.pin is None


def test_a_rollback_whose_pin_was_released_on_the_old_copy_stays_a_rollback() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    pinned = taken_back(old, Verb.ROLLBACK, now + MINUTE)
    released = take(pinned, command(Verb.RELEASE_PIN, now + 2 * MINUTE, "release"), now + 2 * MINUTE).record
    assert released.pin is None
    decision = restore(released, replace(old, sequence=old.sequence + 5), now + 3 * MINUTE)
    assert decision.record.rollout
    assert decision.record.rollout.phase is Phase.ROLLED_BACK
    assert decision.record.pin


def test_a_rollback_that_was_restored_and_repeated_outlives_a_newer_copy_that_is_heard_of_late() -> None:
    """Found by simulation, seed 16741: two applies, a rollback after each, and the news of the first copy last."""
    old, now = in_phase(Phase.PROGRESSING)
    first, second = (taken_back(old, Verb.ROLLBACK, now + minutes * MINUTE) for minutes in (1, 2))
    restored = restore(second, first, now + 3 * MINUTE).record
    assert restored.pin == second.pin
    late = replace(old, sequence=restored.sequence + 1)
    decision = restore(restored, late, now + 4 * MINUTE)
    assert decision.record.rollout
    assert decision.record.rollout.phase is Phase.ROLLED_BACK


def test_the_pin_of_a_later_rollback_stays() -> None:
    old, now = in_phase(Phase.PROGRESSING)
    newest = replace(STABLE, sequence=40, pin=Pin(at=now + 5 * MINUTE, reason="another was worse"))
    decision = restore(taken_back(old, Verb.ROLLBACK, now + MINUTE), newest, now + 6 * MINUTE)
    assert decision.record.pin == newest.pin


def test_an_alert_that_found_no_way_back_is_no_rollback() -> None:
    held, now = in_phase(Phase.PROGRESSING)
    found = taken_back(replace(held, target=""), Verb.ROLLBACK, now + MINUTE)
    assert found.rollout
    assert found.rollout.hold
    assert found.rollout.hold.cause is HoldCause.NO_TARGET
    decision = restore(found, replace(held, sequence=held.sequence + 5), NOW + 5 * MINUTE)
    assert decision.record.rollout == held.rollout
