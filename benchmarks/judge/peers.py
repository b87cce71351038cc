"""The peers' decision rules, written anew from their documentation and source, at their documented settings.

Each names what was read. All climb 5, 25, 50 and 100 %; for Flagger and Release Manager, whose documented shares
differ, that is in their favour: they stay longer where little is at stake.
"""

import math
from collections import deque
from collections.abc import Callable
from itertools import pairwise

from benchmarks.judge.mann_whitney import is_higher
from benchmarks.judge.rollout import Action, Look, Rule, Seen
from benchmarks.judge.scenarios import Scenario
from benchmarks.judge.traffic import EDGES_MS, Minute

SHARES = (5, 25, 50, 100)
_LAST = len(SHARES) - 1
_INNER_MS = tuple(math.sqrt(low * high) for low, high in pairwise(EDGES_MS))
_MIDDLES_MS = (EDGES_MS[0] / 2, *_INNER_MS, EDGES_MS[-1] * 1.4)


class _Peer:
    """What they share: the shares, and no interest in what was before."""

    shares = SHARES

    def before(self, minutes: list[Minute]) -> None: ...


class ReleaseManager(_Peer):
    """Cloud Run Release Manager (internal/health/health.go, internal/rollout/traffic.go, README).

    Looks at the canary alone, over the last 30 minutes: errors above 1 % roll back at once, even below the least
    requests; fewer than 100 requests wait; 30 healthy minutes advance.
    """

    _MINUTES, _ERRORS_MAX, _REQUESTS_MIN = 30, 0.01, 100

    def __init__(self, delay: int) -> None:
        self._window: deque[Minute] = deque(maxlen=self._MINUTES - delay)

    def see(self, seen: Seen) -> None:
        self._window.append(seen.minute)

    def decide(self, look: Look) -> Action:
        requests = sum(minute.canary for minute in self._window)
        if sum(minute.canary_bad for minute in self._window) > self._ERRORS_MAX * requests:
            return Action.ROLL_BACK
        ready = requests >= self._REQUESTS_MIN and look.waited >= self._MINUTES
        return Action.ADVANCE if ready else Action.WAIT


class Flagger(_Peer):
    """Flagger (pkg/controller/scheduler.go, scheduler_metrics.go, docs): threshold 10, success at least 99 %.

    Each minute without traffic or with too many errors is a failed check; the counter is never reset and 10 roll back.
    The documented 24 checks of two points each become 8 passed checks on each share. Its latency check is left off:
    mobile clients would fail it always.
    """

    _THRESHOLD, _CHECKS, _SUCCESS_MIN = 10, 8, 0.99

    def __init__(self) -> None:
        self._failed = self._passed = self._step = 0

    def see(self, seen: Seen) -> None:
        minute = seen.minute
        failed = not minute.canary or minute.canary - minute.canary_bad < self._SUCCESS_MIN * minute.canary
        self._failed += failed
        self._passed += not failed

    def decide(self, look: Look) -> Action:
        if look.step != self._step:
            self._step, self._passed = look.step, 0
        if self._failed >= self._THRESHOLD:
            return Action.ROLL_BACK
        return Action.ADVANCE if look.step == _LAST or self._passed >= self._CHECKS else Action.WAIT


class Argo(_Peer):
    """Argo Rollouts (analysis/analysis.go, docs/features/analysis.md): the documented background analysis.

    Every five minutes the success ratio must be at least 95 %, and 0/0 fails too; the fourth failure aborts. Steps
    pause ten minutes, whatever the analysis says.
    """

    _INTERVAL, _SUCCESS_MIN, _FAILURES_MAX, _PAUSE = 5, 0.95, 3, 10

    def __init__(self) -> None:
        self._requests = self._bad = self._failures = self._seen = 0

    def see(self, seen: Seen) -> None:
        minute = seen.minute
        self._requests, self._bad = self._requests + minute.canary, self._bad + minute.canary_bad
        self._seen += 1
        if self._seen % self._INTERVAL == 0:
            good = self._requests - self._bad
            self._failures += not self._requests or good < self._SUCCESS_MIN * self._requests
            self._requests = self._bad = 0

    def decide(self, look: Look) -> Action:
        if self._failures > self._FAILURES_MAX:
            return Action.ROLL_BACK
        return Action.ADVANCE if look.step == _LAST or look.waited >= self._PAUSE else Action.WAIT


class Kayenta(_Peer):
    """Kayenta's NetflixACAJudge (MannWhitney.scala, MannWhitneyClassifier.scala, spinnaker.io's best practices).

    Per-minute series against stable's, one judgement an hour and share (at least 50 points are asked for): error rate
    and mean latency, both critical; one of them higher, or missing, fails the canary.
    """

    _MINUTES = 60

    def __init__(self) -> None:
        self._rows: list[Minute] = []
        self._step = 0

    def see(self, seen: Seen) -> None:
        if seen.step != self._step:
            self._step, self._rows = seen.step, []
        self._rows.append(seen.minute)

    def decide(self, look: Look) -> Action:
        if look.step == _LAST:
            return Action.ADVANCE
        if self._step != look.step or len(self._rows) < self._MINUTES:
            return Action.WAIT
        rows, self._rows = self._rows, []
        errors = [100 * row.canary_bad / row.canary if row.canary else 0.0 for row in rows]
        usual = [100 * row.stable_bad / row.stable if row.stable else 0.0 for row in rows]
        if is_higher(errors, usual):
            return Action.ROLL_BACK
        slow = [_mean_ms(row.latency.counts) for row in rows if row.canary]
        normal = [_mean_ms(row.stable_latency.counts) for row in rows if row.stable]
        if not slow or not normal or is_higher(slow, normal):
            return Action.ROLL_BACK
        return Action.ADVANCE


def _mean_ms(counts: tuple[int, ...]) -> float:
    whole = math.fsum(count * middle for count, middle in zip(counts, _MIDDLES_MS, strict=True))
    return whole / sum(counts)


PEERS: dict[str, Callable[[Scenario], Rule]] = {
    "Release Manager": lambda scenario: ReleaseManager(scenario.delay),
    "Flagger": lambda _: Flagger(),
    "Argo Rollouts": lambda _: Argo(),
    "Kayenta": lambda _: Kayenta(),
}
