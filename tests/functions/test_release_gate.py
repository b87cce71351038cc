"""A pushed release at the gate: a backup for a migration, its files, its origin, its scan; what is missing is named."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.config.backups import Backups
from shared.events import asset_listing
from shared.rollout.names import Phase
from shared.rollout.supply import Attestation, Scan, ScanState, Supply, Vulnerability, VulnerabilitySeverity
from shared.runtime.backup_ledger import catalogue_folder
from tests.fakes.cloud import IMAGE, environment
from tests.functions.world import MINUTE, World, deployed, digest

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
        f"1 d 6 h; the last is of {night:%Y-%m-%d %H:%M} UTC." in line
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


# ---------------------------------------------------------------------------------------------- files of a frontend

BUCKET, CHUNK, STYLE = "assets", "_next/static/chunks/0a1b.js", "_next/static/css/9f.css"
REFERENCE = f"{IMAGE}@{digest('b')}"
NOTE = "projects/registry/notes/built-by-pipeline"


def asks(world: World, **service: object) -> World:
    known = world.cloud.environment
    web = replace(known.services["web"], **service)  # type: ignore[arg-type]
    world.cloud.environment = replace(known, services={"web": web})
    return world


@pytest.fixture
def frontend(world: World) -> World:
    return asks(world, assets_bucket=BUCKET)


def store(world: World, key: str, content: bytes) -> None:
    world.cloud.objects.contents[BUCKET, key, 1] = content


def listed(world: World, letter: str = "b", **sizes: int) -> None:
    """The pipeline's list, which it writes last."""
    files = [{"name": CHUNK, "size": 5}, {"name": STYLE, "size": 2}]
    content = json.dumps({"digest": digest(letter), "files": files}).encode()
    store(world, asset_listing.key_of(digest(letter)), content)


def kinds(world: World) -> list[tuple[str, str]]:
    return [
        (item.attributes["kind"], item.attributes["severity"]) for item in world.cloud.messages.on("rollout-events")
    ]


def test_a_frontend_waits_for_its_files_and_starts_with_the_tick_after_them(frontend: World) -> None:
    said = frontend.push("b")
    assert any(f"bbbbbbb waits: its files are not in the assets bucket: there is no gs://{BUCKET}/" in x for x in said)
    frontend.tick()
    assert frontend.record.waiting
    store(frontend, CHUNK, b"alert")
    store(frontend, STYLE, b"{}")
    frontend.tick()
    assert frontend.record.waiting, "the list comes last"
    listed(frontend)
    frontend.tick()
    assert frontend.record.active
    assert frontend.record.waiting is None


def test_files_that_are_there_cost_no_wait(frontend: World) -> None:
    store(frontend, CHUNK, b"alert")
    store(frontend, STYLE, b"{}")
    listed(frontend)
    assert starts(frontend, "v2")


@pytest.mark.parametrize(
    ("stored", "said"),
    [
        ({}, f"its file {CHUNK} is missing, as are 1 more of 2 (in gs://{BUCKET})."),
        ({CHUNK: b"alert"}, f"its file {STYLE} is missing of 2 (in gs://{BUCKET})."),
        ({CHUNK: b"ale", STYLE: b"{}"}, f"its file {CHUNK} has 3 bytes instead of 5 (in gs://{BUCKET})."),
    ],
)
def test_a_list_that_the_bucket_contradicts_is_refused(frontend: World, stored: dict[str, bytes], said: str) -> None:
    for key, content in stored.items():
        store(frontend, key, content)
    listed(frontend)
    lines = frontend.push("b")
    assert any(f"bbbbbbb is refused: {said}" in line for line in lines), lines
    assert ("deploy.refused", "warning") in kinds(frontend)
    assert not frontend.record.active
    assert not frontend.record.waiting


def test_a_list_that_is_none_is_refused(frontend: World) -> None:
    store(frontend, asset_listing.key_of(digest("b")), b"[]")
    assert any("does not list its files: content: must be a JSON object" in line for line in frontend.push("b"))


def test_files_that_never_come_are_refused_and_a_person_is_told(frontend: World) -> None:
    frontend.push("b")
    frontend.tick(59 * MINUTE)
    assert frontend.record.waiting
    said = frontend.tick()
    assert any("It waited for 1:00:00; mend that, then add a new tag." in line for line in said)
    assert ("deploy.refused", "page") in kinds(frontend)
    assert frontend.record.waiting is None
    store(frontend, CHUNK, b"alert")
    store(frontend, STYLE, b"{}")
    listed(frontend)
    frontend.tick()
    assert not frontend.record.active, "what was refused stays refused"
    assert starts(frontend, "v2-again")


def test_a_canary_is_judged_on_while_a_newer_release_waits_for_its_files(frontend: World) -> None:
    store(frontend, CHUNK, b"alert")
    store(frontend, STYLE, b"{}")
    listed(frontend)
    frontend.push("b")
    frontend.ready()
    frontend.tick()
    frontend.push("c", tag="v3")
    frontend.serve()
    frontend.tick()
    assert frontend.record.active
    assert frontend.record.active.release.digest == digest("b")
    listed(frontend, "c")
    frontend.tick()
    assert frontend.record.active
    assert frontend.record.active.release.digest == digest("c")


# --------------------------------------------------------------------------------------------------- origin and scan

STRICT = Supply(attestation=Attestation.REQUIRE, note=NOTE, severity_max=VulnerabilitySeverity.HIGH)


def test_a_release_waits_for_its_scan_and_for_its_attestation(world: World) -> None:
    asks(world, supply=STRICT)
    said = world.push("b")
    assert any("bbbbbbb waits: nothing attests that our pipeline built it" in line for line in said)
    world.cloud.artifacts.attestations.add((REFERENCE, "projects/registry/notes/somebody-elses"))
    world.cloud.artifacts.scans[REFERENCE] = Scan(ScanState.FINISHED)
    world.tick()
    assert world.record.waiting
    world.cloud.artifacts.attestations.add((REFERENCE, NOTE))
    world.cloud.artifacts.scans[REFERENCE] = Scan(ScanState.RUNNING)
    world.tick()
    assert world.record.waiting
    world.cloud.artifacts.scans[REFERENCE] = Scan(ScanState.FINISHED)
    world.tick()
    assert world.record.active


def test_a_critical_vulnerability_is_refused_by_name(world: World) -> None:
    asks(world, supply=STRICT)
    bad = Vulnerability("CVE-2026-1", VulnerabilitySeverity.CRITICAL, fixable=True, package="openssl")
    world.cloud.artifacts.scans[REFERENCE] = Scan(ScanState.FINISHED, (bad,))
    said = world.push("b")
    assert any("bbbbbbb is refused: it has CVE-2026-1 in openssl (critical, a fix exists)." in line for line in said)
    assert not world.record.waiting


def test_an_image_that_nobody_attests_is_refused_in_the_end_with_the_note_it_lacks(world: World) -> None:
    asks(world, supply=replace(STRICT, severity_max=VulnerabilitySeverity.CRITICAL))
    assert any(f"no attestation hangs on {NOTE}" in line for line in world.push("b"))
    said = world.tick(61 * MINUTE)
    assert any("is refused: nothing attests that our pipeline built it" in line for line in said)
    assert ("deploy.refused", "page") in kinds(world)


def test_while_container_analysis_is_down_a_release_waits_and_a_canary_is_judged_on(world: World) -> None:
    assert starts(world, "v2")
    asks(world, supply=STRICT)
    world.ready()
    world.cloud.artifacts.down = True
    assert any("nobody can say whether it may start: Container Analysis is down." in x for x in world.push("c", "v3"))
    world.serve()
    world.tick()
    assert world.record.active
    assert world.record.active.phase is Phase.PROGRESSING


def test_a_service_that_asks_nothing_reads_nothing(world: World) -> None:
    world.cloud.artifacts.down = True
    asks(world, supply=Supply())
    assert starts(world, "v2")


@pytest.mark.parametrize("stored", [True, False])
def test_what_refuses_is_told_before_what_makes_it_wait(world: World, stored: bool) -> None:
    asks(world, supply=STRICT, assets_bucket=BUCKET)
    bad = Vulnerability("CVE-2026-1", VulnerabilitySeverity.CRITICAL, fixable=True)
    world.cloud.artifacts.scans[REFERENCE] = Scan(ScanState.FINISHED, (bad,))
    if stored:
        store(world, CHUNK, b"alert")
        store(world, STYLE, b"{}")
        listed(world)
    assert any("is refused: it has CVE-2026-1" in line for line in world.push("b"))
