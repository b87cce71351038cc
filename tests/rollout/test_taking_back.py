"""A release is taken back whatever else goes on, as long as there is something to return to."""

from dataclasses import replace

import pytest

from shared.analysis.verdict import Health
from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause, Phase
from shared.rollout.traffic import split
from tests.rollout.cases import (
    ACTIVE,
    CANARY,
    MINUTE,
    STRATEGY,
    command,
    digest,
    in_phase,
    incident,
    judged,
    phase_of,
    take,
)

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
