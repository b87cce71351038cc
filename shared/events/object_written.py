"""Cloud Storage's notification that an object was written whole (topic `backup-objects`).

https://cloud.google.com/storage/docs/pubsub-notifications#format
"""

from datetime import datetime
from typing import Final

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.ignored import Ignored
from shared.events.message import Message
from shared.values import value

FINALIZED: Final = "OBJECT_FINALIZE"
_DIGITS_MAX: Final = 20


@value
class ObjectWritten:
    """size: bytes; crc32c: base64, as Cloud Storage keeps it."""

    bucket: str
    key: str
    generation: int
    size: int
    crc32c: str
    at: datetime


def parse(message: Message) -> ObjectWritten | Ignored:
    """Raises InvalidEvent."""
    kind = fields.text(message.attributes, "eventType", path="attributes.")
    if kind != FINALIZED:
        return Ignored(rule="not_written", text=f"{kind} is no new object.")
    body = fields.decode(message)
    return ObjectWritten(
        bucket=fields.text(body, "bucket"),
        key=fields.text(body, "name"),
        generation=_count(body, "generation"),
        size=_count(body, "size"),
        crc32c=fields.text(body, "crc32c"),
        at=message.published_at,
    )


def _count(body: fields.Fields, name: str) -> int:
    """Cloud Storage writes 64-bit numbers as texts."""
    value = fields.text(body, name)
    if not (value.isascii() and value.isdigit() and len(value) <= _DIGITS_MAX):
        raise InvalidEvent(name, f'must be a whole number of at most {_DIGITS_MAX} digits, not "{value}"')
    return int(value)
