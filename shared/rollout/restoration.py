"""An older record came back: the newest is put in its place, with what was taken back meanwhile."""

from dataclasses import replace
from datetime import datetime

from shared.rollout.announcement import Severity
from shared.rollout.change import announce, concluded, end, roll_back
from shared.rollout.decision import Decision
from shared.rollout.names import Phase
from shared.rollout.record import Pin, Record, Rollout
from shared.rollout.table import Cause, after


def restore(found: Record, newest: Record, now: datetime) -> Decision:
    """An older record came back with its old split (a `terraform apply`): the ledger's newest one is put back.

    What was taken back meanwhile, on the older record, stays taken back.
    """
    back = f"went back from {newest.sequence} to {found.sequence}"
    if found.sequence == newest.sequence:
        back = f"is another {found.sequence} than the newest"
    text = f"The record of {found.service} {back}: somebody wrote an older copy. The newest one is restored."
    told = announce(replace(newest, outbox=found.outbox), "record.restored", now, text, Severity.PAGE)
    return concluded(newest, _taken_back(told, found, now), "record_restored", text)


def _taken_back(record: Record, found: Record, now: datetime) -> Record:
    """`record` with the rollback or abort that only `found` knows of."""
    running, ended = record.rollout, found.rollout
    same = running is not None and ended is not None and running.id == ended.id
    if same and running and ended and ended.phase is Phase.ABORTED:
        reason = f"{ended.release.short} was aborted on the older record."
        if record.active and _may_go_back(running):
            return end(record, Cause.ABORT_COMMAND, now, "rollout.aborted", reason, Severity.WARNING)
        return roll_back(record, Cause.ROLLBACK_COMMAND, now, reason) if _may_go_back(running) else record
    blamed = found.known_bad[-1] if found.known_bad else None
    if blamed is None or any(bad.same_release(blamed) and bad.at >= blamed.at for bad in record.known_bad):
        return record
    record = replace(record.remember_bad(blamed), pin=_later(record.pin, found.pin))
    if blamed.revision == record.stable and not same:
        return _without_ground(record, found, now)
    blamed_too = running is not None and blamed.digest == running.release.digest
    if running and (same or blamed_too) and _may_go_back(running):
        return roll_back(replace(record, target=found.stable), Cause.ROLLBACK_COMMAND, now, blamed.reason)
    return record


def _later(ours: Pin | None, theirs: Pin | None) -> Pin | None:
    """The pin of the rollback that was last: its time is that of what is known bad."""
    return max((pin for pin in (ours, theirs) if pin), key=lambda pin: pin.at, default=None)


def _without_ground(record: Record, found: Record, now: datetime) -> Record:
    """`record` when its stable revision was rolled back meanwhile: what is on trial beside it ends with it."""
    if record.active:
        reason = f"{record.active.release.short} ends: {record.stable}, which it ran beside, was rolled back."
        record = end(record, Cause.ABORT_COMMAND, now, "rollout.aborted", reason, Severity.WARNING)
    good = tuple(name for name in record.good if name != record.stable)
    return replace(record, stable=found.stable, stable_release=found.stable_release, target=found.target, good=good)


def _may_go_back(rollout: Rollout) -> bool:
    return after(rollout.phase, Cause.ROLLBACK_COMMAND) is not None and not rollout.irreversible
