"""Each function names the ports that its full work asks for, in that order: they load while it waits for the first."""

import importlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from scripts.package_functions import functions
from shared.backup import catalogue
from shared.backup.dump import read_dump
from shared.backup.names import ExportName
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups
from shared.events.message import Message
from shared.runtime.backup_ledger import entry_key
from shared.runtime.cloud import Cloud
from shared.runtime.wiring import ADAPTERS
from tests.backup.dumps import GOOD, zipped
from tests.fakes import IMAGE, FakeClock, FakeCloud, FakeDatabases, crc32c, environment
from tests.functions.world import World, deployed, digest, handler

NIGHT = datetime(2026, 11, 22, tzinfo=UTC)
NAME = ExportName(instance="chat", database="app", night=NIGHT)
BACKUPS = Backups(bucket="landing", locked_bucket="locked", drill_bucket="drills", instances={"chat": ("app",)})
AFTER = NIGHT + timedelta(hours=3)


class Watched:
    """A cloud that notes which of its ports are asked for."""

    def __init__(self, cloud: FakeCloud) -> None:
        self._cloud = cloud
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name in ADAPTERS and name not in self.asked:
            self.asked.append(name)
        return getattr(self._cloud, name)


def asked(function: str, topic: str, body: Any, cloud: FakeCloud, outcome: str, **attributes: str) -> tuple[str, ...]:
    """In the order of the asking; the function must have said that it did its work."""
    watched = Watched(cloud)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    message = Message(id="m", topic=topic, published_at=cloud.clock.now(), data=data, attributes=attributes)
    assert handler(function)(message, cast("Cloud", watched)).startswith(outcome)
    return tuple(watched.asked)


def trial() -> World:
    """A canary that users have met."""
    world = deployed()
    world.push("b")
    world.ready()
    world.tick()
    world.until("progressing")
    world.serve()
    return world


def published(world: World, topic: str) -> bytes:
    return world.cloud.messages.on(topic)[-1].data


def pushed() -> dict[str, str]:
    return {"action": "INSERT", "digest": f"{IMAGE}@{digest('b')}", "tag": f"{IMAGE}:v1"}


def image_pushed() -> tuple[str, ...]:
    return asked("image_pushed", "gcr", pushed(), deployed().cloud, "deploy_requested")


def build_finished() -> tuple[str, ...]:
    cloud = deployed().cloud
    web = replace(cloud.environment.services["web"], deploys_on="build")
    cloud.environment = replace(cloud.environment, services={"web": web})
    images = [{"name": f"{IMAGE}:v1", "digest": digest("b")}]
    build = {"id": "b", "status": "SUCCESS", "finishTime": cloud.clock.now().isoformat(), "results": {"images": images}}
    return asked("build_finished", "cloud-builds", build, cloud, "deploy_requested")


def canary_deploy() -> tuple[str, ...]:
    world = deployed()
    asked("image_pushed", "gcr", pushed(), world.cloud, "deploy_requested")
    return asked("canary_deploy", "deploy-requests", published(world, "deploy-requests"), world.cloud, "start")


def health_verify() -> tuple[str, ...]:
    return asked("health_verify", "rollout-ticks", {}, trial().cloud, "measured: web", job="rollout-ticks")


def traffic_shift() -> tuple[str, ...]:
    world = deployed()
    world.push("b")
    world.ready()
    asked("health_verify", "rollout-ticks", {}, world.cloud, "measured: web", job="rollout-ticks")
    return asked("traffic_shift", "verdicts", published(world, "verdicts"), world.cloud, "rollout.advanced")


def auto_rollback() -> tuple[str, ...]:
    body = {"command": "rollback", "service": "web", "by": "amina", "why": "a reason", "request_id": "r"}
    return asked("auto_rollback", "commands", body, trial().cloud, "rollout.rolled_back", command="rollback")


def rollout_command() -> tuple[str, ...]:
    body = {"command": "pause", "service": "web", "by": "amina", "why": "a reason", "request_id": "r"}
    return asked("rollout_command", "commands", body, trial().cloud, "rollout.held", command="pause")


def notify() -> tuple[str, ...]:
    world = trial()
    news = published(world, "rollout-events")
    world.cloud.ledger.objects.clear()
    return asked("notify", "rollout-events", news, world.cloud, "told")


def night(*, entered: bool) -> FakeCloud:
    clock, content = FakeClock(AFTER), zipped(GOOD)
    databases = FakeDatabases(clock=clock)
    cloud = FakeCloud(environment=replace(environment(), backups=BACKUPS), clock=clock, databases=databases)
    databases.rows["export"] = Operation(
        name="export",
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=NIGHT,
        done=True,
        uri=f"gs://landing/{NAME.key}",
    )
    cloud.objects.contents["landing", NAME.key, 7] = content
    if entered:
        entry = catalogue.Entry(
            name=NAME,
            bucket="landing",
            generation=7,
            crc32c=crc32c(content),
            verified_at=NIGHT + timedelta(hours=2),
            report=read_dump([content]),
        )
        cloud.ledger.objects[entry_key(NAME, 7)] = catalogue.encode(entry)
    return cloud


def sql_backup() -> tuple[str, ...]:
    cloud = night(entered=True)
    cloud.databases.rows.clear()
    return asked("sql_backup", "backup-requests", {}, cloud, "counting")


def backup_verify() -> tuple[str, ...]:
    content = zipped(GOOD)
    size, checksum = str(len(content)), crc32c(content)
    body = {"bucket": "landing", "name": NAME.key, "generation": "7", "size": size, "crc32c": checksum}
    cloud = night(entered=False)
    return asked("backup_verify", "backup-objects", body, cloud, "verified", eventType="OBJECT_FINALIZE")


def restore_drill() -> tuple[str, ...]:
    return asked("restore_drill", "drill-requests", {}, night(entered=True), "create")


FULL_WORK: dict[str, Callable[[], tuple[str, ...]]] = {
    work.__name__: work
    for work in (
        image_pushed,
        build_finished,
        canary_deploy,
        health_verify,
        traffic_shift,
        auto_rollback,
        rollout_command,
        notify,
        sql_backup,
        backup_verify,
        restore_drill,
    )
}


@pytest.mark.parametrize("function", functions())
def test_a_function_names_the_ports_of_its_full_work(function: str) -> None:
    assert FULL_WORK[function]() == importlib.import_module(f"functions.{function}.main").PORTS
