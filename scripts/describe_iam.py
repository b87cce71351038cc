"""Writes who may do what, from what Terraform applied: docs/reference/iam.md.

    scripts/describe_iam.py STATE            STATE: the output of `terraform show -json` of an applied environment
    scripts/describe_iam.py STATE --check    changes nothing; exit 1 where the page is out of date

The page is of one environment, production; the others differ in names alone.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
PAGE = REPOSITORY / "docs" / "reference" / "iam.md"
_TARGETS = {
    "google_artifact_registry_repository_iam_member": ("repository", "repository"),
    "google_container_analysis_note_iam_member": ("note", "note"),
    "google_cloud_run_v2_service_iam_member": ("service", "name"),
    "google_project_iam_member": ("project", "project"),
    "google_pubsub_subscription_iam_member": ("subscription", "subscription"),
    "google_pubsub_topic_iam_member": ("topic", "topic"),
    "google_secret_manager_secret_iam_member": ("secret", "secret_id"),
    "google_service_account_iam_member": ("account", "service_account_id"),
    "google_storage_bucket_iam_member": ("bucket", "bucket"),
}


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Grant:
    """Who may do what on what; each as short as it is clear."""

    who: str
    kind: str
    target: str
    role: str
    condition: str = ""


def resources(module: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Kind and values of every resource of a module and those below it."""
    for row in module.get("resources", []):
        if row["mode"] == "managed":
            yield row["type"], row["values"]
    for child in module.get("child_modules", []):
        yield from resources(child)


def grants(state: Mapping[str, Any], project: str) -> tuple[Grant, ...]:
    """Every grant of the state, in order. Raises KeyError on a kind of grant that nobody has described here."""
    found = set()
    for kind, values in resources(state["values"]["root_module"]):
        if kind.endswith(("_iam_member", "_iam_binding", "_iam_policy")):
            what, field = _TARGETS[kind]
            found.add(
                Grant(
                    who=_who(values["member"], project),
                    kind=what,
                    target=values[field].rpartition("/")[2],
                    role=values["role"].rpartition("/")[2],
                    condition=", ".join(row["title"] for row in values.get("condition") or ()),
                )
            )
    return tuple(sorted(found))


def _who(member: str, project: str) -> str:
    kind, _, name = member.partition(":")
    if kind != "serviceAccount":
        return member if name else "the log sink revision-changes"
    account, _, home = name.partition("@")
    if not home:
        return "the database's own account"
    if home == f"{project}.iam.gserviceaccount.com":
        return account
    return f"Google's {home.removesuffix('.iam.gserviceaccount.com')}"


def _under(grant: Grant) -> str:
    return f", {grant.condition}" if grant.condition else ""


def page(state: Mapping[str, Any]) -> str:
    """The whole page."""
    configuration = state["values"]["outputs"]["configuration"]["value"]["whole"]
    rows: dict[str, list[Grant]] = defaultdict(list)
    for grant in grants(state, configuration["project"]["id"]):
        rows[grant.who].append(grant)
    lines = [
        "# Who may do what",
        "",
        f"Every grant that Terraform makes in {configuration['name']}, and every role of our own.",
        "Written by `scripts/describe_iam.py` from an applied state; a test compares them.",
        "What GitHub's workflows may do stands in `terraform/bootstrap/github.tf`.",
        "",
        "Two rules are tested beside this page: who measures cannot move traffic, and who moves it cannot judge.",
        "",
        "## Grants",
        "",
        "| who | on | role |",
        "|---|---|---|",
    ]
    for who in sorted(rows):
        lines += [f"| `{who}` | {grant.kind} `{grant.target}` | `{grant.role}`{_under(grant)} |" for grant in rows[who]]
    lines += ["", "## Roles of our own", "", "| role | may | permissions |", "|---|---|---|"]
    roles = [values for kind, values in resources(state["values"]["root_module"]) if kind.endswith("_iam_custom_role")]
    for values in sorted(roles, key=lambda row: str(row["role_id"])):
        permissions = ", ".join(f"`{name}`" for name in sorted(values["permissions"]))
        lines.append(f"| `{values['role_id']}` | {values['description']} | {permissions} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("state", type=Path, help="what `terraform show -json` printed")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 where the page is out of date")
    options = parser.parse_args()
    text = page(json.loads(options.state.read_text()))
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
