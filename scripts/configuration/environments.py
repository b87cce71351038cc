"""The environments of this repository: found, overlaid, read."""

from dataclasses import dataclass
from pathlib import Path

from scripts.configuration import documents
from scripts.configuration.declaration import Configuration
from scripts.configuration.documents import Document, Problem
from scripts.configuration.reading import configuration

REPOSITORY = Path(__file__).parents[2]
DIRECTORY = REPOSITORY / "terraform" / "environments"
COMMON = "common.yaml"
OWN = "environment.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One environment as its two files say it; `found` is None where they are too wrong to be read."""

    name: str
    document: Document
    found: Configuration | None
    problems: tuple[Problem, ...]


def names(directory: Path = DIRECTORY) -> tuple[str, ...]:
    return tuple(sorted(path.parent.name for path in directory.glob(f"*/{OWN}")))


def read(name: str, directory: Path = DIRECTORY) -> Reading:
    """common.yaml overlaid by the environment's own file."""
    common, problems = documents.read(directory / COMMON, COMMON)
    own, more = documents.read(directory / name / OWN, f"{name}/{OWN}")
    whole = documents.overlaid(common, own)
    problems += more
    if problems:
        return Reading(name=name, document=whole, found=None, problems=tuple(problems))
    found, problems = configuration(whole)
    problems += documents.repeated(common, own)
    if whole.value.get("name") != name:
        problems.append(whole.problem(("name",), f'must be "{name}", as its directory is called'))
    return Reading(name=name, document=whole, found=found, problems=tuple(problems))
