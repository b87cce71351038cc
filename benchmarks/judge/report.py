"""The page a person reads: docs/reference/judge_benchmark.md."""

from benchmarks.judge import tables_of_ours as own
from benchmarks.judge import tables_of_rules as rules
from benchmarks.judge.markdown import table
from benchmarks.judge.results import Results, Sizes
from benchmarks.judge.targets import targets

_MET = {True: "yes", False: "**no**", None: "not measured"}


def page(results: Results, sizes: Sizes, seed: int) -> str:
    """The whole page, from the figures of one run only."""
    return "\n".join(
        [
            "# The judge, measured",
            "",
            "Whole simulated rollouts: requests, errors and latencies are drawn, the rule looks every minute, and what",
            "it costs users is counted.",
            "What the words mean is in [analysis](../explanation/analysis.md).",
            f"All of it is from one run of `{sizes.command}`, nothing by hand.",
            f"Seed {seed}; rollouts per cell: {sizes.good} good, {sizes.effects} bad, {sizes.peers} of each peer,",
            f"{sizes.stress} under stress, {sizes.clustered} with clustered errors, {sizes.other} elsewhere.",
            "Metrics are two minutes late unless a table says otherwise; latencies are those of mobile clients.",
            "The peers climb 5, 25, 50, 100 %; ours climbs the default strategy.",
            "",
            *_targets(results),
            *rules.good(results),
            *rules.effects(results),
            *rules.sums(results),
            *own.stress(results),
            *own.latency(results),
            *rules.latency_of_peers(results),
            *own.efficiency(results),
            *own.delays(results),
            *own.late(results),
            *own.settings(results),
            *own.quiet(results),
            *own.production(results),
            *own.remaining(results),
            "## Cost",
            "",
            *(f"- {name[:1].upper()}{name[1:]}: {found:.3g} ms." for name, found in results.cost.items()),
            "- State kept between looks: none.",
            "",
        ]
    )


def _targets(results: Results) -> list[str]:
    rows = [[row.said, row.wanted, row.found, _MET[row.met]] for row in targets(results)]
    return table("Targets", "What was promised, and what came out.", ["", "wanted", "found", "met"], rows)
