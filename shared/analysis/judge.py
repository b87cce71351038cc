"""Whether the canary is worse than stable, judged anew from the whole history at every look: nothing is stored.

While both revisions have traffic the test is concurrent: the same periods, counts only, and looking every minute does
not inflate the risks (e_value.py, capital.py). At 100 % no control is left: the canary is judged against stable's own
history before it lost its traffic, with an absolute margin of one point or as much again as stable's rate, and it is
healthy while there is data and no evidence of harm. All the control there is are our own probes of stable, which the
metrics show as its requests: while they fail too, nobody is blamed. Without any stable data only absolute guardrails
hold.

What is guaranteed and what is not: docs/explanation/analysis.md.
"""

from collections.abc import Sequence
from math import ceil, inf

from shared.analysis.conditions import crash_looping, dead, failing_probe, metrics_outage, refusing, unroutable
from shared.analysis.criteria import CUTS, SAFETY_CUT
from shared.analysis.evidence import Histogram, History, Probe
from shared.analysis.latency import merged, quantile_ms
from shared.analysis.periods import Period, side_by_side
from shared.analysis.question import Question
from shared.analysis.record import NamedTuple
from shared.analysis.trial import Standing, Trial
from shared.analysis.verdict import Health, Verdict
from shared.analysis.waiting import slack
from shared.analysis.words import (
    against_stable,
    e_value,
    failed_of,
    failing_altogether,
    lasting,
    more_needed,
    odds,
    slower_than_stable,
    under,
)

_GUARDRAIL_PERIODS = 10
_GUARDRAIL_REQUESTS = 5
_GUARDRAIL_SHARE = 0.5
EVIDENCE_MAX = 1e12  # more digits say nothing, and infinity is not JSON
_HOPELESS_MINUTES = 24 * 60.0
_RANGE = (0.05, 0.95)  # of the chance, what is told of how long an answer will take


def judge(question: Question) -> Verdict:
    """The verdict on the canary. A pure function: the same question has the same answer."""
    history, canary, probes = question.history, question.canary, question.probes
    sent = sum(probe.revision == canary for probe in probes)
    periods = side_by_side(history, canary, question.stable, sent)
    started, whole_from = question.rollout_started, question.step_started + history.sample_period
    rollout = [period for period in periods if period.end > started]
    case = _Case(
        history=history,
        canary=canary,
        share=question.share,
        probes=probes,
        rollout=rollout,
        step=[period for period in periods if period.end >= whole_from],
        outage=metrics_outage(history, canary, probes, started),
        broken=crash_looping(rollout) or refusing(periods, rollout),
    )
    if not any(period.stable_requests for period in periods):
        return _without_stable(case)
    trial = Trial(question.risk, history.sample_period, started)
    trial.begin_step(question.step_started, question.share, question.next_share)
    trial.remember(periods[: len(periods) - len(rollout)])
    for period in rollout:
        trial.weigh(period)
    if question.share == 100:
        return _beside_history(case, trial)
    return _beside_stable(case, trial)


class _Case(NamedTuple):
    """One look, before weighing. rollout: periods since the first traffic. step: those in which its split holds.

    outage: why nobody can see, or ""; broken: what no statistics need tell, or "".
    """

    history: History
    canary: str
    share: int
    probes: Sequence[Probe]
    rollout: Sequence[Period]
    step: Sequence[Period]
    outage: str
    broken: str

    @property
    def users(self) -> int:
        """Canary requests that count for this step."""
        return sum(period.users for period in self.step)


def _beside_stable(case: _Case, trial: Trial) -> Verdict:
    """Both have traffic. What is proved outranks what cannot be seen, and that outranks what is missing."""
    figures = _figures(case.rollout, trial)
    counts, harm = against_stable(figures), odds(figures.evidence_of_harm)
    standing = trial.standing
    if standing is Standing.HARMFUL:
        return _verdict(figures, Health.UNHEALTHY, _blame(case, trial, counts, harm))
    if case.broken:
        return _verdict(figures, Health.UNHEALTHY, case.broken)
    if case.outage:
        return _verdict(figures, Health.ERROR, case.outage)
    lost = unroutable(case.step, case.share, case.history.sample_period)
    if lost:
        return _verdict(figures, Health.UNHEALTHY, lost)
    if standing is Standing.SHARED_OUTAGE:
        said = f"{counts}; stable fails at the same time, as it did not before."
        return _verdict(figures, Health.INCONCLUSIVE, said)._replace(shared_outage=True)
    probe = failing_probe(case.probes, case.canary)
    if probe and dead(case.step, case.probes, case.canary):
        return _verdict(figures, Health.UNHEALTHY, f"it answers nobody, our own probes neither: {probe.reason}.")
    if probe:
        return _verdict(figures, Health.INCONCLUSIVE, f"{counts}; our probe of {probe.path} failed: {probe.reason}.")
    if standing is Standing.DOUBTFUL:
        return _verdict(
            figures, Health.INCONCLUSIVE, f"{_blame(case, trial, counts, harm)[:-1]}: too little to roll back."
        )
    if standing is Standing.UNPROVED:
        return _unproved(case, trial, figures, counts)
    error_proof = trial.step.errors
    assert error_proof is not None
    proved = f"{under(100 * error_proof.margin)}, {odds(figures.evidence_of_safety)}"
    return _verdict(figures, Health.HEALTHY, f"{counts}; {proved}.")


def _blame(case: _Case, trial: Trial, counts: str, harm: str) -> str:
    if trial.failing_altogether:
        return failing_altogether(counts, trial.massive_periods)
    if trial.bad_stretches:
        return lasting(counts, trial.bad_stretches)
    blamed = trial.blamed_cut
    if blamed is None:
        return f"{counts}; {harm} that errors rose."
    return f"{_slower(case, trial, blamed)}; {harm} that answers slowed."


def _slower(case: _Case, trial: Trial, cut: int) -> str:
    return slower_than_stable(CUTS[cut][0], trial.slowness.cuts.edges_ms[cut], *_latencies(case.rollout))


def _unproved(case: _Case, trial: Trial, figures: Verdict, counts: str) -> Verdict:
    """What is still missing, in requests and minutes."""
    stable = sum(period.stable_requests for period in case.step)
    if not case.step:
        said = f"no period of this step is settled yet, only what was until {case.history.settled_until:%H:%M:%S} UTC."
        return _verdict(figures._replace(requests_needed=1), Health.INCONCLUSIVE, said)
    if not case.users or not stable:
        said = (
            f"nothing to compare in this step yet: {case.users:,} users' requests on the canary, {stable:,} on stable."
        )
        return _verdict(figures._replace(requests_needed=1), Health.INCONCLUSIVE, said)
    if trial.slowness.unknown:
        said = f"{counts}; stable's latencies are not known yet, so nobody can tell whether the canary is slower."
        return _verdict(figures, Health.INCONCLUSIVE, said)
    if _lacks_latency(trial):
        counts = f"{counts}; {_slower(case, trial, SAFETY_CUT)}"
    elapsed = (case.step[-1].end - case.step[0].end + case.history.sample_period).total_seconds() / 60
    periods = len(case.step)
    usual, soonest, latest = trial.periods_needed(case.users / periods, stable / periods, (0.5, *_RANGE))
    if usual == inf or usual * elapsed / periods > _HOPELESS_MINUTES:
        said = f"{counts}; too little traffic to know within a day; a person must decide."
        return _verdict(figures._replace(requests_needed=0), Health.INCONCLUSIVE, said)
    requests = max(1, ceil(usual * case.users / periods))
    minutes = usual * elapsed / periods
    sooner, later = (slack(found / usual, requests, case.users) for found in (soonest, latest))
    needed = more_needed(requests, minutes / sooner, minutes * later)
    figures = figures._replace(requests_needed=requests, minutes_needed=round(minutes, 1))
    return _verdict(figures, Health.INCONCLUSIVE, f"{counts}; {needed}.")


def _lacks_latency(trial: Trial) -> bool:
    """That latency is what is still to be proved, and no more errors is not."""
    errors, slowness, needed = trial.step.errors, trial.step.slowness, trial.log_safety_needed
    return bool(errors and slowness in trial.step.proofs and errors.log_e >= needed)


def _beside_history(case: _Case, trial: Trial) -> Verdict:
    """At 100 %: harm is an excess over stable's own history."""
    figures = _figures(case.step, trial)._replace(
        baseline_requests=sum(period.stable_requests for period in case.rollout),
        baseline_errors=sum(period.stable_errors for period in case.rollout),
    )
    counts = failed_of(figures.canary_errors, figures.canary_requests, "canary requests")
    said = f"{counts} at 100 %, stable's own history allows {trial.errors.limit:.1%}"
    harm = odds(figures.evidence_of_harm)
    standing = trial.standing
    if standing is Standing.SHARED_OUTAGE:
        told = f"{counts}; our probes of stable fail at the same time."
        return _verdict(figures, Health.INCONCLUSIVE, told)._replace(shared_outage=True)
    if standing is Standing.HARMFUL:
        blame = f"{said}; {harm} that errors rose."
        if trial.failing_altogether:
            blame = failing_altogether(counts, trial.massive_periods)
        elif trial.bad_stretches:
            blame = lasting(said, trial.bad_stretches)
        return _verdict(figures, Health.UNHEALTHY, blame)
    if case.broken:
        return _verdict(figures, Health.UNHEALTHY, case.broken)
    if case.outage:
        return _verdict(figures, Health.ERROR, case.outage)
    probe = failing_probe(case.probes, case.canary)
    if probe and dead(case.step, case.probes, case.canary):
        return _verdict(figures, Health.UNHEALTHY, f"it answers nobody, our own probes neither: {probe.reason}.")
    if not case.users:
        waits = "no user's request reached the canary at 100 % yet."
        return _verdict(figures._replace(requests_needed=1), Health.INCONCLUSIVE, waits)
    if standing is Standing.DOUBTFUL:
        return _verdict(figures, Health.INCONCLUSIVE, f"{said}; {harm} that it is worse: too little to roll back.")
    return _verdict(figures, Health.HEALTHY, f"{said}; nothing speaks against the release.")


def _without_stable(case: _Case) -> Verdict:
    """Nothing to compare with: the release is bad if half of its latest requests fail, and else only at 100 % good."""
    figures = _figures(case.step if case.share == 100 else case.rollout, None)
    latest = [period for period in case.rollout if period.exposed][-_GUARDRAIL_PERIODS:]
    errors, exposed = sum(period.errors for period in latest), sum(period.exposed for period in latest)
    if exposed >= _GUARDRAIL_REQUESTS and errors >= _GUARDRAIL_SHARE * exposed:
        counts = failed_of(errors, exposed, "of the latest canary requests")
        return _verdict(figures, Health.UNHEALTHY, f"{counts}; there is no stable to compare with.")
    if case.broken:
        return _verdict(figures, Health.UNHEALTHY, case.broken)
    if case.outage:
        return _verdict(figures, Health.ERROR, case.outage)
    if not case.users:
        waits = "no user's request reached the canary yet."
        return _verdict(figures._replace(requests_needed=1), Health.INCONCLUSIVE, waits)
    counts = failed_of(figures.canary_errors, figures.canary_requests, "canary requests")
    if case.share == 100:
        return _verdict(figures, Health.HEALTHY, f"{counts}; there is no stable to compare with.")
    return _verdict(figures, Health.INCONCLUSIVE, f"{counts}; stable has no requests to compare with.")


def _verdict(figures: Verdict, health: Health, sentence: str) -> Verdict:
    return figures._replace(health=health, reason=sentence[:1].upper() + sentence[1:])


def _figures(periods: Sequence[Period], trial: Trial | None) -> Verdict:
    ours, theirs = _latencies(periods)
    return Verdict(
        health=Health.INCONCLUSIVE,
        reason="",
        canary_requests=sum(period.users for period in periods),
        canary_errors=sum(period.errors for period in periods),
        baseline_requests=sum(period.stable_requests for period in periods),
        baseline_errors=sum(period.stable_errors for period in periods),
        evidence_of_harm=min(trial.capital.total, EVIDENCE_MAX) if trial else 0.0,
        evidence_of_safety=e_value(trial.log_safety) if trial else 0.0,
        canary_p90_ms=quantile_ms(ours, 0.9),
        baseline_p90_ms=quantile_ms(theirs, 0.9),
    )


def _latencies(periods: Sequence[Period]) -> tuple[Histogram, Histogram]:
    return merged([period.latency for period in periods]), merged([period.stable_latency for period in periods])
