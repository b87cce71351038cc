"""Traffic edited by hand, as a person does in the Cloud console: the split alone, tags kept."""

from collections.abc import Mapping
from contextlib import suppress

from google.api_core import exceptions
from google.api_core.operation import Operation
from google.cloud.run_v2.services.services.client import ServicesClient
from google.cloud.run_v2.types import service as services
from google.cloud.run_v2.types import traffic_target as targets
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.demonstration.outcome import Different

ATTEMPTS = 10
DONE_SECONDS_MAX = 10
_REVISION = targets.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION


def edit_traffic(client: ServicesClient, service: str, percents: Mapping[str, int]) -> None:
    """Makes the split once, and waits until it is served or a newer change has taken its place.

    service: its resource name. percents: by revision, 100 together.
    Tries again when somebody was quicker between its read and its write; raises Different after ATTEMPTS.
    """
    operation = _accepted(client, service, percents)
    with suppress(exceptions.Aborted):  # A newer change followed: making this one again would undo that.
        operation.result(timeout=DONE_SECONDS_MAX)


def _accepted(client: ServicesClient, service: str, percents: Mapping[str, int]) -> Operation:
    for _ in range(ATTEMPTS):
        with suppress(exceptions.Aborted):
            return _write(client, service, percents)
    raise Different(f"the traffic could not be edited by hand in {ATTEMPTS} attempts")


def _write(client: ServicesClient, service: str, percents: Mapping[str, int]) -> Operation:
    current = client.get_service(name=service)
    rows = [targets.TrafficTarget(type_=_REVISION, revision=r, percent=p) for r, p in percents.items()]
    tagged = [row for row in current.traffic if row.tag]
    rows += [targets.TrafficTarget(type_=row.type_, revision=row.revision, tag=row.tag) for row in tagged]
    change = services.Service(name=service, etag=current.etag, traffic=rows)
    mask = FieldMask(paths=["traffic"])
    return client.update_service(request=services.UpdateServiceRequest(service=change, update_mask=mask))
