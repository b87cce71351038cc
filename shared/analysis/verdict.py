"""What the judge says: three answers and an error, never a guess."""

from enum import StrEnum

from shared.analysis.record import NamedTuple


class Health(StrEnum):
    """Healthy and unhealthy are proved; inconclusive needs more requests; error means nobody can see."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


class Verdict(NamedTuple):
    """The judge's answer, its reason in one sentence and the figures behind it.

    Requests and errors: the canary's since its first traffic (at 100 %: of that phase), and stable's beside it.
    shared_outage: stable is just as bad at the same moment, so the canary is not to blame.
    requests_needed, minutes_needed: canary requests still missing for an answer, and how long they will take at this
    rate; 0 when there is an answer, or when nobody can say how long.
    """

    health: Health
    reason: str
    canary_requests: int = 0
    canary_errors: int = 0
    baseline_requests: int = 0
    baseline_errors: int = 0
    evidence_of_harm: float = 0.0  # e-value; 1/false_rollback_risk rolls back
    evidence_of_safety: float = 0.0  # e-value; 1/missed_harm_risk advances
    canary_p90_ms: float | None = None
    baseline_p90_ms: float | None = None
    requests_needed: int = 0
    minutes_needed: float = 0.0
    shared_outage: bool = False
