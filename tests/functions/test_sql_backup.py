"""A night of ticks: one export per database, however often and in whatever order they come; one more on demand."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from functions.sql_backup.handler import handle
from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.errors import InvalidEvent, NotFound, Unavailable
from shared.events.message import Message
from shared.runtime.backup_ledger import entry_key
from shared.runtime.ledger_keys import ledger_key
from tests.fakes.cloud import FakeCloud, environment
from tests.functions.announcements import kinds
from tests.functions.ticks import (
    AGAIN,
    APP,
    APP_COUNTS,
    LOGS,
    LOGS_COUNTS,
    NAME,
    cloud_at_night,
    configure,
    count,
    counted,
    end_all,
    tick,
    uris,
)

BROKEN = Fault(kind=FaultKind.NOT_COMPLETE, text="cut")


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


def enter(cloud: FakeCloud, name: ExportName, *faults: Fault) -> None:
    """As backup_verify enters what it read."""
    report = DumpReport(compressed_size=9, raw_size=9, faults=faults)
    entry = Entry(name=name, bucket="landing", generation=7, crc32c="A", verified_at=name.night, report=report)
    cloud.ledger.objects[entry_key(name, 7)] = catalogue.encode(entry)


def test_the_source_is_counted_and_then_exported(cloud: FakeCloud) -> None:
    assert handle(tick(), cloud) == f"counting: {APP_COUNTS} by operation operation-1"
    assert handle(tick(), cloud) == f"counting: {APP}"
    end_all(cloud)
    assert handle(counted(), cloud) == f"started: {APP} by operation operation-2"
    assert handle(counted(), cloud) == f"running: {APP}"
    end_all(cloud)
    assert handle(tick(135), cloud) == f"written: {APP}"
    assert uris(cloud) == [APP_COUNTS, APP]


def test_counts_that_are_told_before_their_operation_ended_come_again(cloud: FakeCloud) -> None:
    handle(tick(), cloud)
    with pytest.raises(Unavailable, match="counting"):
        handle(counted(), cloud)


@pytest.mark.parametrize(
    "message",
    [counted("somebody/else.csv"), counted("counts/chat/other/20261123T000000Z.csv"), counted(bucket="another")],
)
def test_other_objects_start_nothing(cloud: FakeCloud, message: Message) -> None:
    assert handle(message, cloud).startswith("not_ours")
    assert handle(message._replace(attributes={"eventType": "OBJECT_DELETE"}), cloud).startswith("not_written")
    assert cloud.databases.rows == {}


def test_an_export_is_made_without_a_count_when_counting_fails_twice_and_that_is_told(cloud: FakeCloud) -> None:
    for _ in range(2):
        handle(tick(), cloud)
        end_all(cloud, "no such column")
    assert handle(tick(), cloud).startswith(f"started: {APP}")
    assert kinds(cloud) == ["export.uncounted"]


def test_one_operation_runs_at_a_time_and_the_next_follows_it(cloud: FakeCloud) -> None:
    configure(cloud, {"chat": ("app", "logs")})
    assert handle(tick(), cloud) == f"counting: {APP_COUNTS} by operation operation-1; busy: {LOGS}"
    end_all(cloud)
    assert handle(tick(), cloud) == f"started: {APP} by operation operation-2; busy: {LOGS}"
    end_all(cloud)
    assert handle(tick(), cloud) == f"written: {APP}; counting: {LOGS_COUNTS} by operation operation-3"
    end_all(cloud)
    assert handle(tick(), cloud) == f"written: {APP}; started: {LOGS} by operation operation-4"


def test_a_night_of_redelivered_ticks_makes_one_export_each(cloud: FakeCloud) -> None:
    configure(cloud, {"chat": ("app", "logs")})
    for minutes in (120, 120, 135, 120, 140, 150, 1439):
        handle(tick(minutes), cloud)
        end_all(cloud)
    assert sorted(uris(cloud)) == [APP_COUNTS, LOGS_COUNTS, APP, LOGS]
    assert kinds(cloud) == []


@pytest.mark.parametrize("counts_done", [False, True])
def test_an_operation_of_somebody_else_is_left_to_the_next_tick(cloud: FakeCloud, counts_done: bool) -> None:
    if counts_done:
        count(cloud)
    cloud.databases.busy = True
    assert handle(tick(), cloud).startswith("refused: ")
    cloud.databases.busy = False
    assert handle(tick(135), cloud).startswith("started" if counts_done else "counting")


def test_a_failed_export_is_told_and_tried_again_until_a_person_must_look(cloud: FakeCloud) -> None:
    count(cloud)
    for _ in range(3):
        handle(tick(), cloud)
        end_all(cloud, "disk full")
        cloud.messages.published.clear()
    assert handle(tick(), cloud) == f"given_up: {APP}"
    assert uris(cloud).count(APP) == 3
    assert kinds(cloud) == ["export.failed"] * 3 + ["export.given_up"]
    assert cloud.messages.published[-1].attributes["severity"] == "page"
    assert "disk full" in json.loads(cloud.messages.published[-1].data)["text"]


def test_what_the_ledger_has_is_not_told_again(cloud: FakeCloud) -> None:
    count(cloud)
    handle(tick(), cloud)
    end_all(cloud, "disk full")
    handle(tick(135), cloud)
    [told] = cloud.messages.on("rollout-events")
    cloud.ledger.append(ledger_key(json.loads(told.data)["key"]), told.data)
    handle(tick(150), cloud)
    assert kinds(cloud) == ["export.failed"]


def test_an_export_that_runs_too_long_pages(cloud: FakeCloud) -> None:
    count(cloud)
    handle(tick(), cloud)
    cloud.clock.pass_(timedelta(hours=3))
    assert handle(tick(300), cloud).startswith(f"late: {APP}")
    assert kinds(cloud) == ["export.late"]


def test_a_night_whose_file_was_read_and_is_broken_is_exported_once_more_by_itself(cloud: FakeCloud) -> None:
    count(cloud)
    handle(tick(), cloud)
    end_all(cloud)
    assert handle(tick(), cloud) == f"written: {APP}", "nobody has read it yet"
    enter(cloud, NAME, BROKEN)
    handle(tick(), cloud)
    end_all(cloud)
    assert handle(tick(), cloud).startswith(f"broken: {APP}; started: {AGAIN}")
    end_all(cloud)
    enter(cloud, replace(NAME, attempt=2), BROKEN)
    for _ in range(3):
        assert handle(tick(), cloud) == f"broken: {APP}; written: {AGAIN}"
    assert [key for key in uris(cloud) if key.endswith(".gz")] == [APP, AGAIN]


def test_a_night_whose_file_is_good_is_left_alone(cloud: FakeCloud) -> None:
    count(cloud)
    handle(tick(), cloud)
    end_all(cloud)
    enter(cloud, NAME)
    assert handle(tick(), cloud) == f"written: {APP}"


def test_a_person_gets_an_export_of_this_very_moment_and_a_redelivered_request_makes_no_second(
    cloud: FakeCloud,
) -> None:
    request = tick(123, again="chat")
    own = "exports/chat/app/20261123T020300Z.sql.gz"
    with pytest.raises(Unavailable, match="counting"):
        handle(request, cloud)
    with pytest.raises(Unavailable, match="counting"):
        handle(request, cloud)
    end_all(cloud)
    assert handle(request, cloud).startswith(f"started: {own}")
    assert handle(request, cloud) == f"running: {own}"
    end_all(cloud)
    for _ in range(3):
        assert handle(request, cloud) == f"written: {own}"
    assert uris(cloud) == ["counts/chat/app/20261123T020300Z.csv", own]


def test_a_person_gets_an_export_although_the_night_was_given_up(cloud: FakeCloud) -> None:
    count(cloud)
    for _ in range(3):
        handle(tick(), cloud)
        end_all(cloud, "disk full")
    with pytest.raises(Unavailable):
        handle(tick(130, again="chat"), cloud)
    end_all(cloud)
    assert handle(tick(130, again="chat"), cloud).startswith("started")


def test_a_request_for_an_unknown_instance_is_not_ours(cloud: FakeCloud) -> None:
    assert handle(tick(again="other"), cloud).startswith("not_ours")


@pytest.mark.parametrize("request_", [tick(), tick(again="chat")])
def test_a_tick_of_an_earlier_night_exports_nothing_under_its_name(cloud: FakeCloud, request_: Message) -> None:
    cloud.clock.pass_(timedelta(days=3))
    assert handle(request_, cloud).startswith("stale")
    assert handle(counted(), cloud).startswith("stale")
    assert cloud.databases.rows == {}


def test_an_instance_that_is_gone_does_not_keep_another_from_its_export(cloud: FakeCloud) -> None:
    configure(cloud, {"gone": ("app",), "chat": ("app",)})
    cloud.databases.names = {"chat"}
    with pytest.raises(NotFound):
        handle(tick(), cloud)
    assert uris(cloud) == [APP_COUNTS]


def test_an_environment_without_databases_says_so(cloud: FakeCloud) -> None:
    cloud.environment = environment()
    assert handle(tick(), cloud).startswith("not_configured")


def test_another_topic_is_refused(cloud: FakeCloud) -> None:
    with pytest.raises(InvalidEvent, match="topic"):
        handle(tick()._replace(topic="gcr"), cloud)
