"""The two revisions side by side: what each did in the same sampling period."""

from collections.abc import Sequence
from datetime import datetime

from shared.analysis.e_value import Tally
from shared.analysis.evidence import Histogram, History, Sample
from shared.analysis.record import NamedTuple

_Sampled = tuple[int, int, int, Histogram, int]  # requests, failed, refused; latencies; failed starts
_NO_LATENCY = Histogram()
_NOTHING: _Sampled = (0, 0, 0, _NO_LATENCY, 0)


class Period(NamedTuple):
    """One sampling period of both revisions. A revision without a sample counts nothing.

    exposed: the canary's requests; errors: those of them that failed (5xx). users: the same without our own probes;
    probes: how many may be among them. refused: answered with 4xx, except the client's own haste (499, 429).
    failed_starts: of instances.

    A probe in the metrics cannot be told from a user's request, but every tick sends the same ones and there is a tick
    per period, so their number is known. Their outcomes are not: the probes of this tick are in no settled period yet.
    Each reading errs on its own safe side. What speaks for harm (`exposed`) keeps them all, as stable keeps its own: a
    probe answered with 5xx is a failure of the canary whoever asked. What speaks for safety (`users`) takes them out as
    if all had passed. So no probe, whatever becomes of it, ever speaks for the canary.
    A tuple because every look makes hundreds.
    """

    end: datetime
    exposed: int = 0
    users: int = 0
    errors: int = 0
    probes: int = 0
    stable_requests: int = 0
    stable_errors: int = 0
    latency: Histogram = _NO_LATENCY
    stable_latency: Histogram = _NO_LATENCY
    refused: int = 0
    stable_refused: int = 0
    failed_starts: int = 0
    stable_failed_starts: int = 0


def side_by_side(history: History, canary: str, stable: str, probes: int = 0) -> list[Period]:
    """Every settled period that either revision has a sample of, in order.

    probes: how many each tick sends to the canary.
    """
    ours, theirs = _by_end(history.samples.get(canary, ())), _by_end(history.samples.get(stable, ()))
    periods = []
    for end in sorted([end for end in {**theirs, **ours} if end <= history.settled_until]):
        requests, errors, refused, latency, failed_starts = ours.get(end, _NOTHING)
        stable_requests, stable_errors, stable_refused, stable_latency, stable_failed_starts = theirs.get(end, _NOTHING)
        period = Period(
            end,
            requests,
            max(errors, requests - probes),
            errors,
            probes,
            stable_requests,
            stable_errors,
            latency,
            stable_latency,
            refused,
            stable_refused,
            failed_starts,
            stable_failed_starts,
        )
        periods.append(period)
    return periods


def failed(block: Sequence[Period]) -> Tally:
    """Requests of both revisions in a block, and how many of each failed."""
    canary = canary_bad = stable = stable_bad = 0
    for period in block:
        canary += period.exposed
        canary_bad += period.errors
        stable += period.stable_requests
        stable_bad += period.stable_errors
    return Tally(canary, canary_bad, stable, stable_bad)


def _by_end(samples: Sequence[Sample]) -> dict[datetime, _Sampled]:
    """What one revision did in each period; a repeated sample replaces the earlier.

    A WebSocket (101) counts when it closes, up to an hour later and at first only on stable: it is no request here.
    A client that hung up (499) is a request, and neither failed nor refused.
    """
    return {
        end: (
            sum(by_class.values()) - by_class.get("1xx", 0),
            by_class.get("5xx", 0),
            by_class.get("4xx", 0),
            latency,
            failed_starts,
        )
        for end, by_class, latency, failed_starts in samples
    }
