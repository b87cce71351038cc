"""Measures the judge, its peers and an oracle on simulated rollouts; what is met and what is not."""

import argparse
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.judge.cost import import_ms, look_ms, minute_ms
from benchmarks.judge.report import page
from benchmarks.judge.results import IMPORT, IMPORT_LOADED, LONG, LOOK, MINUTE, SHORT, Results
from benchmarks.judge.tables import PARTS, measure
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
    sizes, results = (LONG if options.long else SHORT), Results()
    began, parts = perf_counter(), len(PARTS)
    for done, (part, results) in enumerate(measure(sizes, options.seed, options.jobs, options.keep), start=1):  # noqa: B007
        print(f"{perf_counter() - began:5.0f} s  {done:2} of {parts}  {part}", file=sys.stderr, flush=True)
    results.cost.update({LOOK: look_ms(), MINUTE: minute_ms()})
    results.cost[IMPORT], results.cost[IMPORT_LOADED] = import_ms()
    write(options.out, page(results, sizes, options.seed))
    missed = [target for target in targets(results) if target.met is False]
    for target in missed:
        print(f"missed: {target.said}: wanted {target.wanted}, found {target.found}", file=sys.stderr)
    print(f"{options.out}: {len(missed)} of {len(targets(results))} targets missed", file=sys.stderr)
    return 1 if missed else 0


def write(path: Path, text: str) -> None:
    """The whole page or, when the run dies, the one before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main())
