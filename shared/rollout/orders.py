"""An operator's command: who, why, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from shared.rollout.announcement import Severity
from shared.rollout.change import (
    announce,
    concluded,
    end,
    enter,
    hold,
    met_users,
    narrated,
    no_way_back,
    promote,
    resume,
    roll_back,
    unchanged,
)
from shared.rollout.commands import TAKING_BACK, Command, Verb
from shared.rollout.decision import Decision, Effect, RequestDeploy
from shared.rollout.facts import DeployRequested
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import ANSWERS_MAX, OUTBOX_MAX, Record
from shared.rollout.strategy import Strategy
from shared.rollout.table import Cause
from shared.rollout.traffic import in_words, split


def ordered(record: Record, command: Command, now: datetime, strategy: Strategy) -> Decision:
    """A refused or overtaken command is answered too; a repeat changes nothing."""
    if record.has_acted(command.key):
        return unchanged(record, "duplicate", f"Command {command.request_id} was taken already.")
    if why := _overtaken(record, command):
        return _refused(record, record, command, now, "stale", why)
    if record.full and command.verb not in TAKING_BACK:
        return _refused(record, record, command, now, "refused", _unheard(record))
    after = replace(record, commanded_at=max(command.at, record.commanded_at or command.at))
    outcome = _ORDERS[command.verb](after.remember_acted(command.key), command, now, strategy)
    if isinstance(outcome, str):
        return _refused(record, after, command, now, "refused", outcome)
    after, effects = outcome
    return narrated(record, after, command.verb, f"{command.by}: {_why(command)}", *effects)


def _refused(record: Record, after: Record, command: Command, now: datetime, rule: str, why: str) -> Decision:
    text = f"{command.verb} refused ({command.by}: {_why(command)}): {why}"
    after = after.remember_acted(command.key)
    if len(after.outbox) < OUTBOX_MAX + ANSWERS_MAX:
        after = announce(after, "command.refused", now, text, Severity.WARNING, by=command.by)
    return concluded(record, after, rule, text)


def _unheard(record: Record) -> str:
    return (
        f"{len(record.outbox)} announcements are not in the ledger yet, and until they are nothing is taken but "
        "rollback and abort. Send it again then."
    )


def _why(command: Command) -> str:
    """As a sentence, whatever the person typed."""
    why = command.why.strip()
    return why if why.endswith((".", "!", "?")) else f"{why}."


NOTICED_WITHIN = timedelta(minutes=3)
"""What a person does to the traffic is found by the second tick at the latest. A command that is older by more than
this than the finding was sent before it, by somebody who could not know of it."""


def _sent_before_the_split(record: Record, command: Command) -> bool:
    return bool(record.edited and record.edited_at and command.at < record.edited_at - NOTICED_WITHIN)


_Outcome = tuple[Record, tuple[Effect, ...]] | str


def _overtaken(record: Record, command: Command) -> str:
    """Taking back wins every race, whatever else was commanded since; but it is about the rollout it was sent to."""
    if record.rollout and command.at < record.rollout.started_at:
        return f"The command is older than the rollout of {record.rollout.release.short}."
    if command.verb not in TAKING_BACK and record.commanded_at and command.at < record.commanded_at:
        return "A newer command was taken already."
    return ""


def _rollback(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    rollout = record.rollout
    reason = f"{command.by} rolled back: {_why(command)}"
    if rollout is None or not (rollout.active or rollout.phase is Phase.PROMOTED):
        if not record.edited:
            return "no release of ours is on trial or promoted."
        if _sent_before_the_split(record, command):
            return f"traffic was moved by hand after it was sent ({record.edited}). Send it again to undo that."
        text = f"{reason} The hand-made split is undone."
        return announce(record.hands_off(), "traffic.restored", now, text, by=command.by), ()
    if rollout.irreversible and rollout.hold and rollout.hold.cause is HoldCause.MIGRATION:
        return no_way_back(rollout)
    if rollout.hold and rollout.hold.cause is HoldCause.NO_TARGET and met_users(rollout) and not record.target:
        return "no good revision is known to return to: a person must choose one."
    stays = _sent_before_the_split(record, command)
    return roll_back(record, Cause.ROLLBACK_COMMAND, now, reason, Severity.WARNING, split_stays=stays), ()


def _abort(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    if record.active is None:
        return "nothing is on trial."
    if record.active.irreversible:
        return no_way_back(record.active)
    reason = f"{command.by} aborted {record.active.release.short}: {_why(command)}"
    record = record if _sent_before_the_split(record, command) else record.hands_off()
    return end(record, Cause.ABORT_COMMAND, now, "rollout.aborted", reason, Severity.WARNING), ()


def _pause(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    if record.active is None:
        return "nothing is on trial."
    if record.active.hold and record.active.hold.cause is HoldCause.PAUSED:
        return "it is paused already."
    return hold(record, HoldCause.PAUSED, now, f"{command.by} paused: {_why(command)}", Severity.INFO), ()


def _resume(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    reason = f"{command.by} resumed: {_why(command)}"
    if record.edited:
        if _sent_before_the_split(record, command):
            return f"traffic was moved by hand after it was sent ({record.edited}). Send it again to undo that."
        record = record.hands_off()
        return announce(
            record, "traffic.restored", now, f"{reason} Traffic is {in_words(split(record, strategy))}."
        ), ()
    if record.active is None or record.active.hold is None:
        return "nothing is held."
    if record.active.hold.cause is HoldCause.FREEZE:
        return "it is frozen: unfreeze it."
    return resume(record, now, reason), ()


def _promote(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    rollout = record.active
    if frozen := record.frozen or command.frozen:
        return f"frozen: {frozen}"
    if record.edited:
        return f"traffic is in a person's hands ({record.edited}): resume or roll back first."
    if rollout is None or rollout.effective_phase not in (Phase.PROGRESSING, Phase.BAKING):
        return "no release with users' traffic is on trial."
    reason = f"{command.by} promoted {rollout.release.short}: {_why(command)}"
    if rollout.effective_phase is Phase.BAKING:  # whatever holds it
        record = replace(record, rollout=replace(rollout, phase=Phase.BAKING))
        return promote(record, Cause.PROMOTE_COMMAND, now, reason), ()
    record = enter(record, Cause.PROMOTE_COMMAND, now)
    return announce(record, "rollout.advanced", now, f"{reason} It bakes at 100 %.", percent="100", by=command.by), ()


def _release_pin(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    if record.pin is None:
        return "nothing is pinned."
    record = announce(
        replace(record, pin=None), "pin.released", now, f"{command.by} released the pin: {_why(command)}", by=command.by
    )
    if record.waiting is None or record.frozen or command.frozen:
        return record, ()
    request = DeployRequested(service=record.service, release=record.waiting, source="waiting", by=command.by)
    return record, (RequestDeploy(request=request),)


def _freeze(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    reason = f"{command.by} froze {record.service}: {_why(command)}"
    return announce(replace(record, frozen=reason), "service.frozen", now, reason, by=command.by), ()


def _unfreeze(record: Record, command: Command, now: datetime, strategy: Strategy) -> _Outcome:
    if not record.frozen:
        return "the service is not frozen."
    reason = f"{command.by} lifted the freeze: {_why(command)}"
    return announce(replace(record, frozen=""), "service.unfrozen", now, reason, by=command.by), ()


_ORDERS: dict[Verb, Callable[[Record, Command, datetime, Strategy], _Outcome]] = {
    Verb.ROLLBACK: _rollback,
    Verb.ABORT: _abort,
    Verb.PAUSE: _pause,
    Verb.RESUME: _resume,
    Verb.PROMOTE: _promote,
    Verb.RELEASE_PIN: _release_pin,
    Verb.FREEZE: _freeze,
    Verb.UNFREEZE: _unfreeze,
}
