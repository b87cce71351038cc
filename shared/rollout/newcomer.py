"""A revision that nobody announced: a changed variable or secret, a `terraform apply`."""

from datetime import datetime
from typing import NamedTuple

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


def _must_wait(record: Record, fact: Judged) -> str:
    """Why what appeared may not start now, or ""; the newest that appeared starts when this is over."""
    if record.pin:
        return f"the service is pinned until a person releases it. {record.pin.reason}"
    if frozen := record.frozen or fact.frozen:
        return f"frozen: {frozen}"
    if record.active and record.active.hold:
        return f"{record.active.release.short} is held. {record.active.hold.reason}"
    return ""


def may_supersede(rollout: Rollout, fact: Judged, strategy: Strategy) -> bool:
    """Whether what appeared may end this rollout: not one that this very reading finds bad, which must be blamed."""
    if rollout.effective_phase is Phase.BAKING or condemned(fact):
        return False
    return strategy.on_newer is OnNewer.SUPERSEDE


class PutOff(NamedTuple):
    """What appeared gets no rollout now, and this is what people are told of it; rule: "duplicate" from then on."""

    record: Record
    rule: str
    text: str


def put_off(kept: Record, fact: Judged, now: datetime) -> PutOff | None:
    """Refused for good or made to wait; None when it may start."""
    _, _, digest = fact.appeared_image.partition("@")
    if bad := kept.is_known_bad(digest):
        kind, rule, known = "revision.refused", "revision_refused", kept.refuses(fact.appeared)
        text = f"{fact.appeared} appeared and gets no traffic: its image was rolled back. {bad.reason}"
        told = kept.refuse(fact.appeared)
    elif why := _must_wait(kept, fact):
        kind, rule, key = "revision.waiting", "revision_waits", f"newcomer/{fact.appeared}"
        text = f"{fact.appeared} appeared and waits: {why}"
        known, told = kept.has_acted(key), kept.remember_acted(key)
    else:
        return None
    if known:
        return PutOff(kept, "duplicate", text)
    return PutOff(note(told, kind, now, text, Severity.WARNING, revision=fact.appeared), rule, text)


def appeared(record: Record, kept: Record, fact: Judged, now: datetime, again: tuple[Effect, ...]) -> Decision:
    """A revision somebody else made goes through a rollout like any other, once it may start."""
    if off := put_off(kept, fact, now):
        return concluded(record, off.record, off.rule, off.text, *again)
    if kept.full:
        return concluded(record, kept, "waits", f"{fact.appeared} appeared and waits for the ledger.", *again)
    after = kept
    if after.active:
        text = f"{after.active.release.short} was superseded by {fact.appeared}."
        after = end(after, Cause.SUPERSEDED, now, "rollout.superseded", text, Severity.INFO)
    image, _, digest = fact.appeared_image.partition("@")
    release = Release(image=image, digest=digest, requested_at=fact.at)
    after, rollout = begin(after, release, now, canary=fact.appeared, decided_at=after.decided_at)
    severity, warning = affinity_warned(rollout, session_affinity=fact.session_affinity)
    text = f"{fact.appeared} appeared without a push (a changed variable or secret) and starts as a canary.{warning}"
    after = announce(after, "rollout.started", now, text, severity, digest=digest, revision=fact.appeared)
    return concluded(record, after, "revision_appeared", text, *again)
