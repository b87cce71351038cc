"""Google's own Pub/Sub client, pointed at a server on this machine, with short names for short tests."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from google.cloud import pubsub_v1

from scripts.local_cloud.contracts import PROJECT

PATIENCE_SECONDS = 20.0


class Client:
    def __init__(self, publisher: pubsub_v1.PublisherClient, subscriber: pubsub_v1.SubscriberClient) -> None:
        self.publisher = publisher
        self.subscriber = subscriber

    @staticmethod
    def topic_name(name: str) -> str:
        return f"projects/{PROJECT}/topics/{name}"

    @staticmethod
    def subscription_name(name: str) -> str:
        return f"projects/{PROJECT}/subscriptions/{name}"

    def topic(self, name: str) -> str:
        return str(self.publisher.create_topic(name=self.topic_name(name)).name)

    def subscription(self, name: str, topic: str, **fields: Any) -> str:
        request = {"name": self.subscription_name(name), "topic": self.topic_name(topic), **fields}
        return str(self.subscriber.create_subscription(request=request).name)

    def publish(self, topic: str, data: str = "", key: str = "", attributes: Mapping[str, str] | None = None) -> str:
        future = self.publisher.publish(self.topic_name(topic), data.encode(), ordering_key=key, **(attributes or {}))
        return str(future.result(PATIENCE_SECONDS))

    def pull(self, subscription: str, count: int) -> list[Any]:
        """So many messages, however many pulls that takes; leased, not acked."""
        received: list[Any] = []
        until = time.monotonic() + PATIENCE_SECONDS
        while len(received) < count:
            assert time.monotonic() < until, f"{len(received)} messages instead of {count}"
            received += self.pull_once(subscription)
        return received

    def pull_once(self, subscription: str, count_max: int = 100, **fields: Any) -> list[Any]:
        request = {"subscription": self.subscription_name(subscription), "max_messages": count_max, **fields}
        return list(self.subscriber.pull(request=request, timeout=PATIENCE_SECONDS).received_messages)

    def nothing_waits(self, subscription: str) -> bool:
        return not self.pull_once(subscription, return_immediately=True)

    def ack(self, subscription: str, *received: Any) -> None:
        name, ack_ids = self.subscription_name(subscription), [one.ack_id for one in received]
        self.subscriber.acknowledge(subscription=name, ack_ids=ack_ids)

    def extend(self, subscription: str, seconds: int, *received: Any) -> None:
        """0 seconds give the messages back."""
        name, ack_ids = self.subscription_name(subscription), [one.ack_id for one in received]
        self.subscriber.modify_ack_deadline(subscription=name, ack_ids=ack_ids, ack_deadline_seconds=seconds)


@contextmanager
def connected(port: int) -> Iterator[Client]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PUBSUB_EMULATOR_HOST", f"127.0.0.1:{port}")
        options = pubsub_v1.types.PublisherOptions(enable_message_ordering=True)
        publisher, subscriber = pubsub_v1.PublisherClient(publisher_options=options), pubsub_v1.SubscriberClient()
    try:
        yield Client(publisher, subscriber)
    finally:
        publisher.stop()
        publisher.transport.close()
        subscriber.close()
