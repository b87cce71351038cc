"""A service whose record went back or was lost gets the newest one from the ledger."""

import json

from shared.rollout import codec
from shared.rollout.record import Record
from tests.functions.world import MINUTE, STABLE, deployed, on_trial


def test_an_older_record_put_back_by_terraform_is_restored_from_the_ledger() -> None:
    world = deployed()
    world.push("b")
    old = world.cloud.services.rows["web"]
    world.ready()
    world.tick()
    world.put_back(old)
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_a_service_that_lost_its_record_gets_it_back() -> None:
    world = deployed()
    untouched = world.cloud.services.rows["web"]
    world.release("b")
    world.put_back(untouched)
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.cloud.services.percents("web") == {STABLE: 95, world.canary: 5}


def test_a_service_made_anew_under_an_old_name_is_not_taken_for_one_that_went_back() -> None:
    world = deployed()
    gone = codec.encode(Record(service="web", sequence=41, stable="web-00009-old"))
    entry = json.dumps({"record": gone}).encode()
    world.cloud.ledger.append("services/web/000041-20261122T120000Z-rollout.promoted.json", entry)
    world.push("b")
    assert world.record.sequence == 42
    assert not any("record_restored" in line for line in world.tick())


def test_a_command_is_taken_on_the_newest_record_not_on_the_old_copy_somebody_wrote() -> None:
    world = deployed()
    world.push("b")
    old = world.cloud.services.rows["web"]
    world.ready()
    world.tick()
    world.put_back(old)
    world.cloud.clock.pass_(MINUTE)
    world.command("pause")
    assert world.record.rollout
    assert (world.record.rollout.effective_phase, world.record.rollout.phase) == ("progressing", "held")


def test_a_rollback_on_an_old_copy_acts_at_once_and_survives_the_restoration() -> None:
    world = on_trial()
    old = world.cloud.services.rows["web"]
    world.cloud.clock.pass_(MINUTE)
    world.command("pause", request_id="r1")
    world.command("resume", request_id="r2")
    world.put_back(old)
    reads = world.cloud.services.reads
    assert "rolled_back" in world.command("rollback", request_id="r3")[0]
    assert world.cloud.services.reads == reads + 1
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.record.pin
    assert world.cloud.services.percents("web") == {STABLE: 100}


def test_a_rollback_on_an_old_copy_outlives_a_younger_copy_of_the_same_number() -> None:
    """Two applies, one with a record from before the rollback that has the number the rollback took."""
    world = on_trial()
    old = world.cloud.services.rows["web"]
    world.tick()
    younger = world.cloud.services.rows["web"]
    assert codec.decode(younger.record).sequence == codec.decode(old.record).sequence + 1
    world.put_back(old, etag="98")
    world.cloud.clock.pass_(MINUTE)
    world.command("rollback")
    assert world.record.sequence == codec.decode(younger.record).sequence
    world.put_back(younger)
    world.tick()
    assert any("record_restored" in line for line in world.said)
    assert world.record.pin
    assert world.cloud.services.percents("web") == {STABLE: 100}
