"""Measures the judge, its peers and an oracle on simulated rollouts; what is met and what is not."""

import argparse
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.judge.cost import import_ms, look_ms, minute_ms
from benchmarks.judge.report import page
from benchmarks.judge.tables import IMPORT, LONG, LOOK, MINUTE, SHORT, Results, measure
from benchmarks.judge.targets import targets

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "judge_benchmark.md"


def main() -> int:
    """The exit code: 1 when a target is not met."""
    parser = argparse.ArgumentParser(prog="scripts/bench_judge", description=__doc__)
    parser.add_argument("--long", action="store_true", help="ten times the rollouts, half an hour of one core")
    parser.add_argument("--seed", type=int, default=20261124, help="of all dice")
    parser.add_argument("--jobs", type=int, default=1, help="processes (%(default)s)")
    parser.add_argument("--keep", type=Path, help="a directory of finished parts: what is there is not measured again")
    parser.add_argument("--out", type=Path, default=PAGE, help="the page to write (%(default)s)")
    options = parser.parse_args()
    sizes, began, results = (LONG if options.long else SHORT), perf_counter(), Results()
    for part, results in measure(sizes, options.seed, options.jobs, options.keep):  # noqa: B007  # the last one is the whole
        print(f"{perf_counter() - began:5.0f} s  {part}", file=sys.stderr)
    over_bare, over_loaded = import_ms()
    results.cost.update({LOOK: look_ms(), MINUTE: minute_ms(), IMPORT: over_bare})
    cost = [
        *(f"{name[:1].upper()}{name[1:]}: {found:.2g} ms." for name, found in results.cost.items()),
        f"Where dataclasses and times are loaded, as in every function: {over_loaded:.0f} ms.",
        "State kept between looks: none.",
    ]
    text = page(results, sizes, options.seed, cost)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    whole = options.out.with_suffix(".part")
    whole.write_text(text)
    whole.replace(options.out)  # at once: a page is of one run, or the one before
    print(text)
    return 0 if all(target.met is not False for target in targets(results)) else 1


if __name__ == "__main__":
    sys.exit(main())
