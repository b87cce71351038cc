"""What the judge is asked: everything a verdict depends on, so that the same question has the same answer for ever."""

from datetime import datetime

from shared.analysis.evidence import History, Probe
from shared.analysis.proof import Risk
from shared.analysis.record import NamedTuple


class Question(NamedTuple):
    """Is `canary`, at `share` percent, worse than `stable`? stable is "" on a first deployment.

    rollout_started: the canary's first traffic. step_started: when this share was set; the period of the change holds
    both splits and is not of the step. next_share: what a healthy verdict leads to; the more users it concerns, the
    less harm must be ruled out. probes: this tick's; every tick sends as many, and the metrics show
    them among the canary's requests (periods.Period).
    """

    history: History
    canary: str
    stable: str
    rollout_started: datetime
    step_started: datetime
    share: int
    next_share: int = 100
    risk: Risk = Risk()
    probes: tuple[Probe, ...] = ()
