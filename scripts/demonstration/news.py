"""What the system tells, as it tells it: every announcement on the topic rollout-events, each once."""

import threading
from collections.abc import Callable
from datetime import UTC

from google.api_core import exceptions
from google.pubsub_v1.types import pubsub

from scripts.demonstration.outcome import Different
from scripts.local_cloud.topology import Topology, subscription_path
from shared.events import announcement as announcements
from shared.events.message import Message
from shared.rollout.announcement import Announcement

PULL_SECONDS = 10.0  # longer than the server holds a pull open: what it answers must find us


class News:
    """Listens from `start` to `stop`. decided: called with each announcement, once."""

    def __init__(self, topology: Topology, decided: Callable[[Announcement], None]) -> None:
        self._topology = topology
        self._decided = decided
        self._stopping = threading.Event()
        self._heard = threading.Condition()
        self._announcements: list[Announcement] = []
        self._keys: set[str] = set()
        self._threads: list[threading.Thread] = []
        self._listen("rollout-events", self._announced)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()

    @property
    def heard(self) -> int:
        """How many announcements there were so far: a place to wait from."""
        with self._heard:
            return len(self._announcements)

    def announced(self, after: int = 0) -> list[Announcement]:
        """Every announcement from that place on, each once, in order of arrival."""
        with self._heard:
            return self._announcements[after:]

    def wait_for(self, kinds: str | tuple[str, ...], *, within: float, after: int, **details: str) -> Announcement:
        """The first announcement of one of these kinds with these details. Raises Different when none comes in time."""
        wanted = (kinds,) if isinstance(kinds, str) else kinds

        def found() -> Announcement | None:
            for item in self._announcements[after:]:
                if item.kind in wanted and details.items() <= item.details.items():
                    return item
            return None

        with self._heard:
            item = self._heard.wait_for(found, timeout=within)
        if item is None:
            raise Different(f"no {' or '.join(wanted)} within {within:g} s")
        return item

    def _listen(self, topic: str, take: Callable[[Message], None]) -> None:
        self._topology.keep(f"demonstration-{topic}", topic)
        self._threads.append(threading.Thread(target=self._follow, args=(topic, take), name=f"news-{topic}"))

    def _follow(self, topic: str, take: Callable[[Message], None]) -> None:
        path = subscription_path(f"demonstration-{topic}")
        while not self._stopping.is_set():
            try:
                request = pubsub.PullRequest(subscription=path, max_messages=100)
                answer = self._topology.subscriber.pull(request=request, timeout=PULL_SECONDS, retry=None)
            except exceptions.DeadlineExceeded:
                continue  # nothing was published meanwhile
            except exceptions.GoogleAPICallError:
                if self._stopping.is_set():
                    return
                raise
            for item in answer.received_messages:
                take(
                    Message(
                        id=item.message.message_id,
                        topic=topic,
                        published_at=pubsub.PubsubMessage.pb(item.message).publish_time.ToDatetime(UTC),
                        data=item.message.data,
                        attributes=dict(item.message.attributes),
                    )
                )
            if answer.received_messages:
                ids = [item.ack_id for item in answer.received_messages]
                self._topology.subscriber.acknowledge(subscription=path, ack_ids=ids)

    def _announced(self, message: Message) -> None:
        news = announcements.parse(message)
        with self._heard:
            if news.key in self._keys:
                return
            self._keys.add(news.key)
            self._announcements.append(news)
            self._heard.notify_all()
        self._decided(news)
