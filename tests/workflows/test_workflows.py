"""The workflows are sound, pinned, and given no right they do not need."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import installed

REPOSITORY = Path(__file__).parents[2]
GITHUB = REPOSITORY / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
PINNED = re.compile(r"uses: (\./[\w./-]+|[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*)$")
each_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
BIN = Path(sys.executable).parent


def read(path: Path) -> dict[Any, Any]:
    content: dict[Any, Any] = yaml.safe_load(path.read_text())
    return content


@each_workflow
def test_actionlint_and_shellcheck_find_nothing(path: Path) -> None:
    actionlint, shellcheck = installed("actionlint", BIN), installed("shellcheck", BIN)
    command = [actionlint, f"-shellcheck={shellcheck}", "-pyflakes=", str(path)]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert (found.returncode, found.stdout) == (0, "")


def test_zizmor_finds_nothing() -> None:
    zizmor = installed("zizmor", BIN)
    command = [zizmor, "--offline", "--no-progress", "--persona=regular", str(GITHUB)]
    found = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "No findings to report" in found.stdout + found.stderr


@each_workflow
def test_every_action_is_pinned_to_a_commit_that_says_its_version(path: Path) -> None:
    used = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert [line for line in used if not PINNED.fullmatch(line)] == []


@each_workflow
def test_rights_are_read_only_unless_a_job_says_why_not(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        most = 350 if path.name == "_wait.yml" else 40
        assert "uses" in job or job["timeout-minutes"] <= most, name
        wanted = set(job.get("permissions", {})) - {"contents"}
        assert wanted <= {"id-token", "attestations"}, name


@each_workflow
def test_a_failure_before_a_pipe_fails_the_step(path: Path) -> None:
    """A shell that is not named runs without pipefail: what fails in front of `| tee` would pass."""
    assert read(path)["defaults"] == {"run": {"shell": "bash"}}


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_what_is_pushed_on_main_is_followed_to_its_end(service: str) -> None:
    jobs = read(GITHUB / "workflows" / f"{service}.yml")["jobs"]
    assert jobs["rollout"]["needs"] == service
    assert jobs["rollout"]["if"] == "github.event_name == 'push'"
    assert jobs["rollout"]["with"]["digest"] == f"${{{{ needs.{service}.outputs.digest }}}}"


def test_a_frontend_has_its_assets_in_the_store_before_its_image_is_pushed() -> None:
    assert read(GITHUB / "workflows" / "frontend.yml")["jobs"]["frontend"]["with"]["assets"] is True
    steps = [step.get("name") for step in read(GITHUB / "workflows" / "_service.yml")["jobs"]["image"]["steps"]]
    assert steps.index("Upload the release's assets") < steps.index("Push")


def test_the_required_job_waits_for_every_other() -> None:
    jobs = read(GITHUB / "workflows" / "ci.yml")["jobs"]
    assert set(jobs["required"]["needs"]) == set(jobs) - {"required"}
    assert jobs["required"]["if"] == "always()"


def test_ci_runs_what_the_readme_runs() -> None:
    steps = read(GITHUB / "workflows" / "ci.yml")["jobs"]["checks"]["steps"]
    assert steps[-1]["run"] == ".ci/run"
    script = (REPOSITORY / ".ci" / "run").read_text()
    readme = (REPOSITORY / "README.md").read_text()
    for command in ("scripts/test", "scripts/demo"):
        assert command in script
        assert f"`{command}`" in readme


def test_every_shipped_service_uses_the_one_workflow_with_its_own_dockerfile() -> None:
    callers = [read(path) for path in WORKFLOWS if "_service.yml" in path.read_text() and path.name != "_service.yml"]
    jobs = [job for caller in callers for job in caller["jobs"].values()]
    calls = [job["with"] for job in jobs if job["uses"].endswith("/_service.yml")]
    assert {call["service"] for call in calls} == {"backend", "frontend"}
    for call in calls:
        assert (REPOSITORY / "dockerfiles" / call["dockerfile"]).is_file()
        assert (REPOSITORY / call["directory"] / "package-lock.json").is_file()
        assert call["push"] == "${{ github.event_name == 'push' }}"


def test_dependabot_looks_after_everything_that_is_pinned() -> None:
    updates = {(row["package-ecosystem"], row["directory"]) for row in read(GITHUB / "dependabot.yml")["updates"]}
    locks = {("npm", f"/{path.parent.relative_to(REPOSITORY)}") for path in _lock_files()}
    assert updates == {("github-actions", "/"), ("docker", "/dockerfiles"), ("pip", "/"), *locks}


def _lock_files() -> list[Path]:
    found = (REPOSITORY / "dockerfiles").rglob("package-lock.json")
    return [path for path in found if "node_modules" not in path.parts]
