"""How every table is measured: parts of a run that processes can share."""

import pickle
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from hashlib import sha256
from itertools import product
from math import inf
from pathlib import Path

from benchmarks.judge.catalogue import (
    CLUSTERED,
    DELAYS,
    LATE,
    LATENCY,
    LATENCY_PEER_RATES,
    LATENCY_RATES,
    PRODUCTION,
    QUIET,
    SETTINGS,
    SETTINGS_RATES,
    STRESS,
    STRESS_RATES,
)
from benchmarks.judge.cells import DEFAULT, Maker, oracle, ours, pinned_at, run
from benchmarks.judge.limits import limit_requests
from benchmarks.judge.peers import PEERS
from benchmarks.judge.production import Production
from benchmarks.judge.remaining import calibration
from benchmarks.judge.results import ORACLE, OURS, Results, Sizes
from benchmarks.judge.scenarios import BASELINES, EFFECTS, RATES, Clients, Scenario

_ROOT = Path(__file__).parents[2]
_SOURCES = ("benchmarks/judge", "shared/analysis", "shared/rollout")


def measure(sizes: Sizes, seed: int, jobs: int = 1, keep: Path | None = None) -> Iterator[tuple[str, Results]]:
    """The results so far, after each part, with the part's name.

    jobs: processes that share the parts; keep: where finished parts lie, for a run that was interrupted. What a part
    raises ends the run, and no part that waits is begun.
    """
    results = Results()
    pool = ProcessPoolExecutor(jobs)
    try:
        for done in as_completed([pool.submit(_part, name, sizes, seed, keep) for name in PARTS]):
            name, found = done.result()
            results.merge(found)
            yield name, results
    finally:
        pool.shutdown(cancel_futures=True)


def _part(name: str, sizes: Sizes, seed: int, keep: Path | None) -> tuple[str, Results]:
    kept = keep / f"{name}.{_fingerprint(sizes, seed)}.pickle" if keep else None
    if kept and kept.exists():
        with kept.open("rb") as file:
            return name, pickle.load(file)  # written below, by this program
    results = Results()
    PARTS[name](results, sizes, seed)
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


def _effects(results: Results, sizes: Sizes, seed: int, *, added: float) -> None:
    rules = [*_rules(sizes, sizes.effects), (ORACLE, oracle, sizes.effects)]
    for (name, make, size), rate, baseline in product(rules, RATES, BASELINES):
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
    for name, strategy in QUIET.items():
        results.quiet_cold[name] = run(ours(strategy), Scenario(rate=0.05, warm=5), sizes.other, seed)


def _production(results: Results, sizes: Sizes, seed: int, *, rate: float) -> None:
    """Every look a new question to `judge`, every move by `decide`."""
    for name, scenario in PRODUCTION.items():
        found = run(Production, replace(scenario, rate=rate), sizes.production, seed)
        results.production[name, rate] = found


def _remaining(results: Results, sizes: Sizes, seed: int) -> None:
    """How long a step really took from a look that said so many minutes."""
    for rate, baseline in product(RATES, BASELINES):
        results.remaining[rate, baseline] = calibration(rate, baseline, sizes.other // 2, seed)


# The longest first, so that no process is left alone with one at the end.
PARTS: dict[str, Callable[[Results, Sizes, int], None]] = {
    **{f"production {rate:g}": partial(_production, rate=rate) for rate in (0.3, 5.0)},
    **{f"good {rate:g}": partial(_good, rate=rate) for rate in RATES},
    **{f"stress {rate:g}": partial(_stress, rate=rate) for rate in STRESS_RATES},
    **{f"+{100 * added:g} points": partial(_effects, added=added) for added in EFFECTS},
    "latency": _latency,
    "latency of the peers": _latency_peers,
    "settings": _settings,
    "information": _efficiency,
    "delays": _delays,
    "late": _late,
    "quiet": _quiet,
    "remaining": _remaining,
}
