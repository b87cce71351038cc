"""Writes who may do what, from what Terraform applied: docs/reference/iam.md.

    scripts/describe_iam.py STATE BOOTSTRAP            what `terraform show -json` said of production and of bootstrap
    scripts/describe_iam.py STATE BOOTSTRAP --check    changes nothing; exit 1 where the page is out of date

The page is of one environment, production; the others differ in names alone.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "reference" / "iam.md"
_TARGETS = {
    "google_artifact_registry_repository_iam_member": ("repository", "repository"),
    "google_container_analysis_note_iam_member": ("note", "note"),
    "google_billing_account_iam_member": ("billing account", "billing_account_id"),
    "google_binary_authorization_attestor_iam_member": ("attestor", "attestor"),
    "google_cloud_run_v2_service_iam_member": ("service", "name"),
    "google_kms_crypto_key_iam_member": ("key", "crypto_key_id"),
    "google_project_iam_member": ("project", "project"),
    "google_pubsub_subscription_iam_member": ("subscription", "subscription"),
    "google_pubsub_topic_iam_member": ("topic", "topic"),
    "google_secret_manager_secret_iam_member": ("secret", "secret_id"),
    "google_service_account_iam_member": ("account", "service_account_id"),
    "google_storage_bucket_iam_member": ("bucket", "bucket"),
}


_MADE_BY_GOOGLE = {
    "module.platform.module.database.google_storage_bucket_iam_member.exports": "the database's own account",
    "module.platform.module.revision_changes.google_pubsub_topic_iam_member.publisher": "the log sink revision-changes",
}
"""Grants to accounts that exist, under a name Google chooses, only once something else does."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """Who may do what on what; each as short as it is clear."""

    who: str
    kind: str
    target: str
    role: str
    condition: str = ""


def resources(module: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Address without keys, kind and values of every resource of a module and those below it."""
    for row in module.get("resources", []):
        if row["mode"] == "managed":
            yield re.sub(r"\[[^]]*\]", "", row["address"]), row["type"], row["values"]
    for child in module.get("child_modules", []):
        yield from resources(child)


def grants(state: Mapping[str, Any], project: str) -> tuple[Grant, ...]:
    """Every grant of the state, in order. Raises KeyError on a kind of grant that nobody has described here."""
    found = set()
    for address, kind, values in resources(state["values"]["root_module"]):
        if kind.endswith(("_iam_member", "_iam_binding", "_iam_policy")):
            what, field = _TARGETS[kind]
            found.add(
                Grant(
                    who=_who(address, values["member"], project),
                    kind=what,
                    target=values[field].rpartition("/")[2],
                    role=values["role"].rpartition("/")[2],
                    condition=", ".join(row["title"] for row in values.get("condition") or ()),
                )
            )
    return tuple(sorted(found))


def _who(address: str, member: str, project: str) -> str:
    """A name people know. Raises ValueError for a member that is none of the kinds we grant anything to."""
    if address in _MADE_BY_GOOGLE:
        return _MADE_BY_GOOGLE[address]
    kind, _, name = member.partition(":")
    account, _, home = name.partition("@")
    if kind in ("user", "group") and home:
        return member
    if kind == "principalSet" and "/attribute.gate/" in name:
        return f"GitHub's jobs of {name.rpartition('/')[2]}"
    project_of_account = home.removesuffix(".iam.gserviceaccount.com")
    if kind == "serviceAccount" and account and home != project_of_account:
        if re.fullmatch(r"service-\d+", account):
            return f"Google's {project_of_account}"
        return account if project_of_account == project else f"{account} of {project_of_account}"
    raise ValueError(f"{address}: nobody has described who {member!r} is")


def _under(grant: Grant) -> str:
    return f", {grant.condition}" if grant.condition else ""


def _table(found: tuple[Grant, ...]) -> list[str]:
    rows = [f"| `{row.who}` | {row.kind} `{row.target}` | `{row.role}`{_under(row)} |" for row in found]
    return ["| who | on | role |", "|---|---|---|", *rows]


def page(state: Mapping[str, Any], bootstrap: Mapping[str, Any]) -> str:
    """The whole page."""
    configuration = state["values"]["outputs"]["configuration"]["value"]["whole"]
    lines = [
        "# Who may do what",
        "",
        f"Every grant that Terraform makes in {configuration['name']} and once for all, and every role of our own.",
        "Written by `scripts/describe_iam.py` from applied states; a test compares them.",
        "With keys of our own, each of Google's services that keeps data may use the key of its region besides.",
        "",
        "Two rules are tested beside this page: who measures cannot move traffic, and who moves it cannot judge.",
        "",
        "## Grants",
        "",
        *_table(grants(state, configuration["project"]["id"])),
        "",
        "## Grants of bootstrap",
        "",
        "GitHub's workflows sign in as an account through a gate: an environment, the branch main, or a pull request.",
        "",
        *_table(grants(bootstrap, configuration["registry"]["project"]["id"])),
    ]
    lines += ["", "## Roles of our own", "", "| role | may | permissions |", "|---|---|---|"]
    roles = [
        values for _, kind, values in resources(state["values"]["root_module"]) if kind.endswith("_iam_custom_role")
    ]
    for values in sorted(roles, key=lambda row: str(row["role_id"])):
        permissions = ", ".join(f"`{name}`" for name in sorted(values["permissions"]))
        lines.append(f"| `{values['role_id']}` | {values['description']} | {permissions} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path, help="what `terraform show -json` printed of production")
    parser.add_argument("bootstrap", type=Path, help="what it printed of bootstrap")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the page is out of date")
    options = parser.parse_args()
    text = page(json.loads(options.state.read_text()), json.loads(options.bootstrap.read_text()))
    if PAGE.exists() and PAGE.read_text() == text:
        return 0
    if options.check:
        print(f"out of date: {PAGE.relative_to(REPOSITORY)}")
        return 1
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
