"""A night of ticks: one export per database, however often and in whatever order they come; one more on demand."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from functions.sql_backup.handler import handle
from shared.backup import catalogue
from shared.backup.catalogue import Entry
from shared.backup.dump import DumpReport
from shared.backup.faults import Fault, FaultKind
from shared.backup.names import ExportName
from shared.backup.operations import Operation, OperationKind
from shared.config.backups import Backups
from shared.errors import InvalidEvent, NotFound, Throttled, Unavailable
from shared.events.message import Message
from shared.runtime.backup_ledger import entry_key
from shared.runtime.ledger_keys import ledger_key
from tests.fakes.clock import FakeClock
from tests.fakes.cloud import FakeCloud, environment
from tests.fakes.databases import FakeDatabases

NIGHT = datetime(2026, 11, 23, tzinfo=UTC)
APP = "exports/chat/app/20261123T000000Z.sql.gz"
AGAIN = "exports/chat/app/20261123T000000Z-2.sql.gz"
LOGS = "exports/chat/logs/20261123T000000Z.sql.gz"
APP_COUNTS, LOGS_COUNTS = "counts/chat/app/20261123T000000Z.csv", "counts/chat/logs/20261123T000000Z.csv"
NAME = ExportName(instance="chat", database="app", night=NIGHT)


def tick(minutes: int = 120, **attributes: str) -> Message:
    at = NIGHT + timedelta(minutes=minutes)
    return Message(id=str(minutes), topic="backup-requests", published_at=at, attributes={"job": "x", **attributes})


def counted(key: str = APP_COUNTS, bucket: str = "landing") -> Message:
    body = {"bucket": bucket, "name": key, "generation": "7", "size": "9", "crc32c": "AAAAAA=="}
    at = NIGHT + timedelta(minutes=125)
    data, attributes = json.dumps(body).encode(), {"eventType": "OBJECT_FINALIZE", "objectId": key}
    return Message(id="o", topic="backup-objects", published_at=at, data=data, attributes=attributes)


@pytest.fixture
def cloud() -> FakeCloud:
    clock = FakeClock(NIGHT + timedelta(hours=2))
    backups = Backups(bucket="landing", instances={"chat": ("app",)})
    return FakeCloud(
        environment=replace(environment(), backups=backups), clock=clock, databases=FakeDatabases(clock=clock)
    )


def configure(cloud: FakeCloud, instances: dict[str, tuple[str, ...]]) -> None:
    cloud.environment = replace(cloud.environment, backups=Backups(bucket="landing", instances=instances))
    cloud.databases.names = set(instances)


def kinds(cloud: FakeCloud) -> list[str]:
    return [item.attributes["kind"] for item in cloud.messages.on("rollout-events")]


def uris(cloud: FakeCloud) -> list[str]:
    return [row.uri.removeprefix("gs://landing/") for row in cloud.databases.rows.values()]


def end_all(cloud: FakeCloud, problem: str = "") -> None:
    for name, row in list(cloud.databases.rows.items()):
        if not row.done:
            cloud.databases.end(name, problem)


def count(cloud: FakeCloud) -> None:
    """The source is counted, and what follows is up to the next message."""
    handle(tick(), cloud)
    end_all(cloud)


def enter(cloud: FakeCloud, name: ExportName, *faults: Fault) -> None:
    """As backup_verify enters what it read."""
    report = DumpReport(compressed_size=9, raw_size=9, faults=faults)
    entry = Entry(name=name, bucket="landing", generation=7, crc32c="A", verified_at=name.night, report=report)
    cloud.ledger.objects[entry_key(name, 7)] = catalogue.encode(entry)


BROKEN = Fault(kind=FaultKind.NOT_COMPLETE, text="cut")


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


@pytest.mark.parametrize("crash_at", ["operations", "export", "export_query"])
@pytest.mark.parametrize("done_before", [False, True])
def test_a_crash_before_or_after_any_call_leaves_one_export(
    cloud: FakeCloud, crash_at: str, done_before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if crash_at == "export":
        count(cloud)
    real = getattr(cloud.databases, crash_at)

    def crash(*arguments: str) -> None:
        if done_before:
            real(*arguments)
        raise Unavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(cloud.databases, crash_at, crash)
        with pytest.raises(Unavailable):
            handle(tick(), cloud)
    for _ in range(4):
        with suppress(Unavailable):  # while the delivery that died may still have started it
            handle(tick(), cloud)
        end_all(cloud)
        cloud.clock.pass_(timedelta(minutes=11))
    assert uris(cloud) == [APP_COUNTS, APP]
    assert all(row.kind is OperationKind.EXPORT for row in cloud.databases.rows.values())


@contextmanager
def meanwhile(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> Iterator[None]:
    """Inside, the first list of operations is old when it arrives: `happens` happened since."""
    real = cloud.databases.operations

    def operations(instance: str) -> tuple[Operation, ...]:
        seen = real(instance)
        patched.undo()
        happens()
        return seen

    with monkeypatch.context() as patched:
        patched.setattr(cloud.databases, "operations", operations)
        yield


@pytest.mark.parametrize("counts_done", [False, True])
def test_a_delivery_that_was_overtaken_by_a_whole_operation_starts_no_second(
    cloud: FakeCloud, counts_done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if counts_done:
        count(cloud)

    def whole() -> None:
        handle(tick(), cloud)
        end_all(cloud)

    with meanwhile(cloud, monkeypatch, whole), pytest.raises(Unavailable, match="claimed"):
        handle(tick(), cloud)
    for _ in range(3):
        whole()
    assert uris(cloud) == [APP_COUNTS, APP]


@pytest.mark.parametrize("call", ["keys", "append"])
def test_a_delivery_that_stood_still_for_as_long_as_a_claim_lives_starts_nothing(
    cloud: FakeCloud, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(cloud)
    real = getattr(cloud.ledger, call)

    def stands_still(*arguments: Any) -> Any:
        found = real(*arguments)
        patched.undo()
        cloud.clock.pass_(timedelta(minutes=11))
        handle(tick(), cloud)
        end_all(cloud)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(cloud.ledger, call, stands_still)
        with pytest.raises(Unavailable, match="too long ago"):
            handle(tick(), cloud)
    assert handle(tick(), cloud) == f"written: {APP}"
    assert uris(cloud) == [APP_COUNTS, APP]


def test_of_two_that_want_to_start_the_same_one_does(cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    real = cloud.ledger.append

    def later(key: str, entry: bytes) -> bool:
        patched.undo()
        handle(tick(), cloud)
        return real(key, entry)

    with monkeypatch.context() as patched:
        patched.setattr(cloud.ledger, "append", later)
        with pytest.raises(Unavailable, match="just claimed"):
            handle(tick(), cloud)
    assert uris(cloud) == [APP_COUNTS]


def test_a_quota_that_is_used_up_keeps_nobody_waiting_after_it(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def throttled(*_: str) -> str:
        raise Throttled("429")

    with monkeypatch.context() as patched:
        patched.setattr(cloud.databases, "export_query", throttled)
        with pytest.raises(Unavailable, match="429"):
            handle(tick(), cloud)
    assert handle(tick(), cloud).startswith("counting")


def test_what_was_refused_is_tried_again_at_once_and_what_died_after_ten_minutes(
    cloud: FakeCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    count(cloud)
    cloud.databases.busy = True
    assert handle(tick(), cloud).startswith("refused")
    cloud.databases.busy = False

    def dies(*_: str) -> str:
        raise Unavailable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(cloud.databases, "export", dies)
        with pytest.raises(Unavailable, match="gone"):
            handle(tick(), cloud)
    with pytest.raises(Unavailable, match="claimed"):
        handle(tick(), cloud)
    cloud.clock.pass_(timedelta(minutes=10, seconds=1))
    assert handle(tick(), cloud).startswith("started")
