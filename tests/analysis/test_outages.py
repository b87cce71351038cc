"""Failures too gross for odds, each at its limit."""

from typing import Any

import pytest

from shared.analysis.e_value import Tally
from shared.analysis.outages import Outages, both_fail, may_both_fail
from shared.analysis.periods import Period
from tests.analysis.worlds import MINUTE, NOW

GOOD = {"exposed": 20, "stable_requests": 60}
BAD = {**GOOD, "errors": 20}


def seen(*rows: dict[str, Any], usual: float = 80, share: int = 25, before: tuple[int, int] = (0, 0)) -> Outages:
    found = Outages()
    found.know_before([Period(NOW, stable_errors=before[0], stable_requests=before[1])])
    for minute, row in enumerate(rows):
        found.note(Period(NOW + minute * MINUTE, **row), usual, share)
    return found


@pytest.mark.parametrize(
    ("rows", "massive"),
    [
        ([BAD], 1),
        ([BAD, BAD], 2),
        ([BAD, BAD, BAD], 3),
        ([BAD, BAD, GOOD], 0),
        ([BAD, BAD, {}], 2),
        ([BAD, BAD, {"stable_requests": 60, "stable_errors": 3}], 2),
        ([BAD, {**GOOD, "errors": 16}], 2),
        ([BAD, {**GOOD, "errors": 15}], 0),
        ([BAD, {**GOOD, "exposed": 5, "errors": 5}], 2),
        ([BAD, {**GOOD, "exposed": 4, "errors": 4}], 0),
        ([BAD, {**BAD, "stable_errors": 29}], 2),
        ([BAD, {**BAD, "stable_errors": 30}], 0),
        ([BAD, {**BAD, "stable_requests": 0}], 2),
        ([BAD, {"stable_requests": 2, "stable_errors": 1}], 1),
        ([{"stable_requests": 20, "stable_errors": 19}, {**BAD, "stable_requests": 18}], 0),
        ([{"stable_requests": 20, "stable_errors": 18}, {**BAD, "stable_requests": 18}], 1),
        ([{"stable_requests": 20, "stable_errors": 20}, {}, {}, {**BAD, "stable_requests": 2}], 1),
        ([{"stable_requests": 20, "stable_errors": 20}, {}, {**BAD, "stable_requests": 2}], 0),
    ],
)
def test_for_how_long_nearly_everything_has_failed(rows: list[dict[str, Any]], massive: int) -> None:
    found = seen(*rows)
    assert found.massive_periods == massive
    assert found.total is (massive >= 3)


@pytest.mark.parametrize(("errors", "massive"), [(2, 0), (3, 1)])
def test_on_a_quiet_service_three_failures_are_the_least(errors: int, massive: int) -> None:
    assert seen({"exposed": errors, "errors": errors}, usual=1).massive_periods == massive


@pytest.mark.parametrize(
    ("before", "rows", "shared", "alone"),
    [
        ((0, 0), [(3, 59)], True, True),
        ((0, 0), [(3, 60)], False, False),
        ((0, 0), [(2, 2)], False, False),
        ((0, 0), [(1, 9), (1, 9), (1, 9)], True, True),
        ((0, 0), [(3, 9), (0, 9), (0, 9), (0, 9)], False, True),
        ((0, 0), [(3, 9), (0, 9), (0, 9), (0, 9), (0, 9)], False, True),
        ((0, 0), [(3, 9), (0, 9), (0, 9), (0, 9), (0, 9), (0, 9)], False, False),
        ((2, 100), [(10, 100)], False, False),
        ((2, 100), [(11, 100)], True, True),
        ((0, 100), [(5, 100)], False, False),
        ((0, 100), [(6, 100)], True, True),
    ],
)
def test_whether_stable_fails_as_it_did_not_before(
    before: tuple[int, int], rows: list[tuple[int, int]], shared: bool, alone: bool
) -> None:
    found = seen(*({"stable_errors": bad, "stable_requests": requests} for bad, requests in rows), before=before)
    assert found.shared(alone=False) is shared
    assert found.shared(alone=True) is alone


def never(*blocks: tuple[int, int], found: Outages | None = None, periods: int = 1) -> list[bool]:
    found = found or seen()
    return [found.never_worked(Tally(requests, bad, 60, 0), periods, 80, 25) for bad, requests in blocks]


def test_a_canary_that_never_worked_has_failed_nearly_everything_in_each_block_and_in_all() -> None:
    assert never((20, 20), (16, 20), (16, 20)) == [True, True, True]
    assert never((20, 20), (15, 20), (20, 20)) == [True, False, True]
    assert never((0, 20), (20, 20)) == [False, False]
    assert never((0, 5), (20, 20), (20, 20)) == [False, True, True]
    assert never((4, 4), (5, 5)) == [False, True]
    assert never((9, 9), (10, 10), periods=2) == [False, True]
    assert never((2, 2)) == [False]
    assert never((0, 6), (20, 20)) == [False, False]


@pytest.mark.parametrize(("errors", "down"), [(2, False), (3, True)])
def test_after_stable_was_down_nobody_says_that_it_never_worked(errors: int, down: bool) -> None:
    found = seen({**BAD, "stable_errors": errors, "stable_requests": errors})
    assert never((20, 20), found=found) == [not down]


def test_that_stable_was_down_is_not_forgotten_and_needs_no_failure_of_the_canary() -> None:
    for row in (GOOD, BAD):
        down = {**row, "stable_errors": 3, "stable_requests": 3}
        assert never((20, 20), found=seen(down, {**BAD, "stable_errors": 1, "stable_requests": 1})) == [False]
        assert never((20, 20), found=seen(down)) == [False]


def test_a_quarter_of_the_requests_that_its_share_brings_must_be_visible() -> None:
    few = {"exposed": 5, "errors": 5, "stable_requests": 60}
    assert [seen(few, usual=usual).massive_periods for usual in (80, 80.5)] == [1, 0]
    assert [seen().never_worked(Tally(5, 5, 60, 0), 1, usual, 25) for usual in (80, 80.5)] == [True, False]


def test_what_was_usual_is_counted_over_all_that_was_before() -> None:
    found = Outages()
    found.know_before([Period(NOW, stable_errors=4, stable_requests=100), Period(NOW, stable_requests=100)])
    for bad in (10, 11):
        found.note(Period(NOW, stable_errors=bad, stable_requests=100), 80, 25)
        assert found.shared(alone=False) is (bad == 11)


@pytest.mark.parametrize(
    ("row", "usual", "both"),
    [
        ({"stable_errors": 6, "stable_requests": 100, "errors": 6, "exposed": 100}, 0.0, True),
        ({"stable_errors": 5, "stable_requests": 100, "errors": 6, "exposed": 100}, 0.0, False),
        ({"stable_errors": 6, "stable_requests": 100, "errors": 5, "exposed": 100}, 0.0, False),
        ({"stable_errors": 11, "stable_requests": 100, "errors": 11, "exposed": 100}, 0.02, True),
        ({"stable_errors": 10, "stable_requests": 100, "errors": 11, "exposed": 100}, 0.02, False),
        ({"errors": 11, "exposed": 100, "stable_requests": 100}, 0.0, False),
        ({"stable_errors": 11, "stable_requests": 100}, 0.0, False),
    ],
)
def test_whether_both_fail_far_more_than_usual(row: dict[str, Any], usual: float, both: bool) -> None:
    assert both_fail(Period(NOW, **row), usual) is both
    assert may_both_fail([Period(NOW, **row)]) >= both
