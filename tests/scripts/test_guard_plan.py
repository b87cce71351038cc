"""A plan that would undo a rollout, lose something or open it to everybody is refused; all else passes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.guard_plan import findings
from shared.rollout.service import RECORD_ANNOTATION, ROLLOUT_ANNOTATION

SCRIPT = Path(__file__).parents[2] / "scripts" / "guard_plan.py"
SERVICE: dict[str, Any] = {
    "traffic": [{"revision": "web-00002-abc", "percent": 25}],
    "annotations": {RECORD_ANNOTATION: '{"v":1}', "owner": "team"},
    "template": [
        {
            "annotations": {ROLLOUT_ANNOTATION: "web-000002"},
            "containers": [{"image": "web@sha256:1", "env": []}],
            "revision": "",
        }
    ],
}


def plan(kind: str, actions: list[str], before: Any, after: Any, **more: Any) -> dict[str, Any]:
    change = {"actions": actions, "before": before, "after": after, **more}
    return {"resource_changes": [{"address": f"{kind}.this", "type": kind, "change": change}]}


def changed_service(**fields: Any) -> list[str]:
    after = json.loads(json.dumps(SERVICE)) | fields
    return [row.text for row in findings(plan("google_cloud_run_v2_service", ["update"], SERVICE, after))]


def template(**fields: Any) -> list[Any]:
    return [{**SERVICE["template"][0], **fields}]


def test_a_changed_setting_passes() -> None:
    containers = [{"image": "web@sha256:1", "env": [{"name": "COLOUR", "value": "blue"}]}]
    assert changed_service(template=template(containers=containers)) == []
    assert changed_service(annotations={**SERVICE["annotations"], "owner": "others"}) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"traffic": []}, "its traffic"),
        ({"template": template(containers=[{"image": "hello"}])}, "its image"),
        ({"annotations": {}}, "its record"),
        ({"template": template(annotations={})}, "its rollout id"),
        ({"template": template(revision="web-mine")}, "would name its revision"),
    ],
)
def test_what_belongs_to_the_rollout_is_refused(fields: dict[str, Any], told: str) -> None:
    [text] = changed_service(**fields)
    assert told in text


def test_the_image_is_the_one_that_requests_reach_wherever_its_sidecars_stand() -> None:
    def with_sidecar(image: str, sidecar: str) -> dict[str, Any]:
        containers = [{"image": sidecar, "ports": []}, {"image": image, "ports": [{"container_port": 8080}]}]
        return {**SERVICE, "template": template(containers=containers)}

    def told(after: dict[str, Any]) -> list[str]:
        before = with_sidecar("web@sha256:1", "proxy:1")
        return [row.text for row in findings(plan("google_cloud_run_v2_service", ["update"], before, after))]

    assert told(with_sidecar("web@sha256:1", "proxy:2")) == []
    [text] = told(with_sidecar("hello", "proxy:1"))
    assert "its image" in text


def test_traffic_that_is_not_known_yet_is_refused() -> None:
    unknown = plan("google_cloud_run_v2_service", ["update"], SERVICE, SERVICE, after_unknown={"traffic": True})
    assert [row.text for row in findings(unknown)] == ["would change its traffic in a way that is not known yet"]


@pytest.mark.parametrize(
    "kind", ["google_storage_bucket", "google_sql_database_instance", "google_pubsub_subscription"]
)
def test_a_store_that_would_go_is_refused(kind: str) -> None:
    assert [row.text for row in findings(plan(kind, ["delete"], {}, None))] == ["would be destroyed"]
    assert [row.text for row in findings(plan(kind, ["delete", "create"], {}, {}))] == ["would be made anew"]
    assert not list(findings(plan(kind, ["create"], None, {})))


def test_an_alert_that_goes_passes() -> None:
    assert not list(findings(plan("google_monitoring_alert_policy", ["delete"], {}, None)))


@pytest.mark.parametrize(
    "after", [{"member": "allUsers", "role": "r"}, {"members": ["allAuthenticatedUsers"], "role": "r"}]
)
def test_a_right_for_everybody_is_refused(after: dict[str, Any]) -> None:
    [finding] = findings(plan("google_storage_bucket_iam_member", ["create"], None, after))
    assert finding.text == "would give everybody r"


def guard(text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)


def test_the_command_fails_on_a_finding_and_lets_through_what_is_accepted() -> None:
    text = json.dumps(plan("google_storage_bucket", ["delete"], {}, None))
    refused = guard(text)
    assert (refused.returncode, refused.stdout) == (1, "google_storage_bucket.this: would be destroyed\n")
    assert guard(text, "--accept", "google_storage_bucket.this").returncode == 0
