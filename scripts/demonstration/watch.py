"""The demonstration's eyes: everything it knows comes from the system's own outputs.

Decisions are read from the topic rollout-events, evidence from verdicts, split and record from the service itself.
"""

import threading
import time
from collections.abc import Callable, Mapping

from scripts.demonstration.news import News
from scripts.demonstration.outcome import Different
from scripts.demonstration.screen import Screen
from scripts.local_cloud.contracts import PROJECT, REGION
from scripts.local_cloud.settings import SERVICE
from scripts.local_cloud.topology import Topology
from shared.adapters.cloud_run import CloudRun
from shared.errors import Unavailable
from shared.events import verdict as verdicts
from shared.events.message import Message
from shared.rollout import codec
from shared.rollout.record import Record
from shared.rollout.service import Service

LOOK_SECONDS = 0.25


class Watch(News):
    """Follows one service from `start` to `stop` and shows what it sees on the screen."""

    def __init__(self, topology: Topology, run_endpoint: str, screen: Screen) -> None:
        super().__init__(topology, screen.decided)
        self._run = CloudRun(PROJECT, REGION, run_endpoint)
        self._screen = screen
        self._listen("verdicts", self._judged)
        self._threads.append(threading.Thread(target=self._look, name="watch-service"))

    def stop(self) -> None:
        super().stop()
        self._run.close()

    def service(self) -> Service:
        return self._run.get(SERVICE)

    def record(self) -> Record:
        """Raises Different while the service carries none."""
        text = self.service().record
        if not text:
            raise Different("the service carries no record yet")
        return codec.decode(text)

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
