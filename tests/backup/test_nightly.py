"""Whatever the operations say, at most one export of a night is started, and a failed one is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.backup.nightly import Standing, look
from shared.backup.operations import Operation, OperationKind

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OURS, OTHER = "gs://landing/ours.sql.gz", "gs://landing/other.sql.gz"


def export(uri: str = OURS, *, age: timedelta = HOUR, done: bool = True, problem: str = "") -> Operation:
    return Operation(
        name=f"op-{age}",
        kind=OperationKind.EXPORT,
        instance="chat",
        asked_at=NOW - age,
        done=done,
        problem=problem,
        uri=uri,
    )


RUNNING = export(done=False)
FAILED = export(problem="disk full")
BACKUP = Operation(name="b", kind=OperationKind.OTHER, instance="chat", asked_at=NOW)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], Standing.MISSING),
        ([export()], Standing.WRITTEN),
        ([FAILED, export()], Standing.WRITTEN),
        ([RUNNING], Standing.RUNNING),
        ([FAILED, RUNNING], Standing.RUNNING),
        ([export(done=False, age=3 * HOUR)], Standing.LATE),
        ([FAILED], Standing.MISSING),
        ([FAILED] * 3, Standing.GIVEN_UP),
        ([export(OTHER, done=False)], Standing.BUSY),
        ([export(OTHER)], Standing.MISSING),
        ([BACKUP], Standing.MISSING),
    ],
)
def test_the_standing_follows_from_the_operations(operations: list[Operation], expected: Standing) -> None:
    assert look(operations, OURS, NOW, 2 * HOUR).standing is expected


def test_failures_are_told_from_the_oldest_on() -> None:
    old, young = export(age=2 * HOUR, problem="a"), export(problem="b")
    assert look([young, old], OURS, NOW, 2 * HOUR).failed == (old, young)
