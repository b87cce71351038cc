"""Our own message on `verdicts`: one reading of one service. The attribute `verdict` routes it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shared.analysis.evidence import Probe, ProbeOutcome
from shared.analysis.verdict import Health, Verdict
from shared.events import fields
from shared.events.message import Message
from shared.rollout.observations import Judged
from shared.rollout.service import RevisionState

if TYPE_CHECKING:
    from shared.analysis.question import Question

VERSION = 1
NO_VERDICT = "none"
KEEP = {"evidence": "yes"}  # the attribute of a verdict that says what it is made of
QUESTION_BYTES_MAX = fields.SIZE_MAX // 2  # about three days of a rollout


def encode(judged: Judged, question: Question | None = None) -> tuple[bytes, dict[str, str]]:
    """Data and attributes to publish.

    question: what the verdict answers, for the ledger; left out, and the message not marked, where it is too long.
    """
    body: dict[str, Any] = {
        "v": VERSION,
        **judged._asdict(),
        "at": judged.at.isoformat(),
        "probes": [row._asdict() for row in judged.probes],
        "verdict": judged.verdict._asdict() if judged.verdict else None,
    }
    health = judged.verdict.health.value if judged.verdict else NO_VERDICT
    attributes = {"service": judged.service, "verdict": health}
    if question:
        from shared.events import evidence

        asked = json.dumps({**body, "question": evidence.encode(question)}, separators=(",", ":")).encode()
        if len(asked) <= QUESTION_BYTES_MAX:
            return asked, {**attributes, **KEEP}
    return json.dumps(body).encode(), attributes


def parse(message: Message) -> Judged:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    fields.version(body, VERSION)
    return Judged(
        service=fields.text(body, "service"),
        at=fields.moment(body, "at"),
        sequence=fields.integer(body, "sequence"),
        rollout_id=fields.text(body, "rollout_id", default=""),
        step=None if body.get("step") is None else fields.integer(body, "step"),
        canary=fields.text(body, "canary", default=""),
        canary_state=RevisionState(fields.choice(body, "canary_state", tuple(RevisionState))),
        canary_message=fields.text(body, "canary_message", default=""),
        probes=tuple(probe(row, f"probes[{index}].") for index, row in enumerate(fields.rows(body, "probes"))),
        verdict=None if body.get("verdict") is None else _verdict(fields.mapping(body, "verdict"), "verdict."),
        target=fields.text(body, "target", default=""),
        standby=fields.text(body, "standby", default=""),
        announced=fields.texts(body, "announced"),
        frozen=fields.text(body, "frozen", default=""),
        gated=fields.text(body, "gated", default=""),
        newer_sequence=fields.integer(body, "newer_sequence", default=0),
        appeared=fields.text(body, "appeared", default=""),
        appeared_image=fields.text(body, "appeared_image", default=""),
        requests_per_minute=fields.number(body, "requests_per_minute", default=0.0),
        heavy=fields.texts(body, "heavy"),
        pages=fields.text(body, "pages", default=""),
        session_affinity=body.get("session_affinity") is True,
    )


def probe(row: fields.Fields, path: str) -> Probe:
    """One probe as `_asdict` writes it. Raises InvalidEvent."""
    return Probe(
        revision=fields.text(row, "revision", path=path),
        path=fields.text(row, "path", path=path),
        outcome=ProbeOutcome(fields.choice(row, "outcome", tuple(ProbeOutcome), path=path)),
        reason=fields.text(row, "reason", default="", path=path),
        status=fields.integer(row, "status", default=0, path=path),
        latency_ms=fields.number(row, "latency_ms", default=0.0, path=path),
        bytes_received=fields.integer(row, "bytes_received", default=0, path=path),
    )


def parse_question(message: Message) -> Question | None:
    """What the verdict answers, where the message says it. Raises InvalidEvent."""
    from shared.events import evidence

    body = fields.decode(message)
    fields.version(body, VERSION)
    return evidence.parse(fields.mapping(body, "question"), "question.") if "question" in body else None


def _verdict(row: dict[str, Any], path: str) -> Verdict:
    def p90(name: str) -> float | None:
        return None if row.get(name) is None else fields.number(row, name, path=path)

    return Verdict(
        health=Health(fields.choice(row, "health", tuple(Health), path=path)),
        reason=fields.text(row, "reason", path=path),
        canary_requests=fields.integer(row, "canary_requests", default=0, path=path),
        canary_errors=fields.integer(row, "canary_errors", default=0, path=path),
        baseline_requests=fields.integer(row, "baseline_requests", default=0, path=path),
        baseline_errors=fields.integer(row, "baseline_errors", default=0, path=path),
        evidence_of_harm=fields.number(row, "evidence_of_harm", default=0.0, path=path),
        evidence_of_safety=fields.number(row, "evidence_of_safety", default=0.0, path=path),
        canary_p90_ms=p90("canary_p90_ms"),
        baseline_p90_ms=p90("baseline_p90_ms"),
        requests_needed=fields.integer(row, "requests_needed", default=0, path=path),
        minutes_needed=fields.number(row, "minutes_needed", default=0.0, path=path),
        shared_outage=row.get("shared_outage") is True,
    )
