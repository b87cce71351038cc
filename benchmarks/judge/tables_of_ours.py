"""The page's tables of our own judge."""

from benchmarks.judge.catalogue import (
    DELAYS,
    LATE,
    LATENCY,
    LATENCY_RATES,
    QUIET,
    SETTINGS,
    SETTINGS_RATES,
    STRESS,
    STRESS_RATES,
)
from benchmarks.judge.cells import DEFAULT, Summary
from benchmarks.judge.markdown import bad_cell, good_cell, latency_cell, minutes, points, ratio, table
from benchmarks.judge.results import Results
from benchmarks.judge.scenarios import EFFECTS, Clients


def stress(results: Results) -> list[str]:
    rows = [[name, *(good_cell(results.stress[name, rate]) for rate in STRESS_RATES)] for name in STRESS]
    said = "Good canaries where the test's assumptions do not hold: rolled back by mistake / median minutes to 100 %."
    return table("Stress", said, ["", *(f"{rate:g}/s" for rate in STRESS_RATES)], rows)


def latency(results: Results) -> list[str]:
    rows = []
    for clients in Clients:
        for name in LATENCY:
            found = [results.latency[clients, name, rate] for rate in LATENCY_RATES]
            rows.append([clients.value, name, *(latency_cell(row) for row in found)])
    said = (
        "Rolled back / median canary requests until then / promoted within half a day, at 0.05 a whole one. A cold "
        "cache, 3 % of cold starts and a fifth more time are within the tolerance. Cold after idle minutes: the first "
        "request of either revision after them, the canary's more often for its lesser traffic."
    )
    return table("Latency", said, ["clients", "canary", *(f"{rate:g}/s" for rate in LATENCY_RATES)], rows)


def efficiency(results: Results) -> list[str]:
    cells = sorted({(baseline, added) for _, baseline, added in results.efficiency})
    rows = [
        [
            f"{baseline:.1%}",
            points(added),
            *(ratio(results.efficiency.get((share, baseline, added))) for share in (5, 25, 50)),
        ]
        for baseline, added in cells
    ]
    said = (
        "Median canary requests until rollback, as a multiple of the information limit, on a fixed share at one "
        "request a second without delay; never: half a day does not bring enough. Whole requests and whole minutes "
        "alone make 1 unreachable."
    )
    return table("Information", said, ["baseline", "canary", "5 %", "25 %", "50 %"], rows)


def delays(results: Results) -> list[str]:
    rows = []
    for delay in DELAYS:
        for rate in (1.0, 20.0):
            cells = [results.delays[delay, rate, added] for added in EFFECTS[1:]]
            rows.append([str(delay), f"{rate:g}", *(f"{own.bad:.0f} / {best.bad:.0f}" for own, best in cells)])
    said = "Mean bad requests, ours / oracle's: where everything fails, the delay is all that counts."
    return table("Delay of the metrics", said, ["minutes", "requests/s", *map(points, EFFECTS[1:])], rows)


def late(results: Results) -> list[str]:
    rows = [[name, *(bad_cell(results.late[name, rate]) for rate in (1.0, 20.0))] for name in LATE]
    said = "Faults that begin late, the hour of baking included: rolled back / mean bad requests / median minutes."
    return table("Late faults", said, ["canary", "1/s", "20/s"], rows)


def settings(results: Results) -> list[str]:
    rows = []
    for name in SETTINGS:
        cells = [results.settings[name, rate] for rate in SETTINGS_RATES]
        told = [
            f"{good_cell(good)} / {good.asked / good.rollouts:.0%}; {bad.rate:.0%} / {bad.bad:.0f}; {slow.rate:.0%}"
            for good, bad, slow in cells
        ]
        rows.append([name, *told])
    said = (
        "Good canary: rolled back by mistake / minutes to 100 % / a person was asked (step_deadline); canary "
        "with +2 points: rolled back / mean bad "
        "requests; one half as slow again: rolled back. Baseline 0.1 %."
    )
    return table("What each parameter does", said, ["", *(f"{rate:g}/s" for rate in SETTINGS_RATES)], rows)


def quiet(results: Results) -> list[str]:
    rows = []
    for name in QUIET:
        good, *bad = (results.quiet[name, added] for added in (0.0, *EFFECTS[1:]))
        cells = [f"{row.rate:.0%} / {minutes(row.minutes)} / {row.harm:.0f}" for row in bad]
        rows.append([name, good_cell(good), good_cell(results.quiet_cold[name]), *cells])
    said = (
        "Good canary: rolled back by mistake / minutes to 100 %; bad ones: rolled back / median minutes / excess "
        f"errors in six hours. {DEFAULT.harm_points_max:g} points is the largest acceptable harm unless a row says "
        "otherwise. Cold: an instance is gone after five minutes without a request, which on a small share is most of "
        "them. In production our probes, one a minute to either revision, keep it."
    )
    head = ["climb", "good", "good, cold", *map(points, EFFECTS[1:])]
    return table("Three requests a minute", said, head, rows)


def production(results: Results) -> list[str]:
    names = list(dict.fromkeys(name for name, _ in results.production))
    rates = sorted({rate for _, rate in results.production})
    rows = [[name, *(_played(results.production[name, rate]) for rate in rates)] for name in names]
    said = (
        "Fewer rollouts, each look through `judge` and each move through `decide`, with our own probes in the metrics: "
        "rolled back / median minutes until then / median minutes to 100 %."
    )
    return table("As in production", said, ["", *(f"{rate:g}/s" for rate in rates)], rows)


def _played(row: Summary) -> str:
    return f"{row.rolled_back} of {row.rollouts} / {minutes(row.minutes)} / {minutes(row.full_at)}"


def remaining(results: Results) -> list[str]:
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
    return table("What is still missing", said, head, rows)
