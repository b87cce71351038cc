"""Cloud Monitoring through Google's gRPC client: what each revision answered, period by period.

Cloud Run's metrics are deltas, sampled once per period and visible some time later; the metric's descriptor says how
long both take, so nothing here is tuned by hand. A missing series is no data, never zero.
https://cloud.google.com/monitoring/api/metrics_gcp
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from google.api_core import exceptions
from google.cloud.monitoring_v3.services.metric_service.client import MetricServiceClient
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import common, metric_service

from shared.adapters.distributions import Latencies
from shared.adapters.google_api import insecure_channel, our_errors, read_retry
from shared.analysis.evidence import Histogram, History, Sample
from shared.errors import Unavailable

REQUEST_COUNT = "run.googleapis.com/request_count"
REQUEST_LATENCIES = "run.googleapis.com/request_latencies"  # without the wait for an instance to start
STARTUP_PROBES = "run.googleapis.com/container/completed_probe_count"
_QUERY_SECONDS = 15.0
_QUESTIONS_MAX = 32  # at a time: four of each of the eight messages that an instance may be busy with
_REVISION = "resource.labels.revision_name"
_LABELS = {  # what is asked of each metric, beside the revision
    REQUEST_COUNT: ("metric.labels.response_code", "metric.labels.response_code_class"),
    REQUEST_LATENCIES: ("metric.labels.response_code_class",),
    STARTUP_PROBES: ("metric.labels.probe_type", "metric.labels.is_healthy"),
}
_APART = frozenset({"429", "499"})  # of the 4xx: told to come back later, and hung up
_SAMPLED = timedelta(seconds=60)  # as documented for Cloud Run, where a descriptor is silent
_VISIBLE = timedelta(seconds=120)
_At = tuple[str, datetime]  # revision, end of the period
_Span = tuple[datetime, datetime]  # points end after the first and until the second
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

    @cached_property
    def _askers(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(_QUESTIONS_MAX)

    def close(self) -> None:
        if "_askers" in self.__dict__:
            self._askers.shutdown()
        if "_transport" in self.__dict__:
            self._transport.grpc_channel.close()

    def ask(self, service: str, start: datetime, end: datetime) -> Callable[[], History]:
        """Whole sampling periods only: one that began before `start` counts requests from before it.

        The answer raises Unavailable, also where we are not allowed to look: nobody can see, and no redelivery is
        needed to know.
        """
        span = self._askers.submit(self._span, start, end)  # one question of the clock, which all others wait for
        asked = [self._askers.submit(self._pages, metric, service, span) for metric in _LABELS]

        def answer() -> History:
            try:
                with our_errors():
                    return self._history([one.result() for one in asked], span.result())
            except (exceptions.PermissionDenied, exceptions.Unauthenticated) as error:
                raise Unavailable(f"we may not read the metrics: {error.message}") from error

        return answer

    def _history(self, pages: Sequence[Iterable[Any]], span: _Span) -> History:
        """pages: by metric, in the order of `_LABELS`."""
        counted, timed, started = pages
        counts: dict[_At, dict[str, int]] = {}
        latencies: dict[_At, Latencies] = {}
        failed_starts: dict[_At, int] = {}
        for at, (code, code_class), point in _points(counted, REQUEST_COUNT, span):
            classes = counts.setdefault(at, {})
            named = code if code in _APART else code_class
            classes[named] = classes.get(named, 0) + _number(point)
        for at, (code_class,), point in _points(timed, REQUEST_LATENCIES, span):
            # The "latency" of an upgraded connection is how long somebody chatted.
            if code_class != "1xx":
                latencies.setdefault(at, Latencies()).add(point.value.distribution_value)
        for at, (kind, healthy), point in _points(started, STARTUP_PROBES, span):
            if kind.upper() == "STARTUP" and healthy.lower() == "false":
                failed_starts[at] = failed_starts.get(at, 0) + _number(point)
        samples: dict[str, list[Sample]] = {}
        for at in sorted({*counts, *latencies, *failed_starts}):
            seen = latencies.get(at)
            samples.setdefault(at[0], []).append(
                Sample(
                    end=at[1],
                    requests_by_class=counts.get(at, {}),
                    latency=seen.histogram() if seen else Histogram(),
                    failed_starts=failed_starts.get(at, 0),
                )
            )
        period, delay = self._clock
        return History(
            sample_period=period,
            ingest_delay=delay,
            settled_until=span[1],
            samples={revision: tuple(rows) for revision, rows in samples.items()},
        )

    @cached_property
    def _clock(self) -> tuple[timedelta, timedelta]:
        """The sample period and the ingest delay of Cloud Run's request metrics; both share one schedule."""
        try:
            metadata = self._metrics.get_metric_descriptor(
                name=f"{self._project}/metricDescriptors/{REQUEST_COUNT}", retry=read_retry(), timeout=_QUERY_SECONDS
            ).metadata
        except exceptions.NotFound:  # no request was ever counted in this project
            return _SAMPLED, _VISIBLE
        return metadata.sample_period.ToTimedelta() or _SAMPLED, metadata.ingest_delay.ToTimedelta() or _VISIBLE

    def _span(self, start: datetime, end: datetime) -> _Span:
        """Of what is settled: from the first period that began at `start` or later to the last that is visible."""
        period, delay = self._clock
        settled = end - delay
        return start + (_EPOCH - start) % period, settled - (settled - _EPOCH) % period

    def _pages(self, metric: str, service: str, span: Future[_Span]) -> Iterable[Any]:
        """Every series, the first page of them fetched already; none of a span without a whole period.

        A metric that nothing in the project was ever written to does not exist: no data, like a missing series.
        """
        first, settled = span.result()
        if first >= settled:
            return ()
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
                group_by_fields=(_REVISION, *_LABELS[metric]),
            ),
            view=metric_service.ListTimeSeriesRequest.TimeSeriesView.FULL,
        )
        try:
            return self._metrics.list_time_series(request=request, retry=read_retry(), timeout=_QUERY_SECONDS)
        except exceptions.NotFound:
            return ()


def _points(pages: Iterable[Any], metric: str, span: _Span) -> Iterator[tuple[_At, list[str], Any]]:
    """Every point of every page, as (whose and when, the labels' values, point)."""
    first, settled = span
    labels = [label.rpartition(".")[2] for label in _LABELS[metric]]
    for series in pages:
        row = type(series).pb(series)  # the plain message: its wrapper costs more than the call
        revision = row.resource.labels["revision_name"]
        values = [row.metric.labels[label] for label in labels]
        for point in row.points:
            ended: datetime = point.interval.end_time.ToDatetime(UTC)
            if first < ended <= settled:
                yield (revision, ended), values, point


def _number(point: Any) -> int:
    if point.value.WhichOneof("value") == "double_value":
        return round(float(point.value.double_value))
    return int(point.value.int64_value)
