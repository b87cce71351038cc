"""Workflows run by act on this machine, with a stand-in for every action and every program that reaches out.

A copy of the repository with a history of its own is checked out into each job. What act cannot model is not run but
read, in test_workflows.py: permissions, tokens, environments and their reviewers, concurrency, path filters, and
`deployment: false`, which its schema does not know yet and which is taken out of the copy.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import yaml

from scripts.configuration import environments, for_workflows
from tests.tools import installed, required

REPOSITORY: Final = Path(__file__).parents[2]
STUBS: Final = Path(__file__).parent / "stubs"
OWN: Final = "pushnchat/delivery"
DIGEST: Final = f"sha256:{'d' * 64}"
BUILT_IN: Final = "actions/checkout"  # act brings it along
OUTPUTS: Final[Mapping[str, Mapping[str, str]]] = {
    "actions/attest-build-provenance": {},
    "actions/download-artifact": {},
    "actions/setup-node": {},
    "actions/setup-python": {},
    "actions/upload-artifact": {},
    "aquasecurity/trivy-action": {},
    "docker/build-push-action": {"digest": DIGEST},
    "docker/setup-buildx-action": {},
    "google-github-actions/auth": {},
    "google-github-actions/setup-gcloud": {},
    "hashicorp/setup-terraform": {},
}
"""What the stand-in of each action gives. An action that is not here is run by nobody: a test demands its row."""
PROGRAMS: Final = ("checkov", "curl", "docker", "gcloud", "gh", "npm", "python", "sudo", "terraform")
SCRIPTS: Final = (
    "scripts/benchmark",
    "scripts/demo",
    "scripts/fuzz",
    "scripts/measure_pages",
    "scripts/mutate",
    "scripts/simulate",
    "scripts/test",
    "scripts/test_browser",
    "scripts/test_chaos",
    "scripts/test_containers",
)
TOOLS: Final = (
    *(
        "bash",
        "cat",
        "cp",
        "cut",
        "date",
        "env",
        "git",
        "grep",
        "head",
        "jq",
        "mkdir",
        "rm",
        "sed",
        "sha256sum",
        "tail",
    ),
    "tee",
)
"""What does what it says. A program that is in neither list is not found, and its step fails."""
_USED: Final = re.compile(r"uses: ([\w.-]+/[\w.-]+)@([0-9a-f]{40})")


class Reply(tuple[str, str, str]):
    """How a program answers where its call matches the pattern: exit code, or "real", and what it prints."""

    __slots__ = ()

    def __new__(cls, pattern: str, code: int | str = 0, printed: str = "") -> Self:
        return super().__new__(cls, (pattern, str(code), printed.replace("\n", "\\n").replace("\t", "\\t")))


REAL_MIGRATION: Final = Reply("python scripts/read_migration.py *", "real")
REAL_PACKAGES: Final = Reply("python scripts/package_functions.py *", "real")


def told() -> Iterator[Reply]:
    """What scripts/environments.py says, without starting it again and again."""
    command = "python scripts/environments.py"
    for name in environments.names():
        found = environments.read(name).found
        assert found is not None
        for kind in ("", *for_workflows.ACCOUNTS):
            if (kind, name) != ("promoter", "dev"):
                rows = "".join(f"{key}={value}\n" for key, value in for_workflows.outputs(found, kind).items())
                shown = kind or "''"
                yield Reply(f"{command} outputs {name} --account {shown}", 0, rows)
    yield Reply(f"{command} matrix", 0, json.dumps({"environment": ["dev", "staging", "production"]}))


def used(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Every action of somebody else's, with its commit."""
    return {(found[1], found[2]) for text in texts for found in _USED.finditer(text)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What happened. calls: in order, actions as "uses NAME input=value …", programs as they were called.

    jobs: each that ran, with "success" or "failure"; one that was skipped is missing. failed_steps: as "job: step".
    """

    code: int
    calls: tuple[str, ...]
    jobs: Mapping[str, str]
    failed_steps: tuple[str, ...]
    summary: str
    text: str

    def calling(self, *beginnings: str) -> list[str]:
        """The calls that begin with one of these."""
        return [call for call in self.calls if call.startswith(beginnings)]


@dataclass(frozen=True, slots=True)
class Stage:
    """A copy of the repository, and where its runs write. commits: of its history, oldest first."""

    home: Path
    commits: list[str] = field(default_factory=list)
    told: tuple[Reply, ...] = field(default_factory=lambda: tuple(told()))

    @property
    def repository(self) -> Path:
        return self.home / "repository"

    def build(self) -> "Stage":
        """Copies what workflows read, and puts the stand-ins in place."""
        shutil.copytree(REPOSITORY / ".github", self.repository / ".github")
        shutil.copy(REPOSITORY / "requirements-dev.txt", self.repository)
        for path in sorted((REPOSITORY / "dockerfiles" / "reference").glob("*/package.json")):
            (self.repository / path.relative_to(REPOSITORY)).parent.mkdir(parents=True)
            shutil.copy(path, self.repository / path.relative_to(REPOSITORY))
        (self.repository / "scripts").mkdir()
        for name in SCRIPTS:
            shutil.copy(STUBS / "command", self.repository / name)
        (self.home / "bin").mkdir()
        for name in PROGRAMS:
            shutil.copy(STUBS / "command", self.home / "bin" / name)
        for name in TOOLS:
            (self.home / "bin" / name).symlink_to(required(name, shutil.which(name)))
        for path in (self.repository / ".github").rglob("*.yml"):
            path.write_text(re.sub(r"(?m)^ +deployment: false\n", "", path.read_text()))
        given = inputs(texts(self.repository))
        for name in OUTPUTS:
            stub = self.home / "actions" / name / "action.yml"
            stub.parent.mkdir(parents=True)
            stub.write_text(json.dumps(_stand_in(name, given[name])))
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", f"https://github.com/{OWN}.git")
        self._git("add", "--all")
        self.commit()
        return self

    def commit(self, *trailers: str) -> str:
        """A new commit on main."""
        said = [part for trailer in trailers for part in ("--trailer", trailer)]
        self._git("commit", "--quiet", "--allow-empty", "--message", "Change something", *said)
        self.commits.append(self._git("rev-parse", "HEAD"))
        return self.commits[-1]

    def run(
        self,
        event: str,
        workflow: str,
        *,
        payload: Mapping[str, Any] | None = None,
        replies: Iterable[Reply] = (),
        failing: Iterable[str] = (),
        tampered: str = "",
        job: str = "",
    ) -> Run:
        """failing: actions that end with an error; job: the only one that is run, with those it needs.

        tampered: files of artifacts whose names begin so are changed on the way.
        """
        here = self.home / "runs" / str(len(list(self.home.glob("runs/*"))))
        (here / "artifacts").mkdir(parents=True)
        (here / "event.json").write_text(json.dumps(payload or {}))
        (here / "replies").write_text("".join("\t".join(reply) + "\n" for reply in (*replies, *self.told)))
        (here / "log").touch()
        stubs = {
            "STUB_ARTIFACTS": str(here / "artifacts"),
            "STUB_FAILING": " ".join(failing),
            "STUB_LOG": str(here / "log"),
            "STUB_PYTHON": sys.executable,
            "STUB_REPLIES": str(here / "replies"),
            "STUB_REPOSITORY": str(REPOSITORY),
            "STUB_TAMPERED": tampered,
        }
        command = [*_offline(), installed("act", Path(sys.executable).parent), event, *self._options()]
        command += ["--eventpath", str(here / "event.json"), "--workflows", f".github/workflows/{workflow}"]
        command += ["--job", job] if job else []
        command += [part for name, value in stubs.items() for part in ("--env", f"{name}={value}")]
        environment = {**os.environ, **stubs, "HOME": str(here), "PATH": str(self.home / "bin")}
        environment.pop("XDG_CACHE_HOME", None)
        done = subprocess.run(
            command, cwd=self.repository, env=environment, capture_output=True, text=True, timeout=120
        )
        return _read(done, (here / "log").read_text())

    def _options(self) -> Iterator[str]:
        yield from ("--platform", "ubuntu-24.04=-self-hosted", "--no-cache-server", "--pull=false", "--json")
        yield from ("--action-offline-mode", "--secret", "GITHUB_TOKEN=token")
        for name, commit in sorted(used(texts(self.repository))):
            if name in OUTPUTS:
                yield from ("--local-repository", f"{name}@{commit}={self.home / 'actions' / name}")

    def _git(self, *arguments: str) -> str:
        who = ["-c", "user.name=amina", "-c", "user.email=amina@example.org", "-c", "commit.gpgsign=false"]
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=self.repository, capture_output=True, text=True, check=True)
        return done.stdout.strip()


def texts(repository: Path) -> list[str]:
    """Of every workflow and of our own actions."""
    return [path.read_text() for path in sorted((repository / ".github").rglob("*.yml"))]


def inputs(texts: Iterable[str]) -> Mapping[str, set[str]]:
    """Of every action, each input that some step gives it."""
    found: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        file = yaml.safe_load(text)
        holders = [*file.get("jobs", {}).values(), file.get("runs", {})]
        steps = [step for holder in holders for step in holder.get("steps", ())]
        for step in steps:
            found[step.get("uses", "").partition("@")[0]].update(step.get("with", ()))
    return found


def _stand_in(name: str, given: Iterable[str]) -> dict[str, Any]:
    """An action of one step that runs stubs/action."""
    step = {
        "shell": "bash",
        "run": str(STUBS / "action"),
        "env": {"NAME": name, "GIVEN": "${{ toJSON(inputs) }}"},
    }
    return {
        "name": name,
        "description": "A stand-in",
        "inputs": {key: {"description": key, "default": ""} for key in sorted(given)},
        "outputs": {key: {"value": value} for key, value in OUTPUTS[name].items()},
        "runs": {"using": "composite", "steps": [step]},
    }


def _offline() -> list[str]:
    """Cuts the run off from every network, where this user may; that nothing is fetched is the table's to say."""
    unshare = shutil.which("unshare")
    return [unshare, "--net"] if unshare and os.geteuid() == 0 else []


def _read(done: subprocess.CompletedProcess[str], log: str) -> Run:
    jobs: dict[str, str] = {}
    failed: list[str] = []
    summary, said = [], []
    for line in done.stdout.splitlines():
        if not line.startswith("{"):
            said.append(line)
            continue
        row = json.loads(line)
        job = row.get("job", "").strip()
        if row.get("raw_output") or row.get("command"):
            said.append(row["msg"].rstrip())
        if "jobResult" in row:
            jobs[job] = row["jobResult"]
        if row.get("stepResult") == "failure" and len(row.get("stepID", ())) == 1:
            failed.append(f"{job}: {row['step']}")
        if row.get("command") == "summary":
            summary.append(row["content"])
    return Run(
        code=done.returncode,
        calls=tuple(log.splitlines()),
        jobs=jobs,
        failed_steps=tuple(failed),
        summary="".join(summary),
        text="\n".join([*said, done.stderr]),
    )
