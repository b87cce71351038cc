"""Cloud Monitoring through Google's gRPC client: what each revision answered, period by period.

Cloud Run's metrics are deltas, sampled once per period and visible some time later; the metric's descriptor says how
long both take, so nothing here is tuned by hand. A missing series is no data, never zero.
https://cloud.google.com/monitoring/api/metrics_gcp
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from google.cloud.monitoring_v3.services.metric_service.client import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import common, metric_service

from shared.adapters.distributions import Latencies
from shared.adapters.google_api import insecure_channel, our_errors, read_retry
from shared.analysis.evidence import Histogram, History, Sample

REQUEST_COUNT = "run.googleapis.com/request_count"
REQUEST_LATENCIES = "run.googleapis.com/request_latencies"
_QUERY_SECONDS = 15.0
_GROUPS = ("resource.labels.revision_name", "metric.labels.response_code_class")
_SAMPLED = timedelta(seconds=60)  # as documented for Cloud Run, where a descriptor is silent
_VISIBLE = timedelta(seconds=120)
_EPOCH = datetime.fromtimestamp(0, UTC)


class CloudMonitoring:
    """The Cloud Run metrics of one project and region.

    endpoint: "host:port" of a local server, or None for Google.
    """

    def __init__(self, project: str, region: str, endpoint: str | None = None) -> None:
        self._project = f"projects/{project}"
        self._region = region
        self._endpoint = endpoint

    @cached_property
    def _transport(self) -> MetricServiceGrpcTransport:
        if self._endpoint is None:
            return MetricServiceGrpcTransport()
        return MetricServiceGrpcTransport(channel=insecure_channel(self._endpoint))

    @cached_property
    def _metrics(self) -> MetricServiceClient:
        return MetricServiceClient(transport=self._transport)

    def close(self) -> None:
        if "_transport" in self.__dict__:
            self._transport.grpc_channel.close()

    def history(self, service: str, start: datetime, end: datetime) -> History:
        """Whole sampling periods only: one that began before `start` counts requests from before it."""
        with our_errors():
            period, delay = self._clock
            settled = end - delay
            settled -= (settled - _EPOCH) % period
            first = start + (_EPOCH - start) % period
            counts: dict[tuple[str, datetime], dict[str, int]] = {}
            latencies: dict[tuple[str, datetime], Latencies] = {}
            if first < settled:
                for revision, code_class, point in self._points(REQUEST_COUNT, service, first, settled):
                    classes = counts.setdefault((revision, _end(point)), {})
                    classes[code_class] = classes.get(code_class, 0) + _number(point)
                for revision, code_class, point in self._points(REQUEST_LATENCIES, service, first, settled):
                    # The "latency" of an upgraded connection is how long somebody chatted.
                    if code_class != "1xx":
                        latencies.setdefault((revision, _end(point)), Latencies()).add(point.value.distribution_value)
        samples: dict[str, list[Sample]] = {}
        for revision, sampled in sorted({*counts, *latencies}):
            seen = latencies.get((revision, sampled))
            samples.setdefault(revision, []).append(
                Sample(
                    end=sampled,
                    requests_by_class=counts.get((revision, sampled), {}),
                    latency=seen.histogram() if seen else Histogram(),
                )
            )
        return History(
            sample_period=period,
            ingest_delay=delay,
            settled_until=settled,
            samples={revision: tuple(rows) for revision, rows in samples.items()},
        )

    @cached_property
    def _clock(self) -> tuple[timedelta, timedelta]:
        """The sample period and the ingest delay of Cloud Run's request metrics; both share one schedule."""
        metadata = self._metrics.get_metric_descriptor(
            name=f"{self._project}/metricDescriptors/{REQUEST_COUNT}", retry=read_retry(), timeout=_QUERY_SECONDS
        ).metadata
        return metadata.sample_period.ToTimedelta() or _SAMPLED, metadata.ingest_delay.ToTimedelta() or _VISIBLE

    def _points(self, metric: str, service: str, first: datetime, settled: datetime) -> Iterator[tuple[str, str, Any]]:
        """Every point of every page, as (revision, response class, point)."""
        request = metric_service.ListTimeSeriesRequest(
            name=self._project,
            filter=(
                f'metric.type = "{metric}" AND resource.type = "cloud_run_revision"'
                f' AND resource.labels.service_name = "{service}" AND resource.labels.location = "{self._region}"'
            ),
            interval=common.TimeInterval(start_time=first, end_time=settled),
            aggregation=common.Aggregation(
                alignment_period=self._clock[0],
                per_series_aligner=common.Aggregation.Aligner.ALIGN_DELTA,
                cross_series_reducer=common.Aggregation.Reducer.REDUCE_SUM,
                group_by_fields=_GROUPS,
            ),
            view=metric_service.ListTimeSeriesRequest.TimeSeriesView.FULL,
        )
        pages = self._metrics.list_time_series(request=request, retry=read_retry(), timeout=_QUERY_SECONDS)
        for series in pages:
            row = type(series).pb(series)  # the plain message: its wrapper costs more than the call
            revision = row.resource.labels["revision_name"]
            code_class = row.metric.labels["response_code_class"]
            for point in row.points:
                if first < _end(point) <= settled:
                    yield revision, code_class, point


def _end(point: Any) -> datetime:
    ended: datetime = point.interval.end_time.ToDatetime(UTC)
    return ended


def _number(point: Any) -> int:
    if point.value.WhichOneof("value") == "double_value":
        return round(float(point.value.double_value))
    return int(point.value.int64_value)
