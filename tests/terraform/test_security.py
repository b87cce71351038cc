"""Who may do what: one account per function, no right that is not used, no key and no secret anywhere."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.package_functions import functions
from tests.terraform.stand import Root

SECRET = re.compile(r"BEGIN [A-Z ]*PRIVATE KEY|AIza[\w-]{35}|://[^\s:/\"]+:[^\s@\"]+@|gh[pousr]_\w{30}")
KEYS = {
    "google_service_account_key",
    "google_secret_manager_secret_version",
    "google_storage_hmac_key",
    "google_project_default_service_accounts",
}
MOVERS = {"canary_deploy", "traffic_shift", "auto_rollback", "rollout_command"}
ON_THE_PROJECT = {
    ("function-builds", "roles/logging.logWriter"),
    ("health-verify", "deliveryMetricReader"),
    ("sql-backup", "deliverySqlReader"),
    ("backup-verify", "deliverySqlReader"),
    ("restore-drill", "deliverySqlReader"),
    ("canary-deploy", "roles/containeranalysis.occurrences.viewer"),
    ("health-verify", "roles/containeranalysis.occurrences.viewer"),
}
_DRILLS = 'resource.name.startsWith("projects/{project}/instances/drill-")'
ON_NAMED_INSTANCES = {
    ("sql-backup", "deliverySqlExporter"): 'resource.name == "projects/{project}/instances/chat"',
    ("restore-drill", "deliveryDrillKeeper"): _DRILLS,
    ("restore-drill", "deliveryDrillRestorer"): _DRILLS,
}
_COPIES = 'resource.name.startsWith("projects/_/buckets/gcf-v2-sources-{number}-{automation}")'
ON_NAMED_BUCKETS = {("function-builds", "roles/storage.objectViewer"): _COPIES}


def grants(root: Root) -> Iterator[tuple[str, str, str, str]]:
    """Every grant: kind of resource, what it is on, role without its project, account without its project."""
    for row in root.resources:
        if row.kind.endswith("_iam_member"):
            values = row.values
            target = next(
                str(values[key])
                for key in (
                    "topic",
                    "subscription",
                    "bucket",
                    "secret_id",
                    "service_account_id",
                    "repository",
                    "name",
                    "project",
                )
                if values.get(key)
            )
            role = values["role"].rpartition("/roles/")[2]
            yield row.kind, target, role, values["member"].partition(":")[2].partition("@")[0]


def on_names(root: Root) -> dict[tuple[str, str], str]:
    """What is granted on the project under a condition: who has which role on what, by name."""
    whole = root.output("configuration")["whole"]
    names = {"project": whole["project"]["id"], "number": whole["project"]["number"], **whole["regions"]}
    people = {
        (person.partition(":")[2].partition("@")[0], role): f'resource.name == "projects/{{project}}/instances/{name}"'
        for name, row in whole["databases"].items()
        for person in row["people"]
        for role in ("roles/cloudsql.client", "roles/cloudsql.instanceUser")
    }
    rows = {**ON_NAMED_INSTANCES, **ON_NAMED_BUCKETS, **people}
    return {who: expression.format(**names) for who, expression in rows.items()}


def account(function: str) -> str:
    return function.replace("_", "-")


def test_nobody_is_everybody(environment: Root) -> None:
    text = json.dumps(environment.state)
    assert "allUsers" not in text
    assert "allAuthenticatedUsers" not in text


def test_there_are_no_keys_and_no_values_of_secrets(environment: Root) -> None:
    assert not {row.kind for row in environment.resources} & KEYS
    assert [row.address for row in environment.resources if SECRET.search(json.dumps(dict(row.values)))] == []


def test_nobody_outside_is_granted_anything(environment: Root) -> None:
    """As an organisation that shares with its own domain alone demands: terraform/README.md."""
    whole = environment.output("configuration")["whole"]
    people = {*whole["operators"], *(person for row in whole["databases"].values() for person in row["people"])}
    members = {row.values["member"] for row in environment.resources if row.kind.endswith("_iam_member")}
    ours = re.compile(r"serviceAccount:[^@]+@(pushnchat-[a-z]+|[a-z-]+)\.iam\.gserviceaccount\.com")
    made_by_google = {row["member"] for row in _named_by_google(environment)}
    assert [member for member in members - people - made_by_google if not ours.fullmatch(member)] == []
    assert {member.rpartition("@")[2] for member in people if not member.startswith("serviceAccount")} == {
        "pushnchat.example"
    }


def _named_by_google(root: Root) -> list[Mapping[str, Any]]:
    """Grants to an instance's and a sink's own accounts, whose names only Google knows."""
    rows = root.of("google_storage_bucket_iam_member") | root.of("google_pubsub_topic_iam_member")
    return [
        row
        for address, row in rows.items()
        if address.endswith((".google_storage_bucket_iam_member.exports", '.publisher["sink"]'))
    ]


def test_no_grant_takes_rights_from_others(environment: Root) -> None:
    """A binding or a policy is authoritative: applying it removes whoever was granted the role elsewhere."""
    kinds = {row.kind for row in environment.resources}
    assert {kind for kind in kinds if kind.endswith(("_iam_binding", "_iam_policy"))} == set()


def test_only_reading_is_granted_on_the_whole_project(environment: Root) -> None:
    on_project = {(who, role) for kind, _, role, who in grants(environment) if kind == "google_project_iam_member"}
    assert on_project == ON_THE_PROJECT | set(on_names(environment))


def test_what_is_granted_on_the_project_for_one_kind_is_bound_to_names(environment: Root) -> None:
    found = {}
    for row in environment.of("google_project_iam_member").values():
        for condition in row["condition"]:
            who = row["member"].partition(":")[2].partition("@")[0]
            found[who, row["role"].rpartition("/roles/")[2]] = condition["expression"].rpartition(" && ")[2]
    assert found == on_names(environment)


def test_no_basic_role_is_granted(environment: Root) -> None:
    roles = {role for _, _, role, _ in grants(environment)}
    assert not roles & {"roles/owner", "roles/editor", "roles/viewer"}
    assert not [role for role in roles if role.endswith((".admin", "Admin"))]


def test_every_function_has_an_account_of_its_own(environment: Root) -> None:
    rows = environment.of("google_cloudfunctions2_function").values()
    emails = [row["service_config"][0]["service_account_email"] for row in rows]
    assert len(set(emails)) == len(functions())
    assert {row["build_config"][0]["service_account"] for row in rows}.isdisjoint(emails)


def test_who_measures_cannot_move_and_who_moves_cannot_judge(environment: Root) -> None:
    found = list(grants(environment))
    movers = {who for kind, _, role, who in found if role == "deliveryServiceMover"}
    assert movers == {account(name) for name in MOVERS}
    verdicts = {
        row["member"].partition(":")[2].partition("@")[0]
        for row in environment.of("google_pubsub_topic_iam_member").values()
        if row["topic"].rpartition("/")[2] == "verdicts"
    }
    assert verdicts == {"health-verify"}
    measuring = {(target.rpartition("/")[2], role) for _, target, role, who in found if who == "health-verify"}
    assert {role for _, role in measuring} == {
        "deliveryServiceReader",
        "deliveryMetricReader",
        "deliveryObjectReader",
        "roles/pubsub.publisher",
        "roles/storage.objectViewer",
        "roles/containeranalysis.occurrences.viewer",
        "roles/containeranalysis.notes.occurrences.viewer",
    }
    assert {target for target, role in measuring if role == "roles/pubsub.publisher"} == {"verdicts", "rejected-events"}


def test_whoever_moves_a_service_may_act_as_that_service_alone(environment: Root) -> None:
    rows = environment.of("google_service_account_iam_member").values()
    acting = {
        (row["member"].partition(":")[2].partition("@")[0], row["service_account_id"].rpartition("/")[2])
        for row in rows
    }
    services = environment.output("configuration")["whole"]["services"]
    assert acting == {(account(mover), f"service-{service}") for mover in MOVERS for service in services}


def test_few_write_the_ledger_one_keeps_backups_and_one_freezes(environment: Root) -> None:
    writers = {
        (target.rpartition("-")[2], who)
        for kind, target, role, who in grants(environment)
        if kind == "google_storage_bucket_iam_member" and role in {"deliveryLedgerWriter", "deliveryFreezeKeeper"}
    }
    assert writers == {
        ("ledger", "notify"),
        ("ledger", "sql-backup"),
        ("ledger", "backup-verify"),
        ("backups", "backup-verify"),
        ("ledger", "restore-drill"),
        ("drills", "restore-drill"),
        ("control", "rollout-command"),
    }


def test_whoever_starts_exports_can_enter_none_of_them_as_good(environment: Root) -> None:
    granted = [
        row["condition"][0]["expression"] if row["condition"] else ""
        for row in environment.of("google_storage_bucket_iam_member").values()
        if "sql-backup@" in row["member"] and row["role"].endswith("deliveryLedgerWriter")
    ]
    assert len(granted) == 1
    assert granted[0].endswith('-ledger/objects/starts/")')


def test_roles_of_our_own_are_small(environment: Root) -> None:
    for row in environment.of("google_project_iam_custom_role").values():
        assert len(row["permissions"]) <= 3
        policies = [name for name in row["permissions"] if "setIamPolicy" in name or "*" in name]
        assert not policies or row["role_id"] == "deliveryDrillDoorkeeper"


def test_the_one_who_may_grant_may_grant_on_the_drill_bucket_alone(environment: Root) -> None:
    found = [(who, target) for _, target, role, who in grants(environment) if role == "deliveryDrillDoorkeeper"]
    project = environment.output("configuration")["whole"]["project"]["id"]
    assert found == [("restore-drill", f"{project}-drills")]


def test_functions_answer_their_own_pushes_alone(environment: Root) -> None:
    for row in environment.of("google_cloudfunctions2_function").values():
        assert row["service_config"][0]["ingress_settings"] == "ALLOW_INTERNAL_ONLY"
        assert not row["event_trigger"]
    invokers = {(target, who) for _, target, role, who in grants(environment) if role == "roles/run.invoker"}
    assert invokers == {(account(name), f"push-{account(name)}") for name in functions()}


def test_services_answer_the_load_balancer_and_the_network_alone(environment: Root) -> None:
    for row in environment.of("google_cloud_run_v2_service").values():
        assert row["ingress"] == "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"
        assert row["invoker_iam_disabled"] is True
        assert row["default_uri_disabled"] is False
    [measuring] = [
        row for row in environment.of("google_cloudfunctions2_function").values() if row["name"] == "health-verify"
    ]
    assert measuring["service_config"][0]["direct_vpc_egress"] == "VPC_EGRESS_ALL_TRAFFIC"


def test_writes_to_topics_and_subscriptions_are_in_googles_audit_log(environment: Root) -> None:
    """Publishing is not: Pub/Sub writes no Data Access entry for messages, so that a command's `by` is its own word."""
    [audit] = environment.of("google_project_iam_audit_config").values()
    assert audit["service"] == "pubsub.googleapis.com"
    assert audit["audit_log_config"][0]["log_type"] == "DATA_WRITE"


def test_operators_and_nobody_else_may_command(environment: Root) -> None:
    commanders = {
        row["member"]
        for row in environment.of("google_pubsub_topic_iam_member").values()
        if row["topic"].rpartition("/")[2] == "commands"
    }
    assert commanders == set(environment.output("configuration")["whole"]["operators"])


def test_buckets_are_private_and_what_must_last_is_locked(production: Root) -> None:
    buckets = {
        row["name"].removeprefix("pushnchat-production-"): row
        for row in production.of("google_storage_bucket").values()
    }
    for row in buckets.values():
        assert row["public_access_prevention"] == "enforced"
        assert row["uniform_bucket_level_access"] is True
        assert not row["force_destroy"]
    assert buckets["ledger"]["retention_policy"] == [{"is_locked": True, "retention_period": str(365 * 86400)}]
    assert buckets["control"]["versioning"] == [{"enabled": True}]
    assert not buckets["control"]["retention_policy"]
