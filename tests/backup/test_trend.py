"""What an export has is compared with what the verified ones had."""

from dataclasses import replace
from typing import Any

import pytest

from shared.backup.dump import DumpReport
from shared.backup.faults import FaultKind
from shared.backup.trend import Expectation, trend_faults


def report(size: int = 1000, extensions: tuple[str, ...] = (), **rows: int) -> DumpReport:
    return DumpReport(compressed_size=size, raw_size=size * 4, rows=rows, extensions=extensions)


LAST = report(messages=1000, rooms=10)


def found(now: DumpReport, expected: Expectation = Expectation(), *, last: DumpReport = LAST) -> list[FaultKind]:  # noqa: B008
    return [fault.kind for fault in trend_faults(now, [last], expected)]


def test_the_first_export_has_nothing_to_be_compared_with() -> None:
    assert trend_faults(report(size=1), [], Expectation()) == ()


@pytest.mark.parametrize(("size", "expected"), [(500, []), (499, [FaultKind.SIZE_COLLAPSED])])
def test_less_than_half_the_usual_size_is_a_collapse(size: int, expected: list[FaultKind]) -> None:
    assert found(report(size=size, messages=1000, rooms=10)) == expected


def test_one_odd_night_does_not_move_the_usual_size() -> None:
    nights = [report(size=size, messages=1) for size in (1000, 1000, 5000)]
    assert trend_faults(report(size=900, messages=1), nights, Expectation()) == ()


@pytest.mark.parametrize(("size", "expected"), [(1000, []), (999, [FaultKind.SIZE_COLLAPSED])])
def test_the_usual_size_of_an_even_number_of_nights_lies_between_the_two_in_the_middle(
    size: int, expected: list[FaultKind]
) -> None:
    nights = [report(size=night, messages=1) for night in (9000, 1000, 3000, 500)]
    assert [fault.kind for fault in trend_faults(report(size=size, messages=1), nights, Expectation())] == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ({"messages": 1000, "rooms": 10}, []),
        ({"messages": 999, "rooms": 10}, []),
        ({"messages": 499, "rooms": 10}, [FaultKind.ROWS_LOST]),
        ({"messages": 1000, "rooms": 0}, []),
        ({"messages": 1000}, [FaultKind.TABLE_MISSING]),
        ({"messages": 1000, "rooms": 10, "new": 0}, []),
    ],
)
def test_a_table_may_shrink_but_not_collapse_or_vanish(rows: dict[str, int], expected: list[FaultKind]) -> None:
    assert found(report(1000, (), **rows)) == expected


def test_a_table_that_only_grows_may_not_lose_one_row() -> None:
    assert found(report(messages=999, rooms=10), Expectation(append_only=frozenset({"messages"}))) == [
        FaultKind.ROWS_LOST
    ]


@pytest.mark.parametrize(
    ("counted", "doubted"), [({}, "this"), ({"messages": 1000}, "this"), ({"messages": 999}, "the source")]
)
def test_what_a_table_that_only_grows_lacks_at_the_source_too_puts_the_file_before_in_doubt(
    counted: dict[str, int], doubted: str
) -> None:
    expected = Expectation(append_only=frozenset({"messages"}), rows_min=counted)
    told = [fault.text for fault in trend_faults(report(messages=999, rooms=10), [LAST], expected)]
    blamed = "the source itself had 999: it lost rows, or the export before has some that it never had" in told[-1]
    assert blamed is (doubted == "the source")


def test_a_table_dropped_on_purpose_is_not_missed() -> None:
    assert found(report(messages=1000), Expectation(retired=frozenset({"rooms"}))) == []


KEPT = frozenset({"t"})


@pytest.mark.parametrize(
    ("at_source", "in_file", "expected", "fault"),
    [
        (1001, 1000, Expectation(append_only=KEPT), True),
        (1000, 1000, Expectation(append_only=KEPT), False),
        (1001, 1000, Expectation(append_only=KEPT, counted_long_ago=True), True),
        (1000, 510, Expectation(), True),
        (1000, 900, Expectation(), False),
        (1000, 899, Expectation(), True),
        (99, 0, Expectation(), True),
        (10, 0, Expectation(), False),
        (1000, 0, Expectation(volatile=KEPT), False),
        (1000, 0, Expectation(counted_long_ago=True), False),
    ],
)
def test_a_file_must_have_what_the_source_had_even_on_the_first_night(
    at_source: int, in_file: int, expected: Expectation, fault: bool
) -> None:
    faults = trend_faults(report(t=in_file), [], replace(expected, rows_min={"t": at_source}))
    assert [fault.kind for fault in faults] == [FaultKind.BEHIND_SOURCE] * fault


def test_a_table_that_the_source_has_and_the_file_lacks_is_told_however_small() -> None:
    [fault] = trend_faults(report(messages=1), [], Expectation(rows_min={"messages": 1, "rooms": 0}))
    assert fault.text == "rooms is missing; the source had 0 rows of it before the export began"


def test_a_table_whose_rows_come_and_go_may_be_emptied_from_night_to_night() -> None:
    emptied = report(messages=0, rooms=10)
    assert found(emptied) == [FaultKind.ROWS_LOST]
    assert found(emptied, Expectation(volatile=frozenset({"messages"}))) == []


def test_a_new_extension_is_named_unless_it_was_declared() -> None:
    now = report(messages=1000, rooms=10, extensions=("pgcrypto",))
    assert found(now) == [FaultKind.UNKNOWN_EXTENSION]
    assert found(now, Expectation(extensions=frozenset({"pgcrypto"}))) == []


def told(now: DumpReport, expected: Expectation = Expectation()) -> list[str]:  # noqa: B008
    return [f"{fault.kind.name}: {fault.text}" for fault in trend_faults(now, [LAST], expected)]


@pytest.mark.parametrize(
    ("now", "expected", "texts"),
    [
        (report(499, messages=1000, rooms=10), {}, ["SIZE_COLLAPSED: 499 bytes are 50% of the usual 1000"]),
        (report(200, messages=1000, rooms=10), {}, ["SIZE_COLLAPSED: 200 bytes are 20% of the usual 1000"]),
        (
            report(messages=1000),
            {},
            ["TABLE_MISSING: rooms is missing; the last verified export had 10 rows of it"],
        ),
        (report(messages=499, rooms=10), {}, ["ROWS_LOST: messages fell from 1000 rows to 499"]),
        (report(messages=500, rooms=10), {}, []),
        (
            report(messages=999, rooms=10),
            {"append_only": frozenset({"messages", "rooms"})},
            ["ROWS_LOST: messages only ever grows, and has 999 rows after 1000"],
        ),
        (
            report(messages=1000, rooms=10, extensions=("postgis", "citext")),
            {"extensions": frozenset({"citext"})},
            [
                (
                    "UNKNOWN_EXTENSION: it needs the extension postgis, which no verified export needed: "
                    "a restore may fail on it"
                )
            ],
        ),
        (
            report(messages=1000, rooms=10),
            {"rows_min": {"messages": 2000, "gone": 3}},
            [
                "BEHIND_SOURCE: gone is missing; the source had 3 rows of it before the export began",
                "BEHIND_SOURCE: messages has 1000 rows; the source had 2000 before the export began",
            ],
        ),
        (report(rooms=10), {"retired": frozenset({"messages"})}, []),
        (report(messages=0), {"volatile": frozenset({"messages"}), "retired": frozenset({"rooms"})}, []),
        (
            report(messages=0),
            {"volatile": frozenset({"messages"})},
            ["TABLE_MISSING: rooms is missing; the last verified export had 10 rows of it"],
        ),
        (
            report(messages=1000),
            {"retired": frozenset({"a", "messages"})},
            ["TABLE_MISSING: rooms is missing; the last verified export had 10 rows of it"],
        ),
    ],
)
def test_people_are_told_what_an_export_lacks(now: DumpReport, expected: dict[str, Any], texts: list[str]) -> None:
    assert told(now, Expectation(**expected)) == texts


@pytest.mark.parametrize(
    ("before", "now", "lost"), [(99, 0, False), (100, 49, True), (100, 50, False), (101, 50, True)]
)
def test_a_small_table_may_shrink_as_it_likes(before: int, now: int, lost: bool) -> None:
    faults = trend_faults(report(rooms=now), [report(rooms=before)], Expectation())
    assert [fault.kind for fault in faults] == ([FaultKind.ROWS_LOST] if lost else [])
