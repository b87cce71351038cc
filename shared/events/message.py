"""A Pub/Sub message as every parser sees it, whatever envelope brought it."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple


class Message(NamedTuple):
    """One delivery of one message.

    topic: the short topic name ("gcr"); published_at: Pub/Sub's publish time, or the original one of a
    replayed dead letter; delivery_attempt: None unless the subscription has a dead-letter policy.
    """

    id: str
    topic: str
    published_at: datetime
    data: bytes = b""
    attributes: Mapping[str, str] = MappingProxyType({})
    subscription: str = ""
    delivery_attempt: int | None = None
    ordering_key: str = ""
    trace: str = ""
