"""The service under care, made as Terraform makes it: a placeholder image of another repository, all on LATEST."""

from datetime import timedelta
from typing import Any

from google.cloud.run_v2.services.services.client import ServicesClient
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.types import k8s_min, revision_template, service

from scripts.local_cloud.contracts import PARENT, PROJECT
from shared.adapters.cloud_run import CloudRun
from shared.adapters.google_api import insecure_channel
from shared.rollout import codec
from shared.rollout.record import Rollout

READY_WITHIN = timedelta(seconds=30)


def create_service(endpoint: str, name: str, image: str) -> None:
    """Creates the service and waits until it serves. endpoint: "host:port" of the Cloud Run Admin API."""
    client = ServicesClient(transport=ServicesGrpcTransport(channel=insecure_channel(endpoint)))
    try:
        wanted = service.Service(
            template=revision_template.RevisionTemplate(
                containers=[k8s_min.Container(image=image)], service_account=f"{name}@{PROJECT}.iam.gserviceaccount.com"
            )
        )
        client.create_service(parent=PARENT, service=wanted, service_id=name).result(
            timeout=READY_WITHIN.total_seconds()
        )
    finally:
        client.transport.close()


def describe(run: CloudRun, name: str) -> dict[str, Any]:
    """JSON-able: where the service is, who gets its traffic, and what its record says."""
    read = run.get(name)
    record = codec.decode(read.record) if read.record else None
    return {
        "name": name,
        "uri": read.uri,
        "serving": dict(read.serving),
        "tags": dict(read.tag_uris),
        "rollout": _in_words(record.rollout) if record and record.rollout else "",
        "phase": record.rollout.phase.value if record and record.rollout else "",
        "stable": record.stable if record else "",
        "target": record.target if record else "",
        "pin": record.pin.reason if record and record.pin else "",
        "waiting": record.waiting.reference if record and record.waiting else "",
        "frozen": record.frozen if record else "",
        "edited": record.edited if record else "",
        "known_bad": [bad.digest or bad.revision for bad in record.known_bad] if record else [],
        "sequence": record.sequence if record else 0,
    }


def _in_words(rollout: Rollout) -> str:
    name = f"{rollout.release.tag} {rollout.release.short}".strip()
    why = f": {rollout.hold.reason}" if rollout.hold else ""
    return f"{name} is {rollout.phase}{why}"
