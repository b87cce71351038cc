"""A rollout that stands still: what ends its hold, what ends the rollout all the same, and who is asked again."""

from dataclasses import replace
from datetime import datetime

from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.change import announce, resume, roll_back
from shared.rollout.climbing import harm, start_failed
from shared.rollout.names import HoldCause, Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record
from shared.rollout.strategy import Strategy
from shared.rollout.table import Cause

_JUDGED = frozenset({Phase.PROGRESSING, Phase.BAKING})


def held(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    """Harm rolls back whatever the hold; otherwise the hold ends when its cause does."""
    rollout = record.active
    assert rollout is not None
    assert rollout.hold is not None
    name, verdict, cause = rollout.release.short, fact.verdict, rollout.hold.cause
    if rollout.hold.phase is Phase.PREPARING:
        record = start_failed(record, fact, now)
        if record.active is None:
            return record
    stuck = cause is HoldCause.MIGRATION or (cause is HoldCause.NO_TARGET and not record.target)
    if rollout.hold.phase in _JUDGED and not stuck and (why := harm(fact, name)):
        return roll_back(record, Cause.UNHEALTHY, now, why)
    seeing = verdict is not None and verdict.health is not Health.ERROR
    over = {
        HoldCause.PAUSED: False,
        HoldCause.FREEZE: not (record.frozen or fact.frozen),
        HoldCause.METRICS_OUTAGE: seeing,
        HoldCause.SHARED_OUTAGE: seeing and verdict is not None and not verdict.shared_outage,
        HoldCause.DEADLINE: verdict is not None and verdict.health is Health.HEALTHY and bool(fact.probes),
        HoldCause.NO_TARGET: bool(record.target),
        HoldCause.MIGRATION: False,
    }[cause]
    if over:
        return resume(record, now, f"{name} goes on: {cause.replace('_', ' ')} is over.")
    if now - rollout.hold.told_at >= strategy.step_deadline:
        record = replace(record, rollout=replace(rollout, hold=replace(rollout.hold, told_at=now)))
        text = f"{name} is still held since {rollout.hold.since:%H:%M} UTC: {rollout.hold.reason}"
        return announce(record, "rollout.still_held", now, text, Severity.PAGE, cause=cause)
    return record
