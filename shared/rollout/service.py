"""A Cloud Run service as the rollout sees it: etag, annotations, traffic, revisions."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum

from shared.values import value

RECORD_ANNOTATION = "delivery.pushnchat.dev/rollout"  # on the service: the record, as JSON
ROLLOUT_ANNOTATION = "delivery.pushnchat.dev/rollout-id"  # on the template: whose revision this is


@value
class TrafficTarget:
    """One row of a service's traffic; revision None is LATEST. Percent is 0 to 100."""

    revision: str | None
    percent: int = 0
    tag: str = ""


class RevisionState(StrEnum):
    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"
    MISSING = "missing"


@value
class Revision:
    """One revision, as Cloud Run reports it. image is the full reference the template named."""

    name: str
    image: str
    state: RevisionState
    message: str = ""  # Cloud Run's own words on a failed start
    rollout_id: str = ""  # from ROLLOUT_ANNOTATION; empty when somebody else made the revision


@value
class Service:
    """One read of a service. A write is guarded by this etag."""

    name: str  # the short name: "web"
    etag: str
    uri: str
    record: str  # the JSON text of RECORD_ANNOTATION, empty when absent
    image: str  # the first container's image in the current template
    rollout_id: str  # ROLLOUT_ANNOTATION of the current template
    traffic: tuple[TrafficTarget, ...]
    tag_uris: Mapping[str, str] = field(default_factory=dict)  # observed, from trafficStatuses
    tagged: Mapping[str, str] = field(default_factory=dict)  # observed: the revision each of those addresses leads to
    serving: Mapping[str, int] = field(default_factory=dict)  # observed percent by revision
    latest_created: str = ""
    latest_ready: str = ""
    reconciling: bool = False
    session_affinity: bool = False
