"""The split of traffic: promises (h) and (j), checked after every write."""

from shared.rollout.names import Phase
from shared.rollout.record import Record
from shared.rollout.service import RevisionState
from shared.rollout.traffic import drifted
from tests.simulation.advancing import HUMAN
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import FOREIGN_TAG, CloudRun
from tests.simulation.promised import Broken


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
