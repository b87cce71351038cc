"""The Cloud Run Admin API, v2 over gRPC and REST and what gcloud reads of v1, in front of a control plane."""

import threading
from typing import Any

import grpc
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.revisions.transports.rest_base import _BaseRevisionsRestTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.services.services.transports.rest_base import _BaseServicesRestTransport
from google.cloud.run_v2.types import revision as revisions
from google.cloud.run_v2.types import service as services
from google.longrunning import operations_pb2

from scripts.local_cloud.contracts import DataPlane, Images, Publisher
from scripts.local_cloud.gapic.wire import (
    OPERATION_ROUTES,
    OPERATIONS_TABLE,
    Fail,
    GrpcServer,
    Intercept,
    RestServer,
    rest_routes,
    serve_grpc,
    serve_rest,
    straight,
    wire_table,
)
from scripts.local_cloud.run.checks import check_parent, check_service_id
from scripts.local_cloud.run.control_plane import ControlPlane
from scripts.local_cloud.run.knative import KNATIVE_ROUTES, Knative
from scripts.local_cloud.run.operations import WAIT_SECONDS

PAGE_SIZE_MAX = 100


class RunAdmin:
    """reconcile_delay_seconds: from an accepted change to the moment requests may follow it.

    intercept: stands between every gRPC call and its answer.
    """

    def __init__(
        self,
        data_plane: DataPlane,
        images: Images,
        publisher: Publisher,
        *,
        reconcile_delay_seconds: float,
        intercept: Intercept = straight,
    ) -> None:
        self.grpc_port = 0
        self.rest_port = 0
        self._control_plane = ControlPlane(
            data_plane, images, publisher, reconcile_delay_seconds=reconcile_delay_seconds
        )
        self._intercept = intercept
        self._lock = threading.Lock()
        self._calls: dict[str, int] = {}
        self._grpc: GrpcServer | None = None
        self._rest: RestServer | None = None

    def start(self, grpc_port: int = 0, rest_port: int = 0) -> None:
        """Listens on loopback; 0 takes a free port, told by the attributes of the same name."""
        service_table, revision_table = wire_table(ServicesGrpcTransport), wire_table(RevisionsGrpcTransport)
        self._grpc, self.grpc_port = serve_grpc(
            [(service_table, self), (revision_table, self), (OPERATIONS_TABLE, self)], grpc_port, self._intercept
        )
        self._rest, self.rest_port = serve_rest(
            [
                (OPERATION_ROUTES, self),
                (rest_routes(_BaseRevisionsRestTransport, revision_table), self),
                (rest_routes(_BaseServicesRestTransport, service_table), self),
                (KNATIVE_ROUTES, Knative(self)),
            ],
            rest_port,
        )

    def stop(self) -> None:
        """No change comes true any more; the revisions' processes are the data plane's to end."""
        self._control_plane.stop()
        if self._rest is not None:
            self._rest.stop()
        if self._grpc is not None:
            self._grpc.stop(grace=1)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: how often each method was called, and every service's generation and etag."""
        with self._lock:
            calls = dict(self._calls)
        found = self._control_plane.services()
        return {
            "calls": calls,
            "services": {
                service.name.rpartition("/")[2]: {"generation": service.generation, "etag": service.etag}
                for service in found
            },
        }

    def get_service(self, request: services.GetServiceRequest, _: object) -> services.Service:
        self._called("get_service")
        return self._control_plane.service(request.name)

    def list_services(self, request: services.ListServicesRequest, _: object) -> services.ListServicesResponse:
        self._called("list_services")
        check_parent(request.parent)
        found = self._control_plane.services()
        start, end, token = _page(len(found), request.page_size, request.page_token)
        return services.ListServicesResponse(services=found[start:end], next_page_token=token)

    def create_service(self, request: services.CreateServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("create_service")
        check_parent(request.parent)
        check_service_id(request.service_id)
        name = f"{request.parent}/services/{request.service_id}"
        return self._control_plane.create(name, request.service, validate_only=request.validate_only)

    def update_service(self, request: services.UpdateServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("update_service")
        return self._control_plane.update(
            request.service,
            request.update_mask.paths,
            allow_missing=request.allow_missing,
            validate_only=request.validate_only,
        )

    def delete_service(self, request: services.DeleteServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("delete_service")
        return self._control_plane.delete(request.name, request.etag, validate_only=request.validate_only)

    def get_revision(self, request: revisions.GetRevisionRequest, _: object) -> revisions.Revision:
        self._called("get_revision")
        return self._control_plane.revision(request.name)

    def list_revisions(self, request: revisions.ListRevisionsRequest, _: object) -> revisions.ListRevisionsResponse:
        """Newest first, as Cloud Run lists them."""
        self._called("list_revisions")
        found = self._control_plane.revisions(request.parent)
        start, end, token = _page(len(found), request.page_size, request.page_token)
        return revisions.ListRevisionsResponse(revisions=found[start:end], next_page_token=token)

    def delete_revision(self, request: revisions.DeleteRevisionRequest, _: object) -> operations_pb2.Operation:
        self._called("delete_revision")
        return self._control_plane.delete_revision(request.name, request.etag, validate_only=request.validate_only)

    def get_operation(self, request: operations_pb2.GetOperationRequest, _: object) -> operations_pb2.Operation:
        return self._control_plane.operations.get(request.name)

    def wait_operation(self, request: operations_pb2.WaitOperationRequest, _: object) -> operations_pb2.Operation:
        seconds = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else WAIT_SECONDS
        return self._control_plane.operations.wait(request.name, seconds)

    def _called(self, method: str) -> None:
        with self._lock:
            self._calls[method] = self._calls.get(method, 0) + 1


def _page(total: int, size: int, token: str) -> tuple[int, int, str]:
    """From, to, and the token of the next page."""
    if token and not token.isdecimal():
        raise Fail(grpc.StatusCode.INVALID_ARGUMENT, "page_token: is not one of ours")
    start = int(token or 0)
    end = start + (size if 0 < size <= PAGE_SIZE_MAX else PAGE_SIZE_MAX)
    return start, end, str(end) if end < total else ""
