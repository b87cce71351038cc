"""Topics and subscriptions by name, and the way of a message from one to the other."""

import itertools
import re
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
from google.pubsub_v1 import types

from scripts.local_cloud.gapic.table import Fail
from scripts.local_cloud.pubsub.backlog import Exhausted, StoredMessage
from scripts.local_cloud.pubsub.drafts import Draft, dead_letter
from scripts.local_cloud.pubsub.journal import Journal, Remains
from scripts.local_cloud.pubsub.push_delivery import PushDelivery
from scripts.local_cloud.pubsub.subscription_settings import SubscriptionSettings, invalid, read_settings
from scripts.local_cloud.pubsub.subscriptions import Subscription

DELETED_TOPIC = "_deleted-topic_"

_NAME = re.compile(r"projects/[^/]+/(topics|subscriptions)/(?!goog)[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")


@dataclass(slots=True, kw_only=True)
class Topic:
    resource: Any
    published: int = 0


@dataclass(slots=True, kw_only=True)
class Standing:
    """A subscription as it stands: its resource, its messages, and the push if it pushes."""

    resource: Any
    subscription: Subscription
    push: PushDelivery | None = None


class Broker:
    """Safe to use from many threads. Raises Fail with the status the real service answers.

    journal: is told everything that must outlive the process, before it is answered.
    """

    def __init__(self, token_key: bytes, *, ack_deadline_seconds_min: float, journal: Journal | None = None) -> None:
        self._token_key = token_key
        self._ack_deadline_seconds_min = ack_deadline_seconds_min
        self._journal = journal
        self._lock = threading.RLock()
        self._topics: dict[str, Topic] = {}
        self._subscriptions: dict[str, Standing] = {}
        # Numbers as long as the real ones, and new ones after a restart, because receivers remember them.
        self._ids = itertools.count(time.time_ns() // 1000)

    def restore(self, left: Remains) -> None:
        """Stands where a former broker stood; `push` delivers what its subscriptions owe."""
        with self._lock:
            for name, written in left.topics.items():
                resource = types.Topic.pb().FromString(written)
                self._topics[name] = Topic(resource=resource, published=left.published[name])
            for name, written in left.subscriptions.items():
                standing = self._stand(types.Subscription.pb().FromString(written))
                for message in left.owed[name].values():
                    standing.subscription.add(message)

    def push(self) -> None:
        """Starts every push that does not run yet."""
        with self._lock:
            for standing in self._subscriptions.values():
                self._start_push(standing)

    def create_topic(self, resource: Any) -> Any:
        _check_name(resource.name, "topics")
        with self._lock:
            if resource.name in self._topics:
                raise Fail(grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists in the project ({resource.name}).")
            if self._journal:
                self._journal.topic(resource)
            self._topics[resource.name] = Topic(resource=resource)
        return resource

    def topic(self, name: str) -> Topic:
        with self._lock:
            if name not in self._topics:
                raise Fail(grpc.StatusCode.NOT_FOUND, f"Resource not found ({name}).")
            return self._topics[name]

    def topics(self) -> list[tuple[str, Topic]]:
        with self._lock:
            return sorted(self._topics.items())

    def delete_topic(self, name: str) -> None:
        """Its subscriptions stay, with what they have."""
        with self._lock:
            self.topic(name)
            if self._journal:
                self._journal.gone(name)
            del self._topics[name]
            for standing in self._subscriptions.values():
                if standing.resource.topic == name:
                    self._replace(standing, _copy(standing.resource, topic=DELETED_TOPIC))

    def publish(self, topic: str, drafts: Iterable[Draft]) -> list[str]:
        """The ids, in order. From here on every subscription of the topic owes the messages."""
        drafts = list(drafts)
        for draft in drafts:
            if not draft.data and not draft.attributes:
                raise invalid("a message needs data or at least one attribute")
        with self._lock:
            target = self.topic(topic)
            now = datetime.now(UTC)
            now = now.replace(microsecond=now.microsecond // 1000 * 1000)
            messages = [
                StoredMessage(
                    id=str(next(self._ids)),
                    published_at=now,
                    data=draft.data,
                    attributes=draft.attributes,
                    ordering_key=draft.ordering_key,
                )
                for draft in drafts
            ]
            if self._journal:
                self._journal.published(topic, messages)
            target.published += len(messages)
            for standing in self._subscriptions.values():
                if standing.resource.topic == topic:
                    for message in messages:
                        standing.subscription.add(message)
        return [message.id for message in messages]

    def create_subscription(self, resource: Any) -> Any:
        _check_name(resource.name, "subscriptions")
        settings = self._read(resource)
        resource = _copy(resource, ack_deadline_seconds=int(settings.ack_deadline_seconds))
        with self._lock:
            self.topic(resource.topic)
            if resource.name in self._subscriptions:
                raise Fail(grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists in the project ({resource.name}).")
            if self._journal:
                self._journal.subscription(resource)
            self._start_push(self._stand(resource))
        return resource

    def standing(self, name: str) -> Standing:
        with self._lock:
            if name not in self._subscriptions:
                raise Fail(grpc.StatusCode.NOT_FOUND, f"Resource not found ({name}).")
            return self._subscriptions[name]

    def standings(self) -> list[tuple[str, Standing]]:
        with self._lock:
            return sorted(self._subscriptions.items())

    def update_subscription(self, resource: Any) -> Any:
        """Takes the whole new resource; what it held is kept and follows the new rules."""
        settings = self._read(resource)
        standing = self.standing(resource.name)
        if not settings.push_endpoint:
            self._stop_push(standing)
        with self._lock:
            self._replace(standing, resource)
            self._start_push(standing)
        return resource

    def delete_subscription(self, name: str) -> None:
        with self._lock:
            standing = self.standing(name)
            if self._journal:
                self._journal.gone(name)
            del self._subscriptions[name]
        self._end(standing)

    def close(self) -> None:
        """Ends every delivery and every waiting pull."""
        with self._lock:
            standings, self._subscriptions = list(self._subscriptions.values()), {}
        for standing in standings:
            self._end(standing)

    def _stand(self, resource: Any) -> Standing:
        done = self._journal.done if self._journal else lambda _name, _ids: None
        standing = Standing(resource=resource, subscription=Subscription(self._read(resource), self._forward, done))
        self._subscriptions[resource.name] = standing
        return standing

    def _end(self, standing: Standing) -> None:
        standing.subscription.close()
        self._stop_push(standing)

    def _read(self, resource: Any) -> SubscriptionSettings:
        return read_settings(resource, ack_deadline_seconds_min=self._ack_deadline_seconds_min)

    def _replace(self, standing: Standing, resource: Any) -> None:
        if self._journal:
            self._journal.subscription(resource)
        standing.resource = resource
        standing.subscription.replace(self._read(resource))

    def _start_push(self, standing: Standing) -> None:
        if standing.push is None and standing.subscription.settings.push_endpoint:
            standing.push = PushDelivery(standing.subscription, self._token_key)
            standing.push.start()

    def _stop_push(self, standing: Standing) -> None:
        """Without the lock: the pushes it waits for may be about to publish a dead letter."""
        with self._lock:
            push, standing.push = standing.push, None
        if push is not None:
            push.stop()

    def _forward(self, settings: SubscriptionSettings, exhausted: Exhausted) -> bool:
        try:
            self.publish(settings.dead_letter_topic, [dead_letter(settings.name, exhausted)])
        except Fail:  # the topic is gone: the message stays with its subscription
            return False
        return True


def _check_name(name: str, collection: str) -> None:
    found = _NAME.fullmatch(name)
    if found is None or found[1] != collection:
        raise invalid(f"Invalid [{collection}] name: (name={name})")


def _copy(resource: Any, **fields: object) -> Any:
    copied = type(resource)()
    copied.CopyFrom(resource)
    for name, value in fields.items():
        setattr(copied, name, value)
    return copied
