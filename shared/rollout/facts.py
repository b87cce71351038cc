"""What happened: the closed union `decide` takes. Past tense, immutable, with the time it happened."""

from dataclasses import dataclass, field
from datetime import datetime

from shared.analysis.evidence import Probe
from shared.analysis.verdict import Verdict
from shared.rollout.names import Release
from shared.rollout.service import RevisionState, TrafficTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployRequested:
    """A release wants to reach a service. source: "push", "build" or "waiting"; by: who asked.

    frozen: why the environment may not start anything, or ""; session_affinity: the service overrides splits.
    Both are read with the service, not sent.
    """

    service: str
    release: Release
    source: str
    by: str
    frozen: str = ""
    session_affinity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One tick's reading of one service. Sent even when only the outbox or the target needs care.

    rollout_id, step: what was judged; a verdict about anything else is stale. sequence: of the record read.
    canary, canary_state, canary_message: the revision on trial as Cloud Run reports it; "" when unknown yet.
    requests_per_minute: the service's of late, read before the canary's first traffic; 0 when unknown.
    probes: of the canary's tagged URL in this tick. verdict: None outside judged phases.
    target: the newest revision proved good to return to in this tick; "" when none is.
    announced: outbox keys the ledger holds already. frozen: why the environment may not advance, or "".
    newer_sequence: the ledger's newest sequence when it is above the record's, else 0.
    appeared, appeared_image: a revision nobody announced, and its image reference.
    """

    service: str
    at: datetime
    sequence: int
    rollout_id: str = ""
    step: int | None = None
    canary: str = ""
    canary_state: RevisionState = RevisionState.MISSING
    canary_message: str = ""
    probes: tuple[Probe, ...] = ()
    verdict: Verdict | None = None
    target: str = ""
    announced: tuple[str, ...] = ()
    frozen: str = ""
    newer_sequence: int = 0
    appeared: str = ""
    appeared_image: str = ""
    requests_per_minute: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentChanged:
    """A Monitoring incident opened or closed. policy_rolls_back: the policy's `rollback=true` user label.

    revision: "" when the policy does not group by revision. at: when it opened, or when it closed.
    """

    incident_id: str
    open: bool
    at: datetime
    service: str
    revision: str
    policy: str
    summary: str
    url: str
    policy_rolls_back: bool

    @property
    def key(self) -> str:
        return f"incident/{self.incident_id}/{'open' if self.open else 'closed'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficEdited:
    """The split on the service is not the one the record says: a person moved it."""

    service: str
    at: datetime
    traffic: tuple[TrafficTarget, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficRestored:
    """A hand-made split is gone again: the service serves what the record says."""

    service: str
    at: datetime
