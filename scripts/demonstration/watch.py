"""The demonstration's eyes: everything it knows comes from the system's own outputs.

Decisions are read from the topic rollout-events, evidence from verdicts, split and record from the service itself.
"""

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC

from google.api_core import exceptions
from google.pubsub_v1.types import pubsub

from scripts.demonstration.outcome import Different
from scripts.demonstration.screen import Screen
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import SERVICE
from scripts.local_cloud.topology import Topology, subscription_path
from shared.adapters.cloud_run import CloudRun
from shared.errors import Unavailable
from shared.events import announcement as announcements
from shared.events import verdict as verdicts
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.announcement import Announcement
from shared.rollout.record import Record
from shared.rollout.service import Service

LOOK_SECONDS = 0.25
PULL_SECONDS = 10.0  # longer than the server holds a pull open: what it answers must find us


class Watch:
    """Follows one service from `start` to `stop` and shows what it sees on the screen."""

    def __init__(self, topology: Topology, run_endpoint: str, screen: Screen) -> None:
        self._topology = topology
        self._run = CloudRun(PROJECT, REGION, run_endpoint)
        self._screen = screen
        self._stopping = threading.Event()
        self._heard = threading.Condition()
        self._announcements: list[Announcement] = []
        self._keys: set[str] = set()
        self._threads = [
            threading.Thread(target=self._follow, args=("rollout-events", self._announced), name="watch-announcements"),
            threading.Thread(target=self._follow, args=("verdicts", self._judged), name="watch-verdicts"),
            threading.Thread(target=self._look, name="watch-service"),
        ]

    def start(self) -> None:
        for topic in ("rollout-events", "verdicts"):
            self._topology.keep(f"demonstration-{topic}", topic)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        self._run.close()

    def service(self) -> Service:
        return self._run.get(SERVICE)

    def record(self) -> Record:
        """Raises Different while the service carries none."""
        text = self.service().record
        if not text:
            raise Different("the service carries no record yet")
        return codec.decode(text)

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

    def wait_until(self, true: Callable[[Service], bool], *, within: float, what: str) -> Service:
        """The service once it is so. Raises Different, naming `what`, when it is not in time."""
        deadline = time.monotonic() + within
        while True:
            service = self.service()
            if true(service):
                return service
            if time.monotonic() > deadline:
                raise Different(f"{what}: not within {within:g} s, traffic is {dict(service.serving)}")
            time.sleep(LOOK_SECONDS / 5)

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
        self._screen.decided(news)

    def _judged(self, message: Message) -> None:
        judged = verdicts.parse(message)
        if judged.verdict is not None:
            self._screen.measured(judged.verdict)

    def _look(self) -> None:
        last: tuple[Mapping[str, int], str] | None = None
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                service = self._run.get(SERVICE)
            except Unavailable:
                continue  # starting or stopping
            phase = ""
            if service.record:
                rollout = codec.decode(service.record).rollout
                if rollout:
                    phase = rollout.phase.value
                    self._screen.named(rollout.canary, rollout.release.tag or rollout.release.short)
            if (service.serving, phase) != last:
                last = (service.serving, phase)
                self._screen.split(dict(service.serving), phase)
