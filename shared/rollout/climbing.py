"""A rollout that moves: ready, probed, judged on share after share, baked; and the harm that ends it."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.change import announce, end, enter, hold, promote, roll_back
from shared.rollout.names import HoldCause, Phase
from shared.rollout.observations import Judged
from shared.rollout.record import Record, Rollout
from shared.rollout.service import RevisionState
from shared.rollout.strategy import Strategy
from shared.rollout.table import Cause
from shared.rollout.traffic import steps_of

_GONE = frozenset({RevisionState.FAILED, RevisionState.MISSING})


def condemned(fact: Judged) -> bool:
    """Whether this reading found the canary bad: proved so, or no longer there."""
    gone = bool(fact.canary) and fact.canary_state in _GONE
    return gone or (fact.verdict is not None and fact.verdict.health is Health.UNHEALTHY)


def harm(fact: Judged, name: str) -> str:
    """Why a canary that has users must lose them, or ""."""
    if not condemned(fact):
        return ""
    if fact.verdict is None or fact.verdict.health is not Health.UNHEALTHY:
        return f"{name} stopped being ready: {fact.canary_message or fact.canary_state}."
    return f"{name} is unhealthy. {fact.verdict.reason}"


def start_failed(record: Record, fact: Judged, now: datetime) -> Record:
    """The record as it is, or with the rollout ended when Cloud Run says that the revision never started."""
    rollout = record.active
    assert rollout is not None
    if fact.canary_state is not RevisionState.FAILED:
        return record
    said = fact.canary_message or "Cloud Run gave no reason."
    reason = f"{rollout.release.short} never started and got no traffic: {said}"
    return end(record, Cause.START_FAILED, now, "rollout.failed", reason, Severity.PAGE)


def prepare(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    name = rollout.release.short
    if fact.canary_state is RevisionState.READY:
        return enter(record, Cause.READY, now)
    record = start_failed(record, fact, now)
    if record.active and now - rollout.phase_since >= strategy.prepare_deadline:
        reason = f"{name} was not ready within {_span(strategy.prepare_deadline)} and got no traffic."
        return end(record, Cause.START_FAILED, now, "rollout.failed", reason, Severity.PAGE)
    return record


def verify(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    if fault := _fault(rollout.release.short, fact, _span(strategy.verify_deadline)):
        if now - rollout.phase_since < strategy.verify_deadline:
            return record
        return roll_back(record, Cause.PROBES_FAILED, now, fault)
    if fact.frozen or record.frozen:
        return hold(record, HoldCause.FREEZE, now, f"Frozen: {record.frozen or fact.frozen}", Severity.INFO)
    if not rollout.stable:
        record = enter(record, Cause.FIRST_DEPLOYMENT, now)
        text = f"{rollout.release.short} passed its probes and takes all traffic.{_pages(fact)}"
        return _first_traffic(record, now, text, 100)
    if not record.target:
        return hold(record, HoldCause.NO_TARGET, now, f"{rollout.stable} does not answer: there is no way back.")
    record = enter(record, Cause.PROBES_PASSED, now, step=0)
    steps = strategy.steps_for(fact.requests_per_minute)
    assert record.rollout is not None
    record, share = replace(record, rollout=replace(record.rollout, steps=steps)), steps[0]
    text = f"{rollout.release.short} passed its probes and gets {share} %.{_pages(fact)}"
    return _first_traffic(record, now, text, share)


def _fault(name: str, fact: Judged, span: str) -> str:
    """Why no user may meet the canary yet, or ""; span: how long this may last."""
    failed = [probe for probe in fact.probes if probe.outcome is ProbeOutcome.FAILED]
    if failed:
        return f"{name} did not pass its probes within {span}. {failed[0].path}: {failed[0].reason}"
    if not fact.probes:
        return f"{name} did not pass its probes within {span}. {fact.canary_message or _UNASKED}"
    if fact.heavy:
        more = f" And {len(fact.heavy) - 1} more." if len(fact.heavy) > 1 else ""
        return f"{name} costs people on slow lines too much. {fact.heavy[0]}.{more}"
    return ""


_UNASKED = "Its tagged URL was never reached."


def _pages(fact: Judged) -> str:
    return f" {fact.pages}." if fact.pages else ""


def _first_traffic(record: Record, now: datetime, text: str, percent: int) -> Record:
    assert record.rollout is not None
    record = replace(record, rollout=replace(record.rollout, first_traffic_at=now))
    return announce(record, "rollout.advanced", now, text, percent=str(percent))


def on_trial(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    """Progressing or baking: the verdict decides, and time only ever asks a person."""
    rollout = record.active
    assert rollout is not None
    stopped = _stopped(record, fact, now)
    if stopped is not None:
        return stopped
    baking = rollout.phase is Phase.BAKING
    least = strategy.final_bake_time if baking else strategy.step_bake_time
    if fact.at - rollout.phase_since < least:
        return record
    if not _proved(rollout, fact):
        deadline = strategy.step_deadline + (strategy.final_bake_time if baking else timedelta())
        return record if now - rollout.phase_since < deadline else _asked(record, fact, now, deadline)
    if fact.frozen or record.frozen:
        return hold(record, HoldCause.FREEZE, now, f"Frozen: {record.frozen or fact.frozen}", Severity.INFO)
    return _step_up(record, fact, now, strategy)


def _proved(rollout: Rollout, fact: Judged) -> bool:
    """Whether this reading allows the next move: a healthy verdict, answers and, to end the bake, no failed probe.

    A first deployment that no user has asked for yet has nothing but its probes, and all of them must pass.
    """
    verdict = fact.verdict
    if verdict is None or not fact.probes:
        return False  # judged for harm all the same
    if rollout.phase is not Phase.BAKING:
        return verdict.health is Health.HEALTHY
    answers = all(probe.outcome is ProbeOutcome.PASSED for probe in fact.probes)
    unvisited = not rollout.stable and verdict.canary_requests == 0
    return answers and (verdict.health is Health.HEALTHY or unvisited)


def _asked(record: Record, fact: Judged, now: datetime, deadline: timedelta) -> Record:
    """Nobody could tell for so long: a person must."""
    assert record.active is not None
    said = fact.verdict.reason if fact.verdict else f"Its revision is {fact.canary_state}."
    said += f" {fact.canary_message}" if fact.canary_message and not fact.probes else ""
    asked = f"{record.active.release.short} has no clear verdict after {_span(deadline)}. {said}"
    return hold(record, HoldCause.DEADLINE, now, f"{asked} Promote, resume or roll back.")


def _stopped(record: Record, fact: Judged, now: datetime) -> Record | None:
    """Rolled back for harm, or held because nobody can see, nobody is to blame or there is no way back."""
    rollout = record.active
    assert rollout is not None
    name, verdict = rollout.release.short, fact.verdict
    if why := harm(fact, name):
        return roll_back(record, Cause.UNHEALTHY, now, why)
    if verdict is None:
        return None
    if verdict.health is Health.ERROR:
        return hold(record, HoldCause.METRICS_OUTAGE, now, f"Nobody can see {name}. {verdict.reason}")
    if verdict.shared_outage:
        return hold(record, HoldCause.SHARED_OUTAGE, now, f"{name} is not to blame. {verdict.reason}")
    if rollout.stable and not record.target and not rollout.irreversible:
        return hold(record, HoldCause.NO_TARGET, now, f"No good revision answers: {name} has no way back.")
    return None


def _step_up(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    assert fact.verdict is not None
    name, why = rollout.release.short, fact.verdict.reason
    if rollout.phase is Phase.BAKING:
        baked = f"{name} is promoted after {_span(strategy.final_bake_time)} at 100 %."
        return promote(record, Cause.BAKED, now, f"{baked} {why}")
    assert rollout.step is not None
    steps = steps_of(rollout, strategy)
    if rollout.step >= len(steps) - 1:
        record = enter(record, Cause.LAST_STEP_PASSED, now)
        return announce(record, "rollout.advanced", now, f"{name} goes to 100 % and bakes. {why}", percent="100")
    share = steps[rollout.step + 1]
    record = enter(record, Cause.STEP_PASSED, now, step=rollout.step + 1)
    return announce(record, "rollout.advanced", now, f"{name} goes to {share} %. {why}", percent=str(share))


def _span(time: timedelta) -> str:
    """Such as "90 s", "10 min", "6 h"."""
    seconds = time.total_seconds()
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"
