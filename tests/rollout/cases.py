"""Builders for records and facts, at one fixed time, so that a test shows only what it is about."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from shared.analysis.evidence import Probe, ProbeOutcome
from shared.analysis.verdict import Health, Verdict
from shared.rollout.announcement import Announcement
from shared.rollout.commands import Command, Verb
from shared.rollout.decide import decide
from shared.rollout.decision import Decision
from shared.rollout.facts import DeployRequested, IncidentChanged
from shared.rollout.names import Phase, Release
from shared.rollout.observations import Judged
from shared.rollout.record import OUTBOX_MAX, Record
from shared.rollout.service import RevisionState
from shared.rollout.strategy import Strategy

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STRATEGY = Strategy(steps=(5, 50, 90), announce_grace=timedelta(days=9))
IMAGE = "africa-south1-docker.pkg.dev/demo/apps/web"
CANARY = "web-00002-bbb"
ACTIVE = [Phase.PREPARING, Phase.VERIFYING, Phase.PROGRESSING, Phase.BAKING]


def digest(letter: str) -> str:
    return "sha256:" + letter * 64


def release(letter: str = "b", at: datetime = NOW, tag: str = "") -> Release:
    return Release(image=IMAGE, digest=digest(letter), requested_at=at, commit="c0ffee", tag=tag)


STABLE = Record(
    service="web",
    sequence=7,
    stable="web-00001-aaa",
    stable_release=release("a", NOW - timedelta(days=1)),
    target="web-00001-aaa",
    good=("web-00001-aaa", "web-00000-old"),
)
PLACEHOLDER = Record(service="web", stable="web-00001-hello", placeholder=True)


def request(letter: str = "b", at: datetime = NOW, source: str = "push", tag: str = "") -> DeployRequested:
    return DeployRequested(service="web", release=release(letter, at, tag), source=source, by="push")


def probe(outcome: ProbeOutcome = ProbeOutcome.PASSED) -> Probe:
    return Probe(revision=CANARY, path="/health/ready", outcome=outcome, reason="status 200", status=200)


def verdict(health: Health = Health.HEALTHY, *, shared_outage: bool = False) -> Verdict:
    return Verdict(health=health, reason=f"it is {health}.", canary_requests=140, shared_outage=shared_outage)


def judged(record: Record, at: datetime, health: Health | None = None, **changes: object) -> Judged:
    """A reading of `record` as health_verify would send it: canary ready, probes passed, the target confirmed."""
    rollout = record.active
    fact = Judged(
        service="web",
        at=at,
        sequence=record.sequence,
        rollout_id=rollout.id if rollout else "",
        step=rollout.step if rollout else None,
        canary=(rollout.canary or _new_revision(record)) if rollout else "",
        canary_state=RevisionState.READY,
        probes=(probe(),),
        verdict=verdict(health) if health else None,
        target=record.target,
    )
    return fact._replace(**changes)  # type: ignore[arg-type]


def _new_revision(record: Record) -> str:
    """Cloud Run never gives a name twice."""
    return CANARY if record.stable != CANARY else "web-00003-ccc"


def command(verb: Verb, at: datetime = NOW, request_id: str = "r1") -> Command:
    return Command(verb=verb, service="web", by="amina", why="a reason", request_id=request_id, at=at)


def incident(at: datetime, incident_id: str = "0.abc", **changes: object) -> IncidentChanged:
    fact = IncidentChanged(
        incident_id=incident_id,
        open=True,
        at=at,
        service="web",
        revision="",
        policy="HighErrorRate",
        summary="5xx above 5 %",
        url="https://console.example/incident",
        policy_rolls_back=True,
    )
    return replace(fact, **changes)  # type: ignore[arg-type]


def take(record: Record, event: object, now: datetime, strategy: Strategy = STRATEGY) -> Decision:
    return decide(record, event, now, strategy)  # type: ignore[arg-type]


def in_phase(phase: Phase, *, step: int = 0, strategy: Strategy = STRATEGY, tag: str = "") -> tuple[Record, datetime]:
    """A record whose rollout reached `phase` by the legal way, and the time it got there."""
    now = NOW
    record = take(STABLE, request(tag=tag), now, strategy).record
    if phase is Phase.PREPARING:
        return record, now
    now += MINUTE
    if phase is Phase.VERIFYING:
        return take(record, judged(record, now, probes=()), now, strategy).record, now
    record = take(record, judged(record, now), now, strategy).record
    while record.active and record.active.phase is Phase.PROGRESSING and phase is not Phase.PROGRESSING:
        now += strategy.step_bake_time
        record = take(record, judged(record, now, Health.HEALTHY), now, strategy).record
    while phase is Phase.PROGRESSING and record.active and record.active.step != step:
        now += strategy.step_bake_time
        record = take(record, judged(record, now, Health.HEALTHY), now, strategy).record
    if phase is Phase.PROMOTED:
        now += strategy.final_bake_time
        record = take(record, judged(record, now, Health.HEALTHY), now, strategy).record
    assert record.rollout
    assert record.rollout.phase is phase
    return record, now


def first_deployment() -> Record:
    """A record whose first rollout bakes at 100 %, a minute after its push."""
    record = take(PLACEHOLDER, request(), NOW).record
    return take(record, judged(record, NOW + MINUTE), NOW + MINUTE).record


def phase_of(record: Record) -> Phase:
    assert record.rollout
    return record.rollout.phase


def full_outbox(record: Record) -> tuple[Announcement, ...]:
    """As many as an outbox takes, alike to the first in the record's."""
    return tuple(replace(record.outbox[0], key=f"web/{n}") for n in range(OUTBOX_MAX))
