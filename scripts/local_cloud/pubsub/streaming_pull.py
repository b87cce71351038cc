"""One streaming pull: messages go out as they come and as flow control allows, acks and deadlines come in."""

import threading
from collections.abc import Iterator
from typing import Any

import grpc

from scripts.local_cloud.pubsub.backlog import Delivery
from scripts.local_cloud.pubsub.subscriptions import Subscription

BATCH_MAX = 1000


def streaming_pull(
    subscription: Subscription, first: Any, requests: Iterator[Any], context: grpc.ServicerContext
) -> Iterator[list[Delivery]]:
    """Batches of messages until the client hangs up or the subscription is gone."""
    stream = _Stream(subscription, first)
    if not context.add_callback(stream.end):
        return
    reader = threading.Thread(target=stream.read, args=(requests,), name="streaming-pull")
    reader.start()
    try:
        yield from stream.batches()
    finally:
        stream.end()


class _Stream:
    def __init__(self, subscription: Subscription, first: Any) -> None:
        self._subscription = subscription
        self._ended = threading.Event()
        self._lease_seconds = float(first.stream_ack_deadline_seconds)
        self._outstanding_max = first.max_outstanding_messages
        self._held: set[str] = set()
        self._settle(first)

    def end(self) -> None:
        self._ended.set()
        self._subscription.wake()

    def read(self, requests: Iterator[Any]) -> None:
        """Until the client hangs up, which gRPC tells by raising."""
        try:
            for request in requests:
                if request.stream_ack_deadline_seconds:
                    self._lease_seconds = float(request.stream_ack_deadline_seconds)
                self._settle(request)
        except grpc.RpcError:
            return

    def batches(self) -> Iterator[list[Delivery]]:
        """What was sent and is neither settled nor expired counts against the client's limit."""
        while not self._ended.is_set() and not self._subscription.closed:
            self._held = self._subscription.held(self._held)
            room = BATCH_MAX
            if self._outstanding_max > 0:
                room = min(room, self._outstanding_max - len(self._held))
            if room <= 0:
                self._subscription.wait_while_held(self._held, self._outstanding_max, self._ended.is_set)
                continue
            deliveries = self._subscription.take(room, lease_seconds=self._lease_seconds, cancelled=self._ended.is_set)
            if deliveries:
                self._held |= {delivery.ack_id for delivery in deliveries}
                yield deliveries

    def _settle(self, request: Any) -> None:
        if request.ack_ids:
            self._subscription.ack(request.ack_ids)
        for ack_id, seconds in zip(request.modify_deadline_ack_ids, request.modify_deadline_seconds, strict=False):
            self._subscription.extend([ack_id], seconds)
