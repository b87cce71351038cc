"""The evidence of one rollout: requests weighed block by block, for harm since its first traffic, for safety since the
step began.

A block is one sampling period (two after 26 blocks, four after 26 more, then eight), or as many as it takes until both
revisions have a request. What is expected of stable in a block comes from earlier blocks only, which is what makes the
e-values valid.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from math import inf, log

from shared.analysis.capital import Capital
from shared.analysis.clustering import NOTHING
from shared.analysis.criteria import ERROR_BETS, SAFETY_CUT, SLOW_BETS, WEIGHTS, failing
from shared.analysis.e_value import Tally
from shared.analysis.lasting import Lasting
from shared.analysis.outages import Outages, both_fail, may_both_fail
from shared.analysis.past import bad_stretches, without_outages
from shared.analysis.periods import Period, failed
from shared.analysis.proof import PATIENCE, Proof, Risk, Step
from shared.analysis.slowness import Slowness
from shared.analysis.waiting import quantile, whole_blocks

_LATENCY_HISTORY = timedelta(hours=2)  # enough to know what is usual; rare bursts are looked for among the errors
_ROOM_FOR_DOUBT = 20.0  # no step up with harm closer than this factor to a rollback
_BLOCKS_PER_LENGTH = 26  # then they get twice as long, so that a look at half a day stays cheap
_LENGTH_MAX = 8  # periods; harm that begins late waits no longer for the end of its first block
_EVEN = 0.5
_RATE_FADE = 0.5 ** (1 / 30)  # per period, of the traffic that plans the proof


class Standing(StrEnum):
    """What the comparison says, in the order in which it counts."""

    HARMFUL = "harmful"
    SHARED_OUTAGE = "shared_outage"  # stable fails too, as it did not before
    DOUBTFUL = "doubtful"  # too much speaks for harm to go on, too little to roll back
    UNPROVED = "unproved"
    SAFE = "safe"


class Trial:
    """One rollout's evidence so far. `weigh` every period once and in order, `begin_step` at each change of the split.

    first_traffic: harm counts from here; earlier periods say what is normal.
    """

    def __init__(self, risk: Risk, sample_period: timedelta, first_traffic: datetime) -> None:
        self.risk = risk
        self.capital = Capital(WEIGHTS, risk.false_rollback_risk)
        self.errors = failing()
        self.slowness = Slowness(risk.latency_ms_min)
        self.begin_step(first_traffic, 0, 0)
        self._sample_period = sample_period
        self._first_traffic = self._latest = first_traffic
        self._latencies_from = first_traffic - _LATENCY_HISTORY
        self._block: list[Period] = []
        self._requests = self._periods = 0.0  # of late, both revisions'
        self._usual = 0.0  # requests a period
        self._outages = Outages()
        self._past: list[Period] = []
        self._lasting = Lasting()

    def begin_step(self, since: datetime, share: int, next_share: int) -> None:
        self.step = Step(since, share, next_share)
        self._patient_until = since + PATIENCE * self.risk.proof_time

    def weigh(self, period: Period) -> None:
        """One more period. What is left open when stable loses its traffic tells nothing."""
        step, end = self.step, period.end
        self._latest = end
        if end <= self._first_traffic:
            self.remember([period])
            return
        if self._past:
            self._learn_past()
        self._outages.note(period, self._usual, step.share)
        if not step.began:
            step.begin_with(end - self._sample_period)
        if not self._block:
            self.slowness.choose_cuts()
            if step.began and not step.asked:
                periods = self.risk.proof_time / self._sample_period
                step.ask(self.risk, self._usual, periods, self.errors, self.slowness.comparisons)
        if step.began and step.alone:
            self._weigh_alone(period)
            return
        self._block.append(self.slowness.awake(period))
        if len(self._block) < self._block_length:
            return
        errors = failed(self._block)
        if errors.canary and errors.stable:
            self._close_block(errors)

    def remember(self, periods: Sequence[Period]) -> None:
        """Those before the first traffic, in order: what is normal, learned when the rollout begins."""
        self._past += periods

    def _learn_past(self) -> None:
        past, self._past = self._past, []
        rows = without_outages(past)
        for period, row in zip(past, rows, strict=True):
            self._outages.note(period, self._usual, self.step.share)
            if row and period.end > self._latencies_from:
                self._count_traffic([period])
                self.slowness.remember([period.stable_latency])
        usual = [row for row in rows if row]
        self._outages.know_before(usual)
        self._lasting = Lasting(bad_stretches(usual))
        for known, stretch in groupby(rows, key=bool):
            if known:
                self._learn_errors([row for row in stretch if row])
            else:
                self.errors.learn([], [NOTHING])

    def _count_traffic(self, periods: Sequence[Period]) -> None:
        for period in periods:
            self._requests = self._requests * _RATE_FADE + period.exposed + period.stable_requests
            self._periods = self._periods * _RATE_FADE + 1
        self._usual = self._requests / self._periods

    def _weigh_alone(self, period: Period) -> None:
        """At 100 %. Latency waits: without a control a busy hour looks like a slow release.

        Stable still answers our own probes. Where they fail as well, the canary is not to blame.
        """
        self._block = []
        if not period.exposed or (period.errors and period.stable_errors) or self.shared_outage:
            return
        errors = Tally(period.exposed, period.errors, period.stable_requests, period.stable_errors)
        self.capital.bet([*self.errors.harm_alone(errors), *[0.0] * len(SLOW_BETS)])
        if stretch := self._lasting.add(errors, 1):
            self._lasting.conclude(self.errors.harm_alone(stretch, together=False))

    def _close_block(self, errors: Tally) -> None:
        """Judges what the block holds, then learns from it. errors: its requests, and those that failed."""
        block, self._block = self._block, []
        latencies = [period.stable_latency for period in block]
        stable_timed = self.slowness.counted(latencies)
        slow = self.slowness.tallies(block, stable_timed)
        bets = self.errors.harm(errors, len(block))
        for comparison, tally in zip(self.slowness.comparisons, slow, strict=True):
            bets += comparison.harm(tally, len(block))
        bets += [0.0] * (len(WEIGHTS) - len(bets))
        never_worked = self._outages.never_worked(errors, len(block), self._usual, self.step.share)
        self.capital.bet(bets, capped=not never_worked)
        if stretch := self._lasting.add(errors, len(block)):
            self._lasting.conclude(self.errors.harm(stretch, together=False))
        if self.step.errors and block[0].end - self._sample_period >= self.step.since:
            self._weigh_safety(self.step.errors, block, errors, slow)
        self._learn_errors(block)
        if self.slowness.comparisons:
            self.slowness.learn(stable_timed)
        else:
            self.slowness.remember(latencies)
        self._count_traffic(block)

    def _weigh_safety(self, proof: Proof, periods: list[Period], errors: Tally, slow: list[Tally]) -> None:
        """Our own probes speak for nothing: they are taken out of the canary's requests, the fast ones included."""
        step = self.step
        patient = periods[-1].end < self._patient_until
        asked = sum([period.users for period in periods])
        proof.weigh(Tally(asked, *errors[1:]), len(periods), patient=patient)
        if step.slowness:
            timed, *rest = slow[SAFETY_CUT]
            users = max(rest[0], timed - sum([period.probes for period in periods]))
            step.slowness.weigh(Tally(users, *rest), len(periods), patient=patient)

    def _learn_errors(self, periods: Sequence[Period]) -> None:
        """At once, or one by one where both may have failed: what counts as that follows from what is known by then."""
        if not may_both_fail(periods):
            self.errors.learn([(period.stable_errors, period.stable_requests) for period in periods])
            return
        for period in periods:
            row = (period.stable_errors, period.stable_requests)
            self.errors.learn([row], [NOTHING if both_fail(period, self.errors.expected) else row])

    @property
    def standing(self) -> Standing:
        """The answer of the comparison. Alone, nothing can be proved: no harm is all there is to see."""
        harm, step = self.capital.total, self.step
        if step.alone and self.shared_outage:
            return Standing.SHARED_OUTAGE
        if harm >= self.capital.needed or self.failing_altogether or self.bad_stretches:
            return Standing.HARMFUL
        if self.shared_outage:
            return Standing.SHARED_OUTAGE
        if harm >= self.capital.needed / _ROOM_FOR_DOUBT:
            return Standing.DOUBTFUL
        if step.alone:
            return Standing.SAFE if step.began else Standing.UNPROVED
        return Standing.SAFE if self.log_safety >= self.log_safety_needed else Standing.UNPROVED

    @property
    def log_safety(self) -> float:
        """The weaker of the step's two proofs; nothing is proved before the step's first whole block begins."""
        if self.slowness.unknown or self.step.errors is None:
            return 0.0
        return min((proof.log_e for proof in self.step.proofs), default=inf)

    def periods_needed(self, canary: float, stable: float, shares: Sequence[float]) -> list[float]:
        """Until safety is proved with each of these probabilities, if the canary is as good as stable and so many
        requests of both come in a period; infinite when nobody can say. The early ones are a block earlier, for that
        is how exactly anybody can know.
        """
        now = max(self._latest, self.step.since)
        patience = max(0.0, (self._patient_until - now) / self._sample_period)
        length, begun = self._block_length, len(self._block)
        waits = [proof.waits(canary, stable, self.log_safety_needed, patience, length) for proof in self.step.proofs]
        found = [quantile(waits, share) for share in shares]
        return [
            whole_blocks(time if share >= _EVEN else max(0.0, time - length), length, begun)
            for time, share in zip(found, shares, strict=True)
        ]

    @property
    def _block_length(self) -> int:
        """Periods; longer ones keep a look at half a day cheap."""
        return min(1 << self.capital.blocks // _BLOCKS_PER_LENGTH, _LENGTH_MAX)

    @property
    def log_safety_needed(self) -> float:
        return log(1 / self.risk.missed_harm_risk)

    @property
    def shared_outage(self) -> bool:
        """Stable fails now as it did not before the rollout."""
        return self._outages.shared(alone=self.step.alone)

    @property
    def failing_altogether(self) -> bool:
        """Nearly everything has failed for too long to wait for the odds, which are no sign of it yet."""
        return self._outages.total and self.capital.total < self.capital.needed

    @property
    def bad_stretches(self) -> int:
        """In a row, the latest ones, in which it failed beyond chance; 0 while stable's own may be like that."""
        lasting = self._lasting
        return lasting.stretches if lasting.harmful and self.capital.total < self.capital.needed else 0

    @property
    def massive_periods(self) -> int:
        """In a row, the latest ones, in which nearly everything failed."""
        return self._outages.massive_periods

    @property
    def blamed_cut(self) -> int | None:
        """Which of CUTS explains the harm best; None when the errors do."""
        slow = self.capital.richest - ERROR_BETS
        return None if slow < 0 else SLOW_BETS[slow]
