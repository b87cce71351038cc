"""A pushed release that declares a migration: no backup, no start; a verified export lets it in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.config.backups import Backups
from shared.rollout.names import Phase
from shared.runtime.backup_ledger import catalogue_folder
from tests.fakes import environment
from tests.functions.world import World, deployed

DATABASE = ("chat", "app")
HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    world = deployed()
    known = environment()
    web = replace(known.services["web"], database=DATABASE, backup_age_max=30 * HOUR)
    backups = Backups(bucket="landing", instances={"chat": ("app",)})
    world.cloud.environment = replace(known, services={"web": web}, backups=backups)
    return world


def verified(world: World, age: timedelta, *, broken: bool = False) -> None:
    """backup_verify's entry about the export of a night so long ago."""
    night = world.cloud.clock.now() - age
    faults = (Fault(kind=FaultKind.NOT_COMPLETE, text="it ends too early"),) if broken else ()
    report = DumpReport(compressed_size=9, raw_size=9, server_version="17", tool_version="17", rows={}, faults=faults)
    name = ExportName(instance=DATABASE[0], database=DATABASE[1], night=night)
    entry = Entry(name=name, bucket="landing", generation=1, crc32c="AAAA", verified_at=night, report=report)
    key = f"{catalogue_folder(*DATABASE)}{night:%Y%m%dT%H%M%SZ}-1.json"
    world.cloud.ledger.append(key, catalogue.encode(entry))


def starts(world: World, tag: str) -> bool:
    world.push("b", tag=tag)
    return world.record.active is not None


@pytest.mark.parametrize("tag", ["v2-expand", "v2-contract"])
def test_no_backup_no_migration_until_one_is_verified(world: World, tag: str) -> None:
    assert not starts(world, tag)
    assert world.record.waiting
    asked = len([item for item in world.cloud.messages.published if item.topic == "deploy-requests"])
    world.tick()
    world.tick()
    assert len([item for item in world.cloud.messages.published if item.topic == "deploy-requests"]) == asked
    verified(world, 31 * HOUR)
    verified(world, HOUR, broken=True)
    world.tick()
    assert not world.record.active, "one is too old, the other broken"
    verified(world, 2 * HOUR)
    world.tick()
    assert world.record.active
    assert world.record.active.release.tag == tag
    assert world.record.active.phase in (Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING)


def test_the_reason_to_wait_names_the_database_and_the_last_night(world: World) -> None:
    verified(world, 40 * HOUR)
    said = world.push("b", tag="v2-expand")
    night = world.cloud.clock.now() - 40 * HOUR
    assert any(
        "bbbbbbb waits: its tag v2-expand declares a migration, and app on chat has no verified export younger than "
        f"1 day, 6:00:00; the last is of {night:%Y-%m-%d %H:%M} UTC." in line
        for line in said
    )


def test_a_service_without_a_database_cannot_prove_a_backup(world: World) -> None:
    known = world.cloud.environment
    web = replace(known.services["web"], database=None)
    world.cloud.environment = replace(known, services={"web": web})
    assert any("services.web.database names no database" in line for line in world.push("b", tag="v2-contract"))
    assert not world.record.active


def test_a_release_without_a_migration_reads_no_catalogue(world: World) -> None:
    assert starts(world, "v2")


def test_a_contracting_release_reaches_everybody_and_stays_there(world: World) -> None:
    verified(world, HOUR)
    world.push("b", tag="v2-contract")
    world.ready()
    world.tick()
    world.until("promoted")
    assert world.cloud.services.percents("web") == {world.canary: 100}
    assert any("rollback.refused" in line for line in world.command("rollback"))
    assert world.cloud.services.percents("web") == {world.canary: 100}


def test_a_release_with_a_fresh_backup_starts_at_once(world: World) -> None:
    verified(world, HOUR)
    assert starts(world, "v2-contract")
