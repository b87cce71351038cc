"""The workflows are sound, pinned, and given no right they do not need."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.configuration import environments
from shared.rollout.strategy import Strategy
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


@pytest.mark.parametrize("path", sorted(GITHUB.rglob("*.yml")), ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_that_says_its_version(path: Path) -> None:
    used = [line.strip().removeprefix("- ") for line in path.read_text().splitlines() if "uses:" in line]
    assert [line for line in used if not PINNED.fullmatch(line)] == []


@each_workflow
def test_a_workflow_has_no_right_and_each_job_asks_for_what_it_needs(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert "permissions" in job, name
        most = 350 if path.name == "_wait.yml" else 60
        assert "uses" in job or job["timeout-minutes"] <= most, name


WRITES = {
    "_apply.yml": {"id-token"},
    "_service.yml": {"id-token", "attestations"},
    "_wait.yml": {"id-token", "deployments"},
    "backend.yml": {"id-token", "attestations", "deployments"},
    "delivery.yml": {"id-token"},
    "frontend.yml": {"id-token", "attestations", "deployments"},
    "nightly.yml": {"id-token", "issues"},
    "promote.yml": {"id-token", "deployments"},
    "rollback.yml": {"id-token"},
    "terraform.yml": {"id-token", "pull-requests"},
    "worker.yml": {"id-token", "attestations"},
}


@each_workflow
def test_what_a_workflow_may_write_is_known(path: Path) -> None:
    rows = [right for job in read(path)["jobs"].values() for right in job["permissions"].items()]
    assert {kind for kind, level in rows if level == "write"} == WRITES.get(path.name, set())


@each_workflow
def test_who_may_sign_in_does_nothing_else_with_githubs_token(path: Path) -> None:
    """A job that can become a Google account writes to no issue and no pull request, where texts of others are read."""
    for name, job in read(path)["jobs"].items():
        rights = {kind for kind, level in job["permissions"].items() if level == "write"}
        assert not ("id-token" in rights and rights & {"issues", "pull-requests", "contents"}), name


@each_workflow
def test_no_workflow_reads_a_variable_that_somebody_must_copy_to_github(path: Path) -> None:
    assert "vars." not in path.read_text()
    assert re.findall(r"secrets\.\w+", path.read_text()) == []


@each_workflow
def test_a_failure_before_a_pipe_fails_the_step(path: Path) -> None:
    """A shell that is not named runs without pipefail: what fails in front of `| tee` would pass."""
    assert read(path)["defaults"] == {"run": {"shell": "bash"}}


def jobs_in_environments() -> set[tuple[str, str]]:
    """The jobs that run in a GitHub environment, whose reviewers they ask, and what they show there."""
    found = set()
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            where = job.get("environment")
            if where is not None:
                shown = isinstance(where, str) or where.get("deployment", True)
                found.add((f"{path.stem}/{name}", "a deployment" if shown else "none"))
    return found


def test_only_what_changes_an_environment_asks_its_reviewers_and_only_an_apply_is_shown_as_a_deployment() -> None:
    assert jobs_in_environments() == {
        ("_apply/apply", "a deployment"),
        ("promote/promote", "none"),
        ("rollback/rollback", "none"),
    }


ACCOUNTS = {
    "_apply/apply": "deployer",
    "_service/image": "pusher",
    "_wait/rollout": "planner",
    "nightly/environments": "planner",
    "promote/promote": "promoter",
    "rollback/rollback": "${{ !inputs.dry_run && 'operator' || '' }}",
    "terraform/plan": "planner",
}


def test_each_job_signs_in_as_the_account_that_may_do_no_more() -> None:
    found = {}
    for path in WORKFLOWS:
        for name, job in read(path)["jobs"].items():
            for step in job.get("steps", ()):
                if step.get("uses") == "./.github/actions/sign_in":
                    found[f"{path.stem}/{name}"] = step["with"]["account"]
                    assert job["permissions"]["id-token"] == "write"
    assert found == ACCOUNTS


def concurrency(path: Path) -> list[Any]:
    workflow = read(path)
    rows = [workflow.get("concurrency"), *(job.get("concurrency") for job in workflow["jobs"].values())]
    return [row for row in rows if row]


@pytest.mark.parametrize("name", ["_service", "_apply", "promote"])
def test_a_delivery_runs_alone_and_is_never_broken_off(name: str) -> None:
    [row] = concurrency(GITHUB / "workflows" / f"{name}.yml")
    assert row["cancel-in-progress"] is False
    assert "${{" in row["group"]


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_only_a_pull_requests_run_is_ended_by_its_next_commit(service: str) -> None:
    [row] = concurrency(GITHUB / "workflows" / f"{service}.yml")
    assert row["group"] == f"{service}-${{{{ github.event_name == 'pull_request' && github.ref || github.run_id }}}}"


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_a_service_is_built_when_its_own_files_change(service: str) -> None:
    workflow = read(GITHUB / "workflows" / f"{service}.yml")
    call = workflow["jobs"][service]["with"]
    expected = {
        f"{call['directory']}/**",
        f"dockerfiles/{call['dockerfile']}",
        ".github/actions/sign_in/**",
        f".github/workflows/{service}.yml",
        ".github/workflows/_service.yml",
        ".github/workflows/_wait.yml",
    }
    for event in ("pull_request", "push"):
        assert set(workflow[True][event]["paths"]) == expected  # YAML 1.1 reads the key `on` as true


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_what_is_pushed_on_main_is_followed_to_its_end(service: str) -> None:
    jobs = read(GITHUB / "workflows" / f"{service}.yml")["jobs"]
    assert jobs["rollout"]["needs"] == service
    assert jobs["rollout"]["if"] == "github.event_name == 'push'"
    assert jobs["rollout"]["with"]["digest"] == f"${{{{ needs.{service}.outputs.digest }}}}"


def test_a_frontend_says_that_it_has_files_of_its_own() -> None:
    assert read(GITHUB / "workflows" / "frontend.yml")["jobs"]["frontend"]["with"]["assets"] is True


def test_a_services_pages_are_measured_where_production_has_budgets_for_them() -> None:
    production = environments.read("production").found
    assert production is not None
    budgeted = {name for name, service in production.services.items() if service.connectivity}
    jobs = [job for path in WORKFLOWS for job in read(path)["jobs"].values()]
    calls = [job["with"] for job in jobs if job.get("uses", "").endswith("/_service.yml")]
    assert {call["service"] for call in calls if call.get("pages")} == budgeted


def test_a_wait_is_longer_than_a_quiet_service_takes() -> None:
    """Each share needs its bake time and, on a quiet service, the whole proof time; then comes the hour at 100 %."""
    strategy = Strategy()
    shares = len(strategy.steps) * (strategy.step_bake_time + strategy.proof_time)
    longest = strategy.prepare_deadline + strategy.verify_deadline + shares + strategy.final_bake_time
    wait = read(GITHUB / "workflows" / "_wait.yml")
    minutes = wait[True]["workflow_call"]["inputs"]["minutes"]["default"]
    assert longest <= timedelta(minutes=minutes)
    assert minutes < wait["jobs"]["rollout"]["timeout-minutes"]


@pytest.mark.parametrize(("workflow", "last"), [("ci", "required"), ("nightly", "report")])
def test_the_last_job_waits_for_every_other(workflow: str, last: str) -> None:
    jobs = read(GITHUB / "workflows" / f"{workflow}.yml")["jobs"]
    assert set(jobs[last]["needs"]) == set(jobs) - {last}
    assert jobs[last]["if"] == "always()"


def test_ci_runs_what_a_person_runs() -> None:
    """Its parts are those of scripts/test, which leave no directory of tests out, and the demos those of the README."""
    jobs = read(GITHUB / "workflows" / "ci.yml")["jobs"]
    script = (REPOSITORY / "scripts" / "test").read_text()
    [known] = re.findall(r"one of ([a-z, ]+)$", script, re.MULTILINE)
    assert jobs["checks"]["strategy"]["matrix"]["part"] == known.split(", ")
    [own] = re.findall(r"own=\((.*)\)", script)
    assert {name.removeprefix("tests/").replace("packaging", "package") for name in own.split()} == set(
        known.split(", ")
    ) - {"lint", "types", "tests"}
    whole = (REPOSITORY / ".ci" / "run").read_text()
    pages = "".join((REPOSITORY / name / "README.md").read_text() for name in (".", "dockerfiles"))
    others = [step["run"] for name in ("demo", "containers") for step in jobs[name]["steps"] if "run" in step]
    assert len(others) == 4
    for command in ("scripts/test", *others):
        assert re.search(rf"^{command}( 2>&1.*)?$", whole, re.MULTILINE), command
        assert command in pages


def test_a_part_runs_what_it_says(tmp_path: Path) -> None:
    """Run with programs that only say how they were called."""
    for name in ("scripts/test", "scripts/environment.sh"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    for name in ("requirements.txt", "requirements-dev.txt"):
        shutil.copy(REPOSITORY / name, tmp_path / name)
    said = tmp_path / ".venv" / "bin"
    said.mkdir(parents=True)
    for program in ("python", "ruff", "lint-imports", "mypy"):
        (said / program).write_text('#!/usr/bin/env bash\necho "${0##*/} $*"\n')
        (said / program).chmod(0o755)
    stamp = hashlib.sha256(
        b"".join((tmp_path / name).read_bytes() for name in ("requirements.txt", "requirements-dev.txt"))
    )
    (said.parent / "requirements.sha256").write_text(f"{stamp.hexdigest()}  -\n")

    def run(*arguments: str) -> list[str]:
        done = subprocess.run([tmp_path / "scripts" / "test", *arguments], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    lint = ["ruff format --check .", "ruff check .", "lint-imports --no-cache"]
    tests = "python -m pytest -n 2 --dist loadfile --no-loadscope-reorder"
    covered = f"{tests} --cov --cov-report=term-missing:skip-covered"
    own = "--ignore=tests/simulation --ignore=tests/packaging --ignore=tests/terraform --ignore=tests/workflows"
    assert run() == [*lint, "mypy ", covered]
    assert run("lint") == lint
    assert run("types") == ["mypy "]
    assert run("tests") == [f"{covered} {own} --ignore=tests/docs"]
    assert run("package") == [f"{tests} tests/packaging"]
    assert run("docs") == [f"{tests} tests/docs"]
    assert run("tests/rollout", "-k", "pinned") == ["python -m pytest tests/rollout -k pinned"]


def test_every_service_uses_the_one_workflow_with_its_own_dockerfile() -> None:
    callers = [read(path) for path in WORKFLOWS if "_service.yml" in path.read_text() and path.name != "_service.yml"]
    jobs = [job for caller in callers for job in caller["jobs"].values()]
    calls = {job["with"]["service"]: job["with"] for job in jobs if job["uses"].endswith("/_service.yml")}
    there = {path.parent.name for path in (REPOSITORY / "dockerfiles" / "reference").glob("*/package.json")}
    assert set(calls) == there
    shipped = set(environments.read("production").document.value["services"])
    for name, call in calls.items():
        assert (REPOSITORY / "dockerfiles" / call["dockerfile"]).is_file()
        assert (REPOSITORY / call["directory"] / "package-lock.json").is_file()
        assert call["push"] == ("${{ github.event_name == 'push' }}" if name in shipped else False)


def test_everything_that_is_pinned_is_looked_after() -> None:
    """Dependabot has all but the Dockerfiles: it does not read an ARG that FROM names (dependabot-core issue 2057)."""
    rows = read(GITHUB / "dependabot.yml")["updates"]
    updates = {
        (row["package-ecosystem"], name) for row in rows for name in row.get("directories", [row.get("directory")])
    }
    actions = {("github-actions", f"/{path.parent.relative_to(REPOSITORY)}") for path in GITHUB.rglob("action.yml")}
    locks = {("npm", f"/{path.parent.relative_to(REPOSITORY)}") for path in _lock_files()}
    assert updates == {("github-actions", "/"), ("pip", "/"), *actions, *locks}
    renovate = json.loads((GITHUB / "renovate.json").read_text())
    assert renovate["enabledManagers"] == ["dockerfile"]
    assert renovate["pinDigests"] is True


def scripts() -> list[Path]:
    """Every file of the repository that bash reads."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout.splitlines()
    paths = [REPOSITORY / name for name in names if (REPOSITORY / name).is_file()]
    shebang = re.compile(rb"#!.*\b(ba|da|)sh\b")
    return [path for path in paths if path.suffix == ".sh" or shebang.match(path.read_bytes()[:64])]


def test_shellcheck_finds_nothing_in_any_script() -> None:
    found = scripts()
    assert {REPOSITORY / name for name in (".ci/run", "scripts/environment.sh", "scripts/test")} <= set(found)
    command = [installed("shellcheck", BIN), "--external-sources", "--shell=bash", *map(str, found)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")


def _lock_files() -> list[Path]:
    found = [path for home in ("dockerfiles", "scripts") for path in (REPOSITORY / home).rglob("package-lock.json")]
    return [path for path in found if "node_modules" not in path.parts]
