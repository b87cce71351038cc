"""Monitoring's Pub/Sub notification channel, schema 1.2.

https://cloud.google.com/monitoring/support/notification-options#pubsub
"""

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.ignored import Ignored
from shared.events.message import Message
from shared.rollout.facts import IncidentChanged

CLOUD_RUN = "cloud_run_revision"
ROLLS_BACK = "rollback"  # the policy's user label; "true" lets its incidents move traffic


def parse(message: Message) -> IncidentChanged | Ignored:
    """A test notification and another resource's incident are ignored by name. Raises InvalidEvent."""
    body = fields.decode(message)
    schema = fields.text(body, "version")
    if schema == "test":
        return Ignored(rule="test_notification", text="Monitoring's test notification arrived: the channel works.")
    if not schema.startswith("1."):
        raise InvalidEvent("version", f'this version reads schema 1.x, not "{schema}"')
    incident = fields.mapping(body, "incident")
    path = "incident."
    incident_id = fields.text(incident, "incident_id", path=path)
    # Test notifications write OPEN where real incidents write open.
    stated = {"state": fields.text(incident, "state", path=path).lower()}
    state = fields.choice(stated, "state", ("open", "closed"), path=path)
    policy = fields.text(incident, "policy_name", default="(unnamed policy)", path=path)
    resource = fields.mapping(incident, "resource", path=path)
    kind = fields.text(resource, "type", path="incident.resource.")
    if kind != CLOUD_RUN:
        return Ignored(rule="not_cloud_run", text=f"{policy} is about a {kind}, which we do not deploy.")
    labels = fields.mapping(resource, "labels", path="incident.resource.")
    user_labels = fields.mapping(incident, "policy_user_labels", optional=True, path=path)
    at = fields.epoch(incident, "started_at" if state == "open" else "ended_at", path=path)
    return IncidentChanged(
        incident_id=incident_id,
        open=state == "open",
        at=at or message.published_at,
        service=fields.text(labels, "service_name", path="incident.resource.labels."),
        revision=fields.text(labels, "revision_name", default="", path="incident.resource.labels."),
        policy=policy,
        summary=fields.text(incident, "summary", default="", path=path),
        url=fields.text(incident, "url", default="", path=path),
        policy_rolls_back=user_labels.get(ROLLS_BACK) == "true",
    )
