"""A local Cloud Monitoring: the requests the splitter counted, over gRPC, as late as the real service shows them.

A sampling period becomes visible `ingest_delay` after its end. A revision without requests in a period has no point.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from typing import Any

import grpc
from google.api import label_pb2, launch_stage_pb2, metric_pb2
from google.cloud.monitoring_v3.services.metric_service.transports.grpc import MetricServiceGrpcTransport
from google.cloud.monitoring_v3.types import common, metric_service
from google.protobuf import duration_pb2

from scripts.local_cloud.contracts import PROJECT
from scripts.local_cloud.data_plane.measurements import Measurement, MeasurementSource
from scripts.local_cloud.gapic.wire import Fail, Intercept, serve_grpc, straight, wire_table
from scripts.local_cloud.monitoring import time_series
from scripts.local_cloud.monitoring.filters import Filter, InvalidFilter, parse_filter
from scripts.local_cloud.monitoring.time_series import REQUEST_COUNT, REQUEST_LATENCIES, Point, Series

PAGE_POINTS_MAX = 100_000
Aligner = common.Aggregation.Aligner
Reducer = common.Aggregation.Reducer


class Monitoring:
    """`outage = True` makes every call fail with UNAVAILABLE until it is False again.

    intercept: stands between every call and its answer.
    """

    def __init__(
        self,
        source: MeasurementSource,
        *,
        sample_period_seconds: float,
        ingest_delay_seconds: float,
        clock: Callable[[], float] = time.time,
        intercept: Intercept = straight,
    ) -> None:
        self.outage = False
        self.grpc_port = 0
        self._source = source
        self._sample_period_seconds = sample_period_seconds
        self._ingest_delay_seconds = ingest_delay_seconds
        self._clock = clock
        self._intercept = intercept
        self._server: grpc.Server | None = None
        self._calls = 0

    def start(self) -> None:
        self._server, self.grpc_port = serve_grpc(
            [(wire_table(MetricServiceGrpcTransport), self)], intercept=self._intercept
        )

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop(0.2).wait()
            self._server = None

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: port, outage, calls so far, and the metrics' two delays."""
        return {
            "grpc_port": self.grpc_port,
            "outage": self.outage,
            "calls": self._calls,
            "sample_period_seconds": self._sample_period_seconds,
            "ingest_delay_seconds": self._ingest_delay_seconds,
        }

    def visible(self, until: float) -> list[Measurement]:
        """Every measurement that could be seen at `until` (Unix seconds)."""
        newest = until - self._ingest_delay_seconds
        return [one for one in self._source.measurements() if one.end <= newest]

    def list_time_series(
        self, request: metric_service.ListTimeSeriesRequest, _: object
    ) -> metric_service.ListTimeSeriesResponse:
        self._answering(request.name)
        wanted = _read_filter(request.filter)
        name = wanted.required("metric.type")
        if name is None:
            raise _invalid('Field filter had an invalid value: must name one metric, metric.type = "…".')
        if name not in (REQUEST_COUNT, REQUEST_LATENCIES):
            message = f'Cannot find metric(s) that match type = "{name}".'
            raise Fail(grpc.StatusCode.NOT_FOUND, message)
        start, end = _seconds(request.interval.start_time), _seconds(request.interval.end_time)
        if not end:
            raise _invalid("Field interval.end_time had an invalid value: it must be set.")
        page = _Page.of(request, self._clock())
        start = start or end - 1e-6  # without a start the interval is one instant
        recent = [one for one in self.visible(page.seen_at) if start < one.end <= end]
        raw = time_series.raw_series(name, recent, self._sample_period_seconds)
        found = [one for one in raw if wanted.keeps(one.labels())]
        return page.cut(self._aggregate(found, request.aggregation, end))

    def get_metric_descriptor(
        self, request: metric_service.GetMetricDescriptorRequest, _: object
    ) -> metric_pb2.MetricDescriptor:
        self._answering(request.name)
        for descriptor in self._descriptors():
            if request.name == descriptor.name:
                return descriptor
        raise Fail(grpc.StatusCode.NOT_FOUND, f"Cannot find metric descriptor {request.name}.")

    def list_metric_descriptors(
        self, request: metric_service.ListMetricDescriptorsRequest, _: object
    ) -> metric_service.ListMetricDescriptorsResponse:
        self._answering(request.name)
        wanted = _read_filter(request.filter)
        found = [one for one in self._descriptors() if wanted.keeps({"metric.type": one.type, "project": PROJECT})]
        return metric_service.ListMetricDescriptorsResponse(metric_descriptors=found)

    def _answering(self, name: str) -> None:
        self._calls += 1
        if self.outage:
            raise Fail(grpc.StatusCode.UNAVAILABLE, "The service is currently unavailable.")
        if f"{name}/".split("/")[:2] != ["projects", PROJECT]:
            raise Fail(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied on {name} (or it may not exist).")

    def _aggregate(self, found: Sequence[Series], wish: common.Aggregation, end: float) -> list[Series]:
        aligner, reducer = Aligner(wish.per_series_aligner), Reducer(wish.cross_series_reducer)
        if aligner is Aligner.ALIGN_NONE:
            if reducer is not Reducer.REDUCE_NONE:
                raise _invalid("Field aggregation.crossSeriesReducer requires a perSeriesAligner.")
            return list(found)
        if aligner is not Aligner.ALIGN_DELTA:
            raise Fail(grpc.StatusCode.UNIMPLEMENTED, f"{aligner.name}: the local Monitoring aligns by ALIGN_DELTA.")
        span: Any = wish.alignment_period  # the client reads a Duration as a timedelta
        period = span.total_seconds() if span else 0.0
        if period < self._sample_period_seconds:
            shortest = f"{self._sample_period_seconds:g} s"
            raise _invalid(f"Field aggregation.alignmentPeriod had an invalid value: must be at least {shortest}.")
        aligned = time_series.aligned(found, end, period)
        if reducer is Reducer.REDUCE_NONE:
            return aligned
        if reducer is not Reducer.REDUCE_SUM:
            raise Fail(grpc.StatusCode.UNIMPLEMENTED, f"{reducer.name}: the local Monitoring reduces by REDUCE_SUM.")
        return time_series.summed(aligned, list(wish.group_by_fields))

    def _descriptors(self) -> list[metric_pb2.MetricDescriptor]:
        kinds = metric_pb2.MetricDescriptor
        labels = [
            label_pb2.LabelDescriptor(key="response_code", description="Response code of a request."),
            label_pb2.LabelDescriptor(key="response_code_class", description="Response code class of a request."),
        ]
        metadata = kinds.MetricDescriptorMetadata(
            launch_stage=launch_stage_pb2.GA,
            sample_period=_duration(self._sample_period_seconds),
            ingest_delay=_duration(self._ingest_delay_seconds),
        )
        rows = (
            (REQUEST_COUNT, kinds.INT64, "1", "Request Count", "Number of requests reaching the revision."),
            (REQUEST_LATENCIES, kinds.DISTRIBUTION, "ms", "Request Latency", "Distribution of request latency in ms."),
        )
        return [
            kinds(
                name=f"projects/{PROJECT}/metricDescriptors/{name}",
                type=name,
                labels=labels,
                metric_kind=kinds.DELTA,
                value_type=kind,
                unit=unit,
                display_name=title,
                description=description,
                metadata=metadata,
                monitored_resource_types=[time_series.RESOURCE],
            )
            for name, kind, unit, title, description in rows
        ]


class _Page:
    """One page of an answer. Its token keeps when the first page was made, so that nothing shifts between pages."""

    def __init__(self, *, size: int, offset: int, seen_at: float, query: str, headers_only: bool) -> None:
        self.seen_at = seen_at
        self._size = size
        self._offset = offset
        self._query = query
        self._headers_only = headers_only

    @classmethod
    def of(cls, request: metric_service.ListTimeSeriesRequest, now: float) -> "_Page":
        size = request.page_size if 0 < request.page_size <= PAGE_POINTS_MAX else PAGE_POINTS_MAX
        same = metric_service.ListTimeSeriesRequest(request)
        same.page_token, same.page_size = "", 0
        message = metric_service.ListTimeSeriesRequest.serialize(same)
        query = hashlib.sha256(message).hexdigest()[:16]
        offset, seen_at = 0, now
        if request.page_token:
            try:
                of_query, position, at = request.page_token.split("-")
                offset, seen_at = int(position), float(at)
            except ValueError as error:
                raise _invalid("Field page_token had an invalid value.") from error
            if of_query != query:
                raise _invalid("Field page_token had an invalid value: it belongs to another query.")
        headers_only = request.view is metric_service.ListTimeSeriesRequest.TimeSeriesView.HEADERS
        return cls(size=size, offset=offset, seen_at=seen_at, query=query, headers_only=headers_only)

    def cut(self, found: Sequence[Series]) -> metric_service.ListTimeSeriesResponse:
        """A page holds so many points (so many series when only headers are wanted); a series may go on on the next."""
        items: list[tuple[int, Point | None]] = (
            [(index, None) for index in range(len(found))]
            if self._headers_only
            else [(index, point) for index, one in enumerate(found) for point in one.points]
        )
        last = self._offset + self._size
        points: dict[int, list[Point]] = {}
        for index, point in items[self._offset : last]:
            points.setdefault(index, []).extend([point] if point is not None else [])
        return metric_service.ListTimeSeriesResponse(
            time_series=[time_series.to_message(found[index], rows) for index, rows in points.items()],
            next_page_token=f"{self._query}-{last}-{self.seen_at!r}" if last < len(items) else "",
        )


def _read_filter(text: str) -> Filter:
    try:
        return parse_filter(text)
    except InvalidFilter as error:
        raise _invalid(f"Field filter had an invalid value: {error}") from error


def _invalid(message: str) -> Fail:
    return Fail(grpc.StatusCode.INVALID_ARGUMENT, message)


def _seconds(at: Any) -> float:
    return float(at.timestamp()) if at else 0.0


def _duration(seconds: float) -> duration_pb2.Duration:
    return duration_pb2.Duration(seconds=int(seconds), nanos=round(seconds % 1 * 1e9))
