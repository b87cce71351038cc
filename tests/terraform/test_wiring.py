"""What Terraform applies is what the functions, the local cloud and the configuration expect."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from scripts.configuration import environments, for_functions
from scripts.local_cloud.topology import ROUTES
from scripts.package_functions import functions
from scripts.pin_requirements import FUNCTIONS
from shared.config.environment import load_environment
from shared.events import command
from shared.events.message import Message
from shared.runtime.caller import Caller
from tests.terraform.stand import Root


def pushes(root: Root) -> dict[str, Mapping[str, Any]]:
    rows = root.of("google_pubsub_subscription").values()
    return {row["name"]: row for row in rows if row["push_config"]}


def run_functions(root: Root) -> dict[str, Mapping[str, Any]]:
    return {row["build_config"][0]["entry_point"]: row for row in root.of("google_cloudfunctions2_function").values()}


def variables(function: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = function["service_config"][0]["environment_variables"]
    return found


def test_terraform_and_python_read_the_same_configuration(environment: Root) -> None:
    told = environment.output("configuration")
    reading = environments.read(told["whole"]["name"])
    assert told["whole"] == reading.document.value
    assert reading.found is not None
    assert json.loads(told["functions"]) == json.loads(for_functions.delivery_environment(reading.found))


def test_every_function_of_the_repository_is_deployed_and_accepts_its_environment(environment: Root) -> None:
    found = run_functions(environment)
    assert set(found) == set(functions())
    for name, function in found.items():
        loaded = load_environment(variables(function)["DELIVERY_ENVIRONMENT"])
        assert loaded.project == function["project"]
        caller = Caller.from_environment({**variables(function), "K_SERVICE": function["name"]})
        assert caller.audience.startswith(f"https://{function['name']}-")
        archive = function["build_config"][0]["source"][0]["storage_source"][0]["object"]
        assert archive.startswith(f"{name}-")
        assert archive.endswith(".zip")


def test_the_same_zips_go_to_every_environment(applied: Any) -> None:
    def names(root: Root) -> set[str]:
        return {row["name"] for row in root.of("google_storage_bucket_object").values()}

    assert names(applied("dev")) == names(applied("staging")) == names(applied("production"))


def test_the_routes_are_those_of_the_local_cloud(environment: Root) -> None:
    audiences = {variables(row)["PUSH_AUDIENCE"]: name for name, row in run_functions(environment).items()}
    deployed = {
        (
            name,
            row["topic"].rpartition("/")[2],
            audiences[row["push_config"][0]["oidc_token"][0]["audience"]],
            row["filter"] or "",
        )
        for name, row in pushes(environment).items()
    }
    assert deployed == {(route.subscription, route.topic, route.function, route.accepts) for route in ROUTES}


def test_every_push_is_signed_for_the_function_it_calls_by_the_account_that_function_accepts(environment: Root) -> None:
    by_audience = {variables(row)["PUSH_AUDIENCE"]: variables(row) for row in run_functions(environment).values()}
    for row in pushes(environment).values():
        [push] = row["push_config"]
        [token] = push["oidc_token"]
        assert push["push_endpoint"] == f"{token['audience']}/{row['topic']}"
        assert token["service_account_email"] == by_audience[token["audience"]]["PUSH_CALLER"]


def test_every_delivery_is_retried_and_then_kept(environment: Root) -> None:
    subscriptions = environment.of("google_pubsub_subscription").values()
    kept = {row["topic"]: row for row in subscriptions if not row["push_config"]}
    agent = f"serviceAccount:service-{environment.output('configuration')['whole']['project']['number']}@gcp-sa-pubsub."
    publishers = {
        row["topic"]: row["member"]
        for row in environment.of("google_pubsub_topic_iam_member").values()
        if row["member"].startswith(agent)
    }
    takers = {row["subscription"] for row in environment.of("google_pubsub_subscription_iam_member").values()}
    for name, row in pushes(environment).items():
        [retry] = row["retry_policy"]
        assert 1 <= int(retry["minimum_backoff"][:-1]) < int(retry["maximum_backoff"][:-1]) <= 600
        [policy] = row["dead_letter_policy"]
        assert 5 <= policy["max_delivery_attempts"] <= 100
        keeper = kept[policy["dead_letter_topic"]]
        assert int(keeper["message_retention_duration"][:-1]) == 31 * 86400
        assert policy["dead_letter_topic"].rpartition("/")[2] in publishers
        assert name in takers


def test_no_subscription_expires(environment: Root) -> None:
    rows = environment.of("google_pubsub_subscription")
    assert {address for address, row in rows.items() if row["expiration_policy"] != [{"ttl": ""}]} == set()


def test_a_function_has_as_long_as_pubsub_waits(environment: Root) -> None:
    by_audience = {variables(row)["PUSH_AUDIENCE"]: row for row in run_functions(environment).values()}
    for row in pushes(environment).values():
        function = by_audience[row["push_config"][0]["oidc_token"][0]["audience"]]
        assert function["service_config"][0]["timeout_seconds"] <= row["ack_deadline_seconds"] <= 600


def test_a_rollback_is_tried_again_at_once_and_for_more_than_an_hour(environment: Root) -> None:
    rows = [row for name, row in pushes(environment).items() if name.startswith("auto-rollback")]
    assert len(rows) == 3
    for row in rows:
        assert row["retry_policy"] == [{"minimum_backoff": "1s", "maximum_backoff": "60s"}]
        assert row["dead_letter_policy"][0]["max_delivery_attempts"] >= 70


def test_the_scheduler_ticks_every_minute_with_data(environment: Root) -> None:
    jobs = environment.of("google_cloud_scheduler_job").values()
    [tick] = [row for row in jobs if row["name"] == "rollout-tick"]
    assert tick["schedule"] == "* * * * *"
    assert all(row["pubsub_target"][0]["data"] for row in jobs)


def test_freeze_windows_send_commands_that_the_function_can_read(production: Root) -> None:
    jobs = [row for row in production.of("google_cloud_scheduler_job").values() if "freeze" in row["name"]]
    verbs = []
    for row in jobs:
        [target] = row["pubsub_target"]
        message = Message(
            id="1",
            topic="commands",
            data=base64.b64decode(target["data"]),
            attributes=target["attributes"],
            published_at=datetime(2026, 1, 1, tzinfo=UTC),
        )
        order = command.parse(message)
        assert order.service == "*"
        verbs.append(order.verb)
    assert sorted(verbs) == ["freeze", "unfreeze"]


def test_a_function_has_the_library_of_what_it_may_use_and_may_use_what_it_has_the_library_of(
    environment: Root,
) -> None:
    libraries = {
        "google-cloud-storage": ("google_storage_bucket_iam_member", ""),
        "google-cloud-run": ("google_cloud_run_v2_service_iam_member", ""),
        "google-cloud-monitoring": ("google_project_iam_member", "Metric"),
        "google-api-python-client": ("google_project_iam_member", "Sql"),
    }
    for library, (kind, what) in libraries.items():
        rows = [row for row in environment.of(kind).values() if what in row["role"]]
        members = {row["member"].partition(":")[2].partition("@")[0] for row in rows}
        granted = {name for name in functions() if name.replace("_", "-") in members}
        assert granted == {name for name, needed in FUNCTIONS.items() if library in needed}, library
