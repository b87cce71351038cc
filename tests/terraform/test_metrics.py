"""Every series that an alert, an objective or the dashboard reads exists, and has every label that it is read by."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.terraform.stand import Root

# https://cloud.google.com/monitoring/api/metrics_gcp: what each metric is about, and its own labels.
GOOGLES = {
    "run.googleapis.com/request_count": ("cloud_run_revision", {"response_code", "response_code_class"}),
    "run.googleapis.com/request_latencies": ("cloud_run_revision", {"response_code", "response_code_class"}),
    "run.googleapis.com/container/instance_count": ("cloud_run_revision", {"state"}),
    "pubsub.googleapis.com/subscription/num_undelivered_messages": ("pubsub_subscription", set()),
    "pubsub.googleapis.com/subscription/oldest_unacked_message_age": ("pubsub_subscription", set()),
    "pubsub.googleapis.com/topic/send_message_operation_count": ("pubsub_topic", {"response_class", "response_code"}),
    "cloudsql.googleapis.com/database/up": ("cloudsql_database", set()),
    "cloudsql.googleapis.com/database/cpu/utilization": ("cloudsql_database", set()),
    "cloudsql.googleapis.com/database/disk/utilization": ("cloudsql_database", set()),
    "cloudsql.googleapis.com/database/postgresql/num_backends": ("cloudsql_database", {"database"}),
    "monitoring.googleapis.com/uptime_check/check_passed": ("uptime_url", {"check_id", "checker_location"}),
}
# https://cloud.google.com/monitoring/api/resources
RESOURCES = {
    "cloud_run_revision": {"project_id", "service_name", "revision_name", "configuration_name", "location"},
    "pubsub_subscription": {"project_id", "subscription_id"},
    "pubsub_topic": {"project_id", "topic_id"},
    "cloudsql_database": {"project_id", "database_id", "region"},
    "uptime_url": {"project_id", "host"},
}
WINDOWS = {"select_slo_burn_rate", "select_slo_budget_fraction", "select_slo_compliance"}


def ours(root: Root) -> dict[str, tuple[str, set[str]]]:
    """The metrics of logs that Terraform makes."""
    return {
        f"logging.googleapis.com/user/{row['name']}": (
            "cloud_run_revision",
            {label["key"] for label in row["metric_descriptor"][0]["labels"]},
        )
        for row in root.of("google_logging_metric").values()
    }


def readings(value: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every filter of time series with what its series are grouped by, wherever in the value it stands."""
    if isinstance(value, Mapping):
        for key in (
            "filter",
            "denominator_filter",
            "bad_service_filter",
            "total_service_filter",
            "distribution_filter",
        ):
            if value.get(key):
                yield value[key], tuple(_groups(value))
        for inner in value.values():
            yield from readings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from readings(inner)


def _groups(value: Mapping[str, Any]) -> Iterator[str]:
    for aggregation in (*value.get("aggregations", ()), *value.get("denominator_aggregations", ())):
        yield from aggregation["group_by_fields"] or ()
    yield from value.get("aggregation", {}).get("groupByFields", ())


def all_readings(root: Root) -> list[tuple[str, tuple[str, ...]]]:
    policies = [row["conditions"] for row in root.of("google_monitoring_alert_policy").values()]
    objectives = [row["request_based_sli"] for row in root.of("google_monitoring_slo").values()]
    boards = [json.loads(row["dashboard_json"]) for row in root.of("google_monitoring_dashboard").values()]
    tiles = [tile["widget"] for board in boards for tile in board["mosaicLayout"]["tiles"]]
    return list(readings([policies, objectives, [tile for tile in tiles if "logsPanel" not in tile]]))


def wrong(query: str, groups: tuple[str, ...], known: Mapping[str, tuple[str, set[str]]]) -> str:
    """What is wrong with one reading, or ""."""
    if query.partition("(")[0] in WINDOWS:
        return (
            "" if re.fullmatch(r'\w+\("projects/[^"]+/serviceLevelObjectives/\w+"(, "\d+s")?\)', query) else "selector"
        )
    metrics = re.findall(r'metric\.type="([^"]+)"', query)
    if len(metrics) != 1 or metrics[0] not in known:
        return f"no such metric: {metrics}"
    resource, labels = known[metrics[0]]
    if re.findall(r'resource\.type="([^"]+)"', query) != [resource]:
        return f"{metrics[0]} is about {resource}"
    for kind, name in re.findall(r"\b(metric|resource)\.labels?\.(\w+)", " ".join((query, *groups))):
        if name not in (labels if kind == "metric" else RESOURCES[resource]):
            return f"{metrics[0]} has no {kind} label {name}"
    return ""


def test_every_series_that_is_read_exists_with_every_label_it_is_read_by(environment: Root) -> None:
    found = all_readings(environment)
    known = {**GOOGLES, **ours(environment)}
    assert [(query, told) for query, groups in found if (told := wrong(query, groups, known))] == []
    assert {metric for query, _ in found for metric in re.findall(r'metric\.type="([^"]+)"', query)} == set(known)


@pytest.mark.parametrize(
    ("query", "groups", "told"),
    [
        ('resource.type="pubsub_topic" AND metric.type="run.googleapis.com/request_count"', (), "is about"),
        ('resource.type="pubsub_topic" AND metric.type="pubsub.googleapis.com/nothing"', (), "no such metric"),
        (
            'resource.type="cloudsql_database" AND metric.type="cloudsql.googleapis.com/database/up"',
            ("metric.label.service",),
            "no metric label service",
        ),
        ("select_slo_compliance(chat)", (), "selector"),
    ],
)
def test_what_does_not_exist_is_found(query: str, groups: tuple[str, ...], told: str) -> None:
    assert told in wrong(query, groups, GOOGLES)
