"""Commands that race each other, and commands that come when nobody hears."""

from dataclasses import replace

import pytest

from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import ANSWERS_MAX, OUTBOX_MAX, Record
from tests.rollout.cases import MINUTE, STRATEGY, command, in_phase, incident, judged, take


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


def full(record: Record) -> Record:
    return replace(record, outbox=tuple(replace(record.outbox[0], key=f"web/{n}") for n in range(OUTBOX_MAX)))


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
