"""What Pub/Sub and Eventarc put around a message, taken off: raw push, binary and structured CloudEvents alike.

https://cloud.google.com/pubsub/docs/push#receive_push
The framework's own conversion drops the delivery attempt and answers 400 to messages without data, so it is not used.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from shared.errors import InvalidEvent
from shared.events import fields
from shared.events.message import Message

SIZE_MAX = 14 << 20  # bytes; Pub/Sub's largest message is 10 MB, a third more in base64
_TOPIC = re.compile(r"projects/[^/]+/topics/([^/?#]+)")
# A replayed message keeps the time it was first published, so that an old push stays old. Any publisher may write these
# attributes, so they make a message older and never younger: one from the future would outrank all that come later.
_ORIGINAL_TIMES = ("original_publish_time", "CloudPubSubDeadLetterSourceTopicPublishTime")


def read(headers: Mapping[str, str], body: bytes, path: str) -> Message:
    """The message in one request. path: of the request; it names the topic when nothing else does.

    Raises InvalidEvent.
    """
    if len(body) > SIZE_MAX:
        raise InvalidEvent("body", f"is {len(body)} bytes, more than {SIZE_MAX}")
    envelope = fields.parse_object(body, "body")
    source = headers.get("ce-source", "")
    if "specversion" in envelope:  # a structured CloudEvent carries what a push carries in its data
        source = fields.text(envelope, "source")
        envelope = fields.mapping(envelope, "data")
    wrapped = fields.mapping(envelope, "message")
    attributes = _attributes(wrapped)
    return Message(
        id=_either(wrapped, "messageId", "message_id"),
        topic=_topic(source, path),
        published_at=_published_at(wrapped, attributes),
        data=_data(wrapped),
        attributes=attributes,
        subscription=fields.text(envelope, "subscription", default="").rpartition("/")[2],
        delivery_attempt=fields.integer(envelope, "deliveryAttempt") if "deliveryAttempt" in envelope else None,
        ordering_key=fields.text(wrapped, "orderingKey", default="", path="message."),
        trace=headers.get("traceparent", "") or headers.get("x-cloud-trace-context", ""),
    )


def wrap(message: Message) -> bytes:
    """The body of a raw push that reads as `message` again."""
    wrapped = {
        "messageId": message.id,
        "publishTime": message.published_at.isoformat(),
        "data": base64.b64encode(message.data).decode(),
        "attributes": dict(message.attributes),
        "orderingKey": message.ordering_key,
    }
    return json.dumps({"message": wrapped, "subscription": message.subscription}).encode()


def _published_at(wrapped: Mapping[str, Any], attributes: Mapping[str, str]) -> datetime:
    """When it was first published, as far as anybody says; never later than Pub/Sub itself says."""
    times = [fields.parse_moment(_either(wrapped, "publishTime", "publish_time"), "message.publishTime")]
    times += [
        fields.parse_moment(attributes[name], f"message.attributes.{name}")
        for name in _ORIGINAL_TIMES
        if name in attributes
    ]
    return min(times)


def _topic(source: str, path: str) -> str:
    for place in (source, unquote(path)):
        if found := _TOPIC.search(place):
            return found[1]
    raise InvalidEvent("topic", "is named neither by ce-source nor by the path (projects/P/topics/T)")


def _either(wrapped: Mapping[str, Any], name: str, other: str) -> str:
    return fields.text(wrapped, name if name in wrapped or other not in wrapped else other, path="message.")


def _attributes(wrapped: Mapping[str, Any]) -> dict[str, str]:
    attributes = fields.mapping(wrapped, "attributes", optional=True, path="message.")
    for name, value in attributes.items():
        if not isinstance(value, str):
            raise InvalidEvent(f"message.attributes.{name}", "must be a text")
    return attributes


def _data(wrapped: Mapping[str, Any]) -> bytes:
    encoded = fields.text(wrapped, "data", default="", path="message.")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidEvent("message.data", f"not base64: {error}") from error
