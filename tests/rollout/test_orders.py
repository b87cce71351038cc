"""Commands: what each does and is refused for, those that race each other, and those that come when nobody hears."""

from dataclasses import replace

import pytest

from shared.analysis.verdict import Health
from shared.rollout.commands import Verb
from shared.rollout.decision import RequestDeploy
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import ANSWERS_MAX, OUTBOX_MAX, Record
from shared.rollout.traffic import split
from tests.rollout.cases import (
    CANARY,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    full_outbox,
    in_phase,
    incident,
    judged,
    phase_of,
    take,
)

# ---------------------------------------------------------------------------------------------- one by one


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


def test_promote_is_refused_before_users_were_met() -> None:
    record, now = in_phase(Phase.VERIFYING)
    assert take(record, command(Verb.PROMOTE, now), now).rule == "refused"


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


def test_promote_ends_a_bake_that_a_person_was_asked_about() -> None:
    record, now = in_phase(Phase.BAKING)
    late = now + STRATEGY.final_bake_time + STRATEGY.step_deadline
    asked = take(record, judged(record, late), late).record
    assert asked.active
    assert asked.active.hold
    assert asked.active.hold.cause is HoldCause.DEADLINE
    done = take(asked, command(Verb.PROMOTE, late), late).record
    assert done.rollout
    assert done.rollout.phase is Phase.PROMOTED


# ------------------------------------------------------------------------------------------- that race each other


@pytest.mark.parametrize("overtaking", [Verb.PAUSE, Verb.FREEZE, Verb.PROMOTE])
@pytest.mark.parametrize(("verb", "phase"), [(Verb.ROLLBACK, Phase.ROLLED_BACK), (Verb.ABORT, Phase.ABORTED)])
def test_rule_8_taking_back_is_carried_out_although_a_newer_command_came_first(
    overtaking: Verb, verb: Verb, phase: Phase
) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    newer = take(record, command(overtaking, now + MINUTE, "newer"), now + MINUTE).record
    done = take(newer, command(verb, now, "older"), now + MINUTE).record
    assert done.rollout
    assert done.rollout.phase is phase
    assert done.commanded_at == now + MINUTE, "a command older still is as overtaken as before"


def test_an_overtaken_command_is_told_once_and_changes_nothing() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    paused = take(record, command(Verb.PAUSE, now + MINUTE, "newer"), now + MINUTE).record
    late = command(Verb.PROMOTE, now, "older")
    answered = take(paused, late, now + MINUTE)
    assert answered.rule == "stale"
    assert answered.record.rollout == paused.rollout
    assert answered.record.commanded_at == paused.commanded_at
    assert answered.record.outbox[-1].kind == "command.refused"
    assert "newer command" in answered.record.outbox[-1].text
    assert take(answered.record, late, now + MINUTE).rule == "duplicate"


def test_a_rollback_older_than_the_rollout_is_told_and_does_not_touch_it() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    assert record.active
    late = command(Verb.ROLLBACK, record.active.started_at - MINUTE, "old")
    answered = take(record, late, now)
    assert (answered.rule, answered.record.rollout) == ("stale", record.rollout)
    assert answered.record.outbox[-1].kind == "command.refused"


# ------------------------------------------------------------------------------------------- while nobody hears


def full(record: Record) -> Record:
    return replace(record, outbox=full_outbox(record))


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb not in (Verb.ROLLBACK, Verb.ABORT)])
def test_a_full_outbox_takes_no_command_but_answers_some(verb: Verb) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    crowded = full(record)
    for number in range(ANSWERS_MAX + 9):
        decision = take(crowded, command(verb, now, f"r{number}"), now)
        assert decision.rule == "refused"
        assert "not in the ledger" in decision.reason
        assert (decision.record.rollout, decision.record.frozen) == (crowded.rollout, "")
        crowded = decision.record
    assert len(crowded.outbox) == OUTBOX_MAX + ANSWERS_MAX


@pytest.mark.parametrize(("verb", "phase"), [(Verb.ROLLBACK, Phase.ROLLED_BACK), (Verb.ABORT, Phase.ABORTED)])
def test_a_full_outbox_takes_back(verb: Verb, phase: Phase) -> None:
    record, now = in_phase(Phase.PROGRESSING)
    done = take(full(record), command(verb, now), now).record
    assert done.rollout
    assert done.rollout.phase is phase
    assert len(done.outbox) == OUTBOX_MAX + 1


def test_what_only_informs_is_not_told_while_the_outbox_is_full() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    crowded = full(record)
    noted = take(crowded, incident(now, policy_rolls_back=False), now)
    assert (noted.rule, noted.record.outbox) == ("incident_noted", crowded.outbox)
    assert take(noted.record, incident(now, policy_rolls_back=False), now).rule == "duplicate"
