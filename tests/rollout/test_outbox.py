"""What is told stays in the record until the ledger has it, and little happens while too much is there."""

from dataclasses import replace

from shared.analysis.verdict import Health
from shared.rollout.decision import Publish
from shared.rollout.names import Phase
from shared.rollout.traffic import split
from tests.rollout.cases import (
    IMAGE,
    MINUTE,
    NOW,
    STABLE,
    STRATEGY,
    digest,
    full_outbox,
    in_phase,
    judged,
    phase_of,
    request,
    take,
)


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
    full = replace(STABLE, outbox=full_outbox(record))
    late = now + 2 * MINUTE
    fact = judged(full, late, appeared="web-00003-cfg", appeared_image=f"{IMAGE}@{digest('a')}")
    decision = take(full, fact, late, replace(STRATEGY, announce_grace=MINUTE))
    assert decision.rule == "waits"
    assert decision.effects == tuple(Publish(announcement=item) for item in full.outbox)


def test_a_full_outbox_stops_everything_but_a_rollback() -> None:
    record, now = in_phase(Phase.PROGRESSING)
    full = replace(record, outbox=full_outbox(record))
    later = now + STRATEGY.step_bake_time
    assert split(take(full, judged(full, later, Health.HEALTHY), later).record, STRATEGY) == split(full, STRATEGY)
    assert phase_of(take(full, judged(full, later, Health.UNHEALTHY), later).record) is Phase.ROLLED_BACK
    resting = replace(STABLE, outbox=full.outbox)
    assert take(resting, request(), NOW).rule == "waits"


def test_a_key_carries_its_time_to_the_millisecond() -> None:
    at = NOW.replace(microsecond=999_000)
    started = take(STABLE, request("b", at), at).record
    assert f"-{at:%Y%m%dT%H%M%S}.999Z-" in started.outbox[-1].key
