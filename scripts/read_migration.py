"""Says how a release's tag must end: what the commits since the last release there declare as a migration.

    gcloud artifacts docker tags list IMAGE --format="value(tag,version)" |
      scripts/read_migration.py backend --environment dev --commit "$GITHUB_SHA"
    … | scripts/read_migration.py backend --environment production --digest sha256:…

It prints "-expand", "-contract" or nothing, by the trailers `Migration:` of every commit that the release brings and no
release of that environment had. A push of many commits, a run that was cancelled and a promotion that leaves releases
out lose none; of both, "contract" is said. A service without a database migrates nothing.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from scripts.configuration import environments
from shared.rollout.names import Migration

_BUILT = re.compile(r"dev-(?P<commit>[0-9a-f]{40})(-(?P<migration>expand|contract))?")
_DECLARED = ("", Migration.EXPAND, Migration.CONTRACT)


class Tag(NamedTuple):
    """One tag of the service's image."""

    name: str
    digest: str


def tags(lines: Iterable[str]) -> list[Tag]:
    """From gcloud's rows; it may say either name with its whole path."""
    rows = (line.split() for line in lines if line.strip())
    return [Tag(name.rpartition("/")[2], digest.rpartition("/")[2]) for name, digest in rows]


def built_from(found: Iterable[Tag], digest: str) -> str:
    """The commit. Raises ValueError when no push of ours made the image."""
    commits = [built["commit"] for tag in found if tag.digest == digest and (built := _BUILT.fullmatch(tag.name))]
    if not commits:
        raise ValueError(f"{digest}: has no tag dev-<commit>, so no push of main built it")
    return commits[0]


def released(found: list[Tag], environment: str) -> list[str]:
    """The commits of every image that has had a tag of the environment."""
    there = {tag.digest for tag in found if tag.name.startswith(f"{environment}-")}
    return [built["commit"] for tag in found if tag.digest in there and (built := _BUILT.fullmatch(tag.name))]


def already_said(found: Iterable[Tag], digest: str) -> list[str]:
    """What the image's own tags end in: a second promotion of a release still migrates."""
    ends = (_BUILT.fullmatch(tag.name) for tag in found if tag.digest == digest)
    return [built["migration"] for built in ends if built and built["migration"]]


def migration(declared: Iterable[str]) -> str:
    """The strictest of them, "" for none. Raises ValueError on another word."""
    found = set(declared)
    if unknown := sorted(found - set(_DECLARED)):
        raise ValueError(f'Migration: must be expand or contract, not "{unknown[0]}"')
    return max(found, key=_DECLARED.index, default="")


def trailers(commit: str, before: Iterable[str], repository: Path) -> list[str]:
    """Of the commits that `commit` has and none of `before`; of itself alone where nothing was released yet."""
    known = [row for row in before if _git(repository, "cat-file", "-e", f"{row}^{{commit}}").returncode == 0]
    since = ["--not", *known] if known else ["--max-count=1"]
    told = _git(repository, "log", "--format=%(trailers:key=Migration,valueonly)", commit, *since)
    if told.returncode != 0:
        raise ValueError(f"{commit}: {told.stderr.strip()}")
    return [line.strip() for line in told.stdout.splitlines() if line.strip()]


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=repository, capture_output=True, text=True, check=False)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("service", help="as the configuration calls it")
    parser.add_argument("--environment", required=True, choices=environments.names(), help="where it goes")
    release = parser.add_mutually_exclusive_group(required=True)
    release.add_argument("--commit", help="what the image is built from")
    release.add_argument("--digest", help="an image that a push has built")
    options = parser.parse_args()
    services = environments.read(options.environment).document.value["services"]
    if options.service not in services:
        parser.error(f"{options.service}: no such service; there are {', '.join(services)}")
    found = tags(sys.stdin)
    if not services[options.service]["database"]:
        return 0
    try:
        commit = options.commit or built_from(found, options.digest)
        declared = trailers(commit, released(found, options.environment), Path())
        said = migration([*declared, *already_said(found, options.digest)])
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    if said:
        print(f"-{said}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
