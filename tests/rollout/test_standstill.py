"""What holds a rollout where it is, who is told, and what lets it go on."""

from dataclasses import replace

import pytest

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.commands import Verb
from shared.rollout.names import HoldCause, Phase
from shared.rollout.traffic import split
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    command,
    in_phase,
    judged,
    phase_of,
    request,
    take,
    verdict,
)

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


# --------------------------------------------------------------------- rules 3, 5: metrics outage, shared outage


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
