"""The judge: a pure function of the per-period history, so that measuring stores nothing.

Two capitals. The capital of harm is spread over alternatives ("errors by 2 points", "three times the odds of a slow
answer") and multiplied by each block's e-value; it reaches 1/false_rollback_risk on a good release with at most that
probability over the whole rollout, at any number of looks. The capital of safety does the same against "worse by the
largest acceptable harm", for this step alone. One block is one period, or as many as it takes until both sides were
asked. Recomputed from the whole series at every look: a late or repeated minute cannot count twice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import exp, inf, log

from shared.analysis.counts import Counts, Period, percentile_ms, periods
from shared.analysis.e_value import log_e_absolute, log_e_harm, log_e_safety
from shared.analysis.evidence import Histogram, History, Probe
from shared.analysis.verdict import Health, Verdict

# Extra errors looked for, as shares of what still works; the weights favour the failures that hurt most.
ERROR_SHIFTS = ((0.006, 0.15), (0.02, 0.15), (0.07, 0.15), (0.25, 0.15), (0.9, 0.4))
# Odds of a slow answer looked for (about x1.2, x1.5 and x2 in time), at two cuts of stable's latencies,
# each with the points of slowness a cold cache may cost.
SLOW_ODDS = (1.6, 3.0, 8.0)
SLOW_CUTS = ((0.5, 0.05, 0.5), (0.9, 0.03, 0.5))  # quantile, margin, weight
ERRORS_WEIGHT = 0.7  # of the capital; latency has the rest
AGREEING_PERIODS_CAP = 0.34  # of the evidence needed, from any one period: three must agree
MASSIVE_FAILURE = (3, 0.8)  # bad requests and share of a period's requests from which no cap holds
PRIOR_BAD, PRIOR_REQUESTS = 0.5, 250.0  # what is assumed of a stable revision never seen
ROOM_FOR_DOUBT = 20.0  # a step is not passed with harm closer than this factor to a rollback
OUTAGE_SHARE, OUTAGE_FACTOR, OUTAGE_PERIODS = 0.05, 5.0, 3
UNROUTABLE_EXPECTED, UNROUTABLE_SHARE = 30.0, 0.1  # Poisson(30) is at most 3 once in 10^9
BLIND_PERIODS = 5  # without one sample, our own probes' included: nobody can see
FIRST_DEPLOYMENT_REQUESTS, FIRST_DEPLOYMENT_BAD = 5, 0.5
LOG_E_MAX = 700.0  # the largest exponent a float can take


@dataclass(frozen=True, slots=True, kw_only=True)
class Risk:
    """The four numbers a person chooses; see shared/rollout/strategy.py for their meaning."""

    false_rollback_risk: float = 0.01
    missed_harm_risk: float = 0.05
    harm_points_max: float = 10.0
    latency_points_max: float = 25.0


@dataclass(slots=True)
class _Ledgers:
    """The running capitals of one judgement, in nats."""

    harm: dict[tuple[str, float], float] = field(default_factory=dict)
    safety_errors: float = 0.0
    safety_latency: float = 0.0

    def harm_in_all(self) -> float:
        top = max(self.harm.values())
        return top + log(sum(exp(value - top) for value in self.harm.values()))

    def errors_lead(self) -> bool:
        return max(self.harm, key=lambda name: self.harm[name])[0] == "errors"


def judge(
    history: History,
    canary: str,
    stable: str,
    *,
    rollout_started: datetime,
    step_started: datetime,
    share: int,
    risk: Risk,
    probes: Sequence[Probe] = (),
) -> Verdict:
    """The verdict on `canary` at `share` percent beside `stable` ("" for a first deployment).

    probes: ours in one tick; one tick per period is taken out of the canary's counts. They are otherwise not evidence.
    """
    series = periods(history, canary, stable, len(probes))
    settled_from = step_started + history.sample_period  # the period of the change holds both splits
    step = [row for row in series if row.end > settled_from]
    if not step:
        return _without_samples(history, step_started, probes)
    before = [row for row in series if row.end <= rollout_started]
    during = [row for row in series if row.end > rollout_started]
    if not stable:
        return _first_deployment(step)
    capitals = _weigh(before, during, step[0].end, share, risk)
    return _conclude(capitals, before, during, step, share, risk)


def _without_samples(history: History, step_started: datetime, probes: Sequence[Probe]) -> Verdict:
    """No sample at all: too early to tell, a metrics outage when our own probes are missing, or nobody there."""
    silent = (history.settled_until - step_started) / history.sample_period
    if probes and silent > BLIND_PERIODS:
        reason = f"No metrics for {silent:.0f} periods although our own probes were answered: a metrics outage."
        return Verdict(health=Health.ERROR, reason=reason)
    return Verdict(health=Health.INCONCLUSIVE, reason="No request of this step is visible in the metrics yet.")


def _first_deployment(step: list[Period]) -> Verdict:
    requests, bad = sum(row.canary.requests for row in step), sum(row.canary.bad for row in step)
    said = f"{bad:,} of {requests:,} requests failed; there is nothing to compare with."
    sick = requests >= FIRST_DEPLOYMENT_REQUESTS and bad >= FIRST_DEPLOYMENT_BAD * requests
    health = Health.UNHEALTHY if sick else Health.HEALTHY if requests else Health.INCONCLUSIVE
    return Verdict(health=health, reason=said, canary_requests=requests, canary_errors=bad)


def _weigh(before: list[Period], during: list[Period], step_from: datetime, share: int, risk: Risk) -> _Ledgers:
    """Plays every block of the rollout, the stable's rates always predicted from earlier blocks."""
    capitals = _Ledgers()
    cuts = _cuts(before or during)
    for shift, weight in ERROR_SHIFTS:
        capitals.harm["errors", shift] = log(weight * (ERRORS_WEIGHT if cuts else 1.0))
    for quantile, _, weight in SLOW_CUTS if cuts else ():
        for odds in SLOW_ODDS:
            capitals.harm[f"p{quantile}", odds] = log(weight * (1 - ERRORS_WEIGHT) / len(SLOW_ODDS))
    limit = {
        name: AGREEING_PERIODS_CAP * (log(1 / risk.false_rollback_risk) - own) for name, own in capitals.harm.items()
    }
    stable_bad, stable = PRIOR_BAD, PRIOR_REQUESTS
    slow = {quantile: ((1 - quantile) * 10, 10.0) for quantile in cuts}
    open_block: list[Period] = []
    for index, row in enumerate([*before, *during]):
        if index >= len(before):
            open_block.append(row)
            canary, control = _sum(r.canary for r in open_block), _sum(r.stable for r in open_block)
            if canary.requests and (control.requests or share == 100):
                usual = min(stable_bad / stable, 0.9)
                rates = {quantile: _inside(bad / whole) for quantile, (bad, whole) in slow.items()}
                _play(capitals, canary, control, usual, cuts, rates, limit, alone=not control.requests)
                if row.end >= step_from:
                    _play_safety(capitals, canary, control, usual, cuts, rates, risk)
                open_block = []
        stable_bad, stable = stable_bad + row.stable.bad, stable + row.stable.requests
        for quantile, cut in cuts.items():
            bad, whole = row.stable.slower_than(cut)
            slow[quantile] = (slow[quantile][0] + bad, slow[quantile][1] + whole)
    return capitals


def _play(
    capitals: _Ledgers,
    canary: Counts,
    control: Counts,
    usual: float,
    cuts: dict[float, float],
    rates: dict[float, float],
    limit: dict[tuple[str, float], float],
    *,
    alone: bool,
) -> None:
    massive = canary.bad >= MASSIVE_FAILURE[0] and canary.bad >= MASSIVE_FAILURE[1] * canary.requests
    for shift, _ in ERROR_SHIFTS:
        name = ("errors", shift)
        if alone:
            bound = min(usual + max(0.01, usual), 0.9)
            gain = log_e_absolute(
                bad=canary.bad, requests=canary.requests, worse=bound + shift * (1 - bound), bound=bound
            )
        else:
            gain = log_e_harm(
                canary_bad=canary.bad,
                canary=canary.requests,
                stable_bad=control.bad,
                stable=control.requests,
                worse=_inside(usual + shift * (1 - usual)),
                usual=usual,
            )
        capitals.harm[name] += min(gain, inf if massive else limit[name])
    for quantile, margin, _ in SLOW_CUTS if cuts and not alone else ():
        slow, timed = canary.slower_than(cuts[quantile])
        slow_control, timed_control = control.slower_than(cuts[quantile])
        for odds in SLOW_ODDS:
            raised = odds * rates[quantile] / (1 - rates[quantile])
            gain = log_e_harm(
                canary_bad=slow,
                canary=timed,
                stable_bad=slow_control,
                stable=timed_control,
                worse=_inside(raised / (1 + raised)),
                usual=rates[quantile],
                margin=margin,
            )
            name = (f"p{quantile}", odds)
            capitals.harm[name] += min(gain, limit[name])


def _play_safety(
    capitals: _Ledgers,
    canary: Counts,
    control: Counts,
    usual: float,
    cuts: dict[float, float],
    rates: dict[float, float],
    risk: Risk,
) -> None:
    capitals.safety_errors += log_e_safety(
        canary_bad=canary.bad,
        canary=canary.requests,
        stable_bad=control.bad,
        stable=control.requests,
        usual=usual,
        margin=risk.harm_points_max / 100,
    )
    if 0.9 in cuts:
        slow, timed = canary.slower_than(cuts[0.9])
        slow_control, timed_control = control.slower_than(cuts[0.9])
        capitals.safety_latency += log_e_safety(
            canary_bad=slow,
            canary=timed,
            stable_bad=slow_control,
            stable=timed_control,
            usual=rates[0.9],
            margin=risk.latency_points_max / 100,
        )


def _conclude(
    capitals: _Ledgers, before: list[Period], during: list[Period], step: list[Period], share: int, risk: Risk
) -> Verdict:
    canary, control = _sum(row.canary for row in during), _sum(row.stable for row in during)
    here, beside = _sum(row.canary for row in step), _sum(row.stable for row in step)
    harm = capitals.harm_in_all()
    timed = any(row.stable.latency.counts for row in during)
    safety = min(capitals.safety_errors, capitals.safety_latency) if timed else capitals.safety_errors
    canary_p90, baseline_p90 = (
        percentile_ms((row.canary for row in during), 0.9),
        percentile_ms((row.stable for row in [*before, *during]), 0.9),
    )
    said = (
        f"{canary.bad:,} of {canary.requests:,} canary requests failed, "
        f"{control.bad:,} of {control.requests:,} on stable"
    )
    if canary_p90 is not None and baseline_p90 is not None:
        said += f"; 90 % answered within {canary_p90:.0f} ms against {baseline_p90:.0f} ms"
    needed = 0
    shared_outage = False
    odds = exp(min(harm, LOG_E_MAX))
    sure_of_harm, sure_of_safety = log(1 / risk.false_rollback_risk), log(1 / risk.missed_harm_risk)
    expected = share / 100 * (here.requests + beside.requests)
    if harm >= sure_of_harm:
        health = Health.UNHEALTHY
        said += f". Odds {odds:,.0f} to 1 that {'errors rose' if capitals.errors_lead() else 'answers slowed'}."
    elif expected >= UNROUTABLE_EXPECTED and here.requests < UNROUTABLE_SHARE * expected:
        health = Health.UNHEALTHY
        said = f"Only {here.requests:,} of about {expected:,.0f} requests of this step reached the canary: unroutable."
    elif _shared_outage(before, during):
        health, shared_outage = Health.INCONCLUSIVE, True
        said += ". Stable fails at the same time."
    elif not here.requests:
        health = Health.INCONCLUSIVE
        said = "Nobody asked the canary on this step yet."
    elif harm > sure_of_harm - log(ROOM_FOR_DOUBT):
        health = Health.INCONCLUSIVE
        said += f". Odds {odds:,.1f} to 1 that it is worse: more requests must tell."
    elif share == 100:
        health = Health.HEALTHY
        said += ". Nothing speaks against it at 100 %."
    elif safety >= sure_of_safety:
        health = Health.HEALTHY
        said += f". More than {risk.harm_points_max:g} points of harm are ruled out."
    else:
        health = Health.INCONCLUSIVE
        needed = _needed(sure_of_safety - safety, here, beside, risk)
        said += f". About {needed:,} more canary requests will tell."
    return Verdict(
        health=health,
        reason=said,
        canary_requests=canary.requests,
        canary_errors=canary.bad,
        baseline_requests=control.requests,
        baseline_errors=control.bad,
        evidence_of_harm=odds,
        evidence_of_safety=exp(min(safety, LOG_E_MAX)),
        canary_p90_ms=_finite(canary_p90),
        baseline_p90_ms=_finite(baseline_p90),
        requests_needed=needed,
        shared_outage=shared_outage,
    )


def _needed(missing: float, here: Counts, beside: Counts, risk: Risk) -> int:
    """Canary requests until `missing` nats of safety, if it does no worse than stable from now on."""
    usual = _inside((beside.bad + PRIOR_BAD) / (beside.requests + PRIOR_REQUESTS))
    stable = max(beside.requests / here.requests, 0.01)
    gain = log_e_safety(
        canary_bad=usual,
        canary=1.0,
        stable_bad=usual * stable,
        stable=stable,
        usual=usual,
        margin=risk.harm_points_max / 100,
    )
    return max(1, round(missing / gain)) if gain > 0 else 1


def _shared_outage(before: list[Period], during: list[Period]) -> bool:
    """Stable failed just now, in more than 5 % of its requests and five times more often than before the rollout."""
    now, then = _sum(row.stable for row in during[-OUTAGE_PERIODS:]), _sum(row.stable for row in before)
    usual = (then.bad + PRIOR_BAD) / (then.requests + PRIOR_REQUESTS)
    return now.bad > OUTAGE_SHARE * now.requests and now.bad > OUTAGE_FACTOR * usual * now.requests


def _cuts(rows: list[Period]) -> dict[float, float]:
    """Stable's own latency at each quantile, in milliseconds; empty without latencies."""
    cuts = {quantile: percentile_ms((row.stable for row in rows), quantile) for quantile, _, _ in SLOW_CUTS}
    return {quantile: cut for quantile, cut in cuts.items() if cut is not None}


def _sum(sides: Iterable[Counts]) -> Counts:
    """Several periods as one; the histograms of one service share their bounds."""
    requests = bad = 0
    bounds: tuple[float, ...] = ()
    totals: list[int] = []
    for side in sides:
        requests, bad = requests + side.requests, bad + side.bad
        if side.latency.counts:
            bounds = side.latency.bounds_ms if len(side.latency.bounds_ms) > len(bounds) else bounds
            totals += [0] * (len(side.latency.counts) - len(totals))
            for index, count in enumerate(side.latency.counts):
                totals[index] += count
    return Counts(requests=requests, bad=bad, latency=Histogram(bounds_ms=bounds, counts=tuple(totals)))


def _inside(rate: float) -> float:
    return min(max(rate, 1e-4), 1 - 1e-4)


def _finite(value: float | None) -> float | None:
    return None if value is None or value == inf else value
