"""The page a person reads: docs/reference/judge_benchmark.md."""

from collections.abc import Iterable, Sequence
from math import isinf

from benchmarks.judge.cells import DEFAULT, Summary
from benchmarks.judge.peers import PEERS
from benchmarks.judge.scenarios import BASELINES, EFFECTS, RATES, Clients
from benchmarks.judge.tables import (
    DELAYS,
    LATE,
    LATENCY,
    LATENCY_PEER_RATES,
    LATENCY_RATES,
    ORACLE,
    OURS,
    QUIET,
    SETTINGS,
    SETTINGS_RATES,
    STRESS,
    STRESS_RATES,
    Results,
    Sizes,
)
from benchmarks.judge.targets import points, summed, targets

_RULES = (OURS, *PEERS)
_MET = {True: "yes", False: "**no**", None: "not measured"}


def page(results: Results, sizes: Sizes, seed: int, cost: Sequence[str]) -> str:
    """The whole page."""
    return "\n".join(
        [
            "# The judge, measured",
            "",
            "Whole simulated rollouts: requests, errors and latencies are drawn, the rule looks every minute, and what",
            "it costs users is counted.",
            "Written by `scripts/bench_judge`; what the words mean is in [analysis](../explanation/analysis.md).",
            f"Seed {seed}; rollouts per cell: {sizes.good} good, {sizes.effects} bad, {sizes.peers} of each peer,",
            f"{sizes.stress} under stress, {sizes.clustered} with clustered errors, {sizes.other} elsewhere.",
            "Metrics are two minutes late unless a table says otherwise; latencies are those of mobile clients.",
            "The peers climb 5, 25, 50, 100 %; ours climbs the default strategy.",
            "",
            *_targets(results),
            *_good(results),
            *_effects(results),
            *_sums(results),
            *_stress(results),
            *_latency(results),
            *_latency_peers(results),
            *_efficiency(results),
            *_delays(results),
            *_late(results),
            *_settings(results),
            *_quiet(results),
            *_production(results),
            *_remaining(results),
            "## Cost",
            "",
            *(f"- {line}" for line in cost),
            "",
        ]
    )


def _table(title: str, said: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
    return [f"## {title}", "", said, "", *lines, ""]


def _targets(results: Results) -> list[str]:
    rows = [[row.said, row.wanted, row.found, _MET[row.met]] for row in targets(results)]
    return _table("Targets", "What was promised, and what came out.", ["", "wanted", "found", "met"], rows)


def _good(results: Results) -> list[str]:
    rows = [
        [f"{rate:g}", f"{baseline:.1%}", *(_good_cell(results.good[name][rate, baseline]) for name in _RULES)]
        for rate in RATES
        for baseline in BASELINES
    ]
    said = "Rolled back by mistake / median minutes to 100 % (never: none got there)."
    return _table("Good canaries", said, ["requests/s", "baseline", *_RULES], rows)


def _good_cell(row: Summary) -> str:
    return f"{row.rate:.1%} / {_minutes(row.full_at)}"


def _effects(results: Results) -> list[str]:
    lines: list[str] = []
    for added in EFFECTS:
        names = (*_RULES, ORACLE)
        rows = [
            [
                f"{rate:g}",
                f"{baseline:.1%}",
                *(_bad_cell(results.effects[added][name][rate, baseline]) for name in names),
            ]
            for rate in RATES
            for baseline in BASELINES
        ]
        said = (
            "Rolled back / mean bad requests until then / median minutes. The oracle knows both error rates and climbs "
            "as ours does."
        )
        lines += _table(f"Bad canaries: {points(added)}", said, ["requests/s", "baseline", *names], rows)
    return lines


def _bad_cell(row: Summary) -> str:
    if not row.rolled_back:
        return "0 %"
    return f"{row.rate:.0%} / {row.bad:.0f} / {_minutes(row.minutes)}"


def _sums(results: Results) -> list[str]:
    rows = []
    for name in (*_RULES, ORACLE):
        sums = [f"{summed(results.effects[added][name]):,.0f}" for added in EFFECTS]
        worst = f"{max(row.rate for row in results.good[name].values()):.1%}" if name in results.good else "by design"
        rows.append([name, worst, *sums])
    said = "Mean errors above stable's rate in the first six hours, summed over the fifteen cells of rate and baseline."
    head = ["rule", "worst false rollbacks", *(points(added) for added in EFFECTS)]
    return _table("Excess errors", said, head, rows)


def _stress(results: Results) -> list[str]:
    rows = [[name, *(_good_cell(results.stress[name, rate]) for rate in STRESS_RATES)] for name in STRESS]
    said = "Good canaries where the test's assumptions do not hold: rolled back by mistake / median minutes to 100 %."
    return _table("Stress", said, ["", *(f"{rate:g}/s" for rate in STRESS_RATES)], rows)


def _latency(results: Results) -> list[str]:
    rows = []
    for clients in Clients:
        for name in LATENCY:
            found = [results.latency[clients, name, rate] for rate in LATENCY_RATES]
            rows.append([clients.value, name, *(_latency_cell(row) for row in found)])
    said = (
        "Rolled back / median canary requests until then / promoted within half a day, at 0.05 a whole one. A cold "
        "cache, 3 % of cold starts and a fifth more time are within the tolerance."
    )
    return _table("Latency", said, ["clients", "canary", *(f"{rate:g}/s" for rate in LATENCY_RATES)], rows)


def _latency_peers(results: Results) -> list[str]:
    rows = [
        [
            clients.value,
            name,
            *(
                " / ".join(f"{row.rate:.0%}" for row in rows)
                for rows in (
                    [results.latency[clients, name, rate] for rate in LATENCY_PEER_RATES],
                    *(
                        [results.latency_peers[clients, name, rule, rate] for rate in LATENCY_PEER_RATES]
                        for rule in PEERS
                    ),
                )
            ),
        ]
        for clients in Clients
        for name in LATENCY
    ]
    said = (
        "Rolled back at 1 / at 20 requests a second, baseline 0.1 %. Of the peers' documented rules only Kayenta's "
        "compares latencies with stable's; what the others roll back, they blame for errors or silence."
    )
    return _table("Latency: the peers", said, ["clients", "canary", *_RULES], rows)


def _latency_cell(row: Summary) -> str:
    return f"{row.rate:.0%} / {_minutes(row.requests)} / {row.promoted / row.rollouts:.0%}"


def _efficiency(results: Results) -> list[str]:
    cells = sorted({(baseline, added) for _, baseline, added in results.efficiency})
    rows = [
        [
            f"{baseline:.1%}",
            points(added),
            *(_ratio(results.efficiency.get((share, baseline, added))) for share in (5, 25, 50)),
        ]
        for baseline, added in cells
    ]
    said = (
        "Median canary requests until rollback, as a multiple of the information limit, on a fixed share at one "
        "request a second without delay; never: half a day does not bring enough. Whole requests and whole minutes "
        "alone make 1 unreachable."
    )
    return _table("Information", said, ["baseline", "canary", "5 %", "25 %", "50 %"], rows)


def _delays(results: Results) -> list[str]:
    rows = []
    for delay in DELAYS:
        for rate in (1.0, 20.0):
            cells = [results.delays[delay, rate, added] for added in EFFECTS[1:]]
            rows.append([str(delay), f"{rate:g}", *(f"{own.bad:.0f} / {best.bad:.0f}" for own, best in cells)])
    said = "Mean bad requests, ours / oracle's: where everything fails, the delay is all that counts."
    return _table("Delay of the metrics", said, ["minutes", "requests/s", *map(points, EFFECTS[1:])], rows)


def _late(results: Results) -> list[str]:
    rows = [[name, *(_bad_cell(results.late[name, rate]) for rate in (1.0, 20.0))] for name in LATE]
    said = "Faults that begin late, the hour of baking included: rolled back / mean bad requests / median minutes."
    return _table("Late faults", said, ["canary", "1/s", "20/s"], rows)


def _settings(results: Results) -> list[str]:
    rows = []
    for name in SETTINGS:
        cells = [results.settings[name, rate] for rate in SETTINGS_RATES]
        told = [
            f"{good.rate:.1%} / {_minutes(good.full_at)}; {bad.rate:.0%} / {bad.bad:.0f}; {slow.rate:.0%}"
            for good, bad, slow in cells
        ]
        rows.append([name, *told])
    said = (
        "Good canary: rolled back by mistake / minutes to 100 %; canary with +2 points: rolled back / mean bad "
        "requests; one half as slow again: rolled back. Baseline 0.1 %."
    )
    return _table("What each parameter does", said, ["", *(f"{rate:g}/s" for rate in SETTINGS_RATES)], rows)


def _quiet(results: Results) -> list[str]:
    rows = []
    for name in QUIET:
        good, *bad = (results.quiet[name, added] for added in (0.0, *EFFECTS[1:]))
        cells = [f"{row.rate:.0%} / {_minutes(row.minutes)} / {row.harm:.0f}" for row in bad]
        rows.append([name, f"{good.rate:.1%} / {_minutes(good.full_at)}", *cells])
    said = (
        "Good canary: rolled back by mistake / minutes to 100 %; bad ones: rolled back / median minutes / excess "
        f"errors in six hours. {DEFAULT.harm_points_max:g} points is the largest acceptable harm unless a row says "
        "otherwise."
    )
    head = ["climb", "good", *map(points, EFFECTS[1:])]
    return _table("Three requests a minute", said, head, rows)


def _production(results: Results) -> list[str]:
    names = list(dict.fromkeys(name for name, _ in results.production))
    rates = sorted({rate for _, rate in results.production})
    rows = [[name, *(_played(results.production[name, rate]) for rate in rates)] for name in names]
    said = (
        "Fewer rollouts, each look through `judge` and each move through `decide`, with our own probes in the metrics: "
        "rolled back / median minutes until then / median minutes to 100 %."
    )
    return _table("As in production", said, ["", *(f"{rate:g}/s" for rate in rates)], rows)


def _played(row: Summary) -> str:
    return f"{row.rolled_back} of {row.rollouts} / {_minutes(row.minutes)} / {_minutes(row.full_at)}"


def _remaining(results: Results) -> list[str]:
    rows = [
        [
            f"{rate:g}",
            f"{baseline:.1%}",
            f"{row.looks:,}",
            *([f"{row.ratio:.1f}", f"{row.longest:.1f}", f"{row.within:.0%}"] if row.looks else ["-"] * 3),
        ]
        for (rate, baseline), row in sorted(results.remaining.items())
    ]
    said = (
        "How long a step of a good canary still took, by what the verdict had said (`minutes_needed`), "
        "over the looks of many rollouts, and how often it lay in the range that the sentence names."
    )
    head = ["requests/s", "baseline", "looks", "median", "highest tenth", "within the range"]
    return _table("What is still missing", said, head, rows)


def _ratio(value: float | None) -> str:
    return "never" if value is None else f"{value:.2f}"


def _minutes(value: float) -> str:
    return "never" if isinf(value) else f"{value:.0f}"
