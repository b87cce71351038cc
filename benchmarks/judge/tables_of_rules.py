"""The page's tables that set the rules side by side."""

from benchmarks.judge.catalogue import LATENCY, LATENCY_PEER_RATES
from benchmarks.judge.markdown import bad_cell, good_cell, points, table
from benchmarks.judge.peers import PEERS
from benchmarks.judge.results import ORACLE, OURS, Results
from benchmarks.judge.scenarios import BASELINES, EFFECTS, RATES, Clients
from benchmarks.judge.targets import summed

RULES = (OURS, *PEERS)


def good(results: Results) -> list[str]:
    rows = [
        [f"{rate:g}", f"{baseline:.1%}", *(good_cell(results.good[name][rate, baseline]) for name in RULES)]
        for rate in RATES
        for baseline in BASELINES
    ]
    said = "Rolled back by mistake / median minutes to 100 % (never: none got there)."
    return table("Good canaries", said, ["requests/s", "baseline", *RULES], rows)


def effects(results: Results) -> list[str]:
    lines: list[str] = []
    for added in EFFECTS:
        names = (*RULES, ORACLE)
        rows = [
            [
                f"{rate:g}",
                f"{baseline:.1%}",
                *(bad_cell(results.effects[added][name][rate, baseline]) for name in names),
            ]
            for rate in RATES
            for baseline in BASELINES
        ]
        said = (
            "Rolled back / mean bad requests until then / median minutes. The oracle knows both error rates and climbs "
            "as ours does."
        )
        lines += table(f"Bad canaries: {points(added)}", said, ["requests/s", "baseline", *names], rows)
    return lines


def sums(results: Results) -> list[str]:
    rows = []
    for name in (*RULES, ORACLE):
        sums = [f"{summed(results.effects[added][name]):,.0f}" for added in EFFECTS]
        worst = f"{max(row.rate for row in results.good[name].values()):.1%}" if name in results.good else "by design"
        rows.append([name, worst, *sums])
    said = "Mean errors above stable's rate in the first six hours, summed over the fifteen cells of rate and baseline."
    head = ["rule", "worst false rollbacks", *(points(added) for added in EFFECTS)]
    return table("Excess errors", said, head, rows)


def latency_of_peers(results: Results) -> list[str]:
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
    return table("Latency: the peers", said, ["clients", "canary", *RULES], rows)
