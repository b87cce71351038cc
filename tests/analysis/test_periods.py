"""Both revisions side by side, our own probes apart."""

from datetime import UTC, datetime, timedelta

from shared.analysis.evidence import Histogram, History, Sample
from shared.analysis.periods import side_by_side

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def sample(minute: int, **by_class: int) -> Sample:
    return Sample(end=NOW + minute * MINUTE, requests_by_class=by_class)


def history(canary: tuple[Sample, ...], stable: tuple[Sample, ...], settled: int = 99) -> History:
    return History(
        sample_period=MINUTE,
        ingest_delay=2 * MINUTE,
        settled_until=NOW + settled * MINUTE,
        samples={"canary": canary, "stable": stable},
    )


def test_order_and_repetition_do_not_matter() -> None:
    rows = (sample(1, ok=3), sample(2, ok=4), sample(3, ok=5))
    stable = (sample(1, ok=30), sample(3, ok=50))
    once = side_by_side(history(rows, stable), "canary", "stable")
    often = side_by_side(history((*rows[::-1], *rows), (*stable, *stable)), "canary", "stable")
    assert once == often
    assert [(period.exposed, period.stable_requests) for period in once] == [(3, 30), (4, 0), (5, 50)]
    assert [period.users for period in once] == [3, 4, 5], "unless somebody says how many probes there are"


def test_a_period_that_is_not_settled_is_not_looked_at() -> None:
    assert side_by_side(history((sample(5, ok=3),), (), settled=4), "canary", "stable") == []


def test_client_errors_are_requests_server_errors_are_failures_and_chats_are_neither() -> None:
    row = Sample(
        end=NOW, requests_by_class={"1xx": 9, "2xx": 80, "4xx": 4, "429": 2, "499": 1, "5xx": 2}, latency=Histogram()
    )
    (period,) = side_by_side(history((row,), ()), "canary", "stable")
    assert (period.exposed, period.errors, period.refused) == (89, 2, 4)


def test_classes_that_nobody_counted_are_of_nobody() -> None:
    (period,) = side_by_side(history((sample(1, ok=3),), (sample(1, ok=30),)), "canary", "stable")
    assert (period.errors, period.refused, period.stable_errors, period.stable_refused) == (0, 0, 0, 0)


def test_probes_are_taken_out_of_what_speaks_for_safety_and_of_nothing_else() -> None:
    row = Sample(end=NOW, requests_by_class={"2xx": 10, "5xx": 3})
    (period,) = side_by_side(history((row,), ()), "canary", "stable", 2)
    assert (period.exposed, period.users, period.errors) == (13, 11, 3)
    (quiet,) = side_by_side(
        history((Sample(end=NOW, requests_by_class={"2xx": 1, "5xx": 3}),), ()), "canary", "stable", 2
    )
    assert (quiet.exposed, quiet.users) == (4, 3)
