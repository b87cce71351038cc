"""What a step must prove before more users meet the canary."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import exp, log

from shared.analysis.comparison import Comparison
from shared.analysis.criteria import SAFETY_CUT
from shared.analysis.e_value import Tally
from shared.analysis.record import NamedTuple
from shared.analysis.waiting import Wait, until

_SHARP_PART = 0.85  # of the stake; the rest is kept for the question that a step asks when its patience is lost
_LOG_SHARP_PART = log(_SHARP_PART)
_SERVICE_POINTS = 0.005  # of all the service's requests, or as many as fail anyway: less harm no step need rule out
_HARM_WIDEST = 0.25  # however few requests are next, a canary that fails one more in four is not called healthy
_SLOW_POINTS_LEAST = 0.08
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

    def harm_max(self, next_share: int) -> float:
        """As the canary's rate: what is acceptable of the whole service's requests weighs more on a part of them."""
        everybody = self.harm_points_max / 100
        return max(everybody, min(100 * everybody / next_share, _HARM_WIDEST))


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

    __slots__ = ("alone", "began", "errors", "next_share", "share", "since", "slowness")

    def __init__(self, since: datetime, share: int, next_share: int) -> None:
        self.since, self.share, self.next_share = since, share, next_share
        self.alone = share == 100  # nothing can be proved then
        self.began = False
        self.errors: Proof | None = None
        self.slowness: Proof | None = None

    def begin_with(self, start: datetime) -> None:
        """A period that starts then: the first that lies wholly in the step begins it."""
        self.began = self.began or start >= self.since

    def ask(self, risk: Risk, usual: float, periods: float, failing: Comparison, slowing: Sequence[Comparison]) -> None:
        """Sets what is to be proved, when it is known what is usual; the margins come from the traffic before.

        usual: requests a period of late, both revisions'; periods: that a proof may take; slowing: one for each cut.
        """
        if self.errors is None:
            least = max(_SERVICE_POINTS, failing.expected) * 100 / self.next_share
            self.errors = self._proof(failing, risk, usual, periods, (least, risk.harm_max(self.next_share)))
        if self.slowness is None and slowing:
            margins = _SLOW_POINTS_LEAST, risk.latency_points_max / 100
            self.slowness = self._proof(slowing[SAFETY_CUT], risk, usual, periods, margins)

    def _proof(
        self, comparison: Comparison, risk: Risk, usual: float, periods: float, margins: tuple[float, float]
    ) -> Proof:
        share, (least, most) = self.share / 100, margins
        margin = comparison.provable_margin(
            usual * share,
            usual * (1 - share),
            periods=max(1.0, periods),
            risk=risk.missed_harm_risk,
            least=least,
            most=most,
        )
        return Proof(comparison, margin, most)

    @property
    def proofs(self) -> list[Proof]:
        """Those that a person has not switched off."""
        both = (self.errors, self.slowness)
        return [proof for proof in both if proof is not None and proof.margin_max < 1]

    @property
    def asked(self) -> bool:
        """All that is to be proved is known."""
        return self.alone or (self.errors is not None and self.slowness is not None)
