"""The demonstration from the first server to the last row."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.demonstration.findings import Finding
from scripts.demonstration.images import DATABASE, Images
from scripts.demonstration.outcome import Different, Outcome
from scripts.demonstration.scenarios import Scenario, baseline
from scripts.demonstration.screen import Counts, Screen
from scripts.demonstration.stage import Stage
from scripts.demonstration.watch import Watch
from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.settings import Settings

REQUESTS_PER_SECOND = 150.0
WEB_SOCKETS = 20


class Demonstration:
    """A local cloud with traffic, eyes and hands; a context manager that ends all it started."""

    def __init__(self, directory: Path, screen: Screen, images: Images) -> None:
        self.cloud = LocalCloud(directory, Settings(migrates=True, startup_deadline=images.startup_deadline))
        self._images = images
        self._screen = screen
        self._started = time.monotonic()
        self._parts = ExitStack()
        self._stage: Stage | None = None

    def __enter__(self) -> Self:
        with ExitStack() as parts:
            self._screen.said("starting the local cloud: servers, then the functions")
            parts.enter_context(self.cloud)
            if self._images.database is not None:
                parts.callback(self._images.database.stop)
                self._images.database.start()
                self._images.database.query(f"CREATE DATABASE {DATABASE}")
            traffic = self.cloud.drive_traffic(
                requests_per_second=REQUESTS_PER_SECOND,
                web_sockets=WEB_SOCKETS,
                path=self._images.path,
                web_socket_path=self._images.web_socket_path,
            )
            watch = Watch(self.cloud.topology, self.cloud.run_endpoint, self._screen)
            parts.callback(watch.stop)
            watch.start()
            self._stage = Stage(self.cloud, self._images, traffic, watch, self._screen)
            parts.callback(self._stage.close)
            self._parts = parts.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._screen.end()
        self._screen.said("ending everything that was started")
        self._parts.__exit__(kind, error, trace)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._started

    def counts(self) -> Counts:
        """What users got so far."""
        return self._stage.counts() if self._stage else Counts()

    def play(self, scenarios: Sequence[Scenario]) -> list[Outcome]:
        """One outcome per scenario, in order. Raises Different when not even the first release deploys."""
        assert self._stage is not None
        self._screen.begin({scenario.number: scenario.title for scenario in scenarios}, self.counts)
        try:
            self._screen.said("a first deployment")
            baseline(self._stage)
            return [self._play(self._stage, scenario) for scenario in scenarios]
        finally:
            self._screen.end()

    def _play(self, stage: Stage, scenario: Scenario) -> Outcome:
        self._screen.scenario(scenario.number, scenario.title)
        dropped = stage.counts().dropped
        bad = stage.bad_answers()
        try:
            found, different = scenario.play(stage), ""
        except Different as error:
            found = Finding(release="?", outcome="different", why="", seconds=None, revision="")
            different = str(error)
            stage.tidy()
        lost = stage.counts().dropped - dropped
        if lost and not different:
            different = "nothing may be dropped"
        outcome = Outcome(
            number=scenario.number,
            release=found.release,
            outcome=found.outcome,
            why=found.why,
            seconds=found.seconds,
            served_badly=stage.bad_answers().get(found.revision, 0) - bad.get(found.revision, 0),
            dropped=lost,
            different=different,
        )
        self._screen.finished(outcome)
        return outcome
