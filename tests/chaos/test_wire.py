"""Rollouts on the local cloud while every line between the functions and Google breaks and functions are killed.

The real client libraries, the packaged functions and real requests; the faults come from a seed, their moments do not.
"""

import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from scripts.local_cloud.cloud import LocalCloud
from scripts.local_cloud.leaks import leaks
from scripts.local_cloud.settings import Settings, sample
from shared.rollout.names import Phase
from tests.chaos import rollouts
from tests.chaos.bad_line import BadLine
from tests.chaos.rollouts import CALM, Watcher

SEED = 4
KILLED = (
    "canary_deploy",
    "health_verify",
    "traffic_shift",
    "auto_rollback",
    "notify",
    "rollout_command",
    "image_pushed",
)


class StormyCloud(LocalCloud):
    """Its functions reach Google's services over bad lines; everybody else over good ones."""

    def __init__(self, directory: Path, settings: Settings) -> None:
        super().__init__(directory, settings)
        self.lines: dict[str, BadLine] = {}
        self._storm = ExitStack()

    def function_environment(self) -> dict[str, str]:
        environment = super().function_environment()
        for seed, name in enumerate(
            ("PUBSUB_EMULATOR_HOST", "RUN_ENDPOINT", "MONITORING_ENDPOINT", "STORAGE_EMULATOR_HOST")
        ):
            scheme, _, target = environment[name].rpartition("://")
            if name not in self.lines:
                line = self.lines[name] = BadLine(target, SEED + seed)
                line.start()
                self._storm.callback(line.stop)
            environment[name] = f"{scheme}://{self.lines[name].address}" if scheme else self.lines[name].address
        return environment

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[arg-type]
        self._storm.close()

    def weather(self, *, bad: bool) -> None:
        for line in self.lines.values():
            line.bad = bad


class Killer:
    """Kills one function after the other, each where it stands, until it is told to stop."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.kills = 0
        self._cloud = cloud
        self._random = random.Random(SEED)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.wait(self._random.uniform(0.2, 1.5)):
            self._cloud.functions.crash(self._random.choice(KILLED))
            self.kills += 1


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[StormyCloud]:
    with StormyCloud(tmp_path / "cloud", Settings(strategy=CALM)) as running:
        yield running


@pytest.mark.timeout(600)
def test_rollouts_end_as_they_should_whatever_breaks_between_the_functions_and_google(
    cloud: StormyCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    killer = Killer(cloud)
    with Watcher(cloud) as watcher:
        watcher.promote_first(cloud.push("v1", sample("--version", "v1")))
        traffic = cloud.drive_traffic(requests_per_second=60, web_sockets=5)
        cloud.weather(bad=True)
        killer.start()
        try:
            good = cloud.push("v2", sample("--version", "v2"))
            promoted = watcher.until_it_ends(good, Phase.PROMOTED)
            bad = cloud.push("v3", sample("--version", "v3", "--error-rate", "0.4"))
            back = watcher.until_it_ends(bad, Phase.ROLLED_BACK)
        finally:
            killer.stop()
            cloud.weather(bad=False)
        calm = watcher.until_all_is_told()
    seen = traffic.snapshot()
    news = rollouts.told(cloud, monkeypatch)
    assert killer.kills >= 5
    assert sum(line.broken for line in cloud.lines.values()) >= 20
    assert back.is_known_bad(bad)
    assert back.stable == promoted.stable
    assert rollouts.percents(cloud) == {promoted.stable: 100}
    assert seen["dropped"] == 0
    assert seen["websockets"]["unexpected_closes"] == 0
    assert rollouts.endings(news) == ["rollout.promoted", "rollout.promoted", "rollout.rolled_back"]
    assert len({item.key for item in news}) == len(news)
    assert leaks(cloud.directory, (cloud.token_key,)) == []
    assert max(int(item.key.partition("/")[2][:6]) for item in news) <= calm.sequence
