"""What lies outside the comparison: nobody can see, nobody gets through, or nothing works at all."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.analysis.evidence import History, Probe, ProbeOutcome
from shared.analysis.periods import Period

_SILENT_PERIODS = 5  # without a sample, although every tick probes
_EXPECTED_MIN = 30.0  # requests; at most 2 of them then come with probability 5e-11 (Poisson)
_ROUTED_MIN = 0.1  # of the expected requests
_DEAD_PERIODS, _DEAD_REQUESTS, _DEAD_SHARE = 5, 5, 0.95


def metrics_outage(history: History, canary: str, probes: Sequence[Probe], first_traffic: datetime) -> str:
    """Why nobody can see the canary, or "".

    Every tick probes, so the metrics must show at least that: on the canary, if a probe got through to it.
    """
    silent_from = history.settled_until - history.sample_period * _SILENT_PERIODS
    if not probes or silent_from < first_traffic:
        return ""
    newest = _newest(history, history.samples)
    if newest is None or newest <= silent_from:
        return f"we probe at every tick, and no revision has a sample{_since(newest)}: a metrics outage."
    own = _newest(history, (canary,))
    if answered(probes, canary) and (own is None or own <= silent_from):
        return f"the canary answers our probes, and the metrics have no sample of it{_since(own)}: a metrics outage."
    return ""


def answered(probes: Sequence[Probe], canary: str) -> bool:
    return any(probe.revision == canary and probe.outcome is ProbeOutcome.PASSED for probe in probes)


def failing_probe(probes: Sequence[Probe], canary: str) -> Probe | None:
    return next((row for row in probes if row.revision == canary and row.outcome is ProbeOutcome.FAILED), None)


def dead(step: Sequence[Period], probes: Sequence[Probe], canary: str) -> bool:
    """That the canary answers nobody: its latest requests, ours included, failed, and so did this tick's probes.

    An absolute guardrail for services so quiet that hardly anybody else asks.
    """
    latest = step[-_DEAD_PERIODS:]
    failed = sum(period.all_errors for period in latest)
    requests = sum(period.users + period.probes for period in latest)
    return (
        failing_probe(probes, canary) is not None
        and not answered(probes, canary)
        and len(latest) == _DEAD_PERIODS
        and failed >= max(_DEAD_REQUESTS, _DEAD_SHARE * requests)
    )


def unroutable(step: Sequence[Period], share: int, sample_period: timedelta) -> str:
    """That far fewer requests than its share reached the canary, for longer than a slow first request takes, or "".

    step: periods in which the split holds. Stable is probed as often as the canary, which is no traffic either.
    """
    stable = sum(max(0, period.stable_requests - period.probes) for period in step)
    expected, got = stable * share / (100 - share), sum(period.users for period in step)
    if expected < _EXPECTED_MIN or got >= _ROUTED_MIN * expected:
        return ""
    if step[-1].end - step[0].end + sample_period < sample_period * _SILENT_PERIODS:
        return ""
    return f"{got:,} of about {expected:,.0f} requests that {share} % of the traffic should bring came: unroutable."


def _newest(history: History, revisions: Iterable[str]) -> datetime | None:
    return max((sample.end for name in revisions for sample in history.samples.get(name, ())), default=None)


def _since(newest: datetime | None) -> str:
    return f" since {newest:%H:%M:%S} UTC" if newest else ""
