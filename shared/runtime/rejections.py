"""What nobody can ever use is kept on `rejected-events` with its reason, for a person to read and send again."""

import base64
import json

from shared.errors import InvalidEvent, PermanentError
from shared.events.message import Message
from shared.events.topics import REJECTED_EVENTS
from shared.runtime import envelope
from shared.runtime.cloud import Cloud
from shared.runtime.logs import clipped, log

BODY_BYTES_MAX = 7 << 20  # a third more in base64 stays below the 10 MB of a message
_ATTRIBUTE_BYTES_MAX = 1024


def keep(
    cloud: Cloud, function: str, error: PermanentError, *, path: str, body: bytes, content_type: str, about: str = ""
) -> str:
    """Keeps a whole request, at most BODY_BYTES_MAX of body; the reason, for whoever asked. Raises Unavailable.

    about: the service that could not be done, where the rest of the message was.
    """
    reason = clipped(f"{about}: {error}" if about else str(error))
    field = clipped(error.field) if isinstance(error, InvalidEvent) else ""
    rejected = {
        "v": 1,
        "function": function,
        "reason": reason,
        "error": type(error).__name__,
        "field": field,
        "path": path,
        "content_type": content_type,
        "body": base64.b64encode(body).decode(),
    }
    attributes = {"function": function, "error": type(error).__name__, "field": _attribute(field) or "-"}
    cloud.messages.publish(REJECTED_EVENTS, json.dumps(rejected).encode(), attributes)
    log(f"{function}.rejected", "WARNING", reason=reason, field=field)
    return reason


def keep_part(cloud: Cloud, function: str, error: PermanentError, message: Message, service: str) -> str:
    """Keeps a message that could not be done for one service and was for the rest; the reason. Raises Unavailable."""
    path = f"/projects/{cloud.environment.project}/topics/{message.topic}"
    body = envelope.wrap(message)
    return keep(cloud, function, error, path=path, body=body, content_type="application/json", about=service)


def _attribute(text: str) -> str:
    """As much as Pub/Sub takes for the value of an attribute."""
    return text.encode(errors="replace")[:_ATTRIBUTE_BYTES_MAX].decode(errors="ignore")
