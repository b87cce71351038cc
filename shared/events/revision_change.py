"""Cloud Run's system event in Cloud Audit Logs, exported by a Logging sink: a revision became ready or failed.

https://cloud.google.com/run/docs/audit-logging
Only a hint that a reading is worth making now; the tick finds the same a little later.
"""

from datetime import datetime

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.message import Message
from shared.values import value


@value
class RevisionChanged:
    """Which service to read, and the revision that changed."""

    service: str
    revision: str
    at: datetime


def parse(message: Message) -> RevisionChanged:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    resource = fields.mapping(body, "resource")
    kind = fields.text(resource, "type", path="resource.")
    if kind != "cloud_run_revision":
        raise InvalidEvent("resource.type", f'must be cloud_run_revision, not "{kind}"')
    labels = fields.mapping(resource, "labels", path="resource.")
    return RevisionChanged(
        service=fields.text(labels, "service_name", path="resource.labels."),
        revision=fields.text(labels, "revision_name", default="", path="resource.labels."),
        at=fields.moment(body, "timestamp") if body.get("timestamp") else message.published_at,
    )
