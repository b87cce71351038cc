"""Operators' messages (topic `commands`): a JSON body and the attribute that routes it.

{"command": "rollback", "service": "web", "by": "amina@example.org", "why": "…", "request_id": "…"}

A freeze or unfreeze of the whole environment ("service": "*") may say whose freeze is meant ("holder"); otherwise it is
the sender's own.
"""

import json

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.message import Message
from shared.rollout.commands import Command, Verb


def parse(message: Message) -> Command:
    """Raises InvalidEvent; who, why and the request id are required of everybody."""
    body = fields.decode(message)
    verb = Verb(fields.choice(body, "command", tuple(Verb)))
    routed = message.attributes.get("command")
    if routed != verb:
        raise InvalidEvent("attributes.command", f'must be "{verb}" as in the body, not "{routed or ""}"')
    return Command(
        verb=verb,
        service=fields.text(body, "service"),
        by=fields.text(body, "by"),
        why=fields.text(body, "why"),
        request_id=fields.text(body, "request_id"),
        at=message.published_at,
    )


def holder(message: Message) -> str:
    """Whose freeze the command is about: the sender's own unless it names another, or "*" for everybody's."""
    body = fields.decode(message)
    return fields.text(body, "holder", default="") or fields.text(body, "by")


def encode(command: Command, holder: str = "") -> tuple[bytes, dict[str, str]]:
    """Data and attributes to publish. holder: whose freeze is meant, when not the sender's own."""
    body = {
        "command": command.verb,
        "service": command.service,
        "by": command.by,
        "why": command.why,
        "request_id": command.request_id,
        **({"holder": holder} if holder else {}),
    }
    return json.dumps(body).encode(), {"command": command.verb, "service": command.service}
