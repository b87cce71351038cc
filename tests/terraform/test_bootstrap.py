"""What is made once: the state's bucket, the registry, and GitHub's way in."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.configuration import environments, for_functions
from tests.terraform.stand import REPOSITORY, Root
from tests.tools import terraform_offline


@pytest.fixture(scope="module")
def bootstrap(code: Path) -> Root:
    root = Root(terraform_offline(), code / "bootstrap")
    root.apply_once()
    return root


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
    assert "assertion.ref == 'refs/heads/main'" in condition
    assert "||" not in condition
    assert provider["oidc"][0]["issuer_uri"] == "https://token.actions.githubusercontent.com"


def test_each_account_is_of_one_github_environment(bootstrap: Root) -> None:
    rows = bootstrap.of("google_service_account_iam_member").values()
    assert {row["role"] for row in rows} == {"roles/iam.workloadIdentityUser"}
    gates = {
        row["service_account_id"].rpartition("/")[2]: row["member"].partition("attribute.environment/")[2]
        for row in rows
    }
    assert gates == {
        "github-pusher": "dev",
        "github-promoter-staging": "staging",
        "github-promoter-production": "production",
        "github-operator-dev": "dev",
        "github-operator-staging": "staging",
        "github-operator-production": "production",
    }


def test_github_gets_every_variable_the_workflows_read(bootstrap: Root) -> None:
    text = "".join(path.read_text() for path in (REPOSITORY / ".github" / "workflows").glob("*.yml"))
    read = set(re.findall(r"vars\.([A-Z_]+)", text))
    variables: dict[str, dict[str, Any]] = bootstrap.output("github_variables")
    assert set(variables) == {"dev", "staging", "production"}
    for row in variables.values():
        assert set(row) == read


@pytest.mark.parametrize("name", ["dev", "staging", "production"])
def test_githubs_operator_may_command(bootstrap: Root, name: str) -> None:
    own = yaml.safe_load((REPOSITORY / "terraform" / "environments" / name / "environment.yaml").read_text())
    assert f"serviceAccount:{bootstrap.output('github_variables')[name]['OPERATOR']}" in own["operators"]


def test_every_api_that_a_resource_needs_is_switched_on(bootstrap: Root, production: Root) -> None:
    enabled = {
        row["service"]
        for row in bootstrap.of("google_project_service").values()
        if row["project"] == "pushnchat-production"
    }
    needed = {
        "google_artifact_registry": "artifactregistry",
        "google_billing": "billingbudgets",
        "google_cloud_run": "run",
        "google_cloud_scheduler": "cloudscheduler",
        "google_cloudfunctions2": "cloudfunctions",
        "google_compute": "compute",
        "google_container_analysis": "containeranalysis",
        "google_logging": "logging",
        "google_monitoring": "monitoring",
        "google_project_iam": "iam",
        "google_pubsub": "pubsub",
        "google_secret_manager": "secretmanager",
        "google_service_account": "iam",
        "google_service_networking": "servicenetworking",
        "google_sql": "sqladmin",
        "google_storage": "storage",
    }
    for kind in {row.kind for row in production.resources}:
        prefix = next(prefix for prefix in needed if kind.startswith(prefix))
        assert f"{needed[prefix]}.googleapis.com" in enabled, kind


def test_only_what_pushes_from_main_attests_and_it_can_delete_nothing(bootstrap: Root) -> None:
    [note] = bootstrap.of("google_container_analysis_note").values()
    [attestor] = bootstrap.of("google_binary_authorization_attestor").values()
    assert note["name"] == for_functions.BUILT_BY_PIPELINE
    assert attestor["attestation_authority_note"][0]["note_reference"] == note["name"]
    [hangs] = bootstrap.of("google_container_analysis_note_iam_member").values()
    assert (hangs["note"], hangs["role"]) == (note["name"], "roles/containeranalysis.notes.attacher")
    [signs] = bootstrap.of("google_kms_crypto_key_iam_member").values()
    [creates] = bootstrap.of("google_project_iam_member").values()
    pusher = bootstrap.output("github_variables")["dev"]["PUSHER"]
    assert {row["member"] for row in (hangs, signs, creates)} == {f"serviceAccount:{pusher}"}
    [role] = bootstrap.of("google_project_iam_custom_role").values()
    assert role["permissions"] == ["containeranalysis.occurrences.create"]
    [key] = bootstrap.of("google_kms_crypto_key").values()
    assert key["purpose"] == "ASYMMETRIC_SIGN"


def test_no_key_is_made(bootstrap: Root) -> None:
    assert not bootstrap.of("google_service_account_key")
