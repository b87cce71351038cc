"""Whatever the operations say, at most one export of a night is started, and a failed one is tried again."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.backup.nightly import Standing, look
from shared.backup.operations import Operation, OperationKind

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OURS, OTHER = "gs://landing/ours.sql.gz", "gs://landing/other.sql.gz"
COUNTS = "gs://landing/ours.csv"


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


COUNTED = export(COUNTS, age=2 * HOUR)
UNCOUNTABLE = export(COUNTS, age=2 * HOUR, problem="no such column")
RUNNING = export(done=False)
FAILED = export(problem="disk full")
BACKUP = Operation(name="b", kind=OperationKind.OTHER, instance="chat", asked_at=NOW)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([], Standing.UNCOUNTED),
        ([export(COUNTS, done=False)], Standing.COUNTING),
        ([export(COUNTS, done=False, age=3 * HOUR)], Standing.LATE),
        ([UNCOUNTABLE], Standing.UNCOUNTED),
        ([UNCOUNTABLE, UNCOUNTABLE], Standing.MISSING),
        ([COUNTED], Standing.MISSING),
        ([export()], Standing.WRITTEN),
        ([FAILED, export()], Standing.WRITTEN),
        ([RUNNING], Standing.RUNNING),
        ([FAILED, RUNNING], Standing.RUNNING),
        ([export(done=False, age=3 * HOUR)], Standing.LATE),
        ([COUNTED, FAILED], Standing.MISSING),
        ([FAILED] * 3, Standing.GIVEN_UP),
        ([export(OTHER, done=False)], Standing.BUSY),
        ([export(OTHER)], Standing.UNCOUNTED),
        ([BACKUP], Standing.UNCOUNTED),
    ],
)
def test_the_standing_follows_from_the_operations(operations: list[Operation], expected: Standing) -> None:
    assert look(operations, OURS, COUNTS, NOW, 2 * HOUR).standing is expected


def test_failures_are_told_from_the_oldest_on() -> None:
    old, young = export(age=2 * HOUR, problem="a"), export(problem="b")
    assert look([young, old], OURS, COUNTS, NOW, 2 * HOUR).failed == (old, young)


def test_what_ended_well_and_why_nothing_was_counted_is_kept() -> None:
    written = export()
    found = look([COUNTED, UNCOUNTABLE, written], OURS, COUNTS, NOW, 2 * HOUR)
    assert (found.written, found.counted, found.uncounted) == (written, COUNTED, "")
    assert look([UNCOUNTABLE], OURS, COUNTS, NOW, 2 * HOUR).uncounted == "no such column"


def test_an_operation_is_late_when_its_patience_is_over() -> None:
    assert not RUNNING.late(NOW, HOUR)
    assert RUNNING.late(NOW, HOUR - timedelta(seconds=1))
    assert not export().late(NOW, timedelta())
