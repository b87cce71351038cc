"""Measurements as Cloud Monitoring's time series: raw, aligned, summed across series, and as its messages."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from google.api import distribution_pb2, metric_pb2, monitored_resource_pb2
from google.cloud.monitoring_v3.types import common, metric
from google.protobuf import timestamp_pb2

from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.data_plane.measurements import FINITE_BUCKETS, GROWTH, Latencies, Measurement, response_class

REQUEST_COUNT = "run.googleapis.com/request_count"
REQUEST_LATENCIES = "run.googleapis.com/request_latencies"
RESOURCE = "cloud_run_revision"

Value = int | Latencies
Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What happened after `start` and up to `end` (Unix seconds)."""

    start: float
    end: float
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points are newest first, as the API returns them."""

    metric: str
    metric_labels: Labels
    resource_labels: Labels
    points: tuple[Point, ...] = ()

    def labels(self) -> dict[str, str]:
        """Every label and type by the name a filter or a group-by gives it."""
        return {
            "metric.type": self.metric,
            "resource.type": RESOURCE,
            "project": PROJECT,
            **{f"metric.labels.{name}": value for name, value in self.metric_labels.items()},
            **{f"resource.labels.{name}": value for name, value in self.resource_labels.items()},
        }


def raw_series(name: str, measurements: Iterable[Measurement], period_seconds: float) -> list[Series]:
    """One series per revision and response code, one point per sampling period that had requests."""
    points: dict[tuple[str, str, int], list[Point]] = {}
    for one in measurements:
        values: Mapping[int, Value] = one.requests if name == REQUEST_COUNT else one.latencies
        for code, value in values.items():
            point = Point(start=one.end - period_seconds, end=one.end, value=value)
            points.setdefault((one.service, one.revision, code), []).append(point)
    return [
        Series(
            metric=name,
            metric_labels={"response_code": str(code), "response_code_class": response_class(code)},
            resource_labels={
                "project_id": PROJECT,
                "location": REGION,
                "service_name": service,
                "revision_name": revision,
                "configuration_name": service,
            },
            points=tuple(sorted(rows, key=lambda point: -point.end)),
        )
        for (service, revision, code), rows in points.items()
    ]


def aligned(series: Iterable[Series], end: float, period_seconds: float) -> list[Series]:
    """ALIGN_DELTA: windows of `period_seconds` counted back from `end`, each the sum of the points that ended in it.

    Where the real service would split a point that lies across two windows, it goes whole to the one it ended in.
    """
    result = []
    for one in series:
        windows: dict[int, Value] = {}
        for point in one.points:
            index = int((end - point.end) / period_seconds + 1e-9)
            windows[index] = _sum(windows.get(index), point.value)
        points = tuple(
            Point(start=end - (index + 1) * period_seconds, end=end - index * period_seconds, value=value)
            for index, value in sorted(windows.items())
        )
        result.append(replace(one, points=points))
    return result


def summed(series: Iterable[Series], group_by: Sequence[str]) -> list[Series]:
    """REDUCE_SUM: one series per combination of the `group_by` labels, which are all the labels it keeps."""
    names = [name.replace(".label.", ".labels.") for name in group_by]
    groups: dict[tuple[str, ...], list[Series]] = {}
    for one in series:
        labels = one.labels()
        groups.setdefault(tuple(labels.get(name, "") for name in names), []).append(one)
    return [_total(members, dict(zip(names, key, strict=True))) for key, members in groups.items()]


def _total(members: Sequence[Series], labels: Labels) -> Series:
    values: dict[tuple[float, float], Value] = {}
    for point in (point for member in members for point in member.points):
        key = (point.start, point.end)
        values[key] = _sum(values.get(key), point.value)
    return Series(
        metric=members[0].metric,
        metric_labels=_under("metric.labels.", labels),
        resource_labels={"project_id": PROJECT, **_under("resource.labels.", labels)},
        points=tuple(
            Point(start=start, end=end, value=value)
            for (start, end), value in sorted(values.items(), key=lambda row: -row[0][1])
        ),
    )


def _under(prefix: str, labels: Labels) -> dict[str, str]:
    return {name.removeprefix(prefix): value for name, value in labels.items() if name.startswith(prefix)}


def _sum(one: Value | None, other: Value) -> Value:
    if one is None:
        return other
    if isinstance(one, int) and isinstance(other, int):
        return one + other
    assert isinstance(one, Latencies)
    assert isinstance(other, Latencies)
    return one + other


_Series, _Point = metric.TimeSeries.pb(), metric.Point.pb()  # plain messages: their wrappers cost more than the rest
_Interval, _Value = common.TimeInterval.pb(), common.TypedValue.pb()


def to_message(series: Series, points: Sequence[Point]) -> Any:
    """A plain `google.monitoring.v3.TimeSeries`."""
    counts = series.metric == REQUEST_COUNT
    return _Series(
        metric=metric_pb2.Metric(type=series.metric, labels=series.metric_labels),
        resource=monitored_resource_pb2.MonitoredResource(type=RESOURCE, labels=series.resource_labels),
        metric_kind=metric_pb2.MetricDescriptor.DELTA,
        value_type=metric_pb2.MetricDescriptor.INT64 if counts else metric_pb2.MetricDescriptor.DISTRIBUTION,
        unit="1" if counts else "ms",
        points=[
            _Point(interval=_Interval(start_time=_at(point.start), end_time=_at(point.end)), value=_typed(point.value))
            for point in points
        ],
    )


def _typed(value: Value) -> Any:
    return _Value(int64_value=value) if isinstance(value, int) else _Value(distribution_value=_distribution(value))


def _distribution(value: Latencies) -> distribution_pb2.Distribution:
    """Trailing empty buckets are left out, as the real service may."""
    used = max((index + 1 for index, count in enumerate(value.buckets) if count), default=0)
    exponential = distribution_pb2.Distribution.BucketOptions.Exponential(
        num_finite_buckets=FINITE_BUCKETS, growth_factor=GROWTH, scale=1
    )
    return distribution_pb2.Distribution(
        count=value.count,
        mean=value.mean_ms,
        sum_of_squared_deviation=value.squared_deviation,
        bucket_options=distribution_pb2.Distribution.BucketOptions(exponential_buckets=exponential),
        bucket_counts=value.buckets[:used],
    )


def _at(seconds: float) -> timestamp_pb2.Timestamp:
    at = timestamp_pb2.Timestamp()
    at.FromDatetime(datetime.fromtimestamp(seconds, UTC))
    return at
