"""What is measured: every table of the benchmark as rows of numbers."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from statistics import median

from benchmarks.judge.cells import DEFAULT, Maker, Summary, oracle, ours, pinned_at, run
from benchmarks.judge.limits import limit_requests
from benchmarks.judge.peers import PEERS
from benchmarks.judge.scenarios import BASELINES, EFFECTS, RATES, Clients, Scatter, Scenario
from shared.rollout.strategy import Strategy

Cell = tuple[float, float]  # rate, baseline
OURS, ORACLE = "ours", "oracle"

STRESS: dict[str, Scenario] = {
    "errors correlated within a minute, .02": Scenario(baseline=0.01, scatter=Scatter.BETA, correlation=0.02),
    "errors correlated within a minute, .1": Scenario(baseline=0.01, scatter=Scatter.BETA, correlation=0.1),
    "all errors in bursts of 50 %": Scenario(baseline=0.01, scatter=Scatter.BURST, burst=0.5),
    "all errors in bursts of 20 %": Scenario(baseline=0.001, scatter=Scatter.BURST, burst=0.2),
    "a day's cycle of 80 %": Scenario(baseline=0.01, daily=0.8),
    "the canary is reached at 0.6 of its odds": Scenario(baseline=0.01, split=0.6),
    "the canary is reached at 1.5 of its odds": Scenario(baseline=0.01, split=1.5),
    "shares change two minutes late": Scenario(baseline=0.01, switch=2),
    "a tenth of the samples lost": Scenario(baseline=0.01, lost=0.1),
    "metrics four minutes late": Scenario(baseline=0.01, delay=4),
    "3 % of canary requests start cold": Scenario(cold=0.03),
    "both fail 30 % for half an hour": Scenario(outage=(8, 38, 0.3)),
}
CLUSTERED = tuple(name for name, scenario in STRESS.items() if scenario.scatter is not Scatter.INDEPENDENT)
OUTAGE = "both fail 30 % for half an hour"
STRESS_RATES = (0.3, 1.0, 5.0, 20.0)

LATENCY: dict[str, Scenario] = {
    "good": Scenario(),
    "3 % cold starts": Scenario(cold=0.03),
    "x1.2": Scenario(slower=1.2),
    "x1.5": Scenario(slower=1.5),
    "x2": Scenario(slower=2.0),
    "above p90 x2": Scenario(tail_slower=2.0),
}
LATENCY_RATES = (0.3, 1.0, 5.0)

DELAYS = (0, 2, 4)
LATE: dict[str, Scenario] = {
    "+10 points from minute 25": Scenario(added=0.1, onset=25),
    "+10 points from minute 70": Scenario(added=0.1, onset=70),
    "+2 points from minute 40": Scenario(added=0.02, onset=40),
}

SETTINGS: dict[str, Strategy] = {
    "default": DEFAULT,
    "false_rollback_risk 5 %": replace(DEFAULT, false_rollback_risk=0.05),
    "false_rollback_risk 0.1 %": replace(DEFAULT, false_rollback_risk=0.001),
    "missed_harm_risk 1 %": replace(DEFAULT, missed_harm_risk=0.01),
    "harm_points_max 1": replace(DEFAULT, harm_points_max=1),
    "harm_points_max 10": replace(DEFAULT, harm_points_max=10),
    "latency_points_max 10": replace(DEFAULT, latency_points_max=10),
    "proof_time 5 min": replace(DEFAULT, proof_time=timedelta(minutes=5)),
    "proof_time 30 min": replace(DEFAULT, proof_time=timedelta(minutes=30)),
    "step_bake_time 2 min": replace(DEFAULT, step_bake_time=timedelta(minutes=2)),
    "first_share_by_traffic off": replace(DEFAULT, first_share_by_traffic=False),
}
SETTINGS_RATES = (0.3, 1.0, 20.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Rollouts per cell."""

    good: int = 100
    effects: int = 250
    peers: int = 30
    stress: int = 100
    clustered: int = 400
    other: int = 60


SHORT = Sizes()
LONG = Sizes(good=1400, effects=400, peers=150, stress=400, clustered=1000, other=200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """good, effects: by rule, then by (rate, baseline), effects first by added errors."""

    good: dict[str, dict[Cell, Summary]] = field(default_factory=dict)
    effects: dict[float, dict[str, dict[Cell, Summary]]] = field(default_factory=dict)
    stress: dict[tuple[str, float], Summary] = field(default_factory=dict)
    latency: dict[tuple[Clients, str, float], Summary] = field(default_factory=dict)
    efficiency: dict[tuple[int, float, float], float] = field(default_factory=dict)
    delays: dict[tuple[int, float, float], tuple[Summary, Summary]] = field(default_factory=dict)
    late: dict[tuple[str, float], Summary] = field(default_factory=dict)
    settings: dict[tuple[str, float], tuple[Summary, Summary]] = field(default_factory=dict)
    quiet: dict[tuple[str, float], Summary] = field(default_factory=dict)


QUIET: dict[str, Strategy] = {
    "50, 90 (default there)": DEFAULT,
    "5, 25, 50, 90": replace(DEFAULT, first_share_by_traffic=False),
    "50, 90, an hour per proof": replace(DEFAULT, proof_time=timedelta(hours=1)),
    "50, 90, at most 10 points of harm": replace(DEFAULT, harm_points_max=10),
    "20, 50, 90": replace(DEFAULT, steps=(20, 50, 90), first_share_by_traffic=False),
}


def measure(sizes: Sizes, seed: int) -> Iterator[tuple[str, Results]]:
    """The results so far, after each part, with the part's name."""
    results = Results()
    for part in (_good, _effects, _stress, _latency, _efficiency, _delays, _late, _settings, _quiet):
        part(results, sizes, seed)
        yield part.__name__[1:], results


def _rules(sizes: Sizes, own: int) -> list[tuple[str, Maker, int]]:
    return [(OURS, ours(), own), *((name, make, sizes.peers) for name, make in PEERS.items())]


def _good(results: Results, sizes: Sizes, seed: int) -> None:
    for (name, make, size), rate, baseline in product(_rules(sizes, sizes.good), RATES, BASELINES):
        found = run(make, Scenario(rate=rate, baseline=baseline), size, seed)
        results.good.setdefault(name, {})[rate, baseline] = found


def _effects(results: Results, sizes: Sizes, seed: int) -> None:
    rules = [*_rules(sizes, sizes.effects), (ORACLE, oracle, sizes.effects)]
    for added, (name, make, size), rate, baseline in product(EFFECTS, rules, RATES, BASELINES):
        found = run(make, Scenario(rate=rate, baseline=baseline, added=added), size, seed)
        results.effects.setdefault(added, {}).setdefault(name, {})[rate, baseline] = found


def _stress(results: Results, sizes: Sizes, seed: int) -> None:
    for (name, scenario), rate in product(STRESS.items(), STRESS_RATES):
        size = sizes.clustered if name in CLUSTERED else sizes.stress
        results.stress[name, rate] = run(ours(), replace(scenario, rate=rate), size, seed)


def _latency(results: Results, sizes: Sizes, seed: int) -> None:
    for clients, (name, scenario), rate in product(Clients, LATENCY.items(), LATENCY_RATES):
        found = run(ours(), replace(scenario, rate=rate, clients=clients), sizes.other, seed)
        results.latency[clients, name, rate] = found


def _efficiency(results: Results, sizes: Sizes, seed: int) -> None:
    """Canary requests until rollback, by the limit, on a fixed share without delay at one request a second."""
    for share, baseline, added in product((5, 25, 50), BASELINES, EFFECTS[:-1]):
        if baseline == BASELINES[-1] and added == EFFECTS[0]:
            continue  # takes more requests than half a day brings
        scenario = Scenario(baseline=baseline, added=added, delay=0)
        found = run(pinned_at(share), scenario, sizes.other, seed, pinned=True)
        limit = limit_requests(baseline + added, baseline, share / 100, DEFAULT.false_rollback_risk)
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
        results.settings[name, rate] = good, bad


def _quiet(results: Results, sizes: Sizes, seed: int) -> None:
    """0.05 requests a second: what each way to climb costs."""
    for (name, strategy), added in product(QUIET.items(), (0.0, *EFFECTS[1:])):
        results.quiet[name, added] = run(ours(strategy), Scenario(rate=0.05, added=added), sizes.other, seed)


def median_ratio(results: Results) -> float:
    """Over the cells of the efficiency table."""
    return median(results.efficiency.values())
