import json
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.data_plane.measurements import Measurement
from scripts.local_cloud.monitoring.alerts import Alerts, Policy
from shared.events import incident
from shared.events.ignored import Ignored
from shared.rollout.facts import IncidentChanged
from tests.events.payloads import message

T0 = 1_000_000.0
POLICY = Policy(
    name="HighErrorRate", service="web", threshold_share=0.1, window_seconds=3, user_labels={"rollback": "true"}
)
REAL = Path(__file__).parents[1] / "data" / "events"


class Topics:
    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self.arrived = threading.Event()

    def publish(self, topic: str, data: bytes, attributes: Mapping[str, str]) -> str:
        assert topic == "alerts"
        assert attributes == {}
        self.published.append(json.loads(data))
        self.arrived.set()
        return str(len(self.published))


class World:
    def __init__(self, policy: Policy = POLICY) -> None:
        self.now = T0
        self.rows: list[Measurement] = []
        self.topics = Topics()
        self.alerts = Alerts(self.visible, self.topics, [policy], period_seconds=0.01, clock=lambda: self.now)

    def visible(self, now: float) -> Iterable[Measurement]:
        return [one for one in self.rows if one.end <= now]

    def second(self, **errors: int) -> list[dict[str, Any]]:
        """A second passes in which each revision answered 100 requests, so many of them 500; what was published."""
        self.now += 1
        for name, count in errors.items():
            requests = {200: 100 - count, 500: count}
            revision = name.replace("_", "-")
            self.rows.append(Measurement(service="web", revision=revision, end=self.now, requests=requests))
        before = len(self.topics.published)
        self.alerts.evaluate()
        return self.topics.published[before:]


def shape(value: object, path: str = "") -> dict[str, type]:
    """Every field's path and type, label maps as one."""
    if isinstance(value, dict) and not path.endswith(("labels", "policy_user_labels")):
        return {name: kind for key, inner in value.items() for name, kind in shape(inner, f"{path}.{key}").items()}
    return {path: type(value)}


def test_an_incident_opens_once_for_the_bad_revision_alone_and_closes_when_it_is_good_again() -> None:
    world = World()
    assert world.second(web_1=0, web_2=9) == []
    (opened,) = world.second(web_1=0, web_2=90)
    assert opened["incident"]["state"] == "open"
    assert opened["incident"]["ended_at"] is None
    assert opened["incident"]["started_at"] == int(T0 + 2)
    assert opened["incident"]["resource"]["labels"] == {
        "project_id": PROJECT,
        "location": REGION,
        "service_name": "web",
        "revision_name": "web-2",
        "configuration_name": "web",
    }
    assert [row["revision"] for row in world.alerts.snapshot()["open"]] == ["web-2"]
    assert world.second(web_1=0, web_2=90) == []
    assert world.second(web_1=0, web_2=0) == []
    assert world.second(web_1=0, web_2=0) == []
    (closed,) = world.second(web_1=0, web_2=0)
    assert closed["incident"]["state"] == "closed"
    assert closed["incident"]["ended_at"] == int(T0 + 6)
    for same in ("incident_id", "started_at", "policy_name"):
        assert closed["incident"][same] == opened["incident"][same]
    (again,) = world.second(web_2=80)
    assert again["incident"]["incident_id"] != opened["incident"]["incident_id"]


def test_an_incident_closes_when_the_revision_has_no_requests_any_more() -> None:
    world = World()
    assert len(world.second(web_1=0, web_2=90)) == 1
    world.second(web_1=0)
    world.second(web_1=0)
    (closed,) = world.second(web_1=0)
    assert closed["incident"]["state"] == "closed"


def test_too_few_requests_conclude_nothing() -> None:
    world = World()
    world.rows.append(Measurement(service="web", revision="web-2", end=T0, requests={500: POLICY.requests_min - 1}))
    world.rows.append(Measurement(service="other", revision="other-1", end=T0, requests={500: 1000}))
    assert world.second() == []
    world.rows.append(Measurement(service="web", revision="web-2", end=T0, requests={500: 1}))
    assert len(world.second()) == 1


def test_a_notification_has_the_real_ones_fields_and_types_and_our_functions_read_it() -> None:
    world = World()
    (opened,) = world.second(web_2=90)
    real = shape(json.loads((REAL / "incident_open_cloud_run.json").read_text()))
    ours = shape(opened)
    added = {name for name in ours if name.rpartition(".")[2] in ("denominatorFilter", "denominatorAggregations")}
    assert {name: kind for name, kind in ours.items() if name not in added} == real
    assert isinstance(opened["incident"]["observed_value"], str)
    fact = incident.parse(message(opened, topic="alerts"))
    assert isinstance(fact, IncidentChanged)
    assert (fact.open, fact.service, fact.revision, fact.policy_rolls_back) == (True, "web", "web-2", True)


def test_the_test_notification_is_the_real_one_and_is_not_acted_on() -> None:
    world = World()
    assert world.alerts.publish_test_notification() == "1"
    (sent,) = world.topics.published
    assert sent == json.loads((REAL / "incident_test.json").read_text())
    assert isinstance(incident.parse(message(sent, topic="alerts")), Ignored)
    assert world.alerts.snapshot()["published"] == 1


def test_it_evaluates_by_itself_between_start_and_stop() -> None:
    world = World()
    world.rows.append(Measurement(service="web", revision="web-2", end=T0, requests={500: 50}))
    world.alerts.start()
    try:
        assert world.topics.arrived.wait(5)
    finally:
        world.alerts.stop()
    assert [one["incident"]["state"] for one in world.topics.published] == ["open"]
