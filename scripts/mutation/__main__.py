"""Mutation testing of the pure packages: mutmut changes them, their own tests must notice.

What no test can notice, since it changes nothing that matters, is listed with its reason in
tests/mutation/equivalent.yaml and left out of the count.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from scripts.mutation.report import page, table
from scripts.mutation.results import EQUIVALENT, read_equivalent, scores_of, stale

REPOSITORY = Path(__file__).parents[2]
PAGE = REPOSITORY / "docs" / "reference" / "mutation.md"
PACKAGES = ("rollout", "analysis", "connectivity", "backup", "config", "events")
RATE_LEAST = 0.95
_MUTANTS = REPOSITORY / "mutants"
_LOG = REPOSITORY / "build" / "mutation.log"


def main() -> int:
    asked = _arguments()
    chosen = asked.packages or list(PACKAGES)
    if not asked.survivors:
        shutil.rmtree(_MUTANTS, ignore_errors=True)
    _try(chosen, asked.processes, only_survivors=asked.survivors)
    listed = read_equivalent(REPOSITORY / EQUIVALENT)
    scores = scores_of(chosen, listed)
    for survivor in (row for score in scores.values() for row in score.survivors):
        print(f"{survivor.where}\n{survivor.change}\n")
    print(table(scores))
    if asked.write_docs:
        PAGE.write_text(page(scores, RATE_LEAST, [name for name in PACKAGES if name not in scores]))
    wrong = [f"shared/{name} is below {RATE_LEAST:.0%}." for name, score in scores.items() if score.rate < RATE_LEAST]
    wrong += [f"A test notices now, or it is gone: {row.where}, {row.pattern.pattern}" for row in stale(listed, scores)]
    print("\n".join(["", *(wrong or [f"Every package has {RATE_LEAST:.0%} or more."])]))
    return 1 if wrong else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="package", help=f"of {', '.join(PACKAGES)} (default: all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at a time (default: the cores)")
    parser.add_argument(
        "--survivors", action="store_true", help="try only what no test has noticed so far, or what a run left untried"
    )
    parser.add_argument("--write-docs", action="store_true", help="write docs/reference/mutation.md as well")
    asked = parser.parse_args()
    if wrong := set(asked.packages) - set(PACKAGES):
        parser.error(f"{', '.join(sorted(wrong))}: must be of {', '.join(PACKAGES)}")
    return asked


def _try(packages: Iterable[str], processes: int, *, only_survivors: bool) -> None:
    _LOG.parent.mkdir(exist_ok=True)
    which = "survivors" if only_survivors else "all"
    print(f"Mutating {', '.join(packages)}; progress in build/{_LOG.name}", file=sys.stderr)
    with _LOG.open("w") as out:
        command = [sys.executable, "-m", "scripts.mutation.trials", str(processes), which, *packages]
        done = subprocess.run(command, cwd=REPOSITORY, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"it could not be measured; its last words:\n{_LOG.read_text()[-2000:]}")


if __name__ == "__main__":
    sys.exit(main())
