"""What is tried: the scenarios and strategies of every table, by the names they have there."""

from dataclasses import replace
from datetime import timedelta

from benchmarks.judge.cells import DEFAULT
from benchmarks.judge.scenarios import Scatter, Scenario
from shared.rollout.strategy import Strategy


def _bursts(baseline: float, rate: float, minutes: int = 1) -> Scenario:
    return Scenario(baseline=baseline, scatter=Scatter.BURST, burst=rate, burst_minutes=minutes)


STRESS: dict[str, Scenario] = {
    "errors correlated within a minute, .02": Scenario(baseline=0.01, scatter=Scatter.BETA, correlation=0.02),
    "errors correlated within a minute, .1": Scenario(baseline=0.01, scatter=Scatter.BETA, correlation=0.1),
    "all errors in minutes of 50 %": _bursts(0.01, 0.5),
    "all errors in minutes of 20 %": _bursts(0.001, 0.2),
    "all errors in minutes of 100 %": _bursts(0.001, 1.0),
    "all errors in minutes of 100 %, baseline 1 %": _bursts(0.01, 1.0),
    "all errors in five minutes of 20 %": _bursts(0.001, 0.2, 5),
    "all errors in five minutes of 20 %, baseline 1 %": _bursts(0.01, 0.2, 5),
    "all errors in five minutes of 10 %, baseline 1 %": _bursts(0.01, 0.1, 5),
    "a day's cycle of 80 %": Scenario(baseline=0.01, daily=0.8),
    "the canary is reached at 0.6 of its odds": Scenario(baseline=0.01, split=0.6),
    "the canary is reached at 1.5 of its odds": Scenario(baseline=0.01, split=1.5),
    "the split wanders by a half every hour": Scenario(baseline=0.01, wander=0.5),
    "shares change two minutes late": Scenario(baseline=0.01, switch=2),
    "a tenth of the samples lost": Scenario(baseline=0.01, lost=0.1),
    "metrics four minutes late": Scenario(baseline=0.01, delay=4),
    "3 % of canary requests start cold": Scenario(cold=0.03),
    "nobody for twenty minutes of every hour, then cold starts": Scenario(idle=(60, 20), warm=15),
    "nobody for fifty minutes of every hour, then cold starts": Scenario(idle=(60, 50), warm=15),
    "both fail 5 % for a quarter of an hour": Scenario(outage=(8, 23, 0.05)),
    "both fail 30 % for half an hour": Scenario(outage=(8, 38, 0.3)),
    "both fail 100 % for half an hour": Scenario(outage=(8, 38, 1.0)),
    "both fail 30 % from minute 28, around the move to 100 %": Scenario(outage=(28, 58, 0.3)),
    "both fail 30 % from minute 70, mostly at 100 %": Scenario(outage=(70, 100, 0.3)),
    "both fail 100 % from minute 90, mostly at 100 %": Scenario(outage=(90, 120, 1.0)),
    "both fail 5 % from minute 70, mostly at 100 %": Scenario(outage=(70, 100, 0.05)),
}
CLUSTERED = tuple(name for name, scenario in STRESS.items() if scenario.scatter is not Scatter.INDEPENDENT)
BESIDE_STABLE = tuple(name for name, scenario in STRESS.items() if scenario.outage and scenario.outage[0] == 8)
AT_FULL = tuple(name for name, s in STRESS.items() if s.outage and s.outage[0] > 8 and s.outage[2] >= 0.3)
UNSEEN = "both fail 5 % from minute 70, mostly at 100 %"  # nobody promises this one
ORDINARY = tuple(name for name in STRESS if name not in (*CLUSTERED, *BESIDE_STABLE, *AT_FULL, UNSEEN))
STRESS_RATES = (0.3, 1.0, 5.0, 20.0)

LATENCY: dict[str, Scenario] = {
    "good": Scenario(),
    "3 % cold starts": Scenario(cold=0.03),
    "cold after 2 idle minutes": Scenario(warm=2),
    "x1.2": Scenario(slower=1.2),
    "x1.5": Scenario(slower=1.5),
    "x2": Scenario(slower=2.0),
    "above p90 x2": Scenario(tail_slower=2.0),
}
LATENCY_PEER_RATES = (1.0, 20.0)
LATENCY_RATES = (0.05, 0.3, 1.0, 5.0, 20.0)

PRODUCTION: dict[str, Scenario] = {
    "good": Scenario(),
    "good, baseline 1 %": Scenario(baseline=0.01),
    "good, a tenth of the minutes half visible at first": Scenario(baseline=0.01, partial=0.1),
    "good, minutes delivered twice and in any order": Scenario(repeated=True),
    "good, a fifth of the minutes three later than stated": Scenario(late=0.2),
    "good, baseline 1 %, a fifth of the minutes three later than stated": Scenario(baseline=0.01, late=0.2),
    "good, the metrics go dark for twenty minutes": Scenario(dark=(12, 32)),
    "good, both fail 30 % from minute 70": Scenario(outage=(70, 100, 0.3)),
    "+10 points": Scenario(added=0.1),
    "+10 points, a fifth of the minutes three later than stated": Scenario(added=0.1, late=0.2),
    "total failure": Scenario(added=1.0),
    "total failure from minute 70": Scenario(added=1.0, onset=70),
}

DELAYS = (0, 2, 4)
LATE: dict[str, Scenario] = {
    "+10 points from minute 25": Scenario(added=0.1, onset=25),
    "+10 points from minute 70": Scenario(added=0.1, onset=70),
    "+2 points from minute 40": Scenario(added=0.02, onset=40),
    "total failure from minute 70": Scenario(added=1.0, onset=70),
}

SETTINGS: dict[str, Strategy] = {
    "default": DEFAULT,
    "false_rollback_risk 5 %": replace(DEFAULT, false_rollback_risk=0.05),
    "false_rollback_risk 0.1 %": replace(DEFAULT, false_rollback_risk=0.001),
    "missed_harm_risk 1 %": replace(DEFAULT, missed_harm_risk=0.01),
    "harm_points_max 1": replace(DEFAULT, harm_points_max=1),
    "harm_points_max 10": replace(DEFAULT, harm_points_max=10),
    "latency_points_max 10": replace(DEFAULT, latency_points_max=10),
    "latency_points_max 100": replace(DEFAULT, latency_points_max=100),
    "latency_ms_min 500": replace(DEFAULT, latency_ms_min=500),
    "final_bake_time 10 min": replace(DEFAULT, final_bake_time=timedelta(minutes=10)),
    "steps 10, 95": replace(DEFAULT, steps=(10, 95)),
    "proof_time 5 min": replace(DEFAULT, proof_time=timedelta(minutes=5)),
    "proof_time 30 min": replace(DEFAULT, proof_time=timedelta(minutes=30)),
    "step_bake_time 2 min": replace(DEFAULT, step_bake_time=timedelta(minutes=2)),
    "step_deadline 30 min": replace(DEFAULT, step_deadline=timedelta(minutes=30)),
    "first_share_by_traffic off": replace(DEFAULT, first_share_by_traffic=False),
}
SETTINGS_RATES = (0.3, 1.0, 20.0)

QUIET: dict[str, Strategy] = {
    "50, 90 (default there)": DEFAULT,
    "5, 25, 50, 90": replace(DEFAULT, first_share_by_traffic=False),
    "50, 90, an hour per proof": replace(DEFAULT, proof_time=timedelta(hours=1)),
    "50, 90, at most 10 points of harm": replace(DEFAULT, harm_points_max=10),
    "20, 50, 90": replace(DEFAULT, steps=(20, 50, 90), first_share_by_traffic=False),
}
