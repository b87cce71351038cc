"""One tick's reading of a service: ready or not, probes, verdict, deadlines, and the upkeep of the record."""

from dataclasses import replace
from datetime import datetime, timedelta

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.announcement import Severity
from shared.rollout.change import announce, concluded, end, enter, hold, narrated, promote, resume, roll_back
from shared.rollout.decision import Decision, Effect, Publish, RequestDeploy
from shared.rollout.facts import DeployRequested, Gate
from shared.rollout.names import HoldCause, Phase, Release
from shared.rollout.observations import Judged
from shared.rollout.record import OUTBOX_MAX, Record
from shared.rollout.requests import begin, must_wait
from shared.rollout.service import RevisionState
from shared.rollout.strategy import Strategy
from shared.rollout.table import Cause
from shared.rollout.traffic import steps_of

_JUDGED = frozenset({Phase.PROGRESSING, Phase.BAKING})


def judged(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Decision:
    """Upkeep always; the rollout moves only on a fresh verdict about what runs now."""
    kept, again = _upkeep(record, fact, now, strategy)
    if record.edited:
        return concluded(record, kept, "traffic_edited", f"Traffic is in a person's hands: {record.edited}", *again)
    let_in = _let_in(kept, fact, strategy)
    rollout = record.active
    if rollout is None:
        return _at_rest(record, kept, fact, now, again, let_in)
    again = (*let_in, *again)
    about_now = (fact.rollout_id, fact.step) == (rollout.id, rollout.step) and fact.at >= rollout.phase_since
    if not about_now or now - fact.at > strategy.verdict_age_max:
        return concluded(record, kept, "stale", "The verdict is about an earlier state of this rollout.", *again)
    if fact.appeared and rollout.effective_phase is not Phase.BAKING:
        return _appeared(record, kept, fact, now, again)
    kept = _known_canary(kept, fact)
    after = _advance(kept, fact, now, strategy)
    decision = narrated(kept, after, "waits", _waiting(record, fact))
    return concluded(record, after, decision.rule, decision.reason, *again)


def _upkeep(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> tuple[Record, tuple[Effect, ...]]:
    """The outbox without what the ledger has, the verified target, and what must be told again."""
    outbox = tuple(item for item in record.outbox if item.key not in fact.announced)
    again = tuple(Publish(announcement=item) for item in outbox if now - item.at > strategy.announce_grace)
    target = fact.target if fact.sequence == record.sequence else record.target
    return replace(record, outbox=outbox, target=target), again


def _let_in(kept: Record, fact: Judged, strategy: Strategy) -> tuple[Effect, ...]:
    """Asks again for the release that waits once nothing keeps it back; beside a canary it will supersede it."""
    if kept.waiting is None:
        return ()
    gate = Gate(waits=fact.gated)
    request = DeployRequested(
        service=kept.service, release=kept.waiting, source="waiting", by="the queue", frozen=fact.frozen, gate=gate
    )
    return () if must_wait(kept, request, strategy) else (RequestDeploy(request=request),)


def _at_rest(
    record: Record,
    kept: Record,
    fact: Judged,
    now: datetime,
    again: tuple[Effect, ...],
    let_in: tuple[Effect, ...],
) -> Decision:
    if kept.waiting and let_in:
        return concluded(record, kept, "released", f"{kept.waiting.short} need not wait any longer.", *let_in, *again)
    if fact.appeared and not fact.rollout_id:
        return _appeared(record, kept, fact, now, again)
    return concluded(record, kept, "at_rest", "Nothing is on trial.", *again)


def _appeared(record: Record, kept: Record, fact: Judged, now: datetime, again: tuple[Effect, ...]) -> Decision:
    """A revision somebody else made goes through a rollout like any other, unless it may not start."""
    image, _, digest = fact.appeared_image.partition("@")
    key = f"revision/{fact.appeared}"
    if kept.knows(fact.appeared) or not digest:
        return concluded(record, kept, "known_revision", f"{fact.appeared} needs no rollout.", *again)
    bad = kept.is_known_bad(digest)
    if bad or kept.pin or kept.frozen or fact.frozen or (kept.active and kept.active.hold):
        why = (
            f"its image was rolled back. {bad.reason}"
            if bad
            else (kept.pin.reason if kept.pin else kept.frozen or fact.frozen or "the current rollout is held.")
        )
        text = f"{fact.appeared} appeared and gets no traffic: {why}"
        if key in kept.acted:
            return concluded(record, kept, "duplicate", text, *again)
        after = announce(kept, "revision.refused", now, text, Severity.WARNING, revision=fact.appeared)
        return concluded(record, after.remember_acted(key), "revision_refused", text, *again)
    after = kept
    if after.active:
        text = f"{after.active.release.short} was superseded by {fact.appeared}."
        after = end(after, Cause.SUPERSEDED, now, "rollout.superseded", text, Severity.INFO)
    release = Release(image=image, digest=digest, requested_at=fact.at)
    after, _ = begin(after, release, now, canary=fact.appeared, decided_at=after.decided_at)
    text = f"{fact.appeared} appeared without a push (a changed variable or secret) and starts as a canary."
    after = announce(after, "rollout.started", now, text, digest=digest, revision=fact.appeared)
    return concluded(record, after, "revision_appeared", text, *again)


def _known_canary(record: Record, fact: Judged) -> Record:
    """Cloud Run has named the revision: from here on traffic and tag are pinned to it."""
    rollout = record.active
    assert rollout is not None
    if rollout.canary or not fact.canary or fact.canary_state is RevisionState.PENDING:
        return record
    return replace(record, rollout=replace(rollout, canary=fact.canary))


def _advance(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    """The record after everything this reading allows; several phases when one reading proves them all."""
    rollout = record.active
    assert rollout is not None
    if rollout.phase is Phase.HELD:
        return _held(record, fact, now, strategy)
    if rollout.phase is Phase.PREPARING:
        record = _prepare(record, fact, now, strategy)
        rollout = record.active
        if rollout is None or rollout.phase is not Phase.VERIFYING:
            return record
    if rollout.phase is Phase.VERIFYING:
        return _verify(record, fact, now, strategy)
    return _on_trial(record, fact, now, strategy)


def _prepare(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    name = rollout.release.short
    if fact.canary_state is RevisionState.READY:
        return enter(record, Cause.READY, now)
    if fact.canary_state is RevisionState.FAILED:
        reason = f"{name} never started and got no traffic: {fact.canary_message or 'Cloud Run gave no reason.'}"
        return end(record, Cause.START_FAILED, now, "rollout.failed", reason, Severity.PAGE)
    if now - rollout.phase_since >= strategy.prepare_deadline:
        reason = f"{name} was not ready within {_span(strategy.prepare_deadline)} and got no traffic."
        return end(record, Cause.START_FAILED, now, "rollout.failed", reason, Severity.PAGE)
    return record


def _verify(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    failed = [probe for probe in fact.probes if probe.outcome is ProbeOutcome.FAILED]
    if failed or not fact.probes:
        if now - rollout.phase_since < strategy.verify_deadline:
            return record
        why = f"{failed[0].path}: {failed[0].reason}" if failed else "its tagged URL was never reached."
        reason = f"{rollout.release.short} did not pass its probes within {_span(strategy.verify_deadline)}. {why}"
        return roll_back(record, Cause.PROBES_FAILED, now, reason)
    if not rollout.stable:
        record = enter(record, Cause.FIRST_DEPLOYMENT, now)
        return _first_traffic(record, now, f"{rollout.release.short} passed its probes and takes all traffic.", 100)
    if fact.frozen or record.frozen:
        return hold(record, HoldCause.FREEZE, now, f"Frozen: {record.frozen or fact.frozen}", Severity.INFO)
    if not record.target:
        return hold(record, HoldCause.NO_TARGET, now, f"{rollout.stable} does not answer: there is no way back.")
    record = enter(record, Cause.PROBES_PASSED, now, step=0)
    steps = strategy.steps_for(fact.requests_per_minute)
    assert record.rollout is not None
    record, share = replace(record, rollout=replace(record.rollout, steps=steps)), steps[0]
    return _first_traffic(record, now, f"{rollout.release.short} passed its probes and gets {share} %.", share)


def _first_traffic(record: Record, now: datetime, text: str, percent: int) -> Record:
    assert record.rollout is not None
    record = replace(record, rollout=replace(record.rollout, first_traffic_at=now))
    return announce(record, "rollout.advanced", now, text, percent=str(percent))


def _on_trial(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    """Progressing or baking: the verdict decides, and time only ever asks a person."""
    rollout = record.active
    assert rollout is not None
    stopped = _stopped(record, fact, now)
    if stopped is not None:
        return stopped
    verdict = fact.verdict
    if verdict is None:
        return record
    name = rollout.release.short
    waited = fact.at - rollout.phase_since
    if rollout.phase is Phase.BAKING:
        if waited < strategy.final_bake_time:
            return record
    elif verdict.health is not Health.HEALTHY or waited < strategy.step_bake_time:
        if now - rollout.phase_since < strategy.step_deadline:
            return record
        asked = f"{name} has no clear verdict after {_span(strategy.step_deadline)}. {verdict.reason}"
        return hold(record, HoldCause.DEADLINE, now, f"{asked} Promote, resume or roll back.")
    if fact.frozen or record.frozen:
        return hold(record, HoldCause.FREEZE, now, f"Frozen: {record.frozen or fact.frozen}", Severity.INFO)
    if len(record.outbox) >= OUTBOX_MAX:
        return record
    return _step_up(record, verdict.reason, now, strategy)


def _stopped(record: Record, fact: Judged, now: datetime) -> Record | None:
    """Rolled back for harm, or held because nobody can see, nobody is to blame or there is no way back."""
    rollout = record.active
    assert rollout is not None
    name, verdict = rollout.release.short, fact.verdict
    if fact.canary_state in (RevisionState.FAILED, RevisionState.MISSING):
        reason = f"{name} stopped being ready: {fact.canary_message or fact.canary_state}."
        return roll_back(record, Cause.UNHEALTHY, now, reason)
    if verdict is None:
        return None
    if verdict.health is Health.UNHEALTHY:
        return roll_back(record, Cause.UNHEALTHY, now, f"{name} is unhealthy. {verdict.reason}")
    if verdict.health is Health.ERROR:
        return hold(record, HoldCause.METRICS_OUTAGE, now, f"Nobody can see {name}. {verdict.reason}")
    if verdict.shared_outage:
        return hold(record, HoldCause.SHARED_OUTAGE, now, f"{name} is not to blame. {verdict.reason}")
    if rollout.stable and not record.target and not rollout.irreversible:
        return hold(record, HoldCause.NO_TARGET, now, f"No good revision answers: {name} has no way back.")
    return None


def _step_up(record: Record, why: str, now: datetime, strategy: Strategy) -> Record:
    rollout = record.active
    assert rollout is not None
    name = rollout.release.short
    if rollout.phase is Phase.BAKING:
        return promote(
            record, Cause.BAKED, now, f"{name} is promoted after {_span(strategy.final_bake_time)} at 100 %."
        )
    assert rollout.step is not None
    steps = steps_of(rollout, strategy)
    if rollout.step >= len(steps) - 1:
        record = enter(record, Cause.LAST_STEP_PASSED, now)
        return announce(record, "rollout.advanced", now, f"{name} goes to 100 % and bakes. {why}", percent="100")
    share = steps[rollout.step + 1]
    record = enter(record, Cause.STEP_PASSED, now, step=rollout.step + 1)
    return announce(record, "rollout.advanced", now, f"{name} goes to {share} %. {why}", percent=str(share))


def _held(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> Record:
    """Harm rolls back whatever the hold; otherwise the hold ends when its cause does."""
    rollout = record.active
    assert rollout is not None
    assert rollout.hold is not None
    verdict, cause = fact.verdict, rollout.hold.cause
    harmful = verdict is not None and verdict.health is Health.UNHEALTHY and not verdict.shared_outage
    if rollout.hold.phase in _JUDGED and verdict and harmful and cause is not HoldCause.MIGRATION:
        if record.target or cause is not HoldCause.NO_TARGET:
            return roll_back(record, Cause.UNHEALTHY, now, f"{rollout.release.short} is unhealthy. {verdict.reason}")
        return record
    seeing = verdict is not None and verdict.health is not Health.ERROR
    over = {
        HoldCause.PAUSED: False,
        HoldCause.FREEZE: not (record.frozen or fact.frozen),
        HoldCause.METRICS_OUTAGE: seeing,
        HoldCause.SHARED_OUTAGE: seeing and verdict is not None and not verdict.shared_outage,
        HoldCause.DEADLINE: verdict is not None and verdict.health is Health.HEALTHY,
        HoldCause.NO_TARGET: bool(record.target),
        HoldCause.MIGRATION: False,
    }[cause]
    if over:
        return resume(record, now, f"{rollout.release.short} goes on: {cause.replace('_', ' ')} is over.")
    if now - rollout.hold.told_at >= strategy.step_deadline:
        record = replace(record, rollout=replace(rollout, hold=replace(rollout.hold, told_at=now)))
        text = f"{rollout.release.short} is still held since {rollout.hold.since:%H:%M} UTC: {rollout.hold.reason}"
        return announce(record, "rollout.still_held", now, text, Severity.PAGE, cause=cause)
    return record


def _waiting(record: Record, fact: Judged) -> str:
    rollout = record.active
    assert rollout is not None
    if fact.verdict:
        return fact.verdict.reason
    return f"{rollout.release.short} is {rollout.phase}; its revision is {fact.canary_state}."


def _span(time: timedelta) -> str:
    """Such as "90 s", "10 min", "6 h"."""
    seconds = time.total_seconds()
    if seconds < 120:
        return f"{seconds:g} s"
    return f"{seconds / 60:g} min" if seconds < 7200 else f"{seconds / 3600:g} h"
