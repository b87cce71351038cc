"""Every Dockerfile keeps the rules of dockerfiles/README.md."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tools import installed

REPOSITORY = Path(__file__).parents[2]
DOCKERFILES = sorted((REPOSITORY / "dockerfiles").rglob("*Dockerfile"))
PINNED = re.compile(r"[\w./-]+(:[\w.-]+)?@sha256:[0-9a-f]{64}")
FORBIDDEN = ("HEALTHCHECK", "ADD", "ENTRYPOINT")
SECRET = re.compile(r"(?i)secret|token|password|credential|private_key")


class Dockerfile:
    """Instructions in order, each with its arguments on one line."""

    def __init__(self, text: str) -> None:
        joined = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
        lines = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
        self.instructions = [(name.upper(), rest.strip()) for name, rest in lines]

    def of(self, name: str) -> list[str]:
        return [rest for instruction, rest in self.instructions if instruction == name]

    def last_stage(self) -> list[tuple[str, str]]:
        start = max(index for index, (name, _) in enumerate(self.instructions) if name == "FROM")
        return self.instructions[start:]

    def problems(self) -> list[str]:
        """In words; none when it keeps every rule."""
        arguments = dict(rest.split("=", 1) for rest in self.of("ARG") if "=" in rest)
        stages: set[str] = {"scratch"}
        found: list[str] = []
        for rest in self.of("FROM"):
            base, _, stage = rest.partition(" AS ")
            named = re.fullmatch(r"\$\{(\w+)\}", base)
            if base not in stages and not (named and PINNED.fullmatch(arguments.get(named[1], ""))):
                found.append(f"FROM {base}: not an argument pinned by digest")
            stages.add(stage)
        last = self.last_stage()
        names = [name for name, _ in last]
        users = [rest for name, rest in last if name == "USER"]
        if users != ["65532:65532"]:
            found.append(f"USER {users}: must be 65532:65532")
        found += [f"CMD {rest}: not in exec form" for rest in self.of("CMD") if not rest.startswith("[")]
        if "CMD" not in names:
            found.append("no CMD")
        found += [f"{name} in the last stage: there is no shell" for name in names if name == "RUN"]
        found += [f"{name}: not allowed" for name, _ in self.instructions if name in FORBIDDEN]
        settings = [(name, rest) for name in ("ARG", "ENV") for rest in self.of(name)]
        found += [f"{name} {rest}: looks secret" for name, rest in settings if SECRET.search(rest)]
        if not any("org.opencontainers.image.revision" in rest for rest in self.of("LABEL")):
            found.append("no label tells the revision it was built from")
        return found


def test_there_is_one_for_every_kind_of_service() -> None:
    names = {path.name for path in DOCKERFILES}
    assert names == {"fastify.Dockerfile", "nextjs.Dockerfile", "worker.Dockerfile", "python_job.Dockerfile"}


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_it_keeps_the_rules(path: Path) -> None:
    assert Dockerfile(path.read_text()).problems() == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(path: Path) -> None:
    hadolint = installed("hadolint", Path(sys.executable).parent)
    found = subprocess.run([hadolint, str(path)], capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("FROM node:24", "FROM node:24: not an argument pinned by digest"),
        ("HEALTHCHECK CMD true", "HEALTHCHECK: not allowed"),
        ("CMD node server.js", "CMD node server.js: not in exec form"),
        ("USER root", "USER ['65532:65532', 'root']: must be 65532:65532"),
        ("RUN true", "RUN in the last stage: there is no shell"),
        ("ENV DB_PASSWORD=x", "ENV DB_PASSWORD=x: looks secret"),
    ],
)
def test_a_broken_rule_is_seen(line: str, problem: str) -> None:
    good = (REPOSITORY / "dockerfiles" / "fastify.Dockerfile").read_text()
    assert problem in Dockerfile(f"{good}{line}\n").problems()
