"""A message of every kind with nothing left out, and what reads it."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple

from shared.analysis.evidence import Histogram, History, Probe, ProbeOutcome, Sample
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from shared.analysis.verdict import Health, Verdict
from shared.events import (
    announcement,
    asset_listing,
    build,
    command,
    deploy_request,
    image_push,
    incident,
    object_written,
    revision_change,
    tick,
    verdict,
)
from shared.events.message import Message
from shared.rollout.announcement import Announcement, Severity
from shared.rollout.commands import Command, Verb
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release
from shared.rollout.observations import Judged
from shared.rollout.service import RevisionState
from tests.events.payloads import NOW, message, payload

MINUTE = timedelta(minutes=1)
DIGEST = "sha256:" + "b" * 64
_PROBE = Probe("web-2", "/health/ready", ProbeOutcome.FAILED, "status 503", 503, 12.5, 900)
_SAMPLES = (
    Sample(end=NOW, requests_by_class={"2xx": 9, "5xx": 1}, latency=Histogram((1.0, 2.5), (3, 0, 7)), failed_starts=2),
    Sample(end=NOW + MINUTE, requests_by_class={"2xx": 4}),
)
JUDGED = Judged(
    service="web",
    at=NOW,
    sequence=7,
    rollout_id="web-bbbbbbb-20261123120000",
    step=1,
    canary="web-2",
    canary_state=RevisionState.READY,
    canary_message="it came up",
    probes=(_PROBE,),
    verdict=Verdict(
        health=Health.UNHEALTHY,
        reason="it fails",
        canary_requests=10,
        canary_errors=4,
        baseline_requests=90,
        baseline_errors=1,
        evidence_of_harm=99.5,
        evidence_of_safety=0.25,
        canary_p90_ms=210.5,
        baseline_p90_ms=90.5,
        requests_needed=11,
        minutes_needed=3.5,
        shared_outage=True,
    ),
    target="web-1",
    standby="web-0",
    announced=("web/000006-x", "web/000007-y"),
    frozen="holidays",
    gated="its backup runs.",
    newer_sequence=9,
    appeared="web-3",
    appeared_image=f"demo/web@{DIGEST}",
    requests_per_minute=33.5,
    heavy=("/ takes 9 s",),
    pages="/ costs 120 kB",
    session_affinity=True,
)
QUESTION = Question(
    history=History(
        sample_period=MINUTE,
        ingest_delay=3 * MINUTE,
        settled_until=NOW + MINUTE,
        samples={"web-2": _SAMPLES, "web-1": _SAMPLES[:1], "another": ()},
    ),
    canary="web-2",
    stable="web-1",
    rollout_started=NOW - MINUTE,
    step_started=NOW,
    share=5,
    next_share=25,
    risk=Risk(0.01, 0.05, 3.0, 25.0, 20.0, 14 * MINUTE),
    probes=(_PROBE,),
)
NEWS = Announcement(
    key="web/000008-20261123T120000Z-rollout.held",
    kind="rollout.held",
    service="web",
    at=NOW,
    text="It stands still.",
    severity=Severity.WARNING,
    rollout_id="web-bbbbbbb-20261123120000",
    details={"cause": "freeze"},
)
REQUEST = DeployRequested(
    service="web",
    release=Release(image="demo/web", digest=DIGEST, requested_at=NOW, commit="c0ffee", tag="v2"),
    source="build",
    by="build 7",
)
ORDER = Command(verb=Verb.FREEZE, service="*", by="amina", why="a reason", request_id="r1", at=NOW)
WRITTEN = {"bucket": "b", "name": "chat/app/1.gz", "generation": "17", "size": "2048", "crc32c": "AAAAAA=="}
LISTED = {
    "digest": DIGEST,
    "files": [{"name": "_next/static/a.js", "size": 9}, {"name": "_next/static/b.js", "size": 0}],
}


class Complete(NamedTuple):
    """attributes: of the message; read: what it means."""

    body: Any
    attributes: dict[str, str]
    read: Callable[[Message], Any]

    def message(self, body: Any) -> Message:
        return message(body, attributes=self.attributes)


def _ours(encoded: tuple[bytes, dict[str, str]], read: Callable[[Message], Any]) -> Complete:
    return Complete(json.loads(encoded[0]), encoded[1], read)


def _google(body: Any, read: Callable[[Message], Any], **attributes: str) -> Complete:
    return Complete(body, attributes, read)


def _build() -> Any:
    body = payload("build_success")
    results = {"images": [{"name": "registry:5000/demo/web:v2@sha256:1", "digest": DIGEST}]}
    kept = {"id": body["id"], "status": "SUCCESS", "finishTime": "2026-11-23T12:00:00.123456789Z"}
    return {
        **kept,
        "results": results,
        "substitutions": {"COMMIT_SHA": "c0ffee"},
        "logUrl": "https://logs",
        "statusDetail": "all well",
    }


def _incident() -> Any:
    return {
        "version": "1.2",
        "incident": {
            "incident_id": "0.abc",
            "state": "open",
            "started_at": 1795435230,
            "policy_name": "HighErrorRate",
            "policy_user_labels": {"rollback": "true"},
            "summary": "5xx above 5 %",
            "url": "https://console",
            "resource": {
                "type": "cloud_run_revision",
                "labels": {"service_name": "web", "revision_name": "web-2"},
            },
        },
    }


def _revision() -> Any:
    labels = {"service_name": "web", "revision_name": "web-2"}
    return {"resource": {"type": "cloud_run_revision", "labels": labels}, "timestamp": "2026-11-23T12:00:00.5+02:00"}


def _listing(found: Message) -> Any:
    return dict(asset_listing.parse(found.data, DIGEST))


def kinds() -> dict[str, Complete]:
    return {
        "verdict": _ours(verdict.encode(JUDGED), verdict.parse),
        "question": _ours(verdict.encode(JUDGED, QUESTION), verdict.parse_question),
        "announcement": _ours(announcement.encode(NEWS, "the record"), announcement.parse),
        "deploy_request": _ours(deploy_request.encode(REQUEST), deploy_request.parse),
        "command": _ours(command.encode(ORDER, "window"), command.parse),
        "holder": _ours(command.encode(ORDER, "window"), command.holder),
        "build": _google(_build(), build.parse),
        "image_push": _google(
            {"action": "INSERT", "digest": f"demo/web@{DIGEST}", "tag": "demo/web:v2"}, image_push.parse
        ),
        "incident": _google(_incident(), incident.parse),
        "incident_closed": _google(
            {**_incident(), "incident": {**_incident()["incident"], "state": "CLOSED", "ended_at": 1795435260}},
            incident.parse,
        ),
        "revision_change": _google(_revision(), revision_change.parse),
        "object_written": _google(WRITTEN, object_written.parse, eventType="OBJECT_FINALIZE"),
        "asset_listing": _google(LISTED, _listing),
        "tick": _google({}, tick.parse, job="tick"),
    }
