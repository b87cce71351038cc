"""With keys of our own all that can be encrypted is, with the key of its region, and Google may use each key."""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.terraform.stand import Resource, Root, copied
from tests.tools import terraform_offline

KEY = "projects/pushnchat-keys/locations/{region}/keyRings/delivery/cryptoKeys/delivery"
REGIONS = {"serving": "africa-south1", "automation": "europe-west1", "backups": "europe-west3"}
NAMES = {"default_kms_key_name", "encryption_key", "encryption_key_name", "kms_key_name"}
"""What providers call a key."""
NO_KEY_OF_ITS_OWN = {
    "google_storage_bucket_object": "an object takes its bucket's key",
    "google_logging_project_bucket_config": "Google makes _Default, and only a new log bucket can be given a key",
}
AGENTS = {
    "google_artifact_registry_repository": "gcp-sa-artifactregistry",
    "google_cloud_run_v2_service": "serverless-robot-prod",
    "google_cloudfunctions2_function": "gcf-admin-robot",
    "google_pubsub_topic": "gcp-sa-pubsub",
    "google_secret_manager_secret": "gcp-sa-secretmanager",
    "google_sql_database_instance": "gcp-sa-cloud-sql",
    "google_storage_bucket": "gs-project-accounts",
}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    command = terraform_offline()
    assert command
    home = copied(tmp_path_factory.mktemp("keys"))
    rows = "".join(f"    {region}: {KEY.format(region=region)}\n" for region in REGIONS.values())
    own = home / "environments" / "staging" / "environment.yaml"
    protection = "protection: { deletion: true, ledger_days: 90, ledger_locked: false }\n"
    assert protection in own.read_text()
    block = f"protection:\n  deletion: true\n  ledger_days: 90\n  ledger_locked: false\n  encryption_keys:\n{rows}"
    own.write_text(own.read_text().replace(protection, block))
    common = home / "environments" / "common.yaml"
    key = KEY.format(region=REGIONS["automation"])
    assert 'encryption_key: ""' in common.read_text()
    common.write_text(common.read_text().replace('encryption_key: ""', f"encryption_key: {key}"))
    return home


@pytest.fixture(scope="module")
def staging(directory: Path) -> Root:
    root = Root(terraform_offline(), directory / "environments" / "staging")
    root.apply_once()
    return root


@pytest.fixture(scope="module")
def bootstrap(directory: Path) -> Root:
    shutil.rmtree(directory / "bootstrap" / ".terraform", ignore_errors=True)
    root = Root(terraform_offline(), directory / "bootstrap")
    root.apply_once()
    return root


def keys(value: Any) -> Iterator[str | None]:
    """Every key the resource names, or None where it could name one and does not."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in NAMES and not isinstance(inner, list):
                yield inner or None
            else:
                yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def encryptable(root: Root) -> list[Resource]:
    """Whatever can have a key: by the provider's own words, so that a new kind is not forgotten."""
    found = [row for row in root.resources if row.kind not in NO_KEY_OF_ITS_OWN]
    blocks = {
        "google_storage_bucket",
        "google_secret_manager_secret",
    }  # these name theirs in a block that may be absent
    return [row for row in found if row.kind in blocks or list(keys(row.values))]


def region(resource: Resource) -> str | None:
    """Where it lies; a topic and a secret say it in their own ways."""
    values = resource.values
    if resource.kind == "google_secret_manager_secret":
        return str(values["replication"][0]["user_managed"][0]["replicas"][0]["location"])
    if resource.kind == "google_pubsub_topic":
        return REGIONS["automation"]
    return str(values.get("location") or values["region"]).lower()


@pytest.mark.parametrize("root", ["staging", "bootstrap"])
def test_everything_that_can_be_encrypted_is_with_the_key_of_its_region(
    root: str, request: pytest.FixtureRequest
) -> None:
    found = encryptable(request.getfixturevalue(root))
    kinds = {row.kind for row in found}
    assert kinds == set(AGENTS) if root == "staging" else kinds <= set(AGENTS)
    assert len(found) >= (50 if root == "staging" else 4)
    for row in found:
        assert list(keys(row.values)) == [KEY.format(region=region(row))], row.address


@pytest.mark.parametrize("root", ["staging", "bootstrap"])
def test_google_may_use_each_key_for_what_it_encrypts_and_for_nothing_else(
    root: str, request: pytest.FixtureRequest
) -> None:
    applied: Root = request.getfixturevalue(root)
    needed = {(KEY.format(region=region(row)), AGENTS[row.kind]) for row in encryptable(applied)}
    # A function is built into a bucket and a repository of Google's making, and runs on Cloud Run.
    if root == "staging":
        needed.add((KEY.format(region=REGIONS["automation"]), AGENTS["google_cloud_run_v2_service"]))
    role = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
    rows = [row for row in applied.of("google_kms_crypto_key_iam_member").values() if row["role"] == role]
    granted = {(row["crypto_key_id"], row["member"].partition("@")[2].partition(".")[0]) for row in rows}
    assert granted == needed
    number = "100000000020" if root == "staging" else "100000000001"
    assert all(row["member"].startswith(f"serviceAccount:service-{number}@") for row in rows)
    made = {row["service"].partition(".")[0] for row in applied.of("google_project_service_identity").values()}
    assert len(made) == len({agent for _, agent in granted}) - 1, "all but Cloud Storage's, which has its own way"


def test_nothing_is_encrypted_before_the_key_may_be_used(staging: Root) -> None:
    """Whoever reads the module's output waits for the grants, and the keys are read from nowhere else."""
    assert staging.changes() == {}
    calls = staging.plan()["configuration"]["root_module"]["module_calls"]["platform"]["module"]["module_calls"]
    output = calls["encryption"]["module"]["outputs"]["key"]
    assert output["depends_on"] == ["google_kms_crypto_key_iam_member.uses"]
    text = "".join(path.read_text() for path in (staging.directory.parents[1] / "platform").glob("*.tf"))
    assert text.count("protection.encryption_keys,") == 1


def test_without_keys_nothing_is_asked_of_kms(environment: Root) -> None:
    assert not environment.of("google_kms_crypto_key_iam_member")
    assert not environment.of("google_project_service_identity")
    named = {key for row in encryptable(environment) for key in keys(row.values) if key}
    assert not [key for key in named if "/cryptoKeys/" in key]
