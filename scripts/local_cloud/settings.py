"""What one local cloud is made of: its clocks, and the environment its functions get at deploy time."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from scripts.local_cloud.contracts import PROJECT, REGION

DIRECTORY = Path(__file__).resolve().parents[2] / "build" / "local-cloud"
SERVICE = "web"
REPOSITORY = f"{REGION}-docker.pkg.dev/{PROJECT}/apps/web"
PLACEHOLDER = f"{REGION}-docker.pkg.dev/{PROJECT}/placeholder/hello"
LEDGER_BUCKET = f"{PROJECT}-ledger"
ASSETS_BUCKET = f"{PROJECT}-assets"
ATTESTATION_NOTE = f"projects/{PROJECT}/notes/built-by-pipeline"
DATABASE = ("chat", "chat")  # instance and database

# Minutes in production, seconds here; the rules are the same.
FAST_STRATEGY: Mapping[str, Any] = {
    "steps": [10, 50, 90],
    "first_share_by_traffic": False,
    "proof_time_seconds": 2,
    "step_bake_time_seconds": 2.5,
    "final_bake_time_seconds": 3,
    "prepare_deadline_seconds": 20,
    "verify_deadline_seconds": 5,
    "step_deadline_seconds": 45,
    "action_window_seconds": 600,
    "alert_age_max_seconds": 60,
    "verdict_age_max_seconds": 10,
    "announce_grace_seconds": 5,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """sample_period and ingest_delay: of the request metrics, as their descriptors tell; 60 s and 120 s at Google.

    reconcile_delay: how long Cloud Run takes to make a change true; startup_deadline: for a container to listen.
    migrates: whether the service has a database, so that a release that migrates it needs a verified export.
    assets: whether a release waits for its own files in the assets bucket; supply: what is asked of its image, or None.
    """

    strategy: Mapping[str, Any] = field(default_factory=lambda: dict(FAST_STRATEGY))
    tick_period: timedelta = timedelta(seconds=1)
    sample_period: timedelta = timedelta(seconds=1)
    ingest_delay: timedelta = timedelta(seconds=2)
    reconcile_delay: timedelta = timedelta(milliseconds=200)
    startup_deadline: timedelta = timedelta(seconds=4)
    migrates: bool = False
    assets: bool = False
    supply: Mapping[str, Any] | None = None

    def delivery_environment(self) -> str:
        """The JSON of DELIVERY_ENVIRONMENT."""
        service: dict[str, Any] = {
            "image": REPOSITORY,
            "probe_paths": ["/health/ready"],
            "strategy": dict(self.strategy),
        }
        whole: dict[str, Any] = {
            "name": "local",
            "project": PROJECT,
            "region": REGION,
            "ledger_bucket": LEDGER_BUCKET,
            "services": {SERVICE: service},
        }
        if self.assets:
            service["assets_bucket"] = ASSETS_BUCKET
        if self.supply is not None:
            service["supply"] = {**self.supply, "note": ATTESTATION_NOTE}
        if self.migrates:
            instance, database = DATABASE
            service["database"] = f"{instance}/{database}"
            whole["backups"] = {"bucket": f"{PROJECT}-exports", "instances": {instance: [database]}}
        return json.dumps(whole)


def sample(*flags: str) -> tuple[str, ...]:
    """The command of an image of the sample service with these flags."""
    return ("{python}", "-m", "scripts.local_cloud.data_plane.sample_app", *flags)
