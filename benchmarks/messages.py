"""For each function one message it ignores, and one on which it does all it can do."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud.cloud import ERRORS_POLICY
from scripts.local_cloud.monitoring.alerts import Incident, notification
from scripts.local_cloud.settings import REPOSITORY, SERVICE
from shared.analysis.evidence import Probe, ProbeOutcome
from shared.analysis.verdict import Health, Verdict
from shared.events import announcement as announcements
from shared.events import command as commands
from shared.events import deploy_request as deploy_requests
from shared.events import verdict as verdicts
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.commands import Command, Verb
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from shared.rollout.observations import Judged
from shared.rollout.service import RevisionState

UNKNOWN = "no-such-service"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """rules: how the function's answer may begin, so that it is known to have done what it is timed for."""

    topic: str
    data: bytes
    rules: tuple[str, ...]
    attributes: Mapping[str, str] = field(default_factory=dict)


def ignored() -> dict[str, Sent]:
    """By function; notify ignores nothing."""
    request, _ = _deploy_request(UNKNOWN, "sha256:" + "a" * 64)
    judged, _ = verdicts.encode(Judged(service=UNKNOWN, at=datetime.now(UTC), sequence=1))
    order, attributes = _order(UNKNOWN)
    change = {"resource": {"type": "cloud_run_revision", "labels": {"service_name": UNKNOWN}}}
    return {
        "image_pushed": _json("gcr", {"action": "DELETE", "tag": f"{REPOSITORY}:v1"}, "deleted"),
        "build_finished": _json("cloud-builds", {"id": "b", "status": "WORKING"}, "not_finished"),
        "canary_deploy": Sent(topic="deploy-requests", data=request, rules=("unknown_service",)),
        "health_verify": _json("revision-changes", change, "unknown_service"),
        "traffic_shift": Sent(topic="verdicts", data=judged, rules=("unknown_service",)),
        "auto_rollback": _json("alerts", {"version": "test", "incident": {}}, "test_notification"),
        "rollout_command": Sent(topic="commands", data=order, attributes=attributes, rules=("unknown_service",)),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class OnTrial:
    """The canary that the messages are about. target: the revision to go back to."""

    canary: str
    target: str
    rollout_id: str
    sequence: int
    step: int | None = 0


def mattering(digest: str, trial: OnTrial) -> dict[str, Sent]:
    """By function, as if sent now. digest: of a release that no rollout has met; trial: has users' traffic."""
    now = datetime.now(UTC)
    request, _ = _deploy_request(SERVICE, digest)
    verdict = Verdict(health=Health.HEALTHY, reason="A benchmark found it healthy.")
    answered = Probe(
        revision=trial.canary, path="/", outcome=ProbeOutcome.PASSED, reason="status 200", status=200, latency_ms=10
    )
    judged, _ = verdicts.encode(
        Judged(
            service=SERVICE,
            at=now,
            sequence=trial.sequence,
            rollout_id=trial.rollout_id,
            step=trial.step,
            canary=trial.canary,
            canary_state=RevisionState.READY,
            probes=(answered,),
            target=trial.target,
            verdict=verdict,
        )
    )
    order, attributes = _order(SERVICE, Verb.PAUSE)
    incident = Incident(
        id="0.benchmark", policy=ERRORS_POLICY, revision=trial.canary, started_at=now.timestamp(), observed_share=0.5
    )
    news, _ = announcements.encode(
        Announcement(
            key=f"{SERVICE}/000000-{uuid.uuid4().hex}",
            kind="benchmark.told",
            service=SERVICE,
            at=now,
            text="A benchmark was told.",
            severity=Severity.INFO,
        )
    )
    build = {"id": "b", "status": "SUCCESS", "finishTime": now.isoformat()}
    build["results"] = {"images": [{"name": f"{REPOSITORY}:v1", "digest": digest}]}  # type: ignore[assignment]
    pushed = {"action": "INSERT", "digest": f"{REPOSITORY}@{digest}", "tag": f"{REPOSITORY}:v1"}
    return {
        "image_pushed": _json("gcr", pushed, "deploy_requested"),
        "build_finished": _json("cloud-builds", build, "deploy_requested"),
        "canary_deploy": Sent(topic="deploy-requests", data=request, rules=("start",)),
        "health_verify": _json("rollout-ticks", {}, f"measured: {SERVICE} {Health.HEALTHY}."),
        "traffic_shift": Sent(topic="verdicts", data=judged, rules=("rollout.advanced",)),
        "auto_rollback": _json("alerts", notification(incident, 0.5, None), "rollout.rolled_back"),
        "rollout_command": Sent(topic="commands", data=order, attributes=attributes, rules=("rollout.held",)),
        "notify": Sent(topic="rollout-events", data=news, rules=("told",)),
    }


def _json(topic: str, body: Mapping[str, Any], *rules: str) -> Sent:
    return Sent(topic=topic, data=json.dumps(body).encode(), rules=rules)


def _deploy_request(service: str, digest: str) -> tuple[bytes, dict[str, str]]:
    release = Release(image=REPOSITORY, digest=digest, requested_at=datetime.now(UTC), tag="v1")
    return deploy_requests.encode(DeployRequested(service=service, release=release, source="push", by="push"))


def _order(service: str, verb: Verb = Verb.RELEASE_PIN) -> tuple[bytes, dict[str, str]]:
    order = Command(
        verb=verb,
        service=service,
        by="amina@example.org",
        why="a benchmark",
        request_id="b",
        at=datetime.now(UTC),
    )
    return commands.encode(order)
