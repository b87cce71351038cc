"""Says what in a Terraform plan must not be applied without a second thought; exit 1 if there is anything.

    terraform -chdir=terraform/environments/production plan -out=next.tfplan
    terraform -chdir=terraform/environments/production show -json next.tfplan | scripts/guard_plan.py

Refused: a change of what belongs to a rollout (image, traffic, our annotations, a named revision), a service or a store
that would be destroyed or made anew, and a right for everybody. A finding that is meant is let through by its address:

    … | scripts/guard_plan.py --accept 'module.platform.module.database["old"].google_sql_database_instance.this'
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from shared.rollout.service import RECORD_ANNOTATION, ROLLOUT_ANNOTATION

SERVICE = "google_cloud_run_v2_service"
KEPT = frozenset(
    {
        SERVICE,
        "google_artifact_registry_repository",
        "google_compute_global_address",
        "google_pubsub_subscription",
        "google_pubsub_topic",
        "google_secret_manager_secret",
        "google_sql_database",
        "google_sql_database_instance",
        "google_storage_bucket",
    }
)
"""What holds something that cannot be made again: data, undelivered messages, an address that people's DNS names."""
EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Why one resource's change needs a second thought."""

    address: str
    text: str


def findings(plan: Mapping[str, Any]) -> Iterator[Finding]:
    """plan: what `terraform show -json` says of a plan."""
    for row in plan.get("resource_changes", []):
        change = row["change"]
        for text in (*_lost(row["type"], change), *_rollouts(row["type"], change), *_public(change)):
            yield Finding(address=row["address"], text=text)


def _lost(kind: str, change: Mapping[str, Any]) -> Iterator[str]:
    if kind in KEPT and "delete" in change["actions"]:
        yield "would be made anew" if "create" in change["actions"] else "would be destroyed"


def _rollouts(kind: str, change: Mapping[str, Any]) -> Iterator[str]:
    """What a rollout writes must look the same after the apply as before."""
    before, after = change.get("before"), change.get("after")
    if kind != SERVICE or not before or not after:
        return
    unknown = change.get("after_unknown") or {}
    for what, read in _OF_ROLLOUTS.items():
        if read(before) != read(after):
            yield f"would change its {what}, which belongs to the rollout: {read(before)} → {read(after)}"
    if unknown.get("traffic") is True:
        yield "would change its traffic in a way that is not known yet"
    if _template(after).get("revision") and _template(after).get("revision") != _template(before).get("revision"):
        yield "would name its revision; a name left in the template makes the next change fail"


def _public(change: Mapping[str, Any]) -> Iterator[str]:
    after = change.get("after") or {}
    members = {after.get("member"), *(after.get("members") or ())}
    if "create" in change["actions"] and members & EVERYBODY:
        yield f"would give everybody {after.get('role')}"


def _template(service: Mapping[str, Any]) -> Mapping[str, Any]:
    templates = service.get("template") or [{}]
    first: Mapping[str, Any] = templates[0]
    return first


def _image(service: Mapping[str, Any]) -> Any:
    """Of the container that requests reach, by its port, wherever its sidecars stand: that one a rollout writes."""
    containers = _template(service).get("containers") or [{}]
    served = next((row for row in containers if row.get("ports")), containers[0])
    return served.get("image")


_OF_ROLLOUTS: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "traffic": lambda service: service.get("traffic") or [],
    "image": _image,
    "record": lambda service: (service.get("annotations") or {}).get(RECORD_ANNOTATION),
    "rollout id": lambda service: (_template(service).get("annotations") or {}).get(ROLLOUT_ANNOTATION),
}


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accept", action="append", default=[], metavar="ADDRESS", help="a change that is meant")
    accepted = frozenset(parser.parse_args().accept)
    found = [finding for finding in findings(json.load(sys.stdin)) if finding.address not in accepted]
    for finding in found:
        print(f"{finding.address}: {finding.text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
