"""In which ways a canary can be slower: requests beyond each of stable's latency quantiles, counted like errors."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.analysis.comparison import Comparison
from shared.analysis.criteria import CUTS, slowing
from shared.analysis.e_value import Tally
from shared.analysis.evidence import Histogram
from shared.analysis.latency import Cuts, cut_ms, merged
from shared.analysis.periods import Period

_KNOWN_FROM = 50  # requests of stable, to know its quantiles
_IDLE = timedelta(minutes=10)  # without a request, our probes' included: the instance is gone, and the next one is cold
_NO_LATENCY = Histogram()

Counted = list[tuple[int, ...]]  # all requests of each period, and for each cut those slower


class Slowness:
    """What of the evidence is about latency. least_ms: no faster request is slow.

    cuts: where stable's quantiles are, once they are known; comparisons: one for each, none until then.
    """

    __slots__ = ("_asked_at", "_least_ms", "_seen", "comparisons", "cuts")

    def __init__(self, least_ms: float) -> None:
        self.cuts = Cuts()
        self.comparisons: tuple[Comparison, ...] = ()
        self._least_ms = least_ms
        self._seen: list[Histogram] = []
        self._asked_at: datetime | None = None

    def awake(self, period: Period) -> Period:
        """Without the canary's latencies if nobody asked it for so long that it starts anew: slow whatever the release.

        Every period of a rollout, in order.
        """
        asked_at = self._asked_at
        if period.exposed:
            self._asked_at = period.end
        wakes = asked_at is not None and period.end - asked_at > _IDLE
        return period._replace(latency=_NO_LATENCY) if wakes else period

    def choose_cuts(self) -> None:
        """Once, from what stable did before; until its quantiles are known there is no evidence about latency."""
        if self.comparisons or sum(sum(histogram.counts) for histogram in self._seen) < _KNOWN_FROM:
            return
        usual = merged(self._seen)
        self.cuts = Cuts([cut_ms(usual, quantile, self._least_ms) for quantile, _, _ in CUTS])
        self.comparisons = slowing()
        self.learn(self.counted(self._seen))
        self._seen = []

    def counted(self, latencies: Sequence[Histogram]) -> Counted:
        return [*zip(*map(self.cuts.counted, latencies), strict=True)]

    def tallies(self, block: Sequence[Period], stable: Counted) -> list[Tally]:
        """For each cut, slower requests of a block. stable: its latencies as `counted`."""
        timed, *ours = map(sum, self.counted([period.latency for period in block]))
        stable_timed, *theirs = map(sum, stable)
        return [Tally(timed, bad, stable_timed, stable_bad) for bad, stable_bad in zip(ours, theirs, strict=True)]

    def remember(self, latencies: Sequence[Histogram]) -> None:
        """What stable did while its quantiles are not known."""
        self._seen += [histogram for histogram in latencies if histogram.counts]

    def learn(self, stable: Counted) -> None:
        """What stable did in some periods is what the next ones expect of it."""
        timed, *slower = stable
        for comparison, bad in zip(self.comparisons, slower, strict=True):
            comparison.learn([*zip(bad, timed, strict=True)])

    @property
    def unknown(self) -> bool:
        """Stable has latencies, and too few of them to say what slow means."""
        return bool(self._seen)
