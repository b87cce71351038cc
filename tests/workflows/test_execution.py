"""Every workflow, run: what it calls when all goes well, and what it does not call when something fails."""

import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.workflows.running import (
    BUILT_IN,
    DIGEST,
    OUTPUTS,
    OWN,
    REAL_MIGRATION,
    REAL_PACKAGES,
    Reply,
    Run,
    Stage,
    texts,
    used,
)

REGISTRY = "europe-west1-docker.pkg.dev/pushnchat-registry/apps"
BACKEND, FRONTEND = f"{REGISTRY}/backend", f"{REGISTRY}/frontend"
LIST, ADD = "gcloud artifacts docker tags list ", "gcloud artifacts docker tags add "
WAIT = "python scripts/wait_for_rollout.py "
DEPLOYMENTS = f"gh api --silent --method POST repos/{OWN}/deployments/7/statuses"
OPENED = Reply("gh api --method POST repos/*/deployments --jq .id *", 0, "7\n")
PROMOTED = Reply(f"{WAIT}*", 0, "backend ddddddd: promoted\n")
PULL_REQUEST = {"pull_request": {"number": 12, "head": {"repo": {"full_name": OWN}}}}
SEND = "python scripts/send_command.py "


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage")).build()


def pushed(stage: Stage, service: str = "backend", replies: Iterable[Reply] = (), failing: Iterable[str] = ()) -> Run:
    return stage.run("push", f"{service}.yml", replies=(*replies, OPENED, PROMOTED), failing=failing)


def dispatched(stage: Stage, workflow: str, replies: Iterable[Reply] = (), **inputs: str) -> Run:
    return stage.run("workflow_dispatch", workflow, payload={"inputs": inputs}, replies=(*replies, OPENED, PROMOTED))


def names(run: Run) -> list[str]:
    """Of the calls: the action's, or the program's with what it is told to do; setting up is left out.

    So is what reads another's output: the two of them start at once.
    """
    ignored = (
        *("uses actions/setup-", "uses google-github-actions/setup-gcloud", "uses hashicorp/", "python -m pip "),
        "python scripts/read_migration.py ",
    )
    calls = [call for call in run.calls if not call.startswith(ignored)]
    return [" ".join(word for word in call.split()[:3] if "=" not in word) for call in calls]


def test_every_action_has_a_stand_in_and_every_stand_in_an_action(stage: Stage) -> None:
    assert {name for name, _ in used(texts(stage.repository))} == {*OUTPUTS, BUILT_IN}


def test_a_push_is_tested_built_scanned_and_attested_before_the_tag_that_deploys_it(stage: Stage) -> None:
    run = pushed(stage)
    assert run.code == 0, run.text
    assert names(run) == [
        "(dockerfiles/reference/backend) npm ci",
        "(dockerfiles/reference/backend) npm test",
        "(dockerfiles/reference/backend) npm audit",
        "python scripts/environments.py outputs",
        "uses google-github-actions/auth",
        "gcloud auth configure-docker",
        "uses docker/setup-buildx-action",
        "uses docker/build-push-action",
        "gcloud artifacts docker",
        "uses aquasecurity/trivy-action",
        "uses actions/attest-build-provenance",
        "gcloud beta container",
        "gcloud artifacts docker",
        "python scripts/environments.py outputs",
        "uses google-github-actions/auth",
        "gh api --method",
        "gh api --silent",
        "python scripts/wait_for_rollout.py backend",
        "gh api --silent",
    ]
    [build] = run.calling("uses docker/build-push-action")
    assert f"outputs=type=image,name={BACKEND},push-by-digest=true,name-canonical=true,push=true " in build
    assert "provenance=mode=max sbom=true" in build
    assert "tags=" not in build
    assert f"REVISION={stage.commits[-1]}," in build
    [scan] = run.calling("uses aquasecurity/trivy-action")
    assert f"image-ref={BACKEND}@{DIGEST} " in scan
    [attested] = run.calling("uses actions/attest-build-provenance")
    assert f"subject-digest={DIGEST} subject-name={BACKEND}" in attested
    [signed] = run.calling("gcloud beta container binauthz attestations sign-and-create ")
    assert (
        f"--artifact-url={BACKEND}@{DIGEST} --attestor=projects/pushnchat-registry/attestors/built-by-pipeline"
        in signed
    )
    assert run.calling(ADD) == [f"{ADD}{BACKEND}@{DIGEST} {BACKEND}:dev-{stage.commits[-1]}"]
    assert [call.split("@")[0].partition("=")[2] for call in run.calling("uses google-github-actions/auth")] == [
        "github-pusher",
        "github-planner-dev",
    ]
    assert f"`{BACKEND}@{DIGEST}` is `dev-{stage.commits[-1]}`." in run.summary


def test_a_frontends_files_are_those_of_its_image_and_in_the_bucket_before_the_tag(stage: Stage) -> None:
    run = pushed(stage, "frontend")
    assert run.code == 0, run.text
    assert run.calling("docker create", "docker cp", "python scripts/upload_assets.py", ADD) == [
        f"docker create {FRONTEND}@{DIGEST}",
        "docker cp :/app/.next/static build/assets/_next/static",
        f"python scripts/upload_assets.py build/assets --bucket pushnchat-registry-assets --digest {DIGEST}",
        f"{ADD}{FRONTEND}@{DIGEST} {FRONTEND}:dev-{stage.commits[-1]}",
    ]


def served_and_measured(service: str, image: str) -> list[str]:
    serve = "docker run --detach --read-only --cap-drop=all --memory=512m --publish=127.0.0.1:8080:8080 --env=PORT=8080"
    wait = "curl --silent --show-error --fail --output /dev/null --retry 30 --retry-delay 1 --retry-all-errors"
    measure = f"scripts/measure_pages http://127.0.0.1:8080 --service {service} --environment production"
    kept = "--json build/pages/pages.json --picture build/pages/pages.svg"
    upload = f"uses actions/upload-artifact name=pages-{service} path=build/pages"
    return [f"{serve} {image}", f"{wait} http://127.0.0.1:8080/", f"{measure} {kept}", upload]


PAGES = ("docker run", "curl", "scripts/measure_pages", "uses actions/upload-artifact")


def test_a_frontends_pages_are_measured_from_its_image_before_the_tag(stage: Stage) -> None:
    run = pushed(stage, "frontend", [Reply("scripts/measure_pages*", 0, "142,397 of 200,000\n")])
    assert run.code == 0, run.text
    assert run.calling(*PAGES, ADD)[:-1] == served_and_measured("frontend", f"{FRONTEND}@{DIGEST}")
    assert "142,397 of 200,000" in run.summary
    assert pushed(stage, "backend").calling(*PAGES) == []


def test_pages_that_are_too_heavy_are_shown_and_not_tagged(stage: Stage) -> None:
    run = pushed(stage, "frontend", [Reply("scripts/measure_pages*", 1, "sends 240,000 bytes\n")])
    assert run.failed_steps == ("frontend/service/image: They are light enough for 2G",)
    assert "sends 240,000 bytes" in run.summary
    assert run.calls[-1].startswith("uses actions/upload-artifact name=pages-frontend")
    assert run.calling("docker create", "python scripts/upload_assets.py", ADD, WAIT) == []


@pytest.mark.parametrize(
    ("replies", "failing", "last"),
    [
        ([Reply("*npm test", 1)], [], "npm test"),
        ([Reply("*npm audit*", 1)], [], "npm audit"),
        ([], ["google-github-actions/auth"], "google-github-actions/auth"),
        ([], ["docker/build-push-action"], "docker/build-push-action"),
        ([], ["aquasecurity/trivy-action"], "aquasecurity/trivy-action"),
        ([Reply("docker run*", 1)], [], "docker run"),
        ([Reply("curl*", 22)], [], "curl"),
        ([Reply("docker create*", 1)], [], "docker create"),
        ([Reply("python scripts/upload_assets.py*", 1)], [], "upload_assets.py"),
        ([], ["actions/attest-build-provenance"], "actions/attest-build-provenance"),
        ([Reply("gcloud beta container binauthz*", 1)], [], "gcloud beta container binauthz"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_whatever_fails_before_it_nothing_is_tagged(
    stage: Stage, replies: list[Reply], failing: list[str], last: str
) -> None:
    run = pushed(stage, "frontend", replies, failing)
    assert run.code == 1
    assert last in run.calls[-1]
    assert run.calling(ADD, WAIT) == []
    assert "rollout/wait/rollout" not in run.jobs


def test_when_tests_fail_nothing_is_built_and_nobody_signs_in(stage: Stage) -> None:
    run = pushed(stage, replies=[Reply("*npm test", 1)])
    assert run.jobs == {"backend/service/test": "failure"}
    assert run.calling("uses docker/", "uses google-github-actions/", "gcloud", "docker") == []


def test_a_tag_that_cannot_be_added_is_followed_by_nobody(stage: Stage) -> None:
    run = pushed(stage, replies=[Reply(f"{ADD}*", 1)])
    assert run.failed_steps == ("backend/service/image: Tag, which deploys",)
    assert run.calling(WAIT) == []
    assert run.summary == ""


def test_what_no_environment_runs_is_built_on_main_and_not_pushed(stage: Stage) -> None:
    run = stage.run("push", "worker.yml")
    assert run.code == 0, run.text
    assert run.calling("uses google-github-actions/", "gcloud") == []
    assert "outputs=type=docker,name=worker:scan" in run.calls[-2]


@pytest.mark.parametrize("service", ["backend", "frontend"])
def test_a_pull_request_builds_and_scans_and_signs_in_nowhere(stage: Stage, service: str) -> None:
    run = stage.run("pull_request", f"{service}.yml", payload=PULL_REQUEST)
    assert run.code == 0, run.text
    [build, scan] = run.calling("uses docker/build-push-action", "uses aquasecurity/trivy-action")
    assert f"outputs=type=docker,name={service}:scan provenance=false sbom=false" in build
    assert f"image-ref={service}:scan" in scan
    assert run.calling("uses google-github-actions/auth", "gcloud", ADD) == []
    measured = served_and_measured(service, f"{service}:scan") if service == "frontend" else []
    assert run.calls[-1 - len(measured) :] == (scan, *measured)


@pytest.fixture
def branch(tmp_path: Path) -> Stage:
    """A stage whose history is this test's own."""
    return Stage(tmp_path).build()


def test_the_tag_says_what_every_commit_since_the_last_release_migrates(branch: Stage) -> None:
    released = Reply(f"{LIST}*", 0, f"dev-{branch.commits[0]}\t{DIGEST.replace('d', 'e')}\n")
    branch.commit("Migration: expand")
    last = branch.commit()
    assert pushed(branch, replies=[released, REAL_MIGRATION]).calling(ADD) == [
        f"{ADD}{BACKEND}@{DIGEST} {BACKEND}:dev-{last}-expand"
    ]
    frontend = pushed(branch, "frontend", replies=[released, REAL_MIGRATION])
    assert frontend.calling(ADD) == [f"{ADD}{FRONTEND}@{DIGEST} {FRONTEND}:dev-{last}"]


def test_with_a_migration_that_is_none_nothing_is_tagged(branch: Stage) -> None:
    branch.commit("Migration: exapnd")
    run = pushed(branch, replies=[REAL_MIGRATION])
    assert run.failed_steps == ("backend/service/image: Say how its tag must end",)
    assert run.calling("uses aquasecurity", ADD) == []


@pytest.mark.parametrize(
    ("code", "said", "state", "result"),
    [
        (0, "backend ddddddd: promoted", "success", "success"),
        (1, "backend ddddddd: rolled back: 9 of 40 failed", "failure", "failure"),
        (2, "backend ddddddd: held (paused): amina paused", "pending", "failure"),
        (3, "backend: no end within 240 minutes.", "in_progress", "success"),
        (70, "", "error", "failure"),
    ],
)
def test_how_a_rollout_ends_is_the_deployments_status(
    stage: Stage, code: int, said: str, state: str, result: str
) -> None:
    ended = Reply(f"{WAIT}*", code, f"backend ddddddd: progressing\n{said}\n" if said else "")
    run = stage.run("push", "backend.yml", replies=[ended, OPENED])
    assert run.jobs["rollout/wait/rollout"] == result, run.text
    opened, *statuses = run.calling("gh ")
    assert f"-f ref={stage.commits[-1]} -f environment=dev -f task=deploy:backend" in opened
    assert [status.split()[7].removeprefix("state=") for status in statuses] == ["in_progress", state]
    assert all(status.startswith(DEPLOYMENTS) for status in statuses)
    told = (said or "nobody could watch it").replace("(", r"\(").replace(")", r"\)").replace(" ", r"\ ")
    assert f"-f description={told} -F auto_inactive=false" in statuses[-1]
    assert said in run.summary


def test_a_rollout_that_nobody_could_watch_is_an_error_and_not_a_failure(stage: Stage) -> None:
    run = stage.run(
        "push", "backend.yml", replies=[Reply("python -m pip install --quiet -r functions/canary*", 1), OPENED]
    )
    assert "-f state=error " in run.calls[-1]
    assert run.jobs["rollout/wait/rollout"] == "failure"


ELSEWHERE = f"sha256:{'a' * 64}"


def promoted(stage: Stage, *replies: Reply, digest: str = DIGEST, environment: str = "production") -> Run:
    replies = (*replies, REAL_MIGRATION)
    return dispatched(stage, "promote.yml", replies, service="backend", digest=digest, environment=environment)


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_a_promotion_tags_the_same_digest_and_follows_its_rollout_there(branch: Stage, environment: str) -> None:
    rows = f"dev-{branch.commits[0]}-expand\t{DIGEST}\n"
    run = promoted(branch, Reply(f"{LIST}*", 0, rows), environment=environment)
    assert run.code == 0, run.text
    [added] = run.calling(ADD)
    image, tag = added.removeprefix(ADD).split()
    assert image == f"{BACKEND}@{DIGEST}"
    assert tag.startswith(f"{BACKEND}:{environment}-20")
    assert tag.endswith(f"-{'d' * 12}-expand")
    assert f"github-promoter-{environment}@" in run.calling("uses google-github-actions/auth")[0]
    [watched] = run.calling(WAIT)
    assert f"backend {DIGEST} --project pushnchat-{environment} " in watched
    assert [call for call in run.calls if "docker/" in call and not call.startswith("uses google")] == []


def test_a_promotion_brings_the_migrations_of_the_releases_that_were_left_out(branch: Stage) -> None:
    first = branch.commits[0]
    between, last = branch.commit("Migration: contract"), branch.commit()
    rows = f"dev-{first}\t{ELSEWHERE}\nproduction-20260101-000000-{'a' * 12}\t{ELSEWHERE}\n"
    rows += f"dev-{between}-contract\tsha256:{'b' * 64}\ndev-{last}\t{DIGEST}\n"
    [added] = promoted(branch, Reply(f"{LIST}*", 0, rows)).calling(ADD)
    assert added.endswith(f"-{'d' * 12}-contract")


@pytest.mark.parametrize("digest", ["latest", "sha256:dd", f"{DIGEST} --force"])
def test_what_is_no_digest_is_not_promoted(stage: Stage, digest: str) -> None:
    run = promoted(stage, digest=digest)
    assert (run.code, list(run.calls)) == (1, [])
    assert run.failed_steps == ("promote/promote: Check what was asked for",)


@pytest.mark.parametrize("failing", [LIST, ADD])
def test_a_promotion_that_gcloud_refuses_is_red_and_says_nothing_of_a_canary(stage: Stage, failing: str) -> None:
    rows = f"dev-{stage.commits[0]}\t{DIGEST}\n"
    run = promoted(stage, Reply(f"{failing}*", 1), Reply(f"{LIST}*", 0, rows))
    assert run.code == 1
    assert run.failed_steps == ("promote/promote: Tag, which deploys",)
    assert (run.summary, run.calling(WAIT)) == ("", [])
    assert (run.calling(ADD) == []) is (failing == LIST)


def test_a_rollback_is_only_shown_unless_it_is_meant(stage: Stage) -> None:
    told = {"service": "backend", "why": "checkout fails in Lagos", "environment": "production"}
    dry = dispatched(stage, "rollback.yml", [Reply(f"{SEND}*", 0, "would send\n")], dry_run="true", **told)
    assert dry.code == 0, dry.text
    assert dry.calling("uses google-github-actions/") == []
    assert dry.calls[-1].endswith(r"--why checkout\ fails\ in\ Lagos --request-id github-1 --dry-run")
    assert dry.summary == "would send\n"
    real = dispatched(stage, "rollback.yml", [Reply(f"{SEND}*", 0, "sent\n")], dry_run="false", **told)
    assert real.code == 0, real.text
    assert "github-operator-production@" in real.calling("uses google-github-actions/auth")[0]
    assert real.calls[-1].startswith(f"{SEND}rollback backend --project pushnchat-production --by ")
    assert "--dry-run" not in real.calls[-1]


def test_a_rollback_that_could_not_be_sent_is_red(stage: Stage) -> None:
    told = {"service": "backend", "why": "x", "environment": "dev", "dry_run": "false"}
    run = dispatched(stage, "rollback.yml", [Reply(f"{SEND}*", 1)], **told)
    assert (run.code, run.failed_steps) == (1, ("rollback/rollback: Send",))


def test_everything_green_is_required_green(stage: Stage) -> None:
    run = stage.run("push", "ci.yml")
    assert run.code == 0, run.text
    assert run.jobs["ci/required"] == "success"
    for script in ("scripts/test_chaos", "scripts/test_containers"):
        assert run.calling(script) == [script]
    assert run.calling("scripts/test_browser") == [r"scripts/test_browser -k not\ lossy"]
    assert "uses actions/upload-artifact name=browser path=build/e2e" in run.calls
    parts = [call.split()[1] for call in run.calling("scripts/test ")]
    assert sorted(parts) == sorted(
        ["lint", "types", "tests", "simulation", "package", "terraform", "workflows", "docs"]
    )
    assert run.calling("scripts/demo") == ["scripts/demo", "scripts/demo --services reference", "scripts/demo backup"]


@pytest.mark.parametrize(
    "failing", ["scripts/test types", "scripts/demo backup", "scripts/test_containers", "scripts/test_browser*"]
)
def test_one_red_job_is_required_red(stage: Stage, failing: str) -> None:
    run = stage.run("pull_request", "ci.yml", payload=PULL_REQUEST, replies=[Reply(failing, 1)])
    assert run.code == 1
    assert run.jobs["ci/required"] == "failure"


TERRAFORM = "terraform -chdir=terraform/environments/"
APPLIED = [f"{environment}/apply/apply" for environment in ("dev", "staging", "production")]


def delivered(run: Run, environment: str) -> list[str]:
    """What was done to one environment, in order."""
    mine = [call for call in run.calls if f"{environment} " in call or f"pushnchat-{environment}" in call]
    steps = [call.removeprefix(SEND).removeprefix(f"{TERRAFORM}{environment} ") for call in mine]
    return [step.split()[0] for step in steps if not step.startswith(("uses", "python"))]


def test_the_same_zips_go_to_every_environment_each_applied_in_a_freeze(stage: Stage) -> None:
    run = stage.run("push", "delivery.yml", replies=[REAL_PACKAGES])
    assert run.code == 0, run.text
    assert run.calling("python scripts/package_functions.py") == [
        "python scripts/package_functions.py --output build/zips"
    ]
    for environment in ("dev", "staging", "production"):
        assert delivered(run, environment) == ["init", "freeze", "plan", "show", "apply", "unfreeze"]
    held = [call for call in run.calling(SEND) if "freeze" in call]
    assert held
    holders = {words[words.index("--holder") + 1] for words in map(shlex.split, held)}
    assert holders == {"terraform apply, run 1"}, "the end of an apply lifts no stop that its actor ordered"
    accounts = [
        call.partition("=github-")[2].partition("@")[0] for call in run.calling("uses google-github-actions/auth")
    ]
    assert accounts == ["deployer-dev", "deployer-staging", "deployer-production"]
    assert len(run.calling("python scripts/guard_plan.py")) == 3


@pytest.mark.parametrize(
    ("replies", "step", "left_out"),
    [
        ([Reply(f"{TERRAFORM}dev plan*", 1)], "Plan", ["apply"]),
        ([Reply("python scripts/guard_plan.py", 1)], "Plan", ["apply"]),
        ([Reply(f"{TERRAFORM}dev apply*", 1)], "Apply", []),
        ([Reply(f"{SEND}freeze*", 1)], "Freeze", ["plan", "apply"]),
    ],
    ids=["plan", "guard", "apply", "freeze"],
)
def test_whatever_fails_the_freeze_is_lifted_and_no_later_environment_is_touched(
    stage: Stage, replies: list[Reply], step: str, left_out: list[str]
) -> None:
    run = stage.run("push", "delivery.yml", replies=[*replies, REAL_PACKAGES])
    assert run.code == 1
    assert run.failed_steps == (f"dev/apply/apply: {step}",)
    done = delivered(run, "dev")
    assert done[-1] == "unfreeze"
    assert not set(left_out) & set(done)
    assert not set(APPLIED[1:]) & set(run.jobs)


def test_zips_that_are_not_those_that_were_packaged_are_not_applied(stage: Stage) -> None:
    run = stage.run("push", "delivery.yml", replies=[REAL_PACKAGES], tampered="build_finished")
    assert run.failed_steps == ("dev/apply/apply: These are the zips that were packaged",)
    assert run.calling(TERRAFORM, SEND, "uses google-github-actions/") == []


COMMENTS = f"repos/{OWN}/issues/12/comments"


def planned(stage: Stage, *replies: Reply, payload: dict[str, Any] = PULL_REQUEST) -> Run:
    plans = Reply("python scripts/describe_plan.py *", 0, "### a plan\n")
    return stage.run("pull_request", "terraform.yml", payload=payload, replies=(*replies, plans))


def test_a_pull_request_shows_what_it_would_change_in_one_comment(stage: Stage) -> None:
    run = planned(stage)
    assert run.code == 0, run.text
    for environment in ("dev", "staging", "production"):
        done = [call.split()[2] for call in run.calling(f"{TERRAFORM}{environment} ")]
        assert done == ["init", "validate", "plan", "show"]
    assert all("-lock=false" in call for call in run.calls if " plan " in call and call.startswith("terraform"))
    assert all("=github-planner-" in call for call in run.calling("uses google-github-actions/auth"))
    assert run.summary == "### a plan\n" * 3
    assert run.calls[-1] == f"gh api --silent --method POST {COMMENTS} -F body=@comment.md"
    again = planned(stage, Reply(f"gh api --paginate {COMMENTS} *", 0, "https://comment/1\nhttps://comment/2\n"))
    assert again.calls[-1] == "gh api --silent --method PATCH https://comment/1 -F body=@comment.md"


def test_a_plan_that_fails_in_one_environment_is_shown_by_no_comment(stage: Stage) -> None:
    run = planned(stage, Reply(f"{TERRAFORM}staging validate", 1))
    assert run.code == 1
    assert run.failed_steps == ("terraform/plan-2: Plan",)
    assert run.calling("gh ") == []


def test_what_is_not_formatted_or_not_sound_is_not_planned(stage: Stage) -> None:
    for reply in (Reply("terraform fmt*", 3), Reply("python scripts/environments.py validate", 1)):
        run = planned(stage, reply)
        assert run.code == 1
        assert run.calling("uses google-github-actions/", "gh ", TERRAFORM) == []


def test_a_forks_pull_request_signs_in_nowhere(stage: Stage) -> None:
    fork = {"pull_request": {"number": 12, "head": {"repo": {"full_name": "somebody/delivery"}}}}
    run = planned(stage, payload=fork)
    assert run.calling("uses google-github-actions/", "gh ", TERRAFORM) == []


def night(stage: Stage, *replies: Reply, job: str = "") -> Run:
    return stage.run("schedule", "nightly.yml", replies=replies, job=job)


def test_a_night_without_a_finding_says_nothing_and_closes_what_is_open(stage: Stage) -> None:
    run = night(stage)
    assert run.code == 0, run.text
    assert len(run.calling("scripts/demo --services reference")) == 3
    assert len(run.calling("scripts/demo backup")) == 3
    assert len(run.calling("scripts/benchmark")) == 3
    assert len(run.calling("scripts/mutate ")) == 6
    assert len(run.calling("scripts/fuzz ")) == 1
    [lines] = run.calling("sudo ")
    assert lines.endswith(" CI=true CHROMIUM=/usr/bin/google-chrome scripts/test_browser -k lossy")
    assert "uses actions/upload-artifact name=slow-lines path=build/e2e" in run.calls
    assert len([call for call in run.calls if "-detailed-exitcode" in call]) == 3
    assert len(run.calling("python scripts/report_drills.py gs://pushnchat-")) == 3
    assert run.calling("gh issue") == [
        "gh issue list --state open --label nightly --json number --jq .\\[0\\].number\\ //\\ empty"
    ]
    closing = night(stage, Reply("gh issue list*", 0, "5\n"))
    assert closing.calls[-1].startswith("gh issue close 5 --comment Everything\\ passed:")


@pytest.mark.parametrize(
    ("reply", "job"),
    [
        (Reply("scripts/benchmark cold_start", 1), "benchmarks"),
        (Reply(f"{TERRAFORM}production plan*", 2), "environments"),
        (Reply(f"{TERRAFORM}production plan*", 1), "environments"),
        (Reply("python scripts/report_drills.py gs://pushnchat-staging*", 1), "environments"),
        (Reply("python -m pip_audit*", 1), "dependencies"),
        (Reply(r"(dockerfiles/reference/frontend) npm audit*", 1), "dependencies"),
        (Reply("scripts/simulate --breakages", 1), "simulation"),
        (Reply("scripts/mutate rollout", 1), "mutation"),
        (Reply("scripts/fuzz --seconds 180", 1), "fuzz"),
        (Reply("scripts/demo backup", 1), "demo"),
        (Reply("sudo * scripts/test_browser -k lossy", 1), "connectivity"),
        (Reply("checkov*", 1), "policies"),
    ],
    ids=["target", "drift", "plan", "drill", "pip", "npm", "simulation", "mutants", "fuzz", "demo", "lines", "checkov"],
)
def test_what_must_hold_every_night_is_red_when_it_does_not(stage: Stage, reply: Reply, job: str) -> None:
    assert night(stage, reply, job=job).code == 1


def test_what_a_night_finds_is_one_issue(stage: Stage) -> None:
    run = night(stage, Reply("scripts/benchmark cold_start", 1), Reply("checkov*", 1))
    assert run.code == 1
    assert run.calls[-1].startswith("gh issue create --label nightly ")
    assert "--body Failed:\\ benchmarks\\,\\ policies." in run.calls[-1]


def test_drift_is_described_and_an_open_issue_is_told_again(stage: Stage) -> None:
    drift = Reply(f"{TERRAFORM}production plan*", 2)
    run = night(
        stage, drift, Reply("gh issue list*", 0, "5\n"), Reply("python scripts/describe_plan.py*", 0, "### drift\n")
    )
    assert run.summary.count("### drift") == 1
    assert len(run.calling("python scripts/report_drills.py")) == 3
    assert run.calls[-1].startswith("gh issue comment 5 --body Failed\\ again:\\ environments.")
