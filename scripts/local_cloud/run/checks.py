"""What Cloud Run refuses before it changes anything, with the codes it answers.

https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
"""

import re
from collections.abc import Collection, Iterable, Mapping

import grpc
from google.cloud.run_v2.types import revision_template
from google.cloud.run_v2.types import service as services
from google.cloud.run_v2.types import traffic_target as targets
from google.protobuf.field_mask_pb2 import FieldMask

from scripts.local_cloud.contracts import PARENT
from scripts.local_cloud.gapic.wire import Fail, plain

LATEST = targets.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST
PINNED = targets.TrafficTargetAllocationType.TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION
ANNOTATIONS_BYTES_MAX = 256 * 1024  # Kubernetes' limit for all of an object's annotations together
RESERVED = ("run.googleapis.com/", "cloud.googleapis.com/", "serving.knative.dev/", "autoscaling.knative.dev/")
MUTABLE = (
    "description",
    "labels",
    "annotations",
    "client",
    "client_version",
    "ingress",
    "launch_stage",
    "binary_authorization",
    "template",
    "traffic",
    "scaling",
    "invoker_iam_disabled",
    "default_uri_disabled",
    "custom_audiences",
)
_NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_TAG = re.compile(r"[a-z]([-a-z0-9]{0,44}[a-z0-9])?")


def invalid(field: str, problem: str) -> Fail:
    return Fail(grpc.StatusCode.INVALID_ARGUMENT, f"Violation in UpdateServiceRequest.service.{field}: {problem}")


def check_parent(parent: str) -> None:
    if parent != PARENT:
        raise Fail(grpc.StatusCode.PERMISSION_DENIED, f"Permission denied on '{parent}': the local cloud is {PARENT}.")


def check_service_id(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise Fail(
            grpc.StatusCode.INVALID_ARGUMENT, f'service_id: "{name}" must be a DNS label that starts with a letter'
        )


def merged(current: services.Service, change: services.Service, paths: Iterable[str]) -> services.Service:
    """`current` with the named fields of `change`; without paths, with all a caller may set. Raises Fail."""
    after = services.Service(current)
    into, source = plain(after), plain(change)
    for path in list(paths) or MUTABLE:
        top = path.partition(".")[0]
        if top not in into.DESCRIPTOR.fields_by_name:
            raise Fail(grpc.StatusCode.INVALID_ARGUMENT, f'update_mask: "{path}" is no field of Service')
        if top not in MUTABLE:
            continue  # what only the server sets is ignored, as everywhere at Google
        try:
            FieldMask(paths=[path]).MergeMessage(source, into, replace_message_field=True, replace_repeated_field=True)
        except ValueError as error:
            raise Fail(grpc.StatusCode.INVALID_ARGUMENT, f'update_mask: "{path}": {error}') from error
        if path in ("labels", "annotations"):  # a mask of a map replaces it whole; MergeMessage only adds
            into.ClearField(path)
            getattr(into, path).update(getattr(source, path))
    return after


def check_service(service: services.Service, revisions: Collection[str]) -> None:
    """revisions: the short names there are. Raises Fail."""
    _check_annotations("annotations", service.annotations)
    _check_annotations("template.annotations", service.template.annotations)
    _check_template(service)
    _check_traffic(service.traffic, revisions)


def check_etag(name: str, given: str, current: str) -> None:
    """Raises Fail with ABORTED, which is 409 over REST. An empty etag asks for nothing."""
    if given and given != current:
        raise Fail(
            grpc.StatusCode.ABORTED,
            f"Conflict for resource '{name}': version '{given}' was specified but current version is '{current}'.",
        )


def check_revision_name(service: str, name: str) -> None:
    if not name.startswith(f"{service}-") or not _NAME.fullmatch(name):
        raise invalid("template.revision", f'"{name}" must be a DNS label that starts with "{service}-"')


def same_template(one: revision_template.RevisionTemplate, other: revision_template.RevisionTemplate) -> bool:
    """Whether one revision serves both; a name given to it is no difference."""
    left, right = revision_template.RevisionTemplate(one), revision_template.RevisionTemplate(other)
    left.revision = right.revision = ""
    return bool(left == right)


def _check_annotations(field: str, annotations: Mapping[str, str]) -> None:
    for name in annotations:
        if name.startswith(RESERVED):
            raise invalid(field, f'"{name}" has a prefix of the system\'s own')
    size = sum(len(name.encode()) + len(value.encode()) for name, value in annotations.items())
    if size > ANNOTATIONS_BYTES_MAX:
        raise invalid(field, f"{size} bytes are more than the {ANNOTATIONS_BYTES_MAX} that fit")


def _check_template(service: services.Service) -> None:
    if not service.template.containers:
        raise invalid("template.containers", "a revision needs a container")
    for index, container in enumerate(service.template.containers):
        if not container.image:
            raise invalid(f"template.containers[{index}].image", "is required")


def _check_traffic(rows: Collection[targets.TrafficTarget], revisions: Collection[str]) -> None:
    seen: set[str] = set()
    for index, row in enumerate(rows):
        field = f"traffic[{index}]"
        if row.type_ not in (LATEST, PINNED):
            raise invalid(f"{field}.type", "is required")
        if row.type_ == LATEST and row.revision:
            raise invalid(f"{field}.revision", "must be empty for the latest revision")
        if not 0 <= row.percent <= 100:
            raise invalid(f"{field}.percent", f"{row.percent} is not between 0 and 100")
        if not row.percent and not row.tag:
            raise invalid(field, "needs a percent or a tag")
        if row.tag and not _TAG.fullmatch(row.tag):
            raise invalid(f"{field}.tag", f'"{row.tag}" must be a DNS label of at most 46 characters')
        if row.tag in seen:
            raise invalid(f"{field}.tag", f'"{row.tag}" is there twice')
        seen |= {row.tag} - {""}
        if row.type_ == PINNED and row.revision not in revisions:
            raise Fail(grpc.StatusCode.NOT_FOUND, f"Revision '{row.revision}' of {field} was not found.")
    total = sum(row.percent for row in rows)
    if rows and total != 100:
        raise invalid("traffic", f"the percents must add up to 100, not {total}")
