"""Messages that are not published yet: what a publisher gives, and what becomes of one that could not be delivered."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.local_cloud.pubsub.backlog import Exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a publisher gives; the broker adds the id and the time."""

    data: bytes = b""
    attributes: Mapping[str, str] = field(default_factory=dict)
    ordering_key: str = ""


def dead_letter(subscription: str, exhausted: Exhausted) -> Draft:
    """The message with the attributes that tell where it failed. subscription: its full name.

    https://cloud.google.com/pubsub/docs/handling-failures#source_properties
    """
    message, name = exhausted.message, subscription.split("/")
    source = {
        "CloudPubSubDeadLetterSourceDeliveryCount": str(exhausted.attempts),
        "CloudPubSubDeadLetterSourceDeliveryErrorMessage": exhausted.reason,
        "CloudPubSubDeadLetterSourceSubscription": name[3],
        "CloudPubSubDeadLetterSourceSubscriptionProject": name[1],
        "CloudPubSubDeadLetterSourceTopicPublishTime": message.published_at.isoformat(timespec="milliseconds"),
    }
    return Draft(data=message.data, attributes={**message.attributes, **source}, ordering_key=message.ordering_key)
