"""The few ways a record changes: announce, enter a phase, hold, resume, promote, roll back, end, conclude."""

from dataclasses import replace
from datetime import datetime

from shared.rollout.announcement import Announcement, Severity
from shared.rollout.bounds import SENTENCE_MAX, WORDS_MAX, clipped, fitted
from shared.rollout.decision import Decision, Effect, Move, Publish, Start
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Hold, KnownBad, Pin, Record, Rollout
from shared.rollout.table import Cause, after


def announce(
    record: Record, kind: str, now: datetime, text: str, severity: Severity = Severity.INFO, **details: str
) -> Record:
    """Adds one announcement to the outbox, under a key of its own.

    The next sequence orders it; the time, to the millisecond, tells it from one that was announced before somebody
    restored an older record.
    """
    at = f"{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03d}Z"
    announcement = Announcement(
        key=f"{record.service}/{record.sequence + 1:06d}-{at}-{kind}",
        kind=kind,
        service=record.service,
        at=now,
        text=clipped(text, SENTENCE_MAX),
        severity=severity,
        rollout_id=record.rollout.id if record.rollout else "",
        details={name: clipped(detail, WORDS_MAX) for name, detail in details.items()},
    )
    return replace(record, outbox=(*record.outbox, announcement))


def note(
    record: Record, kind: str, now: datetime, text: str, severity: Severity = Severity.INFO, **details: str
) -> Record:
    """As `announce`, for what moves nothing. While the outbox is full only the log says it."""
    return record if record.full else announce(record, kind, now, text, severity, **details)


def unchanged(record: Record, rule: str, reason: str) -> Decision:
    """Nothing to write, nothing to tell."""
    return Decision(record=record, rule=rule, reason=reason)


def concluded(before: Record, record: Record, rule: str, reason: str, *effects: Effect) -> Decision:
    """The decision that takes `before` to `record`: one write, then what is new in the outbox."""
    if record == before:
        return Decision(record=before, rule=rule, reason=reason, effects=effects)
    if not any(isinstance(effect, Start | Move) for effect in effects):
        effects = (Move(), *effects)
    told = {announcement.key for announcement in before.outbox}
    news = tuple(Publish(announcement=item) for item in record.outbox if item.key not in told)
    return Decision(
        record=fitted(replace(record, sequence=before.sequence + 1)),
        rule=rule,
        reason=reason,
        effects=(*effects, *news),
    )


def narrated(before: Record, record: Record, rule: str, reason: str, *effects: Effect) -> Decision:
    """As `concluded`, in the words of the newest announcement when there is a new one."""
    return concluded(before, record, *newest_words(before, record, rule, reason), *effects)


def newest_words(before: Record, record: Record, rule: str, reason: str) -> tuple[str, str]:
    """The kind and the text of the newest announcement when there is a new one, or `rule` and `reason`."""
    if len(record.outbox) > len(before.outbox):
        return record.outbox[-1].kind, record.outbox[-1].text
    return rule, reason


def enter(record: Record, cause: Cause, now: datetime, *, step: int | None = None) -> Record:
    """The record with its rollout in the phase that the table names for `cause`; asserts that it names one."""
    rollout = record.rollout
    assert rollout is not None
    phase = after(rollout.phase, cause)
    assert phase is not None, f"{cause} is not legal in {rollout.phase}"
    return replace(record, rollout=replace(rollout, phase=phase, phase_since=now, hold=None, step=step))


def hold(record: Record, cause: HoldCause, now: datetime, reason: str, severity: Severity = Severity.PAGE) -> Record:
    """Stops the rollout where it stands; a hold of the same cause stays as it is."""
    rollout = record.active
    assert rollout is not None
    if rollout.hold and rollout.hold.cause is cause:
        return record
    held = Hold(
        cause=cause, reason=clipped(reason, SENTENCE_MAX), since=now, phase=rollout.effective_phase, told_at=now
    )
    record = replace(record, rollout=replace(rollout, phase=Phase.HELD, phase_since=now, hold=held))
    return announce(record, "rollout.held", now, reason, severity, cause=cause)


def resume(record: Record, now: datetime, reason: str) -> Record:
    """Back to the phase a hold interrupted, whose clock starts anew."""
    rollout = record.active
    assert rollout is not None
    assert rollout.hold is not None
    record = replace(record, rollout=replace(rollout, phase=rollout.hold.phase, phase_since=now, hold=None))
    return announce(record, "rollout.resumed", now, reason)


def met_users(rollout: Rollout) -> bool:
    """Whether the canary has, or had, users' traffic."""
    return rollout.first_traffic_at is not None


def promote(record: Record, cause: Cause, now: datetime, reason: str) -> Record:
    """The canary becomes stable; the old stable stays addressable as the one to return to, if it still can run."""
    record = enter(record, cause, now)
    rollout = record.rollout
    assert rollout is not None
    record = replace(
        record,
        stable=rollout.canary,
        stable_release=rollout.release,
        placeholder=False,
        target=rollout.stable,
    )
    if rollout.irreversible:
        for name in record.good:
            record = record.retire(name)
        record = replace(record, good=(), target="", standby="")
    record = record.remember_good(rollout.canary)
    return announce(record, "rollout.promoted", now, reason, digest=rollout.release.digest, revision=rollout.canary)


def no_way_back(rollout: Rollout) -> str:
    """Why an irreversible rollout is not taken back, and what a person can do instead."""
    promote_it = "promote this one, and a" if rollout.active else "a"
    return (
        f"Nothing moves: {rollout.release.short} ran a migration that earlier releases cannot run with. Roll forward "
        f"({promote_it} fixed release starts when it is pushed) or restore the database."
    )


def roll_back(
    record: Record,
    cause: Cause,
    now: datetime,
    reason: str,
    severity: Severity = Severity.PAGE,
    *,
    split_stays: bool = False,
) -> Record:
    """All traffic on the verified target, the release known bad, the service pinned.

    split_stays: traffic was moved by hand after this was asked for; that is left alone.

    When users are on the canary and no good revision is known, or none that runs with the database as the release left
    it, nothing moves and a person is paged.
    """
    rollout, reason = record.rollout, clipped(reason, SENTENCE_MAX)
    assert rollout is not None
    if rollout.irreversible:
        text = f"{reason} {no_way_back(rollout)}"
        if record.active:
            return hold(record, HoldCause.MIGRATION, now, text)
        return announce(record, "rollback.refused", now, text, Severity.PAGE)
    users_moved = met_users(rollout)
    if users_moved and not record.target:
        text = f"{reason} No good revision is known to return to: a person must choose one."
        if record.active:
            return hold(record, HoldCause.NO_TARGET, now, text)
        return announce(record, "rollback.impossible", now, text, Severity.PAGE)
    config_only = rollout.stable_release is not None and rollout.stable_release.digest == rollout.release.digest
    record = enter(record, cause, now)
    back_to = record.target if users_moved else record.stable
    record = record if split_stays else record.hands_off()
    record = replace(
        record,
        stable=back_to,
        stable_release=rollout.stable_release if back_to == rollout.stable else None,
        good=tuple(name for name in record.good if name != rollout.canary),
        pin=Pin(at=now, reason=reason),
    ).remember_bad(
        KnownBad(digest="" if config_only else rollout.release.digest, revision=rollout.canary, at=now, reason=reason)
    )
    if users_moved:
        record = replace(record, target="")  # nobody has asked the next one yet; the next rollout begins with stable
    return announce(
        record,
        "rollout.rolled_back",
        now,
        f"{reason} {_whereto(record)}; the service is pinned.",
        severity,
        cause=cause,
        digest=rollout.release.digest,
        revision=rollout.canary,
        target=back_to,
    )


def _whereto(record: Record) -> str:
    if record.edited:
        return f"Traffic was moved by hand since and stays as it is ({record.edited})"
    return f"All traffic is on {record.stable or 'the latest ready revision'}"


def end(record: Record, cause: Cause, now: datetime, kind: str, reason: str, severity: Severity) -> Record:
    """A rollout ends without blame for its image: failed to start, superseded or aborted. Traffic is stable's."""
    rollout = record.rollout
    assert rollout is not None
    record = enter(record, cause, now).retire(rollout.canary)
    return announce(record, kind, now, reason, severity, digest=rollout.release.digest, revision=rollout.canary)
