"""A subscription: its backlog, shared by the threads that publish, pull, push and acknowledge."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from scripts.local_cloud.pubsub.backlog import Backlog, Delivery, Exhausted, StoredMessage
from scripts.local_cloud.pubsub.subscription_settings import SubscriptionSettings

Forward = Callable[[SubscriptionSettings, Exhausted], bool]
"""Publishes to the dead-letter topic; False when there is no such topic."""

Done = Callable[[str, Sequence[str]], None]
"""Is told a subscription's name and the ids of messages it owes no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionReport:
    """`failed` counts single attempts, the others messages."""

    name: str
    topic: str
    push_endpoint: str
    backlog: int
    delivered: int
    failed: int
    dead_lettered: int
    oldest_unacked_seconds: float

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Subscription:
    """Safe to use from many threads. A message stays until it is acked or the dead-letter topic has it."""

    def __init__(self, settings: SubscriptionSettings, forward: Forward, done: Done = lambda _name, _ids: None) -> None:
        self._forward = forward
        self._done = done
        self._changed = threading.Condition()
        self._closed = False
        self._backlog = Backlog(ordered=settings.ordered)
        self.settings = settings
        self.replace(settings)

    def replace(self, settings: SubscriptionSettings) -> None:
        with self._changed:
            self.settings = settings
            self._backlog.backoff = settings.backoff
            self._backlog.attempts_max = settings.attempts_max
            self._changed.notify_all()

    def add(self, message: StoredMessage) -> None:
        """Keeps the message unless the filter does not: then it counts as acknowledged, and nobody sees it."""
        if not self.settings.keeps(message.attributes):
            return
        with self._changed:
            self._backlog.add(message, time.monotonic())
            self._changed.notify_all()

    def take(
        self,
        count_max: int,
        *,
        lease_seconds: float,
        wait_seconds: float = math.inf,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> list[Delivery]:
        """Waits for messages and leases them; none once the time is over, it is cancelled (then `wake`) or closed."""
        until = time.monotonic() + wait_seconds
        while True:
            with self._changed:
                deliveries, exhausted = self._wait(count_max, lease_seconds, until, cancelled)
            self._bury(exhausted)
            if deliveries or not exhausted:
                return deliveries

    def _wait(
        self, count_max: int, lease_seconds: float, until: float, cancelled: Callable[[], bool]
    ) -> tuple[list[Delivery], list[Exhausted]]:
        while not self._closed and not cancelled():
            now = time.monotonic()
            exhausted = self._backlog.expire(now)
            deliveries = self._backlog.lease(count_max, lease_seconds, now)
            if deliveries or exhausted or now >= until:
                return deliveries, exhausted
            pause = min(until, self._backlog.next_event()) - now
            self._changed.wait(None if pause == math.inf else max(0.0, pause))
        return [], []

    def ack(self, ack_ids: Iterable[str]) -> None:
        with self._changed:
            done = self._backlog.ack(ack_ids, time.monotonic())
            self._changed.notify_all()
        if done:
            self._done(self.settings.name, done)

    def nack(self, ack_ids: Iterable[str], reason: str) -> None:
        with self._changed:
            exhausted = self._backlog.nack(ack_ids, reason, time.monotonic())
            self._changed.notify_all()
        self._bury(exhausted)

    def extend(self, ack_ids: Sequence[str], seconds: float) -> None:
        """A deadline of 0 seconds from now is a nack, as in the API."""
        if seconds == 0:
            self.nack(ack_ids, "the subscriber gave it back")
            return
        with self._changed:
            self._backlog.extend(ack_ids, seconds, time.monotonic())
            self._changed.notify_all()

    def held(self, ack_ids: Iterable[str]) -> set[str]:
        """Those of the ack ids whose lease still runs."""
        now = time.monotonic()
        with self._changed:
            return {one for one in ack_ids if (deadline := self._backlog.deadline(one)) is not None and deadline > now}

    def wait_while_held(self, ack_ids: Iterable[str], count: int, cancelled: Callable[[], bool]) -> None:
        """Waits until fewer than so many of the leases run, or it is cancelled (then `wake`) or closed."""
        with self._changed:
            while not self._closed and not cancelled():
                running = [deadline for one in ack_ids if (deadline := self._backlog.deadline(one)) is not None]
                pause = min(running, default=0.0) - time.monotonic()
                if len(running) < count or pause <= 0:
                    return
                self._changed.wait(None if pause == math.inf else pause)

    def wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def report(self) -> SubscriptionReport:
        with self._changed:
            oldest = self._backlog.oldest
            return SubscriptionReport(
                name=self.settings.name,
                topic=self.settings.topic,
                push_endpoint=self.settings.push_endpoint,
                backlog=len(self._backlog),
                delivered=self._backlog.delivered,
                failed=self._backlog.failed,
                dead_lettered=self._backlog.dead_lettered,
                oldest_unacked_seconds=(datetime.now(UTC) - oldest).total_seconds() if oldest else 0.0,
            )

    def _bury(self, exhausted: Iterable[Exhausted]) -> None:
        """Outside the lock, because two subscriptions may be each other's dead letters."""
        for one in exhausted:
            forwarded = self._forward(self.settings, one)
            with self._changed:
                settle = self._backlog.forget if forwarded else self._backlog.retry
                settle(one, time.monotonic())
                self._changed.notify_all()
            if forwarded:
                self._done(self.settings.name, [one.message.id])
