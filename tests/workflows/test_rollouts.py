"""A rollout is followed to its end, brought to the next environment, and taken back."""

import pytest

from tests.workflows.running import DIGEST, OWN, REAL_MIGRATION, Reply, Run, Stage
from tests.workflows.runs import ADD, BACKEND, LIST, OPENED, SEND, WAIT, dispatched

DEPLOYMENTS = f"gh api --silent --method POST repos/{OWN}/deployments/7/statuses"


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


# ---------------------------------------------------------------------------------------------------- promotions


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


# ----------------------------------------------------------------------------------------------------- rollbacks


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
