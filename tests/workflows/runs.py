"""The runs that tests ask for again and again, and the calls they look for."""

from collections.abc import Iterable

from tests.workflows.running import OWN, Reply, Run, Stage

REGISTRY = "europe-west1-docker.pkg.dev/pushnchat-registry/apps"
BACKEND, FRONTEND = f"{REGISTRY}/backend", f"{REGISTRY}/frontend"
LIST, ADD = "gcloud artifacts docker tags list ", "gcloud artifacts docker tags add "
WAIT = "python scripts/wait_for_rollout.py "
SEND = "python scripts/send_command.py "
TERRAFORM = "terraform -chdir=terraform/environments/"
OPENED = Reply("gh api --method POST repos/*/deployments --jq .id *", 0, "7\n")
PROMOTED = Reply(f"{WAIT}*", 0, "backend ddddddd: promoted\n")
PULL_REQUEST = {"pull_request": {"number": 12, "head": {"repo": {"full_name": OWN}}}}


def pushed(stage: Stage, service: str = "backend", replies: Iterable[Reply] = (), failing: Iterable[str] = ()) -> Run:
    return stage.run("push", f"{service}.yml", replies=(*replies, OPENED, PROMOTED), failing=failing)


def dispatched(stage: Stage, workflow: str, replies: Iterable[Reply] = (), **inputs: str) -> Run:
    return stage.run("workflow_dispatch", workflow, payload={"inputs": inputs}, replies=(*replies, OPENED, PROMOTED))
