"""A drill goes on from wherever it is, and its instance goes in every outcome."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backup.drill import Drill, Step, behind_source, durations, leftovers, next_step, observe, row_differences
from shared.backup.names import drill_instance
from shared.backup.operations import Operation, OperationKind

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOON = START + timedelta(minutes=5)
HOUR = timedelta(hours=1)
DRILL = Drill(started_at=START, deadline=2 * HOUR)
EXPORTS = {"gs://drills/empty": Step.CHECK_EMPTY, "gs://drills/count": Step.COUNT}


def after(*done: Step, exists: bool = True) -> Drill:
    return replace(DRILL, done=frozenset(done), instance_exists=exists)


def row(kind: OperationKind, *, uri: str = "", problem: str = "", done: bool = True, minute: int = 0) -> Operation:
    asked_at = START + timedelta(minutes=minute)
    return Operation(
        name=f"{kind}-{uri}-{minute}",
        kind=kind,
        instance="drill",
        asked_at=asked_at,
        ended_at=asked_at + timedelta(minutes=3) if done else None,
        done=done,
        problem=problem,
        uri=uri,
    )


def seen(*operations: Operation, reported: bool = False, exists: bool = True) -> Drill:
    return observe(
        operations, started_at=START, deadline=HOUR, exports=EXPORTS, reported=reported, instance_exists=exists
    )


def test_the_steps_follow_one_another() -> None:
    done: list[Step] = []
    while step := next_step(after(*done, exists=Step.CREATE in done and Step.DELETE not in done), SOON):
        done.append(step)
    assert done == list(Step)


def test_a_running_operation_is_waited_for() -> None:
    assert next_step(replace(after(Step.CREATE), running=Step.CHECK_EMPTY), SOON) is None


@pytest.mark.parametrize("running", [None, Step.IMPORT, Step.CREATE])
def test_a_failure_leads_straight_to_the_report(running: Step | None) -> None:
    assert next_step(replace(after(Step.CREATE), failure="import failed", running=running), SOON) is Step.REPORT


def test_the_deadline_ends_a_drill() -> None:
    assert next_step(after(Step.CREATE), START + 2 * HOUR) is not Step.REPORT
    assert next_step(after(Step.CREATE), START + 3 * HOUR) is Step.REPORT


@pytest.mark.parametrize("running", [Step.CREATE, Step.DELETE])
def test_a_creation_is_let_end_and_a_deletion_is_not_asked_for_twice(running: Step) -> None:
    assert next_step(replace(after(Step.REPORT), running=running), SOON) is None


def test_an_import_that_hangs_does_not_keep_the_instance() -> None:
    assert next_step(replace(after(Step.REPORT), running=Step.IMPORT), SOON) is Step.DELETE


_drills = st.builds(
    Drill,
    started_at=st.just(START),
    deadline=st.just(HOUR),
    done=st.frozensets(st.sampled_from(Step)),
    running=st.none() | st.sampled_from(Step),
    failure=st.sampled_from(["", "import failed"]),
    instance_exists=st.booleans(),
)


@given(drill=_drills, minutes=st.integers(0, 500))
def test_only_what_was_reported_is_deleted_and_what_was_reported_is_left_alone_else(drill: Drill, minutes: int) -> None:
    step = next_step(drill, START + timedelta(minutes=minutes))
    if step is Step.DELETE:
        assert drill.instance_exists
    if Step.REPORT in drill.done:
        assert step in (None, Step.DELETE)
    if step is not None and step is not Step.REPORT:
        assert step not in drill.done or step is Step.DELETE


def test_operations_tell_where_a_drill_stands() -> None:
    assert seen(exists=False) == replace(DRILL, deadline=HOUR)
    making = row(OperationKind.CREATE, done=False)
    assert seen(making).running is Step.CREATE
    count = row(OperationKind.EXPORT, uri="gs://drills/count", done=False, minute=9)
    found = seen(row(OperationKind.CREATE), row(OperationKind.CREATE_DATABASE), row(OperationKind.IMPORT), count)
    assert found.done == {Step.CREATE, Step.CREATE_DATABASE, Step.IMPORT}
    assert found.running is Step.COUNT
    assert seen(row(OperationKind.EXPORT, uri="gs://elsewhere"), row(OperationKind.OTHER)).done == frozenset()
    assert seen(reported=True).done == {Step.REPORT}


def test_a_step_that_ended_well_once_has_not_failed() -> None:
    again = row(OperationKind.CREATE_DATABASE, problem="it exists already", minute=1)
    assert seen(row(OperationKind.CREATE_DATABASE), again).failure == ""
    assert seen(again).failure == "create_database failed: it exists already"


def test_an_instance_that_somebody_else_deleted_fails_its_drill() -> None:
    assert seen(row(OperationKind.CREATE), exists=False).failure == "the instance is gone before it was asked to go"


def test_a_recovery_is_the_instance_the_database_and_the_import() -> None:
    counting = row(OperationKind.EXPORT, uri="gs://drills/count")
    rows = [row(OperationKind.IMPORT), row(OperationKind.CREATE), counting]
    assert durations([*rows, row(OperationKind.CREATE_DATABASE, problem="no")]) == {
        "create": timedelta(minutes=3),
        "import": timedelta(minutes=3),
    }


def test_rows_restored_must_be_the_rows_of_the_file() -> None:
    assert row_differences({"a": 1, "b": 2}, {"a": 1, "b": 2}) == ()
    assert row_differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 1, "d": 0}) == (
        "b has 1 rows; the file has 2.",
        "c was not restored; the file has 3 rows of it.",
        "d was restored and is not in the file.",
    )


def test_a_table_that_only_grows_may_have_gained_rows_since_and_lost_none() -> None:
    assert behind_source(frozenset({"a", "b", "c"}), {"a": 5, "b": 5, "c": 5, "d": 5}, {"a": 6, "b": 4, "c": 5}) == (
        "b was restored with 4 rows; the source had 5 before the export began.",
    )


def test_only_throw_away_instances_past_their_lifetime_are_left_over() -> None:
    old, young = drill_instance("chat", START), drill_instance("chat", START + 3 * HOUR)
    assert leftovers(["chat", young, old, "drill-me"], START + 4 * HOUR, 3 * HOUR) == (old,)
