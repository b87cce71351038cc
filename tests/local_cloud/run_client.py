"""A local Cloud Run Admin API, and Google's own clients of it with short names for short tests."""

from datetime import UTC, datetime
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import run_v2
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.local_cloud.contracts import PARENT
from scripts.local_cloud.registry import Registry
from scripts.local_cloud.run.admin import RunAdmin
from scripts.local_cloud.run.checks import LATEST, PINNED
from shared.adapters.google_api import insecure_channel
from shared.events import revision_change
from shared.events.message import Message
from tests.local_cloud.recording import RecordingDataPlane, RecordingPublisher
from tests.local_cloud.waiting import wait_until

REPOSITORY = "registry.example/web"
NAME = f"{PARENT}/services/web"
SUCCEEDED = run_v2.Condition.State.CONDITION_SUCCEEDED
FAILED = run_v2.Condition.State.CONDITION_FAILED


class Api:
    """A server, and clients on one of its two wires."""

    def __init__(self, wire: str) -> None:
        self.plane = RecordingDataPlane()
        self.publisher = RecordingPublisher()
        self.registry = Registry(self.publisher)
        self.server = RunAdmin(self.plane, self.registry, self.publisher, reconcile_delay_seconds=0)
        self.server.start()
        self.wire = wire
        self.services, self.revisions = self._grpc() if wire == "grpc" else self._rest()
        for version in ("v1", "v2", "v3"):
            self.registry.push(REPOSITORY, version, ("run", version))

    def _grpc(self) -> tuple[run_v2.ServicesClient, run_v2.RevisionsClient]:
        endpoint = f"127.0.0.1:{self.server.grpc_port}"
        return (
            run_v2.ServicesClient(transport=ServicesGrpcTransport(channel=insecure_channel(endpoint))),
            run_v2.RevisionsClient(transport=RevisionsGrpcTransport(channel=insecure_channel(endpoint))),
        )

    def _rest(self) -> tuple[run_v2.ServicesClient, run_v2.RevisionsClient]:
        options: dict[str, Any] = {"api_endpoint": f"http://127.0.0.1:{self.server.rest_port}"}
        anonymous = AnonymousCredentials()
        return (
            run_v2.ServicesClient(transport="rest", credentials=anonymous, client_options=options),
            run_v2.RevisionsClient(transport="rest", credentials=anonymous, client_options=options),
        )

    def stop(self) -> None:
        self.services.transport.close()
        self.revisions.transport.close()
        self.server.stop()

    def create(self, version: str = "v1", **fields: Any) -> str:
        """The ready first revision's name."""
        self.services.create_service(parent=PARENT, service=wanted(version, **fields), service_id="web")
        return self.make_ready()

    def make_ready(self) -> str:
        name = short(self.get().latest_created_revision)
        self.plane.ready(name)
        self.settled()
        return name

    def get(self) -> run_v2.Service:
        return self.services.get_service(name=NAME)

    def settled(self) -> run_v2.Service:
        wait_until(lambda: not self.get().reconciling)
        return self.get()

    def update(self, *paths: str, **fields: Any) -> Any:
        request = run_v2.UpdateServiceRequest(
            service=run_v2.Service(name=NAME, **fields), update_mask=FieldMask(paths=paths) if paths else None
        )
        return self.services.update_service(request=request)

    def told(self) -> list[revision_change.RevisionChanged]:
        return [
            revision_change.parse(
                Message(id="1", topic=topic, published_at=datetime.now(UTC), data=data, attributes=dict(attributes))
            )
            for topic, data, attributes in self.publisher.published
            if topic == "revision-changes"
        ]


def wanted(version: str, **fields: Any) -> run_v2.Service:
    container = run_v2.Container(image=f"{REPOSITORY}:{version}", env=[{"name": "COLOUR", "value": "blue"}])
    return run_v2.Service(template=run_v2.RevisionTemplate(containers=[container]), **fields)


def template(version: str, **fields: Any) -> run_v2.RevisionTemplate:
    return run_v2.RevisionTemplate(containers=wanted(version).template.containers, **fields)


def pinned(**percents: int) -> list[run_v2.TrafficTarget]:
    return [run_v2.TrafficTarget(type_=PINNED, revision=name, percent=share) for name, share in percents.items()]


def row(revision: str, percent: int = 0, tag: str = "") -> run_v2.TrafficTarget:
    return run_v2.TrafficTarget(type_=PINNED if revision else LATEST, revision=revision, percent=percent, tag=tag)


def short(name: str) -> str:
    return name.rpartition("/")[2]
