"""Restored, compared row by row, and gone afterwards, whatever happened in between."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.backup_verify.handler import handle as backup_verify
from functions.restore_drill.handler import handle
from shared.backup.operations import OperationKind
from shared.config.backups import Database
from shared.errors import InvalidEvent, NotFound
from shared.events.message import Message
from tests.fakes.cloud import FakeCloud, environment
from tests.functions.announcements import told
from tests.functions.conftest import BACKUPS
from tests.functions.drills import (
    BEGAN,
    DRILL,
    NAME,
    NIGHT,
    REQUEST,
    STEM,
    TICK,
    cloud_with_an_export,
    end_all,
    good_counts,
    run,
)


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_with_an_export()


def test_a_drill_goes_one_step_with_each_message_and_leaves_nothing(cloud: FakeCloud) -> None:
    steps = [outcome.partition(":")[0] for outcome in run(cloud)]
    assert steps[:8] == ["create", "create_database", "check_empty", "import", "count", "passed", "delete", "idle"]
    assert cloud.databases.names == {"chat"}
    assert cloud.databases.admitted == {(DRILL, "drills")}
    assert told(cloud) == [("drill.passed", "info")]
    report = json.loads(cloud.ledger.objects[f"{STEM}-passed.json"])
    assert (
        report["rows_restored"]
        == report["rows_in_file"]
        == {
            "public.messages": 1000,
            "public.rooms": 20,
            "public.users": 200,
        }
    )
    assert "**It passed**: 1,220 rows in 3 tables" in cloud.ledger.objects[f"{STEM}-report.md"].decode()


def test_a_request_that_comes_again_starts_nothing(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    assert handle(REQUEST, cloud) == f"waiting: {DRILL}"
    run(cloud)
    assert handle(REQUEST, cloud).startswith("duplicate")
    created = [row for row in cloud.databases.rows.values() if row.kind is OperationKind.CREATE]
    assert len(created) == 1


def test_a_request_may_name_one_instance_and_must_name_one_that_is_configured(cloud: FakeCloud) -> None:
    assert handle(REQUEST._replace(attributes={"instance": "other"}), cloud).startswith("not_ours")
    assert handle(REQUEST._replace(attributes={"instance": "chat"}), cloud).startswith("create")


def test_an_old_request_and_one_during_a_drill_start_nothing(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    later = REQUEST._replace(published_at=BEGAN + timedelta(minutes=1))
    assert handle(later, cloud) == f"busy: {DRILL} is not over."
    cloud.clock.time = BEGAN + timedelta(days=1)
    assert handle(later, cloud).startswith("stale")


def test_without_a_verified_export_the_drill_has_failed(cloud: FakeCloud) -> None:
    cloud.ledger.objects.clear()
    assert handle(REQUEST, cloud).startswith("nothing_to_restore")
    assert told(cloud) == [("drill.failed", "page")]
    assert cloud.databases.names == {"chat"}


@pytest.mark.parametrize("kind", [OperationKind.CREATE_DATABASE, OperationKind.IMPORT, OperationKind.EXPORT])
def test_a_failed_step_is_reported_and_the_instance_goes_all_the_same(cloud: FakeCloud, kind: OperationKind) -> None:
    run(cloud, problems={kind: "no disk"})
    assert cloud.databases.names == {"chat"}
    assert told(cloud) == [("drill.failed", "page")]
    [problem] = json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"]
    assert problem.endswith("failed: no disk.")


def test_rows_that_are_not_those_of_the_file_fail_the_drill(cloud: FakeCloud) -> None:
    run(cloud, counts=good_counts().replace("public.messages,1000", "public.messages,999"))
    assert told(cloud) == [("drill.failed", "page")]
    [problem] = json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"]
    assert problem == "public.messages has 999 rows; the file has 1000."
    assert cloud.databases.names == {"chat"}


def test_nothing_is_restored_over_what_is_there_already(cloud: FakeCloud) -> None:
    run(cloud, tables="3")
    assert not [row for row in cloud.databases.rows.values() if row.kind is OperationKind.IMPORT]
    assert "was not empty" in json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"][0]
    assert cloud.databases.names == {"chat"}


@pytest.mark.parametrize(("kept", "problem"), [(b"other bytes", "is not the file"), (None, "is not in locked")])
def test_what_is_kept_must_be_what_was_verified(cloud: FakeCloud, kept: bytes | None, problem: str) -> None:
    del cloud.objects.contents["locked", NAME.key, 1]
    if kept is not None:
        cloud.objects.contents["locked", NAME.key, 1] = kept
    run(cloud)
    assert problem in json.loads(cloud.ledger.objects[f"{STEM}-failed.json"])["problems"][0]
    assert cloud.databases.names == {"chat"}


def test_the_deadline_ends_a_drill_that_hangs(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    handle(TICK, cloud)
    cloud.clock.time += timedelta(hours=5)
    outcomes = [handle(TICK, cloud)]
    assert outcomes[0].startswith("failed")
    assert told(cloud)[0] == ("drill.failed", "page")
    cloud.databases.rows = {name: replace(row, done=True) for name, row in cloud.databases.rows.items()}
    handle(TICK, cloud)
    end_all(cloud)
    assert cloud.databases.names == {"chat"}


def test_a_source_that_is_not_there_is_our_mistake(cloud: FakeCloud) -> None:
    cloud.databases.names = {"other"}
    with pytest.raises(NotFound):
        handle(REQUEST, cloud)


def test_another_operation_is_waited_for(cloud: FakeCloud) -> None:
    handle(REQUEST, cloud)
    end_all(cloud)
    cloud.databases.busy = True
    assert handle(TICK, cloud).startswith("refused: create_database")
    cloud.databases.busy = False
    assert handle(TICK, cloud).startswith("create_database")


def test_a_drill_that_is_due_and_did_not_pass_pages_with_the_checks(cloud: FakeCloud) -> None:
    check = Message(id="c", topic="backup-checks", published_at=BEGAN, data=b"{}")
    cloud.databases.backups["chat"] = BEGAN
    assert "drilled: chat/app" in backup_verify(check, cloud)
    cloud.clock.time = NIGHT + timedelta(days=10)
    assert "drill_missing: chat/app" in backup_verify(check, cloud)
    cloud.ledger.objects[f"drills/chat/{cloud.clock.time:%Y%m%dT%H%M%SZ}-passed.json"] = b"{}"
    assert "drilled: chat/app" in backup_verify(check, cloud)
    assert ("drill.missing", "page") in told(cloud)


def test_what_is_not_ours_is_refused_and_what_is_not_configured_is_said(cloud: FakeCloud) -> None:
    with pytest.raises(InvalidEvent, match="topic"):
        handle(TICK._replace(topic="gcr"), cloud)
    cloud.environment = environment()
    assert handle(TICK, cloud).startswith("not_configured")


def test_the_report_can_be_found_from_what_is_told(cloud: FakeCloud) -> None:
    run(cloud)
    [news] = cloud.messages.on("rollout-events")
    page = json.loads(news.data)["details"]["page"]
    assert page == f"gs://ledger/{STEM}-report.md"
    assert page.removeprefix("gs://ledger/") in cloud.ledger.objects


def test_a_quiet_database_passes(cloud: FakeCloud) -> None:
    known = {"chat/app": Database(newest_row="SELECT max(sent_at) FROM messages")}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known=known))
    quiet = (NIGHT - timedelta(hours=40)).timestamp()
    run(cloud, counts=f"{good_counts()}newest,,{quiet}\n")
    assert told(cloud) == [("drill.passed", "info")]
    body = json.loads(cloud.ledger.objects[f"{STEM}-passed.json"])
    assert (body["loss_seconds"], body["newest_row_age_seconds"]) == (3 * 3600, 40 * 3600)
