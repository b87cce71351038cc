"""Promises checked after every write: each check is a part of one sentence of `PROMISES`."""

import json
from collections.abc import Callable, Mapping

from shared.analysis.evidence import ProbeOutcome
from shared.analysis.verdict import Health
from shared.rollout.adoption import serving_revision
from shared.rollout.names import HoldCause, Phase
from shared.rollout.orders import NOTICED_WITHIN
from shared.rollout.record import Record
from shared.rollout.service import RevisionState
from shared.rollout.traffic import drifted
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import FOREIGN_TAG, CloudRun
from tests.simulation.promised import Broken
from tests.simulation.releases import Kind
from tests.simulation.versions import Version

HUMAN = frozenset({"rollout_command"})
TAKEN_BACK = frozenset({Phase.ROLLED_BACK, Phase.FAILED, Phase.SUPERSEDED, Phase.ABORTED})
ON_TRIAL = frozenset({Phase.PROGRESSING, Phase.BAKING})
NO_WAY_BACK = frozenset({HoldCause.NO_TARGET, HoldCause.MIGRATION})
ENDINGS = frozenset({"rollout.promoted", *(f"rollout.{phase}" for phase in TAKEN_BACK)})


def more_traffic_has_a_reason(change: Change, past: Past, run: CloudRun) -> None:
    """(a) No more traffic to a revision without recorded evidence or a named human."""
    if change.after.edited:
        return
    if change.before is None and not change.restored and change.shares != {serving_revision(change.found): 100}:
        found = f"{dict(change.found.serving)} became {change.shares}"
        raise Broken("a", "Taking a service into care leaves users where most of them are.", found)
    for revision, share in change.shares.items():
        if share <= change.shares_before.get(revision, 0) or revision in past.proven:
            continue
        rollout = change.after.rollout
        if rollout and revision == rollout.canary and _reason_for(change, past, rollout.id, share):
            continue
        raise Broken(
            "a",
            "No more traffic to a revision without recorded evidence or a named human.",
            f"{change.turn.function} gave {revision} {share} % instead of {change.shares_before.get(revision, 0)} %",
        )


def _reason_for(change: Change, past: Past, rollout_id: str, share: int) -> bool:
    if change.turn.function in HUMAN:
        return True
    if share <= past.allowed.get(rollout_id, 0):
        return True  # the share it had: the hand-made split, or the older record, is undone
    judged = change.judged
    if judged is None or judged.rollout_id != rollout_id or change.before is None or change.before.rollout is None:
        return False
    if change.before.rollout.first_traffic_at is None:
        passed = bool(judged.probes) and all(probe.outcome is ProbeOutcome.PASSED for probe in judged.probes)
        return passed and change.after.rollout is not None and change.after.rollout.canary in change.turn.answered()
    healthy = judged.verdict is not None and judged.verdict.health is Health.HEALTHY
    return healthy and judged.step == change.before.rollout.step


def one_rollout_at_a_time(change: Change, past: Past, run: CloudRun) -> None:
    """(b) At most one revision besides stable has traffic, and it is the active rollout's."""
    record = change.after
    if record.edited:
        return
    canary = record.active.canary if record.active else ""
    strangers = set(change.shares) - {record.stable or change.service.latest_ready, canary}
    if strangers:
        raise Broken("b", "At most one active rollout per service.", f"traffic on {sorted(strangers)} as well")


def a_pin_waits_for_a_person(change: Change, past: Past, run: CloudRun) -> None:
    """(f) A rollback pins the service: nothing starts until a person releases it."""
    before, rollout = change.before, change.after.active
    started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
    if started and past.pinned and not change.restored:
        raise Broken("f", "A rollback pins the service.", f"{change.turn.function} started a rollout all the same")


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


def a_freeze_holds(change: Change, past: Past, run: CloudRun) -> None:
    """(a) Under a freeze no canary gets more traffic."""
    before, rollout = change.before, change.after.active
    if before is None or rollout is None or not before.frozen or change.restored or change.after.edited:
        return
    if before.active is None or before.active.id != rollout.id or before.edited:
        return
    if change.shares.get(rollout.canary, 0) > change.shares_before.get(rollout.canary, 0):
        raise Broken("a", "A freeze holds what is on trial.", f"{rollout.id} got {change.shares[rollout.canary]} %")


def hands_win(change: Change, past: Past, run: CloudRun) -> None:
    """(h) Traffic edited by hand is left alone until a person or a rollback says otherwise."""
    before = change.before
    if before is None or change.restored or change.turn.function in HUMAN or change.turn.message.topic == "commands":
        return
    strategy = change.turn.environment.services[change.service.name].strategy
    if not drifted(before, strategy, change.found.traffic) or change.shares == change.shares_before:
        return
    if change.after.rollout and change.after.rollout.phase is Phase.ROLLED_BACK:
        return
    raise Broken("h", "A person who edits traffic wins.", f"{change.shares_before} became {change.shares}")


def newer_decisions_stand(change: Change, past: Past, run: CloudRun) -> None:
    """(d) An older event never undoes a newer decision."""
    before, after = change.before, change.after
    if before and after.sequence <= before.sequence:
        raise Broken("d", "Every write is newer than the one before.", f"{before.sequence} became {after.sequence}")
    started = after.rollout and (before is None or before.rollout is None or before.rollout.id != after.rollout.id)
    if started and after.rollout and change.turn.function == "canary_deploy":
        asked = after.rollout.release.requested_at
        newest = max(past.decided.values(), default=asked)
        if asked < newest:
            raise Broken("d", "An older event never undoes a newer decision.", f"started {asked} after {newest}")
    if change.turn.message.topic == "commands" and before and before.rollout and not change.restored:
        overtaken = change.turn.message.published_at < before.rollout.started_at
        moved = change.shares != change.shares_before or (after.rollout and after.rollout.phase) != before.rollout.phase
        if overtaken and moved:
            raise Broken("d", "A command older than the rollout does not touch it.", change.turn.message.data.decode())


def hands_are_newer(change: Change, past: Past, run: CloudRun) -> None:
    """(d) A command sent well before somebody moved traffic by hand does not undo that."""
    before, message = change.before, change.turn.message
    if message.topic != "commands" or before is None or change.restored or change.turn.version is Version.BEFORE:
        return
    moved_at = run.moved_by_hand.get(change.service.name)
    strategy = change.turn.environment.services[change.service.name].strategy
    by_hand = moved_at is not None and drifted(before, strategy, change.found.traffic)
    if before.edited and moved_at and (before.edited_at is None or before.edited_at < moved_at):
        return  # the version before found it, and did not know that its time would be asked for
    if by_hand and moved_at and message.published_at < moved_at - NOTICED_WITHIN and not _same(change):
        found = f"sent {message.published_at:%H:%M:%S}, moved {moved_at:%H:%M:%S}: {change.shares}"
        raise Broken("d", "A command older than a split made by hand does not undo it.", found)


def _same(change: Change) -> bool:
    return change.shares == change.shares_before


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


def bad_stays_out(change: Change, past: Past, run: CloudRun) -> None:
    """(f) After a rollback nothing gives that release more traffic, and nothing starts it again."""
    for ending in past.rolled_back():
        share = change.shares.get(ending.revision, 0)
        if share > change.shares_before.get(ending.revision, 0) and not change.after.edited:
            found = f"{change.turn.function} gave {ending.revision} {share} %"
            raise Broken("f", "After a rollback nothing re-promotes that release.", found)
        before, rollout = change.before, change.after.active
        started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
        if started and rollout and rollout.release.digest == ending.digest:
            raise Broken("f", "After a rollback nothing re-promotes that release.", f"{rollout.id} is {rollout.phase}")


def the_blind_do_not_act(change: Change, past: Past, run: CloudRun) -> None:
    """(g) Loss of metrics neither promotes nor rolls back."""
    judged = change.judged
    if judged is None or judged.verdict is None or judged.verdict.health is not Health.ERROR:
        return
    if change.restored or judged.canary_state in (RevisionState.FAILED, RevisionState.MISSING):
        return
    before, after = change.before, change.after
    phases = tuple(row.rollout.effective_phase if row and row.rollout else None for row in (before, after))
    if before and before.rollout and after.rollout and before.rollout.id != after.rollout.id:
        return  # a revision that appeared has superseded it
    if change.shares != change.shares_before or phases[0] is not phases[1]:
        raise Broken("g", "Loss of metrics neither promotes nor rolls back.", f"{phases[0]} became {phases[1]}")


def traffic_is_whole(change: Change, past: Past, run: CloudRun) -> None:
    """(h) Percents sum to 100 on existing, ready revisions, and nobody else's tags are lost."""
    if sum(change.shares.values()) != 100:
        raise Broken("h", "Percents always sum to 100.", str(change.shares))
    if change.after.edited:
        return
    if change.after.stable and any(row.percent and row.revision is None for row in change.service.traffic):
        raise Broken("h", "Percents are pinned to revisions by name.", str(change.service.traffic))
    for revision, share in change.shares.items():
        known = run.revisions.get(revision)
        if known is None or (known.state is not RevisionState.READY and revision not in run.died):
            raise Broken("h", "Traffic goes to ready revisions only.", f"{revision} has {share} %")
    tags = {row.tag for row in change.service.traffic if row.tag}
    if FOREIGN_TAG not in tags:
        raise Broken("h", "Tags of others survive every change.", f"only {sorted(tags)} are left")


def one_after_another(change: Change, past: Past, run: CloudRun) -> None:
    """(b) A rollout begins in a write that ends the one before, and tells so."""
    before, after = change.before, change.after
    if before is None or before.active is None or change.restored:
        return
    if after.rollout is None:
        raise Broken("b", "A rollout ends before it is forgotten.", before.active.id)
    if after.rollout.id == before.active.id:
        return
    known = {item.key for item in before.outbox}
    told = [item.kind for item in after.outbox if item.key not in known and item.rollout_id == before.active.id]
    if not ENDINGS.intersection(told):
        raise Broken("b", "A rollout begins in a write that ends the one before.", f"{before.active.id}: {told}")


def time_alone_promotes_nothing(change: Change, past: Past, run: CloudRun) -> None:
    """(a) What is promoted was found healthy in that very reading, or a person said so."""
    before, rollout = change.before, change.after.rollout
    if change.restored or change.turn.function in HUMAN or rollout is None or rollout.phase is not Phase.PROMOTED:
        return
    if before is None or before.rollout is None or before.rollout.id != rollout.id or not before.rollout.active:
        return
    verdict = change.judged.verdict if change.judged else None
    if verdict is None or verdict.health is not Health.HEALTHY:
        raise Broken("a", "No promotion without recorded evidence.", f"{rollout.id} was promoted on {verdict}")


def files_come_first(change: Change, past: Past, run: CloudRun) -> None:
    """(a) A release starts only when every file its pages ask for is in the bucket."""
    before, rollout = change.before, change.after.active
    started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
    if not started or rollout is None or change.restored or change.turn.function != "canary_deploy":
        return
    if change.turn.environment.services[change.service.name].assets_bucket and not change.turn.complete(rollout):
        raise Broken("a", "No release starts before its files are there.", rollout.id)


def heavy_pages_meet_nobody(change: Change, past: Past, run: CloudRun) -> None:
    """(a) Pages that people on slow lines cannot bear are let through by nobody but a person's own hand."""
    budgets = change.turn.environment.services[change.service.name].connectivity
    for revision, share in change.shares.items():
        heavy = budgets is not None and revision in run.revisions and run.kind(revision) is Kind.HEAVY
        if heavy and share > change.shares_before.get(revision, 0) and not change.after.edited:
            raise Broken("a", "A page too heavy for slow lines meets nobody.", f"{revision} got {share} %")


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


def traffic_moves_once(change: Change, past: Past, run: CloudRun) -> None:
    """(j) A transition moves traffic in the write that commits it, and nothing else moves any."""
    before, after = change.before, change.after
    strategy = change.turn.environment.services[change.service.name].strategy
    if not after.edited and drifted(after, strategy, change.service.traffic):
        raise Broken("j", "A transition moves traffic in its own write.", f"{change.shares} is not the record's")
    if before is None or change.restored or drifted(before, strategy, change.found.traffic):
        return
    if change.shares != change.shares_before and _standing(before) == _standing(after):
        raise Broken("j", "Traffic moves once a transition.", f"{change.shares_before} became {change.shares}")


def _standing(record: Record) -> tuple[object, ...]:
    """What traffic follows from."""
    rollout = record.active
    if rollout is None:
        return (record.stable, record.edited)
    return (record.stable, record.edited, rollout.canary, rollout.effective_phase, rollout.step)


Check = Callable[[Change, Past, CloudRun], None]
CHECKS: Mapping[str, tuple[Check, ...]] = {
    "a": (
        more_traffic_has_a_reason,
        time_alone_promotes_nothing,
        files_come_first,
        heavy_pages_meet_nobody,
        a_freeze_holds,
    ),
    "b": (one_rollout_at_a_time, one_after_another),
    "d": (newer_decisions_stand, hands_are_newer),
    "e": (alerts_are_about_this, ended_is_ended, the_bad_is_taken_back, the_target_answered),
    "f": (a_pin_waits_for_a_person, bad_stays_out),
    "g": (the_blind_do_not_act,),
    "h": (hands_win, traffic_is_whole),
    "j": (traffic_moves_once,),
}
