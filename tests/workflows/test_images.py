"""A service's image is tested, built, scanned and attested before it is tagged, and else it is not tagged."""

import pytest

from tests.workflows.running import DIGEST, REAL_MIGRATION, Reply, Run, Stage
from tests.workflows.runs import ADD, BACKEND, FRONTEND, LIST, PULL_REQUEST, WAIT, pushed


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
