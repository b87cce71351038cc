"""What lies outside the comparison: nobody can see, nobody gets through, or nothing works at all."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from shared.analysis.evidence import History, Probe, ProbeOutcome
from shared.analysis.periods import Period

_SILENT_PERIODS = 5  # without a sample, although every tick probes
_EXPECTED_MIN = 30.0  # requests; at most 2 of them then come with probability 5e-11 (Poisson)
_ROUTED_MIN = 0.1  # of the expected requests
_DEAD_PERIODS, _DEAD_REQUESTS, _DEAD_SHARE = 5, 5, 0.95
_DEAD_AT_ONCE, _DEAD_AT_ONCE_SHARE = 3, 0.8  # of one period, where our probes fail now as well
_LATEST_PERIODS = 10  # with a sample of the canary, that the guardrails below look at
_REFUSED_PERIODS, _REFUSED_REQUESTS = 5, 20  # so many at least; chance then makes the next line 5e-5 (Hoeffding)
_REFUSED_MORE = 0.5  # of the canary's requests, above stable's share
_FAILED_STARTS = 3


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

    An absolute guardrail: at once where nearly all of the latest period's requests failed, and for services so quiet
    that hardly anybody asks over the latest five.
    """
    if failing_probe(probes, canary) is None or answered(probes, canary) or not step:
        return False
    newest, latest = step[-1], step[-_DEAD_PERIODS:]
    if newest.errors >= max(_DEAD_AT_ONCE, _DEAD_AT_ONCE_SHARE * newest.exposed):
        return True
    failed, requests = sum(period.errors for period in latest), sum(period.exposed for period in latest)
    return len(latest) == _DEAD_PERIODS and failed >= max(_DEAD_REQUESTS, _DEAD_SHARE * requests)


def refusing(periods: Sequence[Period], rollout: Sequence[Period]) -> str:
    """That the canary answers most requests with 4xx and stable does not, or "". 499 and 429 are none of these.

    Not every refusal is a fault, so only a gross difference counts: an entry gone, a login that lets nobody in.
    periods: history included, for what is usual where stable has no requests beside the canary's.
    """
    latest = _latest(rollout)
    refused, asked = sum(period.refused for period in latest), sum(period.users for period in latest)
    if asked < _REFUSED_REQUESTS or sum(period.users > 0 for period in latest) < _REFUSED_PERIODS:
        return ""
    beside = latest if sum(period.stable_requests for period in latest) >= _REFUSED_REQUESTS else periods
    usual, stable = sum(period.stable_refused for period in beside), sum(period.stable_requests for period in beside)
    if refused / asked < (usual / stable if stable else 0.0) + _REFUSED_MORE:
        return ""
    return f"{refused:,} of the latest {asked:,} canary requests were refused (4xx), {usual:,} of {stable:,} on stable."


def crash_looping(rollout: Sequence[Period]) -> str:
    """That instances of the canary keep failing to start while stable's do not, or "".

    The revision stays ready meanwhile: Cloud Run checks that once, and other instances may still serve.
    """
    latest = rollout[-_LATEST_PERIODS:]
    failed = sum(period.failed_starts for period in latest)
    if failed < _FAILED_STARTS or any(period.stable_failed_starts for period in latest):
        return ""
    return f"its instances do not start: {failed:,} start-up probes gave up of late, none on stable."


def _latest(rollout: Sequence[Period]) -> Sequence[Period]:
    return [period for period in rollout if period.exposed][-_LATEST_PERIODS:]


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
