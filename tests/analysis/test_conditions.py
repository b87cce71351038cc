"""What no statistics need tell, each at its limit."""

from datetime import timedelta
from typing import Any

import pytest

from shared.analysis.conditions import crash_looping, dead, metrics_outage, refusing, unroutable
from shared.analysis.evidence import Probe, Sample
from shared.analysis.periods import Period
from tests.analysis.worlds import FAILED, MINUTE, NOW, PASSED, history

OTHER = PASSED._replace(revision="stable")


def periods(*rows: dict[str, Any]) -> list[Period]:
    return [Period(NOW + minute * MINUTE, **row) for minute, row in enumerate(rows)]


def asked(*rows: tuple[int, int]) -> list[Period]:
    """Failed requests and all of them."""
    return periods(*({"errors": errors, "exposed": exposed} for errors, exposed in rows))


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([], False),
        ([(2, 2)], False),
        ([(3, 3)], True),
        ([(3, 4)], False),
        ([(4, 5)], True),
        ([(3, 100)], False),
        ([(1, 1)] * 4, False),
        ([(1, 1)] * 5, True),
        ([(1, 1)] * 3 + [(1, 2), (1, 1)], False),
        ([(0, 9)] * 6 + [(1, 1)] * 5, True),
        ([(1, 1)] * 5 + [(0, 9)], False),
        ([(1, 20)] * 5, False),
        ([(0, 0)] * 3 + [(2, 2), (2, 2)], False),
        ([(2, 2)] * 19 + [(2, 3)], False),
    ],
)
def test_whether_it_answers_nobody(rows: list[tuple[int, int]], found: bool) -> None:
    assert dead(asked(*rows), (FAILED,), "canary") is found
    assert dead(asked(*rows), (FAILED, OTHER), "canary") is found
    for probes in ((), (PASSED,), (FAILED, PASSED), (FAILED._replace(revision="stable"),)):
        assert not dead(asked(*rows), probes, "canary")


def refused(refused: int, users: int, minutes: int, *, stable: tuple[int, int] = (0, 0)) -> list[Period]:
    row = {"refused": refused, "exposed": users, "users": users}
    return periods(*[{**row, "stable_refused": stable[0], "stable_requests": stable[1]}] * minutes)


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (refused(4, 4, 5), True),
        (refused(5, 5, 4), False),
        (refused(3, 3, 6), False),
        (refused(2, 4, 5), True),
        (refused(3, 6, 5, stable=(0, 4)), True),
        (refused(3, 6, 5, stable=(1, 10)), False),
        (refused(6, 10, 5, stable=(1, 10)), True),
        (refused(59, 100, 5, stable=(1, 10)), False),
        ([*refused(5, 5, 4), *refused(1, 1, 1)], True),
        ([*refused(5, 5, 4), *periods({"exposed": 1})], False),
    ],
)
def test_whether_most_are_refused(rows: list[Period], found: bool) -> None:
    assert bool(refusing(rows, rows)) is found


def test_only_the_latest_ten_with_a_request_say_who_is_refused() -> None:
    old, silent = refused(0, 9, 30), periods(*[{}] * 20)
    rows = [*old, *refused(9, 9, 10), *silent]
    assert refusing(rows, rows) == "90 of the latest 90 canary requests were refused (4xx), 0 of 0 on stable."


def test_what_stable_refused_before_counts_where_it_has_hardly_a_request_now() -> None:
    before = refused(0, 0, 60, stable=(30, 60))
    latest = refused(19, 20, 10, stable=(0, 1))
    assert not refusing([*before, *latest], latest)
    beside = refused(19, 20, 10, stable=(0, 2))
    assert refusing([*before, *beside], beside) == (
        "190 of the latest 200 canary requests were refused (4xx), 0 of 20 on stable."
    )


@pytest.mark.parametrize(
    ("starts", "found"), [((1, 1), False), ((1, 1, 1), True), ((3,), True), ((3, *[0] * 10), False)]
)
def test_whether_instances_keep_failing_to_start(starts: tuple[int, ...], found: bool) -> None:
    rows = periods(*({"failed_starts": failed} for failed in starts))
    assert bool(crash_looping(rows)) is found
    assert not crash_looping([*rows[:-1], rows[-1]._replace(stable_failed_starts=1)])


@pytest.mark.parametrize(
    ("minutes", "stable", "users", "share", "found"),
    [
        (5, 6, 0, 50, "0 of about 30 requests that 50 % of the traffic should bring came: unroutable."),
        (5, 5, 0, 50, ""),
        (4, 60, 0, 50, ""),
        (5, 10, 1, 50, ""),
        (6, 1000, 99, 50, "594 of about 6,000 requests that 50 % of the traffic should bring came: unroutable."),
        (6, 1000, 100, 50, ""),
        (10, 9, 0, 25, "0 of about 30 requests that 25 % of the traffic should bring came: unroutable."),
    ],
)
def test_whether_its_share_of_the_traffic_arrives(
    minutes: int, stable: int, users: int, share: int, found: str
) -> None:
    rows = periods(*[{"stable_requests": stable + 2, "users": users, "probes": 2}] * minutes)
    assert unroutable(rows, share, MINUTE) == found


def test_a_stable_that_only_our_probes_ask_lets_nothing_be_expected() -> None:
    rows = periods(*[{"stable_requests": 1, "probes": 9}] * 9, {"stable_requests": 38, "probes": 9})
    assert unroutable(rows, 50, MINUTE) == ""


def outage(ours: int | None, theirs: int | None, *, first: int = -20, probes: tuple[Probe, ...] = (PASSED,)) -> str:
    """The newest sample of each, so many minutes ago."""

    def rows(ago: int | None) -> list[Sample]:
        return [] if ago is None else [Sample(end=NOW - minutes * MINUTE) for minutes in (ago + 1, ago)]

    found = history(NOW, canary=rows(ours), stable=rows(theirs))
    return metrics_outage(found, "canary", probes, NOW + first * MINUTE)


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (4, 4, ""),
        (5, 5, "we probe at every tick, and no revision has a sample since 11:55:00 UTC: a metrics outage."),
        (None, None, "we probe at every tick, and no revision has a sample: a metrics outage."),
        (9, 7, "we probe at every tick, and no revision has a sample since 11:53:00 UTC: a metrics outage."),
        (4, 0, ""),
        (5, 0,
         "the canary answers our probes, and the metrics have no sample of it since 11:55:00 UTC: a metrics outage."),
        (None, 0, "the canary answers our probes, and the metrics have no sample of it: a metrics outage."),
    ],
)  # fmt: skip
def test_whether_anybody_can_see(ours: int | None, theirs: int | None, told: str) -> None:
    assert outage(ours, theirs) == told
    assert outage(ours, theirs, first=-5) == told
    assert outage(ours, theirs, first=-4) == ""
    assert outage(ours, theirs, probes=()) == ""


def test_of_a_canary_that_does_not_answer_nothing_is_expected() -> None:
    assert outage(None, 0, probes=(FAILED, OTHER)) == ""


def test_periods_may_have_any_length() -> None:
    rows = periods(*[{"stable_requests": 100}] * 5)
    assert unroutable(rows, 50, timedelta(minutes=5)) == ""
    assert unroutable(rows, 50, timedelta(seconds=30))
