"""A local alerting: policies on the share of 5xx answers, whose incidents are published as Cloud Monitoring does.

Schema 1.2: https://cloud.google.com/monitoring/support/notification-options#pubsub
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from scripts.local_cloud.contracts import PROJECT, REGION, Publisher
from scripts.local_cloud.data_plane.measurements import Measurement, by_class
from scripts.local_cloud.monitoring.time_series import REQUEST_COUNT, RESOURCE

TOPIC = "alerts"
PROJECT_NUMBER = 100_000_000_001


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Fires for a revision of `service` while more than `threshold_share` of its answers in the window are 5xx.

    requests_min: below so many requests in the window nothing is concluded.
    user_labels: {"rollback": "true"} lets its incidents move traffic.
    """

    name: str
    service: str
    threshold_share: float = 0.05
    window_seconds: float = 5.0
    requests_min: int = 20
    user_labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One policy, one revision, from when it opened."""

    id: str
    policy: Policy
    revision: str
    started_at: float
    observed_share: float


class Alerts:
    """visible(now): the measurements Monitoring shows at `now`; one evaluation per period."""

    def __init__(
        self,
        visible: Callable[[float], Iterable[Measurement]],
        publisher: Publisher,
        policies: Iterable[Policy],
        *,
        period_seconds: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._visible = visible
        self._publisher = publisher
        self._policies = tuple(policies)
        self._period_seconds = period_seconds
        self._clock = clock
        self._open: dict[tuple[str, str], Incident] = {}
        self._published = 0
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def evaluate(self) -> None:
        """Opens and closes incidents on what is visible now."""
        now = self._clock()
        with self._lock:
            seen = list(self._visible(now))
            for policy in self._policies:
                self._evaluate(policy, seen, now)

    def publish_test_notification(self) -> str:
        """What "Send test notification" sends, which differs from an incident in every part; returns the message id."""
        return self._publish(_test_notification())

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: the policies' names, open incidents, and notifications published."""
        with self._lock:
            return {
                "policies": [policy.name for policy in self._policies],
                "open": [
                    {"incident_id": one.id, "policy": one.policy.name, "revision": one.revision}
                    for one in self._open.values()
                ],
                "published": self._published,
            }

    def _run(self) -> None:
        while not self._stopping.wait(self._period_seconds):
            self.evaluate()

    def _evaluate(self, policy: Policy, seen: Iterable[Measurement], now: float) -> None:
        shares = _error_shares(policy, seen)
        for revision, share in shares.items():
            if share > policy.threshold_share and (policy.name, revision) not in self._open:
                incident = Incident(
                    id=f"0.{secrets.token_hex(6)}",
                    policy=policy,
                    revision=revision,
                    started_at=now,
                    observed_share=share,
                )
                self._open[policy.name, revision] = incident
                self._publish(notification(incident, share, None))
        for (name, revision), incident in list(self._open.items()):
            share = shares.get(revision, 0.0)  # nothing to see any more closes it too
            if name == policy.name and share <= policy.threshold_share:
                del self._open[name, revision]
                self._publish(notification(incident, share, now))

    def _publish(self, body: Mapping[str, Any]) -> str:
        self._published += 1
        return self._publisher.publish(TOPIC, json.dumps(body).encode(), {})


def _error_shares(policy: Policy, seen: Iterable[Measurement]) -> dict[str, float]:
    """Of each revision with enough requests in the window that ends with the newest visible period."""
    rows = [one for one in seen if one.service == policy.service]
    begin = max((one.end for one in rows), default=0.0) - policy.window_seconds
    totals: dict[str, list[int]] = {}
    for one in rows:
        if one.end > begin:
            total = totals.setdefault(one.revision, [0, 0])
            total[0] += by_class(one.requests).get("5xx", 0)
            total[1] += sum(one.requests.values())
    return {
        revision: errors / requests
        for revision, (errors, requests) in totals.items()
        if requests >= policy.requests_min
    }


def notification(incident: Incident, observed_share: float, ended_at: float | None) -> dict[str, Any]:
    """An incident in full: the fields, their order and their types are the real notification's."""
    policy = incident.policy
    state = "open" if ended_at is None else "closed"
    policy_id = f"projects/{PROJECT}/alertPolicies/{policy.name}"
    above = "above" if ended_at is None else "no longer above"
    return {
        "version": "1.2",
        "incident": {
            "incident_id": incident.id,
            "scoping_project_id": PROJECT,
            "scoping_project_number": PROJECT_NUMBER,
            "url": f"https://console.cloud.google.com/monitoring/alerting/incidents/{incident.id}?project={PROJECT}",
            "started_at": int(incident.started_at),
            "ended_at": None if ended_at is None else int(ended_at),
            "state": state,
            "resource_id": "",
            "resource_name": f"{PROJECT} Cloud Run Revision labels {{revision_name={incident.revision}}}",
            "resource_display_name": "",
            "resource_type_display_name": "Cloud Run Revision",
            "resource": {
                "type": RESOURCE,
                "labels": {
                    "project_id": PROJECT,
                    "location": REGION,
                    "service_name": policy.service,
                    "revision_name": incident.revision,
                    "configuration_name": policy.service,
                },
            },
            "metric": {"type": REQUEST_COUNT, "displayName": "Request Count", "labels": {}},
            "metadata": {"system_labels": {}, "user_labels": {}},
            "policy_name": policy.name,
            "policy_user_labels": dict(policy.user_labels),
            "condition_name": f"{policy.name}: share of 5xx",
            "threshold_value": f"{policy.threshold_share:g}",
            "observed_value": f"{observed_share:.3f}",
            "condition": {
                "name": f"{policy_id}/conditions/{policy.name}",
                "displayName": f"{policy.name}: share of 5xx",
                "conditionThreshold": _condition(policy),
            },
            "documentation": {"content": f"Runbook: docs/runbooks/{policy.name}.md", "mime_type": "text/markdown"},
            "summary": (
                f"The share of 5xx answers of {policy.service} revision {incident.revision} is {above} the threshold of"
                f" {policy.threshold_share:g} with a value of {observed_share:.3f}."
            ),
        },
    }


def _condition(policy: Policy) -> dict[str, Any]:
    everything = (
        f'resource.type = "{RESOURCE}" AND resource.labels.service_name = "{policy.service}"'
        f' AND metric.type = "{REQUEST_COUNT}"'
    )
    aggregation = {
        "alignmentPeriod": f"{policy.window_seconds:g}s",
        "perSeriesAligner": "ALIGN_DELTA",
        "crossSeriesReducer": "REDUCE_SUM",
        "groupByFields": ["resource.label.revision_name"],
    }
    return {
        "filter": f'{everything} AND metric.labels.response_code_class = "5xx"',
        "aggregations": [aggregation],
        "denominatorFilter": everything,
        "denominatorAggregations": [aggregation],
        "comparison": "COMPARISON_GT",
        "thresholdValue": policy.threshold_share,
        "duration": "0s",
        "trigger": {"count": 1},
    }


def _test_notification() -> dict[str, Any]:
    return {
        "version": "test",
        "incident": {
            "incident_id": "12345",
            "scoping_project_id": "12345",
            "url": "http://www.example.com",
            "started_at": 0,
            "ended_at": 0,
            "state": "OPEN",
            "summary": "Test Incident",
            "apigee_url": "http://www.example.com",
            "documentation": "Test documentation",
            "resource": {"type": "example_resource", "labels": {"example": "label"}},
            "policy_name": "projects/12345/alertPolicies/12345",
        },
    }
