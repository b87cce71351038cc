"""A release wants in: refuse it, let it wait, let it supersede, or start its canary."""

from dataclasses import replace
from datetime import datetime

from shared.rollout.announcement import Severity
from shared.rollout.change import announce, concluded, end, note, unchanged
from shared.rollout.decision import Decision, Start
from shared.rollout.facts import DeployRequested
from shared.rollout.names import HoldCause, Phase, Release
from shared.rollout.record import Record, Rollout
from shared.rollout.strategy import OnNewer, Strategy
from shared.rollout.table import Cause


def requested(record: Record, fact: DeployRequested, now: datetime, strategy: Strategy) -> Decision:
    """Any order, any number of times: the newest request that may run does, once."""
    release = fact.release
    if reason := _settled(record, release):
        return concluded(record, _without_waiting(record, release), *reason)
    if bad := record.is_known_bad(release.digest):
        why = f"it was rolled back at {bad.at:%Y-%m-%d %H:%M} UTC. {bad.reason}"
        return _refused(record, fact, now, "known_bad", why)
    if fact.gate.refuses:
        return _refused(record, fact, now, "gate", fact.gate.refuses)
    if why := must_wait(record, fact, strategy):
        if record.waiting == release:
            return unchanged(record, "duplicate", f"{release.short} waits already.")
        text = f"{release.short} waits: {why}"
        after = replace(record, waiting=release, decided_at=release.requested_at)
        after = note(after, "deploy.waiting", now, text, Severity.WARNING, digest=release.digest, by=fact.by)
        return concluded(record, after, "waits", text)
    return _start(record, fact, now)


def _refused(record: Record, fact: DeployRequested, now: datetime, rule: str, why: str) -> Decision:
    """Told once per request, whatever is found when it comes again; the same digest may be requested anew."""
    release = fact.release
    tell, severity = (announce, Severity.PAGE) if fact.gate.pages else (note, Severity.WARNING)
    text = f"{release.short} is refused: {why}"
    after = _without_waiting(record, release)
    after = tell(after, "deploy.refused", now, text, severity, digest=release.digest, by=fact.by)
    return concluded(record, after.remember_acted(_refusal(release)), rule, text)


def _refusal(release: Release) -> str:
    return f"deploy/{release.digest}/{release.requested_at.isoformat()}"


def _settled(record: Record, release: Release) -> tuple[str, str] | None:
    """The rule and reason why this request changes nothing any more."""
    rollout = record.rollout
    if record.has_acted(_refusal(release)):
        return "duplicate", f"The request for {release.short} was refused already."
    if (
        rollout
        and rollout.release.digest == release.digest
        and (rollout.active or release.requested_at <= rollout.phase_since)
        and release != record.waiting
    ):
        return "duplicate", f"{release.short} has its rollout already ({rollout.phase})."
    if record.stable_release and record.stable_release.digest == release.digest and not record.active:
        return "already_stable", f"{release.short} is what users are on."
    if record.decided_at and release.requested_at < record.decided_at:
        return "stale", f"{release.short} was requested before the newest release decided on."
    followed = rollout and rollout.release.requested_at > release.requested_at == record.decided_at
    if followed and release != record.waiting:
        return "duplicate", f"{release.short} had its rollout, and a revision that nobody announced came after it."
    return None


def _without_waiting(record: Record, release: Release) -> Record:
    """A release that waits and is answered would be asked for at every tick for ever."""
    return replace(record, waiting=None) if record.waiting == release else record


def must_wait(record: Record, fact: DeployRequested, strategy: Strategy) -> str:
    """Why this release may not start now, or ""."""
    rollout = record.active
    if record.edited:
        return f"traffic is in a person's hands ({record.edited})."
    if record.pin:
        return f"the service is pinned until a person releases it. {record.pin.reason}"
    if frozen := record.frozen or fact.frozen:
        return f"deploys are frozen: {frozen}"
    if fact.gate.waits:
        return fact.gate.waits
    if record.full:
        return f"{len(record.outbox)} announcements are not in the ledger yet."
    if rollout is None:
        return ""
    if rollout.effective_phase is Phase.BAKING:
        return f"{rollout.release.short} passed every judged step and is baking; promote it to go on at once."
    if rollout.hold and rollout.hold.cause is HoldCause.PAUSED:
        return f"a person paused {rollout.release.short}. {rollout.hold.reason}"
    if strategy.on_newer is OnNewer.QUEUE:
        return f"{rollout.release.short} is still on trial and newer releases queue."
    return ""


def _start(record: Record, fact: DeployRequested, now: datetime) -> Decision:
    release = fact.release
    after = record
    if record.active:
        text = f"{record.active.release.short} was superseded by {release.short}."
        after = end(after, Cause.SUPERSEDED, now, "rollout.superseded", text, Severity.INFO)
    after, rollout = begin(after, release, now, decided_at=release.requested_at)
    first = not rollout.stable
    text = f"{release.short} starts " + (
        "as a first deployment: nothing to compare with, probes only."
        if first
        else f"as a canary beside {rollout.stable}."
    )
    severity, warning = affinity_warned(rollout, session_affinity=fact.session_affinity)
    text += warning
    after = announce(
        after, "rollout.started", now, text, severity, digest=release.digest, commit=release.commit, by=fact.by
    )
    start = Start(image=release.reference, rollout_id=rollout.id)
    return concluded(record, after, "start", text, start)


def affinity_warned(rollout: Rollout, *, session_affinity: bool) -> tuple[Severity, str]:
    """How loud a start is told, and what is added when the split cannot hold; a first deployment has no split."""
    if not session_affinity or not rollout.stable:
        return Severity.INFO, ""
    return Severity.WARNING, " Session affinity is on: returning users keep their revision whatever the split says."


def begin(
    record: Record, release: Release, now: datetime, *, canary: str = "", decided_at: datetime | None
) -> tuple[Record, Rollout]:
    """The record with a new rollout in its first phase. decided_at: the request time that older ones lose against.

    canary: the revision, when there is one already; then nobody asked for it, and whoever waits goes on waiting.
    """
    rollout = Rollout(
        id=f"{record.service}-{release.short}-{release.requested_at:%Y%m%d%H%M%S}",
        release=release,
        phase=Phase.PREPARING,
        started_at=now,
        phase_since=now,
        stable="" if record.placeholder else record.stable,
        stable_release=record.stable_release,
        canary=canary,
    )
    waiting = record.waiting if canary else None
    record = replace(record, rollout=rollout, waiting=waiting, decided_at=decided_at, target=rollout.stable)
    return record, rollout
