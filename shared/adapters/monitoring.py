"""Cloud Monitoring through Google's gRPC client: what users asked of every revision, as Cloud Run counted it.

https://cloud.google.com/monitoring/api/metrics_gcp#gcp-run
A missing series is no data, never zero. The metrics' own descriptors say how often they are sampled and how late they
become visible, so nothing here is tuned by hand.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property

from google.api.distribution_pb2 import Distribution
from google.cloud.monitoring_v3.services.metric_service.client import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import common, metric, metric_service

from shared.adapters.google_api import CALL_SECONDS, insecure_channel, our_errors, read_retry
from shared.analysis.evidence import Histogram, History, Sample

REQUEST_COUNT = "run.googleapis.com/request_count"
REQUEST_LATENCIES = "run.googleapis.com/request_latencies"
_BY_REVISION = "resource.label.revision_name"
_BY_CLASS = "metric.label.response_code_class"


class CloudMonitoring:
    """The request metrics of one project's Cloud Run services in one region.

    endpoint: "host:port" of a local server, or None for Google.
    """

    def __init__(self, project: str, region: str, endpoint: str | None = None) -> None:
        self._project = f"projects/{project}"
        self._region = region
        self._endpoint = endpoint

    @cached_property
    def _metrics(self) -> MetricServiceClient:
        if self._endpoint is None:
            return MetricServiceClient(transport=MetricServiceGrpcTransport)
        return MetricServiceClient(transport=MetricServiceGrpcTransport(channel=insecure_channel(self._endpoint)))

    def close(self) -> None:
        """Ends the connection, if there is one."""
        if "_metrics" in self.__dict__:
            self._metrics.transport.close()

    @cached_property
    def _timing(self) -> tuple[timedelta, timedelta]:
        """The sample period and the ingest delay of the request metrics."""
        name = f"{self._project}/metricDescriptors/{REQUEST_COUNT}"
        with our_errors():
            descriptor = self._metrics.get_metric_descriptor(name=name, retry=read_retry(), timeout=CALL_SECONDS)
        metadata = descriptor.metadata
        return metadata.sample_period.ToTimedelta(), metadata.ingest_delay.ToTimedelta()

    def history(self, service: str, start: datetime, end: datetime) -> History:
        """Every sample of every revision between `start` and what is settled at `end`."""
        period, delay = self._timing
        settled = _floor(end - delay, period)
        classes: dict[tuple[str, datetime], dict[str, int]] = defaultdict(dict)
        for series in self._series(REQUEST_COUNT, service, start, settled, period, (_BY_REVISION, _BY_CLASS)):
            revision = series.resource.labels["revision_name"]
            response_class = series.metric.labels["response_code_class"]
            for point in series.points:
                classes[revision, _end(point)][response_class] = point.value.int64_value
        latencies: dict[tuple[str, datetime], Histogram] = {}
        for series in self._series(REQUEST_LATENCIES, service, start, settled, period, (_BY_REVISION,)):
            for point in series.points:
                found = histogram(point.value.distribution_value)
                latencies[series.resource.labels["revision_name"], _end(point)] = found
        samples: dict[str, list[Sample]] = defaultdict(list)
        for (revision, at), counts in sorted(classes.items(), key=lambda row: row[0][1]):
            latency = latencies.get((revision, at), Histogram())
            samples[revision].append(Sample(end=at, requests_by_class=counts, latency=latency))
        return History(
            sample_period=period,
            ingest_delay=delay,
            settled_until=settled,
            samples={revision: tuple(rows) for revision, rows in samples.items()},
        )

    def _series(
        self, name: str, service: str, start: datetime, end: datetime, period: timedelta, groups: Iterable[str]
    ) -> Iterable[metric.TimeSeries]:
        """One list call, all pages, summed over everything but `groups`."""
        request = metric_service.ListTimeSeriesRequest(
            name=self._project,
            filter=(
                f'metric.type = "{name}" AND resource.type = "cloud_run_revision"'
                f' AND resource.labels.service_name = "{service}" AND resource.labels.location = "{self._region}"'
            ),
            interval=common.TimeInterval(start_time=_floor(start, period), end_time=end),
            aggregation=common.Aggregation(
                alignment_period=period,
                per_series_aligner=common.Aggregation.Aligner.ALIGN_DELTA,
                cross_series_reducer=common.Aggregation.Reducer.REDUCE_SUM,
                group_by_fields=list(groups),
            ),
        )
        with our_errors():
            return list(self._metrics.list_time_series(request=request, retry=read_retry(), timeout=CALL_SECONDS))


def _end(point: metric.Point) -> datetime:
    """The client reads timestamps as a datetime of its own kind."""
    return datetime.fromtimestamp(point.interval.end_time.timestamp(), UTC)  # type: ignore[attr-defined]


def _floor(at: datetime, period: timedelta) -> datetime:
    seconds = period.total_seconds()
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, at.tzinfo)


def histogram(distribution: Distribution) -> Histogram:
    """The buckets of a distribution with their upper bounds, whichever way the API describes them."""
    options = distribution.bucket_options
    kind = options.WhichOneof("options")
    if kind == "exponential_buckets":
        exponential = options.exponential_buckets
        count = exponential.num_finite_buckets
        bounds = tuple(exponential.scale * exponential.growth_factor**index for index in range(count + 1))
    elif kind == "linear_buckets":
        linear = options.linear_buckets
        bounds = tuple(linear.offset + linear.width * index for index in range(linear.num_finite_buckets + 1))
    else:
        bounds = tuple(options.explicit_buckets.bounds)
    counts = tuple(distribution.bucket_counts)
    # Trailing empty buckets may be left out on the wire.
    return Histogram(bounds_ms=bounds, counts=counts + (0,) * (len(bounds) + 1 - len(counts)))
