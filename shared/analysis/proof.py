"""What a step must prove before more users meet the canary."""

from datetime import datetime, timedelta
from math import exp, log

from shared.analysis.comparison import Comparison
from shared.analysis.e_value import Tally
from shared.analysis.record import NamedTuple
from shared.analysis.waiting import Wait, until

_SHARP_PART = 0.85  # of the stake; the rest is kept for the question that a step asks when its patience is lost
_LOG_SHARP_PART = log(_SHARP_PART)
PATIENCE = 4  # times the proof time; then the largest acceptable harm is all that a step still asks about


class Risk(NamedTuple):
    """How sure the judge must be, about how much harm, and how long a step may take to prove less.

    false_rollback_risk, missed_harm_risk: probabilities in (0, 1); the first holds for the whole rollout, the second
    for each step. harm_points_max: extra failed requests, in percentage points of all the service's requests once the
    next share has its traffic, and latency_points_max: extra requests slower than stable's p90, in points of the
    canary's, that a healthy canary has certainly less of; 100 switches that proof off. latency_ms_min: no faster
    request counts as slow, whatever stable's quantiles are. proof_time: a step asks for the smallest harm that so much
    of the current traffic can be expected to rule out.
    """

    false_rollback_risk: float = 0.01
    missed_harm_risk: float = 0.05
    harm_points_max: float = 3.0
    latency_points_max: float = 25.0
    latency_ms_min: float = 20.0
    proof_time: timedelta = timedelta(minutes=14)


class Proof:
    """That the canary's rate is below stable's plus a margin, which is set before the first request it judges.

    sharp: the evidence, as a logarithm, for the margin the step asks for; blunt: for the widest one allowed, counted
    from when the step lost its patience. Harm as large as the widest margin refutes both, so both share one stake: the
    larger of two e-values is none, their mean is.
    """

    __slots__ = ("_margins", "blunt", "comparison", "margin_max", "sharp")

    def __init__(self, comparison: Comparison, margin: float, margin_max: float) -> None:
        self.comparison, self.margin_max = comparison, margin_max
        self._margins = (margin,) if margin == margin_max else (margin, margin_max)
        self.sharp = self.blunt = 0.0

    def weigh(self, tally: Tally, periods: int, *, patient: bool) -> None:
        found = self.comparison.safety(tally, self._margins[:1] if patient else self._margins, periods)
        self.sharp += found[0]
        if not patient:
            self.blunt += found[-1]

    @property
    def log_e(self) -> float:
        if not self.blunt:
            return self.sharp + _LOG_SHARP_PART
        larger = max(self.sharp, self.blunt)
        return larger + log(_SHARP_PART * exp(self.sharp - larger) + (1 - _SHARP_PART) * exp(self.blunt - larger))

    def waits(self, canary: float, stable: float, needed: float, patience: float, block: int) -> list[Wait]:
        """Until log_e reaches `needed`, by either question.

        patience: periods until the second one is asked; block: how many are weighed at once.
        """
        walk = self.comparison.walk
        sharp = until(walk(canary, stable, self._margins[0]), needed - _LOG_SHARP_PART - self.sharp, block=block)
        if len(self._margins) == 1:
            return [sharp]
        missing = needed - log(1 - _SHARP_PART) - self.blunt
        return [sharp, until(walk(canary, stable, self.margin_max), missing, block=block, after=patience)]

    @property
    def margin(self) -> float:
        """What is nearest to being proved."""
        return self.margin_max if self.blunt > self.sharp else self._margins[0]


class Step:
    """What is judged now: since when its split holds, and the canary's percent before and after the next move."""

    __slots__ = ("began", "errors", "next_share", "share", "since", "slowness")

    def __init__(self, since: datetime, share: int, next_share: int) -> None:
        self.since, self.share, self.next_share = since, share, next_share
        self.began = False
        self.errors: Proof | None = None
        self.slowness: Proof | None = None

    def begin_with(self, start: datetime) -> None:
        """A period that starts then: the first that lies wholly in the step begins it."""
        self.began = self.began or start >= self.since

    @property
    def alone(self) -> bool:
        return self.share == 100
