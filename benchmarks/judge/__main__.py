"""Measures the judge, its peers and an oracle on simulated rollouts; what is met and what is not."""

import argparse
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.judge.cost import import_ms, look_ms, minute_ms
from benchmarks.judge.report import page
from benchmarks.judge.tables import LONG, SHORT, Results, measure
from benchmarks.judge.targets import targets

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "judge_benchmark.md"


def main() -> int:
    """The exit code: 1 when a target is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench_judge", description=__doc__)
    parser.add_argument("--long", action="store_true", help="ten times the rollouts, tens of minutes")
    parser.add_argument("--seed", type=int, default=20261124, help="of all dice")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write (%(default)s)")
    options = parser.parse_args()
    sizes, began, results = (LONG if options.long else SHORT), perf_counter(), Results()
    for part, results in measure(sizes, options.seed):  # noqa: B007  # the last one is the whole
        print(f"{perf_counter() - began:5.0f} s  {part.replace('_', ' ')}", file=sys.stderr)
    over_bare, over_loaded = import_ms()
    cost = [
        f"One look at a twelve-hour step, recomputed from the whole history: {look_ms():.1f} ms.",
        f"One more minute for somebody who keeps the trial: {minute_ms():.3f} ms.",
        f"Import: {over_bare:.0f} ms over bare Python, {over_loaded:.0f} ms where dataclasses and times are loaded.",
        "State kept between looks: none.",
    ]
    text = page(results, sizes, options.seed, cost)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(text)
    print(text)
    return 0 if all(target.met for target in targets(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
