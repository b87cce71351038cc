"""What is made once: the state's bucket, the registry, and GitHub's way in."""

import json
import re

import pytest
import yaml

from scripts.configuration import environments, for_functions, for_workflows
from tests.terraform.stand import REPOSITORY, Root
from tests.terraform.test_security import KEYS, SECRET

ALL = ("dev", "staging", "production")


def test_it_is_valid_and_a_second_plan_changes_nothing(bootstrap: Root) -> None:
    assert bootstrap.validate()["diagnostics"] == []
    assert bootstrap.changes() == {}


def test_the_states_bucket_is_private_and_versioned(bootstrap: Root) -> None:
    [row] = [row for row in bootstrap.of("google_storage_bucket").values() if row["name"].endswith("-terraform-state")]
    assert row["versioning"] == [{"enabled": True}]
    assert row["public_access_prevention"] == "enforced"


def test_tags_never_move_and_what_was_released_is_kept(bootstrap: Root) -> None:
    [row] = bootstrap.of("google_artifact_registry_repository").values()
    assert row["docker_config"] == [{"immutable_tags": True}]
    deleting = [policy for policy in row["cleanup_policies"] if policy["action"] == "DELETE"]
    assert [policy["condition"][0]["tag_state"] for policy in deleting] == ["UNTAGGED"]
    assert row["vulnerability_scanning_config"][0]["enablement_config"] == "INHERITED"


def test_the_topics_have_the_names_google_prescribes(bootstrap: Root) -> None:
    assert {row["name"] for row in bootstrap.of("google_pubsub_topic").values()} == {"gcr", "cloud-builds"}


def test_only_main_of_our_repository_by_its_numbers_may_sign_in(bootstrap: Root) -> None:
    [provider] = bootstrap.of("google_iam_workload_identity_pool_provider").values()
    github = environments.read("dev").document.value["github"]
    condition = provider["attribute_condition"]
    assert f"assertion.repository_id == '{github['repository_id']}'" in condition
    assert f"assertion.repository_owner_id == '{github['owner_id']}'" in condition
    assert condition.split(" && ", 2)[2] == (
        "(assertion.event_name == 'pull_request' || "
        "(assertion.ref == 'refs/heads/main' && assertion.ref_type == 'branch'))"
    )
    assert provider["oidc"][0]["issuer_uri"] == "https://token.actions.githubusercontent.com"


def test_a_pull_request_has_one_gate_whatever_environment_it_names(bootstrap: Root) -> None:
    [provider] = bootstrap.of("google_iam_workload_identity_pool_provider").values()
    gate = provider["attribute_mapping"]["attribute.gate"]
    assert gate.startswith("assertion.event_name == 'pull_request' ? 'pull_request' : ")


def test_each_account_is_behind_its_own_gates(bootstrap: Root) -> None:
    rows = bootstrap.of("google_service_account_iam_member").values()
    assert {row["role"] for row in rows} == {"roles/iam.workloadIdentityUser"}
    gates: dict[str, set[str]] = {}
    for row in rows:
        account = row["service_account_id"].rpartition("/")[2]
        gates.setdefault(account, set()).add(row["member"].partition("attribute.gate/")[2])
    kept = {f"github-{kind}-{name}": {f"environment:{name}"} for kind in ("operator", "deployer") for name in ALL}
    assert gates == {
        "github-pusher": {"main"},
        "github-promoter-staging": {"environment:staging"},
        "github-promoter-production": {"environment:production"},
        **{f"github-planner-{name}": {"pull_request", "main"} for name in ALL},
        **kept,
    }


def test_workflows_are_told_the_accounts_that_there_are(bootstrap: Root) -> None:
    told = set()
    for name in ALL:
        found = environments.read(name).found
        assert found is not None
        for kind in for_workflows.ACCOUNTS:
            if (kind, name) != ("promoter", "dev"):
                told.add(for_workflows.account(found, kind))
        told_of = for_workflows.outputs(found, "")
        assert told_of["provider"] == bootstrap.output("github")["provider"]
        assert told_of["assets_bucket"] in {row["name"] for row in bootstrap.of("google_storage_bucket").values()}
    assert told == set(bootstrap.output("github")["accounts"].values())


def grants(bootstrap: Root, account: str) -> dict[str, set[str]]:
    """An account's roles, by the kind of resource that they are on."""
    found: dict[str, set[str]] = {}
    for row in bootstrap.resources:
        if row.kind.endswith("_iam_member") and f":{account}@" in str(row.values.get("member")):
            found.setdefault(row.kind, set()).add(row.values["role"])
    return found


@pytest.mark.parametrize("name", ALL)
def test_who_plans_reads_and_neither_writes_nor_sees_secrets_or_exports(bootstrap: Root, name: str) -> None:
    roles = set().union(*grants(bootstrap, f"github-planner-{name}").values())
    reading = re.compile(r"roles/[a-zA-Z]+\.\w*([vV]iewer|[rR]eader|Reviewer|serviceUsageConsumer)")
    assert [role for role in roles if not reading.fullmatch(role)] == []
    assert "roles/viewer" not in roles
    rows = [
        row for row in bootstrap.of("google_project_iam_member").values() if f"github-planner-{name}@" in row["member"]
    ]
    [condition] = [row["condition"][0] for row in rows if row["role"] == "roles/storage.objectViewer"]
    own = f"pushnchat-{name}"
    assert re.findall(r"buckets/([\w-]+)/", condition["expression"]) == [
        f"{own}-function-zips",
        f"{own}-control",
        f"{own}-ledger",
    ]


@pytest.mark.parametrize("kind", ["planner", "deployer"])
@pytest.mark.parametrize("name", ALL)
def test_each_environments_state_is_its_own(bootstrap: Root, kind: str, name: str) -> None:
    rows = bootstrap.of("google_storage_bucket_iam_member").values()
    [row] = [
        row for row in rows if f"github-{kind}-{name}@" in row["member"] and row["bucket"].endswith("-terraform-state")
    ]
    assert row["role"] == {"planner": "roles/storage.objectViewer", "deployer": "roles/storage.objectUser"}[kind]
    assert f"/objects/environments/{name}/'" in row["condition"][0]["expression"]


@pytest.mark.parametrize("name", ALL)
def test_who_applies_touches_no_other_environment(bootstrap: Root, name: str) -> None:
    rows = bootstrap.of("google_project_iam_member").values()
    mine = {row["project"] for row in rows if f"github-deployer-{name}@" in row["member"]}
    assert mine == {f"pushnchat-{name}", "pushnchat-registry"}
    registry = grants(bootstrap, f"github-deployer-{name}")["google_storage_bucket_iam_member"]
    assert registry == {"roles/storage.objectUser", "projects/pushnchat-registry/roles/deliveryAssetsGrantor"}


def test_an_uploader_of_assets_overwrites_none_and_an_unchanged_file_outlives_its_first_release(
    bootstrap: Root,
) -> None:
    [role] = [row for row in bootstrap.of("google_project_iam_custom_role").values() if "Uploader" in row["role_id"]]
    assert "storage.objects.update" in role["permissions"]
    assert "storage.objects.delete" not in role["permissions"]
    [row] = [row for row in bootstrap.of("google_storage_bucket").values() if row["name"].endswith("-assets")]
    conditions = [rule["condition"][0] for rule in row["lifecycle_rule"]]
    assert [(rule["days_since_custom_time"], rule["age"]) for rule in conditions] == [(365, None)]


@pytest.mark.parametrize("name", ALL)
def test_githubs_operator_may_command(bootstrap: Root, name: str) -> None:
    own = yaml.safe_load((REPOSITORY / "terraform" / "environments" / name / "environment.yaml").read_text())
    assert f"serviceAccount:{bootstrap.output('github')['accounts'][f'operator-{name}']}" in own["operators"]


def test_only_what_pushes_from_main_attests_and_it_can_delete_nothing(bootstrap: Root) -> None:
    [note] = bootstrap.of("google_container_analysis_note").values()
    [attestor] = bootstrap.of("google_binary_authorization_attestor").values()
    assert note["name"] == for_functions.BUILT_BY_PIPELINE
    assert attestor["attestation_authority_note"][0]["note_reference"] == note["name"]
    attacher = "roles/containeranalysis.notes.attacher"
    rows = bootstrap.of("google_container_analysis_note_iam_member").values()
    [hangs] = [row for row in rows if row["role"] == attacher]
    assert hangs["note"] == note["name"]
    [signs] = bootstrap.of("google_kms_crypto_key_iam_member").values()
    rows = bootstrap.of("google_project_iam_member").values()
    [creates] = [row for row in rows if row["role"].endswith("deliveryAttester")]
    pusher = bootstrap.output("github")["accounts"]["pusher"]
    assert {row["member"] for row in (hangs, signs, creates)} == {f"serviceAccount:{pusher}"}
    roles = {row["role_id"]: row["permissions"] for row in bootstrap.of("google_project_iam_custom_role").values()}
    assert roles["deliveryAttester"] == ["containeranalysis.occurrences.create"]
    [key] = bootstrap.of("google_kms_crypto_key").values()
    assert key["purpose"] == "ASYMMETRIC_SIGN"
    found = environments.read("dev").found
    assert found is not None
    told = for_workflows.outputs(found, "pusher")
    assert told["attestor"] == f"projects/{attestor['project']}/attestors/{attestor['name']}"
    ring = f"projects/pushnchat-registry/locations/europe-west1/keyRings/pipeline/cryptoKeys/{key['name']}"
    assert told["attestation_key"] == f"{ring}/cryptoKeyVersions/1"


def test_who_applies_grants_of_the_registrys_project_only_what_an_environment_needs(bootstrap: Root) -> None:
    rows = bootstrap.of("google_project_iam_member").values()
    grantors = [
        row
        for row in rows
        if row["project"] == "pushnchat-registry" and row["role"] == "roles/resourcemanager.projectIamAdmin"
    ]
    assert len(grantors) == 3
    for row in grantors:
        [condition] = row["condition"]
        assert condition["expression"].endswith(".hasOnly(['roles/containeranalysis.occurrences.viewer'])")


# https://cloud.google.com/apis/docs/cloud-client-libraries: what is called to make a resource, by its name's beginning.
APIS = {
    "google_artifact_registry": "artifactregistry",
    "google_billing_account": "cloudbilling",
    "google_billing_budget": "billingbudgets",
    "google_binary_authorization": "binaryauthorization",
    "google_cloud_run": "run",
    "google_cloud_scheduler": "cloudscheduler",
    "google_cloudfunctions2": "cloudfunctions",
    "google_compute": "compute",
    "google_container_analysis": "containeranalysis",
    "google_iam_workload_identity": "iam",
    "google_kms": "cloudkms",
    "google_logging": "logging",
    "google_monitoring": "monitoring",
    "google_project_iam_audit_config": "cloudresourcemanager",
    "google_project_iam_custom_role": "iam",
    "google_project_iam_member": "cloudresourcemanager",
    "google_project_service": "serviceusage",
    "google_pubsub": "pubsub",
    "google_secret_manager": "secretmanager",
    "google_service_account": "iam",
    "google_service_networking": "servicenetworking",
    "google_sql": "sqladmin",
    "google_storage": "storage",
}


def enabled(bootstrap: Root) -> set[tuple[str, str]]:
    return {(row["project"], row["service"]) for row in bootstrap.of("google_project_service").values()}


def needed(root: Root, own: str) -> set[tuple[str, str]]:
    """Each project's APIs: the resource's own project, and `own`, which the call is charged to."""
    found = set()
    for row in root.resources:
        api = APIS[max((prefix for prefix in APIS if row.kind.startswith(prefix)), key=len)]
        found |= {(row.values.get("project") or own, f"{api}.googleapis.com"), (own, f"{api}.googleapis.com")}
    return found


def test_every_api_that_a_resource_needs_is_switched_on(bootstrap: Root, environment: Root) -> None:
    project = environment.output("configuration")["whole"]["project"]["id"]
    assert needed(environment, project) - enabled(bootstrap) == set()


def test_every_api_that_bootstrap_needs_is_switched_on(bootstrap: Root) -> None:
    assert needed(bootstrap, "pushnchat-registry") - enabled(bootstrap) == set()
    by_hand = {"cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"}
    for project in {project for project, _ in enabled(bootstrap)}:
        assert {(project, api) for api in by_hand} <= enabled(bootstrap)
    [line] = [
        line
        for line in (REPOSITORY / "terraform" / "README.md").read_text().splitlines()
        if "gcloud services enable" in line
    ]
    assert by_hand <= set(line.split()), "nothing switches these on but a person: they switch on the others"


def test_nobody_is_everybody_and_nobody_has_a_basic_role(bootstrap: Root) -> None:
    text = json.dumps(bootstrap.state)
    assert "allUsers" not in text
    assert "allAuthenticatedUsers" not in text
    rows = [row.values for row in bootstrap.resources if row.kind.endswith("_iam_member")]
    assert not {row["role"] for row in rows} & {"roles/owner", "roles/editor", "roles/viewer"}
    ruling = {row["member"] for row in rows if row["role"].endswith((".admin", "Admin"))}
    assert {member.partition("@")[0] for member in ruling} == {f"serviceAccount:github-deployer-{name}" for name in ALL}
    assert not [row.address for row in bootstrap.resources if row.kind.endswith(("_iam_binding", "_iam_policy"))]


def test_there_are_no_keys_and_no_values_of_secrets(bootstrap: Root) -> None:
    assert not {row.kind for row in bootstrap.resources} & KEYS
    assert [row.address for row in bootstrap.resources if SECRET.search(json.dumps(dict(row.values)))] == []
