"""The two revisions side by side: what each did in the same sampling period, without our own probes."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from shared.analysis.evidence import Histogram, History, Probe, ProbeOutcome, Sample

_NO_LATENCY = Histogram()


class Period(NamedTuple):
    """One sampling period of both revisions. A revision without a sample counts nothing.

    exposed, users: the canary's requests in the two readings of `Probing`; errors: those of them that failed (5xx);
    all_errors: our probes' included. probes: how many may be among the canary's latencies.
    A tuple because every look makes hundreds.
    """

    end: datetime
    exposed: int = 0
    users: int = 0
    errors: int = 0
    all_errors: int = 0
    probes: int = 0
    stable_requests: int = 0
    stable_errors: int = 0
    latency: Histogram = _NO_LATENCY
    stable_latency: Histogram = _NO_LATENCY


class Probing(NamedTuple):
    """How many probes a tick sends to the canary, and how many of them may be in the metrics as a 5xx.

    A probe carries no time, and only this tick's are known, but every tick sends the same ones and there is a tick
    per sampling period. So they are taken out of every period of the canary, each reading erring on its own safe side:
    what speaks for harm loses the failed probes and keeps the passed ones (`exposed`), as stable keeps its own; what
    speaks for safety loses both (`users`).
    """

    sent: int = 0
    failed: int = 0


def probing_of(probes: Iterable[Probe], canary: str) -> Probing:
    """A probe without any status may have ended as a 5xx in the metrics."""
    ours = [probe for probe in probes if probe.revision == canary]
    failed = [
        probe for probe in ours if probe.outcome is ProbeOutcome.FAILED and (probe.status >= 500 or not probe.status)
    ]
    return Probing(sent=len(ours), failed=len(failed))


def side_by_side(history: History, canary: str, stable: str, probing: Probing) -> list[Period]:
    """Every settled period that either revision has a sample of, in order; a repeated sample replaces the earlier."""
    ours = {sample.end: sample for sample in history.samples.get(canary, ())}
    theirs = {sample.end: sample for sample in history.samples.get(stable, ())}
    ends = sorted(end for end in ours.keys() | theirs.keys() if end <= history.settled_until)
    return [_period(end, ours.get(end), theirs.get(end), probing) for end in ends]


def _period(end: datetime, canary: Sample | None, stable: Sample | None, probing: Probing) -> Period:
    requests, failed, latency = _counts(canary)
    stable_requests, stable_errors, stable_latency = _counts(stable)
    errors = max(0, failed - probing.failed)
    return Period(
        end,
        requests - failed + errors,
        max(errors, requests - probing.sent),
        errors,
        failed,
        probing.sent,
        stable_requests,
        stable_errors,
        latency,
        stable_latency,
    )


def _counts(sample: Sample | None) -> tuple[int, int, Histogram]:
    """Requests, errors and latencies.

    A WebSocket (101) counts when it closes, up to an hour later and at first only on stable: it is no request here.
    A client that hung up (499) is a request, and no error.
    """
    if sample is None:
        return 0, 0, _NO_LATENCY
    by_class = sample.requests_by_class
    return sum(by_class.values()) - by_class.get("1xx", 0), by_class.get("5xx", 0), sample.latency
