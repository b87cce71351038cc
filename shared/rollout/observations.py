"""What our own looks at a service found: past tense, immutable, with its time. Part of the union `decide` takes."""

from datetime import datetime
from typing import NamedTuple

from shared.analysis.evidence import Probe
from shared.analysis.verdict import Verdict
from shared.rollout.service import RevisionState, TrafficTarget
from shared.values import value


class Judged(NamedTuple):
    """One tick's reading of one service. Sent even when only the outbox or the target needs care.

    rollout_id, step: what was judged; a verdict about anything else is stale. sequence: of the record read.
    canary, canary_state, canary_message: the revision on trial as Cloud Run reports it; "" when unknown yet.
    session_affinity: the service overrides splits.
    requests_per_minute: the service's of late, read before the canary's first traffic; 0 when unknown.
    probes: of the canary's tagged URL in this tick. verdict: None outside judged phases.
    target: the newest revision proved good to return to in this tick; "" when none is.
    standby: the ready one to keep addressable beside it, to be asked when the target fails; "" when none is.
    announced: outbox keys the ledger holds already. frozen: why the environment may not advance, or "".
    heavy: what of its pages people on slow lines could not bear, and it is not let through for; pages: what they cost.
    gated: why the release that waits may not start yet, or "".
    newer_sequence: the ledger's newest sequence when the record on the service is an older copy, else 0.
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
    standby: str = ""
    announced: tuple[str, ...] = ()
    frozen: str = ""
    gated: str = ""
    newer_sequence: int = 0
    appeared: str = ""
    appeared_image: str = ""
    requests_per_minute: float = 0.0
    heavy: tuple[str, ...] = ()
    pages: str = ""
    session_affinity: bool = False


@value
class TrafficEdited:
    """The split on the service is not the one the record says: a person moved it."""

    service: str
    at: datetime
    traffic: tuple[TrafficTarget, ...] = ()


@value
class TrafficRestored:
    """A hand-made split is gone again: the service serves what the record says."""

    service: str
    at: datetime
