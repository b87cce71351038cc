"""The metrics adapter over the wire: Google's client against a server that keeps every request."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from threading import Barrier

import grpc
import pytest
from google.api.distribution_pb2 import Distribution
from google.api.metric_pb2 import MetricDescriptor
from google.api.monitored_resource_pb2 import MonitoredResource
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import (
    Aggregation,
    ListTimeSeriesRequest,
    ListTimeSeriesResponse,
    Point,
    TimeInterval,
    TimeSeries,
    TypedValue,
)
from google.protobuf.duration_pb2 import Duration

from scripts.local_cloud.gapic.wire import Fail
from shared.adapters.distributions import Latencies, bounds_of
from shared.adapters.monitoring import REQUEST_COUNT, REQUEST_LATENCIES, STARTUP_PROBES, CloudMonitoring
from shared.analysis.evidence import Histogram
from shared.errors import Unavailable
from tests.adapters.wire import Recorder, served

NOW = datetime(2026, 11, 23, 12, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
START, SETTLED = datetime(2026, 11, 23, 11, 50, tzinfo=UTC), datetime(2026, 11, 23, 11, 58, tzinfo=UTC)


def at(minute: int) -> datetime:
    return datetime(2026, 11, 23, 11, minute, tzinfo=UTC)


CODES = {"400": 1, "404": 6, "429": 3, "499": 5}


def series(revision: str, code_class: str, points: Mapping[datetime, int | Distribution], **labels: str) -> TimeSeries:
    """Newest first, as the API tells them."""
    return TimeSeries(
        resource=MonitoredResource(type="cloud_run_revision", labels={"revision_name": revision}),
        metric={"type": REQUEST_COUNT, "labels": {"response_code_class": code_class, **labels}},
        points=[
            Point(
                interval=TimeInterval(start_time=end - MINUTE, end_time=end),
                value=TypedValue(int64_value=value) if isinstance(value, int) else TypedValue(distribution_value=value),
            )
            for end, value in sorted(points.items(), reverse=True)
        ],
    )


def explicit(*counts: int, bounds: tuple[float, ...] = (10.0, 100.0, 1000.0)) -> Distribution:
    options = Distribution.BucketOptions(explicit_buckets=Distribution.BucketOptions.Explicit(bounds=bounds))
    return Distribution(count=sum(counts), bucket_options=options, bucket_counts=counts)


class Metrics(Recorder):
    """Serves `counts` and `latencies`, one series a page."""

    def __init__(self) -> None:
        super().__init__(
            get_metric_descriptor=MetricDescriptor(
                metadata=MetricDescriptor.MetricDescriptorMetadata(
                    sample_period=Duration(seconds=60), ingest_delay=Duration(seconds=120)
                )
            ),
            list_time_series=self.page,
        )
        self.counts: list[TimeSeries] = []
        self.latencies: list[TimeSeries] = []
        self.startup_probes: list[TimeSeries] = []

    def page(self, request: ListTimeSeriesRequest) -> ListTimeSeriesResponse:
        rows = next(rows for metric, rows in self._told().items() if f'"{metric}"' in request.filter)
        page = int(request.page_token or 0)
        more = str(page + 1) if page + 1 < len(rows) else ""
        return ListTimeSeriesResponse(time_series=rows[page : page + 1], next_page_token=more)

    def _told(self) -> dict[str, list[TimeSeries]]:
        return {REQUEST_COUNT: self.counts, REQUEST_LATENCIES: self.latencies, STARTUP_PROBES: self.startup_probes}

    @property
    def queries(self) -> list[ListTimeSeriesRequest]:
        return [request for name, request in self.requests if name == "list_time_series" and not request.page_token]


@pytest.fixture
def server() -> Metrics:
    return Metrics()


@pytest.fixture
def metrics(server: Metrics) -> Iterator[CloudMonitoring]:
    with served(server, MetricServiceGrpcTransport) as endpoint:
        adapter = CloudMonitoring("demo", "africa-south1", endpoint)
        yield adapter
        adapter.close()


def test_all_metrics_are_asked_at_once_and_before_anybody_waits(metrics: CloudMonitoring, server: Metrics) -> None:
    all_asked = Barrier(4)

    def answer(request: ListTimeSeriesRequest) -> ListTimeSeriesResponse:
        all_asked.wait(timeout=10)
        return server.page(request)

    server.answers["list_time_series"] = answer
    server.counts = [series("web-1", "2xx", {at(53): 95})]
    asked = metrics.ask("web", START, NOW)
    all_asked.wait(timeout=10)
    assert asked().samples["web-1"][0].requests_by_class == {"2xx": 95}


def test_every_page_of_every_class_ends_in_the_samples_of_its_revision(
    metrics: CloudMonitoring, server: Metrics
) -> None:
    server.counts = [
        series("web-1", "2xx", {at(52): 90, at(53): 95}),
        series("web-1", "5xx", {at(53): 5}),
        series("web-2", "2xx", {at(53): 10}),
    ]
    server.latencies = [
        series("web-1", "2xx", {at(53): explicit(1, 2)}),
        series("web-1", "5xx", {at(53): explicit(0, 0, 0, 4)}),
    ]
    history = metrics.ask("web", START, NOW)()
    assert (history.sample_period, history.ingest_delay) == (MINUTE, 2 * MINUTE)
    assert history.settled_until == SETTLED
    assert [(row.end, dict(row.requests_by_class)) for row in history.samples["web-1"]] == [
        (at(52), {"2xx": 90}),
        (at(53), {"2xx": 95, "5xx": 5}),
    ]
    assert [row.latency for row in history.samples["web-1"]] == [
        Histogram(),
        Histogram(bounds_ms=(10.0, 100.0, 1000.0), counts=(1, 2, 0, 4)),
    ]
    assert [dict(row.requests_by_class) for row in history.samples["web-2"]] == [{"2xx": 10}]


def test_the_questions_are_deltas_by_revision_and_class_over_whole_settled_periods(
    metrics: CloudMonitoring, server: Metrics
) -> None:
    metrics.ask("web", START + timedelta(seconds=20), NOW)()
    labels = {
        REQUEST_COUNT: ("response_code", "response_code_class"),
        REQUEST_LATENCIES: ("response_code_class",),
        STARTUP_PROBES: ("probe_type", "is_healthy"),
    }
    by_metric = {query.filter.split('"')[1]: query for query in server.queries}  # in whatever order they came
    assert set(by_metric) == set(labels)
    for metric, query in by_metric.items():
        assert query.name == "projects/demo"
        assert query.filter == (
            f'metric.type = "{metric}" AND resource.type = "cloud_run_revision"'
            ' AND resource.labels.service_name = "web" AND resource.labels.location = "africa-south1"'
        )
        assert query.interval.start_time == START + MINUTE
        assert query.interval.end_time == SETTLED
        assert query.aggregation.alignment_period == MINUTE
        assert query.aggregation.per_series_aligner is Aggregation.Aligner.ALIGN_DELTA
        assert query.aggregation.cross_series_reducer is Aggregation.Reducer.REDUCE_SUM
        assert query.aggregation.group_by_fields == [
            "resource.labels.revision_name",
            *[f"metric.labels.{label}" for label in labels[metric]],
        ]


def test_what_may_still_grow_or_began_too_early_is_left_out(metrics: CloudMonitoring, server: Metrics) -> None:
    server.counts = [series("web-1", "2xx", {at(50): 1, at(51): 2, at(58): 3, at(59): 4})]
    assert [row.end for row in metrics.ask("web", START, NOW)().samples["web-1"]] == [at(51), at(58)]


def test_nothing_measured_is_nothing_and_not_zero(metrics: CloudMonitoring) -> None:
    history = metrics.ask("web", START, NOW)()
    assert history.samples == {}
    assert history.settled_until == SETTLED


def test_a_span_without_a_settled_period_asks_nothing(metrics: CloudMonitoring, server: Metrics) -> None:
    assert metrics.ask("web", SETTLED, NOW)().samples == {}
    assert server.queries == []


def test_an_upgraded_connection_counts_as_a_request_and_is_no_slow_answer(
    metrics: CloudMonitoring, server: Metrics
) -> None:
    server.counts = [series("web-1", "1xx", {at(53): 3})]
    server.latencies = [series("web-1", "1xx", {at(53): explicit(0, 0, 0, 3)})]
    (sample,) = metrics.ask("web", START, NOW)().samples["web-1"]
    assert sample.requests_by_class == {"1xx": 3}
    assert sample.latency == Histogram()


def test_series_that_were_not_summed_for_us_are_summed_here(metrics: CloudMonitoring, server: Metrics) -> None:
    server.counts = [series("web-1", "5xx", {at(53): 3}), series("web-1", "5xx", {at(53): 4})]
    (sample,) = metrics.ask("web", START, NOW)().samples["web-1"]
    assert sample.requests_by_class == {"5xx": 7}


def test_the_metrics_own_clock_is_asked_once(metrics: CloudMonitoring, server: Metrics) -> None:
    for _ in range(3):
        metrics.ask("web", START, NOW)()
    assert server.calls.count("get_metric_descriptor") == 1
    assert server.requests[0][1].name == f"projects/demo/metricDescriptors/{REQUEST_COUNT}"


def test_a_clock_that_does_not_answer_is_asked_once_a_reading_and_nothing_else_is(
    metrics: CloudMonitoring, server: Metrics
) -> None:
    def refuse(_request: object) -> MetricDescriptor:
        raise Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota")

    server.answers["get_metric_descriptor"] = refuse
    for reading in (1, 2):
        with pytest.raises(Unavailable, match="quota"):
            metrics.ask("web", START, NOW)()
        assert server.calls == ["get_metric_descriptor"] * reading


def test_a_descriptor_that_tells_no_times_means_the_documented_ones(metrics: CloudMonitoring, server: Metrics) -> None:
    server.answers["get_metric_descriptor"] = MetricDescriptor()
    history = metrics.ask("web", START, NOW)()
    assert (history.sample_period, history.ingest_delay) == (MINUTE, 2 * MINUTE)


def test_another_clock_is_followed(metrics: CloudMonitoring, server: Metrics) -> None:
    server.answers["get_metric_descriptor"].metadata.sample_period.FromSeconds(10)
    server.answers["get_metric_descriptor"].metadata.ingest_delay.FromSeconds(5)
    assert metrics.ask("web", START, NOW)().settled_until == NOW.replace(second=20)


def test_a_service_over_quota_is_unavailable(metrics: CloudMonitoring, server: Metrics) -> None:
    def refuse(_request: ListTimeSeriesRequest) -> ListTimeSeriesResponse:
        raise Fail(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota")

    server.answers["list_time_series"] = refuse
    with pytest.raises(Unavailable, match="quota"):
        metrics.ask("web", START, NOW)()


@pytest.mark.parametrize("code", [grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED])
def test_metrics_that_we_may_not_read_are_an_outage_of_their_own(
    metrics: CloudMonitoring, server: Metrics, code: grpc.StatusCode
) -> None:
    def refuse(_request: ListTimeSeriesRequest) -> ListTimeSeriesResponse:
        raise Fail(code, "Permission monitoring.timeSeries.list denied")

    server.answers["list_time_series"] = refuse
    with pytest.raises(Unavailable, match=r"we may not read the metrics: .*timeSeries\.list denied"):
        metrics.ask("web", START, NOW)()


def test_metrics_that_nothing_was_ever_written_to_are_no_data(metrics: CloudMonitoring, server: Metrics) -> None:
    def unknown(_request: object) -> ListTimeSeriesResponse:
        raise Fail(grpc.StatusCode.NOT_FOUND, "Cannot find metric(s) that match type")

    server.answers["list_time_series"] = server.answers["get_metric_descriptor"] = unknown
    history = metrics.ask("web", START, NOW)()
    assert (history.samples, history.settled_until) == ({}, SETTLED)


def test_clients_that_hung_up_or_must_come_back_later_are_kept_apart(metrics: CloudMonitoring, server: Metrics) -> None:
    server.counts = [series("web-1", "4xx", {at(53): count}, response_code=code) for code, count in CODES.items()]
    (sample,) = metrics.ask("web", START, NOW)().samples["web-1"]
    assert sample.requests_by_class == {"4xx": 7, "429": 3, "499": 5}


def test_start_up_probes_that_gave_up_are_counted_and_no_others(metrics: CloudMonitoring, server: Metrics) -> None:
    server.startup_probes = [
        series("web-1", "", {at(53): 2}, probe_type="STARTUP", is_healthy="false"),
        series("web-1", "", {at(53): 1}, probe_type="Startup", is_healthy="False"),
        series("web-1", "", {at(53): 4}, probe_type="STARTUP", is_healthy="true"),
        series("web-1", "", {at(54): 8}, probe_type="LIVENESS", is_healthy="false"),
    ]
    (sample,) = metrics.ask("web", START, NOW)().samples["web-1"]
    assert (sample.end, sample.requests_by_class, sample.failed_starts) == (at(53), {}, 3)


def test_bounds_follow_from_each_kind_of_buckets() -> None:
    kinds = Distribution.BucketOptions
    exponential = kinds(exponential_buckets=kinds.Exponential(num_finite_buckets=3, growth_factor=2, scale=5))
    linear = kinds(linear_buckets=kinds.Linear(num_finite_buckets=2, width=10, offset=1))
    assert bounds_of(exponential) == (5, 10, 20, 40)
    assert bounds_of(linear) == (1, 11, 21)
    assert bounds_of(kinds(explicit_buckets=kinds.Explicit(bounds=[1, 7]))) == (1, 7)
    assert bounds_of(kinds()) == ()


def test_buckets_that_differ_are_added_without_making_a_request_look_slower_or_faster_than_its_bound() -> None:
    both = Latencies()
    both.add(explicit(1, 2, 3, bounds=(10.0, 100.0)))
    both.add(explicit(4, 5, 6, bounds=(50.0, 100.0)))
    assert both.histogram() == Histogram(bounds_ms=(10.0, 50.0, 100.0), counts=(1, 4, 7, 9))
