"""What was, and what must be, taken back: promise (e), checked after every write."""

import json

from shared.analysis.verdict import Health
from shared.rollout.names import HoldCause, Phase
from shared.rollout.service import RevisionState
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import CloudRun
from tests.simulation.promised import Broken

TAKEN_BACK = frozenset({Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED})
ON_TRIAL = frozenset({Phase.PROGRESSING, Phase.BAKING})
NO_WAY_BACK = frozenset({HoldCause.NO_TARGET, HoldCause.MIGRATION})


def alerts_are_about_this(change: Change, past: Past, run: CloudRun) -> None:
    """(e) An alert takes back only what met users before it opened, and only the revision it names."""
    before, after = change.before, change.after
    if change.turn.message.topic != "alerts" or before is None or before.rollout is None or after.rollout is None:
        return
    if change.restored or before.rollout.phase is after.rollout.phase or after.rollout.phase is not Phase.ROLLED_BACK:
        return
    incident = json.loads(change.turn.message.data)["incident"]
    met = before.rollout.first_traffic_at
    named = incident["resource"]["labels"].get("revision_name", before.rollout.canary)
    rolls_back = incident["policy_user_labels"].get("rollback") == "true"
    if not rolls_back or met is None or incident["started_at"] < int(met.timestamp()) or named != before.rollout.canary:
        raise Broken("e", "An alert acts only on what it can be about.", f"{incident} took {before.rollout.id} back")


def ended_is_ended(change: Change, past: Past, run: CloudRun) -> None:
    """(e) Rollback wins every race: a rollout that was taken back never lives again."""
    before, rollout = change.before, change.after.rollout
    if rollout is None or rollout.id not in past.ended:
        return
    ended = past.ended[rollout.id].phase
    if ended not in TAKEN_BACK or rollout.phase in TAKEN_BACK:
        return
    if before and before.rollout and before.rollout.id == rollout.id and before.rollout.phase is not ended:
        return  # somebody else's write brought it back to life; the next tick restores the record
    raise Broken("e", "Rollback wins every race.", f"{rollout.id} was {ended} and is {rollout.phase}")


def the_bad_is_taken_back(change: Change, past: Past, run: CloudRun) -> None:
    """(e) What a fresh reading proves bad on users loses them in the write that hears of it."""
    before, judged, rollout = change.before, change.judged, change.after.rollout
    edited = change.after.edited or (before and before.edited)  # hands win
    if before is None or before.active is None or judged is None or change.restored or edited:
        return
    active, strategy = before.active, change.turn.environment.services[change.service.name].strategy
    now = change.turn.decided_at
    about_now = (judged.rollout_id, judged.step) == (active.id, active.step) and judged.at >= active.phase_since
    if not about_now or now - judged.at > strategy.verdict_age_max or active.effective_phase not in ON_TRIAL:
        return
    gone = bool(judged.canary) and judged.canary_state in (RevisionState.FAILED, RevisionState.MISSING)
    if not gone and (judged.verdict is None or judged.verdict.health is not Health.UNHEALTHY):
        return
    held = rollout and rollout.hold and rollout.hold.cause in NO_WAY_BACK
    if rollout and rollout.id == active.id and (rollout.phase is Phase.ROLLED_BACK or held):
        return
    found = f"{active.id} is {rollout and rollout.phase} after {judged.canary_state}, {judged.verdict}"
    raise Broken("e", "What a reading proves bad is taken back.", found)


def the_target_answered(change: Change, past: Past, run: CloudRun) -> None:
    """(e) A revision becomes the one to return to only when it was asked and answered."""
    before, target = change.before, change.after.target
    if change.judged is None or change.restored or before is None or target in ("", before.target):
        return
    if change.judged.target == target and target not in change.turn.answered():
        raise Broken("e", "A rollback returns to a revision that answered.", f"{target} was not asked, or did not")
