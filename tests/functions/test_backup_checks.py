"""Silence pages: what is missing, switched off, failed, late or unread is found by looking."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.backup_verify.handler import handle
from shared.backup.instance_backups import InstanceBackups
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Database
from shared.errors import NotFound
from shared.runtime.ledger_keys import ledger_key
from tests.backup.dumps import GOOD, zipped
from tests.fakes.cloud import FakeCloud
from tests.functions.announcements import told
from tests.functions.exports import BACKUPS, CHECK, DAY, KNOWN, NIGHT, cloud_at_night, export, key

FINE = "fresh: chat/app; backed_up: chat"


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


def test_a_fresh_verified_export_and_backup_are_silent(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD)), cloud)
    cloud.messages.published.clear()
    assert handle(CHECK, cloud) == FINE
    assert told(cloud) == []


def test_the_absence_of_a_verified_export_pages_although_a_broken_one_is_fresh(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - 3 * DAY), cloud)
    handle(export(cloud, zipped("")), cloud)
    cloud.messages.published.clear()
    assert handle(CHECK, cloud) == "missing: chat/app; backed_up: chat"
    assert told(cloud) == [("export.missing", "page")]
    [news] = cloud.messages.on("rollout-events")
    assert "the last is of 2026-11-20 00:00 UTC" in json.loads(news.data)["text"]


def test_a_missing_cloud_sql_backup_pages_by_its_own_name_and_once_a_night(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD)), cloud)
    cloud.databases.backups.clear()
    cloud.messages.published.clear()
    handle(CHECK, cloud)
    [news] = cloud.messages.on("rollout-events")
    assert news.attributes["kind"] == "backup.missing"
    cloud.ledger.append(ledger_key(json.loads(news.data)["key"]), news.data)
    handle(CHECK, cloud)
    assert len(told(cloud)) == 1


def attempt(
    cloud: FakeCloud, *, problem: str = "", ended: timedelta | None = timedelta(hours=1), name: str = ""
) -> None:
    """One export of tonight, asked for by whomever; ended: so long after the night began, None while it runs."""
    operation = f"operation-{len(cloud.databases.rows)}"
    cloud.databases.rows[operation] = Operation(
        name=operation,
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=NIGHT + timedelta(minutes=15),
        ended_at=None if ended is None else NIGHT + ended,
        done=ended is not None,
        problem=problem,
        uri=f"gs://landing/{name or key(NIGHT)}",
    )


@pytest.fixture
def good(cloud: FakeCloud) -> FakeCloud:
    """Last night was verified; tonight nothing has been written."""
    handle(export(cloud, zipped(GOOD), NIGHT - DAY), cloud)
    cloud.messages.published.clear()
    cloud.clock.time = NIGHT + timedelta(hours=6)
    return cloud


def test_a_failure_after_which_no_tick_comes_is_told_and_pages_when_nothing_followed(good: FakeCloud) -> None:
    attempt(good, problem="disk full", ended=timedelta(hours=5, minutes=20))
    assert "missing" not in handle(CHECK, good)
    assert told(good) == [("export.failed", "warning")]
    good.clock.time = NIGHT + timedelta(hours=7, minutes=45)
    assert f"given_up: {key(NIGHT)}" in handle(CHECK, good)
    assert ("export.given_up", "page") in told(good)


def test_a_failure_that_was_mended_is_told_and_calls_nobody(good: FakeCloud) -> None:
    attempt(good, problem="disk full", ended=timedelta(hours=1))
    attempt(good, ended=timedelta(hours=5, minutes=55))
    handle(CHECK, good)
    assert told(good) == [("export.failed", "warning")]


def test_three_failures_and_an_export_that_hangs_page_without_any_tick(good: FakeCloud) -> None:
    for _ in range(3):
        attempt(good, problem="disk full", ended=timedelta(hours=5, minutes=55))
    assert "given_up" in handle(CHECK, good)
    good.messages.published.clear()
    attempt(good, ended=None, name="exports/chat/app/20261123T030000Z.sql.gz")
    assert "late: exports/chat/app/20261123T030000Z.sql.gz" in handle(CHECK, good)
    assert ("export.late", "page") in told(good)


def test_an_export_whose_notification_was_lost_is_read_all_the_same(good: FakeCloud) -> None:
    attempt(good, ended=timedelta(hours=5, minutes=55))
    good.objects.contents["landing", key(NIGHT), 7] = zipped(GOOD)
    assert "unread" not in handle(CHECK, good), "its notification may still be on the way"
    good.clock.pass_(timedelta(hours=1))
    assert f"unread: verified: {key(NIGHT)}" in handle(CHECK, good)
    assert told(good) == [("export.verified", "info")]
    assert "unread" not in handle(CHECK, good)


def test_an_export_that_was_written_and_is_not_there_pages(good: FakeCloud) -> None:
    attempt(good, ended=timedelta(hours=1))
    assert f"lost: {key(NIGHT)}" in handle(CHECK, good)
    assert told(good) == [("export.lost", "page")]


def test_nights_long_past_are_not_looked_at(good: FakeCloud) -> None:
    attempt(good, problem="x", name="exports/chat/app/20261120T000000Z.sql.gz")
    attempt(good, problem="x", name="exports/chat/other/20261123T000000Z.sql.gz")
    attempt(good, problem="x", name="exports/else.csv")
    assert handle(CHECK, good) == FINE


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (InstanceBackups(enabled=False, point_in_time=False, log_days=0), "switched off"),
        (InstanceBackups(enabled=True, point_in_time=False, log_days=0), "no log"),
        (InstanceBackups(enabled=True, point_in_time=True, log_days=1), "1 days back, and 7"),
    ],
)
def test_backups_that_were_switched_off_page_before_one_is_missing(
    cloud: FakeCloud, settings: InstanceBackups, why: str
) -> None:
    known = {"chat/app": replace(KNOWN, log_days=7)}
    cloud.environment = replace(cloud.environment, backups=replace(BACKUPS, known=known))
    handle(export(cloud, zipped(GOOD)), cloud)
    cloud.messages.published.clear()
    cloud.databases.settings = settings
    assert handle(CHECK, cloud) == "fresh: chat/app; backup_disabled: chat"
    assert told(cloud) == [("backup.disabled", "page")]
    assert why in json.loads(cloud.messages.on("rollout-events")[0].data)["text"]


def test_each_database_may_be_as_old_as_is_said_of_it(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - DAY), cloud)
    known = {"chat/app": replace(KNOWN, age_max=timedelta(hours=28)), "chat/logs": Database(age_max=DAY)}
    backups = replace(BACKUPS, instances={"chat": ("app", "logs")}, known=known)
    cloud.environment = replace(cloud.environment, backups=backups)
    outcome = handle(CHECK, cloud)
    assert "fresh: chat/app" in outcome
    assert "missing: chat/logs" in outcome


def test_an_instance_that_is_gone_keeps_no_other_from_being_looked_at(cloud: FakeCloud) -> None:
    backups = replace(BACKUPS, instances={"gone": ("app",), "chat": ("app",)})
    cloud.environment = replace(cloud.environment, backups=backups)
    with pytest.raises(NotFound):
        handle(CHECK, cloud)
    assert {json.loads(row.data)["details"]["instance"] for row in cloud.messages.on("rollout-events")} == {
        "gone",
        "chat",
    }


def test_the_last_good_export_is_named_however_many_broken_ones_followed_it(cloud: FakeCloud) -> None:
    handle(export(cloud, zipped(GOOD), NIGHT - 40 * DAY), cloud)
    for days in range(39, -1, -1):
        night = NIGHT - days * DAY
        cloud.databases.rows.clear()
        handle(export(cloud, zipped(""), night), cloud)
    cloud.messages.published.clear()
    handle(CHECK, cloud)
    [text] = [
        json.loads(row.data)["text"] for row in cloud.messages.published if row.attributes["kind"] == "export.missing"
    ]
    assert text.endswith("the last is of 2026-10-14 00:00 UTC.")
