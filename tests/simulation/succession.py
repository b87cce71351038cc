"""One rollout after another, no older event over a newer decision: promises (b), (d), (f), after every write."""

from shared.rollout.orders import NOTICED_WITHIN
from shared.rollout.traffic import drifted
from tests.simulation.changes import Change, Past
from tests.simulation.deployment import CloudRun
from tests.simulation.promised import Broken
from tests.simulation.taking_back import TAKEN_BACK
from tests.simulation.versions import Version

ENDINGS = frozenset({"rollout.promoted", *(f"rollout.{phase}" for phase in TAKEN_BACK)})


def one_rollout_at_a_time(change: Change, past: Past, run: CloudRun) -> None:
    """(b) At most one revision besides stable has traffic, and it is the active rollout's."""
    record = change.after
    if record.edited:
        return
    canary = record.active.canary if record.active else ""
    strangers = set(change.shares) - {record.stable or change.service.latest_ready, canary}
    if strangers:
        raise Broken("b", "At most one active rollout per service.", f"traffic on {sorted(strangers)} as well")


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


def newer_decisions_stand(change: Change, past: Past, run: CloudRun) -> None:
    """(d) An older event never undoes a newer decision."""
    before, after = change.before, change.after
    if before and after.sequence <= before.sequence:
        raise Broken("d", "Every write is newer than the one before.", f"{before.sequence} became {after.sequence}")
    begun = after.rollout and (before is None or before.rollout is None or before.rollout.id != after.rollout.id)
    if begun and after.rollout and change.turn.function == "canary_deploy" and not change.restored:
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


def a_pin_waits_for_a_person(change: Change, past: Past, run: CloudRun) -> None:
    """(f) A rollback pins the service: nothing starts until a person releases it."""
    before, rollout = change.before, change.after.active
    started = rollout and not (before and before.rollout and before.rollout.id == rollout.id)
    if started and past.pinned and not change.restored:
        raise Broken("f", "A rollback pins the service.", f"{change.turn.function} started a rollout all the same")


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
