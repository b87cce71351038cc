"""Rollouts without chance, minute by minute, as tests/analysis/told/ tells what the judge says of them."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import NamedTuple

from shared.analysis.evidence import Histogram, Probe, Sample
from shared.analysis.proof import Risk
from shared.analysis.question import Question
from tests.analysis.worlds import FAILED, MINUTE, NOW, PASSED, history

BOUNDS = (10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 640.0, 1280.0)
_SHAPE = (0.05, 0.15, 0.3, 0.25, 0.15, 0.06, 0.03, 0.01)  # of the requests, by bucket


class Done(NamedTuple):
    """What one revision did in a minute. slower: buckets by which all its latencies are; None where none are known."""

    requests: int
    bad: int = 0
    slower: int | None = 0
    refused: int = 0
    failed_starts: int = 0


Doing = Callable[[int], Done | None]
"""By the minute, counted from the first traffic; None where there is no sample."""


class Scene(NamedTuple):
    """looks: minutes after the first traffic. step: the minute at which the step that is judged began."""

    canary: Doing
    stable: Doing
    looks: tuple[int, ...]
    share: int = 25
    next_share: int = 50
    step: int = 0
    before: int = 60
    risk: Risk = Risk()
    probes: tuple[Probe, ...] = (PASSED,)
    stable_name: str = "stable"
    period: timedelta = MINUTE

    def question(self, look: int) -> Question:
        def rows(doing: Doing, first: int) -> list[Sample]:
            done = ((minute, doing(minute)) for minute in range(first, look))
            return [_sample(NOW + (minute + 1) * self.period, row) for minute, row in done if row is not None]

        found = history(
            NOW + look * self.period, canary=rows(self.canary, 0), stable=rows(self.stable, -self.before)
        )._replace(sample_period=self.period)
        return Question(
            history=found,
            canary="canary",
            stable=self.stable_name,
            rollout_started=NOW,
            step_started=NOW + self.step * self.period,
            share=self.share,
            next_share=self.next_share,
            risk=self.risk,
            probes=self.probes,
        )


def _sample(end: datetime, done: Done) -> Sample:
    return Sample(
        end=end,
        requests_by_class={"2xx": done.requests - done.bad - done.refused, "4xx": done.refused, "5xx": done.bad},
        latency=Histogram() if done.slower is None else latency(done.requests, done.slower),
        failed_starts=done.failed_starts,
    )


def latency(requests: int, slower: int) -> Histogram:
    edges = [round(requests * share) for share in accumulate(_SHAPE, initial=0.0)]
    counts = [high - low for low, high in pairwise(edges)]
    return Histogram(BOUNDS, (*[0] * slower, *counts[: len(_SHAPE) + 1 - slower], *[0] * (1 - slower)))


def always(requests: int, bad: int = 0, slower: int | None = 0, **more: int) -> Doing:
    return lambda minute: Done(requests, bad, slower, **more)


def every(minutes: int, requests: int, bad: int = 1, slower: int = 0) -> Doing:
    """So many fail in each so manieth minute."""
    return lambda minute: Done(requests, bad if minute % minutes == 0 else 0, slower)


def until(minute: int, first: Doing, then: Doing) -> Doing:
    return lambda now: first(now) if now < minute else then(now)


def only(minutes: range, inside: Doing, outside: Doing) -> Doing:
    return lambda now: inside(now) if now in minutes else outside(now)


def nothing(minute: int) -> None:
    return None


STABLE = every(6, 60)  # 0.3 %
BURSTS = only(range(-50, -48), always(60, 48), only(range(-20, -18), always(60, 48), STABLE))
OUTAGE = only(range(-40, -30), always(60, 60), STABLE)
BEFORE_ONLY = until(0, always(80, 0), always(3))
SLOW_PROOF = Risk(proof_time=5 * MINUTE)

SCENES: Mapping[str, Scene] = {
    "nothing fails": Scene(always(20), always(60), (0, 1, 5, 15, 30, 45)),
    "both fail as rarely": Scene(every(9, 20), STABLE, (5, 20, 45)),
    "both fail as often": Scene(every(1, 20), always(60, 3), (5, 20, 60)),
    "a third fails from the first request": Scene(every(1, 20, 6), STABLE, (1, 2, 3, 4, 6)),
    "everything fails from the first request": Scene(always(20, 20), STABLE, (1, 2, 3)),
    "one in ten fails": Scene(every(1, 20, 2), STABLE, (2, 4, 8, 14)),
    "one in forty fails": Scene(every(2, 20), STABLE, (5, 15, 40, 70)),
    "a third fails later": Scene(until(20, every(9, 20), always(20, 6)), STABLE, (20, 22, 25, 30, 34)),
    "everything fails later": Scene(until(20, always(20), always(20, 20)), STABLE, (21, 22, 23, 24)),
    "five bad minutes": Scene(only(range(15, 20), always(20, 14), always(20)), STABLE, (16, 20, 30, 60)),
    "twice as slow": Scene(every(9, 20, 1, 1), STABLE, (2, 4, 8, 14)),
    "slow, and nobody feels it": Scene(
        every(9, 20, 1, 1), STABLE, (8, 30), risk=Risk(latency_ms_min=900.0, latency_points_max=30.0)
    ),
    "only some are slow": Scene(lambda now: Done(20, 0, int(now % 4 == 0)), STABLE, (8, 25, 50)),
    "stable has no latencies": Scene(always(20), always(60, 0, None), (5, 30)),
    "stable's latencies are hardly known": Scene(always(2), always(2), (6, 12, 30), before=10, probes=()),
    "a busy service": Scene(every(1, 400, 2), every(1, 1200, 6), (1, 3, 8, 15), next_share=100),
    "a busy service, and half a point more fails": Scene(always(400, 4), every(1, 1200, 6), (3, 8, 15, 30)),
    "a quiet service": Scene(always(2), always(6), (5, 30, 90), share=25, before=240),
    "a minute in three": Scene(
        lambda now: Done(1) if now % 3 == 0 else None,
        lambda now: Done(2) if now % 2 == 0 else None,
        (9, 40, 100),
        before=120,
        probes=(),
    ),
    "too little to know": Scene(lambda now: Done(1) if now == 5 else None, every(9, 1), (30,), share=1, probes=()),
    "stable burst before, and a third fails": Scene(always(20, 6), BURSTS, (10, 60, 99, 100)),
    "stable burst before, and nothing fails": Scene(always(20), BURSTS, (10, 40)),
    "stable was down before, and a third fails": Scene(always(20, 6), OUTAGE, (2, 4)),
    "stable was down before, and nothing fails": Scene(always(20), OUTAGE, (10, 40)),
    "both begin to fail": Scene(
        until(10, always(20), always(20, 7)), until(10, STABLE, always(60, 20)), (11, 12, 14, 20)
    ),
    "both fail for a while": Scene(
        only(range(10, 16), always(20, 18), always(20)), only(range(10, 16), always(60, 50), STABLE), (13, 17, 30, 50)
    ),
    "the second step": Scene(
        until(20, every(9, 20), every(9, 40)),
        until(20, STABLE, every(9, 40)),
        (20, 21, 24, 40),
        share=50,
        next_share=90,
        step=20,
    ),
    "a step to a small share": Scene(every(9, 4), STABLE, (10, 60), share=6, next_share=20),
    "asked about the least harm for long": Scene(
        every(7, 200, 2), every(5, 600, 3), (6, 15, 21, 30, 60), next_share=100, risk=SLOW_PROOF
    ),
    "patience is lost": Scene(
        until(3, always(200, 6), every(9, 200)),
        every(1, 600, 6),
        (3, 5, 7, 8, 9, 11),
        next_share=100,
        risk=Risk(proof_time=2 * MINUTE),
    ),
    "nothing is asked about errors": Scene(always(20), STABLE, (2, 20), risk=Risk(harm_points_max=100)),
    "nothing is asked about latency": Scene(always(20), STABLE, (2, 25), risk=Risk(latency_points_max=100)),
    "other risks": Scene(
        always(20, 2), STABLE, (2, 5, 9), risk=Risk(false_rollback_risk=0.05, missed_harm_risk=0.2, harm_points_max=8)
    ),
    "nobody asks for long, and then it is slow": Scene(
        only(range(5, 17), nothing, until(5, always(20), until(18, always(20, 0, 1), always(20)))), STABLE, (17, 18, 19)
    ),
    "nobody asks for ten minutes, and then it is slow": Scene(
        only(range(5, 14), nothing, until(5, always(20), until(15, always(20, 0, 1), always(20)))), STABLE, (15, 16)
    ),
    "a minute is to prove it": Scene(
        always(400), always(1200), (1, 2, 3), next_share=100, risk=Risk(proof_time=MINUTE)
    ),
    "half a minute is to prove it": Scene(
        always(400), always(1200), (1, 2, 3), next_share=100, risk=Risk(proof_time=MINUTE / 2)
    ),
    "half a day": Scene(every(50, 3), every(20, 9), (20, 29, 60, 61, 200), before=120),
    "periods of two minutes": Scene(every(9, 20), STABLE, (3, 12, 30), period=2 * MINUTE),
    "a probe fails": Scene(always(20), STABLE, (8, 40), probes=(FAILED,)),
    "probes fail and so do the users": Scene(until(8, always(4), always(4, 4)), STABLE, (9, 12), probes=(FAILED,)),
    "three probes": Scene(always(8), STABLE, (8, 45), probes=(PASSED, PASSED, FAILED)),
    "nobody comes": Scene(nothing, STABLE, (3, 8, 30), share=50, probes=()),
    "only our probes come": Scene(always(1), STABLE, (3, 8, 30), share=50),
    "no sample comes": Scene(nothing, until(3, STABLE, nothing), (8, 9)),
    "no sample of the canary comes": Scene(until(3, always(20), nothing), STABLE, (7, 8, 9)),
    "most are refused": Scene(until(2, always(20), always(20, 0, 0, refused=15)), STABLE, (4, 6, 8)),
    "stable refuses as many": Scene(always(20, 0, 0, refused=15), always(60, 0, 0, refused=20), (6, 12)),
    "instances do not start": Scene(always(20, 0, 0, failed_starts=1), STABLE, (2, 3, 4)),
    "at 100 %": Scene(every(9, 80), BEFORE_ONLY, (1, 10, 30), share=100),
    "at 100 %, and more fail than before": Scene(always(80, 4), BEFORE_ONLY, (2, 6, 12), share=100),
    "at 100 %, and a third fails": Scene(always(80, 25), BEFORE_ONLY, (1, 2, 3, 5), share=100),
    "at 100 %, and everything fails later": Scene(
        until(20, always(80), always(80, 80)), BEFORE_ONLY, (21, 22, 23), share=100
    ),
    "at 100 %, and our probes of stable fail too": Scene(
        only(range(6, 12), always(80, 30), always(80)),
        until(0, always(80), only(range(6, 12), always(3, 2), always(3))),
        (7, 8, 11, 14, 18), share=100,
    ),
    "at 100 %, and stable burst before": Scene(
        always(80, 20), until(0, BURSTS, always(3)), (10, 99, 100, 110), share=100
    ),
    "at 100 % after a step": Scene(
        until(15, every(9, 20), every(9, 80)), until(15, STABLE, always(3)), (15, 16, 20), share=100, step=15
    ),
    "at 100 %, and nobody comes": Scene(nothing, BEFORE_ONLY, (4, 9), share=100),
    "at 100 %, and a probe fails": Scene(
        until(5, always(4), always(4, 4)), BEFORE_ONLY, (5, 6, 9), share=100, probes=(FAILED,)
    ),
    "a first deployment": Scene(every(3, 9), nothing, (0, 1, 9), share=100, stable_name=""),
    "a first deployment that fails": Scene(
        until(9, always(9, 1), always(9, 6)), nothing, (9, 12, 14, 16), share=100, stable_name=""
    ),
    "a first deployment that hardly anybody asked": Scene(
        until(1, always(5, 3), always(1, 1)), nothing, (1, 3), share=100, stable_name="", probes=()
    ),
    "a first deployment that hardly starts": Scene(
        always(9, 0, 0, failed_starts=1), nothing, (2, 3), share=100, stable_name=""
    ),
    "stable has no sample at all": Scene(always(9), nothing, (1, 9)),
}  # fmt: skip
