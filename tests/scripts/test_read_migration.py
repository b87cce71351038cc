"""A declared migration reaches the tag, however its commit came to be released."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.read_migration import Tag, already_said, built_from, migration, released, tags, trailers

SCRIPT = Path(__file__).parents[2] / "scripts" / "read_migration.py"
A, B, C, D = (f"sha256:{letter * 64}" for letter in "abcd")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    return tmp_path


def git(repository: Path, *arguments: str) -> str:
    who = ["-c", "user.name=amina", "-c", "user.email=amina@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *arguments], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(repository: Path, declared: str = "") -> str:
    trailer = ["--trailer", f"Migration: {declared}"] if declared else []
    git(repository, "commit", "--quiet", "--allow-empty", "--message", "Change something", *trailer)
    return git(repository, "rev-parse", "HEAD")


def test_every_commit_since_the_last_release_is_asked_not_only_the_last(repository: Path) -> None:
    first = commit(repository, "contract")
    commit(repository, "expand")
    last = commit(repository)
    assert trailers(last, [first], repository) == ["expand"]
    assert trailers(last, [first, last], repository) == []


def test_where_nothing_was_released_only_the_commit_itself_is_asked(repository: Path) -> None:
    commit(repository, "expand")
    assert trailers(commit(repository, "contract"), [], repository) == ["contract"]


def test_a_released_commit_that_is_in_no_history_any_more_is_left_out(repository: Path) -> None:
    first = commit(repository)
    assert trailers(commit(repository, "expand"), ["0" * 40, first], repository) == ["expand"]
    assert trailers(first, ["0" * 40], repository) == []


def test_a_commit_that_does_not_exist_is_an_error(repository: Path) -> None:
    commit(repository)
    with pytest.raises(ValueError, match="0000: "):
        trailers("0000", [], repository)


@pytest.mark.parametrize(
    ("declared", "said"),
    [([], ""), (["expand", "expand"], "expand"), (["contract", "expand"], "contract"), (["expand", ""], "expand")],
)
def test_the_strictest_is_said(declared: list[str], said: str) -> None:
    assert migration(declared) == said


def test_another_word_is_an_error() -> None:
    with pytest.raises(ValueError, match='must be expand or contract, not "exapnd"'):
        migration(["expand", "exapnd"])


def test_a_promotion_counts_from_the_environments_own_last_release() -> None:
    one, two, three = "1" * 40, "2" * 40, "3" * 40
    found = tags(
        [
            f"dev-{one}\t{A}",
            f"projects/p/tags/dev-{two}-expand  projects/p/versions/{B}",
            f"dev-{three} {C}",
            f"production-20260301-120000-{'a' * 12} {A}",
            f"staging-20260301-120000-{'b' * 12}-expand {B}",
            f"production-20260302-120000-{'d' * 12} {D}",
            "",
        ]
    )
    assert released(found, "production") == [one]
    assert released(found, "staging") == [two]
    assert released(found, "dev") == [one, two, three]
    assert built_from(found, C) == three
    assert already_said(found, B) == ["expand"]
    with pytest.raises(ValueError, match="no push of main built it"):
        built_from(found, D)
    assert found[1] == Tag(f"dev-{two}-expand", B)


@pytest.mark.parametrize("service", ["frontend", "backend"])
def test_only_a_service_with_a_database_migrates(service: str) -> None:
    head = git(SCRIPT.parents[1], "rev-parse", "HEAD")
    rows = f"dev-{head}-expand\t{A}\nproduction-20260301-120000-{'a' * 12}\t{A}\n"
    done = run(rows, service, "--environment", "production", "--digest", A)
    assert (done.returncode, done.stdout) == (0, {"frontend": "", "backend": "-expand\n"}[service])


def test_an_image_that_nobody_built_is_told() -> None:
    done = run(f"latest {A}\n", "backend", "--environment", "staging", "--digest", A)
    assert (done.returncode, done.stdout) == (1, "")
    assert "no push of main built it" in done.stderr


def test_an_unknown_service_is_told() -> None:
    done = run("", "bakend", "--environment", "staging", "--digest", A)
    assert done.returncode == 2
    assert "no such service; there are frontend, backend" in done.stderr


def run(rows: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, cwd=SCRIPT.parents[1], input=rows, capture_output=True, text=True, timeout=60)
