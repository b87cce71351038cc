"""No instance of a drill stays, and one that goes meanwhile is gone."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.restore_drill.handler import handle
from shared.backup.operations import Operation, OperationKind
from tests.fakes.cloud import FakeCloud
from tests.functions.announcements import told
from tests.functions.conftest import BACKUPS
from tests.functions.drills import BEGAN, DRILL, REQUEST, STEM, TICK, cloud_with_an_export, end_all, gone_after


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_with_an_export()


def test_an_instance_that_no_ledger_knows_is_swept_and_pages(cloud: FakeCloud) -> None:
    cloud.databases.names.add("drill-chat-20261101030000")
    assert handle(TICK, cloud) == "swept: drill-chat-20261101030000"
    assert told(cloud) == [("drill.leftover", "page")]
    end_all(cloud)
    assert cloud.databases.names == {"chat"}


def test_a_young_instance_of_somebody_else_is_left_alone(cloud: FakeCloud) -> None:
    cloud.databases.names |= {"drill-chat-20261122023000", "chat-2"}
    assert handle(TICK, cloud).startswith("idle")


@pytest.mark.parametrize(
    ("lists", "outcome"),
    [
        (1, f"gone: drill-chat-20261101030000; over: {DRILL}"),
        (2, f"swept: drill-chat-20261101030000; gone: {DRILL} before delete"),
    ],
)
def test_an_instance_that_goes_between_the_list_and_its_deletion_is_gone(
    cloud: FakeCloud, lists: int, outcome: str
) -> None:
    handle(REQUEST, cloud)
    end_all(cloud, problems={OperationKind.CREATE: "no quota"})
    assert handle(TICK, cloud).startswith("failed")
    cloud.databases.names.add("drill-chat-20261101030000")
    gone_after(cloud, lists)
    assert handle(TICK, cloud) == outcome
    assert handle(TICK, cloud).startswith("idle")


def test_an_instance_of_a_lost_drill_that_goes_meanwhile_is_gone(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    cloud.ledger.objects[f"{STEM}-started.json"] = b"{"
    gone_after(cloud, 2)
    assert handle(TICK, cloud) == f"gone: {DRILL} before delete"
    assert handle(TICK, cloud).startswith("idle")
    assert told(cloud) == [("drill.failed", "page")]


def test_an_instance_that_goes_in_mid_drill_fails_it_at_the_next_tick(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    gone_after(cloud, 2)
    assert handle(TICK, cloud) == f"gone: {DRILL} before create_database"
    assert handle(TICK, cloud).startswith("failed")
    assert told(cloud) == [("drill.failed", "page")]


def test_a_drill_whose_beginning_is_damaged_ends_and_stops_neither_the_sweep_nor_the_next(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    cloud.ledger.objects[f"{STEM}-started.json"] = b"{"
    cloud.databases.names.add("drill-chat-20261101030000")
    outcome = handle(TICK, cloud)
    assert outcome == f"swept: drill-chat-20261101030000; delete: {DRILL}"
    end_all(cloud)
    assert cloud.databases.names == {"chat"}
    assert told(cloud) == [("drill.leftover", "page"), ("drill.failed", "page")]
    assert handle(TICK, cloud).startswith("idle")
    assert handle(REQUEST._replace(published_at=BEGAN + timedelta(minutes=9)), cloud).startswith("create")


def test_one_drill_that_cannot_be_asked_stops_neither_the_sweep_nor_another_drill(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    instances = {"gone": ("app",), "chat": ("app",)}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known={}, instances=instances))
    cloud.databases.names |= {"gone", "drill-chat-20261101030000"}
    entry = cloud.ledger.objects["catalogue/chat/app/20261122T000000Z-1-7.json"]
    cloud.ledger.objects["catalogue/gone/app/20261122T000000Z-1-7.json"] = entry
    handle(REQUEST, cloud)
    end_all(cloud)
    real = cloud.databases.operations

    def operations(instance: str) -> tuple[Operation, ...]:
        if "gone" in instance:
            raise PermissionError("403")
        return real(instance)

    monkeypatch.setattr(cloud.databases, "operations", operations)
    with pytest.raises(PermissionError):
        handle(TICK, cloud)
    asked = {(row.kind, row.instance) for row in cloud.databases.rows.values() if not row.done}
    assert asked == {(OperationKind.DELETE, "drill-chat-20261101030000"), (OperationKind.CREATE_DATABASE, DRILL)}


@pytest.mark.parametrize(
    ("left", "source"),
    [
        ("drill-chat-eu-20261101030000", "chat-eu"),
        ("drill-chat-20261101030000", "chat"),
        ("drill-chat--1-20261101030000", "chat"),
        ("drill-former-20261101030000", "chat"),
    ],
)
def test_a_leftover_pages_for_the_instance_it_is_of_and_every_night_it_stays(
    cloud: FakeCloud, left: str, source: str
) -> None:
    instances = {"chat": ("app", "logs"), "chat-eu": ("app",)}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known={}, instances=instances))
    cloud.databases.names |= {"chat-eu", left}
    cloud.databases.busy = True
    keys = set()
    for _ in range(4):
        assert handle(TICK, cloud).startswith("refused")
        cloud.clock.pass_(timedelta(hours=12))
    for news in cloud.messages.on("rollout-events"):
        assert json.loads(news.data)["details"]["instance"] == source
        keys.add(json.loads(news.data)["key"])
    assert len(keys) == 2, "one for each day"
