"""A reviewer reads what a plan would do, what is dangerous first and nothing secret."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from scripts.describe_plan import LENGTH_MAX, described

REPOSITORY = Path(__file__).parents[2]
PLAN = REPOSITORY / "tests" / "data" / "plans" / "dev.json"


def plan(*actions: str, kind: str = "google_pubsub_topic", name: str = "this", **change: Any) -> dict[str, Any]:
    row = {"address": f"{kind}.{name}", "type": kind, "change": {"actions": list(actions), **change}}
    return {"resource_changes": [row]}


def changes(found: dict[str, Any]) -> list[str]:
    """What stands between the fences."""
    return described(found, "dev").partition("```diff\n")[2].partition("\n```")[0].splitlines()


def test_a_real_plan_says_what_changes_from_what_to_what() -> None:
    text = described(json.loads(PLAN.read_text()), "dev")
    assert text.startswith("### dev: 1 to destroy, 4 to change, 1 to create\n")
    body = text.partition("```diff\n")[2].splitlines()
    assert body[0].startswith("- module.platform.module.commands.google_pubsub_topic_iam_member.publisher")
    start = body.index('~ module.platform.module.database["chat"].google_sql_database_instance.this')
    assert body[start + 1 : start + 4] == [
        '    database_version: "POSTGRES_17" → "POSTGRES_18"',
        '    region: "africa-south1" → "europe-west4"',
        '    settings.0.tier: "db-f1-micro" → "db-g1-small"',
    ]


def test_json_in_a_variable_is_compared_by_its_fields() -> None:
    told = [line for line in changes(json.loads(PLAN.read_text())) if "DELIVERY_ENVIRONMENT" in line]
    assert told == [
        '    service_config.0.environment_variables.DELIVERY_ENVIRONMENT.region: "africa-south1" → "europe-west4"'
    ]
    broken = plan("update", before={"note": "{"}, after={"note": "{x"})
    assert changes(broken)[1] == '    note: "{" → "{x"'


def test_what_is_refused_comes_first() -> None:
    text = described(plan("delete", kind="google_storage_bucket", before={"name": "x"}, after=None), "production")
    first = text.partition("<details>")[0]
    assert "Refused unless it is accepted" in first
    assert "- `google_storage_bucket.this` would be destroyed" in first


def test_a_replacement_says_what_forces_it() -> None:
    found = plan("delete", "create", before={"name": "a"}, after={"name": "b"}, replace_paths=[["name"]])
    assert changes(found) == ["-/+ google_pubsub_topic.this", '    name: "a" → "b" (forces a new one)']


def test_what_is_sensitive_or_not_known_yet_is_said_to_be() -> None:
    found = plan(
        "update",
        before={"password": "old", "users": [{"key": "k1"}], "id": "1", "tags": None},
        after={"password": "new", "users": [{"key": "k2"}], "tags": ["x"]},
        after_unknown={"id": True, "users": [{}]},
        before_sensitive={"password": True, "users": [{"key": True}]},
        after_sensitive={"password": True},
    )
    assert changes(found)[1:] == [
        '    id: "1" → known after apply',
        "    password: sensitive → sensitive",
        '    tags.0: nothing → "x"',
        "    users.0.key: sensitive → sensitive",
    ]


def test_a_value_that_is_sensitive_as_a_whole_is_hidden() -> None:
    found = plan("update", before={"key": "old"}, after={"key": "new"}, after_sensitive=True)
    assert changes(found)[1:] == ["    key: sensitive → sensitive"]


def test_no_change_is_one_line() -> None:
    assert described({"resource_changes": []}, "dev") == "### dev: no changes\n"
    assert described(plan("no-op"), "dev") == described(plan("read"), "dev") == "### dev: no changes\n"


def test_a_long_value_and_a_long_plan_are_clipped_and_say_so() -> None:
    [_, line] = changes(plan("update", before={"text": "a"}, after={"text": "b" * 500}))
    assert len(line) < 150
    assert line.endswith("…")
    rows = [plan("create", name=f"number_{number}", after={})["resource_changes"][0] for number in range(2000)]
    text = described({"resource_changes": rows}, "dev")
    assert len(text) <= LENGTH_MAX
    assert text.startswith("### dev: 2000 to create")
    assert text.count("```") == 2
    assert "more lines are in the job's log." in text


def test_the_command_reads_a_file() -> None:
    command = [sys.executable, "scripts/describe_plan.py", str(PLAN), "--environment", "dev"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout == described(json.loads(PLAN.read_text()), "dev") + "\n"
