"""The functions' part of a configuration: the JSON of DELIVERY_ENVIRONMENT, as Terraform writes it at deploy time."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from scripts.configuration.declaration import DELEGATED, Configuration, Service

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


def text_of(name: str, project: str, region: str, ledger: str, control: str, services: Mapping[str, Any]) -> str:
    return json.dumps(
        {
            "name": name,
            "project": project,
            "region": region,
            "ledger_bucket": ledger,
            "control_bucket": control,
            "services": services,
        }
    )


def delivery_environment(found: Configuration) -> str:
    """The JSON text; `shared.config.environment.load_environment` reads it."""
    services = {}
    for name, service in found.services.items():
        row = {knob: getattr(service, knob) for knob in _DELEGATED if getattr(service, knob) is not None}
        services[name] = {"image": image(found, service), **row}
    return text_of(
        found.name, found.project.id, found.regions.serving, ledger_bucket(found), control_bucket(found), services
    )
