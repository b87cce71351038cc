"""One tick's reading of a service: ready or not, probes, verdict, deadlines, and the upkeep of the record."""

from dataclasses import replace
from datetime import datetime

from shared.rollout.announcement import Severity
from shared.rollout.change import concluded, newest_words
from shared.rollout.climbing import on_trial, prepare, verify
from shared.rollout.decision import Decision, Effect, Publish, RequestDeploy
from shared.rollout.facts import DeployRequested, Gate
from shared.rollout.names import Phase
from shared.rollout.newcomer import appeared, may_supersede, needs_rollout, put_off
from shared.rollout.observations import Judged
from shared.rollout.record import Record
from shared.rollout.requests import must_wait
from shared.rollout.service import RevisionState
from shared.rollout.standstill import held
from shared.rollout.strategy import Strategy


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
    rule, text = "waits", _waiting(record, fact)
    if needs_rollout(kept, fact) and may_supersede(rollout, fact, strategy):
        off = put_off(kept, fact, now)
        if off is None:
            return appeared(record, kept, fact, now, again)
        if off.record != kept:
            kept, rule, text = off  # and the rollout goes on in the same turn, or a repeat would take it on
    kept = _known_canary(kept, fact)
    after = _advance(kept, fact, now, strategy)
    if kept.full and _can_wait(kept, after):
        after = kept
    return concluded(record, after, *newest_words(kept, after, rule, text), *again)


def _upkeep(record: Record, fact: Judged, now: datetime, strategy: Strategy) -> tuple[Record, tuple[Effect, ...]]:
    """The outbox without what the ledger has, the verified target and what stands by, and what must be told again."""
    outbox = tuple(item for item in record.outbox if item.key not in fact.announced)
    again = tuple(Publish(announcement=item) for item in outbox if now - item.at > strategy.announce_grace)
    asked = fact if fact.sequence == record.sequence else record
    return replace(record, outbox=outbox, target=asked.target, standby=asked.standby), again


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
    if needs_rollout(kept, fact) and not fact.rollout_id:
        return appeared(record, kept, fact, now, again)
    return concluded(record, kept, "at_rest", "Nothing is on trial.", *again)


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
        return held(record, fact, now, strategy)
    if rollout.phase is Phase.PREPARING:
        record = prepare(record, fact, now, strategy)
        rollout = record.active
        if rollout is None or rollout.phase is not Phase.VERIFYING:
            return record
    if rollout.phase is Phase.VERIFYING:
        return verify(record, fact, now, strategy)
    return on_trial(record, fact, now, strategy)


def _can_wait(before: Record, after: Record) -> bool:
    """Whether what is new would only be told, and moves no user away from harm: it can wait until others are heard."""
    news = after.outbox[len(before.outbox) :]
    return bool(news) and all(item.severity is not Severity.PAGE for item in news)


def _waiting(record: Record, fact: Judged) -> str:
    rollout = record.active
    assert rollout is not None
    if fact.verdict:
        return fact.verdict.reason
    return f"{rollout.release.short} is {rollout.phase}; its revision is {fact.canary_state}."
