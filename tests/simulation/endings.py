"""What must be true when the faults have stopped and every message has come: promises (i), (j), (k), and no loss."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.rollout import codec
from shared.rollout.names import HoldCause, Phase
from shared.rollout.record import Record
from shared.rollout.service import RevisionState, Service
from shared.rollout.traffic import drifted, percents
from shared.runtime.ledger_keys import ledger_key, ledger_prefix
from tests.simulation.promised import Broken

if TYPE_CHECKING:
    from tests.simulation.world import World

FRESH = timedelta(minutes=3)  # on its way at the very end
ASKED = frozenset({"rollout.held", "rollout.still_held", "rollback.impossible"})


def check_endings(world: "World") -> None:
    """Raises Broken."""
    world.promises.checked.update("ijk")
    if world.bus.rejected:
        delivery, error = world.bus.rejected[0]
        raise Broken("j", "No message of a well-behaved sender is rejected.", f"{delivery.message.data!r}: {error}")
    if world.bus.dead:
        raise Broken("k", "Without faults no message ends as a dead letter.", str(world.bus.dead[0].message))
    if world.ledger.frozen:
        raise Broken("d", "An older freeze never undoes its own lifting.", world.ledger.frozen)
    for build in world.script.failed_builds:
        if ledger_key(f"builds/{build}") not in world.ledger.objects:
            raise Broken("j", "A build that failed is told.", build)
    for name, service in world.run.services.items():
        _told_is_true(world, name)
        if service.record:
            _ended_well(world, codec.decode(service.record), service)
        elif set(world.script.pushed[name]) - world.promises.past[name].destroyed:
            raise Broken("k", "No push is lost.", f"{name} was pushed to and has no record")


def _ended_well(world: "World", record: Record, service: Service) -> None:
    name = service.name
    _announced(world, record)
    _came_to_rest(world, record)
    if not record.edited and drifted(record, world.environment.services[name].strategy, service.traffic):
        raise Broken("k", "The next tick repairs what a crash left.", f"{service.traffic} is not the record's")
    for ending in world.promises.past[name].rolled_back():
        if not record.edited and percents(service.traffic).get(ending.revision):
            raise Broken("f", "After a rollback nothing re-promotes that release.", f"{ending.revision} serves")
    _no_push_is_lost(world, record)
    _no_revision_is_forgotten(world, record, service)


def _announced(world: "World", record: Record) -> None:
    fresh = {item.key for item in record.outbox if world.timeline.now - item.at < FRESH}
    for key, text in world.promises.past[record.service].announced.items():
        if key in fresh:
            continue
        if any(item.key == key for item in record.outbox):
            raise Broken("j", "A committed transition is announced.", f"{key} is still in the outbox")
        entry = world.ledger.objects.get(ledger_key(key))
        if entry is None:
            raise Broken("j", "A committed transition is announced.", f"{key} is not in the ledger")
        if json.loads(entry)["text"] != text:
            raise Broken("j", "Every transition has a key of its own.", f"{key} says {json.loads(entry)['text']!r}")


def _told_is_true(world: "World", name: str) -> None:
    committed = {ledger_key(key) for key in world.promises.past[name].committed}
    for key in world.ledger.announcements:
        if key.startswith(ledger_prefix(name)) and key not in committed:
            raise Broken("j", "Nothing is told that did not happen.", key)


def _came_to_rest(world: "World", record: Record) -> None:
    rollout = record.active
    if rollout is None:
        return
    if rollout.phase is not Phase.HELD or rollout.hold is None:
        raise Broken("i", "Every state has an exit or a deadline that pages.", f"{rollout.id} is still {rollout.phase}")
    if rollout.hold.cause in (HoldCause.METRICS_OUTAGE, HoldCause.SHARED_OUTAGE, HoldCause.FREEZE):
        raise Broken("i", "A hold ends with its cause.", f"{rollout.id} is held: {rollout.hold.cause}")
    told = {json.loads(entry)["kind"] for entry in world.ledger.announcements.values()}
    if not told & ASKED:
        raise Broken("i", "Whoever must act is told.", f"{rollout.id} is held and nobody was told")


def _no_revision_is_forgotten(world: "World", record: Record, service: Service) -> None:
    """What appeared without us runs through a rollout, waits for a person, or was told why it never will."""
    name = service.latest_created
    revision = world.run.revisions[name]
    rollout = record.rollout
    unnamed = rollout and not rollout.canary and service.rollout_id == rollout.id  # its own, which ended before
    waits = record.edited or record.pin or record.active or unnamed
    blamed = record.refuses(name) and record.is_known_bad(revision.image.partition("@")[2])
    if waits or record.knows(name) or blamed or revision.state is not RevisionState.READY:
        return
    raise Broken("k", "No revision that appears is forgotten.", f"{name} is neither on trial nor known")


def _no_push_is_lost(world: "World", record: Record) -> None:
    """The newest push either runs, waits, is blamed, or was told what became of it."""
    pushed = world.script.pushed[record.service]
    if not pushed:
        return
    digest = pushed[-1]
    decided = {
        *(release.digest for release in (record.stable_release, record.waiting) if release),
        *(bad.digest for bad in record.known_bad),
        *([record.rollout.release.digest] if record.rollout else []),
    }
    told = {json.loads(entry).get("details", {}).get("digest") for entry in world.ledger.announcements.values()}
    if digest not in decided | told | world.promises.past[record.service].destroyed:
        raise Broken("k", "No push is lost.", f"{digest} left no trace")
