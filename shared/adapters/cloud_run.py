"""Cloud Run Admin v2 through Google's gRPC client: one call per question, one masked and guarded call per change.

Changes are never a full read-modify-write: a field this client does not know would be lost, and a revision's name
left in the template collides with the next change (409). Nobody waits for the long-running operation.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from google.cloud.run_v2.services.services.client import ServicesClient
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.types import condition as conditions
from google.cloud.run_v2.types import service as services
from google.cloud.run_v2.types import traffic_target as targets
from google.cloud.run_v2.types.k8s_min import Container
from google.protobuf.field_mask_pb2 import FieldMask

from shared.adapters.google_api import CALL_SECONDS, insecure_channel, our_errors, read_retry
from shared.errors import Conflict, NotFound
from shared.rollout.service import (
    RECORD_ANNOTATION,
    ROLLOUT_ANNOTATION,
    Revision,
    RevisionState,
    Service,
    TrafficTarget,
)

if TYPE_CHECKING:
    from google.cloud.run_v2.services.revisions.client import RevisionsClient

_LATEST = targets.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
_REVISION = targets.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
_WRITE_SECONDS = 15.0
_READS_KEPT = 64
_STATES = {
    conditions.Condition.State.CONDITION_SUCCEEDED: RevisionState.READY,
    conditions.Condition.State.CONDITION_FAILED: RevisionState.FAILED,
}


class CloudRun:
    """The services of one project and region.

    endpoint: "host:port" of a local server, or None for Google.
    """

    def __init__(self, project: str, region: str, endpoint: str | None = None) -> None:
        self._parent = f"projects/{project}/locations/{region}"
        self._endpoint = endpoint
        self._reads: OrderedDict[tuple[str, str], services.Service] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def _transport(self) -> ServicesGrpcTransport:
        if self._endpoint is None:
            return ServicesGrpcTransport()
        return ServicesGrpcTransport(channel=insecure_channel(self._endpoint))

    @cached_property
    def _services(self) -> ServicesClient:
        return ServicesClient(transport=self._transport)

    @cached_property
    def _revisions(self) -> "RevisionsClient":
        """On the channel of the services: one connection and one handshake serve both. A rollback needs none."""
        from google.cloud.run_v2.services.revisions.client import RevisionsClient
        from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport

        return RevisionsClient(transport=RevisionsGrpcTransport(channel=self._transport.grpc_channel))

    def close(self) -> None:
        if "_transport" in self.__dict__:
            self._transport.grpc_channel.close()

    def get(self, service: str) -> Service:
        return self._mapped(service, self._read(service))

    def get_revision(self, service: str, revision: str) -> Revision:
        name = f"{self._parent}/services/{service}/revisions/{revision}"
        try:
            with our_errors():
                read = self._revisions.get_revision(name=name, retry=read_retry(), timeout=CALL_SECONDS)
        except NotFound:
            return Revision(name=revision, image="", state=RevisionState.MISSING)
        ready = next((row for row in read.conditions if row.type_ == "Ready"), conditions.Condition())
        return Revision(
            name=revision,
            image=_image(read.containers),
            state=_STATES.get(ready.state, RevisionState.PENDING),
            message=ready.message,
            rollout_id=read.annotations.get(ROLLOUT_ANNOTATION, ""),
        )

    def start(
        self, service: Service, *, record: str, image: str, rollout_id: str, traffic: Iterable[TrafficTarget]
    ) -> None:
        change, mask = self._change(service, record, traffic)
        change.template = self._current(service).template
        change.template.revision = ""  # a kept name would collide with the next change of the template
        _served(change.template.containers).image = image
        change.template.annotations[ROLLOUT_ANNOTATION] = rollout_id
        self._write(change, ["template", *mask])

    def move(self, service: Service, *, record: str, traffic: Iterable[TrafficTarget]) -> None:
        change, mask = self._change(service, record, traffic)
        self._write(change, mask)

    def _change(
        self, service: Service, record: str, traffic: Iterable[TrafficTarget]
    ) -> tuple[services.Service, list[str]]:
        """Traffic and record; the mask replaces the whole map, so everybody else's annotations go along."""
        current = self._current(service)
        change = services.Service(
            name=current.name,
            etag=service.etag,
            traffic=[_written(target) for target in traffic],
            annotations={**current.annotations, RECORD_ANNOTATION: record},
        )
        return change, ["traffic", "annotations"]

    def _write(self, change: services.Service, paths: list[str]) -> None:
        """One call, never repeated blindly: after an unclear failure the next message reads what became of it."""
        with our_errors():
            self._services.update_service(
                request=services.UpdateServiceRequest(service=change, update_mask=FieldMask(paths=paths)),
                retry=None,
                timeout=_WRITE_SECONDS,
            )

    def _read(self, service: str) -> services.Service:
        name = f"{self._parent}/services/{service}"
        with our_errors():
            read = self._services.get_service(name=name, retry=read_retry(), timeout=CALL_SECONDS)
        with self._lock:
            self._reads[service, read.etag] = read
            while len(self._reads) > _READS_KEPT:
                self._reads.popitem(last=False)
        return read

    def _current(self, service: Service) -> services.Service:
        """The read behind `service`; read again only when it was another instance's."""
        with self._lock:
            kept = self._reads.get((service.name, service.etag))
        if kept is None:
            kept = self._read(service.name)
            if kept.etag != service.etag:
                raise Conflict(f"{service.name}: etag {service.etag} was read, {kept.etag} is current")
        return kept

    def _mapped(self, name: str, read: services.Service) -> Service:
        ready = _short(read.latest_ready_revision)
        serving: dict[str, int] = {}
        for status in read.traffic_statuses:
            if status.percent:
                revision = status.revision or ready
                serving[revision] = serving.get(revision, 0) + status.percent
        return Service(
            name=name,
            etag=read.etag,
            uri=read.uri,
            record=read.annotations.get(RECORD_ANNOTATION, ""),
            image=_image(read.template.containers),
            rollout_id=read.template.annotations.get(ROLLOUT_ANNOTATION, ""),
            traffic=tuple(_target(row) for row in read.traffic),
            tag_uris={status.tag: status.uri for status in read.traffic_statuses if status.tag and status.uri},
            tagged=_tagged(read, ready),
            serving=serving,
            latest_created=_short(read.latest_created_revision),
            latest_ready=ready,
            reconciling=read.reconciling,
            session_affinity=read.template.session_affinity,
        )


def _tagged(read: services.Service, ready: str) -> dict[str, str]:
    """The revision by tag as Cloud Run routes now; one that follows LATEST is nobody's while that may be changing."""
    named = {row.tag: _short(row.revision) for row in read.traffic_statuses if row.tag}
    return {tag: revision or ready for tag, revision in named.items() if revision or not read.reconciling}


def _served(containers: Sequence[Container]) -> Container:
    """The container that requests reach, by its port, wherever its sidecars stand; a single one need not name any."""
    return next((row for row in containers if row.ports), containers[0])


def _image(containers: Sequence[Container]) -> str:
    return _served(containers).image if containers else ""


def _short(name: str) -> str:
    return name.rpartition("/")[2]


def _target(row: targets.TrafficTarget) -> TrafficTarget:
    return TrafficTarget(
        revision=None if row.type_ == _LATEST else _short(row.revision), percent=row.percent, tag=row.tag
    )


def _written(target: TrafficTarget) -> targets.TrafficTarget:
    if target.revision is None:
        return targets.TrafficTarget(type_=_LATEST, percent=target.percent, tag=target.tag)
    return targets.TrafficTarget(type_=_REVISION, revision=target.revision, percent=target.percent, tag=target.tag)
