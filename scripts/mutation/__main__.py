"""Mutation testing of the pure packages: mutmut changes them, their own tests must notice.

What no test can notice, since it changes nothing that matters, is listed with its reason in
tests/mutation/equivalent.yaml and left out of the count.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

REPOSITORY = Path(__file__).parents[2]
EQUIVALENT = REPOSITORY / "tests" / "mutation" / "equivalent.yaml"
MUTANTS = REPOSITORY / "mutants"
PACKAGES = ("rollout", "analysis", "connectivity", "backup", "config", "events")
RATE_LEAST = 0.95
_NOTICED = frozenset({"killed", "timeout", "caught by type check"})
_RESULT = re.compile(r"\s*(shared\.(\w+)\.[^:\s]+): (.+)")
_MUTMUT = Path(sys.executable).parent / "mutmut"


class Survivor(NamedTuple):
    """where: the function, dotted; change: the lines that went and came, as a diff has them."""

    where: str
    change: str


class Score(NamedTuple):
    noticed: int
    equivalent: int
    survivors: tuple[Survivor, ...]

    @property
    def rate(self) -> float:
        counted = self.noticed + len(self.survivors)
        return self.noticed / counted if counted else 1.0


def main() -> int:
    asked = _arguments()
    chosen = asked.packages or list(PACKAGES)
    if not asked.keep:
        shutil.rmtree(MUTANTS, ignore_errors=True)
    _mutate(chosen, asked.processes)
    scores = _scores(chosen, read_equivalent(EQUIVALENT.read_text()))
    print(table(scores))
    for score in scores.values():
        for survivor in score.survivors:
            print(f"\n{survivor.where}\n{survivor.change}")
    short = [name for name, score in scores.items() if score.rate < RATE_LEAST]
    print(
        f"\nBelow {RATE_LEAST:.0%}: {', '.join(short)}." if short else f"\nEvery package has {RATE_LEAST:.0%} or more."
    )
    return 1 if short else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("packages", nargs="*", metavar="package", help=f"of {', '.join(PACKAGES)} (default: all)")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at a time (default: the cores)")
    parser.add_argument("--keep", action="store_true", help="keep what an earlier run found of unchanged functions")
    asked = parser.parse_args()
    if wrong := set(asked.packages) - set(PACKAGES):
        parser.error(f"{', '.join(sorted(wrong))}: must be of {', '.join(PACKAGES)}")
    return asked


def _mutate(packages: Iterable[str], processes: int) -> None:
    log = REPOSITORY / "build" / "mutation.log"
    log.parent.mkdir(exist_ok=True)
    print(f"Mutating {', '.join(packages)}; progress in build/{log.name}", file=sys.stderr)
    names = [f"shared.{name}.*" for name in packages]
    with log.open("w") as out:
        command = [str(_MUTMUT), "run", "--max-children", str(processes), *names]
        done = subprocess.run(command, cwd=REPOSITORY, stdout=out, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"mutmut failed; its last words:\n{log.read_text()[-2000:]}")


def _scores(packages: Iterable[str], equivalent: Mapping[Survivor, str]) -> dict[str, Score]:
    """Of each package. Exits when an equivalent change is listed that is none any more."""
    found = _mutmut("results", "--all", "true")
    states: dict[str, list[tuple[str, str]]] = {name: [] for name in packages}
    for line in found.splitlines():
        if (row := _RESULT.fullmatch(line)) and row[2] in states:
            states[row[2]].append((row[1], row[3].strip()))
    scores, met = {}, set()
    for package, rows in states.items():
        noticed = sum(state in _NOTICED for _, state in rows)
        alive = [survivor_of(_mutmut("show", name)) for name, state in rows if state not in _NOTICED]
        met |= {row for row in alive if row in equivalent}
        left = tuple(row for row in alive if row not in equivalent)
        scores[package] = Score(noticed, len(alive) - len(left), left)
    if stale := {row for row in equivalent if row.where.split(".")[1] in states} - met:
        print("\n".join(f"not met any more: {row.where}\n{row.change}" for row in stale))
        sys.exit(f"{EQUIVALENT.relative_to(REPOSITORY)} lists changes that a test notices now, or that are gone.")
    return scores


def _mutmut(*arguments: str) -> str:
    done = subprocess.run([_MUTMUT, *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return done.stdout


def survivor_of(shown: str) -> Survivor:
    """From what `mutmut show` prints: a name, and a diff of one function."""
    title, *diff = shown.splitlines()
    name = title.removeprefix("# ").partition(":")[0]
    module, _, function = name.rpartition(".")
    plain = re.sub(r"__mutmut_\d+$", "", function).removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    changed = [line for line in diff if line[:1] in ("-", "+") and not line.startswith(("---", "+++"))]
    return Survivor(f"{module}.{plain}", "\n".join(f"{line[0]} {line[1:].strip()}" for line in changed))


def read_equivalent(text: str) -> dict[Survivor, str]:
    """The reason of each change that no test can notice. Raises ValueError where one has none."""
    listed: dict[Survivor, str] = {}
    for row in yaml.safe_load(text) or []:
        survivor = Survivor(row["where"], row["change"].strip())
        if not str(row.get("why", "")).strip():
            raise ValueError(f"{survivor.where}: says not why its change is equivalent")
        listed[survivor] = row["why"].strip()
    return listed


def table(scores: Mapping[str, Score]) -> str:
    rows: list[tuple[str, ...]] = [("package", "changes", "noticed", "equivalent", "not noticed", "rate")]
    rows += [(f"shared/{name}", *_cells(score)) for name, score in scores.items()]
    if len(scores) > 1:
        everything = Score(
            sum(score.noticed for score in scores.values()),
            sum(score.equivalent for score in scores.values()),
            tuple(row for score in scores.values() for row in score.survivors),
        )
        rows.append(("all", *_cells(everything)))
    return "\n".join(f"{first:<22}" + "".join(f"{cell:>13}" for cell in rest) for first, *rest in rows)


def _cells(score: Score) -> tuple[str, ...]:
    alive = len(score.survivors)
    whole = score.noticed + score.equivalent + alive
    return f"{whole}", f"{score.noticed}", f"{score.equivalent}", f"{alive}", f"{score.rate:.1%}"


if __name__ == "__main__":
    sys.exit(main())
