"""The functions' part of a configuration: the JSON of DELIVERY_ENVIRONMENT, as Terraform writes it at deploy time."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from scripts.configuration.declaration import DELEGATED, Configuration, Service

BUILT_BY_PIPELINE = "built-by-pipeline"

_DELEGATED = tuple(knob.name for knob in fields(Service) if knob.metadata.get(DELEGATED))


def delegated_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A service's fields that the functions read, as they stand in the file."""
    return {name: row[name] for name in _DELEGATED if name in row}


def image(found: Configuration, service: Service) -> str:
    """The image's repository path, without a tag."""
    registry = found.registry
    return f"{registry.region}-docker.pkg.dev/{registry.project.id}/{registry.repository}/{service.image}"


def ledger_bucket(found: Configuration) -> str:
    return f"{found.project.id}-ledger"


def control_bucket(found: Configuration) -> str:
    """Beside the ledger, for the ledger's retention lets nothing be replaced and a freeze must be lifted."""
    return f"{found.project.id}-control"


def assets_bucket(found: Configuration) -> str:
    """One for all environments: a promotion moves an image, not its files."""
    return f"{found.registry.project.id}-assets"


def attestation_note(found: Configuration) -> str:
    """What hangs on it says that our pipeline built an image."""
    return f"projects/{found.registry.project.id}/notes/{BUILT_BY_PIPELINE}"


def backups(found: Configuration) -> dict[str, Any] | None:
    """What sql_backup, backup_verify and restore_drill are told: each instance holds the database of its own name."""
    if not found.databases:
        return None
    rows = {name: database.backups for name, database in found.databases.items()}
    return {
        "bucket": f"{found.project.id}-exports",
        "locked_bucket": f"{found.project.id}-backups",
        "drill_bucket": f"{found.project.id}-drills",
        "instances": {name: [name] for name in rows},
        "databases": {
            f"{name}/{name}": {
                "append_only": list(row.append_only),
                "volatile": list(row.volatile),
                "retired": list(row.retired),
                "extensions": list(row.extensions),
                "age_max_seconds": 3600 * row.verified_age_hours_max,
                "log_days": row.point_in_time_days,
                "newest_row": row.newest_row,
                "checks": row.checks,
                "recovery_point_seconds": 3600 * row.recovery_point_hours_max,
                "recovery_time_seconds": 60 * row.recovery_minutes_max,
            }
            for name, row in rows.items()
        },
    }


def _gate(found: Configuration, service: Service) -> dict[str, Any]:
    """What a release of the service must find before it starts."""
    needs: dict[str, Any] = {}
    if service.assets:
        needs["assets_bucket"] = assets_bucket(found)
    if service.supply is not None:
        needs["supply"] = {**service.supply, "note": attestation_note(found)}
    if not service.database:
        return needs
    age = found.databases[service.database].backups.release_age_hours_max
    return {**needs, "database": f"{service.database}/{service.database}", "backup_age_max_seconds": 3600 * age}


def text_of(
    name: str,
    project: str,
    region: str,
    ledger: str,
    control: str,
    services: Mapping[str, Any],
    backups: Mapping[str, Any] | None = None,
) -> str:
    whole = {
        "name": name,
        "project": project,
        "region": region,
        "ledger_bucket": ledger,
        "control_bucket": control,
        "services": services,
    }
    return json.dumps(whole if backups is None else {**whole, "backups": backups})


def delivery_environment(found: Configuration) -> str:
    """The JSON text; `shared.config.environment.load_environment` reads it."""
    services = {}
    for name, service in found.services.items():
        row = {knob: getattr(service, knob) for knob in _DELEGATED if getattr(service, knob) is not None}
        services[name] = {"image": image(found, service), **row, **_gate(found, service)}
    ledger, control = ledger_bucket(found), control_bucket(found)
    return text_of(found.name, found.project.id, found.regions.serving, ledger, control, services, backups(found))
