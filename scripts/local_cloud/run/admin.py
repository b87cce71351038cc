"""The Cloud Run Admin API, v2 over gRPC and REST and what gcloud reads of v1, in front of a real data plane.

Known to differ from Google: a revision keeps its one process as long as its service lives, traffic or not.
"""

import re
import threading
import uuid
from typing import Any

import grpc
from google.cloud.run_v2.services.revisions.transports.grpc import RevisionsGrpcTransport
from google.cloud.run_v2.services.revisions.transports.rest_base import _BaseRevisionsRestTransport
from google.cloud.run_v2.services.services.transports.grpc import ServicesGrpcTransport
from google.cloud.run_v2.services.services.transports.rest_base import _BaseServicesRestTransport
from google.cloud.run_v2.types import revision as revisions
from google.cloud.run_v2.types import service as services
from google.longrunning import operations_pb2

from scripts.local_cloud.contracts import PROJECT, REGION, DataPlane, Images, Publisher
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
from scripts.local_cloud.run import audit_log
from scripts.local_cloud.run.checks import (
    check_etag,
    check_revision_name,
    check_service,
    check_service_id,
    merged,
    same_template,
)
from scripts.local_cloud.run.knative import KNATIVE_ROUTES, Knative
from scripts.local_cloud.run.operations import WAIT_SECONDS, Operations
from scripts.local_cloud.run.revisions import State, new_name, new_revision, now, ready_condition, settle_revision
from scripts.local_cloud.run.service import RunService
from shared.events.topics import REVISION_CHANGES

PARENT = f"projects/{PROJECT}/locations/{REGION}"
PAGE_SIZE_MAX = 100
_PARENT = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)")


class RunAdmin:
    """reconcile_delay_seconds: from an accepted change to the moment requests may follow it.

    intercept: stands between every gRPC call and its answer.

    Every revision that becomes ready, or never will, is told on the topic revision-changes.
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
        self._data_plane = data_plane
        self._images = images
        self._publisher = publisher
        self._reconcile_delay_seconds = reconcile_delay_seconds
        self._intercept = intercept
        self._lock = threading.RLock()
        self._services: dict[str, RunService] = {}  # by full name
        self._operations = Operations()
        self._timers: set[threading.Timer] = set()
        self._stopped = False
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
        with self._lock:
            self._stopped = True
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()
            timer.join()
        if self._rest is not None:
            self._rest.stop()
        if self._grpc is not None:
            self._grpc.stop(grace=1)

    def snapshot(self) -> dict[str, Any]:
        """JSON-able: how often each method was called, and every service's generation and etag."""
        with self._lock:
            return {
                "calls": dict(self._calls),
                "services": {
                    service.name: {"generation": service.resource.generation, "etag": service.resource.etag}
                    for service in self._services.values()
                },
            }

    def get_service(self, request: services.GetServiceRequest, _: object) -> services.Service:
        self._called("get_service")
        with self._lock:
            return services.Service(self._found(request.name).resource)

    def list_services(self, request: services.ListServicesRequest, _: object) -> services.ListServicesResponse:
        self._called("list_services")
        with self._lock:
            _check_parent(request.parent)
            found = [services.Service(row.resource) for _, row in sorted(self._services.items())]
        start, end, token = _page(len(found), request.page_size, request.page_token)
        return services.ListServicesResponse(services=found[start:end], next_page_token=token)

    def create_service(self, request: services.CreateServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("create_service")
        _check_parent(request.parent)
        check_service_id(request.service_id)
        name = f"{request.parent}/services/{request.service_id}"
        with self._lock:
            if name in self._services:
                raise Fail(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{request.service_id}' already exists.")
            return self._create(name, request.service, validate_only=request.validate_only)

    def update_service(self, request: services.UpdateServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("update_service")
        name = request.service.name
        with self._lock:
            if request.allow_missing and name not in self._services:
                _check_parent(name.partition("/services/")[0])
                return self._create(name, request.service, validate_only=request.validate_only)
            service = self._found(name)
            check_etag(service.name, request.service.etag, service.resource.etag)
            wanted = merged(service.resource, request.service, request.update_mask.paths)
            check_service(wanted, service.revisions)
            revision = self._revision_for(service, wanted)
            if request.validate_only:
                return self._done(wanted)
            return self._accept(service, wanted, revision)

    def delete_service(self, request: services.DeleteServiceRequest, _: object) -> operations_pb2.Operation:
        self._called("delete_service")
        with self._lock:
            service = self._found(request.name)
            check_etag(service.name, request.etag, service.resource.etag)
            if not request.validate_only:
                del self._services[request.name]
                self._data_plane.route(service.name, {}, {})
                for revision in service.revisions:
                    self._data_plane.stop_revision(service.name, revision)
            return self._done(service.resource)

    def get_revision(self, request: revisions.GetRevisionRequest, _: object) -> revisions.Revision:
        self._called("get_revision")
        with self._lock:
            return revisions.Revision(self._found_revision(request.name)[1])

    def list_revisions(self, request: revisions.ListRevisionsRequest, _: object) -> revisions.ListRevisionsResponse:
        """Newest first, as Cloud Run lists them."""
        self._called("list_revisions")
        with self._lock:
            service = self._found(request.parent)
            found = [revisions.Revision(row) for row in reversed(service.revisions.values())]
        start, end, token = _page(len(found), request.page_size, request.page_token)
        return revisions.ListRevisionsResponse(revisions=found[start:end], next_page_token=token)

    def delete_revision(self, request: revisions.DeleteRevisionRequest, _: object) -> operations_pb2.Operation:
        self._called("delete_revision")
        with self._lock:
            service, revision = self._found_revision(request.name)
            name = request.name.rpartition("/")[2]
            check_etag(name, request.etag, revision.etag)
            used = {row.revision for row in service.resource.traffic}
            used |= {row.revision for row in service.resource.traffic_statuses}
            if name in used or request.name == service.resource.latest_created_revision:
                why = f"Revision '{name}' receives traffic, has a tag or is the latest created; it cannot be deleted."
                raise Fail(grpc.StatusCode.FAILED_PRECONDITION, why)
            if not request.validate_only:
                del service.revisions[name]
                self._data_plane.stop_revision(service.name, name)
            return self._done(revision)

    def get_operation(self, request: operations_pb2.GetOperationRequest, _: object) -> operations_pb2.Operation:
        return self._operations.get(request.name)

    def wait_operation(self, request: operations_pb2.WaitOperationRequest, _: object) -> operations_pb2.Operation:
        seconds = request.timeout.ToTimedelta().total_seconds() if request.HasField("timeout") else WAIT_SECONDS
        return self._operations.wait(request.name, seconds)

    def _create(self, name: str, wanted: services.Service, *, validate_only: bool) -> operations_pb2.Operation:
        short = name.rpartition("/")[2]
        resource = merged(services.Service(), wanted, [])
        resource.name = name
        resource.uid = str(uuid.uuid4())
        resource.create_time = now()
        check_service(resource, ())
        service = RunService(resource=services.Service(name=name))
        revision = self._revision_for(service, resource)
        if validate_only:
            return self._done(resource)
        resource.uri = self._data_plane.service_uri(short)
        resource.urls = [resource.uri]
        self._services[name] = service
        return self._accept(service, resource, revision)

    def _revision_for(self, service: RunService, wanted: services.Service) -> str:
        """The name of the revision the change needs, "" when the current one will do. Raises Fail."""
        current = service.resource.template
        named = wanted.template.revision
        if service.revisions and same_template(current, wanted.template) and named in ("", current.revision):
            return ""
        if not named:
            return new_name(service.name, service.templates + 1)
        check_revision_name(service.name, named)
        if named in service.revisions:
            why = f"Revision named '{named}' with different configuration already exists."
            raise Fail(grpc.StatusCode.ALREADY_EXISTS, why)
        return named

    def _accept(self, service: RunService, wanted: services.Service, revision: str) -> operations_pb2.Operation:
        """revision: the name of the one to make, or "". What was still on its way is superseded."""
        before = service.operation
        service.resource, service.due, service.made = wanted, False, revision
        wanted.generation += 1
        wanted.reconciling = True
        wanted.terminal_condition = ready_condition(State.CONDITION_RECONCILING)
        if revision:
            service.templates += 1
            service.revisions[revision] = new_revision(wanted, revision)
            wanted.latest_created_revision = service.revisions[revision].name
        service.changed()
        operation = self._operations.begin(wanted)
        service.operation = operation.name
        if before:
            self._operations.finish(before, wanted, code=grpc.StatusCode.ABORTED, why="superseded by a newer change")
        if revision:
            self._launch(service, revision)
        self._later(service, wanted.generation)
        return operation

    def _launch(self, service: RunService, revision: str) -> None:
        container = service.revisions[revision].containers[0]
        command = self._images.command(container.image)
        if command is None:
            settle_revision(service.revisions[revision], problem=f"Image '{container.image}' not found.", missing=True)
            self._tell(service.name, revision, service.revisions[revision].conditions[0].message)
            return
        self._data_plane.start_revision(
            service.name,
            revision,
            command,
            {variable.name: variable.value for variable in container.env},
            on_ready=lambda: self._revision_settled(service, revision),
            on_failed=lambda problem: self._revision_settled(service, revision, problem),
        )

    def _revision_settled(self, service: RunService, revision: str, problem: str = "") -> None:
        """Called from the container's own thread."""
        with self._lock:
            if self._stopped or revision not in service.revisions:
                return
            settle_revision(service.revisions[revision], problem=problem)
            if not problem:
                service.newly_ready(revision)
            service.changed()
            service.settle(self._data_plane, self._operations)
        self._tell(service.name, revision, problem)

    def _later(self, service: RunService, generation: int) -> None:
        """After the reconcile delay, unless a newer change came meanwhile."""

        def due() -> None:
            with self._lock:
                self._timers.discard(timer)
                if not self._stopped and service.resource.generation == generation:
                    service.due = True
                    service.settle(self._data_plane, self._operations)

        timer = threading.Timer(self._reconcile_delay_seconds, due)
        timer.name = f"reconcile-{service.name}"
        self._timers.add(timer)
        timer.start()

    def _tell(self, service: str, revision: str, problem: str) -> None:
        data, attributes = audit_log.revision_changed(service, revision, problem=problem)
        self._publisher.publish(REVISION_CHANGES, data, attributes)

    def _done(self, resource: services.Service | revisions.Revision) -> operations_pb2.Operation:
        operation = self._operations.begin(resource)
        self._operations.finish(operation.name, resource)
        return self._operations.get(operation.name)

    def _found(self, name: str) -> RunService:
        if name not in self._services:
            short = name.rpartition("/")[2]
            where = _PARENT.match(name)
            region, project = (where["region"], where["project"]) if where else ("", "")
            raise Fail(
                grpc.StatusCode.NOT_FOUND,
                f"Resource '{short}' of kind 'SERVICE' in region '{region}' in project '{project}' does not exist.",
            )
        return self._services[name]

    def _found_revision(self, name: str) -> tuple[RunService, revisions.Revision]:
        service_name, _, short = name.partition("/revisions/")
        service = self._found(service_name)
        if short not in service.revisions:
            raise Fail(grpc.StatusCode.NOT_FOUND, f"Resource '{short}' of kind 'REVISION' does not exist.")
        return service, service.revisions[short]

    def _called(self, method: str) -> None:
        with self._lock:
            self._calls[method] = self._calls.get(method, 0) + 1


def _check_parent(parent: str) -> None:
    if parent != PARENT:
        raise Fail(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied on '{parent}': the local cloud is {PARENT}.")


def _page(total: int, size: int, token: str) -> tuple[int, int, str]:
    """From, to, and the token of the next page."""
    if token and not token.isdecimal():
        raise Fail(grpc.StatusCode.INVALID_ARGUMENT, "page_token: is not one of ours")
    start = int(token or 0)
    end = start + (size if 0 < size <= PAGE_SIZE_MAX else PAGE_SIZE_MAX)
    return start, end, str(end) if end < total else ""
