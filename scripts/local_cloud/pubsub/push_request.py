"""The HTTP request Pub/Sub pushes a message with, to the byte: body and headers."""

import base64
import json
import random
from datetime import UTC, datetime
from typing import Any

from scripts.local_cloud.pubsub.backlog import Delivery
from scripts.local_cloud.pubsub.push_token import push_token
from scripts.local_cloud.pubsub.subscription_settings import SubscriptionSettings

USER_AGENT = "APIs-Google; (+https://developers.google.com/webmasters/APIs-Google.html)"


def push_body(settings: SubscriptionSettings, delivery: Delivery) -> bytes:
    """The wrapped message: what is empty is left out, and the attempt is told only where dead letters are kept."""
    message = delivery.message
    published = _timestamp(message.published_at)
    inside: dict[str, Any] = {}
    if message.attributes:
        inside["attributes"] = dict(message.attributes)
    if message.data:
        inside["data"] = base64.b64encode(message.data).decode()
    inside |= {
        "messageId": message.id,
        "message_id": message.id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.ordering_key:
        inside["orderingKey"] = message.ordering_key
    body: dict[str, Any] = {"message": inside, "subscription": settings.name}
    if settings.attempts_max is not None:
        body["deliveryAttempt"] = delivery.attempt
    return json.dumps(body).encode()


def push_headers(settings: SubscriptionSettings, token_key: bytes) -> dict[str, str]:
    """The trace is a new one: the real service's front end starts one for each push too."""
    trace, span = random.getrandbits(128), random.getrandbits(63)
    headers = {
        "content-type": "application/json",
        "accept": "application/json",
        "from": "noreply@google.com",
        "user-agent": USER_AGENT,
        "x-cloud-trace-context": f"{trace:032x}/{span};o=1",
        "traceparent": f"00-{trace:032x}-{span:016x}-01",
    }
    if settings.token_email:
        now = datetime.now(UTC)
        token = push_token(token_key, email=settings.token_email, audience=settings.token_audience, now=now)
        headers["authorization"] = f"Bearer {token}"
    return headers


def _timestamp(time: datetime) -> str:
    """RFC 3339 with as many digits as needed: "2024-03-29T21:28:53.78Z" is a real one."""
    return time.strftime("%Y-%m-%dT%H:%M:%S") + f".{time.microsecond:06d}".rstrip("0").rstrip(".") + "Z"
