"""Both revisions side by side, our own probes apart."""

from datetime import UTC, datetime, timedelta

from shared.analysis.evidence import Histogram, History, Probe, ProbeOutcome, Sample
from shared.analysis.periods import Probing, probing_of, side_by_side

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


def probe(outcome: ProbeOutcome, status: int, revision: str = "canary") -> Probe:
    return Probe(revision=revision, path="/", outcome=outcome, reason="", status=status)


def test_order_and_repetition_do_not_matter() -> None:
    rows = (sample(1, ok=3), sample(2, ok=4), sample(3, ok=5))
    stable = (sample(1, ok=30), sample(3, ok=50))
    once = side_by_side(history(rows, stable), "canary", "stable", Probing())
    often = side_by_side(history((*rows[::-1], *rows), (*stable, *stable)), "canary", "stable", Probing())
    assert once == often
    assert [(period.exposed, period.stable_requests) for period in once] == [(3, 30), (4, 0), (5, 50)]


def test_a_period_that_is_not_settled_is_not_looked_at() -> None:
    assert side_by_side(history((sample(5, ok=3),), (), settled=4), "canary", "stable", Probing()) == []


def test_client_errors_are_requests_server_errors_are_failures_and_chats_are_neither() -> None:
    row = Sample(end=NOW, requests_by_class={"1xx": 9, "2xx": 80, "4xx": 5, "5xx": 2}, latency=Histogram())
    (period,) = side_by_side(history((row,), ()), "canary", "stable", Probing())
    assert (period.exposed, period.errors) == (87, 2)


def test_probes_are_taken_out_each_reading_on_its_safe_side() -> None:
    row = Sample(end=NOW, requests_by_class={"2xx": 10, "5xx": 3})
    (period,) = side_by_side(history((row,), ()), "canary", "stable", Probing(sent=2, failed=1))
    assert (period.exposed, period.users, period.errors, period.all_errors) == (12, 11, 2, 3)


def test_a_failed_probe_may_be_in_the_metrics_unless_it_failed_for_its_content() -> None:
    probes = [
        probe(ProbeOutcome.PASSED, 200),
        probe(ProbeOutcome.FAILED, 503),
        probe(ProbeOutcome.FAILED, 0),
        probe(ProbeOutcome.FAILED, 200),
        probe(ProbeOutcome.FAILED, 500, "stable"),
    ]
    assert probing_of(probes, "canary") == Probing(sent=4, failed=2)
