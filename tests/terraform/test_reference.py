"""The pages that are generated from what Terraform applies, and the estimate that follows it, are true."""

from collections.abc import Callable

import pytest

from scripts import describe_iam
from scripts.configuration import environments
from scripts.configuration.costs import automation
from tests.terraform.stand import Root


def test_the_page_of_rights_is_what_terraform_grants(production: Root, bootstrap: Root) -> None:
    assert describe_iam.PAGE.read_text() == describe_iam.page(production.state, bootstrap.state)


@pytest.mark.parametrize("member", ["allUsers", "domain:x.example", "serviceAccount:", "user:nobody", "sink", ""])
def test_a_right_of_somebody_unknown_is_no_row_but_an_error(member: str) -> None:
    row = {
        "address": "google_project_iam_member.x",
        "mode": "managed",
        "type": "google_project_iam_member",
        "values": {"member": member, "role": "roles/x", "project": "p"},
    }
    with pytest.raises(ValueError, match=r"google_project_iam_member\.x"):
        describe_iam.grants({"values": {"root_module": {"resources": [row]}}}, "p")


def test_the_environments_differ_in_names_alone(applied: Callable[[str], Root], production: Root) -> None:
    def shape(root: Root, name: str) -> list[tuple[str, str, str]]:
        rows = describe_iam.grants(root.state, f"pushnchat-{name}")
        return sorted(
            (row.who.replace(f"-{name}", ""), row.target.replace(f"-{name}", ""), row.role)
            for row in rows
            if not row.who.startswith("group:")
        )

    assert shape(applied("dev"), "dev") == shape(production, "production")


def test_the_estimate_counts_the_conditions_jobs_and_checks_there_are(environment: Root) -> None:
    found = environments.read(environment.output("configuration")["whole"]["name"]).found
    assert found is not None
    policies = environment.of("google_monitoring_alert_policy").values()
    assert automation.alert_conditions(found) == sum(len(policy["conditions"]) for policy in policies)
    assert automation.scheduler_jobs(found) == len(environment.of("google_cloud_scheduler_job"))
    for check in environment.of("google_monitoring_uptime_check_config").values():
        assert len(check["selected_regions"]) == automation.CHECKERS
