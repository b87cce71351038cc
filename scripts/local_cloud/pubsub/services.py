"""google.pubsub.v1.Publisher and Subscriber as plain objects, for any wire."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import grpc
from google.protobuf import empty_pb2, field_mask_pb2
from google.pubsub_v1 import types

from scripts.local_cloud.gapic.table import Fail, plain
from scripts.local_cloud.pubsub.backlog import Delivery
from scripts.local_cloud.pubsub.broker import Broker, Standing
from scripts.local_cloud.pubsub.drafts import Draft
from scripts.local_cloud.pubsub.streaming_pull import streaming_pull
from scripts.local_cloud.pubsub.subscription_settings import invalid

PULL_SECONDS_MAX = 1.0
"""How long a pull waits for a message: it cannot see that the caller gave up, and would lease it to nobody."""

UPDATABLE = {
    "ack_deadline_seconds",
    "dead_letter_policy",
    "expiration_policy",
    "labels",
    "message_retention_duration",
    "push_config",
    "retain_acked_messages",
    "retry_policy",
}

Metadata = Mapping[str, str]


class PublisherService:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def create_topic(self, request: Any, _metadata: Metadata) -> Any:
        return self._broker.create_topic(plain(request))

    def get_topic(self, request: Any, _metadata: Metadata) -> Any:
        return self._broker.topic(request.topic).resource

    def list_topics(self, request: Any, _metadata: Metadata) -> Any:
        rows = [topic.resource for name, topic in self._broker.topics() if name.startswith(f"{request.project}/")]
        page, token = _page(rows, request.page_size, request.page_token)
        return types.ListTopicsResponse.pb()(topics=page, next_page_token=token)

    def list_topic_subscriptions(self, request: Any, _metadata: Metadata) -> Any:
        self._broker.topic(request.topic)
        rows = [name for name, standing in self._broker.standings() if standing.resource.topic == request.topic]
        page, token = _page(rows, request.page_size, request.page_token)
        return types.ListTopicSubscriptionsResponse.pb()(subscriptions=page, next_page_token=token)

    def delete_topic(self, request: Any, _metadata: Metadata) -> Any:
        self._broker.delete_topic(request.topic)
        return empty_pb2.Empty()

    def publish(self, request: Any, _metadata: Metadata) -> Any:
        drafts = [
            Draft(data=message.data, attributes=dict(message.attributes), ordering_key=message.ordering_key)
            for message in plain(request).messages
        ]
        return types.PublishResponse.pb()(message_ids=self._broker.publish(request.topic, drafts))


class SubscriberService:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def create_subscription(self, request: Any, _metadata: Metadata) -> Any:
        return self._broker.create_subscription(plain(request))

    def get_subscription(self, request: Any, _metadata: Metadata) -> Any:
        return self._broker.standing(request.subscription).resource

    def list_subscriptions(self, request: Any, _metadata: Metadata) -> Any:
        inside = f"{request.project}/"
        rows = [standing.resource for name, standing in self._broker.standings() if name.startswith(inside)]
        page, token = _page(rows, request.page_size, request.page_token)
        return types.ListSubscriptionsResponse.pb()(subscriptions=page, next_page_token=token)

    def update_subscription(self, request: Any, _metadata: Metadata) -> Any:
        """Only what the mask names changes; what the real service fixes at creation is refused."""
        wanted, mask = plain(request).subscription, plain(request).update_mask
        fixed = {path.partition(".")[0] for path in mask.paths} - UPDATABLE
        if fixed or not mask.paths:
            raise invalid(f"update_mask: cannot change {', '.join(sorted(fixed)) or 'nothing'}")
        changed = _copy(self._broker.standing(wanted.name).resource)
        _merge(mask, wanted, changed)
        return self._broker.update_subscription(changed)

    def modify_push_config(self, request: Any, _metadata: Metadata) -> Any:
        changed = _copy(self._broker.standing(request.subscription).resource)
        changed.push_config.CopyFrom(plain(request).push_config)
        self._broker.update_subscription(changed)
        return empty_pb2.Empty()

    def delete_subscription(self, request: Any, _metadata: Metadata) -> Any:
        self._broker.delete_subscription(request.subscription)
        return empty_pb2.Empty()

    def pull(self, request: Any, _metadata: Metadata) -> Any:
        if request.max_messages <= 0:
            raise invalid("max_messages: must be positive")
        standing = self._pullable(request.subscription)
        deliveries = standing.subscription.take(
            request.max_messages,
            lease_seconds=standing.subscription.settings.ack_deadline_seconds,
            wait_seconds=0 if request.return_immediately else PULL_SECONDS_MAX,
        )
        received = [_received(standing, delivery) for delivery in deliveries]
        return types.PullResponse.pb()(received_messages=received)

    def acknowledge(self, request: Any, _metadata: Metadata) -> Any:
        if not request.ack_ids:
            raise invalid("ack_ids: none given")
        self._broker.standing(request.subscription).subscription.ack(request.ack_ids)
        return empty_pb2.Empty()

    def modify_ack_deadline(self, request: Any, _metadata: Metadata) -> Any:
        if not request.ack_ids:
            raise invalid("ack_ids: none given")
        _check_deadline(request.ack_deadline_seconds)
        standing = self._broker.standing(request.subscription)
        standing.subscription.extend(request.ack_ids, request.ack_deadline_seconds)
        return empty_pb2.Empty()

    def streaming_pull(self, requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        first = next(requests, None)
        if first is None:
            return
        standing = self._pullable(first.subscription)
        for deliveries in streaming_pull(standing.subscription, first, requests, context):
            response = types.StreamingPullResponse.pb()(
                received_messages=[_received(standing, delivery) for delivery in deliveries]
            )
            response.subscription_properties.message_ordering_enabled = standing.resource.enable_message_ordering
            yield response
        if standing.subscription.closed:
            raise Fail(grpc.StatusCode.NOT_FOUND, f"Resource not found ({first.subscription}).")

    def _pullable(self, name: str) -> Standing:
        standing = self._broker.standing(name)
        if standing.subscription.settings.push_endpoint:
            raise Fail(grpc.StatusCode.FAILED_PRECONDITION, f"{name} pushes: it cannot be pulled from")
        return standing


def _page(rows: Sequence[Any], size: int, token: str) -> tuple[Sequence[Any], str]:
    """One page of a list and the token of the next, empty at the end. Raises Fail for a token that is none of ours."""
    if token and not token.isdecimal():
        raise invalid(f"Invalid page token: {token!r}")
    start = int(token or 0)
    end = start + (size or len(rows))
    return rows[start:end], str(end) if end < len(rows) else ""


def _check_deadline(seconds: int) -> None:
    if not 0 <= seconds <= 600:
        raise invalid(f"ack_deadline_seconds: {seconds} is not between 0 and 600")


def _received(standing: Standing, delivery: Delivery) -> Any:
    message = delivery.message
    received = types.ReceivedMessage.pb()(ack_id=delivery.ack_id)
    if standing.subscription.settings.attempts_max is not None:
        received.delivery_attempt = delivery.attempt
    received.message.data = message.data
    received.message.attributes.update(message.attributes)
    received.message.message_id = message.id
    received.message.publish_time.FromDatetime(message.published_at)
    received.message.ordering_key = message.ordering_key
    return received


def _copy(resource: Any) -> Any:
    copied = type(resource)()
    copied.CopyFrom(resource)
    return copied


def _merge(mask: field_mask_pb2.FieldMask, source: Any, target: Any) -> None:
    """Raises Fail when the mask names a field that is none."""
    if not mask.IsValidForDescriptor(target.DESCRIPTOR):
        raise invalid(f"update_mask: {', '.join(mask.paths)}: no such field")
    mask.MergeMessage(source, target, replace_message_field=True, replace_repeated_field=True)
