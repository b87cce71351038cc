"""A whole delivery in memory: the real handlers, wired by the real subscriptions' rules, on recording fakes."""

import importlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from scripts.local_cloud.pubsub.filters import parse_filter
from scripts.local_cloud.topology import ROUTES
from shared.analysis.evidence import History, Sample
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.record import Record
from shared.rollout.service import Service, TrafficTarget
from shared.runtime.cloud import Cloud
from tests.fakes.clock import NOW
from tests.fakes.cloud import IMAGE, FakeCloud

MINUTE = timedelta(minutes=1)
STABLE = "web-00001-aaa"


def handler(name: str) -> Callable[[Message, Cloud], str]:
    found: Callable[[Message, Cloud], str] = importlib.import_module(f"functions.{name}.handler").handle
    return found


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


@dataclass
class World:
    cloud: FakeCloud = field(default_factory=FakeCloud)
    delivered: int = 0
    said: list[str] = field(default_factory=list)

    def send(self, topic: str, body: Any, attributes: dict[str, str] | None = None) -> list[str]:
        """Publishes and delivers until nothing is left; returns what the functions said."""
        said_before = len(self.said)
        self.cloud.messages.publish(topic, json.dumps(body).encode(), attributes or {})
        self.deliver()
        return self.said[said_before:]

    def deliver(self) -> None:
        while self.delivered < len(self.cloud.messages.published):
            item = self.cloud.messages.published[self.delivered]
            self.delivered += 1
            for name in _subscribers(item.topic, item.attributes):
                message = Message(
                    id=str(self.delivered),
                    topic=item.topic,
                    published_at=self.cloud.clock.now(),
                    data=item.data,
                    attributes=item.attributes,
                )
                self.said.append(f"{name}: {handler(name)(message, self.cloud)}")

    def push(self, letter: str, tag: str = "v1") -> list[str]:
        body = {"action": "INSERT", "digest": f"{IMAGE}@{digest(letter)}", "tag": f"{IMAGE}:{tag}"}
        return self.send("gcr", body)

    def release(self, letter: str) -> None:
        """Pushes a release whose canary comes up and gets its first share."""
        self.push(letter)
        self.ready()
        self.tick()

    def tick(self, after: timedelta = MINUTE) -> list[str]:
        self.cloud.clock.pass_(after)
        return self.send("rollout-ticks", {}, {"job": "rollout-ticks"})

    def command(self, verb: str, service: str = "web", request_id: str = "r1") -> list[str]:
        body = {"command": verb, "service": service, "by": "amina", "why": "a reason", "request_id": request_id}
        return self.send("commands", body, {"command": verb, "service": service})

    def alert(self, incident_id: str = "0.abc") -> list[str]:
        labels = {"service_name": "web", "project_id": "demo", "location": "africa-south1"}
        incident = {
            "incident_id": incident_id,
            "state": "open",
            "started_at": int(self.cloud.clock.now().timestamp()),
            "policy_name": "HighErrorRate",
            "policy_user_labels": {"rollback": "true"},
            "resource": {"type": "cloud_run_revision", "labels": labels},
        }
        return self.send("alerts", {"version": "1.2", "incident": incident})

    def serve(self, canary_bad: float = 0.0, stable_bad: float = 0.0, per_minute: int = 600) -> None:
        """Traffic over the last three hours as the metrics would show it, by the current split."""
        record = self.record
        now = self.cloud.clock.now()
        canary = record.rollout.canary if record.rollout else ""
        percents = self.cloud.services.percents("web")
        samples: dict[str, tuple[Sample, ...]] = {}
        for name in {canary, record.rollout.stable if record.rollout else "", record.stable} - {""}:
            share = percents.get(name, 0) / 100
            bad = canary_bad if name == canary else stable_bad
            count = round(per_minute * share) or (per_minute if name != canary else 0)
            samples[name] = tuple(
                Sample(
                    end=now - minutes * MINUTE,
                    requests_by_class={"2xx": count - round(count * bad), "5xx": round(count * bad)},
                )
                for minutes in range(180, 0, -1)
                if name != canary or (record.rollout and now - minutes * MINUTE > record.rollout.phase_since)
            )
        self.cloud.metrics.answer = History(
            sample_period=MINUTE, ingest_delay=2 * MINUTE, settled_until=now, samples=samples
        )

    @property
    def record(self) -> Record:
        return codec.decode(self.cloud.services.rows["web"].record)

    @property
    def canary(self) -> str:
        return self.cloud.services.rows["web"].latest_created

    def change_variable(self, name: str, **changes: Any) -> None:
        """The newest revision's image in a revision of that name. changes: of the service, made with it."""
        services = self.cloud.services
        services.revisions[name] = replace(services.revisions[self.canary], name=name)
        services.rows["web"] = replace(services.rows["web"], latest_created=name, **changes)

    def split_by_hand(self, *traffic: TrafficTarget) -> None:
        self.cloud.services.rows["web"] = replace(self.cloud.services.rows["web"], traffic=traffic, etag="77")

    def put_back(self, old: Service, etag: str = "99") -> None:
        """What an apply does that was planned on an old copy: its record and its traffic are written again."""
        row = self.cloud.services.rows["web"]
        self.cloud.services.rows["web"] = replace(row, record=old.record, traffic=old.traffic, etag=etag)

    def ready(self) -> None:
        self.cloud.services.become_ready(self.canary)

    def until(self, phase: str, *, canary_bad: float = 0.0) -> None:
        """Ticks until the rollout is in `phase`; fails after a day."""
        for _ in range(300):
            if self.record.rollout and self.record.rollout.phase == phase:
                return
            self.cloud.clock.pass_(4 * MINUTE)
            self.serve(canary_bad)
            self.tick()
        raise AssertionError(f"never {phase}: {self.record.rollout}")


def _subscribers(topic: str, attributes: Mapping[str, str]) -> list[str]:
    return [route.function for route in ROUTES if route.topic == topic and parse_filter(route.accepts)(attributes)]


def deployed() -> World:
    """A world whose service serves a stable release of ours."""
    world = World()
    world.cloud.services.add("web", f"{IMAGE}@{digest('a')}")
    assert world.cloud.clock.now() == NOW
    return world


def on_trial() -> World:
    """A world whose service has the canary of a release b at its first share."""
    world = deployed()
    world.release("b")
    return world


def promoted() -> World:
    world = on_trial()
    world.until("promoted")
    return world
