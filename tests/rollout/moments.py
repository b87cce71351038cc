"""Moments of a service's life, as the scenes of tests/rollout/scenes_of_*.py begin with them."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from shared.analysis.verdict import Health
from shared.rollout.change import announce
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import OUTBOX_MAX, Hold, KnownBad, Pin, Record
from shared.rollout.strategy import OnNewer, Strategy
from tests.rollout.cases import (
    MINUTE,
    NOW,
    STRATEGY,
    digest,
    in_phase,
    judged,
    request,
    take,
)

HOUR = timedelta(hours=1)
EMPTY = Record(service="web", sequence=3)
QUEUE = replace(STRATEGY, on_newer=OnNewer.QUEUE)
BAD = KnownBad(digest=digest("e"), revision="web-00000-bad", at=NOW - HOUR, reason="It returned 500.")
PIN = Pin(at=NOW - HOUR, reason="eeeeeee was rolled back.")
NEW = "web-00009-new"


class Scene(NamedTuple):
    """One moment. event: what `decide` takes, or the older record that came back."""

    name: str
    record: Record
    event: Any
    at: Any = NOW
    strategy: Strategy = STRATEGY


def full(record: Record) -> Record:
    """With as much in its outbox as it takes."""
    for number in range(OUTBOX_MAX):
        record = announce(replace(record, sequence=number), "rollout.started", NOW - MINUTE, "earlier")
    return replace(record, sequence=90)


def holding(cause: HoldCause, phase: Phase = Phase.PROGRESSING, **changes: Any) -> Record:
    record, now = in_phase(phase)
    assert record.rollout
    hold = Hold(cause=cause, reason="It stood still.", since=now, phase=phase, told_at=now)
    return replace(record, rollout=replace(record.rollout, phase=Phase.HELD, phase_since=now, hold=hold), **changes)


def changed(record: Record, **changes: Any) -> Record:
    assert record.rollout
    return replace(record, rollout=replace(record.rollout, **changes))


PREPARING, _ = in_phase(Phase.PREPARING)
VERIFYING, VERIFYING_AT = in_phase(Phase.VERIFYING)
PROGRESSING, PROGRESSING_AT = in_phase(Phase.PROGRESSING)
LAST_STEP, LAST_STEP_AT = in_phase(Phase.PROGRESSING, step=2)
BAKING, BAKING_AT = in_phase(Phase.BAKING)
PROMOTED, PROMOTED_AT = in_phase(Phase.PROMOTED)
CONTRACTING, CONTRACTING_AT = in_phase(Phase.BAKING, tag="v2-contract")
CONTRACTED, CONTRACTED_AT = in_phase(Phase.PROMOTED, tag="v2-contract")
FIRST = take(EMPTY, request(), NOW).record
FIRST_BAKING = take(FIRST, judged(FIRST, NOW + MINUTE), NOW + MINUTE).record
ROLLED_BACK = take(PROGRESSING, judged(PROGRESSING, PROGRESSING_AT, Health.UNHEALTHY), PROGRESSING_AT).record
AT_STEP = PROGRESSING_AT + STRATEGY.step_bake_time
BAKED_AT = BAKING_AT + STRATEGY.final_bake_time
