"""A drill goes on from wherever it is, and its instance is gone before anything is reported."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.backup.drill import Drill, Step, leftovers, next_step, row_differences
from shared.backup.names import drill_instance

START = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
SOON = START + timedelta(minutes=5)
HOUR = timedelta(hours=1)
DRILL = Drill(started_at=START, deadline=2 * HOUR)


def after(*done: Step, exists: bool = True) -> Drill:
    return replace(DRILL, done=frozenset(done), instance_exists=exists)


def test_the_steps_follow_one_another() -> None:
    done: list[Step] = []
    while step := next_step(after(*done, exists=Step.CREATE in done and Step.DELETE not in done), SOON):
        done.append(step)
    assert done == list(Step)


def test_a_running_operation_is_waited_for() -> None:
    assert next_step(replace(after(Step.CREATE), running=Step.CHECK_EMPTY), SOON) is None


@pytest.mark.parametrize("running", [None, Step.IMPORT])
def test_a_failure_leads_straight_to_the_deletion(running: Step | None) -> None:
    assert next_step(replace(after(Step.CREATE), failure="import failed", running=running), SOON) is Step.DELETE


@pytest.mark.parametrize("running", [Step.CREATE, Step.DELETE])
def test_a_creation_is_let_end_and_a_deletion_is_not_asked_for_twice(running: Step) -> None:
    assert next_step(replace(after(), failure="late", running=running), SOON) is None


def test_the_deadline_ends_a_drill() -> None:
    assert next_step(after(Step.CREATE), START + 3 * HOUR) is Step.DELETE


def test_a_drill_that_never_had_an_instance_is_reported_at_once() -> None:
    assert next_step(replace(after(exists=False), failure="no quota"), SOON) is Step.REPORT


_drills = st.builds(
    Drill,
    started_at=st.just(START),
    deadline=st.just(HOUR),
    done=st.frozensets(st.sampled_from(Step)),
    running=st.none() | st.sampled_from(Step),
    failure=st.sampled_from(["", "import failed"]),
    instance_exists=st.booleans(),
)


@given(drill=_drills, minutes=st.integers(0, 180))
def test_nothing_is_reported_while_the_instance_exists_and_nothing_follows_the_report(
    drill: Drill, minutes: int
) -> None:
    step = next_step(drill, START + timedelta(minutes=minutes))
    if step is Step.REPORT:
        assert not drill.instance_exists
    if Step.REPORT in drill.done:
        assert step is None


def test_rows_restored_must_be_the_rows_of_the_file() -> None:
    assert row_differences({"a": 1, "b": 2}, {"a": 1, "b": 2}) == ()
    assert row_differences({"a": 1, "b": 2, "c": 3}, {"a": 1, "b": 1, "d": 0}) == (
        "b has 1 rows; the file has 2.",
        "c was not restored; the file has 3 rows of it.",
        "d was restored and is not in the file.",
    )


def test_only_throw_away_instances_past_their_lifetime_are_left_over() -> None:
    old, young = drill_instance("chat", START), drill_instance("chat", START + 3 * HOUR)
    assert leftovers(["chat", young, old, "drill-me"], START + 4 * HOUR, 3 * HOUR) == (old,)
