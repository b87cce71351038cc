"""After a rollout, Terraform leaves image, traffic and record alone, and a changed setting still makes a revision."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scripts.guard_plan import findings
from shared.rollout.service import RECORD_ANNOTATION, ROLLOUT_ANNOTATION
from tests.terraform.stand import STATE, Root
from tests.tools import terraform_offline

IMAGE = "europe-west1-docker.pkg.dev/pushnchat-registry/apps/backend@sha256:" + "a" * 64
TRAFFIC = [
    {"percent": 75, "revision": "backend-00001-abc", "tag": "", "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION"},
    {
        "percent": 25,
        "revision": "backend-00002-def",
        "tag": "canary",
        "type": "TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION",
    },
]
BACKEND = 'module.platform.module.service["backend"].google_cloud_run_v2_service.this'


@pytest.fixture
def rolled_out(tmp_path: Path, applied: Callable[[str], Root], code: Path) -> Root:
    """A copy of the dev environment as applied, with a canary of the backend at a quarter of the traffic."""
    applied("dev")
    others = shutil.ignore_patterns("staging", "production", "bootstrap", ".terraform*", ".initialised", "*.info")
    shutil.copytree(code.parent, tmp_path, dirs_exist_ok=True, ignore=others)
    root = Root(terraform_offline(), tmp_path / "terraform" / "environments" / "dev")
    path = root.directory / STATE
    state = json.loads(path.read_text())
    [instance] = [
        row["attributes"]
        for resource in state["resources"]
        if resource["type"] == "google_cloud_run_v2_service"
        for row in resource["instances"]
        if row.get("index_key") == "backend" or row["attributes"]["name"] == "backend"
    ]
    instance["traffic"] = TRAFFIC
    instance["annotations"] = {RECORD_ANNOTATION: '{"v":1}'}
    instance["client"], instance["client_version"] = "delivery", "1"
    [template] = instance["template"]
    template["annotations"] = {ROLLOUT_ANNOTATION: "backend-000002"}
    template["revision"] = ""
    template["containers"][0]["image"] = IMAGE
    state["serial"] += 1
    path.write_text(json.dumps(state))
    return root


def changed(root: Root, pattern: str, by: str) -> dict[str, Any]:
    """The change of the backend after one edit of the environment's file."""
    path = root.directory / "environment.yaml"
    text, count = re.subn(pattern, by, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    return root.changes()[BACKEND]


def test_apply_leaves_a_rollout_alone_and_still_changes_settings(rolled_out: Root) -> None:
    assert rolled_out.changes() == {}
    change = changed(rolled_out, r"  backend:\n", "  backend:\n    variables: { COLOUR: blue }\n")
    before, after = change["before"], change["after"]
    assert change["actions"] == ["update"]
    assert after["traffic"] == before["traffic"]
    assert [row["percent"] for row in after["traffic"]] == [75, 25]
    assert after["annotations"] == {RECORD_ANNOTATION: '{"v":1}'}
    [template], [old] = after["template"], before["template"]
    assert template["containers"][0]["image"] == IMAGE
    assert template["annotations"] == {ROLLOUT_ANNOTATION: "backend-000002"}
    assert not template["revision"], "a named revision would collide with the next change"
    assert {row["name"] for row in template["containers"][0]["env"]} - {
        row["name"] for row in old["containers"][0]["env"]
    } == {"COLOUR"}
    assert list(findings(rolled_out.plan())) == [], "the guard lets such a plan through"
