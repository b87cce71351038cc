"""The services, their database and the way to them."""

from collections.abc import Mapping
from typing import Any

from shared.rollout.service import RECORD_ANNOTATION, ROLLOUT_ANNOTATION
from tests.terraform.stand import REPOSITORY, Root


def whole(root: Root) -> dict[str, Any]:
    found: dict[str, Any] = root.output("configuration")["whole"]
    return found


def services(root: Root) -> dict[str, Mapping[str, Any]]:
    return {row["name"]: row for row in root.of("google_cloud_run_v2_service").values()}


def test_a_service_has_the_shape_that_is_configured(environment: Root) -> None:
    for name, wanted in whole(environment)["services"].items():
        row = services(environment)[name]
        [template] = row["template"]
        [container] = template["containers"]
        assert row["scaling"][0]["min_instance_count"] == wanted["scaling"]["instances_min"]
        assert template["scaling"][0]["max_instance_count"] == wanted["scaling"]["instances_max"]
        assert not template["scaling"][0]["min_instance_count"], "of the service, or two revisions cost twice"
        assert template["max_instance_request_concurrency"] == wanted["concurrency"]
        assert container["ports"][0]["container_port"] == wanted["port"]
        assert container["resources"][0]["startup_cpu_boost"] is True
        assert container["resources"][0]["cpu_idle"] is True
        assert container["startup_probe"][0]["http_get"][0]["path"] == wanted["health"]["startup_path"]
        assert container["liveness_probe"][0]["http_get"][0]["path"] == wanted["health"]["liveness_path"]


def test_secrets_are_named_and_never_held(environment: Root) -> None:
    named = {
        env["value_source"][0]["secret_key_ref"][0]["secret"]
        for row in services(environment).values()
        for env in row["template"][0]["containers"][0]["env"]
        if env["value_source"]
    }
    kept = {row["secret_id"] for row in environment.of("google_secret_manager_secret").values()}
    assert named == kept == {"backend-database-url"}
    readers = {(row["secret_id"], row["member"].partition("@")[0]) for row in _secret_grants(environment)}
    assert readers == {("backend-database-url", "serviceAccount:service-backend")}


def _secret_grants(root: Root) -> list[Mapping[str, Any]]:
    return list(root.of("google_secret_manager_secret_iam_member").values())


def test_terraform_ignores_what_the_rollout_writes() -> None:
    text = (REPOSITORY / "terraform" / "modules" / "service" / "main.tf").read_text()
    ignored = text.partition("ignore_changes = [")[2].partition("\n    ]")[0]
    assert f'annotations["{RECORD_ANNOTATION}"]' in ignored
    assert f'template[0].annotations["{ROLLOUT_ANNOTATION}"]' in ignored
    for field in ("traffic", "template[0].containers[0].image", "template[0].revision"):
        assert f"\n      {field}," in ignored


def test_the_database_is_private_backed_up_and_protected(environment: Root) -> None:
    configured = whole(environment)
    for row in environment.of("google_sql_database_instance").values():
        wanted = configured["databases"][row["name"]]
        [settings] = row["settings"]
        [network] = settings["ip_configuration"]
        assert network["ipv4_enabled"] is False
        assert network["private_network"]
        assert network["ssl_mode"] == "ENCRYPTED_ONLY"
        [backup] = settings["backup_configuration"]
        assert backup["point_in_time_recovery_enabled"] is True
        assert backup["location"] == configured["regions"]["backups"]
        assert backup["backup_retention_settings"][0]["retained_backups"] == wanted["backups"]["kept"]
        assert settings["availability_type"] == ("REGIONAL" if wanted["high_availability"] else "ZONAL")
        assert row["deletion_protection"] is configured["protection"]["deletion"]
        flags = {flag["name"]: flag["value"] for flag in settings["database_flags"]}
        assert flags["cloudsql.iam_authentication"] == "on"
        signing_in = [user for user in environment.of("google_sql_user").values() if user["instance"] == row["name"]]
        kinds = {"CLOUD_IAM_GROUP": "group", "CLOUD_IAM_USER": "user"}
        assert {f"{kinds[user['type']]}:{user['name']}" for user in signing_in} == set(wanted["people"])
        assert not [user for user in signing_in if user["password"]]
        assert flags["max_connections"] == str(wanted["connections_max"])


def test_an_export_lands_beside_the_database_and_stays_in_another_region(environment: Root) -> None:
    configured = whole(environment)
    buckets = {row["name"].rpartition("-")[2]: row for row in environment.of("google_storage_bucket").values()}
    assert buckets["exports"]["location"].lower() == configured["regions"]["serving"]
    assert buckets["backups"]["location"].lower() == configured["regions"]["backups"]
    days = configured["databases"]["chat"]["backups"]["export_days"]
    assert buckets["backups"]["retention_policy"][0]["retention_period"] == str(days * 86400)
    expiry = buckets["backups"]["lifecycle_rule"][0]["condition"][0]["age"]
    assert expiry > days, "a locked object cannot be deleted yet"


def test_users_come_through_one_door_with_http3_cache_and_compression(environment: Root) -> None:
    [proxy] = environment.of("google_compute_target_https_proxy").values()
    assert proxy["quic_override"] == "ENABLE"
    backends = {row["name"]: row for row in environment.of("google_compute_backend_service").values()}
    for name, wanted in whole(environment)["services"].items():
        assert backends[name]["enable_cdn"] is (wanted["kind"] == "frontend")
        cached = backends[name]["enable_cdn"]
        assert backends[name]["compression_mode"] == ("AUTOMATIC" if cached else "DISABLED"), (
            "the CDN compresses, or none"
        )
        assert backends[name]["security_policy"]
    groups = {
        row["cloud_run"][0]["service"]
        for row in environment.of("google_compute_region_network_endpoint_group").values()
    }
    assert groups == set(whole(environment)["services"])


def test_paths_go_where_they_are_configured(environment: Root) -> None:
    [matcher] = [
        row["path_matcher"][0] for row in environment.of("google_compute_url_map").values() if row["path_matcher"]
    ]
    rules = {tuple(rule["paths"]): rule["service"].rpartition("/")[2] for rule in matcher["path_rule"]}
    expected = {
        tuple(row["paths"]): name for name, row in whole(environment)["services"].items() if row["kind"] == "backend"
    }
    assert rules == {("/_next/static/*",): "assets", **expected}
    assert matcher["default_service"].rpartition("/")[2] == "frontend"


def test_a_releases_files_come_from_a_private_bucket(environment: Root) -> None:
    [bucket] = environment.of("google_compute_backend_bucket").values()
    assert bucket["enable_cdn"] is True
    assert bucket["cdn_policy"][0]["cache_mode"] == "FORCE_CACHE_ALL"
    readers = {
        row["member"].rpartition("@")[2]
        for row in environment.of("google_storage_bucket_iam_member").values()
        if row["bucket"] == bucket["bucket_name"]
    }
    functions = f"{environment.output('configuration')['whole']['project']['id']}.iam.gserviceaccount.com"
    assert readers == {"https-lb.iam.gserviceaccount.com", functions}


def test_there_is_an_address_of_either_kind_and_both_lead_to_tls(environment: Root) -> None:
    rules = environment.of("google_compute_global_forwarding_rule").values()
    assert sorted(row["port_range"] for row in rules) == ["443", "443", "80", "80"]
    [redirect] = [
        row["default_url_redirect"][0]
        for row in environment.of("google_compute_url_map").values()
        if row["default_url_redirect"]
    ]
    assert redirect["https_redirect"] is True


def test_a_restored_chat_that_was_deleted_cannot_be_had_back(environment: Root) -> None:
    buckets = {row["name"]: row for row in environment.of("google_storage_bucket").values()}
    [drills] = [row for name, row in buckets.items() if name.endswith("-drills")]
    assert [rule["condition"][0]["age"] for rule in drills["lifecycle_rule"]] == [1]
    assert [row["retention_duration_seconds"] for row in drills["soft_delete_policy"]] == [0]
