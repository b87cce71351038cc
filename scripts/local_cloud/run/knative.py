"""Cloud Run's v1 API, which the gcloud CLI speaks: services and revisions in Knative's words, and changes of traffic.

https://cloud.google.com/run/docs/reference/rest/v1/namespaces.services
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import grpc
from google.cloud.run_v2.types import condition as conditions
from google.cloud.run_v2.types import k8s_min, revision_template
from google.cloud.run_v2.types import revision as revisions
from google.cloud.run_v2.types import service as services
from google.cloud.run_v2.types import traffic_target as targets
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.local_cloud.contracts import PARENT, PROJECT, REGION
from scripts.local_cloud.gapic.wire import Fail, Route, path_pattern
from scripts.local_cloud.run.checks import LATEST, PINNED, RESERVED, invalid

API = "serving.knative.dev/v1"
SERVICE_LABEL = "serving.knative.dev/service"
_Json = dict[str, Any]
_STATUS = {
    conditions.Condition.State.CONDITION_SUCCEEDED: "True",
    conditions.Condition.State.CONDITION_FAILED: "False",
}


class _RunAdmin(Protocol):
    def get_service(self, request: services.GetServiceRequest, _: object) -> services.Service: ...
    def list_services(self, request: services.ListServicesRequest, _: object) -> services.ListServicesResponse: ...
    def update_service(self, request: services.UpdateServiceRequest, _: object) -> Any: ...
    def get_revision(self, request: revisions.GetRevisionRequest, _: object) -> revisions.Revision: ...
    def list_revisions(self, request: revisions.ListRevisionsRequest, _: object) -> revisions.ListRevisionsResponse: ...


class Knative:
    """The same services and revisions as the v2 API's, through it."""

    def __init__(self, admin: _RunAdmin) -> None:
        self._admin = admin

    def get_service(self, request: _Json, _: object) -> _Json:
        return _service(self._service(request["name"]))

    def list_services(self, request: _Json, _: object) -> _Json:
        _check_namespace(request)
        found = self._admin.list_services(services.ListServicesRequest(parent=PARENT), None).services
        return _listed("ServiceList", [_service(row) for row in found])

    def get_revision(self, request: _Json, _: object) -> _Json:
        _check_namespace(request)
        name = request["name"]
        for service in self._admin.list_services(services.ListServicesRequest(parent=PARENT), None).services:
            if name.startswith(f"{_short(service.name)}-"):
                full = f"{service.name}/revisions/{name}"
                return _revision(self._admin.get_revision(revisions.GetRevisionRequest(name=full), None))
        raise Fail(grpc.StatusCode.NOT_FOUND, f"Revision '{name}' was not found.")

    def list_revisions(self, request: _Json, _: object) -> _Json:
        _check_namespace(request)
        wanted = _selected_service(request.get("labelSelector", ""))
        found = self._admin.list_services(services.ListServicesRequest(parent=PARENT), None).services
        rows: list[_Json] = []
        for service in found:
            if wanted in ("", _short(service.name)):
                of_service = revisions.ListRevisionsRequest(parent=service.name)
                rows += [_revision(row) for row in self._admin.list_revisions(of_service, None).revisions]
        return _listed("RevisionList", rows)

    def replace_service(self, request: _Json, _: object) -> _Json:
        """Traffic and annotations, under the resource version it was read with; Google's annotations stay Google's."""
        current = self._service(request["name"])
        spec = request.get("spec", {})
        if spec.get("template") != _service(current)["spec"]["template"]:
            raise invalid("spec.template", "the local cloud changes traffic and annotations alone through the v1 API")
        metadata = request.get("metadata", {})
        annotations = metadata.get("annotations", {})
        change = services.Service(
            name=current.name,
            etag=metadata.get("resourceVersion", ""),
            annotations={name: text for name, text in annotations.items() if not name.startswith(RESERVED)},
            traffic=[_read_target(row) for row in spec.get("traffic", ())],
        )
        masked = services.UpdateServiceRequest(service=change, update_mask=FieldMask(paths=["traffic", "annotations"]))
        self._admin.update_service(masked, None)
        return _service(self._service(request["name"]))

    def _service(self, name: Any) -> services.Service:
        return self._admin.get_service(services.GetServiceRequest(name=f"{PARENT}/services/{name}"), None)


def _route(verb: str, path: str, name: str, body: str = "") -> Route:
    pattern = path_pattern(f"/apis/{API}/namespaces/{{namespace}}/{path}")
    return Route(verb=verb, path=pattern, body=body, name=name, request=None)


KNATIVE_ROUTES = [
    _route("GET", "services/{name}", "get_service"),
    _route("GET", "services", "list_services"),
    _route("PUT", "services/{name}", "replace_service", "*"),
    _route("GET", "revisions/{name}", "get_revision"),
    _route("GET", "revisions", "list_revisions"),
]


def _check_namespace(request: _Json) -> None:
    if request["namespace"] != PROJECT:
        raise Fail(grpc.StatusCode.PERMISSION_DENIED, f"namespace: the local cloud's project is {PROJECT}")


def _selected_service(selector: str) -> str:
    """From `serving.knative.dev/service = web`, with or without blanks."""
    label, _, value = selector.partition("=")
    return value.strip() if label.strip() == SERVICE_LABEL else ""


def _service(service: services.Service) -> _Json:
    ready = service.terminal_condition
    latest_ready, latest_created = _short(service.latest_ready_revision), _short(service.latest_created_revision)
    return {
        "apiVersion": API,
        "kind": "Service",
        "metadata": {
            **_metadata(service, {"cloud.googleapis.com/location": REGION, **service.labels}, service.annotations),
            "resourceVersion": service.etag,
        },
        "spec": {
            "template": _template(service.template),
            "traffic": [_written_target(row) for row in service.traffic] or [{"latestRevision": True, "percent": 100}],
        },
        "status": {
            "observedGeneration": int(service.observed_generation),
            "conditions": [_condition(ready, name) for name in ("Ready", "ConfigurationsReady", "RoutesReady")],
            "latestReadyRevisionName": latest_ready,
            "latestCreatedRevisionName": latest_created,
            "traffic": [
                _written_target(row) | {"revisionName": row.revision} | ({"url": row.uri} if row.uri else {})
                for row in service.traffic_statuses
            ],
            "url": service.uri,
            "address": {"url": service.uri},
        },
    }


def _revision(revision: revisions.Revision) -> _Json:
    labels = {"cloud.googleapis.com/location": REGION, SERVICE_LABEL: revision.service, **revision.labels}
    return {
        "apiVersion": API,
        "kind": "Revision",
        "metadata": {**_metadata(revision, labels, revision.annotations), "resourceVersion": revision.etag},
        "spec": {
            "containers": [_container(row) for row in revision.containers],
            "serviceAccountName": revision.service_account,
        },
        "status": {
            "observedGeneration": int(revision.observed_generation),
            "conditions": [_condition(row, row.type_) for row in revision.conditions],
            "imageDigest": revision.containers[0].image,
        },
    }


def _metadata(resource: Any, labels: Mapping[str, str], annotations: Mapping[str, str]) -> _Json:
    created = resource.create_time
    return {
        "name": _short(resource.name),
        "namespace": PROJECT,
        "uid": resource.uid,
        "generation": int(resource.generation),
        "creationTimestamp": created.isoformat().replace("+00:00", "Z"),
        "labels": dict(labels),
        "annotations": dict(annotations),
    }


def _template(template: revision_template.RevisionTemplate) -> _Json:
    return {
        "metadata": {"labels": dict(template.labels), "annotations": dict(template.annotations)},
        "spec": {
            "containers": [_container(row) for row in template.containers],
            "serviceAccountName": template.service_account,
        },
    }


def _container(container: k8s_min.Container) -> _Json:
    env = [{"name": variable.name, "value": variable.value} for variable in container.env]
    return {"image": container.image} | ({"env": env} if env else {})  # gcloud gives an empty list back as none


def _condition(condition: conditions.Condition, name: str) -> _Json:
    since: Any = condition.last_transition_time
    return {
        "type": name,
        "status": _STATUS.get(condition.state, "Unknown"),
        "message": condition.message,
        "lastTransitionTime": since.isoformat().replace("+00:00", "Z") if since else "",
    }


def _written_target(row: Any) -> _Json:
    """Of what is wanted, or of what is so."""
    which = {"latestRevision": True} if row.type_ == LATEST else {"revisionName": row.revision}
    return which | ({"percent": row.percent} if row.percent else {}) | ({"tag": row.tag} if row.tag else {})


def _read_target(row: Mapping[str, Any]) -> targets.TrafficTarget:
    latest = bool(row.get("latestRevision"))
    return targets.TrafficTarget(
        type_=LATEST if latest else PINNED,
        revision="" if latest else row.get("revisionName", ""),
        percent=int(row.get("percent", 0)),
        tag=row.get("tag", ""),
    )


def _listed(kind: str, rows: Iterable[_Json]) -> _Json:
    return {"apiVersion": API, "kind": kind, "metadata": {}, "items": list(rows)}


def _short(name: str) -> str:
    return name.rpartition("/")[2]
