"""The services of the local Cloud Run, and the way of every change to the data plane.

Known to differ from Google: a revision keeps its one process as long as its service lives, traffic or not.
"""

import re
import threading
import uuid
from collections.abc import Iterable

import grpc
from google.cloud.run_v2.types import Revision, Service
from google.longrunning import operations_pb2

from scripts.local_cloud.contracts import DataPlane, Images, Publisher
from scripts.local_cloud.gapic.wire import Fail
from scripts.local_cloud.run import audit_log
from scripts.local_cloud.run.checks import check_etag, check_parent, check_service, merged
from scripts.local_cloud.run.operations import Operations
from scripts.local_cloud.run.revisions import now, settle_revision
from scripts.local_cloud.run.service import RunService
from shared.events.topics import REVISION_CHANGES

_PARENT = re.compile(r"projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)")


class ControlPlane:
    """Safe to use from many threads; what it gives are copies. Raises Fail with the status the real service answers.

    reconcile_delay_seconds: from an accepted change to the moment requests may follow it.

    Every revision that becomes ready, or never will, is told on the topic revision-changes.
    """

    def __init__(
        self, data_plane: DataPlane, images: Images, publisher: Publisher, *, reconcile_delay_seconds: float
    ) -> None:
        self.operations = Operations()
        self._data_plane = data_plane
        self._images = images
        self._publisher = publisher
        self._reconcile_delay_seconds = reconcile_delay_seconds
        self._lock = threading.RLock()
        self._services: dict[str, RunService] = {}  # by full name
        self._timers: set[threading.Timer] = set()
        self._stopped = False

    def stop(self) -> None:
        """No change comes true any more; the revisions' processes are the data plane's to end."""
        with self._lock:
            self._stopped = True
            timers, self._timers = self._timers, set()
        for timer in timers:
            timer.cancel()
            timer.join()

    def service(self, name: str) -> Service:
        with self._lock:
            return Service(self._found(name).resource)

    def services(self) -> list[Service]:
        """By name."""
        with self._lock:
            return [Service(row.resource) for _, row in sorted(self._services.items())]

    def create(self, name: str, wanted: Service, *, validate_only: bool) -> operations_pb2.Operation:
        with self._lock:
            if name in self._services:
                raise Fail(grpc.StatusCode.ALREADY_EXISTS, f"Resource '{_short(name)}' already exists.")
            return self._create(name, wanted, validate_only=validate_only)

    def update(
        self, change: Service, paths: Iterable[str], *, allow_missing: bool, validate_only: bool
    ) -> operations_pb2.Operation:
        """paths: the fields to change, none for all. allow_missing: a service that is not there is created."""
        name = change.name
        with self._lock:
            if allow_missing and name not in self._services:
                check_parent(name.partition("/services/")[0])
                return self._create(name, change, validate_only=validate_only)
            service = self._found(name)
            check_etag(service.name, change.etag, service.resource.etag)
            wanted = merged(service.resource, change, paths)
            check_service(wanted, service.revisions)
            revision = service.revision_for(wanted)
            if validate_only:
                return self._done(wanted)
            return self._accept(service, wanted, revision)

    def delete(self, name: str, etag: str, *, validate_only: bool) -> operations_pb2.Operation:
        with self._lock:
            service = self._found(name)
            check_etag(service.name, etag, service.resource.etag)
            if not validate_only:
                del self._services[name]
                self._data_plane.route(service.name, {}, {})
                for revision in service.revisions:
                    self._data_plane.stop_revision(service.name, revision)
            return self._done(service.resource)

    def revision(self, name: str) -> Revision:
        with self._lock:
            return Revision(self._found_revision(name)[1])

    def revisions(self, service: str) -> list[Revision]:
        """Newest first."""
        with self._lock:
            return [Revision(row) for row in reversed(self._found(service).revisions.values())]

    def delete_revision(self, name: str, etag: str, *, validate_only: bool) -> operations_pb2.Operation:
        with self._lock:
            service, revision = self._found_revision(name)
            short = _short(name)
            check_etag(short, etag, revision.etag)
            used = {row.revision for row in service.resource.traffic}
            used |= {row.revision for row in service.resource.traffic_statuses}
            if short in used or name == service.resource.latest_created_revision:
                why = f"Revision '{short}' receives traffic, has a tag or is the latest created; it cannot be deleted."
                raise Fail(grpc.StatusCode.FAILED_PRECONDITION, why)
            if not validate_only:
                del service.revisions[short]
                self._data_plane.stop_revision(service.name, short)
            return self._done(revision)

    def _create(self, name: str, wanted: Service, *, validate_only: bool) -> operations_pb2.Operation:
        resource = merged(Service(), wanted, [])
        resource.name = name
        resource.uid = str(uuid.uuid4())
        resource.create_time = now()
        check_service(resource, ())
        service = RunService(resource=Service(name=name))
        revision = service.revision_for(resource)
        if validate_only:
            return self._done(resource)
        resource.uri = self._data_plane.service_uri(_short(name))
        resource.urls = [resource.uri]
        self._services[name] = service
        return self._accept(service, resource, revision)

    def _accept(self, service: RunService, wanted: Service, revision: str) -> operations_pb2.Operation:
        """revision: the name of the one to make, or "". What was still on its way is superseded."""
        before = service.operation
        service.accept(wanted, revision)
        operation = self.operations.begin(wanted)
        service.operation = operation.name
        if before:
            self.operations.finish(before, wanted, code=grpc.StatusCode.ABORTED, why="superseded by a newer change")
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
            service.settle(self._data_plane, self.operations)
        self._tell(service.name, revision, problem)

    def _later(self, service: RunService, generation: int) -> None:
        """After the reconcile delay, unless a newer change came meanwhile."""

        def due() -> None:
            with self._lock:
                self._timers.discard(timer)
                if not self._stopped and service.resource.generation == generation:
                    service.due = True
                    service.settle(self._data_plane, self.operations)

        timer = threading.Timer(self._reconcile_delay_seconds, due)
        timer.name = f"reconcile-{service.name}"
        self._timers.add(timer)
        timer.start()

    def _tell(self, service: str, revision: str, problem: str) -> None:
        data, attributes = audit_log.revision_changed(service, revision, problem=problem)
        self._publisher.publish(REVISION_CHANGES, data, attributes)

    def _done(self, resource: Service | Revision) -> operations_pb2.Operation:
        operation = self.operations.begin(resource)
        self.operations.finish(operation.name, resource)
        return self.operations.get(operation.name)

    def _found(self, name: str) -> RunService:
        if name not in self._services:
            short, where = _short(name), _PARENT.match(name)
            region, project = (where["region"], where["project"]) if where else ("", "")
            raise Fail(
                grpc.StatusCode.NOT_FOUND,
                f"Resource '{short}' of kind 'SERVICE' in region '{region}' in project '{project}' does not exist.",
            )
        return self._services[name]

    def _found_revision(self, name: str) -> tuple[RunService, Revision]:
        service_name, _, short = name.partition("/revisions/")
        service = self._found(service_name)
        if short not in service.revisions:
            raise Fail(grpc.StatusCode.NOT_FOUND, f"Resource '{short}' of kind 'REVISION' does not exist.")
        return service, service.revisions[short]


def _short(name: str) -> str:
    return name.rpartition("/")[2]
