"""What is simulated: a service's traffic, its usual errors and latencies, and what is wrong with the canary."""

from dataclasses import dataclass, field
from enum import StrEnum

RATES = (0.05, 0.3, 1.0, 5.0, 20.0)  # requests per second
BASELINES = (0.0, 0.001, 0.01)
EFFECTS = (0.005, 0.02, 0.10, 1.0)  # extra error probability


class Clients(StrEnum):
    """Whose latencies: everybody near, or a tenth of them on slow networks."""

    NEAR = "near"
    MOBILE = "mobile"


class Scatter(StrEnum):
    """How errors of one revision come: independently, with a rate drawn per minute, or in bursts of whole minutes."""

    INDEPENDENT = "independent"
    BETA = "beta"
    BURST = "burst"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Minutes are counted from the canary's first traffic; a rate is requests per second, a chance is in [0, 1].

    added: the canary's extra errors from minute `onset` on. slower, tail_slower, cold: factor on all its latencies, on
    those above stable's p90, and the share that take a cold start. correlation: within a minute, for Scatter.BETA.
    burst, burst_minutes: the error rate inside a burst, and its length. outage: (from, to, error rate) of both
    revisions. split: factor on the odds of reaching the canary. switch: minutes until a new share takes effect. lost:
    minutes of one side that never reach the metrics. daily: relative amplitude of the daily cycle of traffic and
    errors. wander: relative amplitude of the hourly cycle of the split. control: our probes of stable at 100 %.
    Where every look reads the metrics anew only (production.py): partial: minutes that show only their failures when
    they are first seen; dark: (from, to) without any metrics; late: minutes of the canary that come three looks later
    than the delay; repeated: every look gets earlier minutes twice, in any order.
    idle: (minutes, of them without any request) again and again. warm: minutes that a revision's last instance outlives
    its last request, so that the next ones start cold, the canary's more often for its lesser traffic; 0 is for ever.
    """

    name: str = "good"
    rate: float = 1.0
    baseline: float = 0.001
    added: float = 0.0
    onset: int = 0
    clients: Clients = Clients.MOBILE
    slower: float = 1.0
    tail_slower: float = 1.0
    cold: float = 0.0
    scatter: Scatter = Scatter.INDEPENDENT
    correlation: float = 0.0
    burst: float = 0.5
    burst_minutes: int = 1
    outage: tuple[int, int, float] | None = None
    split: float = 1.0
    switch: int = 0
    lost: float = 0.0
    daily: float = 0.0
    delay: int = 2
    wander: float = 0.0
    partial: float = 0.0
    dark: tuple[int, int] | None = None
    control: int = 5
    # The dice are named by the representation, so what was added later is no part of it.
    idle: tuple[int, int] | None = field(default=None, repr=False)
    warm: int = field(default=0, repr=False)
    late: float = field(default=0.0, repr=False)
    repeated: bool = field(default=False, repr=False)

    @property
    def harmless(self) -> bool:
        return self.added == 0 and self.slower == 1 and self.tail_slower == 1

    @property
    def horizon(self) -> int:
        """Minutes simulated: half a day, a whole one where hardly anybody comes."""
        return 1440 if self.rate < 0.1 else 720
