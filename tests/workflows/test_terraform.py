"""What a pull request would change is shown, and what was merged is applied to one environment after another."""

import shlex
from typing import Any

import pytest

from tests.workflows.running import OWN, REAL_PACKAGES, Reply, Run, Stage
from tests.workflows.runs import PULL_REQUEST, SEND, TERRAFORM

COMMENTS = f"repos/{OWN}/issues/12/comments"
APPLIED = [f"{environment}/apply/apply" for environment in ("dev", "staging", "production")]


# -------------------------------------------------------------------------------------------------------- plans


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


# ------------------------------------------------------------------------------------------------------ applies


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
