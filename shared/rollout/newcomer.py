"""A revision that nobody announced: a changed variable or secret, a `terraform apply`."""

from datetime import datetime

from shared.rollout.announcement import Severity
from shared.rollout.change import announce, concluded, end, note
from shared.rollout.climbing import condemned
from shared.rollout.decision import Decision, Effect
from shared.rollout.names import Phase, Release
from shared.rollout.observations import Judged
from shared.rollout.record import Record, Rollout
from shared.rollout.requests import affinity_warned, begin
from shared.rollout.strategy import OnNewer, Strategy
from shared.rollout.table import Cause


def needs_rollout(record: Record, fact: Judged) -> bool:
    """Not one we know, nor one whose image names no digest: nobody could say later what ran."""
    return bool(fact.appeared and not record.knows(fact.appeared) and "@" in fact.appeared_image)


def may_supersede(rollout: Rollout, fact: Judged, strategy: Strategy) -> bool:
    """Whether what appeared may end this rollout: not one that this very reading finds bad, which must be blamed."""
    if rollout.effective_phase is Phase.BAKING or condemned(fact):
        return False
    return strategy.on_newer is OnNewer.SUPERSEDE


def appeared(record: Record, kept: Record, fact: Judged, now: datetime, again: tuple[Effect, ...]) -> Decision:
    """A revision somebody else made goes through a rollout like any other, unless it may not start."""
    image, _, digest = fact.appeared_image.partition("@")
    key = f"revision/{fact.appeared}"
    bad = kept.is_known_bad(digest)
    if bad or kept.pin or kept.frozen or fact.frozen or (kept.active and kept.active.hold):
        why = (
            f"its image was rolled back. {bad.reason}"
            if bad
            else (kept.pin.reason if kept.pin else kept.frozen or fact.frozen or "the current rollout is held.")
        )
        text = f"{fact.appeared} appeared and gets no traffic: {why}"
        if kept.has_acted(key):
            return concluded(record, kept, "duplicate", text, *again)
        after = note(kept, "revision.refused", now, text, Severity.WARNING, revision=fact.appeared)
        return concluded(record, after.remember_acted(key), "revision_refused", text, *again)
    if kept.full:
        return concluded(record, kept, "waits", f"{fact.appeared} appeared and waits for the ledger.", *again)
    after = kept
    if after.active:
        text = f"{after.active.release.short} was superseded by {fact.appeared}."
        after = end(after, Cause.SUPERSEDED, now, "rollout.superseded", text, Severity.INFO)
    release = Release(image=image, digest=digest, requested_at=fact.at)
    after, rollout = begin(after, release, now, canary=fact.appeared, decided_at=after.decided_at)
    severity, warning = affinity_warned(rollout, session_affinity=fact.session_affinity)
    text = f"{fact.appeared} appeared without a push (a changed variable or secret) and starts as a canary.{warning}"
    after = announce(after, "rollout.started", now, text, severity, digest=digest, revision=fact.appeared)
    return concluded(record, after, "revision_appeared", text, *again)
