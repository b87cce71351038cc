"""One export, whichever delivery dies, stands still or comes second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest

from functions.sql_backup.handler import handle
from shared.backup.operations import Operation, OperationKind
from shared.errors import Throttled, Unavailable
from tests.fakes.cloud import FakeCloud
from tests.functions.ticks import APP, APP_COUNTS, cloud_at_night, count, end_all, tick, uris


@pytest.fixture
def cloud() -> FakeCloud:
    return cloud_at_night()


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
