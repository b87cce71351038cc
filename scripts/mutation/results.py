"""What mutmut found, and which of the changes that no test noticed change nothing that matters."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import yaml
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.stats import status_by_exit_code
from mutmut.utils.file_utils import walk_mutatable_files

EQUIVALENT = Path("tests", "mutation", "equivalent.yaml")
NOTICED = frozenset({"killed", "timeout"})


class Survivor(NamedTuple):
    """where: the function, dotted; change: the lines that went and came, as a diff has them."""

    where: str
    change: str


class Equivalent(NamedTuple):
    """A change that no test can notice, or, with where "", all whose text the pattern matches whole."""

    where: str
    pattern: re.Pattern[str]
    why: str

    def covers(self, survivor: Survivor) -> bool:
        return self.where in ("", survivor.where) and self.pattern.fullmatch(survivor.change) is not None


class Score(NamedTuple):
    """noticed: how many a test noticed; equivalent: by reason, those that none can notice; survivors: the others."""

    noticed: int
    equivalent: dict[str, list[Survivor]]
    survivors: tuple[Survivor, ...]

    @property
    def left_out(self) -> int:
        return sum(map(len, self.equivalent.values()))

    @property
    def rate(self) -> float:
        counted = self.noticed + len(self.survivors)
        return self.noticed / counted if counted else 1.0


def scores_of(packages: Iterable[str], equivalent: Iterable[Equivalent]) -> dict[str, Score]:
    """Raises LookupError for a package that was not measured whole."""
    return {package: _score(package, list(equivalent)) for package in packages}


def _score(package: str, equivalent: Iterable[Equivalent]) -> Score:
    noticed, left_out = 0, dict[str, list[Survivor]]()
    survivors = []
    for path in walk_mutatable_files():
        if path.parts[1] != package:
            continue
        data = SourceFileMutationData(path=path)
        data.load()
        for name, code in sorted(data.exit_code_by_key.items()):
            if code is None:
                raise LookupError(f"shared/{package} was not measured whole: {name} was never tried")
            if status_by_exit_code[code] in NOTICED:
                noticed += 1
                continue
            survivor = survivor_of(name, get_diff_for_mutant(name, path=path))
            reason = next((row.why for row in equivalent if row.covers(survivor)), "")
            if reason:
                left_out.setdefault(reason, []).append(survivor)
            else:
                survivors.append(survivor)
    return Score(noticed, left_out, tuple(survivors))


def survivor_of(name: str, diff: str) -> Survivor:
    """From mutmut's name of a mutant and its diff of one function."""
    module, _, function = name.rpartition(".")
    plain = re.sub(r"__mutmut_\d+$", "", function).removeprefix("x_").replace("xǁ", "").replace("ǁ", ".")
    lines = [line for line in diff.splitlines() if line[:1] in ("-", "+") and not line.startswith(("---", "+++"))]
    return Survivor(f"{module}.{plain}", "\n".join(f"{line[0]} {line[1:].strip()}" for line in lines))


def read_equivalent(path: Path) -> list[Equivalent]:
    """Of rows with a function and its change, or with a pattern. Raises ValueError where one has no reason."""
    rows: list[Mapping[str, str]] = yaml.safe_load(path.read_text()) or []
    listed = []
    for row in rows:
        name = row.get("where", "")
        pattern = row["pattern"] if "pattern" in row else re.escape(row["change"].strip())
        why = str(row.get("why") or "").strip()
        if not why:
            raise ValueError(f"{name or pattern}: says not why its change is equivalent")
        listed.append(Equivalent(name, re.compile(pattern.strip(), re.DOTALL), why))
    return listed


def stale(listed: Iterable[Equivalent], scores: Mapping[str, Score]) -> list[Equivalent]:
    """Rows that no survivor matches any more: a test notices the change now, or it is gone."""
    met = [survivor for score in scores.values() for rows in score.equivalent.values() for survivor in rows]
    return [
        row
        for row in listed
        if row.where.split(".")[1:2] in ([name] for name in scores) and not any(row.covers(found) for found in met)
    ]
