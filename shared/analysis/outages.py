"""Failures too gross to wait for odds: of nearly everything on the canary, and of both revisions at once."""

from collections import deque
from collections.abc import Iterable

from shared.analysis.e_value import Tally
from shared.analysis.periods import Period

_MASSIVE_ERRORS, _MASSIVE_SHARE = 3, 0.8  # nearly everything fails
_MASSIVE_PERIODS = 3  # of it in a row, while stable answers, are harm whatever the odds
_MASSIVE_ON_STABLE = 0.5  # of its requests, once: a period in which all fails is then no sign of a bad release
_VISIBLE_SHARE = 0.25  # of the requests that the split lets expect: with fewer, part of the period is still on its way
_SHARED_SHARE, _SHARED_TIMES = 0.05, 5.0  # of stable's requests, times its usual rate: a failure of both
_OUTAGE_PERIODS, _OUTAGE_PERIODS_ALONE, _OUTAGE_ERRORS = 3, 5, 3


class Outages:
    """What the latest periods of a rollout say about them. usual: requests a period of late, of both revisions;
    share: the canary's percent of them.
    """

    __slots__ = ("_before", "_canary", "_recent", "_stable_was_down", "massive_periods")

    def __init__(self) -> None:
        self._before = [0, 0]
        self._recent: deque[tuple[int, int]] = deque(maxlen=_OUTAGE_PERIODS_ALONE)
        self._canary = [0, 0]
        self._stable_was_down = False
        self.massive_periods = 0  # in a row, the latest ones

    def know_before(self, periods: Iterable[Period]) -> None:
        """What came before the canary's first traffic: what is usual of stable."""
        for period in periods:
            self._before[0] += period.stable_errors
            self._before[1] += period.stable_requests

    def note(self, period: Period, usual: float, share: int) -> None:
        """For how long nearly everything has failed on the canary and not on stable; silent periods do not count."""
        self._recent.append((period.stable_errors, period.stable_requests))
        if not period.errors and period.stable_errors < _MASSIVE_ERRORS:  # as nearly always; this is in a hot loop
            self.massive_periods = 0 if period.exposed else self.massive_periods
            return
        both = (period.stable_errors, period.stable_requests), self._of_late(_OUTAGE_PERIODS)
        if any(bad and bad >= _MASSIVE_ON_STABLE * requests for bad, requests in both):
            self.massive_periods = 0
            self._stable_was_down |= period.stable_errors >= _MASSIVE_ERRORS
        elif period.exposed:
            massive = _massive(period.errors, period.exposed, usual * share / 100)
            self.massive_periods = self.massive_periods + 1 if massive else 0

    def never_worked(self, errors: Tally, periods: int, usual: float, share: int) -> bool:
        """That nearly all of the canary's requests so far failed, those of this block too: no trouble that passes."""
        self._canary[0] += int(errors.canary_bad)
        self._canary[1] += int(errors.canary)
        failed, requests = self._canary
        return (
            not self._stable_was_down
            and failed >= _MASSIVE_SHARE * requests
            and _massive(int(errors.canary_bad), int(errors.canary), usual * periods * share / 100)
        )

    @property
    def total(self) -> bool:
        """Nearly everything has failed for too long to wait for the odds."""
        return self.massive_periods >= _MASSIVE_PERIODS

    def shared(self, *, alone: bool) -> bool:
        """Stable fails now as it did not before the rollout. Alone, only our probes of it tell, and need longer."""
        bad, requests = self._of_late(_OUTAGE_PERIODS_ALONE if alone else _OUTAGE_PERIODS)
        if bad < _OUTAGE_ERRORS:
            return False
        return bad > _bearable(self._before[0] / self._before[1] if self._before[1] else 0.0) * requests

    def _of_late(self, periods: int) -> tuple[int, int]:
        """Stable's errors and requests in the latest periods."""
        rows = list(self._recent)[-periods:]
        return sum([bad for bad, _ in rows]), sum([requests for _, requests in rows])


def both_fail(period: Period, usual: float) -> bool:
    """Far more than stable usually does, both."""
    bearable = _bearable(usual)
    return period.stable_errors > bearable * period.stable_requests and period.errors > bearable * period.exposed


def may_both_fail(periods: Iterable[Period]) -> bool:
    """Cheaper: whether that is possible of any of them, whatever is usual."""
    return any(period.errors and period.stable_errors and both_fail(period, 0.0) for period in periods)


def _bearable(usual: float) -> float:
    return max(_SHARED_SHARE, _SHARED_TIMES * usual)


def _massive(errors: int, requests: int, expected: float) -> bool:
    """That nearly everything failed, of about as many requests as the split lets expect."""
    visible = requests >= _VISIBLE_SHARE * expected
    return visible and errors >= _MASSIVE_ERRORS and errors >= _MASSIVE_SHARE * requests
