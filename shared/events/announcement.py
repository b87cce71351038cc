"""Our own message on `rollout-events`: one announcement, and the record it left behind."""

import json

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.message import Message
from shared.rollout.announcement import Announcement, Severity

VERSION = 1


def encode(announcement: Announcement, record: str = "") -> tuple[bytes, dict[str, str]]:
    """Data and attributes to publish. record: the service's record as text, so that the ledger can restore it."""
    body = {
        "v": VERSION,
        "key": announcement.key,
        "kind": announcement.kind,
        "service": announcement.service,
        "at": announcement.at.isoformat(),
        "text": announcement.text,
        "severity": announcement.severity,
        "rollout_id": announcement.rollout_id,
        "details": dict(announcement.details),
        "record": record,
    }
    attributes = {
        "service": announcement.service,
        "kind": announcement.kind,
        "severity": announcement.severity.value,
    }
    return json.dumps(body).encode(), attributes


def parse(message: Message) -> Announcement:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    fields.version(body, VERSION)
    details = fields.mapping(body, "details", optional=True)
    for name, value in details.items():
        if not isinstance(value, str):
            raise InvalidEvent(f"details.{name}", "must be a text")
    return Announcement(
        key=fields.text(body, "key"),
        kind=fields.text(body, "kind"),
        service=fields.text(body, "service"),
        at=fields.moment(body, "at"),
        text=fields.text(body, "text"),
        severity=Severity(fields.choice(body, "severity", tuple(Severity))),
        rollout_id=fields.text(body, "rollout_id", default=""),
        details=details,
    )
