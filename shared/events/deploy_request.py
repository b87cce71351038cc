"""Our own message on `deploy-requests`: this release wants to reach that service."""

import json

from shared.events import fields
from shared.events.image_reference import check_digest
from shared.events.message import Message
from shared.rollout.facts import DeployRequested
from shared.rollout.names import Release

VERSION = 1


def encode(request: DeployRequested) -> tuple[bytes, dict[str, str]]:
    """Data and attributes to publish."""
    release = request.release
    body = {
        "v": VERSION,
        "service": request.service,
        "source": request.source,
        "by": request.by,
        "image": release.image,
        "digest": release.digest,
        "requested_at": release.requested_at.isoformat(),
        "commit": release.commit,
        "tag": release.tag,
    }
    return json.dumps(body).encode(), {"service": request.service}


def parse(message: Message) -> DeployRequested:
    """Raises InvalidEvent."""
    body = fields.decode(message)
    fields.version(body, VERSION)
    release = Release(
        image=fields.text(body, "image"),
        digest=check_digest(fields.text(body, "digest"), "digest"),
        requested_at=fields.moment(body, "requested_at"),
        commit=fields.text(body, "commit", default=""),
        tag=fields.text(body, "tag", default=""),
    )
    return DeployRequested(
        service=fields.text(body, "service"),
        release=release,
        source=fields.choice(body, "source", ("push", "build", "waiting")),
        by=fields.text(body, "by"),
    )
