import threading
import urllib.request
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api.metric_pb2 import MetricDescriptor
from google.api_core import exceptions
from google.cloud import monitoring_v3
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport

from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.data_plane.measurements import BUCKETS, Latencies, Measurement
from scripts.local_cloud.data_plane.plane import LocalDataPlane
from scripts.local_cloud.monitoring.server import Monitoring
from shared.adapters.monitoring import CloudMonitoring
from tests.local_cloud.waiting import wait_until

T0 = 1_000_000
NAME = f"projects/{PROJECT}"
COUNT = 'metric.type = "run.googleapis.com/request_count"'
LATENCIES = 'metric.type = "run.googleapis.com/request_latencies"'
DELTA = monitoring_v3.Aggregation.Aligner.ALIGN_DELTA
SUM = monitoring_v3.Aggregation.Reducer.REDUCE_SUM


def latencies(*buckets: int) -> Latencies:
    """One request of 10 ms in each of these buckets."""
    counts = [buckets.count(index) for index in range(BUCKETS)]
    count = len(buckets)
    return Latencies(count=count, sum_ms=10.0 * count, sum_of_squares=100.0 * count, buckets=tuple(counts))


def measurement(revision: str, end: float, requests: dict[int, int], service: str = "web") -> Measurement:
    timed = {code: latencies(*[7] * count) for code, count in requests.items() if code != 101}
    return Measurement(service=service, revision=revision, end=end, requests=requests, latencies=timed)


class Recorded:
    def __init__(self) -> None:
        self.rows: list[Measurement] = []

    def measurements(self) -> Iterable[Measurement]:
        return self.rows


class World:
    """A Monitoring with a clock of its own, and Google's client."""

    def __init__(self) -> None:
        self.now = float(T0)
        self.source = Recorded()
        self.monitoring = Monitoring(
            self.source, sample_period_seconds=1, ingest_delay_seconds=2, clock=lambda: self.now
        )
        self.monitoring.start()
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.monitoring.grpc_port}")
        self.client = monitoring_v3.MetricServiceClient(transport=MetricServiceGrpcTransport(channel=self.channel))

    def close(self) -> None:
        self.channel.close()
        self.monitoring.stop()

    def series(self, wanted: str, end: float = T0, start: float = T0 - 60, **more: Any) -> list[Any]:
        interval = monitoring_v3.TimeInterval(
            start_time=datetime.fromtimestamp(start, UTC), end_time=datetime.fromtimestamp(end, UTC)
        )
        request = {"name": NAME, "filter": wanted, "interval": interval, **more}
        return list(self.client.list_time_series(request=request, retry=None))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def values(series: Any) -> list[int]:
    return [point.value.int64_value for point in series.points]


def ends(series: Any) -> list[float]:
    return [point.interval.end_time.timestamp() - T0 for point in series.points]


def test_requests_are_series_by_revision_and_code_newest_first_and_silence_has_no_point(world: World) -> None:
    world.source.rows = [
        measurement("web-1", T0 - 9, {200: 5}),
        measurement("web-1", T0 - 7, {200: 3, 500: 1}),
    ]
    good, bad = world.series(COUNT)
    assert dict(good.metric.labels) == {"response_code": "200", "response_code_class": "2xx"}
    assert (good.resource.type, dict(good.resource.labels)) == (
        "cloud_run_revision",
        {
            "project_id": PROJECT,
            "location": REGION,
            "service_name": "web",
            "revision_name": "web-1",
            "configuration_name": "web",
        },
    )
    assert (values(good), ends(good)) == ([3, 5], [-7, -9])
    assert (values(bad), ends(bad)) == ([1], [-7])
    assert good.points[0].interval.start_time.timestamp() == T0 - 8
    assert (good.metric_kind, good.value_type) == (MetricDescriptor.DELTA, MetricDescriptor.INT64)


def test_a_period_is_visible_only_after_the_ingest_delay(world: World) -> None:
    world.source.rows = [measurement("web-1", T0 - 1, {200: 5})]
    assert world.series(COUNT) == []
    world.now = T0 + 0.9
    assert world.series(COUNT) == []
    world.now = T0 + 1
    assert values(world.series(COUNT)[0]) == [5]


def test_the_interval_excludes_its_start_and_includes_its_end(world: World) -> None:
    world.source.rows = [measurement("web-1", T0 - age, {200: age}) for age in (10, 9, 8, 7)]
    assert values(world.series(COUNT, start=T0 - 10, end=T0 - 8)[0]) == [8, 9]


def test_latencies_are_distributions_in_exponential_buckets(world: World) -> None:
    row = Measurement(
        service="web",
        revision="web-1",
        end=T0 - 5,
        requests={200: 3, 101: 1},
        latencies={200: latencies(7, 7, 9)},
    )
    world.source.rows = [row]
    (series,) = world.series(LATENCIES)
    found = series.points[0].value.distribution_value
    assert (found.count, found.mean, found.sum_of_squared_deviation) == (3, 10.0, 0.0)
    assert list(found.bucket_counts) == [0] * 7 + [2, 0, 1]
    assert found.bucket_options.exponential_buckets.num_finite_buckets == 40
    assert found.bucket_options.exponential_buckets.growth_factor == pytest.approx(2**0.5)
    assert series.unit == "ms"


def test_aligned_and_summed_series_keep_only_the_labels_they_are_grouped_by(world: World) -> None:
    world.source.rows = [
        measurement("web-1", T0 - 9, {200: 5, 204: 1}),
        measurement("web-1", T0 - 8, {200: 3, 500: 2}),
        measurement("web-2", T0 - 8, {200: 7}),
        measurement("api-1", T0 - 8, {200: 9}, service="api"),
    ]
    aggregation = monitoring_v3.Aggregation(
        alignment_period=timedelta(seconds=5),
        per_series_aligner=DELTA,
        cross_series_reducer=SUM,
        group_by_fields=["resource.label.revision_name", "metric.labels.response_code_class"],
    )
    wanted = f'{COUNT} AND resource.type = "cloud_run_revision" AND resource.labels.service_name = "web"'
    series = world.series(wanted, end=T0 - 5, aggregation=aggregation)
    rows = {
        (one.resource.labels["revision_name"], one.metric.labels["response_code_class"]): values(one) for one in series
    }
    assert rows == {("web-1", "2xx"): [9], ("web-1", "5xx"): [2], ("web-2", "2xx"): [7]}
    assert set(series[0].resource.labels) == {"project_id", "revision_name"}
    assert set(series[0].metric.labels) == {"response_code_class"}
    assert (ends(series[0]), series[0].points[0].interval.start_time.timestamp()) == ([-5], T0 - 10)
    by_revision = monitoring_v3.Aggregation(aggregation)
    by_revision.group_by_fields = ["resource.label.revision_name"]
    summed = world.series(wanted.replace("request_count", "request_latencies"), end=T0 - 5, aggregation=by_revision)
    assert [one.points[0].value.distribution_value.count for one in summed] == [11, 7]


@pytest.mark.parametrize(
    ("condition", "revisions"),
    [
        ('resource.labels.revision_name = "web-2"', ["web-2"]),
        ('resource.labels.revision_name != "web-2"', ["web-1"]),
        ('resource.label.revision_name = one_of("web-1", "web-2")', ["web-1", "web-2"]),
        ('resource.labels.revision_name = starts_with("web-")', ["web-1", "web-2"]),
        ('resource.labels.revision_name = monitoring.regex.full_match("w.*-1")', ["web-1"]),
        ('metric.labels.response_code_class = "5xx"', []),
        (f'project = "{PROJECT}" resource.labels.location = "{REGION}"', ["web-1", "web-2"]),
    ],
)
def test_filters_select_series(world: World, condition: str, revisions: list[str]) -> None:
    world.source.rows = [measurement("web-1", T0 - 5, {200: 5}), measurement("web-2", T0 - 5, {200: 5})]
    found = world.series(f"{COUNT} AND {condition}")
    assert [one.resource.labels["revision_name"] for one in found] == revisions


def test_pages_hold_so_many_points_and_do_not_shift_when_time_goes_on(world: World) -> None:
    world.source.rows = [measurement("web-1", T0 - age, {200: age}) for age in (9, 8, 7, 6, 5, 1)]
    request = {
        "name": NAME,
        "filter": COUNT,
        "interval": monitoring_v3.TimeInterval(
            start_time=datetime.fromtimestamp(T0 - 60, UTC), end_time=datetime.fromtimestamp(T0, UTC)
        ),
        "page_size": 2,
    }
    pages = []
    for page in world.client.list_time_series(request=request).pages:
        pages.append([value for series in page.time_series for value in values(series)])
        world.now += 5  # the newest period becomes visible between two pages
    assert pages == [[5, 6], [7, 8], [9]]
    with pytest.raises(exceptions.InvalidArgument, match="another query"):
        world.client.list_time_series(request={**request, "page_token": "0-2-1000000.0"})
    with pytest.raises(exceptions.InvalidArgument, match="page_token"):
        world.client.list_time_series(request={**request, "page_token": "nonsense"})


def test_headers_come_without_points(world: World) -> None:
    world.source.rows = [measurement("web-1", T0 - 5, {200: 5, 500: 1})]
    found = world.series(COUNT, view=monitoring_v3.ListTimeSeriesRequest.TimeSeriesView.HEADERS, page_size=1)
    assert [(one.metric.labels["response_code"], values(one)) for one in found] == [("200", []), ("500", [])]


def test_descriptors_tell_the_sample_period_and_the_ingest_delay(world: World) -> None:
    name = f"{NAME}/metricDescriptors/run.googleapis.com/request_latencies"
    descriptor = world.client.get_metric_descriptor(name=name)
    assert descriptor.metadata.sample_period.ToTimedelta() == timedelta(seconds=1)
    assert descriptor.metadata.ingest_delay.ToTimedelta() == timedelta(seconds=2)
    wanted = 'metric.type = starts_with("run.googleapis.com/")'
    listed = world.client.list_metric_descriptors(request={"name": NAME, "filter": wanted})
    assert {one.type for one in listed} == {
        "run.googleapis.com/request_count",
        "run.googleapis.com/request_latencies",
    }
    with pytest.raises(exceptions.NotFound):
        world.client.get_metric_descriptor(name=f"{NAME}/metricDescriptors/run.googleapis.com/other")


def test_what_the_real_service_refuses_is_refused(world: World) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="must name one metric"):
        world.series('resource.type = "cloud_run_revision"')
    with pytest.raises(exceptions.InvalidArgument, match="not understood"):
        world.series(f'{COUNT} OR resource.labels.service_name = "web"')
    with pytest.raises(exceptions.NotFound, match="Cannot find metric"):
        world.series('metric.type = "run.googleapis.com/other"')
    with pytest.raises(exceptions.PermissionDenied):
        world.series(COUNT, name="projects/other")
    with pytest.raises(exceptions.InvalidArgument, match="alignmentPeriod"):
        world.series(COUNT, aggregation=monitoring_v3.Aggregation(per_series_aligner=DELTA))
    with pytest.raises(exceptions.InvalidArgument, match="perSeriesAligner"):
        world.series(COUNT, aggregation=monitoring_v3.Aggregation(cross_series_reducer=SUM))


def test_an_outage_is_unavailable_until_it_ends(world: World) -> None:
    world.source.rows = [measurement("web-1", T0 - 5, {200: 5})]
    world.monitoring.outage = True
    with pytest.raises(exceptions.ServiceUnavailable):
        world.series(COUNT)
    world.monitoring.outage = False
    assert values(world.series(COUNT)[0]) == [5]
    assert world.monitoring.snapshot()["calls"] == 2


def test_our_adapter_reads_what_the_splitter_counted(tmp_path: Path) -> None:
    plane = LocalDataPlane(tmp_path, sample_period_seconds=0.25)
    monitoring = Monitoring(plane, sample_period_seconds=0.25, ingest_delay_seconds=0.25)
    reader: CloudMonitoring | None = None
    plane.start()
    monitoring.start()
    try:
        ready = threading.Event()
        plane.start_revision(
            "web", "web-1", ["{python}", "-m", "scripts.local_cloud.data_plane.sample_app"], {}, ready.set, print
        )
        assert ready.wait(10)
        plane.route("web", {"web-1": 100}, {})
        uri = plane.service_uri("web")
        begin = datetime.now(UTC)
        for _ in range(10):
            with urllib.request.urlopen(uri, timeout=5) as response:
                assert response.status == 200
        reader = CloudMonitoring(PROJECT, REGION, f"127.0.0.1:{monitoring.grpc_port}")
        metrics = reader

        def seen() -> tuple[int, int]:
            history = metrics.ask("web", begin - timedelta(seconds=1), datetime.now(UTC))()
            samples = history.samples.get("web-1", ())
            return (
                sum(sample.requests_by_class.get("2xx", 0) for sample in samples),
                sum(sum(sample.latency.counts) for sample in samples),
            )

        wait_until(lambda: seen() == (10, 10))
    finally:
        if reader is not None:
            reader.close()
        monitoring.stop()
        plane.stop()
