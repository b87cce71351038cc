"""What is checked on every change and every night, and who hears of it."""

import pytest

from tests.workflows.running import BUILT_IN, OUTPUTS, Reply, Run, Stage, texts, used
from tests.workflows.runs import PULL_REQUEST, TERRAFORM


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


# -------------------------------------------------------------------------------------------------- every night


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


# ---------------------------------------------------------------------------------------------------- stand-ins


def test_every_action_has_a_stand_in_and_every_stand_in_an_action(stage: Stage) -> None:
    assert {name for name, _ in used(texts(stage.repository))} == {*OUTPUTS, BUILT_IN}
