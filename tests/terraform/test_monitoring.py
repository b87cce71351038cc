"""Every alert leads to its runbook, tells people, and rolls back only where its label says so."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.events.incident import ROLLS_BACK
from shared.rollout.announcement import Severity
from shared.runtime.backup_news import SEVERITIES
from tests.terraform.stand import REPOSITORY, Root

RUNBOOKS = {page.stem: page.read_text() for page in (REPOSITORY / "docs" / "runbooks").glob("[A-Z]*.md")}
CONDITIONS_MAX = 6  # of one policy, https://cloud.google.com/monitoring/quotas


def policies(root: Root) -> list[Mapping[str, Any]]:
    return list(root.of("google_monitoring_alert_policy").values())


def name(policy: Mapping[str, Any]) -> str:
    return str(policy["display_name"]).partition(":")[0]


def test_every_alert_carries_its_runbook_and_every_runbook_has_its_alert(environment: Root) -> None:
    assert {name(policy) for policy in policies(environment)} == set(RUNBOOKS)
    configured = environment.output("configuration")["whole"]
    for policy in policies(environment):
        text = RUNBOOKS[name(policy)].replace("pushnchat-production", configured["project"]["id"])
        text = text.replace("environments/production", f"environments/{configured['name']}")
        assert policy["documentation"][0]["content"] == text


def test_an_alert_tells_people_and_can_be_had(environment: Root) -> None:
    people = {
        row["id"]
        for row in environment.of("google_monitoring_notification_channel").values()
        if row["type"] != "pubsub"
    }
    assert people
    for policy in policies(environment):
        assert people <= set(policy["notification_channels"])
        assert 1 <= len(policy["conditions"]) <= CONDITIONS_MAX
        assert policy["severity"] in {"CRITICAL", "WARNING"}


def test_only_an_alert_about_one_revision_rolls_back(environment: Root) -> None:
    channels = environment.of("google_monitoring_notification_channel").values()
    [ours] = [row for row in channels if row["type"] == "pubsub"]
    assert ours["labels"]["topic"].endswith("/topics/alerts")
    acting = [policy for policy in policies(environment) if policy["user_labels"].get(ROLLS_BACK) == "true"]
    services = environment.output("configuration")["whole"]["services"]
    assert {policy["display_name"] for policy in acting} == {f"RevisionFails: {service}" for service in services}
    for policy in policies(environment):
        # The stand-in gives all channels one id: what can be seen is whether there is one more than there are people.
        assert len(policy["notification_channels"]) == len(channels) - (policy not in acting)
    for policy in acting:
        for condition in policy["conditions"]:
            groups = condition["condition_threshold"][0]["aggregations"][0]["group_by_fields"]
            assert groups == ["resource.label.service_name", "resource.label.revision_name"]


def test_every_policy_has_either_a_time_to_wait_or_a_window_that_google_accepts(environment: Root) -> None:
    """An alignment reaches 25 hours, a duration 23.5: https://cloud.google.com/monitoring/alerts/types-of-conditions."""
    for policy in policies(environment):
        for condition in policy["conditions"]:
            for kind in ("condition_threshold", "condition_absent"):
                for row in condition[kind]:
                    assert not row.get("evaluation_missing_data") or int(row["duration"][:-1]) >= 60
                    assert 0 <= int(row["duration"][:-1]) <= 23.5 * 3600
                    assert all(60 <= int(one["alignment_period"][:-1]) <= 25 * 3600 for one in row["aggregations"])


def test_error_budgets_are_watched_over_two_windows_at_once(environment: Root) -> None:
    burning = [policy for policy in policies(environment) if name(policy).startswith("BudgetBurns")]
    objectives = environment.of("google_monitoring_slo")
    assert len(burning) == 3 * len(objectives)
    for policy in burning:
        assert policy["combiner"] == "AND"
        long, short = (condition["condition_threshold"][0] for condition in policy["conditions"])
        assert long["threshold_value"] == short["threshold_value"]
        assert _lookback(long) >= 12 * _lookback(short)
        assert not long["aggregations"], "the selector computes the rate"


def _lookback(condition: Mapping[str, Any]) -> int:
    return int(str(condition["filter"]).rpartition(', "')[2].rstrip('s")'))


def test_a_backup_that_is_not_verified_in_time_pages(environment: Root) -> None:
    databases = environment.output("configuration")["whole"]["databases"]
    found = {policy["display_name"]: policy for policy in policies(environment) if name(policy) == "NoVerifiedBackup"}
    assert set(found) == {f"NoVerifiedBackup: {database}" for database in databases}
    for database, row in databases.items():
        [condition] = found[f"NoVerifiedBackup: {database}"]["conditions"][0]["condition_threshold"]
        seconds = int(condition["duration"][:-1]) + int(condition["aggregations"][0]["alignment_period"][:-1])
        assert seconds == row["backups"]["verified_age_hours_max"] * 3600
        assert condition["evaluation_missing_data"] == "EVALUATION_MISSING_DATA_ACTIVE"


@pytest.mark.parametrize("kind", [kind for kind, severity in SEVERITIES.items() if severity is Severity.PAGE])
def test_whatever_backups_page_for_is_in_an_alert_of_every_database(environment: Root, kind: str) -> None:
    told = f'"{kind}"'
    filters = [condition["filter"] for policy in policies(environment) for condition in _thresholds(policy)]
    for database in environment.output("configuration")["whole"]["databases"]:
        named = f'metric.labels.instance="{database}"'
        assert any(named in text and told in text for text in filters), f"nobody is called for {kind} of {database}"


def _thresholds(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [row for condition in policy["conditions"] for row in condition["condition_threshold"]]


def test_the_site_is_asked_from_outside_from_several_regions_on_a_path_of_each_service(environment: Root) -> None:
    whole = environment.output("configuration")["whole"]
    checks = environment.of("google_monitoring_uptime_check_config").values()
    assert {row["http_check"][0]["path"] for row in checks} == {
        row["uptime_path"] for row in whole["services"].values()
    }
    assert len(checks) == len(whole["services"])
    for check in checks:
        assert "EUROPE" in check["selected_regions"]
        assert len(check["selected_regions"]) >= 3
        assert check["monitored_resource"][0]["labels"]["host"] == whole["domain"]
    alerts = {policy["display_name"] for policy in policies(environment) if name(policy) == "SiteUnreachable"}
    assert alerts == {f"SiteUnreachable: {service}" for service in whole["services"]}


def test_people_are_told_of_costs_before_the_month_ends(environment: Root) -> None:
    [budget] = environment.of("google_billing_budget").values()
    costs = environment.output("configuration")["whole"]["costs"]
    assert budget["amount"][0]["specified_amount"][0]["units"] == str(costs["monthly_budget"])
    assert {row["threshold_percent"] for row in budget["threshold_rules"]} == {0.5, 0.9, 1}


def test_an_objective_counts_answers_and_no_sockets(environment: Root) -> None:
    """A WebSocket is a request of class 1xx that lasts up to an hour."""
    text = json.dumps([row["request_based_sli"] for row in environment.of("google_monitoring_slo").values()])
    filters = [part for part in text.split('filter": "')[1:] if part[0] != '"']
    assert len(filters) == 3 * len(environment.output("configuration")["whole"]["services"])
    assert all('metric.labels.response_code_class!=\\"1xx\\"' in part.partition('",')[0] for part in filters)


def test_runbooks_name_functions_that_are_there(environment: Root) -> None:
    names = {row["name"] for row in environment.of("google_cloudfunctions2_function").values()}
    for page, text in RUNBOOKS.items():
        for line in text.splitlines():
            if "gcloud run revisions list --service=" in line:
                assert line.partition("--service=")[2].split()[0] in names, page


def test_a_runbook_is_where_the_alert_module_looks(code: Path) -> None:
    assert (code / "modules" / "alert" / "../../../docs/runbooks").resolve().is_dir()
