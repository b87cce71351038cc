"""What is measured: every table of the benchmark as rows of numbers."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from itertools import product
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.judge.cells import DEFAULT, Maker, Summary, oracle, ours, pinned_at, run
from benchmarks.judge.limits import limit_requests
from benchmarks.judge.peers import PEERS
from benchmarks.judge.production import Production
from benchmarks.judge.remaining import Calibration, calibration
from benchmarks.judge.scenarios import BASELINES, EFFECTS, RATES, Clients, Scatter, Scenario
from shared.rollout.strategy import Strategy

_ROOT = Path(__file__).parents[2]
_SOURCES = ("benchmarks/judge", "shared/analysis", "shared/rollout")
Cell = tuple[float, float]  # rate, baseline
OURS, ORACLE = "ours", "oracle"
LOOK = "one look at a twelve-hour step, recomputed from the whole history"
MINUTE = "one more minute for somebody who keeps the trial"
IMPORT = "import over bare Python"


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
    "nobody for twenty minutes of every hour, then cold starts": Scenario(idle=(60, 20)),
    "nobody for fifty minutes of every hour, then cold starts": Scenario(idle=(60, 50)),
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
    "good, the metrics go dark for twenty minutes": Scenario(dark=(12, 32)),
    "good, both fail 30 % from minute 70": Scenario(outage=(70, 100, 0.3)),
    "good, minutes delivered twice and in any order": Scenario(repeated=True),
    "good, a fifth of the minutes three later than stated": Scenario(late=0.2),
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
    "first_share_by_traffic off": replace(DEFAULT, first_share_by_traffic=False),
}
SETTINGS_RATES = (0.3, 1.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rollouts per cell."""

    good: int = 60
    effects: int = 120
    peers: int = 20
    stress: int = 40
    clustered: int = 100
    other: int = 40
    production: int = 2


SHORT = Sizes()
LONG = Sizes(good=1360, effects=120, peers=30, stress=60, clustered=250, other=40, production=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """good, effects: by rule, then by (rate, baseline), effects first by added errors."""

    good: dict[str, dict[Cell, Summary]] = field(default_factory=dict)
    effects: dict[float, dict[str, dict[Cell, Summary]]] = field(default_factory=dict)
    stress: dict[tuple[str, float], Summary] = field(default_factory=dict)
    latency: dict[tuple[Clients, str, float], Summary] = field(default_factory=dict)
    latency_peers: dict[tuple[Clients, str, str, float], Summary] = field(default_factory=dict)
    efficiency: dict[tuple[int, float, float], float] = field(default_factory=dict)
    delays: dict[tuple[int, float, float], tuple[Summary, Summary]] = field(default_factory=dict)
    late: dict[tuple[str, float], Summary] = field(default_factory=dict)
    settings: dict[tuple[str, float], tuple[Summary, Summary, Summary]] = field(default_factory=dict)
    quiet: dict[tuple[str, float], Summary] = field(default_factory=dict)
    production: dict[tuple[str, float], Summary] = field(default_factory=dict)
    remaining: dict[Cell, Calibration] = field(default_factory=dict)
    cost: dict[str, float] = field(default_factory=dict)


QUIET: dict[str, Strategy] = {
    "50, 90 (default there)": DEFAULT,
    "5, 25, 50, 90": replace(DEFAULT, first_share_by_traffic=False),
    "50, 90, an hour per proof": replace(DEFAULT, proof_time=timedelta(hours=1)),
    "50, 90, at most 10 points of harm": replace(DEFAULT, harm_points_max=10),
    "20, 50, 90": replace(DEFAULT, steps=(20, 50, 90), first_share_by_traffic=False),
}


def measure(sizes: Sizes, seed: int, jobs: int = 1, keep: Path | None = None) -> Iterator[tuple[str, Results]]:
    """The results so far, after each part, with the part's name.

    jobs: processes that share the parts; keep: where finished parts lie, for a run that was interrupted.
    """
    results = Results()
    with ProcessPoolExecutor(jobs) as pool:
        for done in as_completed([pool.submit(_part, name, sizes, seed, keep) for name in _PARTS]):
            name, found = done.result()
            for kept in fields(Results):
                _merge(getattr(results, kept.name), getattr(found, kept.name))
            yield name, results


def _merge(whole: dict[Any, Any], part: dict[Any, Any]) -> None:
    for key, value in part.items():
        if isinstance(value, dict):
            _merge(whole.setdefault(key, {}), value)
        else:
            whole[key] = value


def _part(name: str, sizes: Sizes, seed: int, keep: Path | None) -> tuple[str, Results]:
    kept = keep / f"{name}.{_fingerprint(sizes, seed)}.pickle" if keep else None
    if kept and kept.exists():
        with kept.open("rb") as file:
            return name, pickle.load(file)  # written below, by this program
    results = Results()
    _PARTS[name](results, sizes, seed)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        whole = kept.with_suffix(".part")
        whole.write_bytes(pickle.dumps(results))
        whole.replace(kept)
    return name, results


def _fingerprint(sizes: Sizes, seed: int) -> str:
    """Of what a result depends on: another judge, benchmark, size or seed begins anew."""
    found = sha256(repr((sizes, seed)).encode())
    for source in sorted(path for folder in _SOURCES for path in (_ROOT / folder).rglob("*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()[:16]


def _rules(sizes: Sizes, own: int) -> list[tuple[str, Maker, int]]:
    return [(OURS, ours(), own), *((name, make, sizes.peers) for name, make in PEERS.items())]


def _good(results: Results, sizes: Sizes, seed: int, *, rate: float) -> None:
    for (name, make, size), baseline in product(_rules(sizes, sizes.good), BASELINES):
        found = run(make, Scenario(rate=rate, baseline=baseline), size, seed)
        results.good.setdefault(name, {})[rate, baseline] = found


def _effects(results: Results, sizes: Sizes, seed: int) -> None:
    rules = [*_rules(sizes, sizes.effects), (ORACLE, oracle, sizes.effects)]
    for added, (name, make, size), rate, baseline in product(EFFECTS, rules, RATES, BASELINES):
        found = run(make, Scenario(rate=rate, baseline=baseline, added=added), size, seed)
        results.effects.setdefault(added, {}).setdefault(name, {})[rate, baseline] = found


def _stress(results: Results, sizes: Sizes, seed: int, *, rate: float) -> None:
    for name, scenario in STRESS.items():
        size = sizes.clustered if name in CLUSTERED else sizes.stress
        results.stress[name, rate] = run(ours(), replace(scenario, rate=rate), size, seed)


def _latency(results: Results, sizes: Sizes, seed: int) -> None:
    for clients, (name, scenario), rate in product(Clients, LATENCY.items(), LATENCY_RATES):
        found = run(ours(), replace(scenario, rate=rate, clients=clients), sizes.other, seed)
        results.latency[clients, name, rate] = found


def _latency_peers(results: Results, sizes: Sizes, seed: int) -> None:
    for clients, (name, scenario), (rule, make), rate in product(
        Clients, LATENCY.items(), PEERS.items(), LATENCY_PEER_RATES
    ):
        found = run(make, replace(scenario, rate=rate, clients=clients), sizes.peers, seed)
        results.latency_peers[clients, name, rule, rate] = found


def _efficiency(results: Results, sizes: Sizes, seed: int) -> None:
    """Canary requests until rollback, by the limit, on a fixed share without delay at one request a second."""
    for share, baseline, added in product((5, 25, 50), BASELINES, EFFECTS[:-1]):
        scenario = Scenario(baseline=baseline, added=added, delay=0)
        found = run(pinned_at(share), scenario, sizes.other, seed, pinned=True)
        limit = limit_requests(baseline + added, baseline, share / 100, DEFAULT.false_rollback_risk)
        if found.requests < inf:  # else half a day does not bring enough of them
            results.efficiency[share, baseline, added] = found.requests / limit


def _delays(results: Results, sizes: Sizes, seed: int) -> None:
    for delay, rate, added in product(DELAYS, (1.0, 20.0), EFFECTS[1:]):
        scenario = Scenario(rate=rate, added=added, delay=delay)
        both = (run(ours(), scenario, sizes.other, seed), run(oracle, scenario, sizes.other, seed))
        results.delays[delay, rate, added] = both


def _late(results: Results, sizes: Sizes, seed: int) -> None:
    for (name, scenario), rate in product(LATE.items(), (1.0, 20.0)):
        results.late[name, rate] = run(ours(), replace(scenario, rate=rate), sizes.other, seed)


def _settings(results: Results, sizes: Sizes, seed: int) -> None:
    for (name, strategy), rate in product(SETTINGS.items(), SETTINGS_RATES):
        good = run(ours(strategy), Scenario(rate=rate), sizes.other, seed)
        bad = run(ours(strategy), Scenario(rate=rate, added=0.02), sizes.other, seed)
        slow = run(ours(strategy), Scenario(rate=rate, slower=1.5), sizes.other, seed)
        results.settings[name, rate] = good, bad, slow


def _quiet(results: Results, sizes: Sizes, seed: int) -> None:
    """0.05 requests a second: what each way to climb costs."""
    for (name, strategy), added in product(QUIET.items(), (0.0, *EFFECTS[1:])):
        results.quiet[name, added] = run(ours(strategy), Scenario(rate=0.05, added=added), sizes.other, seed)


def _production(results: Results, sizes: Sizes, seed: int) -> None:
    """Every look a new question to `judge`, every move by `decide`."""
    for (name, scenario), rate in product(PRODUCTION.items(), (0.3, 5.0)):
        found = run(Production, replace(scenario, rate=rate), sizes.production, seed)
        results.production[name, rate] = found


def _remaining(results: Results, sizes: Sizes, seed: int) -> None:
    """How long a step really took from a look that said so many minutes."""
    for rate, baseline in product(RATES, BASELINES):
        results.remaining[rate, baseline] = calibration(rate, baseline, sizes.other // 2, seed)


_PARTS: dict[str, Callable[[Results, Sizes, int], None]] = {
    **{f"stress {rate:g}": partial(_stress, rate=rate) for rate in STRESS_RATES},
    **{f"good {rate:g}": partial(_good, rate=rate) for rate in RATES},
    "effects": _effects,
    "latency": _latency,
    "latency of the peers": _latency_peers,
    "settings": _settings,
    "production": _production,
    "information": _efficiency,
    "delays": _delays,
    "late": _late,
    "quiet": _quiet,
    "remaining": _remaining,
}


def median_ratio(results: Results) -> float:
    """Over the cells of the efficiency table."""
    return median(results.efficiency.values())
