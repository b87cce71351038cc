"""The two revisions side by side: what each did in the same sampling period."""

from collections.abc import Sequence
from datetime import UTC, datetime

from shared.analysis.e_value import Tally
from shared.analysis.evidence import Histogram, History, Sample
from shared.analysis.record import NamedTuple

_NO_LATENCY = Histogram()
_NO_SAMPLE = Sample(end=datetime.fromtimestamp(0, UTC), requests_by_class={})


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
    """Every settled period that either revision has a sample of, in order; a repeated sample replaces the earlier.

    probes: how many each tick sends to the canary.
    """
    ours = {sample.end: sample for sample in history.samples.get(canary, ())}
    theirs = {sample.end: sample for sample in history.samples.get(stable, ())}
    ends = sorted([end for end in {**theirs, **ours} if end <= history.settled_until])
    return [_period(end, ours.get(end, _NO_SAMPLE), theirs.get(end, _NO_SAMPLE), probes) for end in ends]


def failed(block: Sequence[Period]) -> Tally:
    """Requests of both revisions in a block, and how many of each failed."""
    return Tally(
        sum([period.exposed for period in block]),
        sum([period.errors for period in block]),
        sum([period.stable_requests for period in block]),
        sum([period.stable_errors for period in block]),
    )


def _period(end: datetime, canary: Sample, stable: Sample, probes: int) -> Period:
    requests, errors, refused = _counts(canary)
    stable_requests, stable_errors, stable_refused = _counts(stable)
    return Period(
        end,
        requests,
        max(errors, requests - probes),
        errors,
        probes,
        stable_requests,
        stable_errors,
        canary.latency,
        stable.latency,
        refused,
        stable_refused,
        canary.failed_starts,
        stable.failed_starts,
    )


def _counts(sample: Sample) -> tuple[int, int, int]:
    """Requests, those that failed and those that were refused.

    A WebSocket (101) counts when it closes, up to an hour later and at first only on stable: it is no request here.
    A client that hung up (499) is a request, and neither failed nor refused.
    """
    by_class = sample.requests_by_class
    return sum(by_class.values()) - by_class.get("1xx", 0), by_class.get("5xx", 0), by_class.get("4xx", 0)
